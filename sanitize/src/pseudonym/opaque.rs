//! Opaque values: tokens, keys, session ids, codes, passwords. Every place keeps its class: a digit stays a digit, a lower-case
//! letter one, what joins them stays. A vendor's prefix stays too; the check sum behind it does not survive.

use super::prf::Prf;
use crate::rules::Rules;

/// The same length, and in each place the same class of character. Never the value itself, if there is any other.
pub(super) fn plain(prf: &Prf, value: &[u8]) -> Vec<u8> {
    if let Some(made) = uuid(prf, value) {
        return made;
    }
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
            Self::Fixed => b"",
        }
    }

    /// The number of `byte` in its class, and how many there are.
    fn place(self, byte: u8) -> Option<(u8, u8)> {
        let count = self.characters().len() as u8;
        let number = match (self, byte) {
            (Self::Digit | Self::LowerHex | Self::UpperHex, b'0'..=b'9') => byte - b'0',
            (Self::FirstDigit, b'1'..=b'9') => byte - b'1',
            (Self::Lower, b'a'..=b'z') => byte - b'a',
            (Self::Upper, b'A'..=b'Z') => byte - b'A',
            (Self::LowerHex, b'a'..=b'f') => byte - b'a' + 10,
            (Self::UpperHex, b'A'..=b'F') => byte - b'A' + 10,
            (Self::Other, _) => byte % count,
            _ => return None,
        };
        Some((number, count))
    }

    fn character(self, position: u8) -> u8 {
        self.characters()[usize::from(position)]
    }
}

fn classes_of(value: &[u8]) -> Vec<Class> {
    let hex = hex_class(value);
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    value
        .iter()
        .enumerate()
        .map(|(position, byte)| match byte {
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

/// A UUID (RFC 9562), with its dashes or without, in either case: version and variant stay, and the time of one that begins with it is shifted
/// as dates are, so that order stays. `None` for what is none.
fn uuid(prf: &Prf, value: &[u8]) -> Option<Vec<u8>> {
    let is_dashed = value.len() == 36 && DASHES.iter().all(|place| value[*place] == b'-');
    if !is_dashed && value.len() != 32 {
        return None;
    }
    let digits = value.iter().enumerate().filter(|(place, _)| !(is_dashed && DASHES.contains(place)));
    let nibbles: Vec<u8> = digits.map(|(_, byte)| char::from(*byte).to_digit(16).map(|nibble| nibble as u8)).collect::<Option<_>>()?;
    let (version, variant) = (nibbles[12], nibbles[16]);
    let is_decimal = value.iter().all(u8::is_ascii_digit);
    if !(1..=8).contains(&version) || variant >> 2 != 0b10 || is_decimal {
        return None;
    }
    let mut made = nibbles.clone();
    let mut free: Vec<usize> = (0..32).filter(|place| *place != 12).collect();
    if version == 7 {
        let time = nibbles[..12].iter().fold(0_u64, |time, nibble| time << 4 | u64::from(*nibble));
        let shifted = time.wrapping_sub((prf.days * MILLISECONDS) as u64);
        (0..12).for_each(|place| made[place] = (shifted >> (44 - 4 * place) & 15) as u8);
        free.drain(..12);
    }
    let kept: String = nibbles[..if version == 7 { 12 } else { 0 }].iter().chain([&version]).map(|nibble| char::from(b'a' + nibble)).collect();
    let places: Vec<(u8, u8)> = free.iter().map(|place| if *place == 16 { (nibbles[16] & 3, 4) } else { (nibbles[*place], 16) }).collect();
    for (place, image) in free.iter().zip(prf.permute_places(&format!("uuid {kept}"), &places)) {
        made[*place] = if *place == 16 { 8 | image } else { image };
    }
    let is_upper = value.iter().any(u8::is_ascii_uppercase);
    let mut made = made.into_iter();
    let spelled = value.iter().enumerate().map(|(place, byte)| {
        if is_dashed && DASHES.contains(&place) {
            return *byte;
        }
        let digits = if is_upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        digits[usize::from(made.next().unwrap_or(0))]
    });
    Some(spelled.collect())
}

const DASHES: [usize; 4] = [8, 13, 18, 23];
const MILLISECONDS: i64 = 86_400_000;
/// A permutation has one fixed point on average; that eight of them agree on one does not happen.
const MAX_ATTEMPTS: u8 = 8;
