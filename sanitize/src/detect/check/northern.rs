//! Northern Europe and the Baltic states.

use super::date::{is_birth, is_ddmmyy, is_of_some_century};
use super::luhn::is_luhn;
use super::{are_digits, digit, last, number, weighted};

/// Swedish persons: a date, a serial, Luhn over ten digits; 60 is added to the day of a coordination number (Skatteverket, SKV 704 and 707).
pub(super) fn is_personnummer(bare: &[u8]) -> bool {
    let ten = match bare.len() {
        10 => bare,
        12 if matches!(number(&bare[..2]), 19 | 20) => &bare[2..],
        _ => return false,
    };
    if !are_digits(ten, 10) {
        return false;
    }
    let (year, month, day) = (number(&ten[..2]), number(&ten[2..4]), number(&ten[4..6]));
    let day = if day > 60 { day - 60 } else { day };
    let is_born = match bare.len() {
        12 => is_birth(number(&bare[..4]), month, day),
        _ => is_of_some_century(year, month, day),
    };
    is_born && is_luhn(ten)
}

/// Finnish persons: a date, a sign of the century (those of 2023 with it), a serial, a character of modulus 31 (Digi- ja väestötietovirasto).
/// The sign of a century without a letter is a separator, and may be taken out.
pub(super) fn is_hetu(bare: &[u8]) -> bool {
    let (date, serial) = match bare.len() {
        10 => (&bare[..6], &bare[6..]),
        11 if matches!(bare[6], b'A'..=b'F' | b'U'..=b'Y' | b'-' | b'+') => (&bare[..6], &bare[7..]),
        _ => return false,
    };
    if !are_digits(date, 6) || !are_digits(&serial[..3], 3) || number(&serial[..3]) < 2 || !is_ddmmyy(date) {
        return false;
    }
    let remainder = (number(date) * 1000 + number(&serial[..3])) % 31;
    serial[3] == b"0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder as usize]
}

/// Danish persons: a date and a serial. Since 2007 numbers are given out that fail modulus 11 (CPR-kontoret).
pub(super) fn is_cpr(bare: &[u8]) -> bool {
    are_digits(bare, 10) && is_ddmmyy(bare)
}

/// One that passes modulus 11, as those before 2007 do.
pub(super) fn is_checked_cpr(bare: &[u8]) -> bool {
    is_cpr(bare) && weighted(bare, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Norwegian persons: a date, a serial, two check digits in modulus 11; 40 is added to the day of a D number, to the month of a hospital's (Skatteetaten).
pub(super) fn is_fodselsnummer(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) {
        return false;
    }
    let (day, month, year) = (number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6]));
    is_of_some_century(year, month % 40, if day > 40 { day - 40 } else { day })
        && weighted(bare, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(bare, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Icelandic persons: a date, a serial, a check digit in modulus 11, the century; 40 is added to a company's day (Þjóðskrá).
pub(super) fn is_kennitala(bare: &[u8]) -> bool {
    if !are_digits(bare, 10) {
        return false;
    }
    let (day, month, year) = (number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6]));
    matches!(bare[9], b'8' | b'9' | b'0')
        && is_of_some_century(year, month, if day > 40 { day - 40 } else { day })
        && weighted(bare, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Estonian and Lithuanian persons: century and sex, a date, a serial, modulus 11 with second weights where ten remains.
pub(super) fn is_baltic(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) || !matches!(bare[0], b'1'..=b'6') {
        return false;
    }
    let century = 1800 + u64::from(bare[0] - b'1') / 2 * 100;
    let check = match weighted(bare, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(bare, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    is_birth(century + number(&bare[1..3]), number(&bare[3..5]), number(&bare[5..7])) && check == last(bare)
}

/// Latvian persons: a date, a century, a serial, a check digit in modulus 11; those from 2017 begin with 32 and say nothing.
pub(super) fn is_latvian(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) {
        return false;
    }
    let check = (1101 - weighted(bare, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11;
    bare.starts_with(b"32") || (is_ddmmyy(bare) && matches!(bare[6], b'0'..=b'2') && check % 10 == digit(bare[10]))
}
