//! Where a message begins.
//!
//! Two questions about raw bytes: can a message begin right here, and, after a hole or garbage, where is the next place at
//! which one does? Both have the same answer however the bytes were cut.

use crate::model::{Side, token_length};

/// Whether a message can begin with given bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It does: the start line is there and is one.
    Message,
    /// It does: an HTTP/0.9 request, which is this line alone.
    Http09,
    /// It may; more bytes are needed.
    Undecided,
    /// It does not.
    Other,
}

/// A start line longer than this is none.
const MAX_START_LINE: usize = 64 << 10;
/// After a hole a request line is only looked for within this many bytes before its version.
pub(super) const MAX_SOUGHT_LINE: usize = 16 << 10;
/// `HTTP/1.1 200`.
pub(super) const SOUGHT_STATUS: usize = 12;

/// Whether `bytes` begin a message of `side`.
pub fn opening(side: Side, bytes: &[u8]) -> Opening {
    match side {
        Side::Request => request(bytes),
        Side::Response => response(bytes),
    }
}

fn request(bytes: &[u8]) -> Opening {
    let newline = memchr::memchr(b'\n', &bytes[..bytes.len().min(MAX_START_LINE)]);
    let line = &bytes[..newline.unwrap_or(bytes.len())];
    let method = token_length(line);
    // A method is a word of letters in nearly all traffic, and never longer than this.
    if method > 32 || (method < line.len() && (method == 0 || line[method] != b' ')) {
        return Opening::Other;
    }
    if newline.is_none() {
        return if bytes.len() >= MAX_START_LINE { Opening::Other } else { Opening::Undecided };
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_end();
    let Some(rest) = line.get(method + 1..) else { return Opening::Other };
    let mut words = rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    match words.next_back() {
        None => Opening::Other,
        Some(last) if last.starts_with(b"HTTP/") && words.next().is_some() => Opening::Message,
        // The space before the version was forgotten.
        Some(last) if memchr::memmem::find(last, b"/HTTP/1.").is_some() => Opening::Message,
        // Other line protocols know a GET too; a target tells them apart.
        Some(target) if &line[..method] == b"GET" && words.next().is_none() => {
            if target.starts_with(b"/") || target.starts_with(b"http://") {
                Opening::Http09
            } else {
                Opening::Other
            }
        }
        Some(_) if METHODS.contains(&&line[..method]) => Opening::Message,
        Some(_) => Opening::Other,
    }
}

fn response(bytes: &[u8]) -> Opening {
    const PREFIX: &[u8] = b"HTTP/";
    if !bytes.starts_with(PREFIX) {
        return if PREFIX.starts_with(bytes) { Opening::Undecided } else { Opening::Other };
    }
    let Some(newline) = memchr::memchr(b'\n', &bytes[..bytes.len().min(MAX_START_LINE)]) else {
        return if bytes.len() >= MAX_START_LINE { Opening::Other } else { Opening::Undecided };
    };
    let mut words = bytes[..newline].split(|byte| matches!(byte, b' ' | b'\r')).filter(|word| !word.is_empty());
    let status = words.nth(1).unwrap_or_default();
    if status.len() >= 3 && status[..3].iter().all(u8::is_ascii_digit) && !status.get(3).is_some_and(u8::is_ascii_digit) {
        Opening::Message
    } else {
        Opening::Other
    }
}

/// Where in `bytes`, which follow a hole, the next message of `side` begins. Only what is unmistakable is found.
pub fn seek(side: Side, bytes: &[u8]) -> Option<usize> {
    match side {
        Side::Request => memchr::memmem::find_iter(bytes, b" HTTP/1.").find_map(|space| request_line_before(bytes, space)),
        Side::Response => memchr::memmem::find_iter(bytes, b"HTTP/1.")
            .find(|at| matches!(bytes.get(at + 7..at + SOUGHT_STATUS), Some([b'0' | b'1', b' ', status @ ..]) if status.iter().all(u8::is_ascii_digit))),
    }
}

/// Whether `bytes` begin with a status line of HTTP/1; nothing if more of them are needed to tell.
pub(super) fn is_status_line(bytes: &[u8]) -> Option<bool> {
    let fits = |(at, byte): (usize, &u8)| match at {
        0..7 => *byte == b"HTTP/1."[at],
        7 => matches!(byte, b'0' | b'1'),
        8 => *byte == b' ',
        _ => byte.is_ascii_digit(),
    };
    let known = &bytes[..bytes.len().min(SOUGHT_STATUS)];
    if known.iter().enumerate().all(fits) { (known.len() == SOUGHT_STATUS).then_some(true) } else { Some(false) }
}

/// How many of the last of `bytes`, in which [`seek`] found nothing, may still be part of a start.
pub(super) fn undecided_tail(side: Side, bytes: &[u8]) -> usize {
    match side {
        Side::Request => {
            let line = memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |newline| bytes.len() - newline - 1);
            // The version and its line end may still be cut: `METHOD target HTTP/1.1\r` waits for its newline.
            line.min(MAX_SOUGHT_LINE + b" HTTP/1.1\r".len())
        }
        Side::Response => bytes.len().min(SOUGHT_STATUS - 1),
    }
}

/// The start of the request line whose version follows the space at `space`, if there is one.
fn request_line_before(bytes: &[u8], space: usize) -> Option<usize> {
    let version = bytes.get(space + 1..)?;
    let ended =
        version.get(b"HTTP/1.".len()).is_some_and(|minor| matches!(minor, b'0' | b'1')) && matches!(version.get(8..)?, [b'\n', ..] | [b'\r', b'\n', ..]);
    if !ended {
        return None;
    }
    let from = space.saturating_sub(MAX_SOUGHT_LINE);
    let line = from + memchr::memrchr(b'\n', &bytes[from..space]).map_or(0, |newline| newline + 1);
    let method_end = line + memchr::memrchr(b' ', &bytes[line..space])?;
    let has_target = method_end + 1 < space;
    METHODS.iter().filter(|method| has_target && bytes[line..method_end].ends_with(method)).map(|method| method_end - method.len()).min()
}

/// The methods of the IANA registry that are met in recorded traffic. Others are read too, but not looked for after a hole.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"QUERY",
    b"COPY",
    b"LOCK",
    b"MKCOL",
    b"MOVE",
    b"PROPFIND",
    b"PROPPATCH",
    b"REPORT",
    b"SEARCH",
    b"UNLOCK",
    b"PURGE",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"M-SEARCH",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings() {
        use Opening::{Http09, Message, Other, Undecided};
        for (side, bytes, expected) in [
            (Side::Request, &b"GET / HTTP/1.1\r\n"[..], Message),
            (Side::Request, b"GET / HTTP/1.1", Undecided),
            (Side::Request, b"G", Undecided),
            (Side::Request, b"", Undecided),
            (Side::Request, b"GET /\r\n", Http09),
            (Side::Request, b"GET \r\n", Other),
            (Side::Request, b"GET key\r\n", Other),
            (Side::Request, b"WEIRD / HTTP/1.1\n", Message),
            (Side::Request, b"POST /x y\r\n", Message),
            (Side::Request, b"hello world\r\n", Other),
            (Side::Request, b"WEIRD /HTTP/1.1\r\n", Message),
            (Side::Request, b"GET /HTTP/1.1\r\n", Message),
            (Side::Request, b"\x16\x03\x01", Other),
            (Side::Request, b"GET \x00\x01", Undecided),
            (Side::Response, b"HTT", Undecided),
            (Side::Response, b"HTTP/1.1 200 OK\r\n", Message),
            (Side::Response, b"HTTP/1.1 200\n", Message),
            (Side::Response, b"HTTP/1.1 2000 OK\r\n", Other),
            (Side::Response, b"<html>", Other),
        ] {
            assert_eq!(opening(side, bytes), expected, "{side} {:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn seeks_the_next_start() {
        for (side, bytes, expected) in [
            (Side::Request, &b"tail of a bodyGET /a HTTP/1.1\r\nHost: x\r\n"[..], Some(14)),
            (Side::Request, b"x=GET y\r\nPOST /a HTTP/1.0\n", Some(9)),
            (Side::Request, b"see RFC HTTP/1.1\r\n", None),
            (Side::Request, b"GET /a HTTP/1.1", None),
            (Side::Request, b"GET  HTTP/1.1\r\n", None),
            (Side::Request, b"UNSUBSCRIBE /a HTTP/1.1\r\n", Some(0)),
            (Side::Response, b"...HTTP/1.1 404 Not", Some(3)),
            (Side::Response, b"HTTP/1.1\r\nHTTP/1.0 200", Some(10)),
            (Side::Response, b"GET / HTTP/1.1\r\n", None),
        ] {
            assert_eq!(seek(side, bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
