//! Texts in UTF-16 and UTF-32: read as UTF-8, and written back as they were.
//!
//! In: what a body's media type says, and its first bytes. Out: the body in UTF-8, or in its charset again. Charsets whose ASCII
//! is ASCII are none of this: they are read and edited as they are. Nothing is replaced or left out: what is not text to its end
//! is refused.

use super::body::{Format, charset_of, looks_like_text};

/// A charset in which ASCII is not ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charset {
    unit: Unit,
    order: Order,
    /// A byte order mark stands before the text. It is not part of the text.
    has_mark: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Two,
    Four,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Charset {
    /// The charset of a body of the given media type that begins with `start`: the one that is declared, else the one that a text of
    /// this kind shows. `None`: the bytes are read as they are.
    pub(super) fn of(content_type: &[u8], start: &[u8]) -> Option<Self> {
        let format = Format::of(content_type);
        if matches!(format, Format::Opaque | Format::Multipart | Format::Unknown) {
            return None;
        }
        let shown = Self::shown(start);
        let Some(declared) = charset_of(content_type) else { return shown.filter(|shown| shown.has_mark || format != Format::Absent) };
        let declared = declared.trim_ascii().to_ascii_lowercase();
        let (unit, order) = match declared.as_slice() {
            b"utf-16" | b"utf16" | b"ucs-2" | b"iso-10646-ucs-2" | b"unicode" => (Unit::Two, None),
            b"utf-16le" => (Unit::Two, Some(Order::Little)),
            b"utf-16be" => (Unit::Two, Some(Order::Big)),
            b"utf-32" | b"utf32" | b"ucs-4" => (Unit::Four, None),
            b"utf-32le" => (Unit::Four, Some(Order::Little)),
            b"utf-32be" => (Unit::Four, Some(Order::Big)),
            _ => return None,
        };
        let shown = shown.filter(|shown| shown.unit == unit && order.is_none_or(|order| order == shown.order));
        // RFC 2781, section 4.3: without a mark, big-endian.
        Some(shown.unwrap_or(Self { unit, order: order.unwrap_or(Order::Big), has_mark: false }))
    }

    /// By a byte order mark, or by the zeros of a first character that is ASCII.
    fn shown(start: &[u8]) -> Option<Self> {
        let (unit, order, has_mark) = match start {
            [0xff, 0xfe, 0, 0, ..] => (Unit::Four, Order::Little, true),
            [0, 0, 0xfe, 0xff, ..] => (Unit::Four, Order::Big, true),
            [0xff, 0xfe, ..] => (Unit::Two, Order::Little, true),
            [0xfe, 0xff, ..] => (Unit::Two, Order::Big, true),
            [0, 0, 0, 1..=0x7f, ..] => (Unit::Four, Order::Big, false),
            [1..=0x7f, 0, 0, 0, ..] => (Unit::Four, Order::Little, false),
            [0, 1..=0x7f, ..] => (Unit::Two, Order::Big, false),
            [1..=0x7f, 0, ..] => (Unit::Two, Order::Little, false),
            _ => return None,
        };
        Some(Self { unit, order, has_mark })
    }

    /// The text in UTF-8; `None` if the bytes are not text in this charset. Nor are those that are a text as they stand: some senders
    /// declare a charset that they do not use, and half of a text must not hide in the other half's characters.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        if looks_like_text(bytes) {
            return None;
        }
        let width = if self.unit == Unit::Two { 2 } else { 4 };
        let text = bytes.get(if self.has_mark { width } else { 0 }..)?;
        let mut units = text.chunks_exact(width);
        let decoded = match self.unit {
            Unit::Two => {
                let unit =
                    |pair: &[u8]| pair.try_into().map(if self.order == Order::Big { u16::from_be_bytes } else { u16::from_le_bytes }).unwrap_or_default();
                char::decode_utf16(units.by_ref().map(unit)).collect::<Result<String, _>>().ok()
            }
            Unit::Four => {
                let unit = |four: &[u8]| {
                    four.try_into().map(if self.order == Order::Big { u32::from_be_bytes } else { u32::from_le_bytes }).ok().and_then(char::from_u32)
                };
                units.by_ref().map(unit).collect::<Option<String>>()
            }
        };
        decoded.filter(|_| units.remainder().is_empty()).map(String::into_bytes)
    }

    /// For each byte of a text in UTF-8, and for its end, where the bytes that say it stood.
    pub(super) fn offsets(self, text: &str) -> Vec<usize> {
        let width = if self.unit == Unit::Two { 2 } else { 4 };
        let mut at = if self.has_mark { width } else { 0 };
        let mut offsets = Vec::with_capacity(text.len() + 1);
        for character in text.chars() {
            offsets.extend(std::iter::repeat_n(at, character.len_utf8()));
            at += if self.unit == Unit::Two { character.len_utf16() * width } else { width };
        }
        offsets.push(at);
        offsets
    }

    /// A text in UTF-8 as it was written; `None` if it is not UTF-8.
    pub(super) fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        let mark = self.has_mark.then_some('\u{feff}');
        let characters = mark.into_iter().chain(text.chars());
        let mut out = Vec::with_capacity(text.len() * 2);
        for character in characters {
            match (self.unit, self.order) {
                (Unit::Two, Order::Big) => out.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes())),
                (Unit::Two, Order::Little) => out.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes())),
                (Unit::Four, Order::Big) => out.extend(u32::from(character).to_be_bytes()),
                (Unit::Four, Order::Little) => out.extend(u32::from(character).to_le_bytes()),
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let text = "{\"a\":\"é😀\"}".as_bytes();
        for unit in [Unit::Two, Unit::Four] {
            for order in [Order::Big, Order::Little] {
                for has_mark in [true, false] {
                    let charset = Charset { unit, order, has_mark };
                    let bytes = charset.encode(text).expect("encodes");
                    assert_eq!(Charset::of(b"application/json", &bytes), Some(charset));
                    assert_eq!(charset.decode(&bytes).as_deref(), Some(text));
                    assert_eq!(charset.decode(&bytes[..bytes.len() - 1]), None);
                    let offsets = charset.offsets(std::str::from_utf8(text).expect("UTF-8"));
                    assert_eq!((offsets.len(), offsets.last()), (text.len() + 1, Some(&bytes.len())));
                    let plain = Charset { has_mark: false, ..charset };
                    assert_eq!(plain.decode(&bytes[offsets[2]..offsets[5]]).as_deref(), Some(&text[2..5]));
                }
            }
        }
    }

    #[test]
    fn is_what_is_declared_or_else_shown() {
        for (content_type, start, expected) in [
            ("text/plain; charset=utf-16", &b"\0a"[..], Some((Unit::Two, Order::Big, false))),
            ("text/plain; charset=utf-16", b"\xff\xfea\0", Some((Unit::Two, Order::Little, true))),
            ("text/plain; charset=\"UTF-16LE\"", b"\xe9\0", Some((Unit::Two, Order::Little, false))),
            ("text/plain; charset=utf-8", b"a\0", None),
            ("text/plain", b"a\0", Some((Unit::Two, Order::Little, false))),
            ("", b"a\0", None),
            ("", b"\xfe\xff\0a", Some((Unit::Two, Order::Big, true))),
            ("image/png", b"\xff\xfe", None),
            ("application/octet-stream", b"\xff\xfe", None),
        ] {
            let found = Charset::of(content_type.as_bytes(), start).map(|charset| (charset.unit, charset.order, charset.has_mark));
            assert_eq!(found, expected, "{content_type} {start:?}");
        }
    }
}
