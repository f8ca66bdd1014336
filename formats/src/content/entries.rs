//! Names and values on lines: YAML, TOML, ini files, properties.
//!
//! No parser of these languages: a line is `name: value` or `name = value`, perhaps as an item of a list, or a line of text. What
//! is indented below a name without a value is the name's: items of a list, the lines of a block.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::Spot;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{Paths, push_name};
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) {
    let mut visitor = EntriesVisitor { bytes, spot, section: None, parents: Vec::new(), path: String::new(), paths: Paths::default(), f };
    let mut at = 0;
    while at < bytes.len() {
        at = visitor.line(at);
    }
}

struct EntriesVisitor<'b, 'v> {
    bytes: &'b [u8],
    spot: Spot<'b>,
    /// What the last `[section]` was called.
    section: Option<&'b str>,
    /// Names without a value of their own, and how far each was indented.
    parents: Vec<(usize, &'b str)>,
    path: String,
    paths: Paths,
    f: Visit<'v>,
}

impl<'b> EntriesVisitor<'b, '_> {
    /// The line that begins at `at`; answers where what was read ends.
    fn line(&mut self, at: usize) -> usize {
        let end = line_end(self.bytes, at);
        let next = (end + 1).min(self.bytes.len());
        let line = trimmed(self.bytes, at..end);
        if line.is_empty() {
            return next;
        }
        // An item of a list may be a name and a value itself.
        let mut start = line.start;
        while self.bytes[start..line.end].starts_with(b"- ") {
            start = trimmed(self.bytes, start + 2..line.end).start;
        }
        let indent = start - at;
        let text = &self.bytes[start..line.end];
        if matches!(text, [b'#' | b';', ..]) {
            self.leaf(None, start..line.end, Surface::Raw, LeafKind::Text);
            return next;
        }
        while self.parents.last().is_some_and(|(outer, _)| *outer >= indent && (*outer > indent || start == line.start)) {
            self.parents.pop();
        }
        if let [b'[', section @ .., b']'] = text
            && let Some(name) = name_of(section.trim_ascii())
        {
            self.parents.clear();
            self.section = Some(name.trim_start_matches('[').trim_end_matches(']'));
            return next;
        }
        let Some((name, value)) = pair(self.bytes, start..line.end) else {
            let item = (start > line.start).then(|| self.parents.last().map(|(_, name)| *name)).flatten();
            let kind = if item.is_some() { LeafKind::Entry } else { LeafKind::Text };
            self.value(item, start..line.end, kind);
            return next;
        };
        match &self.bytes[value.clone()] {
            b"" => self.parents.push((indent, name)),
            [b'|' | b'>', marks @ ..] if marks.iter().all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9')) => return self.block(name, indent, next),
            [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => return self.quoted_block(name, value.start),
            _ => self.value(Some(name), value, LeafKind::Entry),
        }
        next
    }

    /// The lines from `at` on that are indented further than the name that they belong to.
    fn block(&mut self, name: &'b str, indent: usize, mut at: usize) -> usize {
        let start = at;
        while at < self.bytes.len() {
            let end = line_end(self.bytes, at);
            let line = trimmed(self.bytes, at..end);
            if !line.is_empty() && line.start - at <= indent {
                break;
            }
            at = (end + 1).min(self.bytes.len());
        }
        self.leaf(Some(name), trimmed(self.bytes, start..at), Surface::Raw, LeafKind::Entry);
        at
    }

    /// A TOML text over several lines, from its opening quotes on.
    fn quoted_block(&mut self, name: &'b str, at: usize) -> usize {
        let start = at + 3;
        let close = memchr::memmem::find(&self.bytes[start..], &self.bytes[at..start]).map_or(self.bytes.len(), |close| start + close);
        self.leaf(Some(name), start..close, Surface::Raw, LeafKind::Entry);
        (close + 3).min(self.bytes.len())
    }

    /// A value in quotes or without, and the comment behind it.
    fn value(&mut self, name: Option<&'b str>, span: Range<usize>, kind: LeafKind) {
        let text = &self.bytes[span.clone()];
        let close = match text {
            [quote @ (b'"' | b'\''), rest @ ..] => closing_quote(rest, *quote).map(|at| span.start + 1 + at),
            _ => None,
        };
        let (value, surface, rest) = match close {
            Some(close) => (span.start + 1..close, if text[0] == b'"' { Surface::JsonString } else { Surface::Raw }, close + 1),
            None => {
                let comment = memchr::memmem::find(text, b" #").map_or(span.end, |at| span.start + at);
                (trimmed(self.bytes, span.start..comment), Surface::Raw, comment)
            }
        };
        self.leaf(name, value, surface, kind);
        let rest = trimmed(self.bytes, rest..span.end);
        self.leaf(None, rest, Surface::Raw, LeafKind::Text);
    }

    fn leaf(&mut self, name: Option<&'b str>, span: Range<usize>, surface: Surface, kind: LeafKind) {
        if span.is_empty() {
            return;
        }
        self.path.clear();
        for parent in self.section.into_iter().chain(self.parents.iter().map(|(_, name)| *name)).take(MAX_DEPTH) {
            push_name(&mut self.path, parent);
        }
        if let Some(name) = name.filter(|name| self.parents.last().is_none_or(|(_, parent)| parent != name)) {
            push_name(&mut self.path, name);
        }
        let path = self.paths.start(&[self.spot.prefix, &self.path]).unique();
        let value = surface.undress(&self.bytes[span.clone()]);
        let span = self.spot.offset + span.start..self.spot.offset + span.end;
        self.f.leaf(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

/// The name and the value of a line. A colon needs white space behind it: times and URLs have none.
fn pair(bytes: &[u8], line: Range<usize>) -> Option<(&str, Range<usize>)> {
    let text = &bytes[line.clone()];
    let mark = text.iter().enumerate().position(|(at, byte)| match byte {
        b'=' => true,
        b':' => text.get(at + 1).is_none_or(u8::is_ascii_whitespace),
        _ => false,
    })?;
    Some((name_of(text[..mark].trim_ascii())?, trimmed(bytes, line.start + mark + 1..line.end)))
}

fn name_of(bytes: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(bytes).ok()?;
    let name = name.strip_prefix("export ").unwrap_or(name).trim_matches(['"', '\'']);
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | '$' | ' ' | '[' | ']'))
        && name.contains(char::is_alphabetic)
        && name.matches(' ').count() <= MAX_SPACES;
    is_name.then_some(name)
}

fn closing_quote(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            byte if byte == quote => return Some(at),
            b'\\' if quote == b'"' => at += 2,
            _ => at += 1,
        }
    }
    None
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end)
}

fn trimmed(bytes: &[u8], span: Range<usize>) -> Range<usize> {
    let text = &bytes[span.clone()];
    let start = span.start + (text.len() - text.trim_ascii_start().len());
    start..start + text.trim_ascii().len()
}

const MAX_NAME: usize = 64;
/// A name of more words is a sentence.
const MAX_SPACES: usize = 3;
/// Names in a path.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let mut end = 0;
        visit(
            text.as_bytes(),
            Spot::BODY,
            &mut super::super::visitor::leaves(|leaf| {
                assert!(leaf.span.start >= end, "in order and apart");
                end = leaf.span.end;
                assert_eq!(leaf.surface.undress(&text.as_bytes()[leaf.span.clone()]), leaf.value);
                seen.push(format!("{} {} {}", leaf.path, leaf.name.as_deref().unwrap_or("-"), String::from_utf8_lossy(&leaf.value)));
            }),
        );
        seen
    }

    #[test]
    fn names_hold_for_what_stands_behind_and_below_them() {
        assert_eq!(
            leaves(
                "# hi\nuser:\n  mail: x@y.z # old\n  \"full name\": \"Jane \\\"J\\\" Roe\"\n  tags:\n  - a\n  - b: c\nkey: |\n  line 1\n  line 2\nat: 12:30:00\nfree text"
            ),
            [
                "body: - # hi",
                "body:/user/mail mail x@y.z",
                "body:/user - # old",
                "body:/user/full name full name Jane \"J\" Roe",
                "body:/user/tags tags a",
                "body:/user/tags/b b c",
                "body:/key key line 1\n  line 2",
                "body:/at at 12:30:00",
                "body:#2 - free text",
            ]
        );
        assert_eq!(
            leaves("[db]\nuser = 'a'\nexport PASS=b\nnote = \"\"\"x\ny\"\"\"\n"),
            ["body:/db/user user a", "body:/db/PASS PASS b", "body:/db/note note x\ny"]
        );
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = "[a]\n- - b: |\n  c\n d = \"e\\\" #f\n'g': '''h\n- # i\n";
        for end in 0..=text.len() {
            leaves(&text[..end]);
        }
    }
}
