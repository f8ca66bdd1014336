//! Values that are no one's and are known for it at a glance: ids of no meaning, and times.
//!
//! In: a value. Out: whether it is one of these as a whole. They are the most frequent values of all that are no words.

use super::telling::is_uuid;

/// Whether a value is nothing but a UUID or a time, in which none of the built-in rules finds anything.
pub(super) fn is_no_ones(value: &[u8]) -> bool {
    is_uuid(value) || is_time(value)
}

/// `2024-01-31T10:00:00.000Z` (RFC 3339), its day alone, or without the offset.
fn is_time(value: &[u8]) -> bool {
    let is = |form: &[u8], text: &[u8]| form.iter().zip(text).all(|(form, byte)| if *form == b'0' { byte.is_ascii_digit() } else { form == byte });
    if !(DAY.len()..=MAX_TIME).contains(&value.len()) || !is(DAY, value) {
        return false;
    }
    let Some((b'T' | b' ', time)) = value[DAY.len()..].split_first() else { return value.len() == DAY.len() };
    if time.len() < TIME.len() || !is(TIME, time) {
        return false;
    }
    let rest = &time[TIME.len()..];
    let fraction = rest.strip_prefix(b".").map_or(0, |digits| 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
    match &rest[fraction..] {
        [] | b"Z" => true,
        [b'+' | b'-', offset @ ..] => [&b"00:00"[..], b"0000", b"00"].iter().any(|form| form.len() == offset.len() && is(form, offset)),
        _ => false,
    }
}

const DAY: &[u8] = b"0000-00-00";
const TIME: &[u8] = b"00:00:00";
/// With nanoseconds and an offset.
const MAX_TIME: usize = 35;
