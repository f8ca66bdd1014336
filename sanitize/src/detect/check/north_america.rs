//! The United States, Canada and Mexico.

use super::date::is_yymmdd;
use super::luhn::is_luhn;
use super::{are_digits, is_repeated, number};

/// US social security numbers: area, group and serial that are given out (Social Security Administration, "SSN Randomization").
pub(crate) fn is_ssn(digits: &[u8]) -> bool {
    digits.len() == 9 && !matches!(number(&digits[..3]), 0 | 666 | 900..) && number(&digits[3..5]) != 0 && number(&digits[5..]) != 0
}

/// US individual taxpayer numbers: areas from 900, and the groups of Internal Revenue Manual 3.21.263.
pub(super) fn is_itin(bare: &[u8]) -> bool {
    are_digits(bare, 9) && bare[0] == b'9' && matches!(number(&bare[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// US employer numbers: the prefixes that the Internal Revenue Service gives out.
pub(super) fn is_ein(bare: &[u8]) -> bool {
    are_digits(bare, 9) && !matches!(number(&bare[..2]), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97) && number(&bare[2..]) != 0
}

/// Canadian social insurance numbers: Luhn, and no number begins with 0 or 8.
pub(super) fn is_sin(bare: &[u8]) -> bool {
    are_digits(bare, 9) && !matches!(bare[0], b'0' | b'8') && !is_repeated(bare) && is_luhn(bare)
}

/// Mexico's population register (CURP): letters of the names, a date, sex, state, inner consonants. The last digit is not asked: registers
/// before 1998 have wrong ones, and the shape is rare enough.
pub(super) fn is_curp(bare: &[u8]) -> bool {
    bare.len() == 18
        && bare[..4].iter().all(u8::is_ascii_uppercase)
        && bare[4..10].iter().all(u8::is_ascii_digit)
        && is_yymmdd(&bare[4..])
        && matches!(bare[10], b'H' | b'M' | b'X')
        && STATES.as_bytes().chunks(3).any(|state| state[..2] == bare[11..13])
        && bare[13..16].iter().all(|byte| byte.is_ascii_uppercase() && !b"AEIOU".contains(byte))
        && bare[16].is_ascii_alphanumeric()
        && bare[17].is_ascii_digit()
}

const STATES: &str = "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL QT QR SP SL SR TC TS TL VZ YN ZS NE";

/// Mexican taxpayers (RFC): three letters of a company or four of a person, a date, a mark of two, and a check character in modulus 11 (Anexo 1
/// of the Miscelánea Fiscal).
pub(super) fn is_rfc(bare: &[u8]) -> bool {
    let letters = match bare.len() {
        12 => 3,
        13 => 4,
        _ => return false,
    };
    let is_formed = bare[..letters].iter().all(u8::is_ascii_uppercase)
        && bare[letters..letters + 6].iter().all(u8::is_ascii_digit)
        && is_yymmdd(&bare[letters..])
        && bare[letters + 6..].iter().all(u8::is_ascii_alphanumeric);
    // A company's number counts as if a space, of the value 37, stood before it.
    let sum: u32 =
        bare[..bare.len() - 1].iter().rev().zip(2..).map(|(byte, weight)| rfc_value(*byte) * weight).sum::<u32>() + if letters == 3 { 37 * 13 } else { 0 };
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        check => b'0' + check as u8,
    };
    is_formed && bare[bare.len() - 1] == expected
}

/// The ampersand stands between N and O.
fn rfc_value(byte: u8) -> u32 {
    super::base36(byte) + u32::from(byte >= b'O')
}
