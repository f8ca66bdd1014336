//! XML and HTML as far as values need it: text between tags, attributes, and whatever is neither.
//!
//! No parser of documents: nothing is validated, unclosed elements are no error, and every byte that is not a tag's own name
//! or bracket is handed out, comments, scripts and declarations as free text.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{Repeats, push_name};
use super::url::lossy;
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], f: Visit<'_>) {
    let mut visitor = MarkupVisitor { bytes, stack: Vec::new(), path: String::new(), repeats: Repeats::default(), f };
    let mut at = 0;
    while at < bytes.len() {
        let Some(open) = memchr::memchr(b'<', &bytes[at..]).map(|offset| at + offset) else {
            visitor.text(at..bytes.len(), LeafKind::ElementText, Surface::Markup);
            return;
        };
        visitor.text(at..open, LeafKind::ElementText, Surface::Markup);
        at = visitor.tag(open);
    }
}

struct MarkupVisitor<'b, 'v> {
    bytes: &'b [u8],
    /// Names of the open elements, and how long the path was outside of each.
    stack: Vec<(String, usize)>,
    path: String,
    repeats: Repeats,
    f: Visit<'v>,
}

impl MarkupVisitor<'_, '_> {
    /// What begins with `<` at `open`; answers where it ends.
    fn tag(&mut self, open: usize) -> usize {
        let rest = &self.bytes[open..];
        for (start, end, text_from) in [(&b"<!--"[..], &b"-->"[..], 4), (b"<![CDATA[", b"]]>", 9), (b"<?", b"?>", 2), (b"<!", b">", 2)] {
            if rest.starts_with(start) {
                let content_end = memchr::memmem::find(rest, end).filter(|at| *at >= text_from).unwrap_or(rest.len());
                let kind = if start == b"<![CDATA[" { LeafKind::ElementText } else { LeafKind::Text };
                self.text(open + text_from.min(rest.len())..open + content_end, kind, Surface::Raw);
                return (open + content_end + end.len()).min(self.bytes.len());
            }
        }
        let is_closing = rest.get(1) == Some(&b'/');
        let name_start = open + if is_closing { 2 } else { 1 };
        let name_end =
            self.bytes[name_start.min(self.bytes.len())..].iter().position(|byte| !is_name_byte(*byte)).map_or(self.bytes.len(), |at| name_start + at);
        if name_end <= name_start {
            // A bracket that opens nothing is text.
            let end = memchr::memchr(b'<', &self.bytes[open + 1..]).map_or(self.bytes.len(), |at| open + 1 + at);
            self.text(open..end, LeafKind::Text, Surface::Raw);
            return end;
        }
        let name = local_name(&self.bytes[name_start..name_end]);
        if is_closing {
            if let Some(depth) = self.stack.iter().rposition(|(open, _)| *open == name) {
                self.path.truncate(self.stack[depth].1);
                self.stack.truncate(depth);
            }
            let end = memchr::memchr(b'>', &self.bytes[name_end..]).map_or(self.bytes.len(), |at| name_end + at);
            self.text(name_end..end, LeafKind::Text, Surface::Raw);
            return (end + 1).min(self.bytes.len());
        }
        if self.stack.len() < MAX_DEPTH {
            self.stack.push((name.clone(), self.path.len()));
            push_name(&mut self.path, &name);
        }
        let (end, closes_itself) = self.attributes(name_end);
        if closes_itself || VOID_ELEMENTS.contains(&name.as_str()) {
            if let Some((_, length)) = self.stack.pop() {
                self.path.truncate(length);
            }
        } else if matches!(name.as_str(), "script" | "style") {
            // No tags inside: the text goes to the closing tag.
            let close = format!("</{name}");
            let text_end = memchr::memmem::find(&self.bytes[end..], close.as_bytes()).map_or(self.bytes.len(), |at| end + at);
            self.text(end..text_end, LeafKind::Text, Surface::Raw);
            return text_end;
        }
        end
    }

    /// From behind a tag's name to behind its `>`; also whether it ends in `/>`.
    fn attributes(&mut self, mut at: usize) -> (usize, bool) {
        let bytes = self.bytes;
        let mut slash = false;
        while at < bytes.len() {
            match bytes[at] {
                b'>' => return (at + 1, slash),
                b'/' => {
                    slash = true;
                    at += 1;
                }
                byte if byte.is_ascii_whitespace() => at += 1,
                _ => {
                    slash = false;
                    let name_end =
                        bytes[at..].iter().position(|byte| matches!(byte, b'=' | b'>' | b'/') || byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to);
                    let name = at..name_end;
                    at = skip_space(bytes, name_end);
                    if name.is_empty() || bytes.get(at) != Some(&b'=') {
                        // A word without a value: `disabled`, or anything at all.
                        self.text(name.clone(), LeafKind::Text, Surface::Raw);
                        at = at.max(name.start + 1);
                        continue;
                    }
                    at = skip_space(bytes, at + 1);
                    let (value, next) = match bytes.get(at) {
                        Some(quote @ (b'"' | b'\'')) => {
                            let end = memchr::memchr(*quote, &bytes[at + 1..]).map_or(bytes.len(), |to| at + 1 + to);
                            (at + 1..end, (end + 1).min(bytes.len()))
                        }
                        _ => {
                            let end = bytes[at..].iter().position(|byte| *byte == b'>' || byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to);
                            (at..end, end)
                        }
                    };
                    at = next;
                    let name = local_name(&bytes[name]);
                    let path = self.repeats.unique(format!("body:{};{name}", self.path));
                    self.leaf(&path, Some(&name), LeafKind::ElementAttribute, value, Surface::Markup);
                }
            }
        }
        (at, slash)
    }

    fn text(&mut self, span: Range<usize>, kind: LeafKind, surface: Surface) {
        let text = &self.bytes[span.start..span.end.max(span.start)];
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            return;
        }
        let start = span.start + (text.len() - text.trim_ascii_start().len());
        let name = if kind == LeafKind::ElementText { self.stack.last().map(|(name, _)| name.clone()) } else { None };
        let path = self.repeats.unique(format!("body:{}", self.path));
        self.leaf(&path, name.as_deref(), kind, start..start + trimmed.len(), surface);
    }

    fn leaf(&mut self, path: &str, name: Option<&str>, kind: LeafKind, span: Range<usize>, surface: Surface) {
        let value = surface.undress(&self.bytes[span.clone()]);
        (self.f)(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':') || byte >= 0x80
}

/// A name without its namespace prefix, in its own case.
fn local_name(name: &[u8]) -> String {
    let name = lossy(Cow::Borrowed(name));
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map_or(bytes.len(), |to| at + to)
}

/// What character data says; borrowed if it has no entities. An entity that is none stays as it is.
pub(super) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'&', raw) else { return Cow::Borrowed(raw) };
    let mut out = raw[..first].to_vec();
    let mut at = first;
    while at < raw.len() {
        let (character, length) = if raw[at] == b'&' { entity(&raw[at..]) } else { None }.unzip();
        match character {
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.push(raw[at]),
        }
        at += length.unwrap_or(1);
    }
    Cow::Owned(out)
}

/// The entity that `raw` begins with, and how many bytes it takes.
pub(super) fn entity(raw: &[u8]) -> Option<(char, usize)> {
    let end = memchr::memchr(b';', &raw[..raw.len().min(MAX_ENTITY)])?;
    let character = match &raw[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    Some((character, end + 1))
}

/// The longest entity that is read, its ampersand and semicolon included.
const MAX_ENTITY: usize = 12;
/// Deeper elements count as their ancestors at this depth.
const MAX_DEPTH: usize = 64;
const VOID_ELEMENTS: [&str; 8] = ["br", "img", "input", "meta", "link", "hr", "area", "base"];

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        visit(text.as_bytes(), &mut |leaf| {
            assert_eq!(leaf.surface.undress(&text.as_bytes()[leaf.span.clone()]), leaf.value);
            seen.push(format!("{} {} {}", leaf.path, leaf.name.as_deref().unwrap_or("-"), String::from_utf8_lossy(&leaf.value)));
        });
        seen
    }

    #[test]
    fn finds_text_and_attributes() {
        assert_eq!(
            leaves("<?xml version=\"1.0\"?><req id='7'><c:name> A &amp; B </c:name><!-- bob --><x/><![CDATA[<raw>]]></req>tail"),
            ["body: - xml version=\"1.0\"", "body:/req;id id 7", "body:/req/name name A & B", "body:/req - bob", "body:/req#2 req <raw>", "body:#2 - tail",]
        );
        assert_eq!(
            leaves("<p>one<br>two<input value=x@y.z disabled><script>let a = '<b>';</script> 3 < 4 </p>"),
            [
                "body:/p p one",
                "body:/p#2 p two",
                "body:/p/input;value value x@y.z",
                "body:/p/input - disabled",
                "body:/p/script - let a = '<b>';",
                "body:/p#3 p 3",
                "body:/p#4 - < 4"
            ]
        );
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = "<!DOCTYPE a [<!b>]><a b=\"c&#x41;\" d='e' f=g h/><!-- x --><![CDATA[y]]></a z><script>q";
        for end in 0..=text.len() {
            leaves(&text[..end]);
        }
    }

    #[test]
    fn entities_are_undone() {
        for (raw, expected) in [("a&lt;b&#233;&#xe9;", "a<béé"), ("&nope; & &#xd800;", "&nope; & &#xd800;")] {
            assert_eq!(String::from_utf8_lossy(&unescaped(raw.as_bytes())), expected);
        }
    }
}
