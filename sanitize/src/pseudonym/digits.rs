//! Values that are mostly digits: cards, bank accounts, phones, social security numbers, dates. Separators stay where they are.

use super::prf::Prf;
use crate::detect::check::{iban_check_digits, luhn_digit};

/// A card: the length stays, the issuer becomes one whose numbers are published for tests, the check digit is right.
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
    let mut stream = prf.stream("card", &digits);
    let mut made = issuer.to_vec();
    made.extend((issuer.len()..digits.len() - 1).map(|_| stream.below(10)));
    made.push(luhn_digit(&made));
    if made == digits {
        let last = made.len() - 2;
        made[last] = (made[last] + 1) % 10;
        made.truncate(last + 1);
        made.push(luhn_digit(&made));
    }
    Some(with_digits(text, &made))
}

/// An IBAN: country and length stay, the account is another one, the check digits are right.
pub(super) fn iban(prf: &Prf, text: &str) -> Option<String> {
    let bare: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect();
    if bare.len() < 15 || bare.len() > 34 || !bare[..2].iter().all(u8::is_ascii_uppercase) || !bare[2..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let places: Vec<(u8, u8)> = bare[4..].iter().map(|byte| if byte.is_ascii_digit() { (byte - b'0', 10) } else { (byte - b'A', 26) }).collect();
    let country = std::str::from_utf8(&bare[..2]).ok()?;
    for attempt in 0..8 {
        let tweak = format!("iban {country} {attempt}");
        let images = prf.permute_mixed(&tweak, &places).unwrap_or_else(|| {
            let mut stream = prf.stream(&tweak, &bare);
            places.iter().map(|(_, radix)| stream.below(*radix)).collect()
        });
        let mut made = bare.clone();
        for (position, (image, (_, radix))) in images.iter().zip(&places).enumerate() {
            made[position + 4] = image + if *radix == 10 { b'0' } else { b'A' };
        }
        if made[4..] != bare[4..] {
            let check = iban_check_digits(&made);
            made[2..4].copy_from_slice(&check);
            return Some(with_alphanumerics(text, &made));
        }
    }
    None
}

/// A phone number: the plus and the country code stay, and so does the number of digits.
pub(super) fn phone(prf: &Prf, text: &str) -> Option<String> {
    let digits = digits_of(text);
    if digits.len() < 5 {
        return None;
    }
    let is_international = text.trim_start().starts_with('+');
    let kept = if is_international { country_code_length(&digits) } else { 0 };
    let (code, national) = digits.split_at(kept.min(digits.len()));
    let code_text: String = code.iter().map(|digit| char::from(digit + b'0')).collect();
    for attempt in 0..8 {
        let tweak = format!("phone {code_text} {attempt}");
        let images = prf.permute_decimal(&tweak, national).unwrap_or_else(|| {
            let places: Vec<(u8, u8)> = national.iter().map(|digit| (*digit, 10)).collect();
            prf.permute_mixed(&tweak, &places).expect("at most five places of ten")
        });
        if images != national {
            return Some(with_digits(text, &[code, &images].concat()));
        }
    }
    None
}

/// A US social security number: the area is one of those from 900 that were never given out, and the group none of those that
/// tax numbers use there (50 to 65, 70 to 88, 90 to 92, 94 to 99).
pub(super) fn ssn(prf: &Prf, text: &str) -> Option<String> {
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

/// A date of birth: up to three years away, day and month at most twelve so that either order is a date.
pub(super) fn date(prf: &Prf, text: &str) -> Option<String> {
    let digits = digits_of(text);
    let mut groups: Vec<usize> = text.split(|character: char| !character.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect();
    if digits.len() == 8 && groups == [8] {
        // 19800131 or 31011980.
        groups = if (1..=2).contains(&digits[0]) && (digits[1] == 9 || digits[1] == 0) { vec![4, 2, 2] } else { vec![2, 2, 4] };
    }
    if groups.len() < 3 || groups.iter().filter(|length| **length == 4).count() != 1 || groups[..3].iter().any(|length| !matches!(length, 1 | 2 | 4)) {
        return None;
    }
    for attempt in 0..8 {
        let mut stream = prf.stream(&format!("date {attempt}"), &digits);
        let (mut made, mut at) = (Vec::new(), 0);
        for (position, length) in groups.iter().enumerate() {
            let group = &digits[at..at + length];
            at += length;
            match length {
                4 => {
                    let year = group.iter().fold(0_u32, |year, digit| year * 10 + u32::from(*digit));
                    let shifted = (year + u32::from(stream.below(7))).saturating_sub(3).clamp(1000, 9999);
                    made.extend(shifted.to_string().bytes().map(|byte| byte - b'0'));
                }
                1 if position < 3 => made.push(stream.below(9) + 1),
                2 if position < 3 => {
                    let part = stream.below(12) + 1;
                    made.extend([part / 10, part % 10]);
                }
                // A time of day behind it says nothing.
                _ => made.extend(group.iter().map(|_| 0)),
            }
        }
        if made != digits {
            return Some(with_digits(text, &made));
        }
    }
    None
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
