//! South America and the Caribbean.

use super::date::is_yyyymmdd;
use super::luhn::is_luhn;
use super::{are_digits, digit, is_repeated, last, number, weighted};

/// A check digit of modulus 11 in which what is above nine counts as none.
fn mod_11(sum: u32) -> u32 {
    match 11 - sum % 11 {
        10 | 11 => 0,
        check => check,
    }
}

/// Brazilian persons (CPF): two check digits in modulus 11 (Receita Federal).
pub(super) fn is_cpf(bare: &[u8]) -> bool {
    are_digits(bare, 11)
        && !is_repeated(bare)
        && mod_11(weighted(bare, &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == digit(bare[9])
        && mod_11(weighted(bare, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == digit(bare[10])
}

/// Brazilian companies (CNPJ): twelve letters or digits, a letter counting as its place in ASCII above that of zero, and two check digits in
/// modulus 11 (Instrução Normativa RFB 2.229/2024).
pub(super) fn is_cnpj(bare: &[u8]) -> bool {
    let sum = |weights: &[u32]| bare.iter().zip(weights).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum::<u32>();
    bare.len() == 14
        && bare.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && are_digits(&bare[12..], 2)
        && !is_repeated(bare)
        && mod_11(sum(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == digit(bare[12])
        && mod_11(sum(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == digit(bare[13])
}

/// One of a head office or an early branch, and no time of day behind a date: enough to tell it without a name or a sign.
pub(super) fn is_head_office(bare: &[u8]) -> bool {
    is_cnpj(bare) && &bare[8..10] == b"00" && !(are_digits(bare, 14) && is_yyyymmdd(bare))
}

/// Brazilian workers (PIS, PASEP, NIS, NIT).
pub(super) fn is_pis(bare: &[u8]) -> bool {
    are_digits(bare, 11) && !is_repeated(bare) && mod_11(weighted(bare, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == last(bare)
}

/// Argentine taxpayers and workers (CUIT, CUIL): modulus 11 (ANSES).
pub(super) fn is_cuit(bare: &[u8]) -> bool {
    are_digits(bare, 11)
        && matches!(number(&bare[..2]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55)
        && weighted(bare, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Chilean persons and companies (RUT): modulus 11, in which ten is `K` (Servicio de Registro Civil).
pub(super) fn is_rut(bare: &[u8]) -> bool {
    let Some((check, rest)) = bare.split_last() else { return false };
    let sum: u32 = rest.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(byte, weight)| digit(*byte) * weight).sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        check => b'0' + check as u8,
    };
    matches!(rest.len(), 7 | 8) && are_digits(rest, rest.len()) && !is_repeated(rest) && *check == expected
}

/// One that tells without its points: no date with a number behind it.
pub(super) fn is_telling_rut(bare: &[u8]) -> bool {
    is_rut(bare) && bare.len() == 9 && !is_yyyymmdd(bare)
}

/// Colombian taxpayers (NIT): weights of primes in modulus 11 (DIAN, orden administrativa 4 of 1989).
pub(super) fn is_nit(bare: &[u8]) -> bool {
    let Some((check, rest)) = bare.split_last() else { return false };
    let sum: u32 = rest.iter().rev().zip([3, 7, 13, 17, 19, 23, 29, 37, 41, 43]).map(|(byte, weight)| digit(*byte) * weight).sum();
    let expected = if sum % 11 < 2 { sum % 11 } else { 11 - sum % 11 };
    matches!(rest.len(), 8..=10) && are_digits(bare, bare.len()) && digit(*check) == expected
}

/// Ecuadorian persons: a province, a third digit below six, Luhn (Registro Civil).
pub(super) fn is_ecuadorian(bare: &[u8]) -> bool {
    are_digits(bare, 10) && matches!(number(&bare[..2]), 1..=24 | 30) && bare[2] < b'6' && is_luhn(bare)
}

/// Uruguayan persons: weights 2, 9, 8, 7, 6, 3, 4 in modulus 10 (Dirección Nacional de Identificación Civil).
pub(super) fn is_uruguayan(bare: &[u8]) -> bool {
    are_digits(bare, 8) && !is_repeated(bare) && weighted(bare, &[2, 9, 8, 7, 6, 3, 4, 1]).is_multiple_of(10)
}

/// Dominican persons: Luhn (Junta Central Electoral).
pub(super) fn is_dominican(bare: &[u8]) -> bool {
    are_digits(bare, 11) && matches!(number(&bare[..3]), 1..=140 | 402) && is_luhn(bare)
}

/// Peruvian taxpayers (RUC): modulus 11 (SUNAT).
pub(super) fn is_ruc(bare: &[u8]) -> bool {
    are_digits(bare, 11) && matches!(number(&bare[..2]), 10 | 15..=17 | 20) && (11 - weighted(bare, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10 == last(bare)
}
