//! Australia and New Zealand.

use super::{are_digits, digit, is_repeated, last, number, weighted};

/// Australian taxpayers: weights in modulus 11, of nine digits or, the old ones, eight (Australian Taxation Office).
pub(super) fn is_tfn(bare: &[u8]) -> bool {
    match bare.len() {
        8 => are_digits(bare, 8) && !is_repeated(bare) && weighted(bare, &[10, 7, 8, 4, 6, 3, 5, 1]).is_multiple_of(11),
        9 => are_digits(bare, 9) && !is_repeated(bare) && weighted(bare, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
        _ => false,
    }
}

/// Australian Medicare cards: a first digit from 2 to 6, weights 1, 3, 7, 9 in modulus 10, the issue, perhaps the person on the card.
pub(super) fn is_medicare(bare: &[u8]) -> bool {
    matches!(bare.len(), 10 | 11)
        && are_digits(bare, bare.len())
        && matches!(bare[0], b'2'..=b'6')
        && weighted(bare, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(bare[8])
        && bare[9..].iter().all(|byte| *byte != b'0')
}

/// Australian businesses: modulus 89, the first digit less one.
pub(super) fn is_abn(bare: &[u8]) -> bool {
    are_digits(bare, 11) && bare[0] > b'0' && (weighted(bare, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) + 79).is_multiple_of(89)
}

/// Australian companies: weights 8 to 1 in modulus 10.
pub(super) fn is_acn(bare: &[u8]) -> bool {
    are_digits(bare, 9) && !is_repeated(bare) && weighted(bare, &[8, 7, 6, 5, 4, 3, 2, 1, 1]).is_multiple_of(10)
}

/// New Zealand's taxpayers: modulus 11, with second weights where ten remains (Inland Revenue).
pub(super) fn is_ird(bare: &[u8]) -> bool {
    let mut nine = *b"000000000";
    match bare.len() {
        8 => nine[1..].copy_from_slice(bare),
        9 => nine.copy_from_slice(bare),
        _ => return false,
    }
    let check = |weights: &[u32]| (11 - weighted(&nine, weights) % 11) % 11;
    let check = match check(&[3, 2, 7, 6, 5, 4, 3, 2]) {
        10 => check(&[7, 4, 3, 2, 5, 2, 7, 6]),
        check => check,
    };
    are_digits(bare, bare.len()) && (10_000_000..150_000_000).contains(&number(bare)) && check == last(bare)
}

/// New Zealand's patients: three letters without I and O, three digits, and a check digit in modulus 11; those of 2019 end in
/// two letters, the last of modulus 23 or, in later editions, 24 (HISO 10046).
pub(super) fn is_nhi(bare: &[u8]) -> bool {
    const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let place = |byte: u8| LETTERS.iter().position(|letter| *letter == byte).map(|place| place as u32 + 1);
    let value = |byte: u8| if byte.is_ascii_digit() { Some(digit(byte)) } else { place(byte) };
    if bare.len() != 7 || !bare[..3].iter().all(|byte| place(*byte).is_some()) || !are_digits(&bare[3..5], 2) {
        return false;
    }
    let sum: u32 = bare[..6].iter().zip([7, 6, 5, 4, 3, 2]).map(|(byte, weight)| value(*byte).unwrap_or(0) * weight).sum();
    match (bare[5], bare[6]) {
        (b'0'..=b'9', b'0'..=b'9') => !sum.is_multiple_of(11) && (11 - sum % 11) % 10 == digit(bare[6]),
        (b'A'..=b'Z', b'A'..=b'Z') => place(bare[6]).is_some_and(|check| check == 23 - sum % 23 || check == 24 - sum % 24),
        _ => false,
    }
}
