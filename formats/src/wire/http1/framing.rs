//! How long a body is (RFC 9112, section 6.3), and where that can be read in two ways.
//!
//! A head flows in, a [`Framing`] flows out. Two readings of one length are how requests are smuggled past a proxy; such heads
//! are flagged and read in the way that the RFC prefers, never repaired.

use super::RequestContext;
use crate::model::Head;

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
        let (mut has_length, mut has_coding, mut ambiguous) = (false, false, false);
        for header in head.headers() {
            let (is_length, is_coding) = (header.is("content-length"), header.is("transfer-encoding"));
            has_length |= is_length;
            has_coding |= is_coding;
            if is_length || is_coding {
                // White space before the colon and folded values are read by some and skipped by others.
                let before = &head.raw()[..header.value_start];
                let colon = before.iter().rposition(|byte| *byte == b':').unwrap_or_default();
                ambiguous |= before[..colon].ends_with(b" ") || before[..colon].ends_with(b"\t") || header.value.contains(&b'\n');
            }
        }
        let content_length = if has_length {
            let mut lengths = list_items(head, "content-length").map(decimal);
            let first = lengths.next().flatten();
            ambiguous |= first.is_none() || lengths.any(|other| other != first);
            first
        } else {
            None
        };
        let coding = if has_coding {
            let codings: Vec<&[u8]> = list_items(head, "transfer-encoding").filter(|item| !item.is_empty()).collect();
            let is_chunked = |item: &&&[u8]| item.eq_ignore_ascii_case(b"chunked");
            ambiguous |= has_length || head.version() == b"HTTP/1.0" || codings.iter().filter(is_chunked).count() > 1;
            if codings.last().is_some_and(|last| is_chunked(&last)) {
                Coding::Chunked
            } else {
                ambiguous |= codings.iter().any(|item| item.to_ascii_lowercase().windows(7).any(|window| window == b"chunked"));
                Coding::Other
            }
        } else {
            Coding::Absent
        };
        Self { coding, content_length, ambiguous }
    }
}

/// A number of decimal digits and nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// A chunk's size: hexadecimal digits, then nothing, white space, or an extension.
pub(super) fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || !matches!(line[digits..].trim_ascii_start().first(), None | Some(b';')) {
        return None;
    }
    line[..digits].iter().try_fold(0u64, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(u64::from(digit))
    })
}

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
            ("Content-Length:\r\n 5\r\n", Counted(5), false),
            ("Content-Length: 5\r\n 6\r\n", Empty, true),
            ("Transfer-Encoding: chunked\r\n", Chunked, false),
            ("Transfer-Encoding: gzip, Chunked\r\n", Chunked, false),
            ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Chunked, false),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Chunked, true),
            ("Transfer-Encoding: chunked, chunked\r\n", Chunked, true),
            ("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", Counted(5), true),
            ("Transfer-Encoding: chunked, identity\r\n", Empty, true),
            ("Transfer-Encoding : chunked\r\n", Chunked, true),
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
    fn chunk_sizes() {
        for (line, size) in [
            ("0", Some(0)),
            ("1a", Some(26)),
            ("A;name=value", Some(10)),
            ("5 ", Some(5)),
            ("5 ;x", Some(5)),
            ("", None),
            ("0x5", None),
            (" 5", None),
            ("5 5", None),
            ("-1", None),
            ("ffffffffffffffff", Some(u64::MAX)),
            ("00000000000000000005", Some(5)),
            ("10000000000000000", None),
        ] {
            assert_eq!(chunk_size(line.as_bytes()), size, "{line:?}");
        }
    }
}
