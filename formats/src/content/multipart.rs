//! Multipart bodies (RFC 2046, section 5.1; RFC 7578 for forms): each part is read as what it says it is, text files too; other
//! files are opaque.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::{Content, Format, Spot, has_readable_charset, looks_like_text, visit_typed};
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::Paths;
use super::url::lossy;
use crate::model::Part;

/// Hands out the parts between the lines of `boundary`; false if no such line is there.
pub(super) fn visit(bytes: &[u8], boundary: &[u8], spot: Spot<'_>, f: Visit<'_>) -> bool {
    let delimiter = [b"--", boundary].concat();
    let mut lines = memchr::memmem::find_iter(bytes, &delimiter).filter(|at| *at == 0 || bytes[at - 1] == b'\n').peekable();
    let Some(first) = lines.peek().copied() else { return false };
    let mut visitor = PartsVisitor { bytes, spot, paths: Paths::default(), f };
    visitor.text(0..first);
    let mut index = 0;
    while let Some(line) = lines.next() {
        let after = line + delimiter.len();
        let end = lines.peek().copied().unwrap_or(bytes.len());
        if bytes[after..].starts_with(b"--") {
            // The closing line: what follows is an epilogue that no one should read.
            visitor.text((after + 2).min(end)..end);
            continue;
        }
        let start = memchr::memchr(b'\n', &bytes[after..end]).map_or(end, |newline| after + newline + 1);
        visitor.text(after..start);
        let last = lines.peek().is_some();
        visitor.part(start..if last { before_line_end(bytes, start, end) } else { end }, index);
        index += 1;
    }
    true
}

struct PartsVisitor<'b, 'v> {
    bytes: &'b [u8],
    spot: Spot<'b>,
    paths: Paths,
    f: Visit<'v>,
}

/// What the headers of a part say of its content.
#[derive(Default)]
struct PartHeaders<'b> {
    name: Option<Cow<'b, str>>,
    is_file: bool,
    content_type: &'b [u8],
    transfer: Transfer,
    /// Values that are handed out, each with the name of its header or parameter.
    values: Vec<Parameter<'b>>,
}

/// `Content-Transfer-Encoding`: mails and old clients.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Transfer {
    #[default]
    AsItIs,
    QuotedPrintable,
    Base64,
}

impl<'b> PartsVisitor<'b, '_> {
    fn part(&mut self, part: Range<usize>, index: usize) {
        let (headers, content) = self.headers(part);
        self.paths.start(&[self.spot.prefix, self.spot.joint()]);
        let path = match &headers.name {
            Some(name) => self.paths.push(name),
            None => self.paths.index(index),
        };
        let path = path.unique().to_owned();
        for Parameter { name, span, surface } in &headers.values {
            let leaf_name = (name != "name").then_some(&**name);
            self.leaf(&[&path, ";", name], leaf_name, LeafKind::MultipartParameter, span.clone(), *surface);
        }
        self.content(&path, &headers, content);
    }

    /// What the headers of a part say, and where its content stands.
    fn headers(&self, part: Range<usize>) -> (PartHeaders<'b>, Range<usize>) {
        let bytes = self.bytes;
        let mut headers = PartHeaders::default();
        let mut at = part.start;
        while at < part.end {
            let line_end = memchr::memchr(b'\n', &bytes[at..part.end]).map_or(part.end, |newline| at + newline + 1);
            let line = at..before_line_end(bytes, at, line_end);
            at = line_end;
            if line.is_empty() {
                break;
            }
            let colon = memchr::memchr(b':', &bytes[line.clone()]).map_or(line.end, |colon| line.start + colon);
            let name = lossy(Cow::Borrowed(bytes[line.start..colon].trim_ascii())).to_ascii_lowercase();
            let span = (colon + 1).min(line.end)..line.end;
            let value = bytes[span.clone()].trim_ascii();
            if name == "content-disposition" {
                for parameter in header_parameters(bytes, span) {
                    headers.is_file |= parameter.name == "filename";
                    if parameter.name == "name" && headers.name.is_none() {
                        headers.name = Some(lossy(Cow::Borrowed(&bytes[parameter.span.clone()])));
                    }
                    headers.values.push(parameter);
                }
                continue;
            }
            match name.as_str() {
                "content-type" => headers.content_type = value,
                "content-transfer-encoding" if value.eq_ignore_ascii_case(b"base64") => headers.transfer = Transfer::Base64,
                "content-transfer-encoding" if value.eq_ignore_ascii_case(b"quoted-printable") => headers.transfer = Transfer::QuotedPrintable,
                _ => {}
            }
            headers.values.push(Parameter { name: Cow::Owned(name), span, surface: Surface::Header });
        }
        (headers, at..part.end.max(at))
    }

    /// A part's content as what it says it is: fields and text files are looked into, all else is opaque.
    fn content(&mut self, path: &str, headers: &PartHeaders<'_>, content: Range<usize>) {
        let bytes = &self.bytes[content.clone()];
        let name = headers.name.as_deref();
        let format = Format::of(headers.content_type);
        let is_plain = has_readable_charset(headers.content_type)
            && match format {
                Format::Absent if !headers.is_file => true,
                Format::Text => !headers.is_file || looks_like_text(bytes),
                Format::Absent | Format::Unknown => looks_like_text(bytes),
                _ => false,
            };
        let surface = if headers.transfer == Transfer::QuotedPrintable { Surface::QuotedPrintable } else { Surface::Raw };
        let is_readable = !matches!(format, Format::Opaque | Format::Unknown | Format::Absent | Format::Text);
        // What wears a transfer encoding is a text as a whole; which one is seen when it is taken off.
        if is_plain || (headers.transfer != Transfer::AsItIs && is_readable) {
            return self.leaf(&[path], name, LeafKind::MultipartField, content, surface);
        }
        let inner = Spot { prefix: path, name, offset: self.spot.offset + content.start, depth: self.spot.depth + 1 };
        if !is_readable || visit_typed(headers.content_type, bytes, inner, self.f).content == Content::Opaque {
            self.leaf(&[path], name, LeafKind::MultipartFile, content, Surface::Raw);
        }
    }

    fn text(&mut self, span: Range<usize>) {
        if self.bytes[span.clone()].iter().any(|byte| !byte.is_ascii_whitespace()) {
            let path = self.paths.start(&[self.spot.prefix]).unique().to_owned();
            self.leaf(&[&path], None, LeafKind::Text, span, Surface::Raw);
        }
    }

    fn leaf(&mut self, path: &[&str], name: Option<&str>, kind: LeafKind, span: Range<usize>, surface: Surface) {
        let value = surface.undress(&self.bytes[span.clone()]);
        let span = self.spot.offset + span.start..self.spot.offset + span.end;
        let path = self.paths.start(path).text();
        self.f.leaf(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

/// `end` without the line break before it.
fn before_line_end(bytes: &[u8], start: usize, end: usize) -> usize {
    match &bytes[start..end] {
        [.., b'\r', b'\n'] => end - 2,
        [.., b'\n'] => end - 1,
        _ => end,
    }
}

/// A parameter of a header's value.
pub(super) struct Parameter<'b> {
    /// In lower case; without the star that marks an extended value.
    pub(super) name: Cow<'b, str>,
    /// Where the value stands: between the quotes, or behind the charset and the language.
    pub(super) span: Range<usize>,
    pub(super) surface: Surface,
}

/// The parameters of a header value: `form-data; name="a"; filename*=UTF-8''b` (RFC 8187 for the latter).
pub(super) fn header_parameters(bytes: &[u8], value: Range<usize>) -> impl Iterator<Item = Parameter<'_>> {
    let next_from = move |from: usize| memchr::memchr(b';', &bytes[from..value.end]).map_or(value.end, |semicolon| from + semicolon + 1);
    let mut at = next_from(value.start);
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(at..value.end).filter(|rest| !rest.is_empty())?;
            let equals = memchr::memchr2(b'=', b';', rest)?;
            if rest[equals] == b';' {
                at += equals + 1;
                continue;
            }
            let name = lossy(Cow::Borrowed(rest[..equals].trim_ascii()));
            let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) { Cow::Owned(name.to_ascii_lowercase()) } else { name };
            let start = at + equals + 1;
            let (mut span, mut surface) = (start..value.end, Surface::Quoted);
            if bytes.get(start) == Some(&b'"') && start < value.end {
                let mut end = start + 1;
                while end < value.end && bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                span = start + 1..end.min(value.end);
            } else {
                let end = memchr::memchr(b';', &bytes[span.clone()]).map_or(value.end, |semicolon| start + semicolon);
                span.end = start + bytes[start..end].trim_ascii_end().len();
            }
            at = next_from(span.end.max(start));
            // `filename*`, and the pieces of a long one: `filename*0`, `filename*1*`.
            let Some(star) = name.find('*') else { return Some(Parameter { name, span, surface }) };
            if name.ends_with('*') {
                let marks = memchr::memchr_iter(b'\'', &bytes[span.clone()]).nth(1);
                span.start += marks.map_or(0, |mark| mark + 1);
                surface = Surface::Percent;
            }
            return Some(Parameter { name: Cow::Owned(name[..star].to_owned()), span, surface });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(bytes: &[u8]) -> Vec<String> {
        let mut seen = Vec::new();
        visit(
            bytes,
            b"XX",
            Spot::BODY,
            &mut super::super::visitor::leaves(|leaf| {
                assert_eq!(leaf.surface.undress(&bytes[leaf.span.clone()]), leaf.value);
                seen.push(format!("{} {:?} {}", leaf.path, leaf.kind, String::from_utf8_lossy(&leaf.value)));
            }),
        );
        seen
    }

    const BODY: &[u8] = b"hi\r\n--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nline 1\r\nline 2\r\n--XX\r\nContent-Disposition: form-data; name=f; filename=\"a \\\"b\\\".png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--XX\r\ncontent-disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n{\"a\":[\"b\"]}\r\n--XX--\r\nbye";

    #[test]
    fn finds_fields_and_files() {
        assert_eq!(
            leaves(BODY),
            [
                "body: Text hi\r\n",
                "body:note;name MultipartParameter note",
                "body:note MultipartField line 1\r\nline 2",
                "body:f;name MultipartParameter f",
                "body:f;filename MultipartParameter a \"b\".png",
                "body:f;content-type MultipartParameter  image/png",
                "body:f MultipartFile \u{fffd}PNG",
                "body:j;name MultipartParameter j",
                "body:j;content-type MultipartParameter  application/json",
                "body:j/a~key JsonKey a",
                "body:j/a/0 JsonString b",
                "body:#2 Text \r\nbye",
            ]
        );
    }

    #[test]
    fn parts_are_read_as_what_they_say_they_are() {
        let part = |headers: &str, content: &str| format!("--XX\r\nContent-Disposition: form-data; name=p{headers}\r\n\r\n{content}\r\n--XX--");
        for (headers, content, expected) in [
            ("\r\nContent-Type: text/xml", "<a>x</a>", "body:p/a ElementText x"),
            ("\r\nContent-Type: application/x-www-form-urlencoded", "a=x%20y", "body:p/a Form x y"),
            ("; filename=a.csv\r\nContent-Type: text/csv", "n\nx", "body:p/1/n Cell x"),
            ("; filename=a.txt\r\nContent-Type: text/plain", "hi", "body:p MultipartField hi"),
            ("; filename=a.txt\r\nContent-Type: text/plain", "\0", "body:p MultipartFile \0"),
            ("; filename=a", "hi", "body:p MultipartField hi"),
            ("; filename=a\r\nContent-Type: application/octet-stream", "\u{1}", "body:p MultipartFile \u{1}"),
            ("\r\nContent-Type: application/pdf", "%PDF\u{0}", "body:p MultipartFile %PDF\u{0}"),
            ("\r\nContent-Type: text/plain; charset=utf-7", "+AGE-", "body:p MultipartFile +AGE-"),
            ("\r\nContent-Type: text/html; charset=utf-7", "+AGE-", "body:p MultipartFile +AGE-"),
            ("\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", "a=40b", "body:p MultipartField a@b"),
            ("\r\nContent-Type: multipart/mixed; boundary=Y", "--Y\r\n\r\nx\r\n--Y--", "body:p/0 MultipartField x"),
        ] {
            let body = part(headers, content);
            let seen = leaves(body.as_bytes());
            assert_eq!(seen.last().map(String::as_str), Some(expected), "{headers}");
        }
        let named = part("; filename*=UTF-8\'en\'j%20roe.pdf", "");
        assert!(leaves(named.as_bytes()).contains(&"body:p;filename MultipartParameter j roe.pdf".to_owned()));
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        for end in 0..BODY.len() {
            leaves(&BODY[..end]);
        }
        assert!(!visit(b"no boundary", b"XX", Spot::BODY, &mut super::super::visitor::leaves(|_| {})));
    }
}
