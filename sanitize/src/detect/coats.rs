//! What a value wears of its own: base64 around a text, one more layer of percent-escapes.
//!
//! In: a value, and who looks at texts. Out: hits in what the value says once that is taken off. A text in base64 is rewritten
//! inside and wrapped again as it was; escapes are mapped back, so that only the bytes of what was found change. How deep this
//! goes is for the caller to bound, and the size is bounded here.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reenact_formats::content::Surface;

use super::{Hit, within};

/// A text that a value holds in base64, and what was found in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) text: Vec<u8>,
    pub(crate) hits: Vec<Hit>,
    is_url_safe: bool,
    is_padded: bool,
}

impl Held {
    /// The text in a value that is base64 as a whole: text and no other bytes, so that ids are not taken for it.
    fn of(value: &[u8]) -> Option<Self> {
        let bare = &value[..value.len() - value.iter().rev().take_while(|byte| **byte == b'=').count()];
        let is_url_safe = bare.iter().any(|byte| matches!(byte, b'-' | b'_'));
        let may_be = (MIN_LENGTH..=MAX_LENGTH).contains(&value.len())
            && bare.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'));
        let text = may_be.then(|| engine(is_url_safe, false).decode(bare).ok()).flatten()?;
        let characters = std::str::from_utf8(&text).ok()?.chars();
        let odd = characters.filter(|character| character.is_control() && !character.is_whitespace()).count();
        (odd * MAX_ODD_SHARE <= text.len()).then_some(Self { text, hits: Vec::new(), is_url_safe, is_padded: bare.len() < value.len() })
    }

    /// `text` as the value wrapped its own.
    pub(crate) fn wrapped(&self, text: &[u8]) -> Vec<u8> {
        engine(self.is_url_safe, self.is_padded).encode(text).into_bytes()
    }
}

fn engine(is_url_safe: bool, is_padded: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(is_padded)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(if is_url_safe { &URL_SAFE } else { &STANDARD }, config)
}

/// A value without one more layer of percent-escapes, if it has one.
fn unescaped(value: &[u8]) -> Option<Vec<u8>> {
    let has_escapes = value.len() <= MAX_LENGTH && value.windows(3).any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit));
    has_escapes.then(|| Surface::Percent.undress(value).into_owned())
}

/// Takes off what `value` wears, has `look` find hits in the text, and adds them as hits in `value`.
pub(crate) fn look_within(value: &[u8], hits: &mut Vec<Hit>, look: impl FnOnce(&[u8]) -> Vec<Hit>) {
    if let Some(mut held) = Held::of(value) {
        held.hits = look(&held.text);
        if let Some(first) = held.hits.first() {
            hits.push(Hit { held: Some(Box::new(held.clone())), ..Hit::new(0..value.len(), first.rule, first.domain) });
        }
    } else if let Some(text) = unescaped(value) {
        let offsets = Surface::Percent.offsets(value);
        for mut hit in look(&text) {
            hit.span = within(&hit.span, 0, Some(&offsets));
            hit.wears.push(Surface::Percent);
            hits.push(hit);
        }
    }
}

/// Where a span of a text stands in the value that holds it.
type Placing<'p> = &'p dyn Fn(&Range<usize>) -> Range<usize>;

/// What `value` holds under what it wears: each text with where a span of it stands in `value`.
pub(crate) fn texts_within(value: &[u8], depth: usize, f: &mut dyn FnMut(&[u8], Placing<'_>)) {
    if depth == 0 {
        return;
    }
    if let Some(held) = Held::of(value) {
        let whole = |_: &Range<usize>| 0..value.len();
        f(&held.text, &whole);
        texts_within(&held.text, depth - 1, &mut |text, _| f(text, &whole));
    } else if let Some(text) = unescaped(value) {
        let offsets = Surface::Percent.offsets(value);
        f(&text, &|span| within(span, 0, Some(&offsets)));
        texts_within(&text, depth - 1, &mut |inner, place| f(inner, &|span| within(&place(span), 0, Some(&offsets))));
    }
}

/// How many layers are taken off.
pub(crate) const MAX_COATS: usize = 2;
/// `a@b.cd` and no less, with what a short id in base64 could not be.
const MIN_LENGTH: usize = 12;
const MAX_LENGTH: usize = 4 << 20;
/// One byte in so many may be a control character.
const MAX_ODD_SHARE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_base64_are_told_from_ids_and_wrapped_as_they_were() {
        for (value, text) in [
            ("amFuZUBzaG9wLmV4YW1wbGU=", Some("jane@shop.example")),
            ("amFuZUBzaG9wLmV4YW1wbGU", Some("jane@shop.example")),
            ("w7_Dv8O_w7_Dv8O_", Some("ÿÿÿÿÿÿ")),
            ("w7/Dv8O/w7/Dv8O/", Some("ÿÿÿÿÿÿ")),
            ("amFuZQ==", None),
            ("3f2504e04f8911d39a0c0305e82c3301", None),
            ("orders-and-other-things", None),
            ("not base64, not at all", None),
        ] {
            let held = Held::of(value.as_bytes());
            assert_eq!(held.as_ref().map(|held| String::from_utf8_lossy(&held.text)), text.map(Into::into), "{value}");
            assert!(held.is_none_or(|held| held.wrapped(&held.text) == value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn layers_come_off_up_to_a_depth() {
        let mut seen = Vec::new();
        texts_within(b"x=%2561%2562&y", MAX_COATS, &mut |text, place| {
            let at = text.windows(2).position(|two| two == b"ab").map(|at| place(&(at..at + 2)));
            seen.push((String::from_utf8_lossy(text).into_owned(), at));
        });
        assert_eq!(seen, [("x=%61%62&y".to_owned(), None), ("x=ab&y".to_owned(), Some(2..12))]);
    }
}
