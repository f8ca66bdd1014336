//! A leaf: one value, where it stands, and what it wears there.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::path;
use crate::model::Part;

/// What a leaf is. Closed for now; formats to come add to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeafKind {
    /// One segment of a URL's path. Its name is the segment before it.
    PathSegment,
    /// A parameter of a URL's query, of its fragment, or of a path segment (`;name=value`).
    Query,
    /// Host and port of a URL.
    Host,
    /// User and password of a URL.
    UserInfo,
    /// A header's value.
    Header,
    /// What follows the scheme in `Authorization` and `Proxy-Authorization`, or one parameter of it.
    Credential,
    /// One cookie of `Cookie`, or the one that `Set-Cookie` sets.
    Cookie,
    /// An attribute of `Set-Cookie`.
    CookieAttribute,
    /// A member name of a JSON object.
    JsonKey,
    /// A JSON string.
    JsonString,
    /// A JSON number.
    JsonNumber,
    /// `true` or `false`.
    JsonBool,
    /// `null`.
    JsonNull,
    /// A field of a form body.
    Form,
    /// A text field of a multipart body.
    MultipartField,
    /// A parameter of a multipart part's header, such as the file name.
    MultipartParameter,
    /// A file in a multipart body; its value is opaque.
    MultipartFile,
    /// Character data of an XML or HTML document. Its name is the element's.
    ElementText,
    /// An attribute of an XML or HTML element.
    ElementAttribute,
    /// A cell of a table. Its name is the column's.
    Cell,
    /// What follows a name on a line: YAML, TOML, ini files, a field of an event stream.
    Entry,
    /// Free text: a whole text body, a reason phrase, a line of a head that could not be read.
    Text,
}

impl LeafKind {
    /// Whether it stands for a value, rather than for the name of one.
    pub const fn is_value(self) -> bool {
        !matches!(self, Self::JsonKey)
    }
}

/// What a value wears where it stands: its quotes, escapes and forbidden bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Surface {
    /// Nothing.
    Raw,
    /// A header value: no line breaks, no NUL.
    Header,
    /// A cookie value: no white space, quotes, commas, semicolons (RFC 6265, section 4.1.1).
    Cookie,
    /// Percent-escapes as in a path segment (RFC 3986, section 3.3).
    Path,
    /// Percent-escapes as in a query or a form, `+` for the space.
    Query,
    /// Percent-escapes of everything that is not unreserved.
    Percent,
    /// Between the quotes of a JSON string.
    JsonString,
    /// A bare JSON number or literal; what is none gets quotes.
    JsonBare,
    /// Character data or an attribute's value in XML or HTML.
    Markup,
    /// Between the quotes of a header parameter.
    Quoted,
    /// Escapes of quoted-printable text (RFC 2045, section 6.7).
    QuotedPrintable,
    /// A bare cell of CSV; what would end it gets quotes.
    Cell,
    /// Between the quotes of a cell of CSV (RFC 4180).
    CellQuoted,
}

impl Surface {
    /// `value` as it must be written there. Undressed again by the visitor it is `value`, but for bytes that the place cannot hold.
    pub fn dress(&self, value: &[u8]) -> Vec<u8> {
        match self {
            Self::Raw => value.to_vec(),
            // A space at the beginning of a line would make it part of the one before.
            Self::Header => {
                let said = |(at, byte): (usize, &u8)| if !matches!(byte, b'\r' | b'\n' | 0) { *byte } else { [b' ', b'_'][usize::from(at == 0)] };
                value.iter().enumerate().map(said).collect()
            }
            Self::Cookie => percent(value, |byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%'), false),
            Self::Path => percent(value, |byte| unreserved(byte) || b"!$&'()*+,=:@".contains(&byte), false),
            Self::Query => percent(value, |byte| unreserved(byte) || b"!$'()*,:@/?".contains(&byte), true),
            Self::Percent => percent(value, unreserved, false),
            Self::JsonString => json_escaped(value),
            Self::JsonBare if super::json::is_bare(value) => value.to_vec(),
            Self::JsonBare => [&b"\""[..], &json_escaped(value), b"\""].concat(),
            Self::Markup => markup_escaped(value),
            Self::QuotedPrintable => quoted_printable(value),
            Self::Cell if value.iter().any(|byte| matches!(byte, b'"' | b',' | b';' | b'|' | b'\t' | b'\r' | b'\n')) => {
                [&b"\""[..], &doubled(value), b"\""].concat()
            }
            Self::Cell => value.to_vec(),
            Self::CellQuoted => doubled(value),
            Self::Quoted => value
                .iter()
                .flat_map(|byte| match byte {
                    b'"' | b'\\' => vec![b'\\', *byte],
                    b'\r' | b'\n' | 0 => vec![b' '],
                    _ => vec![*byte],
                })
                .collect(),
        }
    }
}

impl Surface {
    /// What `raw` says without what it wears; the inverse of [`dress`](Self::dress).
    pub fn undress<'a>(&self, raw: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::Path | Self::Percent => unpercent(raw, false),
            Self::Query => unpercent(raw, true),
            Self::JsonString => super::json::unescaped(raw),
            Self::Markup => super::markup::unescaped(raw),
            Self::QuotedPrintable if raw.contains(&b'=') => Cow::Owned(self.said(raw)),
            Self::CellQuoted if raw.contains(&b'"') => Cow::Owned(self.said(raw)),
            Self::Quoted if raw.contains(&b'\\') => Cow::Owned(self.said(raw)),
            Self::Raw | Self::Header | Self::Cookie | Self::JsonBare | Self::Quoted | Self::QuotedPrintable | Self::Cell | Self::CellQuoted => {
                Cow::Borrowed(raw)
            }
        }
    }

    /// What `raw` says, where each escape says one byte or none.
    fn said(&self, raw: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (Vec::with_capacity(raw.len()), 0);
        while at < raw.len() {
            let (length, byte) = self.escape(&raw[at..]).unwrap_or((1, Some(raw[at])));
            out.extend(byte);
            at += length;
        }
        out
    }

    /// The escape that `rest` begins with, of the surfaces whose escapes say one byte or none: how long it is, and that byte.
    fn escape(&self, rest: &[u8]) -> Option<(usize, Option<u8>)> {
        match (self, rest) {
            (Self::QuotedPrintable, [b'=', b'\r', b'\n', ..]) => Some((3, None)),
            (Self::QuotedPrintable, [b'=', b'\n', ..]) => Some((2, None)),
            (Self::QuotedPrintable, [b'=', high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                Some((3, Some(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?)))
            }
            (Self::CellQuoted, [b'"', b'"', ..]) => Some((2, Some(b'"'))),
            (Self::Quoted, [b'\\', byte @ (b'"' | b'\\'), ..]) => Some((2, Some(*byte))),
            _ => None,
        }
    }

    /// For each byte of the undressed value, and for its end, where in `raw` the bytes that say it begin.
    pub fn offsets(&self, raw: &[u8]) -> Vec<usize> {
        let mut offsets = Vec::with_capacity(raw.len() + 1);
        let mut at = 0;
        while at < raw.len() {
            let rest = &raw[at..];
            let (length, said) = match (self, rest[0]) {
                (Self::Path | Self::Percent | Self::Query, b'%') if matches!(rest, [_, high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()) => {
                    (3, 1)
                }
                (Self::JsonString, b'\\') => {
                    let (character, length) = super::json::escape(rest);
                    (length, character.len_utf8())
                }
                (Self::QuotedPrintable | Self::CellQuoted | Self::Quoted, _) => {
                    self.escape(rest).map_or((1, 1), |(length, byte)| (length, usize::from(byte.is_some())))
                }
                (Self::Markup, b'&') => super::markup::entity(rest).map_or((1, 1), |(character, length)| (length, character.len_utf8())),
                _ => (1, 1),
            };
            offsets.extend(std::iter::repeat_n(at, said));
            at += length;
        }
        offsets.push(raw.len());
        offsets
    }
}

/// One value of a message.
#[derive(Clone)]
pub struct Leaf<'a> {
    /// The part it stands in.
    pub part: Part,
    /// Where it stands there, with concrete indices: `target:/1`, `query:token`, `header:authorization`, `cookie:sid`, `set-cookie:sid`,
    /// `header:location:/1`, `body:/items/0/sku`, `body:name` (a form field), `body:` (a whole text). The second of two alike ends in `#2`.
    pub path: &'a str,
    /// The nearest name: the parameter, the cookie, the header, the JSON member (of the array, for its elements), the segment before.
    pub name: Option<Cow<'a, str>>,
    /// What it is.
    pub kind: LeafKind,
    /// Where its raw bytes stand: in the raw head, the raw trailers, or the body once its content coding is undone.
    pub span: Range<usize>,
    /// The value without what it wears.
    pub value: Cow<'a, [u8]>,
    /// What a new value must wear in this place.
    pub surface: Surface,
}

impl Leaf<'_> {
    /// The value, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }

    /// The path with array indices, and names that may be values, as `*`: safe to print, and alike for like places.
    pub fn template(&self) -> String {
        path::template(self.path)
    }
}

impl fmt::Debug for Leaf<'_> {
    /// Shape only: values are what people typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("path", &self.template())
            .field("kind", &self.kind)
            .field("span", &self.span)
            .field("surface", &self.surface)
            .finish_non_exhaustive()
    }
}

const fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn percent(value: &[u8], stays: impl Fn(u8) -> bool, plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b' ' if plus => out.push(b'+'),
            byte if stays(*byte) => out.push(*byte),
            byte => out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out
}

/// `value` without percent-escapes; borrowed if it has none. An escape that is none stays.
pub(super) fn unpercent(value: &[u8], plus: bool) -> Cow<'_, [u8]> {
    if !value.iter().any(|byte| *byte == b'%' || (plus && *byte == b'+')) {
        return Cow::Borrowed(value);
    }
    let mut spaced = value.to_vec();
    if plus {
        spaced.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
    Cow::Owned(percent_encoding::percent_decode(&spaced).collect())
}

fn json_escaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 2);
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x00..=0x1f => out.extend([b'\\', b'u', b'0', b'0', HEX_LOWER[usize::from(byte >> 4)], HEX_LOWER[usize::from(byte & 15)]]),
            _ => out.push(*byte),
        }
    }
    out
}

fn markup_escaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            b'"' => out.extend(b"&quot;"),
            b'\'' => out.extend(b"&#39;"),
            // As it was written: a text with many of them bare would be no text any more.
            0..=8 | 0x0b | 0x0c | 0x0e..0x20 | 0x7f => out.extend(format!("&#{byte};").into_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

fn quoted_printable(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b' ' | b'\t' | b'!'..=b'<' | b'>'..=b'~' => out.push(*byte),
            byte => out.extend([b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out
}

/// Quotes doubled.
fn doubled(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        out.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
    }
    out
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
const HEX_LOWER: &[u8; 16] = b"0123456789abcdef";

/// The leaves of a text that `visit` hands out, each as its path, its name and its value. Each says what its raw bytes say.
#[cfg(test)]
pub(super) fn told(text: &str, visit: impl FnOnce(super::Visit<'_>)) -> Vec<String> {
    let mut seen = Vec::new();
    visit(&mut super::visitor::leaves(|leaf| {
        assert_eq!(leaf.surface.undress(&text.as_bytes()[leaf.span.clone()]), leaf.value);
        seen.push(format!("{} {} {}", leaf.path, leaf.name.as_deref().unwrap_or("-"), String::from_utf8_lossy(&leaf.value)));
    }));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dresses_for_the_place() {
        let cases: [(Surface, &str, &str); 18] = [
            (Surface::Raw, "a\"b", "a\"b"),
            (Surface::Header, "a\r\nSet-Cookie: x", "a  Set-Cookie: x"),
            (Surface::Cookie, "a;b c%", "a%3Bb%20c%25"),
            (Surface::Path, "a/b@c d", "a%2Fb@c%20d"),
            (Surface::Query, "a&b=c+d e", "a%26b%3Dc%2Bd+e"),
            (Surface::Percent, "a@b", "a%40b"),
            (Surface::JsonString, "a\"\\\n\u{1}é", "a\\\"\\\\\\n\\u0001é"),
            (Surface::JsonBare, "-1.5e3", "-1.5e3"),
            (Surface::JsonBare, "true", "true"),
            (Surface::JsonBare, "01", "\"01\""),
            (Surface::JsonBare, "1 ", "\"1 \""),
            (Surface::JsonBare, "a\"", "\"a\\\"\""),
            (Surface::Markup, "<a & 'b'>", "&lt;a &amp; &#39;b&#39;&gt;"),
            (Surface::Quoted, "a\"b", "a\\\"b"),
            (Surface::QuotedPrintable, "a=é b", "a=3D=C3=A9 b"),
            (Surface::Cell, "a b", "a b"),
            (Surface::Cell, "a, \"b\"", "\"a, \"\"b\"\"\""),
            (Surface::CellQuoted, "a\"b", "a\"\"b"),
        ];
        for (surface, value, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&surface.dress(value.as_bytes())), expected, "{surface:?}");
        }
    }

    #[test]
    fn offsets_lead_back_to_the_raw_bytes() {
        for (surface, raw) in [
            (Surface::Path, "a%40b%zz%4"),
            (Surface::Query, "a+%2Bb"),
            (Surface::JsonString, r#"a\"\u00e9\ud83d\ude00\ud83dx\q\"#),
            (Surface::Markup, "a&amp;b&#233;&nope;&"),
            (Surface::Raw, "a%40"),
            (Surface::QuotedPrintable, "a=3Db=\r\nc=40=\nd=zz=4"),
            (Surface::CellQuoted, "a\"\"b\""),
            (Surface::Quoted, "a\\\"b\\\\c\\d\\"),
        ] {
            let value = surface.undress(raw.as_bytes());
            let offsets = surface.offsets(raw.as_bytes());
            assert_eq!(offsets.len(), value.len() + 1, "{surface:?}");
            let text = String::from_utf8_lossy(&value).into_owned();
            for (start, character) in text.char_indices() {
                let piece = &raw.as_bytes()[offsets[start]..offsets[start + character.len_utf8()]];
                assert_eq!(surface.undress(piece).as_ref(), character.to_string().as_bytes(), "{surface:?} at {start}");
            }
        }
    }

    #[test]
    fn percent_escapes_that_are_none_stay() {
        assert_eq!(unpercent(b"%4", false), Cow::Borrowed(b"%4"));
        assert_eq!(unpercent(b"%zz+%41", true).as_ref(), b"%zz A");
        assert_eq!(unpercent(b"a+b", false).as_ref(), b"a+b");
    }
}
