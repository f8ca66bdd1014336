//! Texts in UTF-16, UTF-32 and charsets of East Asia and others: read as UTF-8, and written back as they were.
//!
//! In: what a body's media type says, and its first bytes. Out: the body in UTF-8, or in its charset again. Latin charsets are none of
//! this: they are read and edited as they are. Nothing is replaced or left out: what is not text to its end is refused.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, WINDOWS_874, X_MAC_CYRILLIC};

use super::body::{Format, charset_of, looks_like_text};

/// A charset that a text is freed of before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// ASCII is not ASCII in it.
    Wide(Wide),
    /// A character beyond ASCII takes one byte or several, of which some look like ASCII. As browsers read them (WHATWG Encoding).
    Legacy(&'static Encoding),
}

/// UTF-16 or UTF-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wide {
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
        let shown = Wide::shown(start);
        let Some(declared) = charset_of(content_type) else {
            return shown.filter(|shown| shown.has_mark || format != Format::Absent).map(Self::Wide);
        };
        let declared = declared.trim_ascii().to_ascii_lowercase();
        let (unit, order) = match declared.as_slice() {
            b"utf-16" | b"utf16" | b"ucs-2" | b"iso-10646-ucs-2" | b"unicode" => (Unit::Two, None),
            b"utf-16le" => (Unit::Two, Some(Order::Little)),
            b"utf-16be" => (Unit::Two, Some(Order::Big)),
            b"utf-32" | b"utf32" | b"ucs-4" => (Unit::Four, None),
            b"utf-32le" => (Unit::Four, Some(Order::Little)),
            b"utf-32be" => (Unit::Four, Some(Order::Big)),
            label => return Encoding::for_label(label).filter(|encoding| LEGACY.contains(encoding)).map(Self::Legacy),
        };
        let shown = shown.filter(|shown| shown.unit == unit && order.is_none_or(|order| order == shown.order));
        // RFC 2781, section 4.3: without a mark, big-endian.
        Some(Self::Wide(shown.unwrap_or(Wide { unit, order: order.unwrap_or(Order::Big), has_mark: false })))
    }

    /// The text in UTF-8; `None` if the bytes are not text in this charset, to the byte. Nor are those that are a text as they stand: some
    /// senders declare a charset that they do not use, and half of a text must not hide in the other half's characters.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Wide(wide) => wide.decode(bytes),
            Self::Legacy(_) if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() => None,
            Self::Legacy(encoding) => {
                let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
                // What has two ways to be written would not come back as it was.
                (self.encode(text.as_bytes()).as_deref() == Some(bytes)).then(|| text.into_owned().into_bytes())
            }
        }
    }

    /// For each byte of a text in UTF-8, and for its end, where the bytes that say it stood.
    pub(super) fn offsets(self, text: &str) -> Vec<usize> {
        let mut at = match self {
            Self::Wide(wide) if wide.has_mark => wide.width(),
            _ => 0,
        };
        let mut offsets = Vec::with_capacity(text.len() + 1);
        for character in text.chars() {
            offsets.extend(std::iter::repeat_n(at, character.len_utf8()));
            at += match self {
                Self::Wide(wide) if wide.unit == Unit::Two => character.len_utf16() * wide.width(),
                Self::Wide(wide) => wide.width(),
                Self::Legacy(encoding) => encoding.encode(character.encode_utf8(&mut [0; 4])).0.len(),
            };
        }
        offsets.push(at);
        offsets
    }

    /// A text in UTF-8 as it was written; `None` if it is not UTF-8, or says what the charset cannot.
    pub(super) fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        match self {
            Self::Wide(wide) => Some(wide.encode(text)),
            Self::Legacy(encoding) => {
                let (bytes, _, has_others) = encoding.encode(text);
                (!has_others).then(|| bytes.into_owned())
            }
        }
    }
}

impl Wide {
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

    const fn width(self) -> usize {
        match self.unit {
            Unit::Two => 2,
            Unit::Four => 4,
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        if looks_like_text(bytes) {
            return None;
        }
        let text = bytes.get(if self.has_mark { self.width() } else { 0 }..)?;
        let mut units = text.chunks_exact(self.width());
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

    fn encode(self, text: &str) -> Vec<u8> {
        let mark = self.has_mark.then_some('\u{feff}');
        let mut out = Vec::with_capacity(text.len() * 2);
        for character in mark.into_iter().chain(text.chars()) {
            match (self.unit, self.order) {
                (Unit::Two, Order::Big) => out.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes())),
                (Unit::Two, Order::Little) => out.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes())),
                (Unit::Four, Order::Big) => out.extend(u32::from(character).to_be_bytes()),
                (Unit::Four, Order::Little) => out.extend(u32::from(character).to_le_bytes()),
            }
        }
        out
    }
}

/// East Asian charsets, and those of one byte that are neither Latin nor read as they are. ISO-2022-JP is none of them: it shifts between
/// tables, so that a piece of it cannot be edited by itself.
const LEGACY: [&Encoding; 12] = [SHIFT_JIS, EUC_JP, EUC_KR, GBK, GB18030, BIG5, KOI8_R, KOI8_U, IBM866, WINDOWS_874, MACINTOSH, X_MAC_CYRILLIC];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let text = "{\"a\":\"é😀\"}".as_bytes();
        for unit in [Unit::Two, Unit::Four] {
            for order in [Order::Big, Order::Little] {
                for has_mark in [true, false] {
                    let wide = Wide { unit, order, has_mark };
                    let charset = Charset::Wide(wide);
                    let bytes = charset.encode(text).expect("encodes");
                    assert_eq!(Charset::of(b"application/json", &bytes), Some(charset));
                    assert_eq!(charset.decode(&bytes).as_deref(), Some(text));
                    assert_eq!(charset.decode(&bytes[..bytes.len() - 1]), None);
                    let offsets = charset.offsets(std::str::from_utf8(text).expect("UTF-8"));
                    assert_eq!((offsets.len(), offsets.last()), (text.len() + 1, Some(&bytes.len())));
                    let plain = Wide { has_mark: false, ..wide };
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
            let expected = expected.map(|(unit, order, has_mark)| Charset::Wide(Wide { unit, order, has_mark }));
            assert_eq!(Charset::of(content_type.as_bytes(), start), expected, "{content_type} {start:?}");
        }
    }

    #[test]
    fn legacy_texts_come_back_as_they_were_or_are_refused() {
        for (label, text) in [
            ("shift_jis", "{\"氏名\":\"表示 ソフト\"}"),
            ("EUC-JP", "山田"),
            ("euc-kr", "김민수"),
            ("gb2312", "张伟"),
            ("gb18030", "张伟 😀"),
            ("big5", "陳志明"),
            ("koi8-r", "Иван"),
            ("windows-874", "สมชาย"),
        ] {
            let charset = Charset::of(format!("text/plain; charset={label}").as_bytes(), b"").expect(label);
            let bytes = charset.encode(text.as_bytes()).expect(label);
            assert_eq!(charset.decode(&bytes).as_deref(), Some(text.as_bytes()), "{label}");
            let offsets = charset.offsets(text);
            assert_eq!((offsets.len(), offsets.last()), (text.len() + 1, Some(&bytes.len())), "{label}");
            for (at, character) in text.char_indices() {
                let piece = &bytes[offsets[at]..offsets[at + character.len_utf8()]];
                assert_eq!(charset.encode(character.to_string().as_bytes()).as_deref(), Some(piece), "{label} {at}");
            }
            // UTF-8 under another name, a character cut in two, and what the charset cannot say.
            assert_eq!(charset.decode(text.as_bytes()), None, "{label}");
            assert!(label.ends_with("18030") || charset.encode("Ѝ\u{1f600}".as_bytes()).is_none(), "{label}");
        }
        assert_eq!(Charset::Legacy(SHIFT_JIS).decode(b"a\x95"), None);
        for label in ["iso-2022-jp", "utf-7", "x-user-defined", "iso-2022-kr", "iso-8859-1", "windows-1252"] {
            assert_eq!(Charset::of(format!("text/plain; charset={label}").as_bytes(), b""), None, "{label}");
        }
    }
}
