//! The leaves of a body whose content coding is undone, by its media type.

use std::borrow::Cow;

use super::leaf::{Leaf, LeafKind, Surface};
use super::{Visit, form, json, markup, multipart};
use crate::model::{Head, Part};

/// What a body was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Nothing.
    Empty,
    /// One JSON text.
    Json,
    /// A JSON text on each line.
    JsonLines,
    /// A form.
    Form,
    /// Parts between boundaries.
    Multipart,
    /// XML or HTML.
    Markup,
    /// Text of any other kind: one leaf.
    Text,
    /// Media, archives, anything unknown: no leaf.
    Opaque,
}

/// Why a body was not read as what it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It breaks its grammar. It was read as text instead, if it is text.
    Syntax {
        /// Where.
        offset: usize,
    },
    /// It is nested deeper than anyone does. Nothing was handed out.
    TooDeep,
    /// Its charset is none that we read. Nothing was handed out.
    Charset,
}

/// What became of a visit to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visited {
    /// What it was read as.
    pub content: Content,
    /// Why not as what it says it is.
    pub fault: Option<Fault>,
}

/// Hands out every value of a body, in the order of the bytes. `decoded` is the body without its content codings; `head` tells what it is.
pub fn visit_body(head: &Head, decoded: &[u8], f: &mut dyn FnMut(Leaf<'_>)) -> Visited {
    let content_type = head.header("content-type").unwrap_or_default();
    visit_typed(content_type, decoded, f)
}

fn visit_typed(content_type: &[u8], bytes: &[u8], f: Visit<'_>) -> Visited {
    if bytes.is_empty() {
        return Visited { content: Content::Empty, fault: None };
    }
    let text = String::from_utf8_lossy(content_type);
    let media_type = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let parameters = multipart::header_parameters(content_type, 0..content_type.len());
    let parameter = |name: &str| parameters.iter().find(|(parameter, _)| parameter == name).map(|(_, span)| &content_type[span.clone()]);
    if !parameter("charset").is_none_or(is_readable_charset) {
        return Visited { content: Content::Opaque, fault: Some(Fault::Charset) };
    }
    match media_type.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" | "application/json-seq" => visit_lines(bytes, f),
        "application/json" | "text/json" | "application/x-json" => visit_json(bytes, f),
        other if other.ends_with("+json") => visit_json(bytes, f),
        // Clients that let the media type default post JSON as a form.
        "application/x-www-form-urlencoded" if !is_json(bytes) => {
            form::visit(bytes, f);
            Visited { content: Content::Form, fault: None }
        }
        other if other.starts_with("multipart/") => match parameter("boundary").or_else(|| first_boundary(bytes)) {
            Some(boundary) if !boundary.is_empty() && multipart::visit(bytes, boundary, f) => Visited { content: Content::Multipart, fault: None },
            _ => visit_text(bytes, Some(Fault::Syntax { offset: 0 }), f),
        },
        other if other.is_empty() || is_text(other) => {
            if is_json(bytes) {
                return visit_json(bytes, f);
            }
            if is_markup(other) {
                markup::visit(bytes, f);
                return Visited { content: Content::Markup, fault: None };
            }
            // Without a media type only what is plainly text is taken for it.
            if other.is_empty() { visit_text(bytes, None, f) } else { whole(bytes, None, f) }
        }
        "application/x-www-form-urlencoded" => visit_json(bytes, f),
        // A media type that no one knows, and yet a text that can be read.
        other if !is_media(other) && is_json(bytes) => visit_json(bytes, f),
        _ => Visited { content: Content::Opaque, fault: None },
    }
}

/// Hands out what stands in a text that was found within a value: a JSON object or array in a string. False if it is none.
pub fn visit_nested(text: &[u8], f: &mut dyn FnMut(Leaf<'_>)) -> bool {
    let is_json = is_json(text);
    if is_json {
        json::visit(text, "body:", None, 0, f);
    }
    is_json
}

fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) && json::check(bytes).is_ok()
}

fn visit_json(bytes: &[u8], f: Visit<'_>) -> Visited {
    match json::check(bytes) {
        Ok(()) => {
            json::visit(bytes, "body:", None, 0, f);
            Visited { content: Content::Json, fault: None }
        }
        Err(Fault::TooDeep) => Visited { content: Content::Opaque, fault: Some(Fault::TooDeep) },
        Err(fault) => visit_text(bytes, Some(fault), f),
    }
}

fn visit_lines(bytes: &[u8], f: Visit<'_>) -> Visited {
    let mut start = 0;
    let lines: Vec<_> = bytes
        .split(|byte| matches!(*byte, b'\n' | RECORD_SEPARATOR))
        .map(|line| {
            let at = start;
            start += line.len() + 1;
            (at, line)
        })
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .collect();
    if let Some(fault) = lines.iter().find_map(|(_, line)| json::check(line).err()) {
        return if fault == Fault::TooDeep { Visited { content: Content::Opaque, fault: Some(fault) } } else { visit_text(bytes, Some(fault), f) };
    }
    for (index, (at, line)) in lines.into_iter().enumerate() {
        json::visit(line, &format!("body:/{index}"), None, at, f);
    }
    Visited { content: Content::JsonLines, fault: None }
}

/// One leaf if it looks like text, else nothing.
fn visit_text(bytes: &[u8], fault: Option<Fault>, f: Visit<'_>) -> Visited {
    let looks_like_text = std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b));
    if looks_like_text { whole(bytes, fault, f) } else { Visited { content: Content::Opaque, fault } }
}

fn whole(bytes: &[u8], fault: Option<Fault>, f: Visit<'_>) -> Visited {
    f(Leaf { part: Part::Body, path: "body:", name: None, kind: LeafKind::Text, span: 0..bytes.len(), value: Cow::Borrowed(bytes), surface: Surface::Raw });
    Visited { content: Content::Text, fault }
}

/// The boundary that a multipart body begins with, for senders that do not name it.
fn first_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.strip_prefix(b"--")?.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    // RFC 2046, section 5.1.1: seventy characters at most.
    (1..=70).contains(&line.len()).then_some(line)
}

fn is_media(media_type: &str) -> bool {
    ["image/", "audio/", "video/", "font/", "model/"].iter().any(|kind| media_type.starts_with(kind))
}

fn is_markup(media_type: &str) -> bool {
    media_type.ends_with("+xml") || matches!(media_type, "application/xml" | "text/xml" | "text/html" | "application/xhtml")
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || is_markup(media_type)
        || matches!(
            media_type,
            "application/javascript"
                | "application/x-javascript"
                | "application/ecmascript"
                | "application/graphql"
                | "application/sql"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/csv"
                | "application/problem"
                | "message/http"
        )
}

/// Charsets whose ASCII is ASCII: patterns and names are found in them as they are.
fn is_readable_charset(charset: &[u8]) -> bool {
    let charset = charset.trim_ascii().to_ascii_lowercase();
    charset.is_empty()
        || [&b"utf-8"[..], b"utf8", b"us-ascii", b"ascii", b"latin1"].contains(&charset.as_slice())
        || charset.starts_with(b"iso-8859-")
        || charset.starts_with(b"windows-125")
}

/// Before each text of `application/json-seq` (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(content_type: &str, bytes: &[u8]) -> (Content, Option<Fault>, Vec<String>) {
        let mut seen = Vec::new();
        let Visited { content, fault } = visit_typed(content_type.as_bytes(), bytes, &mut |leaf| {
            seen.push(format!("{}={}", leaf.path, String::from_utf8_lossy(&leaf.value)));
        });
        (content, fault, seen)
    }

    #[test]
    fn reads_by_media_type() {
        let cases: [(&str, &[u8], Content, &[&str]); 19] = [
            ("application/json", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/problem+json; charset=UTF-8", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/json", b"oops", Content::Text, &["body:=oops"]),
            ("application/json", b"\xff\xfe[", Content::Opaque, &[]),
            ("application/json; charset=utf-16", b"[1]", Content::Opaque, &[]),
            ("text/plain", b"[1]", Content::Json, &["body:/0=1"]),
            ("text/plain", b"[1] not json", Content::Text, &["body:=[1] not json"]),
            ("text/html; charset=iso-8859-1", b"<p>\xe9", Content::Markup, &["body:/p=\u{fffd}"]),
            ("", b"hello", Content::Text, &["body:=hello"]),
            ("", b"\x00\x01", Content::Opaque, &[]),
            ("application/x-www-form-urlencoded", b"a=1&b=x%40y+z&a=2", Content::Form, &["body:a=1", "body:b=x@y z", "body:a#2=2"]),
            ("application/x-www-form-urlencoded", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/x-ndjson", b"{\"a\":1}\n\n[2]\n", Content::JsonLines, &["body:/0/a~key=a", "body:/0/a=1", "body:/1/0=2"]),
            ("application/octet-stream", b"alice", Content::Opaque, &[]),
            ("image/png", b"[1]", Content::Opaque, &[]),
            ("application/vnd.shop", b"[1]", Content::Json, &["body:/0=1"]),
            ("multipart/form-data", b"--b\r\n\r\nx\r\n--b--", Content::Multipart, &["body:0=x"]),
            ("multipart/form-data", b"no boundary", Content::Text, &["body:=no boundary"]),
            ("anything", b"", Content::Empty, &[]),
        ];
        for (content_type, bytes, content, leaves) in cases {
            let (found, _, seen) = visited(content_type, bytes);
            assert_eq!((found, seen.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), (content, leaves), "{content_type} {bytes:?}");
        }
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(visited("application/json", b"{\"a\":oops}").1, Some(Fault::Syntax { offset: 5 }));
        assert_eq!(visited("application/json", &vec![b'['; 1000]).1, Some(Fault::TooDeep));
        assert_eq!(visited("text/plain; charset=utf-16le", b"a").1, Some(Fault::Charset));
        assert_eq!(visited("application/json", b"[]").1, None);
    }
}
