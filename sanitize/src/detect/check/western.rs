//! Western Europe.

use super::date::{is_birth, is_ddmmyy, is_of_some_century, is_yyyymmdd};
use super::iso7064::is_mod_11_10;
use super::luhn::is_luhn;
use super::verhoeff::is_verhoeff;
use super::{are_digits, digit, is_repeated, last, number, weighted};

/// British national insurance numbers: prefixes that are given out (HMRC, National Insurance Manual 39110).
pub(super) fn is_nino(bare: &[u8]) -> bool {
    bare.len() == 9
        && bare[0].is_ascii_uppercase()
        && !b"DFIQUV".contains(&bare[0])
        && bare[1].is_ascii_uppercase()
        && !b"DFIOQUV".contains(&bare[1])
        && !matches!(&bare[..2], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
        && are_digits(&bare[2..8], 6)
        && matches!(bare[8], b'A'..=b'D')
}

/// British taxpayers (UTR): the check digit stands first.
pub(super) fn is_utr(bare: &[u8]) -> bool {
    are_digits(bare, 10) && !is_repeated(bare) && bare[0] == b"21987654321"[weighted(&bare[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) as usize % 11]
}

/// Irish persons (PPS): seven digits, a letter in modulus 23, since 2013 perhaps a second one that counts nine times (Department of Social Protection).
pub(super) fn is_pps(bare: &[u8]) -> bool {
    let second = match bare.get(8) {
        None | Some(b'W') => 0,
        Some(byte @ b'A'..=b'I') => u32::from(byte - b'A' + 1),
        Some(_) => return false,
    };
    matches!(bare.len(), 8 | 9)
        && are_digits(&bare[..7], 7)
        && bare[7] == b"WABCDEFGHIJKLMNOPQRSTUV"[((weighted(&bare[..7], &[8, 7, 6, 5, 4, 3, 2]) + second * 9) % 23) as usize]
}

/// German taxpayers: ISO 7064 MOD 11,10; of the first ten digits one stands two or three times, no other twice (BZSt, "Steuerliche Identifikationsnummer").
pub(super) fn is_steuer_id(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) || bare[0] == b'0' {
        return false;
    }
    let mut counts = [0_u32; 16];
    bare[..10].iter().for_each(|byte| counts[digit(*byte) as usize] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let is_three_in_a_row = bare[..10].windows(3).any(is_repeated);
    repeated == 1 && counts.iter().all(|count| *count <= 3) && !is_three_in_a_row && is_mod_11_10(bare)
}

/// German pension insurance: area, date of birth, letter, serial, and a check digit over the digits' sums (SGB VI § 147, VKVV).
pub(super) fn is_rvnr(bare: &[u8]) -> bool {
    if bare.len() != 12 || !are_digits(&bare[..8], 8) || !bare[8].is_ascii_uppercase() || !are_digits(&bare[9..], 3) {
        return false;
    }
    let (day, month, year) = (number(&bare[2..4]), number(&bare[4..6]), number(&bare[6..8]));
    // A man's day may have 30 added to tell twins apart in some areas; those are found by name.
    is_of_some_century(year, month, day) && lettered_sum(&bare[..8], bare[8], &bare[9..11], &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10 == last(bare)
}

/// German health insurance: a letter, eight digits, and a check digit over the digits' sums (SGB V § 290).
pub(super) fn is_kvnr(bare: &[u8]) -> bool {
    bare.len() == 10
        && bare[0].is_ascii_uppercase()
        && are_digits(&bare[1..], 9)
        && lettered_sum(&[], bare[0], &bare[1..9], &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 == last(bare)
}

/// Products' digit sums, in which a letter counts as the two digits of its place in the alphabet.
fn lettered_sum(before: &[u8], letter: u8, after: &[u8], weights: &[u32]) -> u32 {
    let place = letter - b'A' + 1;
    let digits = before.iter().copied().chain([place / 10, place % 10]).chain(after.iter().copied());
    digits.zip(weights).map(|(byte, weight)| digit(byte) * weight).map(|product| product / 10 + product % 10).sum()
}

/// French social security (NIR): sex, year, month, department, commune, order, and a key of modulus 97; Corsica has letters (INSEE).
pub(super) fn is_nir(bare: &[u8]) -> bool {
    if bare.len() != 15 || !are_digits(&bare[..5], 5) || !bare[5].is_ascii_digit() || !are_digits(&bare[7..], 8) {
        return false;
    }
    let corsican = match (bare[5], bare[6]) {
        (b'2', b'A') => Some(b"19"),
        (b'2', b'B') => Some(b"18"),
        (_, byte) if byte.is_ascii_digit() => None,
        _ => return false,
    };
    let mut plain = [0_u8; 13];
    plain.copy_from_slice(&bare[..13]);
    plain[5..7].copy_from_slice(corsican.map_or(&bare[5..7], |digits| &digits[..]));
    let is_month = matches!(number(&bare[3..5]), 1..=12 | 20 | 30..=42 | 50..=99);
    matches!(bare[0], b'1'..=b'4' | b'7' | b'8') && is_month && &bare[5..7] != b"00" && 97 - number(&plain) % 97 == number(&bare[13..])
}

/// One that tells without a name: a first digit and a month of those who were registered at birth.
pub(super) fn is_telling_nir(bare: &[u8]) -> bool {
    is_nir(bare) && matches!(bare[0], b'1' | b'2') && number(&bare[3..5]) <= 12
}

/// French taxpayers (SPI): the last three digits are the rest modulo 511 (DGFiP).
pub(super) fn is_spi(bare: &[u8]) -> bool {
    are_digits(bare, 13) && bare[0] < b'4' && number(&bare[..10]) % 511 == number(&bare[10..])
}

/// Dutch persons (BSN): the "elfproef", in which the last digit counts against.
pub(super) fn is_bsn(bare: &[u8]) -> bool {
    are_digits(bare, 9) && !is_repeated(bare) && weighted(bare, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
}

/// Belgian persons: date of birth, serial, and a key of modulus 97, before which a 2 is put for those born from 2000. Foreigners' months have 20
/// or 40 added (Registre national, BIS).
pub(super) fn is_belgian(bare: &[u8]) -> bool {
    if !are_digits(bare, 11) {
        return false;
    }
    let (year, month, day) = (number(&bare[..2]), number(&bare[2..4]) % 20, number(&bare[4..6]));
    let (body, key) = (number(&bare[..9]), number(&bare[9..]));
    let is_born = |century: u64| is_birth(century + year, month, day);
    number(&bare[2..4]) <= 52 && ((97 - body % 97 == key && is_born(1900)) || (97 - (2_000_000_000 + body) % 97 == key && is_born(2000)))
}

/// Belgian companies: modulus 97 over eight digits.
pub(super) fn is_belgian_enterprise(bare: &[u8]) -> bool {
    are_digits(bare, 10) && bare[0] < b'2' && 97 - number(&bare[..8]) % 97 == number(&bare[8..])
}

/// Luxembourg: a date, a serial, and two check digits over the same eleven: Luhn's and Verhoeff's (CCSS).
pub(super) fn is_luxembourgish(bare: &[u8]) -> bool {
    if !are_digits(bare, 13) || !is_yyyymmdd(bare) {
        return false;
    }
    let mut second = [0_u8; 12];
    second[..11].copy_from_slice(&bare[..11]);
    second[11] = bare[12];
    is_luhn(&bare[..12]) && is_verhoeff(&second)
}

/// Swiss social insurance (AHV, AVS): the country's 756, and the check digit of an EAN (ZAS).
pub(super) fn is_ahv(bare: &[u8]) -> bool {
    are_digits(bare, 13) && bare.starts_with(b"756") && weighted(bare, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Swiss companies (UID): `CHE`, then modulus 11 (eCH-0097).
pub(super) fn is_uid(bare: &[u8]) -> bool {
    bare.starts_with(b"CHE") && are_digits(&bare[3..], 9) && weighted(&bare[3..], &[5, 4, 3, 2, 7, 6, 5, 4, 1]).is_multiple_of(11)
}

/// Austrian social insurance: serial, check digit in modulus 11, date of birth; months above twelve where a day's serials are used up.
pub(super) fn is_svnr(bare: &[u8]) -> bool {
    are_digits(bare, 10)
        && bare[0] != b'0'
        && (is_ddmmyy(&bare[4..]) || (number(&bare[4..6]) <= 31 && matches!(number(&bare[6..8]), 13..=15)))
        && weighted(bare, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == digit(bare[3])
}
