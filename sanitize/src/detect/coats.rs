//! What a value wears of its own: base64 or hexadecimal digits around a text, one more layer of escapes.
//!
//! In: a value, and who looks at texts. Out: hits in what the value says once that is taken off. A text in base64 or hexadecimal
//! digits, alone or in the middle of a value, is rewritten inside and wrapped again as it was; escapes are mapped back, so that
//! only the bytes of what was found change. How deep this goes is for the caller to bound. What would unpack to more than a limit
//! is a hit as a whole: it is never passed unseen.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::LazyLock;

use crate::rules::RuleId;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem::Finder;
use reenact_formats::content::{CodingError, Surface, coding};

use super::telling::is_uuid;
use super::{Classes, Hit, within};
use crate::pseudonym::Domain;

/// A text that a value holds in another form, and what was found in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) text: Vec<u8>,
    pub(crate) hits: Vec<Hit>,
    form: Form,
    packing: Packing,
}

/// How the bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Base64 {
        alphabet: Alphabet,
        is_padded: bool,
        lines: Option<Lines>,
    },
    Hex {
        is_upper: bool,
    },
    /// As they are.
    Plain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Standard,
    UrlSafe,
}

/// Lines of so many characters, as mail and PEM have them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lines {
    width: usize,
    has_returns: bool,
}

/// How the bytes say the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Utf8,
    Utf16 {
        is_big_endian: bool,
    },
    Gzip,
    /// A zlib stream, as HTTP's deflate coding has it.
    Zlib,
}

/// What comes of an attempt to unpack.
enum Unpacked {
    Text(Held),
    OverLimit,
}

impl Held {
    /// The text in a piece of a value that is base64 or hexadecimal digits as a whole: text and no other bytes, so that ids are not taken for it.
    fn of(piece: &[u8]) -> Option<Unpacked> {
        let (bytes, form) = of_hex(piece).or_else(|| of_base64(piece))?;
        unpacked(&bytes, form)
    }

    /// `text` as the value wrapped its own; nothing if that cannot be.
    pub(crate) fn wrapped(&self, text: &[u8]) -> Vec<u8> {
        let bytes = match self.packing {
            Packing::Utf8 => text.to_vec(),
            Packing::Utf16 { is_big_endian } => {
                let unit = |unit: u16| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
                String::from_utf8_lossy(text).encode_utf16().flat_map(unit).collect()
            }
            Packing::Gzip => coding::encode(b"gzip", text).unwrap_or_default(),
            Packing::Zlib => coding::encode(b"deflate", text).unwrap_or_default(),
        };
        match self.form {
            Form::Plain => bytes,
            Form::Hex { is_upper } => {
                let digits: &[u8; 16] = if is_upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
                bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
            }
            Form::Base64 { alphabet, is_padded, lines } => {
                let encoded = engine(alphabet, is_padded).encode(bytes).into_bytes();
                let Some(Lines { width, has_returns }) = lines else { return encoded };
                encoded.chunks(width).collect::<Vec<_>>().join(if has_returns { &b"\r\n"[..] } else { b"\n" })
            }
        }
    }
}

fn of_hex(piece: &[u8]) -> Option<(Vec<u8>, Form)> {
    let has = |is: fn(&u8) -> bool| piece.iter().any(is);
    // Digits in mixed case are those of other alphabets.
    let (is_upper, is_lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    if piece.len() < MIN_HEX || !piece.len().is_multiple_of(2) || (is_upper && is_lower) || !piece.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digit = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { (byte | 0x20) - b'a' + 10 };
    Some((piece.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect(), Form::Hex { is_upper }))
}

fn of_base64(piece: &[u8]) -> Option<(Vec<u8>, Form)> {
    let newline = memchr::memchr(b'\n', piece);
    let joined: Vec<u8>;
    let (whole, lines) = match newline {
        Some(end) => {
            joined = piece.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            let has_returns = end > 0 && piece[end - 1] == b'\r';
            let width = end - usize::from(has_returns);
            (&joined[..], Some(Lines { width, has_returns }).filter(|lines| lines.width > 0)?.into())
        }
        None => (piece, None),
    };
    let bare = &whole[..whole.len() - whole.iter().rev().take_while(|byte| **byte == b'=').count()];
    if whole.len() < MIN_LENGTH || whole.len() - bare.len() > 2 {
        return None;
    }
    let alphabet = if bare.iter().any(|byte| matches!(byte, b'-' | b'_')) { Alphabet::UrlSafe } else { Alphabet::Standard };
    let engine = engine(alphabet, false);
    // Words and ids are told by their first bytes.
    let mut first = [0; 12];
    let sample = engine.decode_slice(&bare[..bare.len().min(16) & !3], &mut first).ok()?;
    let packed = matches!(first, [0x1f, 0x8b, ..] | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) || first[..sample].contains(&0);
    if !packed && first[..sample].iter().any(|byte| is_odd(*byte)) {
        return None;
    }
    Some((engine.decode(bare).ok()?, Form::Base64 { alphabet, is_padded: bare.len() < whole.len(), lines }))
}

fn unpacked(bytes: &[u8], form: Form) -> Option<Unpacked> {
    let held = |text: Vec<u8>, packing| is_text(&text).then_some(Unpacked::Text(Held { text, hits: Vec::new(), form, packing }));
    // A token may grow as texts do: many small bombs are one large one.
    let limit = (MIN_INFLATED + bytes.len().saturating_mul(MAX_GROWTH)).min(MAX_INFLATED);
    let inflated = |coding: &[u8], packing| match coding::decode(coding, bytes, limit) {
        Ok(text) => held(text, packing),
        Err(CodingError::OverLimit { .. }) => Some(Unpacked::OverLimit),
        Err(_) => None,
    };
    match bytes {
        [0x1f, 0x8b, ..] => inflated(b"gzip", Packing::Gzip),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] if !is_text(bytes) => inflated(b"deflate", Packing::Zlib),
        [0xff, 0xfe, ..] => held(of_utf16(bytes, false)?, Packing::Utf16 { is_big_endian: false }),
        [0xfe, 0xff, ..] => held(of_utf16(bytes, true)?, Packing::Utf16 { is_big_endian: true }),
        [first, 0, ..] if *first != 0 => held(of_utf16(bytes, false)?, Packing::Utf16 { is_big_endian: false }),
        [0, second, ..] if *second != 0 => held(of_utf16(bytes, true)?, Packing::Utf16 { is_big_endian: true }),
        _ => held(bytes.to_vec(), Packing::Utf8),
    }
}

fn of_utf16(bytes: &[u8], is_big_endian: bool) -> Option<Vec<u8>> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let unit = |pair: &[u8]| if is_big_endian { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) };
    let text: Result<String, _> = char::decode_utf16(bytes.chunks_exact(2).map(unit)).collect();
    text.ok().map(String::into_bytes)
}

/// UTF-8 that a person could have typed.
fn is_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let odd = text.chars().filter(|character| character.is_control() && !character.is_whitespace()).count();
    !text.is_empty() && odd * MAX_ODD_SHARE <= bytes.len()
}

const fn is_odd(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f
}

fn engine(alphabet: Alphabet, is_padded: bool) -> &'static GeneralPurpose {
    static ENGINES: [[GeneralPurpose; 2]; 2] = [[made(&STANDARD, false), made(&STANDARD, true)], [made(&URL_SAFE, false), made(&URL_SAFE, true)]];
    &ENGINES[usize::from(alphabet == Alphabet::UrlSafe)][usize::from(is_padded)]
}

const fn made(alphabet: &base64::alphabet::Alphabet, is_padded: bool) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(is_padded)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

/// One thing that a value wears.
enum Coat {
    /// A piece of it is a text in another form.
    Held(Range<usize>, Held),
    /// A piece of it would unpack to more than the limit.
    OverLimit(Range<usize>),
    /// It has escapes; this is the text without.
    Escaped(Surface, Vec<u8>),
}

/// Hands out what `value` wears.
fn coats(value: &[u8], f: &mut dyn FnMut(Coat)) {
    let mut classes = 0;
    for byte in value {
        classes |= CLASSES[usize::from(*byte)];
    }
    // One kind at a time: what else the value wears is seen in the text that is left.
    if let Some((surface, _)) = ESCAPES.into_iter().find(|(surface, begins)| classes & begins != 0 && escapes(value, *surface)) {
        return f(Coat::Escaped(surface, surface.undress(value).into_owned()));
    }
    if value.len() < MIN_LENGTH || is_uuid(value) {
        return;
    }
    if classes & NUL != 0 {
        if let Some(Unpacked::Text(held)) =
            unpacked(value, Form::Plain).filter(|unpacked| !matches!(unpacked, Unpacked::Text(Held { packing: Packing::Utf8, .. })))
        {
            f(Coat::Held(0..value.len(), held));
        }
        return;
    }
    let mut each = |span: Range<usize>| {
        let unpacked = Held::of(&value[span.clone()]);
        let is_some = unpacked.is_some();
        match unpacked {
            Some(Unpacked::Text(held)) => f(Coat::Held(span, held)),
            Some(Unpacked::OverLimit) => f(Coat::OverLimit(span)),
            None => {}
        }
        is_some
    };
    // The value as a whole, over several lines, too.
    if classes & !(WORD | PADDING | BREAK) == 0 && each(0..value.len()) {
        return;
    }
    runs(value, &mut each);
}

/// Hands out the runs of letters and digits that may be a text in another form, in the middle of a value; `each` says whether one was.
fn runs(value: &[u8], each: &mut dyn FnMut(Range<usize>) -> bool) {
    let is_word = |at: usize| value.get(at).is_some_and(|byte| CLASSES[usize::from(*byte)] & WORD != 0);
    let mut at = 0;
    while at < value.len() {
        // A run that is long enough has a byte at each step of that length.
        if !is_word(at + MIN_RUN - 1) {
            at += MIN_RUN;
            continue;
        }
        let start = at + (0..MIN_RUN).rev().take_while(|back| is_word(at + back)).last().unwrap_or(0);
        let start = start - value[..start].iter().rev().take_while(|byte| CLASSES[usize::from(**byte)] & WORD != 0).count();
        let mut end = start;
        while is_word(end) {
            end += 1;
        }
        at = end + 1;
        // Three runs between dots are a token, which is one thing.
        let is_token =
            value[start..].starts_with(b"eyJ") && value.get(end) == Some(&b'.') || start > 0 && value[start - 1] == b'.' && end - start < value.len();
        if end - start < MIN_RUN || is_token {
            continue;
        }
        let padded = end + value[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let hex_from = start + if matches!(value[start..], [b'0', b'x' | b'X', ..]) { 2 } else { usize::from(value[start] == b'x') };
        if each(start..padded) || hex_from > start && each(hex_from..end) {
            continue;
        }
        if value[start..end].contains(&b'/') {
            // Segments of a path, each by itself.
            let mut from = start;
            for segment in value[start..end].split(|byte| *byte == b'/') {
                let to = from + segment.len();
                if segment.len() >= MIN_RUN {
                    each(from..if to == end { padded } else { to });
                }
                from = to + 1;
            }
        }
    }
}

/// Whether `value` has an escape of this kind that says something else than its own bytes.
fn escapes(value: &[u8], surface: Surface) -> bool {
    match surface {
        Surface::Percent => {
            memchr::memchr_iter(b'%', value).any(|at| matches!(value[at..], [_, high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
        }
        Surface::Markup => matches!(surface.undress(value), Cow::Owned(_)),
        Surface::JsonString => memchr::memchr_iter(b'\\', value).any(|at| match &value[at + 1..] {
            [b'"' | b'/', ..] => true,
            [b'u', digits @ ..] => digits.len() >= 4 && digits[..4].iter().all(u8::is_ascii_hexdigit),
            _ => false,
        }),
        Surface::QuotedPrintable => {
            // No one writes a control character so: `bind=192.0.2.44` has none.
            let is_odd_escape = |at: usize| surface.undress(&value[at..value.len().min(at + 3)]).first().is_some_and(|byte| is_odd(*byte));
            // Line breaks, `@`, `=`, and two bytes beyond ASCII as UTF-8 has them.
            let is_mark = |at: usize| {
                matches!(
                    value[at + 1..],
                    [b'\n', ..] | [b'\r', b'\n', ..] | [b'4', b'0', ..] | [b'3', b'D', ..] | [b'C'..=b'F', _, b'=', b'8' | b'9' | b'A' | b'B', ..]
                )
            };
            memchr::memchr_iter(b'=', value).any(is_mark) && !memchr::memchr_iter(b'=', value).any(is_odd_escape)
        }
        _ => false,
    }
}

/// Whether a value is a picture, a sound or a font as it stands in a page, and nothing else: it stays, and its letters are no one's.
pub(crate) fn is_inline_media(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"data:") else { return false };
    let is_media = ["image/", "font/", "audio/", "video/"].iter().any(|kind| rest.starts_with(kind.as_bytes()));
    let content = memchr::memmem::find(&rest[..rest.len().min(MAX_MEDIA_TYPE)], b";base64,").map(|at| &rest[at + b";base64,".len()..]);
    // A drawing in SVG is a text, and looked into.
    is_media
        && !rest.starts_with(b"image/svg")
        && content.is_some_and(|content| content.iter().all(|byte| CLASSES[usize::from(*byte)] & (WORD | PADDING | BREAK) != 0))
}

/// Whether a value of such bytes can wear anything: it has marks of escapes, or is long enough to be a text in another form.
pub(super) fn may_be_worn(value: &[u8], classes: &Classes) -> bool {
    let has_others = classes.at + classes.dots + classes.colons + classes.blanks > 0;
    classes.marks + classes.equals > 0 || value.len() >= if has_others { MIN_RUN } else { MIN_LENGTH }
}

/// Whether a token of three parts may stand in a value: its parts are texts, too, for whoever takes it apart.
pub(crate) fn may_hold_token(value: &[u8]) -> bool {
    value.len() >= MIN_TOKEN && TOKEN.find(value).is_some()
}

/// How a token of three parts begins; made once, for every value is asked.
pub(crate) static TOKEN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"eyJ"));
/// The shortest one that says anything.
const MIN_TOKEN: usize = 24;

/// Whether a value wears something still.
pub(crate) fn is_worn(value: &[u8]) -> bool {
    let mut is_worn = false;
    coats(value, &mut |_| is_worn = true);
    is_worn
}

/// Takes off what `value` wears, has `look` find hits in the text, and adds them as hits in `value`.
pub(crate) fn look_within(value: &[u8], hits: &mut Vec<Hit>, mut look: impl FnMut(&[u8]) -> Vec<Hit>) {
    coats(value, &mut |coat| match coat {
        Coat::Held(span, mut held) => {
            held.hits = look(&held.text);
            if let Some(first) = held.hits.first() {
                hits.push(Hit { held: Some(Box::new(held.clone())), ..Hit::new(span, first.rule, first.domain) });
            }
        }
        Coat::OverLimit(span) => hits.push(Hit::new(span, RuleId::OPAQUE_BODY, Domain::Opaque)),
        Coat::Escaped(surface, text) => {
            let found = look(&text);
            if found.is_empty() {
                return;
            }
            let offsets = surface.offsets(value);
            for mut hit in found {
                hit.span = within(&hit.span, 0, Some(&offsets));
                hit.wears.push(surface);
                hits.push(hit);
            }
        }
    });
}

/// Where a span of a text stands in the value that holds it.
type Placing<'p> = &'p dyn Fn(&Range<usize>) -> Range<usize>;

/// What `value` holds under what it wears: each text with where a span of it stands in `value`.
pub(crate) fn texts_within(value: &[u8], depth: usize, f: &mut dyn FnMut(&[u8], Placing<'_>)) {
    if depth == 0 {
        return;
    }
    coats(value, &mut |coat| match coat {
        Coat::Held(span, held) => {
            let whole = |_: &Range<usize>| span.clone();
            f(&held.text, &whole);
            texts_within(&held.text, depth - 1, &mut |text, _| f(text, &whole));
        }
        Coat::OverLimit(_) => {}
        Coat::Escaped(surface, text) => {
            let offsets = OnceCell::new();
            let placed = |span: &Range<usize>| within(span, 0, Some(offsets.get_or_init(|| surface.offsets(value))));
            f(&text, &placed);
            texts_within(&text, depth - 1, &mut |inner, place| f(inner, &|span| placed(&place(span))));
        }
    });
}

/// How many layers are taken off.
pub(crate) const MAX_COATS: usize = 3;
/// `a@b.cd` and no less, with what a short id in base64 could not be.
const MIN_LENGTH: usize = 12;
/// Eight characters.
const MIN_HEX: usize = 16;
/// In the middle of a text: longer than words are.
const MIN_RUN: usize = 20;
/// What a compressed text within a value may unpack to.
const MAX_INFLATED: usize = 8 << 20;
/// How many times its length it may unpack to, beyond a little that any may.
const MAX_GROWTH: usize = 64;
const MIN_INFLATED: usize = 4 << 10;
/// How much of a `data:` URL its media type takes at most.
const MAX_MEDIA_TYPE: usize = 96;
/// One byte in so many may be a control character.
const MAX_ODD_SHARE: usize = 10;

/// What may stand in base64, in either alphabet.
const WORD: u8 = 1;
const PADDING: u8 = 1 << 1;
const BREAK: u8 = 1 << 2;
const PERCENT: u8 = 1 << 3;
const AMPERSAND: u8 = 1 << 4;
const BACKSLASH: u8 = 1 << 5;
const NUL: u8 = 1 << 6;
const OTHER: u8 = 1 << 7;

/// Kinds of escapes, and the byte that each begins with.
const ESCAPES: [(Surface, u8); 4] =
    [(Surface::Percent, PERCENT), (Surface::Markup, AMPERSAND), (Surface::JsonString, BACKSLASH), (Surface::QuotedPrintable, PADDING)];

static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_' => WORD,
            b'=' => PADDING,
            b'\r' | b'\n' => BREAK,
            b'%' => PERCENT,
            b'&' => AMPERSAND,
            b'\\' => BACKSLASH,
            0 => NUL,
            _ => OTHER,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    fn held(value: &[u8]) -> Option<Held> {
        match Held::of(value) {
            Some(Unpacked::Text(held)) => Some(held),
            _ => None,
        }
    }

    #[test]
    fn texts_in_other_forms_are_told_from_ids_and_wrapped_as_they_were() {
        for (value, text) in [
            ("amFuZUBzaG9wLmV4YW1wbGU=", Some("jane@shop.example")),
            ("amFuZUBzaG9wLmV4YW1wbGU", Some("jane@shop.example")),
            ("amFuZUBzaG9w\r\nLmV4YW1wbGU=", Some("jane@shop.example")),
            ("amFuZUBz\naG9wLmV4\nYW1wbGU=", Some("jane@shop.example")),
            ("w7_Dv8O_w7_Dv8O_", Some("ÿÿÿÿÿÿ")),
            ("w7/Dv8O/w7/Dv8O/", Some("ÿÿÿÿÿÿ")),
            ("6a616e654073686f702e6578616d706c65", Some("jane@shop.example")),
            ("6A616E654073686F702E6578616D706C65", Some("jane@shop.example")),
            ("agBhAG4AZQBAAHgALgB5AA==", Some("jane@x.y")),
            ("amFuZQ==", None),
            ("3f2504e04f8911d39a0c0305e82c3301", None),
            ("orders-and-other-things", None),
            ("not base64, not at all", None),
        ] {
            let held = held(value.as_bytes());
            assert_eq!(held.as_ref().map(|held| String::from_utf8_lossy(&held.text)), text.map(Into::into), "{value}");
            assert!(held.is_none_or(|held| held.wrapped(&held.text) == value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn compressed_texts_are_unpacked_up_to_a_limit() {
        for coding in [&b"gzip"[..], b"deflate"] {
            let packed = |text: &[u8]| engine(Alphabet::Standard, true).encode(coding::encode(coding, text).expect("encodes")).into_bytes();
            let value = packed(b"{\"mail\":\"jane@shop.example\"}");
            let held = held(&value).expect("a text");
            assert_eq!(held.text, b"{\"mail\":\"jane@shop.example\"}");
            assert_eq!(held.wrapped(&held.text), value);
            assert!(matches!(Held::of(&packed(&vec![b'a'; MAX_INFLATED + 1])), Some(Unpacked::OverLimit)));
        }
    }

    #[test]
    fn layers_come_off_up_to_a_depth() {
        let within = |value: &str, wanted: &str| {
            let mut seen = Vec::new();
            texts_within(value.as_bytes(), MAX_COATS, &mut |text, place| {
                let at = memchr::memmem::find(text, wanted.as_bytes());
                seen.extend(at.map(|at| String::from_utf8_lossy(&value.as_bytes()[place(&(at..at + wanted.len()))]).into_owned()));
            });
            seen
        };
        for (value, wanted, expected) in [
            ("x=%2561%2562&y", "ab", "%2561%2562"),
            ("to &#64;x&commat;y", "@x@y", "&#64;x&commat;y"),
            (r#"say \u0040x\/y"#, "@x/y", r"\u0040x\/y"),
            ("a=40b=2Ec=\r\nd", "a@b.cd", "a=40b=2Ec=\r\nd"),
            ("got payload=amFuZUBzaG9wLmV4YW1wbGU= from it", "jane@shop", "amFuZUBzaG9wLmV4YW1wbGU="),
            ("/users/amFuZUBzaG9wLmV4YW1wbGU/edit", "jane@shop", "amFuZUBzaG9wLmV4YW1wbGU"),
            ("data:text/plain;base64,amFuZUBzaG9wLmV4YW1wbGU=", "jane@shop", "amFuZUBzaG9wLmV4YW1wbGU="),
            ("is \\x6a616e654073686f702e6578616d706c65!", "jane@shop", "6a616e654073686f702e6578616d706c65"),
        ] {
            let found = within(value, wanted);
            assert!(found.iter().any(|raw| raw == expected || raw.ends_with(expected)), "{value}: {found:?}");
        }
    }

    #[test]
    fn inline_media_is_told_from_what_may_hold_text() {
        for (value, expected) in [
            ("data:image/png;base64,iVBORw0KGgo=", true),
            ("data:font/woff2;charset=utf-8;base64,d09GMg", true),
            ("data:image/svg+xml;base64,PHN2Zy8+", false),
            ("data:image/png;base64,iVBO password=x", false),
            ("data:text/plain;base64,aGk=", false),
            ("data:image/png,x", false),
        ] {
            assert_eq!(is_inline_media(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn any_bytes_wear_what_they_wear() {
        let text = b"=%4&#x4;\\u00e=3\r\namFuZUBzaG9wLmV4YW1wbGU=6a616e654073686f702e65\0\0\xff%%41";
        for end in 0..text.len() {
            for start in 0..end {
                texts_within(&text[start..end], MAX_COATS, &mut |inner, place| {
                    let placed = place(&(0..inner.len()));
                    assert!(placed.start <= placed.end && placed.end <= end - start);
                });
            }
        }
    }
}
