//! Health: patients and those who treat them.

use super::luhn::luhn_digit;
use super::{are_digits, digit, is_repeated, last, weighted};

/// English and Welsh patients: modulus 11, in which ten is not given out (NHS Data Dictionary).
pub(super) fn is_nhs(bare: &[u8]) -> bool {
    are_digits(bare, 10) && !is_repeated(bare) && (11 - weighted(bare, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == last(bare)
}

/// US providers: a 1 or a 2, and Luhn over them behind the prefix 80840 (45 CFR 162.406, CMS "NPI Check Digit").
pub(super) fn is_npi(bare: &[u8]) -> bool {
    if !are_digits(bare, 10) || !matches!(bare[0], b'1' | b'2') {
        return false;
    }
    let mut prefixed = *b"80840000000000";
    prefixed[5..].copy_from_slice(&bare[..9]);
    luhn_digit(&prefixed) == bare[9] - b'0'
}

/// US prescribers: the kind of registrant, the first letter of the name or a 9, and a digit of the sum of three and twice three (Drug Enforcement
/// Administration).
pub(super) fn is_dea(bare: &[u8]) -> bool {
    bare.len() == 9
        && b"ABCDEFGHJKLMPRSTUX".contains(&bare[0])
        && (bare[1].is_ascii_uppercase() || bare[1] == b'9')
        && are_digits(&bare[2..], 7)
        && !is_repeated(&bare[2..])
        && weighted(&bare[2..], &[1, 2, 1, 2, 1, 2]) % 10 == digit(bare[8])
}

/// US Medicare beneficiaries: a class for each position; letters without those that look like digits (CMS, "MBI Format").
pub(super) fn is_mbi(bare: &[u8]) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    let fits = |class: u8, byte: u8| match class {
        b'C' => matches!(byte, b'1'..=b'9'),
        b'A' => is_letter(byte),
        b'N' => byte.is_ascii_digit(),
        _ => is_letter(byte) || byte.is_ascii_digit(),
    };
    bare.len() == 11 && b"CA*NA*NAANN".iter().zip(bare).all(|(class, byte)| fits(*class, *byte))
}
