//! Multipart bodies (RFC 2046, section 5.1; RFC 7578 for forms): text fields are leaves, files are opaque.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::json;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::Repeats;
use super::url::lossy;
use crate::model::Part;

/// Hands out the parts between the lines of `boundary`; false if no such line is there.
pub(super) fn visit(bytes: &[u8], boundary: &[u8], f: Visit<'_>) -> bool {
    let delimiter = [b"--", boundary].concat();
    let mut lines = memchr::memmem::find_iter(bytes, &delimiter).filter(|at| *at == 0 || bytes[at - 1] == b'\n').peekable();
    let Some(first) = lines.peek().copied() else { return false };
    let mut visitor = PartsVisitor { bytes, repeats: Repeats::default(), f };
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
    repeats: Repeats,
    f: Visit<'v>,
}

impl PartsVisitor<'_, '_> {
    fn part(&mut self, part: Range<usize>, index: usize) {
        let bytes = self.bytes;
        let (mut name, mut is_file, mut media_type) = (None, false, String::new());
        let mut parameters: Vec<(String, Range<usize>)> = Vec::new();
        let mut at = part.start;
        loop {
            let line_end = memchr::memchr(b'\n', &bytes[at..part.end]).map_or(part.end, |newline| at + newline + 1);
            let line = at..before_line_end(bytes, at, line_end);
            at = line_end;
            if line.is_empty() {
                break;
            }
            let colon = memchr::memchr(b':', &bytes[line.clone()]).map_or(line.end, |colon| line.start + colon);
            let header = lossy(Cow::Borrowed(&bytes[line.start..colon])).trim().to_ascii_lowercase();
            let value = (colon + 1).min(line.end)..line.end;
            match header.as_str() {
                "content-disposition" => {
                    for (parameter, span) in header_parameters(bytes, value) {
                        is_file |= parameter.starts_with("filename");
                        if parameter == "name" && name.is_none() {
                            name = Some(lossy(Cow::Borrowed(&bytes[span.clone()])).into_owned());
                        }
                        parameters.push((parameter, span));
                    }
                }
                "content-type" => {
                    media_type = lossy(Cow::Borrowed(&bytes[value.clone()])).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                    parameters.push((header, value));
                }
                _ => parameters.push((header, value)),
            }
            if at == part.end {
                break;
            }
        }
        let path = self.repeats.unique(name.as_ref().map_or_else(|| format!("body:{index}"), |name| format!("body:{name}")));
        for (parameter, span) in parameters {
            let leaf_name = (parameter != "name").then_some(parameter.as_str());
            self.leaf(&format!("{path};{parameter}"), leaf_name, LeafKind::MultipartParameter, span, Surface::Quoted);
        }
        let content = at..part.end.max(at);
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        if !is_file && is_json && json::check(&bytes[content.clone()]).is_ok() {
            json::visit(&bytes[content.clone()], &path, name.as_deref(), content.start, self.f);
            return;
        }
        let is_text = media_type.is_empty() || media_type.starts_with("text/") || is_json;
        let kind = if is_file || !is_text { LeafKind::MultipartFile } else { LeafKind::MultipartField };
        self.leaf(&path, name.as_deref(), kind, content, Surface::Raw);
    }

    fn text(&mut self, span: Range<usize>) {
        if self.bytes[span.clone()].iter().any(|byte| !byte.is_ascii_whitespace()) {
            let path = self.repeats.unique("body:".to_owned());
            self.leaf(&path, None, LeafKind::Text, span, Surface::Raw);
        }
    }

    fn leaf(&mut self, path: &str, name: Option<&str>, kind: LeafKind, span: Range<usize>, surface: Surface) {
        let value = Cow::Borrowed(&self.bytes[span.clone()]);
        (self.f)(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
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

/// The parameters of a header value: `form-data; name="a"; filename="b"`, with where their values stand between the quotes.
pub(super) fn header_parameters(bytes: &[u8], value: Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut parameters = Vec::new();
    let mut at = memchr::memchr(b';', &bytes[value.clone()]).map_or(value.end, |semicolon| value.start + semicolon + 1);
    while at < value.end {
        let rest = &bytes[at..value.end];
        let Some(equals) = rest.iter().position(|byte| matches!(byte, b'=' | b';')) else { break };
        if rest[equals] == b';' {
            at += equals + 1;
            continue;
        }
        let name = lossy(Cow::Borrowed(&rest[..equals])).trim().to_ascii_lowercase();
        let start = at + equals + 1;
        let span = if bytes.get(start) == Some(&b'"') && start < value.end {
            let mut end = start + 1;
            while end < value.end && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            start + 1..end.min(value.end)
        } else {
            let end = memchr::memchr(b';', &bytes[start..value.end]).map_or(value.end, |semicolon| start + semicolon);
            let trimmed = bytes[start..end].trim_ascii_end().len();
            start..start + trimmed
        };
        at = memchr::memchr(b';', &bytes[span.end..value.end]).map_or(value.end, |semicolon| span.end + semicolon + 1);
        parameters.push((name, span));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(bytes: &[u8]) -> Vec<String> {
        let mut seen = Vec::new();
        visit(bytes, b"XX", &mut |leaf| {
            assert_eq!(&bytes[leaf.span.clone()], leaf.value.as_ref());
            seen.push(format!("{} {:?} {}", leaf.path, leaf.kind, String::from_utf8_lossy(&leaf.value)));
        });
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
                "body:f;filename MultipartParameter a \\\"b\\\".png",
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
    fn every_prefix_is_read_without_panic() {
        for end in 0..BODY.len() {
            leaves(&BODY[..end]);
        }
        assert!(!visit(b"no boundary", b"XX", &mut |_| {}));
    }
}
