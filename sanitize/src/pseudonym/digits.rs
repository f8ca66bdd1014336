//! Values that are mostly digits: cards, bank accounts, phones, identifiers. Separators stay where they are.

use super::prf::Prf;
use super::{identity, internet, opaque};
use crate::detect::check::{iban_check_digits, luhn_digit};

/// A card: length and brand stay, the issuer becomes one whose numbers are published for tests, the check digit is right.
pub(super) fn card(prf: &Prf, text: &str) -> Option<String> {
    let digits = digits_of(text);
    if !(12..=19).contains(&digits.len()) {
        return None;
    }
    let issuer: &[u8] = match (digits[0], digits[1], digits.len()) {
        (3, 4 | 7, 15) => &[3, 7, 8, 2, 8, 2],
        (3, 5, _) => &[3, 5, 3, 0, 1, 1],
        (3, _, _) => &[3, 0, 5, 6, 9, 3],
        (5, _, _) => &[5, 5, 5, 5, 5, 5],
        (2, _, _) => &[2, 2, 2, 3, 0, 0],
        (6, _, _) => &[6, 0, 1, 1, 1, 1],
        _ => &[4, 2, 4, 2, 4, 2],
    };
    // One to one among the cards of one issuer; those of another one meet them once in as many cards as there are.
    let (own, rest) = (&digits[..issuer.len()], &digits[issuer.len()..digits.len() - 1]);
    let places: Vec<(u8, u8)> = rest.iter().map(|digit| (*digit, 10)).collect();
    let own: String = own.iter().map(|digit| char::from(digit + b'0')).collect();
    (0..MAX_ATTEMPTS).find_map(|attempt| {
        let mut made = [issuer, &prf.permute_places(&format!("card {own} {attempt}"), &places)].concat();
        made.push(luhn_digit(&made));
        (made != digits).then(|| with_digits(text, &made))
    })
}

/// An IBAN: country and length stay, the bank becomes one that there is not, the account is another one, the check digits are right.
pub(super) fn iban(prf: &Prf, text: &str) -> Option<String> {
    let bare: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect();
    if bare.len() < 15 || bare.len() > 34 || !bare[..2].iter().all(u8::is_ascii_uppercase) || !bare[2..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let country = std::str::from_utf8(&bare[..2]).ok()?;
    let (skipped, bank) = BANK_CODES.iter().find(|(countries, _, _)| countries.contains(country)).map_or((0, 4), |(_, skipped, length)| (*skipped, *length));
    let account = 4 + skipped + bank;
    let own = std::str::from_utf8(bare.get(4..account)?).ok()?;
    let place = |byte: &u8| if byte.is_ascii_digit() { (byte - b'0', 10) } else { (byte - b'A', 26) };
    let places: Vec<(u8, u8)> = bare[account..].iter().map(place).collect();
    (0..MAX_ATTEMPTS).find_map(|attempt| {
        let mut made = bare.clone();
        // No bank has a code of nines, or of the letter that stands for none.
        made[4 + skipped..account].iter_mut().for_each(|byte| *byte = if byte.is_ascii_digit() { b'9' } else { b'X' });
        let images = prf.permute_places(&format!("iban {country} {own} {attempt}"), &places);
        for ((byte, image), (_, radix)) in made[account..].iter_mut().zip(images).zip(&places) {
            *byte = image + if *radix == 10 { b'0' } else { b'A' };
        }
        let check = iban_check_digits(&made);
        made[2..4].copy_from_slice(&check);
        (made != bare).then(|| with_alphanumerics(text, &made))
    })
}

/// Where the pseudonyms of a kind of value are, if there is a space set aside for it that is too small for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Where every value has its own: it may be someone else's.
    Unique,
    /// In the space that is no one's: two values may meet.
    Reserved,
}

/// A phone number: the plus and the country code stay, and so does the number of digits.
pub(super) fn phone(prf: &Prf, text: &str, space: Space) -> Option<String> {
    let digits = digits_of(text);
    if digits.len() < 5 {
        return None;
    }
    let trimmed = text.trim_start();
    // `0049 30 …` is `+49 30 …`.
    let lead = if !trimmed.starts_with('+') && digits.starts_with(&[0, 0]) && digits.len() >= 10 { 2 } else { 0 };
    let is_international = trimmed.starts_with('+') || lead > 0;
    let kept = if is_international { lead + country_code_length(&digits[lead..]) } else { 0 };
    let (before, national) = digits.split_at(kept.min(digits.len()));
    let code: String = before[lead.min(before.len())..].iter().map(|digit| char::from(digit + b'0')).collect();
    // A zero in brackets is dialled within the country only: `+49 (0)30 …`.
    let trunk = usize::from(is_international && national.first() == Some(&0) && text.contains("(0)"));
    let (trunk, national) = national.split_at(trunk);
    if space == Space::Reserved
        && let Some(made) = reserved_phone(prf, &code, national)
    {
        return Some(with_digits(text, &[before, trunk, &made].concat()));
    }
    // Areas and exchanges of North America begin with 2 and more.
    let is_dialled = |digits: &[u8]| digits.len() == 10 && digits[0] > 1 && digits[3] > 1;
    let must_be_dialled = matches!(code.as_str(), "" | "1") && is_dialled(national);
    let places: Vec<(u8, u8)> = national.iter().map(|digit| (*digit, 10)).collect();
    let tweak = format!("phone {code}");
    let mut images = national.to_vec();
    loop {
        images = prf.permute_decimal(&tweak, &images).unwrap_or_else(|| {
            let places: Vec<(u8, u8)> = places.iter().zip(&images).map(|((_, radix), image)| (*image, *radix)).collect();
            prf.permute_places(&tweak, &places)
        });
        // Walking on until it is of the same kind again keeps it one to one.
        if is_dialled(&images) == must_be_dialled || !matches!(code.as_str(), "" | "1") {
            return (images != national).then(|| with_digits(text, &[before, trunk, &images].concat()));
        }
    }
}

/// A number of those that regulators set aside for fiction, if the country has such of this length.
fn reserved_phone(prf: &Prf, code: &str, national: &[u8]) -> Option<Vec<u8>> {
    let forms: Vec<&str> = FICTITIOUS.iter().filter(|(country, _)| *country == code).map(|(_, form)| *form).collect();
    let fits = |form: &&&str| form.len() == national.len();
    // A mobile number stays one where it can.
    let form = forms.iter().filter(fits).find(|form| form.as_bytes()[0] == national[0] + b'0').or_else(|| forms.iter().find(fits))?;
    let mut stream = prf.stream(&format!("phone {code}"), national);
    let digit = |written: u8, stream: &mut super::prf::Stream| match written {
        b'.' => stream.below(10),
        b'~' => stream.below(8) + 2,
        digit => digit - b'0',
    };
    Some(form.bytes().map(|written| digit(written, &mut stream)).collect())
}

/// A number that a person or an account is known by. What it is follows from the number; what it is not known to be is opaque, whatever its
/// separators.
pub(super) fn identifier(prf: &Prf, text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let is_separated = !text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_separated && let Some(adapter) = internet::adapter(prf, text) {
        return Some(adapter);
    }
    let bare: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect();
    if bare.is_empty() {
        return None;
    }
    match identity::remade(prf, &bare) {
        Some(made) => Some(with_alphanumerics(text, &made)),
        None if !is_separated => internet::adapter(prf, text).or_else(|| Some(with_alphanumerics(text, &opaque::plain(prf, &bare)))),
        None => Some(with_alphanumerics(text, &opaque::plain(prf, &bare))),
    }
}

/// A US social security number in the space that is no one's: the area is one of those from 900 that were never given out, and the group
/// none of those that tax numbers use there (50 to 65, 70 to 88, 90 to 92, 94 to 99).
pub(super) fn reserved_ssn(prf: &Prf, text: &str) -> Option<String> {
    let digits = digits_of(text);
    if digits.len() != 9 {
        return None;
    }
    let mut stream = prf.stream("ssn", &digits);
    let group = stream.below(49) + 1;
    let mut made = vec![9, stream.below(10), stream.below(10), group / 10, group % 10];
    made.extend((0..4).map(|_| stream.below(10)));
    if made == digits {
        made[8] = (made[8] + 1) % 10;
    }
    Some(with_digits(text, &made))
}

fn digits_of(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
}

/// `text` with its digits replaced, one by one.
fn with_digits(text: &str, digits: &[u8]) -> String {
    let mut digits = digits.iter();
    text.chars()
        .map(|character| if character.is_ascii_digit() { digits.next().map_or(character, |digit| char::from(digit + b'0')) } else { character })
        .collect()
}

/// `text` with its letters and digits replaced, one by one, in the case that they had.
fn with_alphanumerics(text: &str, made: &[u8]) -> String {
    let mut made = made.iter();
    text.chars()
        .map(|character| match character {
            character if !character.is_ascii_alphanumeric() => character,
            character => made.next().map_or(character, |byte| {
                let byte = if character.is_ascii_lowercase() { byte.to_ascii_lowercase() } else { *byte };
                char::from(byte)
            }),
        })
        .collect()
}

/// How many digits the country code has (ITU-T E.164): one for zones 1 and 7, two for the codes that are given out whole, else three.
fn country_code_length(digits: &[u8]) -> usize {
    match digits {
        [1 | 7, ..] => 1,
        [2, 0 | 7, ..] | [3, 0..=4 | 6 | 9, ..] | [4, 0 | 1 | 3..=9, ..] | [5, 1..=8, ..] | [6, 0..=6, ..] | [8, 1 | 2 | 4 | 6, ..] | [9, 0..=5 | 8, ..] => 2,
        _ => 3,
    }
}

/// A permutation has one fixed point on average; that so many of them agree on one does not happen.
const MAX_ATTEMPTS: u8 = 8;

/// Where the bank's code stands in accounts of these countries, behind how many characters, and how long it is (the IBAN registry). With it
/// goes what names the branch, if that follows.
const BANK_CODES: &[(&str, usize, usize)] = &[
    ("DE", 0, 8),
    ("AT CH LI LT LU", 0, 5),
    ("FR MC", 0, 10),
    ("BE DK FI GR", 0, 3),
    ("ES PT AD", 0, 8),
    ("IT SM", 1, 10),
    ("GB IE", 0, 10),
    ("NL BG RO LV MT", 0, 4),
    ("PL", 0, 8),
    ("HR", 0, 7),
    ("EE", 0, 2),
    ("SE HU CY", 0, 3),
    ("SI", 0, 5),
];

/// Numbers that are given to no one, by country: `.` is any digit, `~` one from 2 (North American Numbering Plan, 555-0100 to 555-0199; Ofcom,
/// numbers for drama; ACMA, numbers for fiction; ARCEP, numbers for audiovisual works; Bundesnetzagentur, numbers for media; ComReg).
const FICTITIOUS: &[(&str, &str)] = &[
    ("1", "~..55501.."),
    ("44", "7700900..."),
    ("44", "2079460..."),
    ("61", "491570..."),
    ("61", "25550...."),
    ("33", "63998...."),
    ("33", "19900...."),
    ("49", "3023125..."),
    ("353", "2091....."),
];
