//! GraphQL documents (the specification of October 2021, section 2): the values of their arguments.
//!
//! In: the text of a document with operations. Out: strings, numbers and enum values with the names of their arguments, in input
//! objects, lists and defaults as well; names of fields, aliases and arguments as keys; comments as text. What is written around them
//! (variables, types, keywords) is the same whoever sends it, and is not handed out. A text that is no such document in every byte has
//! no leaves here. Nesting is bounded, and each byte is read twice.

use std::borrow::Cow;
use std::ops::Range;

use super::Visit;
use super::body::Spot;
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{Paths, push_name};
use super::visitor::leaves;
use crate::model::Part;

/// Hands out the values of a document. False if the text is none; then nothing was handed out.
pub(super) fn visit(text: &[u8], spot: Spot<'_>, f: Visit<'_>) -> bool {
    may_be_document(text) && read(text, spot, &mut leaves(|_| {})).is_some() && read(text, spot, f).is_some()
}

/// Whether a text begins and ends as operations do.
fn may_be_document(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let is_opened = text.starts_with(b"{") || text.starts_with(b"#") || KEYWORDS.iter().any(|word| text.starts_with(word.as_bytes()));
    is_opened && text.ends_with(b"}")
}

fn read(text: &[u8], spot: Spot<'_>, f: Visit<'_>) -> Option<()> {
    Reader { text, at: 0, depth: 0, spot, path: String::new(), paths: Paths::default(), f }.document()
}

/// `None` from any of its functions: this is no document.
struct Reader<'t, 'v> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    spot: Spot<'t>,
    /// The fields and arguments around what is at hand.
    path: String,
    paths: Paths,
    f: Visit<'v>,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Option<()> {
        let mut is_empty = true;
        while self.peek().is_some() {
            is_empty = false;
            if self.peek() != Some(b'{') {
                let keyword = self.name()?;
                if !KEYWORDS.contains(&keyword) {
                    return None;
                }
                // `query Orders`, `fragment Parts on Order`
                while self.peek().is_some_and(is_name_start) {
                    self.name()?;
                }
                self.variables()?;
                self.directives()?;
            }
            self.selection()?;
        }
        (!is_empty).then_some(())
    }

    /// `{ alias: field(arguments) @directive { … } ...Fragment ... on Type { … } }`
    fn selection(&mut self) -> Option<()> {
        self.expect(b'{')?;
        self.deeper()?;
        while !self.takes(b'}') {
            let length = self.path.len();
            if self.takes(b'.') {
                (self.text.get(self.at..self.at + 2)? == b"..").then(|| self.at += 2)?;
                while self.peek().is_some_and(is_name_start) {
                    self.name()?;
                }
            } else {
                let mut field = self.key()?;
                if self.takes(b':') {
                    field = self.key()?;
                }
                push_name(&mut self.path, field);
                self.arguments()?;
            }
            self.directives()?;
            if self.peek() == Some(b'{') {
                self.selection()?;
            }
            self.path.truncate(length);
        }
        self.depth -= 1;
        Some(())
    }

    fn directives(&mut self) -> Option<()> {
        while self.takes(b'@') {
            self.name()?;
            self.arguments()?;
        }
        Some(())
    }

    /// `($mail: String! = "…", $ids: [ID!])`
    fn variables(&mut self) -> Option<()> {
        if !self.takes(b'(') {
            return Some(());
        }
        while !self.takes(b')') {
            self.expect(b'$')?;
            let name = self.name()?;
            self.expect(b':')?;
            while self.peek().is_some_and(|byte| matches!(byte, b'[' | b']' | b'!') || is_name_start(byte)) {
                if !(self.takes(b'[') || self.takes(b']') || self.takes(b'!')) {
                    self.name()?;
                }
            }
            if self.takes(b'=') {
                self.named_value(name)?;
            }
            self.directives()?;
        }
        Some(())
    }

    fn arguments(&mut self) -> Option<()> {
        if self.takes(b'(') { self.members(b')') } else { Some(()) }
    }

    /// `name: value` up to what closes them.
    fn members(&mut self, close: u8) -> Option<()> {
        self.deeper()?;
        while !self.takes(close) {
            let name = self.key()?;
            self.expect(b':')?;
            self.named_value(name)?;
        }
        self.depth -= 1;
        Some(())
    }

    fn named_value(&mut self, name: &'t str) -> Option<()> {
        let length = self.path.len();
        push_name(&mut self.path, name);
        self.value(name)?;
        self.path.truncate(length);
        Some(())
    }

    fn value(&mut self, name: &'t str) -> Option<()> {
        match self.peek()? {
            b'$' => {
                self.at += 1;
                self.name()?;
            }
            b'"' => self.string(name)?,
            b'[' => {
                self.at += 1;
                self.deeper()?;
                while !self.takes(b']') {
                    self.value(name)?;
                }
                self.depth -= 1;
            }
            b'{' => {
                self.at += 1;
                self.members(b'}')?;
            }
            b'-' | b'0'..=b'9' => {
                let length = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')).count();
                let span = self.at..self.at + length;
                super::json::is_bare(&self.text[span.clone()]).then_some(())?;
                self.at = span.end;
                self.leaf(Some(name), LeafKind::JsonNumber, span, Surface::JsonBare);
            }
            _ => {
                let start = self.at;
                let kind = match self.name()? {
                    "true" | "false" => LeafKind::JsonBool,
                    "null" => LeafKind::JsonNull,
                    _ => LeafKind::JsonString,
                };
                self.leaf(Some(name), kind, start..self.at, Surface::Raw);
            }
        }
        Some(())
    }

    /// Section 2.9.4: in one quote, with the escapes of JSON, on one line; or in three, as it stands.
    fn string(&mut self, name: &str) -> Option<()> {
        let is_block = self.text[self.at..].starts_with(b"\"\"\"");
        let (quotes, surface) = if is_block { (3, Surface::Raw) } else { (1, Surface::JsonString) };
        let start = self.at + quotes;
        let mut end = start;
        loop {
            end += memchr::memchr3(b'"', b'\\', b'\n', self.text.get(end..)?)?;
            match self.text[end..] {
                [b'"', b'"', b'"', ..] if is_block => break,
                [b'"', ..] if !is_block => break,
                [b'\\', b'"', b'"', b'"', ..] if is_block => end += 4,
                [b'\\', ..] if !is_block => end += 2,
                [b'\n', ..] if !is_block => return None,
                _ => end += 1,
            }
        }
        self.at = end + quotes;
        self.leaf(Some(name), LeafKind::JsonString, start..end, surface);
        Some(())
    }

    /// A name that is handed out as a key.
    fn key(&mut self) -> Option<&'t str> {
        self.peek()?;
        let start = self.at;
        let name = self.name()?;
        let length = self.path.len();
        push_name(&mut self.path, name);
        self.path.push_str("~key");
        self.leaf(None, LeafKind::JsonKey, start..self.at, Surface::Raw);
        self.path.truncate(length);
        Some(name)
    }

    fn name(&mut self) -> Option<&'t str> {
        self.peek().filter(|byte| is_name_start(*byte))?;
        let length = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = std::str::from_utf8(&self.text[self.at..self.at + length]).ok();
        self.at += length;
        name
    }

    /// The next byte that is not ignored (section 2.1); comments are handed out.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                0xef if self.text[self.at..].starts_with(b"\xef\xbb\xbf") => self.at += 3,
                b'#' => {
                    let end = memchr::memchr2(b'\n', b'\r', &self.text[self.at..]).map_or(self.text.len(), |length| self.at + length);
                    let span = self.at + 1..end;
                    self.at = end;
                    if !self.text[span.clone()].trim_ascii().is_empty() {
                        self.leaf(None, LeafKind::Text, span, Surface::Raw);
                    }
                }
                byte => return Some(*byte),
            }
        }
    }

    fn takes(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        self.takes(wanted).then_some(())
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn leaf(&mut self, name: Option<&str>, kind: LeafKind, span: Range<usize>, surface: Surface) {
        let path = self.paths.start(&[self.spot.prefix, &self.path]).unique();
        let value = surface.undress(&self.text[span.clone()]);
        let span = self.spot.offset + span.start..self.spot.offset + span.end;
        self.f.leaf(Leaf { part: Part::Body, path, name: name.map(Cow::Borrowed), kind, span, value, surface });
    }
}

const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// What an operation begins with, and a fragment.
const KEYWORDS: [&str; 4] = ["query", "mutation", "subscription", "fragment"];
/// Selections and input objects within one another.
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::leaf::told;
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let mut leaves = told(text, |f| {
            visit(text.as_bytes(), Spot::BODY, f);
        });
        leaves.retain(|leaf| !leaf.contains("~key"));
        leaves
    }

    #[test]
    fn values_have_the_names_of_their_arguments() {
        for (text, expected) in [
            ("mutation { login(email: \"a\\u0040b.c\", pw: \"x\") { token } }", &["body:/login/email email a@b.c", "body:/login/pw pw x"][..]),
            ("query Q($mail: String! = \"x\", $ids: [ID!]!) @a(b: 1) { me { id } }", &["body:/mail mail x", "body:/b b 1"]),
            (
                "{ user(id: -7.5e3, input: {mail: \"x\", tags: [\"y\", $z, RED] on: true n: null}) { name } }",
                &[
                    "body:/user/id id -7.5e3",
                    "body:/user/input/mail mail x",
                    "body:/user/input/tags tags y",
                    "body:/user/input/tags#2 tags RED",
                    "body:/user/input/on on true",
                    "body:/user/input/n n null",
                ],
            ),
            (
                "{ first: user(a: \"\"\"x \"y\" \\\"\"\" \nz\"\"\") { ...Parts ... on User @skip(if: $no) { b(c: 1) } ...{d} } } fragment Parts on User { e }",
                &["body:/user/a a x \"y\" \\\"\"\" \nz", "body:/user/b/c c 1"],
            ),
            ("# for bob\n{ a }", &["body: -  for bob"]),
            ("{ me { email name } }", &[]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_document_has_no_leaves() {
        let deep = format!("{}a{}", "{a".repeat(100), "}".repeat(100));
        for text in [
            "",
            "{}x",
            "{\"a\":1}",
            "{ a: \"b\" }",
            "{ a(b: 01) }",
            "{ a(b: \"x) }",
            "query is {what} it is",
            "querying { a }",
            "{ a } b",
            "{ a(b: \"x\ny\") }",
            &deep,
        ] {
            assert_eq!(values(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_cut_is_read_without_panic() {
        let text = "query Q($a: [B!]! = {c: \"d\\\"\"}) @e { f: g(h: \"\"\"i\\\"\"\"\"\"\", j: [1, K]) { ...L ... on M { n } } } # o";
        for start in 0..text.len() {
            for end in start..=text.len() {
                values(&text[start..end]);
            }
        }
    }
}
