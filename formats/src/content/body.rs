//! The leaves of a body whose content coding is undone, by its media type.

use std::borrow::Cow;
use std::ops::Range;

use super::charset::Charset;
use super::leaf::{Leaf, LeafKind, Surface};
use super::multipart::header_parameters;
use super::path::push_index;
use super::visitor::{Visitor, leaves};
use super::{Visit, entries, events, form, graphql, json, markup, multipart, table};
use crate::model::{Head, Part};

/// What a body was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Nothing.
    Empty,
    /// One JSON text.
    Json,
    /// JSON texts one after another, most often one on each line.
    JsonLines,
    /// A form.
    Form,
    /// Parts between boundaries.
    Multipart,
    /// XML or HTML.
    Markup,
    /// Records of cells: CSV and its like.
    Table,
    /// A stream of events.
    Events,
    /// Names and values on lines: YAML, TOML, ini files.
    Entries,
    /// A document of GraphQL.
    Document,
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

/// Where a text stands that is looked into, and how the paths of its leaves begin.
#[derive(Clone, Copy)]
pub(super) struct Spot<'p> {
    pub(super) prefix: &'p str,
    /// The name that holds for a value without one of its own.
    pub(super) name: Option<&'p str>,
    /// Where it begins in the body.
    pub(super) offset: usize,
    /// How many bodies it stands in.
    pub(super) depth: usize,
}

impl Spot<'_> {
    /// A whole body.
    pub(super) const BODY: Spot<'static> = Spot { prefix: "body:", name: None, offset: 0, depth: 0 };

    /// Between the prefix and a name.
    pub(super) fn joint(&self) -> &'static str {
        if self.prefix.ends_with(':') { "" } else { "/" }
    }
}

/// Hands out every value of a body, in the order of the bytes. `decoded` is the body [without its codings](super::decoded_body);
/// `head` tells what it is.
pub fn visit_body(head: &Head, decoded: &[u8], f: &mut dyn FnMut(Leaf<'_>)) -> Visited {
    visit_body_with(head, decoded, &mut leaves(f))
}

/// The same, to a visitor that may know JSON containers already.
pub fn visit_body_with(head: &Head, decoded: &[u8], visitor: &mut dyn Visitor) -> Visited {
    visit_typed(head.header("content-type").unwrap_or_default(), decoded, Spot::BODY, visitor)
}

pub(super) fn visit_typed(content_type: &[u8], bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) -> Visited {
    if bytes.is_empty() {
        return Visited { content: Content::Empty, fault: None };
    }
    // What is a coding of its own was undone with the others, of a whole body.
    let is_undone = spot.depth == 0 && Charset::of(content_type, &[]).is_some();
    if !is_undone && !has_readable_charset(content_type) {
        return Visited { content: Content::Opaque, fault: Some(Fault::Charset) };
    }
    let read = |content| Visited { content, fault: None };
    let format = Format::of(content_type);
    match format {
        Format::Json => visit_json(bytes, spot, f),
        Format::JsonLines => visit_lines(bytes, spot, f),
        // Clients that let the media type default post JSON as a form.
        Format::Form if !is_json(bytes) => {
            form::visit(bytes, &[spot.prefix, spot.joint()], spot.offset, f);
            read(Content::Form)
        }
        Format::Multipart => {
            let named = header_parameters(content_type, 0..content_type.len()).find(|parameter| parameter.name == "boundary");
            match named.map(|boundary| &content_type[boundary.span]).or_else(|| first_boundary(bytes)).filter(|boundary| !boundary.is_empty()) {
                Some(_) if spot.depth == MAX_PARTS_DEPTH => Visited { content: Content::Opaque, fault: Some(Fault::TooDeep) },
                Some(boundary) if multipart::visit(bytes, boundary, spot, f) => read(Content::Multipart),
                _ => visit_text(bytes, Some(Fault::Syntax { offset: 0 }), spot, f),
            }
        }
        Format::Opaque => read(Content::Opaque),
        _ if is_json(bytes) => visit_json(bytes, spot, f),
        Format::Markup => {
            markup::visit(bytes, spot, f);
            read(Content::Markup)
        }
        Format::Table => {
            table::visit(bytes, spot, f);
            read(Content::Table)
        }
        Format::Events => {
            events::visit(bytes, spot, f);
            read(Content::Events)
        }
        Format::Entries => {
            entries::visit(bytes, spot, f);
            read(Content::Entries)
        }
        Format::Document if graphql::visit(bytes, spot, f) => read(Content::Document),
        Format::Document | Format::Text => whole(bytes, None, spot, f),
        // Without a media type only what is plainly text is taken for it.
        Format::Absent => visit_text(bytes, None, spot, f),
        // A media type that no one knows is only read where it says JSON.
        Format::Form | Format::Unknown => read(Content::Opaque),
    }
}

pub(super) fn has_readable_charset(content_type: &[u8]) -> bool {
    charset_of(content_type).is_none_or(is_readable_charset)
}

/// The value of the parameter `charset`.
pub(super) fn charset_of(content_type: &[u8]) -> Option<&[u8]> {
    let charset = header_parameters(content_type, 0..content_type.len()).find(|parameter| parameter.name == "charset")?;
    Some(&content_type[charset.span])
}

/// How a media type is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    JsonLines,
    Form,
    Multipart,
    Markup,
    Table,
    Events,
    Entries,
    /// GraphQL.
    Document,
    Text,
    /// Media: never looked into.
    Opaque,
    /// No media type is given.
    Absent,
    Unknown,
}

impl Format {
    pub(super) fn of(content_type: &[u8]) -> Self {
        // It is one word: what a redactor puts into the rest makes nothing else of it.
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b',');
        let word = content_type.trim_ascii_start().split(is_end).next().unwrap_or_default();
        let mut buffer = [0; MAX_MEDIA_TYPE];
        let Some(lower) = buffer.get_mut(..word.len()) else { return Self::Unknown };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match std::str::from_utf8(lower).unwrap_or("?") {
            "" => Self::Absent,
            "application/json" | "text/json" | "application/x-json" | "application/csp-report" => Self::Json,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/json-seq"
            | "application/stream+json"
            | "text/x-ndjson" => Self::JsonLines,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/xml" | "text/xml" | "text/html" | "application/xhtml" | "application/xml-dtd" => Self::Markup,
            "text/csv" | "application/csv" | "text/tab-separated-values" | "text/comma-separated-values" | "text/x-csv" => Self::Table,
            "text/event-stream" => Self::Events,
            "application/graphql" => Self::Document,
            "application/yaml"
            | "application/x-yaml"
            | "text/yaml"
            | "text/x-yaml"
            | "application/toml"
            | "text/x-toml"
            | "text/x-ini"
            | "text/x-java-properties"
            | "application/x-java-properties" => Self::Entries,
            "application/javascript"
            | "application/x-javascript"
            | "application/ecmascript"
            | "application/sql"
            | "application/problem"
            | "message/http"
            | "application/http"
            | "application/logfmt" => Self::Text,
            word if word.starts_with("multipart/") => Self::Multipart,
            word if word.ends_with("+json") => Self::Json,
            word if word.ends_with("+xml") => Self::Markup,
            word if word.ends_with("+yaml") => Self::Entries,
            word if word.starts_with("text/") => Self::Text,
            word if ["image/", "audio/", "video/", "font/", "model/"].iter().any(|kind| word.starts_with(kind)) => Self::Opaque,
            _ => Self::Unknown,
        }
    }
}

pub(super) fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) && json::check(bytes).is_ok()
}

fn visit_json(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) -> Visited {
    match json::outline(bytes, containers(spot, f)) {
        Ok(outline) => {
            json::visit_outlined(bytes, &outline, spot, f);
            Visited { content: Content::Json, fault: None }
        }
        Err(Fault::TooDeep) => Visited { content: Content::Opaque, fault: Some(Fault::TooDeep) },
        Err(_) if starts_with_two(bytes) => visit_lines(bytes, spot, f),
        Err(fault) => visit_text(bytes, Some(fault), spot, f),
    }
}

/// The containers that a visitor is to be asked of: in a body of its own, where no other place has their paths.
fn containers(spot: Spot<'_>, f: Visit<'_>) -> Range<usize> {
    if spot.depth == 0 { f.containers() } else { 0..0 }
}

fn starts_with_two(bytes: &[u8]) -> bool {
    let is_value = |record: &Range<usize>| json::check(&bytes[record.clone()]).is_ok();
    record(bytes, 0).filter(is_value).and_then(|first| record(bytes, first.end)).as_ref().is_some_and(is_value)
}

/// JSON texts one after another. What lies between two of them, or on a line of its own that is none, is text.
fn visit_lines(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) -> Visited {
    let (mut fault, mut at, mut count) = (None, 0, 0);
    while let Some(record) = record(bytes, at) {
        match json::check(&bytes[record.clone()]) {
            Ok(()) => count += 1,
            Err(Fault::Syntax { offset }) => fault = fault.or(Some(Fault::Syntax { offset: record.start + offset })),
            Err(other) => return Visited { content: Content::Opaque, fault: Some(other) },
        }
        at = record.end;
    }
    if count == 0 {
        return visit_text(bytes, fault, spot, f);
    }
    let (mut at, mut index, mut prefix) = (0, 0, String::new());
    while let Some(record) = record(bytes, at) {
        at = record.end;
        prefix.clear();
        prefix.push_str(spot.prefix);
        prefix.push('/');
        push_index(&mut prefix, index);
        index += 1;
        let inner = Spot { prefix: &prefix, offset: spot.offset + record.start, ..spot };
        let text = &bytes[record];
        match json::outline(text, containers(spot, f)) {
            Ok(outline) => json::visit_outlined(text, &outline, inner, f),
            Err(_) => _ = whole(text, None, inner, f),
        }
    }
    Visited { content: Content::JsonLines, fault }
}

/// The object or array, or else the line, that stands next at or behind `at`. Linear: an open object that never ends is looked
/// through once for each level of it, and levels are bounded.
fn record(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace() && !matches!(*byte, RECORD_SEPARATOR | b','))?;
    let value = if matches!(bytes[start], b'{' | b'[') { json::value_end(&bytes[start..]) } else { Err(Fault::Syntax { offset: 0 }) };
    let end = match value {
        Ok(length) => start + length,
        Err(Fault::TooDeep) => bytes.len(),
        Err(_) => memchr::memchr2(b'\n', RECORD_SEPARATOR, &bytes[start..]).map_or(bytes.len(), |end| start + end),
    };
    Some(start..start + bytes[start..end].trim_ascii_end().len())
}

/// One leaf if it looks like text, else nothing.
fn visit_text(bytes: &[u8], fault: Option<Fault>, spot: Spot<'_>, f: Visit<'_>) -> Visited {
    if looks_like_text(bytes) { whole(bytes, fault, spot, f) } else { Visited { content: Content::Opaque, fault } }
}

/// UTF-8 without control characters that no text has.
pub(super) fn looks_like_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

fn whole(bytes: &[u8], fault: Option<Fault>, spot: Spot<'_>, f: Visit<'_>) -> Visited {
    f.leaf(Leaf {
        part: Part::Body,
        path: spot.prefix,
        name: spot.name.map(Cow::Borrowed),
        kind: LeafKind::Text,
        span: spot.offset..spot.offset + bytes.len(),
        value: Cow::Borrowed(bytes),
        surface: Surface::Raw,
    });
    Visited { content: Content::Text, fault }
}

/// The boundary that a multipart body begins with, for senders that do not name it.
fn first_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.strip_prefix(b"--")?.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    // RFC 2046, section 5.1.1: seventy characters at most.
    (1..=70).contains(&line.len()).then_some(line)
}

/// Charsets whose ASCII is ASCII: patterns and names are found in them as they are. Others that are known here were undone with
/// the content coding, and the bytes are UTF-8 then.
fn is_readable_charset(charset: &[u8]) -> bool {
    let charset = charset.trim_ascii();
    let is = |name: &str| charset.eq_ignore_ascii_case(name.as_bytes());
    let starts = |name: &str| charset.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
    charset.is_empty() || ["utf-8", "utf8", "us-ascii", "ascii", "latin1"].into_iter().any(is) || ["iso-8859-", "windows-125"].into_iter().any(starts)
}

/// Before each text of `application/json-seq` (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;
/// The longest media type that is looked at.
const MAX_MEDIA_TYPE: usize = 96;
/// Multipart bodies within multipart bodies: mails in mails. Deeper ones are not looked into.
const MAX_PARTS_DEPTH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(content_type: &str, bytes: &[u8]) -> (Content, Option<Fault>, Vec<String>) {
        let mut seen = Vec::new();
        let Visited { content, fault } = visit_typed(
            content_type.as_bytes(),
            bytes,
            Spot::BODY,
            &mut leaves(|leaf| {
                seen.push(format!("{}={}", leaf.path, String::from_utf8_lossy(&leaf.value)));
            }),
        );
        (content, fault, seen)
    }

    #[test]
    fn reads_by_media_type() {
        let cases: [(&str, &[u8], Content, &[&str]); 24] = [
            ("application/json", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/problem+json; charset=UTF-8", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/json", b"oops", Content::Text, &["body:=oops"]),
            ("application/json", b"\xff\xfe[", Content::Opaque, &[]),
            ("application/json; charset=utf-7", b"[1]", Content::Opaque, &[]),
            ("application/json; charset=utf-16", b"[1]", Content::Json, &["body:/0=1"]),
            ("text/plain", b"[1]", Content::Json, &["body:/0=1"]),
            ("text/plain", b"[1] not json", Content::Text, &["body:=[1] not json"]),
            ("text/html; charset=iso-8859-1", b"<p>\xe9", Content::Markup, &["body:/p=\u{fffd}"]),
            ("text/html joe@shop.example", b"<p>x", Content::Markup, &["body:/p=x"]),
            ("", b"hello", Content::Text, &["body:=hello"]),
            ("", b"\x00\x01", Content::Opaque, &[]),
            ("application/x-www-form-urlencoded", b"a=1&b=x%40y+z&a=2", Content::Form, &["body:a=1", "body:b=x@y z", "body:a#2=2"]),
            ("application/x-www-form-urlencoded", b"[1]", Content::Json, &["body:/0=1"]),
            ("application/x-ndjson", b"{\"a\":1}\n\n[2]\n", Content::JsonLines, &["body:/0/a~key=a", "body:/0/a=1", "body:/1/0=2"]),
            ("application/json", b"{\"a\":1}\n[2]", Content::JsonLines, &["body:/0/a~key=a", "body:/0/a=1", "body:/1/0=2"]),
            ("application/x-ndjson", b"[1]\noops [2]\n[3]", Content::JsonLines, &["body:/0/0=1", "body:/1=oops [2]", "body:/2/0=3"]),
            ("text/csv", b"a\nx", Content::Table, &["body:/0/0=a", "body:/1/a=x"]),
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
        assert_eq!(visited("text/plain; charset=iso-2022-jp", b"a").1, Some(Fault::Charset));
        assert_eq!(visited("application/json", b"[]").1, None);
    }
}
