//! Streams of events: `data: …` and other fields on lines, an empty line between two events (the HTML standard, section 9.2).
//!
//! What the data of an event says is looked into where it is JSON, over several lines, too: the names of the fields between
//! them are blanked, so that all places stay what they are.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::{Spot, is_json};
use super::json;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::Paths;
use super::visitor::leaves;
use crate::model::Part;

pub(super) fn visit(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) {
    let mut visitor = EventsVisitor { bytes, spot, event: 0, data: Vec::new(), paths: Paths::default(), f };
    let mut at = 0;
    while at < bytes.len() {
        let end = memchr::memchr2(b'\r', b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        visitor.line(at..end);
        at = end + if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    visitor.data();
}

struct EventsVisitor<'b, 'v> {
    bytes: &'b [u8],
    spot: Spot<'b>,
    /// The ordinal of the event, from 0.
    event: usize,
    /// Values of data fields that follow one another.
    data: Vec<Range<usize>>,
    paths: Paths,
    f: Visit<'v>,
}

impl EventsVisitor<'_, '_> {
    fn line(&mut self, line: Range<usize>) {
        let text = &self.bytes[line.clone()];
        let colon = memchr::memchr(b':', text).unwrap_or(text.len());
        let space = usize::from(text.get(colon + 1) == Some(&b' '));
        let value = (line.start + colon + 1 + space).min(line.end)..line.end;
        let is_first = line.start == 0;
        match &text[..colon] {
            b"" if text.is_empty() => {
                self.data();
                self.event += 1;
            }
            b"data" | b"\xef\xbb\xbfdata" if is_first || text.starts_with(b"data") => self.data.push(value),
            name => {
                self.data();
                let name = ["event", "id", "retry"].into_iter().find(|known| known.as_bytes() == name);
                // A comment, or what is no field at all.
                let span = if name.is_some() { value } else { line };
                self.leaf(name, span);
            }
        }
    }

    /// Hands out the data fields at hand.
    fn data(&mut self) {
        let data = std::mem::take(&mut self.data);
        let (Some(first), Some(last)) = (data.first(), data.last()) else { return };
        let span = first.start..last.end;
        let text = if data.len() == 1 { Cow::Borrowed(&self.bytes[span.clone()]) } else { Cow::Owned(blanked(self.bytes, &data)) };
        if is_json(&text) && (data.len() == 1 || is_apart_from_breaks(&text)) {
            let prefix = self.paths.start(&[self.spot.prefix, "/"]).index(self.event).push("/data").unique();
            json::visit(&text, Spot { prefix, name: None, offset: self.spot.offset + span.start, ..self.spot }, self.f);
        } else {
            data.into_iter().for_each(|line| self.leaf(Some("data"), line));
        }
    }

    fn leaf(&mut self, name: Option<&'static str>, span: Range<usize>) {
        if span.is_empty() {
            return;
        }
        let value = Cow::Borrowed(&self.bytes[span.clone()]);
        let path = self.paths.start(&[self.spot.prefix, "/"]).index(self.event).push("/").push(name.unwrap_or_default()).unique();
        let span = self.spot.offset + span.start..self.spot.offset + span.end;
        self.f.leaf(Leaf { part: Part::Body, path, name: None, kind: LeafKind::Text, span, value, surface: Surface::Raw });
    }
}

/// The lines from the first to the last, with spaces in place of the names of the fields between them.
fn blanked(bytes: &[u8], lines: &[Range<usize>]) -> Vec<u8> {
    let start = lines.first().map_or(0, |line| line.start);
    let mut text = bytes[start..lines.last().map_or(start, |line| line.end)].to_vec();
    for pair in lines.windows(2) {
        text[pair[0].end - start..pair[1].start - start].fill(b' ');
        text[pair[0].end - start] = b'\n';
    }
    text
}

/// Whether no string of a JSON text goes over a line break.
fn is_apart_from_breaks(text: &[u8]) -> bool {
    let mut is_apart = true;
    json::visit(text, Spot::BODY, &mut leaves(|leaf| is_apart &= !text[leaf.span].contains(&b'\n')));
    is_apart
}

#[cfg(test)]
mod tests {
    use super::super::leaf::told;
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        told(text, |f| {
            visit(text.as_bytes(), Spot::BODY, f);
        })
    }

    #[test]
    fn looks_into_what_events_say() {
        assert_eq!(
            leaves(": hi\nid: 7\ndata: {\"a\":1}\n\nevent:x\r\ndata: {\"b\":\r\ndata:[\"c\"]}\r\n\r\ndata: one\ndata:two\n\ndata: {\"a\ndata: b\":1}"),
            [
                "body:/0/ - : hi",
                "body:/0/id - 7",
                "body:/0/data/a~key - a",
                "body:/0/data/a a 1",
                "body:/1/event - x",
                "body:/1/data/b~key - b",
                "body:/1/data/b/0 b c",
                "body:/2/data - one",
                "body:/2/data#2 - two",
                "body:/3/data - {\"a",
                "body:/3/data#2 - b\":1}",
            ]
        );
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let text = "\u{feff}data\ndata:\n\n: x\r\rid\ndata: [1,\ndata: 2]\r\n";
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            leaves(&text[..end]);
        }
    }
}
