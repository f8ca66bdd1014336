//! A message head: the raw bytes, and spans into them.
//!
//! Order, case, duplicates and oddities survive, and the wire can be reproduced. Reading is tolerant where recorded traffic
//! is odd (bare LF, obsolete folding, bytes that are not UTF-8); what breaks the grammar is marked, not repaired. The line
//! grammar is that of RFC 9112, sections 2 to 5. Crates that parse heads keep neither spans nor oddities, hence our own.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::Side;

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

/// Where the parts of a head stand.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spans {
    start: StartLine,
    headers: Vec<HeaderSpans>,
    oddities: Oddities,
}

/// What of a head is read in more than one way by those who read it. Found while the spans are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Oddities {
    /// A line broke the grammar.
    pub(crate) malformed: bool,
    /// A value goes on in the next line.
    pub(crate) folded: bool,
    /// A carriage return without a line feed, or a NUL.
    pub(crate) stray: bool,
    /// Some lines end in CRLF, some in a bare LF.
    pub(crate) mixed_line_ends: bool,
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
    spans: Spans,
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
        Self::read(raw, request_line)
    }

    /// Reads a response head: a status line, field lines, an empty line.
    pub fn response(raw: Bytes) -> Result<Self, InvalidHead> {
        Self::read(raw, status_line)
    }

    /// Reads a trailer section: field lines and an empty line.
    pub fn trailers(raw: Bytes) -> Result<Self, InvalidHead> {
        Self::read(raw, |_| Ok((StartLine::Absent, 0)))
    }

    fn read(raw: Bytes, start_line: impl Fn(&[u8]) -> Result<(StartLine, usize), InvalidHead>) -> Result<Self, InvalidHead> {
        u32::try_from(raw.len()).map_err(|_| InvalidHead::TooLong)?;
        let (start, at) = start_line(&raw)?;
        let mut spans = Spans { start, headers: Vec::new(), oddities: Oddities::default() };
        spans.read_fields(&raw, at, Until::TheEnd);
        Ok(Self { raw, spans })
    }

    /// Takes the head with which `bytes` begin off their front, if all of it is there and no longer than `most`, and it can be read.
    pub(crate) fn take(side: Side, bytes: &mut Bytes, most: usize) -> Option<Self> {
        let window = &bytes[..bytes.len().min(most).min(u32::MAX as usize)];
        let (start, at) = match side {
            Side::Request => request_line(window),
            Side::Response => status_line(window),
        }
        .ok()?;
        let mut spans = Spans { start, headers: Vec::with_capacity(USUAL_FIELDS), oddities: Oddities::default() };
        let end = spans.read_fields(window, at, Until::EmptyLine)?;
        Some(Self { raw: bytes.split_to(end), spans })
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
        &self.spans.start
    }

    /// Whether a line of it broke the grammar.
    pub const fn is_malformed(&self) -> bool {
        self.spans.oddities.malformed || self.spans.oddities.stray
    }

    /// What others may read in another way.
    pub(crate) const fn oddities(&self) -> Oddities {
        self.spans.oddities
    }

    /// Bytes in memory for it.
    pub const fn memory(&self) -> u64 {
        (self.raw.len() + self.spans.headers.capacity() * size_of::<HeaderSpans>()) as u64
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&[u8]> {
        match &self.spans.start {
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
        match &self.spans.start {
            StartLine::Request { target, .. } => Some(target.start as usize..target.end as usize),
            StartLine::Response { .. } | StartLine::Absent => None,
        }
    }

    /// The protocol version, e.g. `HTTP/1.1`; empty in HTTP/0.9.
    pub fn version(&self) -> &[u8] {
        match &self.spans.start {
            StartLine::Request { version, .. } | StartLine::Response { version, .. } => self.slice(version),
            StartLine::Absent => &[],
        }
    }

    /// The status code of a response.
    pub const fn status(&self) -> Option<u16> {
        match self.spans.start {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } | StartLine::Absent => None,
        }
    }

    /// All field lines in order, duplicates included.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.spans.headers.iter().map(|spans| self.header_at(spans))
    }

    /// The field lines called `name`, whatever their case.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Header<'a>> {
        // By their lengths, nearly all others are told apart without a look at their bytes.
        let length = name.len();
        self.spans.headers.iter().filter(move |spans| spans.name.len() == length).map(|spans| self.header_at(spans)).filter(move |header| header.is(name))
    }

    /// The value of the first field line called `name`.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut same_length = self.spans.headers.iter().filter(|spans| spans.name.len() == name.len());
        same_length.find(|spans| self.slice(&spans.name).eq_ignore_ascii_case(name.as_bytes())).map(|spans| self.slice(&spans.value))
    }

    /// The media type of `Content-Type` in lower case without parameters, if it is there and is text.
    pub fn media_type(&self) -> Option<String> {
        let value = std::str::from_utf8(self.header("content-type")?).ok()?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    fn header_at(&self, spans: &HeaderSpans) -> Header<'_> {
        Header {
            name: self.slice(&spans.name),
            value: self.slice(&spans.value),
            name_start: spans.name.start as usize,
            value_start: spans.value.start as usize,
        }
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        &self.raw[range.start as usize..range.end as usize]
    }
}

impl fmt::Debug for Head {
    /// Shape only: names and values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("bytes", &self.raw.len())
            .field("headers", &self.spans.headers.len())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("value_bytes", &self.value.len()).finish_non_exhaustive()
    }
}

/// The request line with which `raw` begins, and where the next line does.
fn request_line(raw: &[u8]) -> Result<(StartLine, usize), InvalidHead> {
    let (at, line, next) = first_line(raw);
    let method_end = token_length(line);
    if method_end == 0 || line.get(method_end) != Some(&b' ') {
        return Err(InvalidHead::RequestLine);
    }
    // The version is the last word if it looks like one; a target may hold spaces that no one escaped.
    let last = memchr::memrchr(b' ', line).unwrap_or(method_end);
    let has_version = line[last + 1..].starts_with(b"HTTP/") && line[method_end..last].iter().any(|byte| *byte != b' ');
    let (target_end, version) = if has_version { (last, last + 1..line.len()) } else { (line.len(), line.len()..line.len()) };
    let target = trimmed(line, method_end + 1..target_end);
    if target.is_empty() {
        return Err(InvalidHead::RequestLine);
    }
    Ok((StartLine::Request { method: span(at, 0..method_end), target: span(at, target), version: span(at, version) }, next))
}

/// The status line with which `raw` begins, and where the next line does.
fn status_line(raw: &[u8]) -> Result<(StartLine, usize), InvalidHead> {
    let (at, line, next) = first_line(raw);
    if !line.starts_with(b"HTTP/") {
        return Err(InvalidHead::StatusLine);
    }
    let version_end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let rest = trimmed(line, version_end..line.len());
    let digits = line[rest.clone()].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits != 3 {
        return Err(InvalidHead::StatusLine);
    }
    let status = line[rest.start..rest.start + 3].iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    let reason = trimmed(line, rest.start + 3..line.len());
    Ok((StartLine::Response { version: span(at, 0..version_end), status, reason: span(at, reason) }, next))
}

/// The first line that is not empty: where it begins, its content, and where the next one begins.
fn first_line(raw: &[u8]) -> (usize, &[u8], usize) {
    // Empty lines before a start line are to be ignored (RFC 9112, section 2.2).
    let at = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let newline = memchr::memchr(b'\n', &raw[at..]).map(|offset| at + offset);
    let line = &raw[at..newline.unwrap_or(raw.len())];
    (at, line.strip_suffix(b"\r").unwrap_or(line), newline.map_or(raw.len(), |newline| newline + 1))
}

/// Up to where field lines are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The empty line, which must be there.
    EmptyLine,
    /// The end of the bytes.
    TheEnd,
}

impl Spans {
    /// Reads field lines from `at` on and says where they end; nothing if the line that ends them is not there.
    fn read_fields(&mut self, raw: &[u8], mut at: usize, until: Until) -> Option<usize> {
        let start_line = &raw[..at];
        let (mut in_crlf, mut in_lf) = (start_line.ends_with(b"\r\n"), start_line.ends_with(b"\n") && !start_line.ends_with(b"\r\n"));
        self.oddities.stray = has_stray(start_line);
        let end = loop {
            if at == raw.len() {
                break (until == Until::TheEnd).then_some(at);
            }
            let token_end = at + token_length(&raw[at..]);
            let Some(line) = self.line_end(raw, token_end) else {
                if until == Until::TheEnd {
                    let rest = &raw[at..];
                    self.read_field(raw, at, token_end, at + rest.strip_suffix(b"\r").unwrap_or(rest).len());
                }
                break (until == Until::TheEnd).then_some(raw.len());
            };
            in_crlf |= line.next - line.end == 2;
            in_lf |= line.next - line.end == 1;
            if line.end > at {
                self.read_field(raw, at, token_end, line.end);
            } else if until == Until::EmptyLine {
                break Some(line.next);
            }
            at = line.next;
        };
        self.oddities.mixed_line_ends = in_crlf && in_lf;
        end
    }

    /// The end of the line in which `from` stands.
    fn line_end(&mut self, raw: &[u8], from: usize) -> Option<LineEnd> {
        let mut at = from;
        loop {
            at += memchr::memchr3(b'\n', b'\r', b'\0', &raw[at..])?;
            match raw[at..] {
                [b'\n', ..] => return Some(LineEnd { end: at, next: at + 1 }),
                [b'\r', b'\n', ..] => return Some(LineEnd { end: at, next: at + 2 }),
                [b'\r'] => return None,
                _ => self.oddities.stray = true,
            }
            at += 1;
        }
    }

    /// Reads the line from `at` to `end`; a token reaches from its beginning to `token_end`.
    fn read_field(&mut self, raw: &[u8], at: usize, token_end: usize, end: usize) {
        if at == end {
            return;
        }
        if matches!(raw[at], b' ' | b'\t') {
            // Obsolete line folding (RFC 9112, section 5.2): the line continues the value above it.
            self.oddities.folded = true;
            match self.headers.last_mut() {
                Some(header) => header.value = span(0, trimmed(raw, header.value.start as usize..end)),
                None => self.oddities.malformed = true,
            }
            return;
        }
        let (mut name, mut colon) = (at..token_end, token_end);
        if name.is_empty() || raw[..end].get(token_end) != Some(&b':') {
            self.oddities.malformed = true;
            let Some(found) = memchr::memchr(b':', &raw[at..end]) else { return };
            colon = at + found;
            name = trimmed(raw, at..colon);
        }
        self.headers.push(HeaderSpans { name: span(0, name), value: span(0, trimmed(raw, colon + 1..end)) });
    }
}

/// Where a line's content ends, and where the next line begins.
struct LineEnd {
    end: usize,
    next: usize,
}

/// Whether there is a NUL, or a carriage return that no line feed follows.
fn has_stray(bytes: &[u8]) -> bool {
    memchr::memchr2_iter(b'\r', b'\0', bytes).any(|at| !bytes[at..].starts_with(b"\r\n"))
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

/// Whether `bytes` are a token (RFC 9110, section 5.6.2), as methods and names of fields are.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && token_length(bytes) == bytes.len()
}

/// How many of the first of `bytes` make a token.
pub(crate) fn token_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !TOKEN[usize::from(*byte)]).unwrap_or(bytes.len())
}

/// Which bytes are `tchar`.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Most heads have fewer fields.
const USUAL_FIELDS: usize = 16;

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
