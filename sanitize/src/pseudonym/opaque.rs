//! Opaque values: tokens, keys, session ids, codes, passwords. Every place keeps its class: a digit stays a digit, a lower-case
//! letter one, what joins them stays. A vendor's prefix stays too; the check sum behind it does not survive.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::prf::Prf;
use super::{Answer, Domain, Pseudonyms};
use crate::rules::Rules;

/// The forms that need more than their classes kept: JSON Web Tokens, armoured keys, user and password in base64. `None` for all else.
pub(super) fn structured(all: &Pseudonyms, prf: &Prf, text: &str) -> Option<String> {
    if let Some(token) = web_token(all, prf, text) {
        return Some(token);
    }
    if text.contains("-----BEGIN ") {
        return armoured(prf, text);
    }
    all.basic(text, Answer::Open)
}

/// The same length, and in each place the same class of character. Never the value itself, if there is any other.
pub(super) fn plain(prf: &Prf, value: &[u8]) -> Vec<u8> {
    let kept = Rules::built_in().compiled().prefix_length(value);
    let (prefix, rest) = value.split_at(kept);
    let classes = classes_of(rest);
    let places: Vec<(u8, u8)> = rest.iter().zip(&classes).filter_map(|(byte, class)| class.place(*byte)).collect();
    for attempt in 0..MAX_ATTEMPTS {
        let made = remade(prf, &format!("opaque {attempt}"), rest, &classes, &places);
        if made != rest {
            return [prefix, &made].concat();
        }
        if places.is_empty() {
            break;
        }
    }
    // Nothing in it has a class (`----`): a mask.
    vec![b'*'; value.len()]
}

fn remade(prf: &Prf, tweak: &str, value: &[u8], classes: &[Class], places: &[(u8, u8)]) -> Vec<u8> {
    if value.iter().all(u8::is_ascii_digit)
        && let Some(images) = prf.permute_decimal(tweak, &value.iter().map(|byte| byte - b'0').collect::<Vec<_>>())
    {
        return images.into_iter().map(|digit| digit + b'0').collect();
    }
    // What joins the places is part of the value, and so of the tweak.
    let joined: String = value.iter().map(|byte| if byte.is_ascii_alphanumeric() { '.' } else { char::from(*byte) }).collect();
    let images = prf.permute_mixed(&format!("{tweak} {joined}"), places).unwrap_or_else(|| {
        let mut stream = prf.stream(tweak, value);
        places.iter().map(|(_, radix)| stream.below(*radix)).collect()
    });
    let mut images = images.into_iter();
    value.iter().zip(classes).map(|(byte, class)| if class.place(*byte).is_some() { class.character(images.next().unwrap_or(0)) } else { *byte }).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    /// A first digit that is not zero: a number must not lose its length.
    FirstDigit,
    Lower,
    Upper,
    LowerHex,
    UpperHex,
    /// `8`, `9`, `a`, `b`: the variant of a UUID (RFC 9562, section 4.1).
    Variant,
    /// A byte of a character that is not ASCII; it becomes a letter.
    Other,
    /// Stays as it is.
    Fixed,
}

impl Class {
    const fn characters(self) -> &'static [u8] {
        match self {
            Self::Digit => b"0123456789",
            Self::FirstDigit => b"123456789",
            Self::Lower | Self::Other => b"abcdefghijklmnopqrstuvwxyz",
            Self::Upper => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::LowerHex => b"0123456789abcdef",
            Self::UpperHex => b"0123456789ABCDEF",
            Self::Variant => b"89ab",
            Self::Fixed => b"",
        }
    }

    /// The number of `byte` in its class, and how many there are.
    fn place(self, byte: u8) -> Option<(u8, u8)> {
        let characters = self.characters();
        match self {
            Self::Fixed => None,
            Self::Other => Some((byte % 26, 26)),
            _ => characters.iter().position(|character| *character == byte).map(|position| (position as u8, characters.len() as u8)),
        }
    }

    fn character(self, position: u8) -> u8 {
        self.characters()[usize::from(position)]
    }
}

fn classes_of(value: &[u8]) -> Vec<Class> {
    let hex = hex_class(value);
    let is_uuid = is_uuid(value);
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    value
        .iter()
        .enumerate()
        .map(|(position, byte)| match byte {
            // Version and variant tell what kind of UUID it is, nothing of whom.
            _ if is_uuid && position == 14 => Class::Fixed,
            b'8' | b'9' | b'a' | b'b' if is_uuid && position == 19 => Class::Variant,
            b'0' if is_number && position == 0 && value.len() > 1 => Class::Fixed,
            b'0'..=b'9' if is_number && position == 0 && value.len() > 1 => Class::FirstDigit,
            _ if byte.is_ascii_hexdigit() && hex.is_some() => hex.unwrap_or(Class::LowerHex),
            b'0'..=b'9' => Class::Digit,
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            0x80.. => Class::Other,
            _ => Class::Fixed,
        })
        .collect()
}

/// Whether a value is hexadecimal and long enough not to be so by chance; dashes aside.
fn hex_class(value: &[u8]) -> Option<Class> {
    let (mut digits, mut lower, mut upper) = (0, 0, 0);
    for byte in value {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' => lower += 1,
            b'A'..=b'F' => upper += 1,
            b'-' => {}
            _ => return None,
        }
    }
    match (digits > 0 && digits + lower + upper >= 8, lower, upper) {
        (true, 1.., 0) => Some(Class::LowerHex),
        (true, 0, 1..) => Some(Class::UpperHex),
        _ => None,
    }
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(position, byte)| if matches!(position, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// A JSON Web Token (RFC 7519): the header says how it is made and stays; the claims' strings and long numbers are replaced, but for
/// those that say what the token is for and until when; the signature is replaced, and so is no longer one.
fn web_token(all: &Pseudonyms, prf: &Prf, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let ([header, claims, signature], []) = parts.split_first_chunk::<3>()? else { return None };
    if !header.starts_with("eyJ") {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let mut claims: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&claims).ok()?;
    for (name, claim) in &mut claims {
        if !KEPT_CLAIMS.contains(&name.as_str()) {
            replace_claim(all, name, claim);
        }
    }
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).ok()?);
    let mut stream = prf.stream("jwt signature", text.as_bytes());
    let signature: String = signature.bytes().map(|_| char::from(BASE64_URL[usize::from(stream.below(64))])).collect();
    Some(format!("{header}.{claims}.{signature}"))
}

fn replace_claim(all: &Pseudonyms, name: &str, claim: &mut serde_json::Value) {
    match claim {
        serde_json::Value::String(text) => *text = String::from_utf8_lossy(&all.of(claim_domain(name, text), text.as_bytes())).into_owned(),
        serde_json::Value::Number(number) if number.as_u64().is_some_and(|number| number > 9999) => {
            if let Ok(made) = serde_json::from_slice(&all.of(Domain::Opaque, number.to_string().as_bytes())) {
                *number = made;
            }
        }
        serde_json::Value::Array(claims) => claims.iter_mut().for_each(|claim| replace_claim(all, name, claim)),
        serde_json::Value::Object(claims) => claims.iter_mut().for_each(|(name, claim)| replace_claim(all, name, claim)),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) | serde_json::Value::Null => {}
    }
}

/// The registered claims that are about a person (OpenID Connect Core 1.0, section 5.1).
fn claim_domain(name: &str, text: &str) -> Domain {
    match name {
        _ if text.contains('@') => Domain::Email,
        "name" | "given_name" | "family_name" | "middle_name" | "nickname" => Domain::Person,
        "phone_number" => Domain::Phone,
        "birthdate" => Domain::BirthDate,
        "street_address" | "formatted" => Domain::Address,
        _ => Domain::Opaque,
    }
}

/// An armoured key: the lines that open and close it stay, the letters between are replaced.
fn armoured(prf: &Prf, text: &str) -> Option<String> {
    let begin = text.find("-----BEGIN ")?;
    let body = begin + 11 + text[begin + 11..].find("-----")? + 5;
    let end = text[body..].find("-----END").map_or(text.len(), |at| body + at);
    let mut stream = prf.stream("armour", text.trim().as_bytes());
    let replaced: String = text[body..end]
        .chars()
        .map(|character| match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => char::from(BASE64[usize::from(stream.below(64))]),
            character if character.is_ascii() => character,
            _ => '.',
        })
        .collect();
    Some(format!("{}{replaced}{}", &text[..body], &text[end..]))
}

/// What a token is for, by whom, and when: nothing of whom it is about.
const KEPT_CLAIMS: [&str; 12] = ["iss", "aud", "exp", "nbf", "iat", "auth_time", "typ", "token_use", "scope", "scp", "alg", "azp"];
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// A permutation has one fixed point on average; that eight of them agree on one does not happen.
const MAX_ATTEMPTS: u8 = 8;
