//! Southern Europe and the Mediterranean.

use super::date::is_ddmmyy;
use super::iso7064::is_mod_11_10;
use super::luhn::is_luhn;
use super::{are_digits, base36, digit, is_repeated, last, national, number, weighted};

/// The letters of modulus 23 (Ministerio del Interior).
const SPANISH_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Spanish citizens (DNI): eight digits and a letter; seven digits behind K, L or M for those without one.
pub(super) fn is_dni(bare: &[u8]) -> bool {
    let digits = match bare {
        [b'K' | b'L' | b'M', digits @ .., _] if digits.len() == 7 => digits,
        [digits @ .., _] if digits.len() == 8 => digits,
        _ => return false,
    };
    are_digits(digits, digits.len()) && bare[8] == SPANISH_LETTERS[(number(digits) % 23) as usize]
}

/// Foreigners in Spain (NIE): X, Y, Z count as 0, 1, 2.
pub(super) fn is_nie(bare: &[u8]) -> bool {
    bare.len() == 9
        && matches!(bare[0], b'X'..=b'Z')
        && are_digits(&bare[1..8], 7)
        && bare[8] == SPANISH_LETTERS[((u64::from(bare[0] - b'X') * 10_000_000 + number(&bare[1..8])) % 23) as usize]
}

/// Spanish social security: a province, a number, and modulus 97 over both; a short number leaves no gap for its zeros.
pub(super) fn is_nuss(bare: &[u8]) -> bool {
    if !are_digits(bare, 12) || !matches!(number(&bare[..2]), 1..=53 | 66) {
        return false;
    }
    let (province, middle) = (number(&bare[..2]), number(&bare[2..10]));
    let body = if middle < 10_000_000 { province * 10_000_000 + middle } else { province * 100_000_000 + middle };
    body % 97 == number(&bare[10..])
}

/// Spanish companies (CIF): a letter of the kind, seven digits as Luhn has them, and a digit or a letter for the check.
pub(super) fn is_cif(bare: &[u8]) -> bool {
    if bare.len() != 9 || !b"ABCDEFGHJNPQRSUVW".contains(&bare[0]) || !are_digits(&bare[1..8], 7) {
        return false;
    }
    let check = super::luhn_digit(&bare[1..8]);
    bare[8] == b'0' + check || bare[8] == b"JABCDEFGHI"[usize::from(check)]
}

/// Italian persons: consonants of the names, year, month, day and sex, place, and a check letter; where two persons collide, letters stand for
/// digits from the right (Decreto 23 December 1976).
pub(super) fn is_codice_fiscale(bare: &[u8]) -> bool {
    if bare.len() != 16 || !bare.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return false;
    }
    let numeral = |at: usize| match bare[at] {
        byte @ b'0'..=b'9' => Some(u64::from(byte - b'0')),
        byte => b"LMNPQRSTUV".iter().position(|letter| *letter == byte).map(|value| value as u64),
    };
    let are_letters = [0, 1, 2, 3, 4, 5, 8, 11, 15].iter().all(|at| bare[*at].is_ascii_uppercase());
    let are_numerals = [6, 7, 9, 10, 12, 13, 14].iter().all(|at| numeral(*at).is_some());
    let day = numeral(9).unwrap_or(9) * 10 + numeral(10).unwrap_or(9);
    let sum: u32 = bare[..15].iter().enumerate().map(|(position, byte)| if position % 2 == 0 { odd_value(*byte) } else { even_value(*byte) }).sum();
    are_letters && are_numerals && b"ABCDEHLMPRST".contains(&bare[8]) && matches!(day, 1..=31 | 41..=71) && u32::from(bare[15] - b'A') == sum % 26
}

/// What a character counts at an odd place: digits as the letters that have their place in the alphabet.
fn odd_value(byte: u8) -> u32 {
    const VALUES: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    VALUES[even_value(byte) as usize]
}

fn even_value(byte: u8) -> u32 {
    if byte.is_ascii_digit() { digit(byte) } else { base36(byte) - 10 }
}

/// Italian companies: an office, and Luhn (Agenzia delle Entrate).
pub(super) fn is_partita_iva(bare: &[u8]) -> bool {
    let bare = national(bare, b"IT");
    are_digits(bare, 11) && matches!(number(&bare[7..10]), 1..=100 | 120 | 121 | 888 | 999) && number(&bare[..7]) > 0 && is_luhn(bare)
}

/// Portuguese taxpayers: modulus 11, and first digits that are given out (Autoridade Tributária).
pub(super) fn is_nif(bare: &[u8]) -> bool {
    let bare = national(bare, b"PT");
    let check = 11 - weighted(bare, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    are_digits(bare, 9) && bare[0] != b'0' && (bare[0] != b'4' || bare[1] == b'5') && !is_repeated(bare) && last(bare) == if check > 9 { 0 } else { check }
}

/// Portuguese social security: weights of primes in modulus 10.
pub(super) fn is_niss(bare: &[u8]) -> bool {
    are_digits(bare, 11) && matches!(bare[0], b'1' | b'2') && 9 - weighted(bare, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]) % 10 == last(bare)
}

/// Portuguese citizen cards: nine digits, two letters, one digit; Luhn in which letters count from ten.
pub(super) fn is_cartao_cidadao(bare: &[u8]) -> bool {
    let doubled = |value: u32| if value * 2 > 9 { value * 2 - 9 } else { value * 2 };
    bare.len() == 12
        && are_digits(&bare[..9], 9)
        && bare[9..11].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && bare[9..11].iter().any(u8::is_ascii_uppercase)
        && bare[11].is_ascii_digit()
        && bare
            .iter()
            .enumerate()
            .map(|(position, byte)| if position % 2 == 0 { doubled(base36(*byte)) } else { base36(*byte) })
            .sum::<u32>()
            .is_multiple_of(10)
}

/// Greek social security: a date, and Luhn (ΗΔΙΚΑ).
pub(super) fn is_amka(bare: &[u8]) -> bool {
    are_digits(bare, 11) && is_ddmmyy(bare) && is_luhn(bare)
}

/// Greek taxpayers: powers of two in modulus 11.
pub(super) fn is_afm(bare: &[u8]) -> bool {
    let bare = national(bare, b"EL");
    are_digits(bare, 9) && !is_repeated(bare) && weighted(bare, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == last(bare)
}

/// Croatian persons and companies: ISO 7064 MOD 11,10 (Porezna uprava).
pub(super) fn is_oib(bare: &[u8]) -> bool {
    let bare = national(bare, b"HR");
    are_digits(bare, 11) && !is_repeated(bare) && is_mod_11_10(bare)
}

/// Persons in the states that were Yugoslavia: a date with three digits of the year, a region, a serial, modulus 11.
pub(super) fn is_jmbg(bare: &[u8]) -> bool {
    if !are_digits(bare, 13) {
        return false;
    }
    let year = number(&bare[4..7]);
    let year = if year > 800 { 1000 + year } else { 2000 + year };
    let check = 11 - weighted(bare, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    super::date::is_birth(year, number(&bare[2..4]), number(&bare[..2])) && check != 10 && last(bare) == check % 11
}

/// Turkish citizens: two check digits, of odd and even places and of all (Nüfus ve Vatandaşlık İşleri).
pub(super) fn is_tckn(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) || bare[0] == b'0' {
        return false;
    }
    let (odd, even) = (weighted(&bare[..9], &[1, 0, 1, 0, 1, 0, 1, 0, 1]), weighted(&bare[..8], &[0, 1, 0, 1, 0, 1, 0, 1]));
    (odd * 7 + even * 9) % 10 == digit(bare[9]) && (odd + even + digit(bare[9])) % 10 == digit(bare[10])
}

/// Israeli persons: Luhn.
pub(super) fn is_israeli(bare: &[u8]) -> bool {
    are_digits(bare, 9) && !is_repeated(bare) && is_luhn(bare)
}
