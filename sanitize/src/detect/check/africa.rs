//! Africa.

use super::date::{is_birth, is_yymmdd};
use super::luhn::is_luhn;
use super::{are_digits, number};

/// South Africans: a date, a serial, citizenship, a digit that was a race until 1986 and is 8 or 9 since, Luhn (Home Affairs).
pub(super) fn is_south_african(bare: &[u8]) -> bool {
    are_digits(bare, 13) && is_yymmdd(bare) && matches!(bare[10], b'0'..=b'2') && matches!(bare[11], b'8' | b'9') && is_luhn(bare)
}

/// Egyptians: a century, a date, a governorate, a serial.
pub(super) fn is_egyptian(bare: &[u8]) -> bool {
    are_digits(bare, 14)
        && matches!(bare[0], b'2' | b'3')
        && is_birth(1700 + u64::from(bare[0] - b'0') * 100 + number(&bare[1..3]), number(&bare[3..5]), number(&bare[5..7]))
        && matches!(number(&bare[7..9]), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
}
