//! A message head: the raw bytes, and spans into them.
//!
//! Order, case, duplicates and oddities survive, and the wire can be reproduced. Reading is tolerant where recorded traffic
//! is odd (bare LF, obsolete folding, bytes that are not UTF-8); what breaks the grammar is marked, not repaired. The line
//! grammar is that of RFC 9112, sections 2 to 5. Crates that parse heads keep neither spans nor oddities, hence our own.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

/// The first line of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    /// `METHOD SP target SP version`; the version is empty in HTTP/0.9.
    Request {
        /// Where the method stands.
        method: Range<u32>,
        /// Where the target stands.
        target: Range<u32>,
        /// Where the version stands.
        version: Range<u32>,
    },
    /// `version SP status SP reason`.
    Response {
        /// Where the version stands.
        version: Range<u32>,
        /// The status code.
        status: u16,
        /// Where the reason phrase stands.
        reason: Range<u32>,
    },
    /// None: a trailer section.
    Absent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderSpans {
    name: Range<u32>,
    value: Range<u32>,
}

/// One field line of a head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name in its own case.
    pub name: &'a [u8],
    /// The value without the white space around it; folded lines stand in it with their line breaks.
    pub value: &'a [u8],
    /// Where the name begins in the raw head.
    pub name_start: usize,
    /// Where the value begins in the raw head.
    pub value_start: usize,
}

impl Header<'_> {
    /// Whether this is the field `name`, whatever its case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Where the value stands in the raw head.
    pub fn value_span(&self) -> Range<usize> {
        self.value_start..self.value_start + self.value.len()
    }
}

/// A head's raw bytes, up to and including the empty line, with spans into them.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    raw: Bytes,
    start: StartLine,
    headers: Vec<HeaderSpans>,
    malformed: bool,
}

/// Bytes that are no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHead {
    /// The start line is not one of a request.
    #[error("no request line")]
    RequestLine,
    /// The start line is not one of a response.
    #[error("no status line")]
    StatusLine,
    /// Over four gigabytes.
    #[error("head over 4 GiB")]
    TooLong,
}

impl Head {
    /// Reads a request head: a request line, field lines, an empty line.
    pub fn request(raw: Bytes) -> Result<Self, InvalidHead> {
        Self::read(raw, |line, at| {
            let words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
            let method_end = line.iter().position(|byte| *byte == b' ').ok_or(InvalidHead::RequestLine)?;
            if method_end == 0 || !line[..method_end].iter().all(|byte| is_token(*byte)) {
                return Err(InvalidHead::RequestLine);
            }
            // The version is the last word if it looks like one; a target may hold spaces that no one escaped.
            let last = line.iter().rposition(|byte| *byte == b' ').expect("a space was found above");
            let (target_end, version) =
                if words > 2 && line[last + 1..].starts_with(b"HTTP/") { (last, last + 1..line.len()) } else { (line.len(), line.len()..line.len()) };
            let target = trimmed(line, method_end + 1..target_end);
            if target.is_empty() {
                return Err(InvalidHead::RequestLine);
            }
            Ok(StartLine::Request { method: span(at, 0..method_end), target: span(at, target), version: span(at, version) })
        })
    }

    /// Reads a response head: a status line, field lines, an empty line.
    pub fn response(raw: Bytes) -> Result<Self, InvalidHead> {
        Self::read(raw, |line, at| {
            let version_end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
            if !line.starts_with(b"HTTP/") {
                return Err(InvalidHead::StatusLine);
            }
            let rest = trimmed(line, version_end..line.len());
            let digits = line[rest.clone()].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits != 3 {
                return Err(InvalidHead::StatusLine);
            }
            let status = line[rest.start..rest.start + 3].iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
            let reason = trimmed(line, rest.start + 3..line.len());
            Ok(StartLine::Response { version: span(at, 0..version_end), status, reason: span(at, reason) })
        })
    }

    /// Reads a trailer section: field lines and an empty line.
    pub fn trailers(raw: Bytes) -> Result<Self, InvalidHead> {
        let mut head = Self { raw, start: StartLine::Absent, headers: Vec::new(), malformed: false };
        head.read_fields(0)?;
        Ok(head)
    }

    fn read(raw: Bytes, start_line: impl Fn(&[u8], usize) -> Result<StartLine, InvalidHead>) -> Result<Self, InvalidHead> {
        // Empty lines before a start line are to be ignored (RFC 9112, section 2.2).
        let skipped = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = line_at(&raw, skipped);
        let start = start_line(&raw[line.content.clone()], line.content.start)?;
        let mut head = Self { raw, start, headers: Vec::new(), malformed: false };
        head.read_fields(line.next)?;
        Ok(head)
    }

    fn read_fields(&mut self, mut at: usize) -> Result<(), InvalidHead> {
        u32::try_from(self.raw.len()).map_err(|_| InvalidHead::TooLong)?;
        while at < self.raw.len() {
            let line = line_at(&self.raw, at);
            at = line.next;
            let content = &self.raw[line.content.clone()];
            if content.is_empty() {
                continue;
            }
            if matches!(content[0], b' ' | b'\t') {
                // Obsolete line folding (RFC 9112, section 5.2): the line continues the value above it.
                match self.headers.last_mut() {
                    Some(header) => {
                        let whole = header.value.start as usize..line.content.end;
                        header.value = span(0, trimmed(&self.raw, whole));
                    }
                    None => self.malformed = true,
                }
                continue;
            }
            let Some(colon) = memchr::memchr(b':', content) else {
                self.malformed = true;
                continue;
            };
            self.malformed |= colon == 0 || !content[..colon].iter().all(|byte| is_token(*byte));
            let value = trimmed(content, colon + 1..content.len());
            self.headers.push(HeaderSpans { name: span(line.content.start, trimmed(content, 0..colon)), value: span(line.content.start, value) });
        }
        Ok(())
    }

    /// The raw bytes, the empty line included.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Copies the raw bytes out of the larger block of which they may be a slice.
    pub fn settle(&mut self) {
        self.raw = Bytes::copy_from_slice(&self.raw);
    }

    /// The first line.
    pub const fn start_line(&self) -> &StartLine {
        &self.start
    }

    /// Whether a line of it broke the grammar.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&[u8]> {
        match &self.start {
            StartLine::Request { method, .. } => Some(self.slice(method)),
            StartLine::Response { .. } | StartLine::Absent => None,
        }
    }

    /// The target of a request, as it stands.
    pub fn target(&self) -> Option<&[u8]> {
        self.target_span().map(|span| &self.raw[span])
    }

    /// Where the target stands in the raw bytes.
    pub fn target_span(&self) -> Option<Range<usize>> {
        match &self.start {
            StartLine::Request { target, .. } => Some(target.start as usize..target.end as usize),
            StartLine::Response { .. } | StartLine::Absent => None,
        }
    }

    /// The protocol version, e.g. `HTTP/1.1`; empty in HTTP/0.9.
    pub fn version(&self) -> &[u8] {
        match &self.start {
            StartLine::Request { version, .. } | StartLine::Response { version, .. } => self.slice(version),
            StartLine::Absent => &[],
        }
    }

    /// The status code of a response.
    pub const fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } | StartLine::Absent => None,
        }
    }

    /// All field lines in order, duplicates included.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.headers.iter().map(|spans| Header {
            name: self.slice(&spans.name),
            value: self.slice(&spans.value),
            name_start: spans.name.start as usize,
            value_start: spans.value.start as usize,
        })
    }

    /// The field lines called `name`, whatever their case.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Header<'a>> {
        self.headers().filter(move |header| header.is(name))
    }

    /// The value of the first field line called `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|header| header.is(name)).map(|header| header.value)
    }

    /// The media type of `Content-Type` in lower case without parameters, if it is there and is text.
    pub fn media_type(&self) -> Option<String> {
        let value = std::str::from_utf8(self.header("content-type")?).ok()?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        &self.raw[range.start as usize..range.end as usize]
    }
}

impl fmt::Debug for Head {
    /// Shape only: names and values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("bytes", &self.raw.len()).field("headers", &self.headers.len()).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("value_bytes", &self.value.len()).finish_non_exhaustive()
    }
}

struct Line {
    content: Range<usize>,
    next: usize,
}

/// The line that begins at `at`, ended by CRLF, a bare LF or the end of the bytes.
fn line_at(raw: &[u8], at: usize) -> Line {
    let newline = memchr::memchr(b'\n', &raw[at..]).map(|offset| at + offset);
    let end = newline.unwrap_or(raw.len());
    let content_end = if end > at && raw[end - 1] == b'\r' { end - 1 } else { end };
    Line { content: at..content_end, next: newline.map_or(raw.len(), |position| position + 1) }
}

/// `range` of `bytes` without the white space at its ends.
fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (range.start.min(range.end), range.end);
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    while start < end && is_space(bytes[start]) {
        start += 1;
    }
    while start < end && is_space(bytes[end - 1]) {
        end -= 1;
    }
    start..end
}

#[expect(clippy::cast_possible_truncation, reason = "heads over 4 GiB are refused before spans are used")]
const fn span(offset: usize, range: Range<usize>) -> Range<u32> {
    (offset + range.start) as u32..(offset + range.end) as u32
}

/// `tchar` of RFC 9110, section 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(head: &Head) -> Vec<(String, String)> {
        head.headers().map(|header| (String::from_utf8_lossy(header.name).into_owned(), String::from_utf8_lossy(header.value).into_owned())).collect()
    }

    #[test]
    fn keeps_what_stood_there() {
        let raw = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nhOST:  y \r\nX: 1\r\n two\r\n\r\n";
        let head = Head::request(Bytes::from_static(raw)).expect("valid");
        assert_eq!(head.method(), Some(&b"GET"[..]));
        assert_eq!(head.target(), Some(&b"/a?b=c"[..]));
        assert_eq!(head.version(), b"HTTP/1.1");
        assert_eq!(headers(&head), [("Host".into(), "x".into()), ("hOST".into(), "y".into()), ("X".into(), "1\r\n two".into())]);
        assert_eq!(head.raw().as_ref(), raw);
        for header in head.headers() {
            assert_eq!(&raw[header.value_span()], header.value);
        }
    }

    #[test]
    fn reads_odd_heads() {
        let cases: [(&[u8], &str, &str, bool); 5] = [
            (b"GET / HTTP/1.0\n\n", "/", "HTTP/1.0", false),
            (b"GET /no-version\r\n", "/no-version", "", false),
            (b"GET /a b HTTP/1.1\r\n\r\n", "/a b", "HTTP/1.1", false),
            (b"\r\n\r\nPUT * HTTP/1.1\r\nno colon here\r\n\r\n", "*", "HTTP/1.1", true),
            (b"CONNECT h:1 HTTP/1.1\r\nbad name: x\r\n\r\n", "h:1", "HTTP/1.1", true),
        ];
        for (raw, target, version, malformed) in cases {
            let head = Head::request(Bytes::from_static(raw)).expect("readable");
            assert_eq!(head.target(), Some(target.as_bytes()));
            assert_eq!(head.version(), version.as_bytes());
            assert_eq!(head.is_malformed(), malformed, "{target}");
        }
    }

    #[test]
    fn reads_status_lines() {
        for (raw, status) in [(&b"HTTP/1.1 204 No Content\r\n\r\n"[..], 204), (b"HTTP/1.0 200\r\n\r\n", 200), (b"HTTP/1.1  404 \xff\r\n\r\n", 404)] {
            assert_eq!(Head::response(Bytes::from_static(raw)).expect("readable").status(), Some(status));
        }
        for raw in [&b"HTTP/1.1 20 OK\r\n\r\n"[..], b"ICY 200 OK\r\n\r\n", b"", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n"] {
            assert_eq!(Head::response(Bytes::from_static(raw)), Err(InvalidHead::StatusLine));
        }
        for raw in [&b""[..], b"GET\r\n\r\n", b"G\x00T / HTTP/1.1\r\n\r\n", b" / HTTP/1.1\r\n\r\n", b"GET  HTTP/1.1\r\n"] {
            let _ = Head::request(Bytes::from_static(raw));
        }
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let raw = Bytes::from_static(b"POST /x HTTP/1.1\r\nA: b\r\n\tc\r\n:\r\n\r\n");
        for end in 0..=raw.len() {
            let _ = Head::request(raw.slice(..end));
            let _ = Head::response(raw.slice(..end));
            let _ = Head::trailers(raw.slice(..end));
        }
    }
}
