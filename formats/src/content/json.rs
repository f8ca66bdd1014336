//! JSON with places: a scanner of our own over the bytes, because readers that build values forget where these stood.
//!
//! Tolerant where senders are sloppy (bytes that are not UTF-8, raw control characters in strings, a byte order mark, lone
//! surrogates), strict in structure: what is not JSON to its end is an error, and then nothing has been handed out. The stack is our
//! own and bounded; no input makes it recurse.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::Visit;
use super::body::{Fault, Spot};
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{push_index, push_name};
use super::url::lossy;
use super::visitor::{Container, Entry};
use crate::model::Part;

/// Whether `bytes` are one JSON text (RFC 8259, section 2), and where they stop being one if not.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fault> {
    Scanner { bytes, at: 0 }.document(&mut |_| None)
}

/// The same, with the containers that take so many bytes, if a visitor asks for any.
pub(super) fn outline(bytes: &[u8], lengths: Range<usize>) -> Result<Outline, Fault> {
    if lengths.is_empty() {
        return check(bytes).map(|()| Outline::default());
    }
    let mut outliner = Outliner { bytes, lengths, outline: Vec::new(), stack: Vec::new(), key: None, members: Vec::new(), is_unique: true };
    Scanner { bytes, at: 0 }.document(&mut |event| {
        outliner.event(event);
        None
    })?;
    let Outliner { mut outline, is_unique, .. } = outliner;
    if !is_unique {
        outline.clear();
    }
    outline.sort_unstable_by_key(|extent| extent.start);
    Ok(Outline(outline))
}

/// Where the JSON value that `bytes` begin with ends, and where they stop being one if none does.
pub(super) fn value_end(bytes: &[u8]) -> Result<usize, Fault> {
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.values(&mut |_| None).map(|()| scanner.at)
}

/// Hands out the members, strings, numbers and literals of a JSON text that [`check`] has passed.
pub(super) fn visit(bytes: &[u8], spot: Spot<'_>, f: Visit<'_>) {
    visit_outlined(bytes, &Outline::default(), spot, f);
}

/// The same, with the containers of its outline before their leaves.
pub(super) fn visit_outlined(bytes: &[u8], outline: &Outline, spot: Spot<'_>, f: Visit<'_>) {
    let extents = &outline.0;
    let mut emitter = Emitter { bytes, extents, offset: spot.offset, path: spot.prefix.to_owned(), root_name: spot.name, stack: Vec::new(), f };
    // What cannot be read was refused by `check`; a caller that did not ask gets what stands before the fault.
    let _ = Scanner { bytes, at: 0 }.document(&mut |event| emitter.event(event));
}

/// Whether a text is a JSON number or literal as it stands.
pub(super) fn is_bare(text: &[u8]) -> bool {
    let mut scanner = Scanner { bytes: text, at: 0 };
    matches!(text.first(), Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n')) && scanner.bare().is_ok() && scanner.at == text.len()
}

/// Containers of a text that a visitor is asked of, in the order in which they begin. None if two members of one object that have containers have
/// one name: what stands in one would not be told from what stands in the other by its path.
#[derive(Default)]
pub(super) struct Outline(Vec<Range<usize>>);

/// Draws an outline of what the scanner finds.
struct Outliner<'b> {
    bytes: &'b [u8],
    lengths: Range<usize>,
    outline: Vec<Range<usize>>,
    /// Where each open container begins, and its members among those of all.
    stack: Vec<(usize, usize)>,
    key: Option<Text>,
    /// What stands for the names of members that have containers.
    members: Vec<u64>,
    is_unique: bool,
}

impl Outliner<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Key(key) => self.key = Some(key),
            Event::Open(_, start) => {
                if let Some(key) = self.key.take() {
                    self.members.push(FixedState::default().hash_one(lossy(key.says(self.bytes))));
                }
                self.stack.push((start, self.members.len()));
            }
            Event::Close(end) => {
                let Some((start, members)) = self.stack.pop() else { return };
                let names = &mut self.members[members..];
                names.sort_unstable();
                self.is_unique &= names.windows(2).all(|pair| pair[0] != pair[1]);
                self.members.truncate(members);
                if self.lengths.contains(&(end - start)) && self.outline.len() < MAX_CONTAINERS {
                    self.outline.push(start..end);
                }
            }
            Event::String(_) | Event::Bare(..) => self.key = None,
        }
    }
}

enum Event {
    /// With where it begins.
    Open(Bracket, usize),
    /// With where it ends.
    Close(usize),
    Key(Text),
    String(Text),
    /// A number or a literal.
    Bare(LeafKind, Range<usize>),
}

/// What stands between the quotes.
struct Text {
    span: Range<usize>,
    has_escapes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Object,
    Array,
}

struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self, sink: &mut impl FnMut(Event) -> Option<usize>) -> Result<(), Fault> {
        if self.bytes.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        self.values(sink)?;
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// One value, with all that stands in it. Where the sink names the end of a container that opens, what stands in that one is passed by.
    fn values(&mut self, sink: &mut impl FnMut(Event) -> Option<usize>) -> Result<(), Fault> {
        let mut stack: Vec<Bracket> = Vec::new();
        loop {
            // A value begins here.
            self.space();
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if stack.len() == MAX_DEPTH {
                        return Err(Fault::TooDeep);
                    }
                    let container = if open == b'{' { Bracket::Object } else { Bracket::Array };
                    if let Some(end) = sink(Event::Open(container, self.at)) {
                        self.at = end;
                    } else {
                        self.at += 1;
                        stack.push(container);
                        self.space();
                        if self.peek() != Some(closing(container)) {
                            self.member(container, sink)?;
                            continue;
                        }
                    }
                }
                Some(b'"') => _ = sink(Event::String(self.string()?)),
                _ => {
                    let (kind, span) = self.bare()?;
                    sink(Event::Bare(kind, span));
                }
            }
            // A value has ended here: close what closes, until another one begins.
            loop {
                let Some(container) = stack.last().copied() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        self.member(container, sink)?;
                        break;
                    }
                    Some(byte) if byte == closing(container) => {
                        self.at += 1;
                        stack.pop();
                        sink(Event::Close(self.at));
                    }
                    _ => return Err(self.fault()),
                }
            }
        }
    }

    /// What stands before a member's value: in an object its name and a colon.
    fn member(&mut self, container: Bracket, sink: &mut impl FnMut(Event) -> Option<usize>) -> Result<(), Fault> {
        if container == Bracket::Object {
            let key = self.string()?;
            sink(Event::Key(key));
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn bare(&mut self) -> Result<(LeafKind, Range<usize>), Fault> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b't') => self.word(b"true", LeafKind::JsonBool)?,
            Some(b'f') => self.word(b"false", LeafKind::JsonBool)?,
            Some(b'n') => self.word(b"null", LeafKind::JsonNull)?,
            _ => self.number()?,
        };
        Ok((kind, start..self.at))
    }

    fn word(&mut self, word: &[u8], kind: LeafKind) -> Result<LeafKind, Fault> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.fault());
        }
        self.at += word.len();
        Ok(kind)
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Result<LeafKind, Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek();
        let integer = self.digits()?;
        if first == Some(b'0') && integer > 1 {
            return Err(self.fault());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(LeafKind::JsonNumber)
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fault()) } else { Ok(count) }
    }

    /// Escapes are stepped over, not checked.
    fn string(&mut self) -> Result<Text, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        let start = self.at + 1;
        let (mut at, mut has_escapes) = (start, false);
        loop {
            at = quote_or_backslash(self.bytes, at).ok_or(self.fault())?;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(Text { span: start..at, has_escapes });
            }
            has_escapes = true;
            at += 2;
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn fault(&self) -> Fault {
        Fault::Syntax { offset: self.at }
    }
}

/// Where the next quote or backslash stands. Most strings are short: eight bytes at a time are faster than a call, up to a length.
fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    for _ in 0..SHORT_WORDS {
        let Some(word) = bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes) else { break };
        let found = is_zero(word ^ (ONES * b'"' as u64)) | is_zero(word ^ (ONES * b'\\' as u64));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', bytes.get(at..)?).map(|offset| at + offset)
}

const fn closing(container: Bracket) -> u8 {
    match container {
        Bracket::Object => b'}',
        Bracket::Array => b']',
    }
}

/// Puts paths and names to what the scanner finds.
struct Emitter<'b, 'v> {
    bytes: &'b [u8],
    /// The containers to come that the visitor is asked of.
    extents: &'v [Range<usize>],
    offset: usize,
    /// The path of the value that comes next; what belongs to a container is cut off again when it closes.
    path: String,
    root_name: Option<&'b str>,
    stack: Vec<Frame<'b>>,
    f: Visit<'v>,
}

struct Frame<'b> {
    container: Bracket,
    /// The name that holds for its elements: that of the array itself, or of the present member.
    name: Option<Cow<'b, str>>,
    /// How long the path was outside of it.
    path_length: usize,
    index: usize,
    /// The visitor was asked of it.
    is_entered: bool,
}

impl<'b> Emitter<'b, '_> {
    /// Where to go on, if not right behind.
    fn event(&mut self, event: Event) -> Option<usize> {
        match event {
            Event::Open(container, start) => {
                self.element();
                let is_entered = match self.extents.split_first() {
                    Some((extent, rest)) if extent.start == start => {
                        self.extents = rest;
                        let raw = &self.bytes[extent.clone()];
                        let name = self.stack.last().map_or(self.root_name, |frame| frame.name.as_deref());
                        if self.f.enter(&Container { path: &self.path, name, start: self.offset + start, raw }) == Entry::Pass {
                            self.extents = &rest[rest.partition_point(|inner| inner.start < extent.end)..];
                            return Some(extent.end);
                        }
                        true
                    }
                    _ => false,
                };
                let name =
                    if container == Bracket::Array { self.stack.last().map_or(self.root_name.map(Cow::Borrowed), |frame| frame.name.clone()) } else { None };
                self.stack.push(Frame { container, name, path_length: self.path.len(), index: 0, is_entered });
            }
            Event::Close(_) => {
                if let Some(frame) = self.stack.pop() {
                    self.path.truncate(frame.path_length);
                    if frame.is_entered {
                        self.f.leave();
                    }
                }
            }
            Event::Key(text) => {
                let bytes = self.bytes;
                let value = text.says(bytes);
                let frame = self.stack.last_mut()?;
                self.path.truncate(frame.path_length);
                let key = frame.name.insert(lossy(value.clone()));
                push_name(&mut self.path, key);
                let length = self.path.len();
                self.path.push_str("~key");
                let span = self.offset + text.span.start..self.offset + text.span.end;
                self.f.leaf(Leaf { part: Part::Body, path: &self.path, name: None, kind: LeafKind::JsonKey, span, value, surface: Surface::JsonString });
                self.path.truncate(length);
            }
            Event::String(text) => {
                self.element();
                self.leaf(LeafKind::JsonString, text.says(self.bytes), text.span, Surface::JsonString);
            }
            Event::Bare(kind, span) => {
                self.element();
                self.leaf(kind, Cow::Borrowed(&self.bytes[span.clone()]), span, Surface::JsonBare);
            }
        }
        None
    }

    /// In an array, a value's path ends in its index.
    fn element(&mut self) {
        if let Some(frame) = self.stack.last_mut().filter(|frame| frame.container == Bracket::Array) {
            self.path.truncate(frame.path_length);
            self.path.push('/');
            push_index(&mut self.path, frame.index);
            frame.index += 1;
        }
    }

    fn leaf(&mut self, kind: LeafKind, value: Cow<'_, [u8]>, span: Range<usize>, surface: Surface) {
        let span = self.offset + span.start..self.offset + span.end;
        let name = self.stack.last().map_or(self.root_name, |frame| frame.name.as_deref()).map(Cow::Borrowed);
        self.f.leaf(Leaf { part: Part::Body, path: &self.path, name, kind, span, value, surface });
    }
}

impl Text {
    fn says<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let raw = &bytes[self.span.clone()];
        if self.has_escapes { unescaped(raw) } else { Cow::Borrowed(raw) }
    }
}

/// What a JSON string says; borrowed if it has no escapes. An escape that is none stays as it is.
pub(super) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', raw) else { return Cow::Borrowed(raw) };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut at = first;
    while at < raw.len() {
        if raw[at] != b'\\' {
            let end = memchr::memchr(b'\\', &raw[at..]).map_or(raw.len(), |offset| at + offset);
            out.extend_from_slice(&raw[at..end]);
            at = end;
            continue;
        }
        let (character, length) = escape(&raw[at..]);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        at += length;
    }
    Cow::Owned(out)
}

/// The escape that `raw` begins with, and how many bytes it takes. One that is none says a backslash.
pub(super) fn escape(raw: &[u8]) -> (char, usize) {
    match raw.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(escaped @ (b'"' | b'\\' | b'/')) => (char::from(*escaped), 2),
        Some(b'u') => unicode(raw).unwrap_or(('\\', 1)),
        _ => ('\\', 1),
    }
}

/// `\uXXXX`, or two of them that are a surrogate pair, and how many bytes that is. A lone surrogate is U+FFFD.
fn unicode(raw: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = raw.get(at..at + 6).filter(|digits| digits.starts_with(b"\\u"))?;
        digits[2..].iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
    };
    let first = unit(0)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = unit(6).filter(|second| (0xdc00..0xe000).contains(second))
    {
        return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).map(|character| (character, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// Deeper than what services send, far from what a stack of our own could not hold.
const MAX_DEPTH: usize = 128;
/// So many words of eight bytes are looked at one by one.
const SHORT_WORDS: usize = 4;
/// So many containers of one text are told of, at most.
const MAX_CONTAINERS: usize = 1 << 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &[u8]) -> Vec<String> {
        let mut seen = Vec::new();
        visit(
            text,
            Spot::BODY,
            &mut super::super::visitor::leaves(|leaf| {
                let name = leaf.name.as_deref().unwrap_or("-");
                seen.push(format!("{} {name} {:?} {}", leaf.path, leaf.kind, String::from_utf8_lossy(&leaf.value)));
                assert_eq!(unescaped(&text[leaf.span.clone()]), leaf.value);
            }),
        );
        seen
    }

    #[test]
    fn finds_every_value_with_its_path() {
        let text = br#" {"a":1,"b":{"c":["x",{"d":null}],"e":{}},"f":[],"g/h":true,"":-1.5e+3, "a":"\u00e9\ud83d\ude00\n"} "#;
        assert_eq!(check(text), Ok(()));
        assert_eq!(
            leaves(text),
            [
                "body:/a~key - JsonKey a",
                "body:/a a JsonNumber 1",
                "body:/b~key - JsonKey b",
                "body:/b/c~key - JsonKey c",
                "body:/b/c/0 c JsonString x",
                "body:/b/c/1/d~key - JsonKey d",
                "body:/b/c/1/d d JsonNull null",
                "body:/b/e~key - JsonKey e",
                "body:/f~key - JsonKey f",
                "body:/g~1h~key - JsonKey g/h",
                "body:/g~1h g/h JsonBool true",
                "body:/~key - JsonKey ",
                "body:/  JsonNumber -1.5e+3",
                "body:/a~key - JsonKey a",
                "body:/a a JsonString é😀\n",
            ]
        );
        assert_eq!(leaves(b"\xef\xbb\xbf42"), ["body: - JsonNumber 42"]);
        assert_eq!(leaves(b"[[1],[2,3]]"), ["body:/0/0 - JsonNumber 1", "body:/1/0 - JsonNumber 2", "body:/1/1 - JsonNumber 3"]);
    }

    #[test]
    fn knows_what_is_json() {
        for good in ["0", "-0", "1e9", "\"\"", "[]", "{}", "[1, 2]", "null", " true ", "{\"a\":{\"b\":[]}}", "\"\\\"\"", "\"\\u12\""] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "tru",
            "nul",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "[1 2]",
            "\"",
            "\"\\",
            "[",
            "{",
            "]",
            "1 2",
            "{\"a\":1,}",
            "[1}",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_prefix_and_every_flip_is_read_without_panic() {
        let text = br#"{"a":[1,-2.5e3,"\ud83d\ude00\q",true,null],"b":{"c":"\u00"}}"#;
        for end in 0..text.len() {
            assert!(check(&text[..end]).is_err());
            leaves(&text[..end]);
        }
        for at in 0..text.len() {
            for byte in [0, b'"', b'\\', b'[', b'}', 0xff] {
                let mut flipped = text.to_vec();
                flipped[at] = byte;
                let _ = check(&flipped);
                leaves(&flipped);
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(Fault::TooDeep));
        assert_eq!(check(&vec![b'['; 1 << 20]), Err(Fault::TooDeep));
    }

    #[test]
    fn escapes_are_undone() {
        for (raw, expected) in [
            (r"plain", "plain"),
            (r"\u0041\u00e9", "Aé"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\x\u12", r"\x\u12"),
            (r"a\/b\\c\", "a/b\\c\\"),
        ] {
            assert_eq!(String::from_utf8_lossy(&unescaped(raw.as_bytes())), expected, "{raw}");
        }
    }

    /// What a visitor is told of the containers of a text; those at the paths that it knows are passed by.
    fn told(text: &str, lengths: Range<usize>, knows: &[&str]) -> Vec<String> {
        struct Told<'k>(Range<usize>, &'k [&'k str], Vec<String>);
        impl super::super::Visitor for Told<'_> {
            fn leaf(&mut self, leaf: Leaf<'_>) {
                self.2.push(format!("{}={}", leaf.path, String::from_utf8_lossy(&leaf.value)));
            }
            fn containers(&self) -> Range<usize> {
                self.0.clone()
            }
            fn enter(&mut self, Container { path, name, start, raw }: &Container<'_>) -> Entry {
                self.2.push(format!("> {path} {} {start} {}", name.unwrap_or("-"), String::from_utf8_lossy(raw)));
                if self.1.contains(path) { Entry::Pass } else { Entry::Visit }
            }
            fn leave(&mut self) {
                self.2.push("<".to_owned());
            }
        }
        let mut told = Told(lengths.clone(), knows, Vec::new());
        let outline = outline(text.as_bytes(), lengths).expect("is JSON");
        visit_outlined(text.as_bytes(), &outline, Spot { offset: 100, ..Spot::BODY }, &mut told);
        told.2
    }

    #[test]
    fn a_visitor_is_asked_of_containers_and_passes_those_it_knows() {
        let text = r#"{"a":[1,[2],{"b":3}],"c":{"d":[4]}}"#;
        assert_eq!(
            told(text, 3..16, &["body:/a/1", "body:/c"]),
            [
                "body:/a~key=a",
                "> body:/a a 105 [1,[2],{\"b\":3}]",
                "body:/a/0=1",
                "> body:/a/1 a 108 [2]",
                "> body:/a/2 a 112 {\"b\":3}",
                "body:/a/2/b~key=b",
                "body:/a/2/b=3",
                "<",
                "<",
                "body:/c~key=c",
                "> body:/c c 125 {\"d\":[4]}",
            ]
        );
        assert_eq!(told(text, 0..99, &["body:"]), [format!("> body: - 100 {text}")]);
        assert_eq!(told(text, 99..999, &[]), leaves(text.as_bytes()).iter().map(|leaf| said(leaf)).collect::<Vec<_>>());
    }

    /// `path name kind value` as `path=value`.
    fn said(leaf: &str) -> String {
        let words: Vec<&str> = leaf.splitn(4, ' ').collect();
        format!("{}={}", words[0], words[3])
    }

    #[test]
    fn containers_that_share_a_path_are_not_told_of() {
        for (text, count) in [
            (r#"{"a":{},"b":{},"c":{"a":{},"a":1}}"#, 5),
            (r#"{"a":{},"a":{}}"#, 0),
            (r#"{"a":{},"\u0061":[]}"#, 0),
            (r#"[{"a":{}},{"a":{}}]"#, 5),
            (r#"[{"x":[{"a":{},"b":"a","a":[]}]}]"#, 0),
        ] {
            assert_eq!(outline(text.as_bytes(), 0..99).expect("is JSON").0.len(), count, "{text}");
        }
    }
}
