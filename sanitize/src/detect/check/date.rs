//! Dates of birth within numbers. Without a clock, the years that people who live now can be born in are a closed range.

use super::number;

/// Whether a year, a month and a day are a date, and of someone who may live.
pub(super) fn is_birth(year: u64, month: u64, day: u64) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&year) && day >= 1 && day <= days(year, month)
}

/// Whether two digits of a year, two of a month, two of a day are a date of birth in some century.
pub(super) fn is_yymmdd(digits: &[u8]) -> bool {
    let (year, month, day) = (number(&digits[..2]), number(&digits[2..4]), number(&digits[4..6]));
    is_of_some_century(year, month, day)
}

/// Whether two digits of a day, two of a month, two of a year are a date of birth in some century.
pub(super) fn is_ddmmyy(digits: &[u8]) -> bool {
    let (day, month, year) = (number(&digits[..2]), number(&digits[2..4]), number(&digits[4..6]));
    is_of_some_century(year, month, day)
}

/// The same, for a year without its century.
pub(super) fn is_of_some_century(year: u64, month: u64, day: u64) -> bool {
    is_birth(1900 + year, month, day) || is_birth(2000 + year, month, day)
}

/// Whether eight digits are year, month and day of a birth.
pub(super) fn is_yyyymmdd(digits: &[u8]) -> bool {
    is_birth(number(&digits[..4]), number(&digits[4..6]), number(&digits[6..8]))
}

fn days(year: u64, month: u64) -> u64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

const FIRST_YEAR: u64 = 1910;
const LAST_YEAR: u64 = 2035;
