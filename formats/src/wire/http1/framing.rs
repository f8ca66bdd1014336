//! How long a body is (RFC 9112, section 6.3), and where that can be read in two ways.
//!
//! A head flows in, a [`Framing`] flows out. Two readings of one length are how requests are smuggled past a proxy; such heads
//! are flagged and read in the way that the RFC prefers, never repaired.

use super::RequestContext;
use crate::model::{Head, Header, Oddities, token_length};

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// There is none.
    Empty,
    /// So many bytes.
    Counted(u64),
    /// The chunked coding.
    Chunked,
    /// Up to the end of the connection.
    UntilClose,
    /// There is none, and what follows is another protocol.
    Tunnel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) length: Length,
    /// Another reader could find another length.
    pub(super) ambiguous: bool,
}

pub(super) fn of_request(head: &Head) -> Framing {
    let announced = Announced::of(head);
    // A request whose last coding is not chunked has no length that can be relied on; most servers then go by Content-Length.
    let length = match (announced.coding, announced.content_length) {
        (Coding::Chunked, _) => Length::Chunked,
        (_, Some(length)) if length > 0 => Length::Counted(length),
        _ => Length::Empty,
    };
    Framing { length, ambiguous: announced.ambiguous || announced.coding == Coding::Other }
}

pub(super) fn of_response(head: &Head, request: RequestContext) -> Framing {
    let status = head.status().unwrap_or_default();
    let announced = Announced::of(head);
    let length = if status == 101 || (request.connect && (200..300).contains(&status)) {
        Length::Tunnel
    } else if request.head || (100..200).contains(&status) || status == 204 || status == 304 {
        Length::Empty
    } else {
        match (announced.coding, announced.content_length) {
            (Coding::Chunked, _) => Length::Chunked,
            (Coding::Other, _) => Length::UntilClose,
            (Coding::Absent, Some(0)) => Length::Empty,
            (Coding::Absent, Some(length)) => Length::Counted(length),
            (Coding::Absent, None) => Length::UntilClose,
        }
    };
    Framing { length, ambiguous: announced.ambiguous }
}

/// The items of a comma-separated field, over all its lines, without the white space around them.
pub(super) fn list_items<'a>(head: &'a Head, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.headers_named(name).flat_map(|header| header.value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Absent,
    Chunked,
    Other,
}

struct Announced {
    coding: Coding,
    content_length: Option<u64>,
    ambiguous: bool,
}

impl Announced {
    fn of(head: &Head) -> Self {
        let mut ambiguous = hides_framing(head);
        let mut lengths = list_items(head, CONTENT_LENGTH).map(decimal);
        let first = lengths.next();
        let content_length = first.flatten();
        ambiguous |= first.is_some_and(|first| first.is_none() || lengths.any(|other| other != first));

        let (mut coding, mut chunked, mut nearly_chunked) = (Coding::Absent, 0, false);
        for item in list_items(head, TRANSFER_ENCODING) {
            if item.eq_ignore_ascii_case(b"chunked") {
                chunked += 1;
                coding = Coding::Chunked;
            } else if coding == Coding::Absent || !item.is_empty() {
                nearly_chunked |= item.to_ascii_lowercase().windows(7).any(|window| window == b"chunked");
                coding = Coding::Other;
            }
        }
        if coding != Coding::Absent {
            ambiguous |= first.is_some() || head.version() == b"HTTP/1.0" || chunked > 1;
            ambiguous |= coding == Coding::Other && (chunked > 0 || nearly_chunked);
        }
        Self { coding, content_length, ambiguous }
    }
}

/// Whether the head has a form in which one reader finds a length, or another one, that the next reader does not.
fn hides_framing(head: &Head) -> bool {
    let odd = head.oddities();
    if odd == Oddities::default() {
        return false;
    }
    let framing = || [CONTENT_LENGTH, TRANSFER_ENCODING].into_iter().flat_map(|name| head.headers_named(name));
    // White space before the colon and folded values are read by some and skipped by others.
    let is_odd = |header: Header<'_>| {
        let name_end = header.name_start + header.name.len();
        head.raw().get(name_end) != Some(&b':') || head.raw()[name_end..header.value_span().end].contains(&b'\n')
    };
    let in_mixed_lines = odd.mixed_line_ends && framing().next().is_some();
    odd.stray || in_mixed_lines || framing().any(is_odd) || head.raw().split(|byte| *byte == b'\n').any(is_nearly_framing)
}

/// Whether a line looks like one of the fields that frame a message and is none, for what stands around the name.
fn is_nearly_framing(line: &[u8]) -> bool {
    let text = &line[line.iter().take_while(|byte| **byte <= b' ').count()..];
    let name = &text[..token_length(text)];
    let is_framing = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|framing| name.eq_ignore_ascii_case(framing.as_bytes()));
    is_framing && (text.len() < line.len() || text.get(name.len()) != Some(&b':'))
}

/// A number of decimal digits and nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// What stands in front of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkLine {
    /// The chunk's size; none if this is no chunk header.
    pub(super) size: Option<u64>,
    /// Another reader could find another size, or another end of the line.
    pub(super) ambiguous: bool,
}

/// Reads a chunk header, up to its line feed: hexadecimal digits, then nothing, white space, or an extension.
pub(super) fn chunk_line(line: &[u8]) -> ChunkLine {
    let content = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = content.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let extension = content[digits..].trim_ascii_start();
    if digits > 0 && matches!(extension.first(), None | Some(b';')) {
        let size = content[..digits].iter().try_fold(0u64, |size, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            size.checked_mul(16)?.checked_add(u64::from(digit))
        });
        // Some look for CRLF behind an extension, and pass over a bare LF or a bare CR.
        let ends_twice = !extension.is_empty() && (content.len() == line.len() || memchr::memchr2(b'\r', b'\0', extension).is_some());
        ChunkLine { size, ambiguous: size.is_none() || ends_twice }
    } else {
        // A sign, white space or `0x` before the digits, or more behind them, is passed over by some.
        let first = content.iter().find(|byte| byte.is_ascii_alphanumeric());
        ChunkLine { size: None, ambiguous: first.is_some_and(u8::is_ascii_hexdigit) }
    }
}

const CONTENT_LENGTH: &str = "content-length";
const TRANSFER_ENCODING: &str = "transfer-encoding";

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn requests() {
        use Length::{Chunked, Counted, Empty};
        for (fields, length, ambiguous) in [
            ("", Empty, false),
            ("Content-Length: 5\r\n", Counted(5), false),
            ("Content-Length: 0\r\n", Empty, false),
            ("content-length: 5\r\nContent-Length: 5\r\n", Counted(5), false),
            ("Content-Length: 5, 5\r\n", Counted(5), false),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Counted(5), true),
            ("Content-Length: +5\r\n", Empty, true),
            ("Content-Length: 99999999999999999999999\r\n", Empty, true),
            ("Content-Length : 5\r\n", Counted(5), true),
            ("Content-Length:\r\n 5\r\n", Counted(5), true),
            ("Content-Length: 5\r\n 6\r\n", Empty, true),
            ("Transfer-Encoding: chunked\r\n", Chunked, false),
            ("Transfer-Encoding: gzip, Chunked\r\n", Chunked, false),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Chunked, false),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Chunked, true),
            ("Transfer-Encoding: chunked, chunked\r\n", Chunked, true),
            ("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding: chunked, identity\r\n", Empty, true),
            ("Transfer-Encoding : chunked\r\n", Chunked, true),
            ("Transfer-Encoding:\tchunked\r\n", Chunked, false),
            ("Transfer-Encoding:\r\n chunked\r\n", Chunked, true),
            ("Transfer-Encoding: chunked,\r\n", Chunked, false),
            ("Transfer-Encoding: \r\n", Empty, true),
            ("Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding: 'chunked'\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding\x0b: chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("\x0bTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            (" Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("X: y\nTransfer-Encoding: chunked\r\n", Chunked, true),
            ("X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding chunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Content-Length\0: 5\r\n", Empty, true),
            ("X: \0\r\n", Empty, true),
            ("Content-Length: 5 5\r\n", Empty, true),
            ("Content-Length: 0x5\r\n", Empty, true),
            ("Content-Length: -5\r\n", Empty, true),
            ("Content-Length:\r\n", Empty, true),
            // Odd, but of one length.
            ("bad name: x\r\nContent-Length: 5\r\n", Counted(5), false),
            ("X: y\r\n z\r\nContent-Length: 5\r\n", Counted(5), false),
            ("X: y\n\r\n", Empty, false),
            ("no colon\r\nContent-Length-Hint: 7\r\nContent-Length: 5\r\n", Counted(5), false),
        ] {
            let head = Head::request(Bytes::from(format!("POST / HTTP/1.1\r\n{fields}\r\n"))).expect("readable");
            assert_eq!(of_request(&head), Framing { length, ambiguous }, "{fields:?}");
        }
    }

    #[test]
    fn responses() {
        use Length::{Chunked, Counted, Empty, Tunnel, UntilClose};
        let (get, head, connect) =
            (RequestContext::default(), RequestContext { head: true, ..Default::default() }, RequestContext { connect: true, ..Default::default() });
        for (request, status, fields, length) in [
            (get, 200, "", UntilClose),
            (get, 200, "Content-Length: 0\r\n", Empty),
            (get, 200, "Content-Length: 7\r\n", Counted(7)),
            (get, 200, "Transfer-Encoding: chunked\r\n", Chunked),
            (get, 200, "Transfer-Encoding: gzip\r\n", UntilClose),
            (head, 200, "Content-Length: 7\r\n", Empty),
            (get, 204, "Content-Length: 7\r\n", Empty),
            (get, 304, "Content-Length: 7\r\n", Empty),
            (get, 101, "", Tunnel),
            (connect, 200, "Content-Length: 7\r\n", Tunnel),
            (connect, 407, "Content-Length: 7\r\n", Counted(7)),
        ] {
            let head = Head::response(Bytes::from(format!("HTTP/1.1 {status} X\r\n{fields}\r\n"))).expect("readable");
            assert_eq!(of_response(&head, request).length, length, "{status} {fields:?}");
        }
    }

    #[test]
    fn chunk_lines() {
        for (line, size, ambiguous) in [
            (&b"0\r"[..], Some(0), false),
            (b"1a\r", Some(26), false),
            (b"1A", Some(26), false),
            (b"A;name=value\r", Some(10), false),
            (b"5 \r", Some(5), false),
            (b"5 ;x\r", Some(5), false),
            (b"00000000000000000005\r", Some(5), false),
            (b"ffffffffffffffff\r", Some(u64::MAX), false),
            // Some look for CRLF behind an extension.
            (b"5;x", Some(5), true),
            (b"5;x\ry\r", Some(5), true),
            (b"5;x\0\r", Some(5), true),
            // Some pass over what stands around the digits, or count modulo 2^64.
            (b"10000000000000000\r", None, true),
            (b"0x5\r", None, true),
            (b"+5\r", None, true),
            (b"-1\r", None, true),
            (b" 5\r", None, true),
            (b"5 5\r", None, true),
            (b"5\x0b\r", None, true),
            (b"5,\r", None, true),
            (b"\r", None, false),
            (b"GET / HTTP/1.1\r", None, false),
        ] {
            assert_eq!(chunk_line(line), ChunkLine { size, ambiguous }, "{:?}", String::from_utf8_lossy(line));
        }
    }
}
