//! Asia and the Gulf.

use super::date::{is_birth, is_of_some_century, is_yymmdd, is_yyyymmdd};
use super::iso7064::is_mod_11_2;
use super::luhn::is_luhn;
use super::verhoeff::is_verhoeff;
use super::{are_digits, base36, digit, is_repeated, last, number, weighted};

/// Indian residents: twelve digits, none of the first below 2, Verhoeff (UIDAI).
pub(super) fn is_aadhaar(bare: &[u8]) -> bool {
    are_digits(bare, 12) && bare[0] > b'1' && !is_repeated(bare) && is_verhoeff(bare)
}

/// Indian taxpayers: three letters, the kind of holder, a letter, four digits, a letter (Income Tax Department).
pub(super) fn is_indian_pan(bare: &[u8]) -> bool {
    bare.len() == 10
        && bare[..5].iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHJKLPT".contains(&bare[3])
        && are_digits(&bare[5..9], 4)
        && &bare[5..9] != b"0000"
        && bare[9].is_ascii_uppercase()
}

/// Indian sales tax: a state, a taxpayer, an entity, `Z`, and Luhn's check in base 36 (GSTN).
pub(super) fn is_gstin(bare: &[u8]) -> bool {
    let is_formed =
        bare.len() == 15 && are_digits(&bare[..2], 2) && matches!(number(&bare[..2]), 1..=38 | 97 | 99) && is_indian_pan(&bare[2..12]) && bare[13] == b'Z';
    let products = bare.iter().take(14).zip([1, 2].iter().cycle()).map(|(byte, weight)| base36(*byte) * weight);
    is_formed && base36(bare[14]) == (36 - products.map(|product| product / 36 + product % 36).sum::<u32>() % 36) % 36
}

/// Chinese residents: a region, a date, a serial, ISO 7064 MOD 11-2 (GB 11643).
pub(super) fn is_resident_id(bare: &[u8]) -> bool {
    bare.len() == 18
        && are_digits(&bare[..17], 17)
        && (bare[17].is_ascii_digit() || bare[17] == b'X')
        && matches!(number(&bare[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
        && is_yyyymmdd(&bare[6..])
        && is_mod_11_2(bare)
}

/// Japanese residents (My Number): modulus 11 (Ministry of Internal Affairs, order 85 of 2014).
pub(super) fn is_my_number(bare: &[u8]) -> bool {
    let check = match weighted(bare, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder,
    };
    are_digits(bare, 12) && !is_repeated(bare) && check == last(bare)
}

/// Korean residents: a date, century and sex, a serial, modulus 11. Numbers given out from October 2020 have a random check digit.
pub(super) fn is_rrn(bare: &[u8]) -> bool {
    if !are_digits(bare, 13) {
        return false;
    }
    let century = match bare[6] {
        b'1' | b'2' | b'5' | b'6' => 1900,
        b'3' | b'4' | b'7' | b'8' => 2000,
        _ => 1800,
    };
    let check = (11 - weighted(bare, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
    let is_random = century == 2000 && number(&bare[..4]) >= 2010;
    // Foreigners' check digit is two more.
    let is_foreign = matches!(bare[6], b'5'..=b'8') && (check + 2) % 10 == last(bare);
    is_birth(century + number(&bare[..2]), number(&bare[2..4]), number(&bare[4..6])) && (check == last(bare) || is_foreign || is_random)
}

/// Korean companies: weights 1, 3, 7 in modulus 10 (National Tax Service).
pub(super) fn is_brn(bare: &[u8]) -> bool {
    let carried = || digit(bare[8]) * 5 / 10;
    are_digits(bare, 10) && number(&bare[..3]) > 100 && (weighted(bare, &[1, 3, 7, 1, 3, 7, 1, 3, 5, 1]) + carried()).is_multiple_of(10)
}

/// Taiwanese citizens and residents: a letter of the place, sex or status, and weights in modulus 10 (National Immigration Agency).
pub(super) fn is_taiwanese(bare: &[u8]) -> bool {
    if bare.len() != 10 || !bare[0].is_ascii_uppercase() || !matches!(bare[1], b'1' | b'2' | b'8' | b'9') || !are_digits(&bare[1..], 9) {
        return false;
    }
    const PLACES: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let place = PLACES.iter().position(|letter| *letter == bare[0]).map_or(10, |place| place as u32 + 10);
    (place / 10 + place % 10 * 9 + weighted(&bare[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1])).is_multiple_of(10)
}

/// Hong Kong residents: one letter or two, six digits, modulus 11 in which ten is `A` and a missing letter counts 36 (Immigration Department).
pub(super) fn is_hkid(bare: &[u8]) -> bool {
    let (letters, rest) = match bare.len() {
        8 => (36 * 9 + base36(bare[0]) * 8, &bare[1..]),
        9 => (base36(bare[0]) * 9 + base36(bare[1]) * 8, &bare[2..]),
        _ => return false,
    };
    let check = match rest[6] {
        b'A' => 10,
        byte if byte.is_ascii_digit() => digit(byte),
        _ => return false,
    };
    bare[..bare.len() - 7].iter().all(u8::is_ascii_uppercase)
        && are_digits(&rest[..6], 6)
        && (letters + weighted(&rest[..6], &[7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11)
}

/// Singapore's citizens and foreigners: a letter of the series (M since 2022), seven digits, a letter of modulus 11 (ICA).
pub(super) fn is_nric(bare: &[u8]) -> bool {
    if bare.len() != 9 || !are_digits(&bare[1..8], 7) {
        return false;
    }
    let (offset, letters) = match bare[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    bare[8] == letters[((weighted(&bare[1..8], &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11) as usize]
}

/// Malaysians: a date, a place of birth, a serial (JPN).
pub(super) fn is_mykad(bare: &[u8]) -> bool {
    are_digits(bare, 12) && is_yymmdd(bare) && matches!(number(&bare[6..8]), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99)
}

/// Thais: thirteen digits, modulus 11 (Department of Provincial Administration).
pub(super) fn is_thai(bare: &[u8]) -> bool {
    are_digits(bare, 13)
        && matches!(bare[0], b'1'..=b'8')
        && !is_repeated(bare)
        && (11 - weighted(bare, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == last(bare)
}

/// Indonesians: a province, a regency, a district, a date (40 is added to a woman's day), a serial (Dukcapil).
pub(super) fn is_nik(bare: &[u8]) -> bool {
    if !are_digits(bare, 16) {
        return false;
    }
    let (day, month, year) = (number(&bare[6..8]), number(&bare[8..10]), number(&bare[10..12]));
    matches!(number(&bare[..2]), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
        && number(&bare[2..4]) > 0
        && is_of_some_century(year, month, if day > 40 { day - 40 } else { day })
        && number(&bare[12..]) > 0
}

/// Pakistanis: a province, then serials (NADRA).
pub(super) fn is_cnic(bare: &[u8]) -> bool {
    are_digits(bare, 13) && matches!(bare[0], b'1'..=b'7') && !is_repeated(bare)
}

/// Iranians: modulus 11 (Sabt-e Ahval).
pub(super) fn is_iranian(bare: &[u8]) -> bool {
    let check = match weighted(bare, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        remainder @ (0 | 1) => remainder,
        remainder => 11 - remainder,
    };
    are_digits(bare, 10) && !is_repeated(bare) && check == last(bare)
}

/// The Emirates: the country's 784, a year of birth, a serial, Luhn (ICP).
pub(super) fn is_emirati(bare: &[u8]) -> bool {
    are_digits(bare, 15) && bare.starts_with(b"784") && is_birth(number(&bare[3..7]), 1, 1) && is_luhn(bare)
}

/// Saudi citizens and residents: a 1 or a 2, and Luhn.
pub(super) fn is_saudi(bare: &[u8]) -> bool {
    are_digits(bare, 10) && matches!(bare[0], b'1' | b'2') && !is_repeated(bare) && is_luhn(bare)
}
