//! Structure within a value: a JSON text in a string, a form in a cookie, JSON in the middle of a line of a log.
//!
//! In: the text of a value. Out: the leaves of what stands in it, with what lies between as text; every byte that could be of
//! a value is in one of them. Nothing at all if the text has no structure. Linear: what looks like JSON and is none is only tried
//! so often.

use std::borrow::Cow;
use std::ops::Range;

use super::body::{Fault, Spot, is_json};
use super::leaf::{Leaf, LeafKind, Surface};
use super::path::{is_name, push_index};
use super::visitor::leaves;
use super::{Visit, form, graphql, json, markup};
use crate::model::Part;

/// Hands out what stands in a text that was found within a value: JSON, alone or in the middle of text, GraphQL, XML, a form. False if it is
/// none of these; then nothing was handed out.
pub fn visit_nested(text: &[u8], f: &mut dyn FnMut(Leaf<'_>)) -> bool {
    let f = &mut leaves(f);
    let trimmed = text.trim_ascii();
    let (Some(first), Some(last)) = (trimmed.first(), trimmed.last()) else { return false };
    // Most values are words.
    if !matches!(first, b'"' | b'<') && memchr::memchr3(b'{', b'[', b'&', text).is_none() && memchr::memchr(b'<', text).is_none() {
        return false;
    }
    match (first, last) {
        (b'{', b'}') | (b'[', b']') if is_json(text) => json::visit(text, Spot::BODY, f),
        (b'"', b'"') if trimmed.len() > 2 && json::check(text).is_ok() => json::visit(text, Spot::BODY, f),
        (_, b'}') if graphql::visit(text, Spot::BODY, f) => {}
        _ if is_form(text) => form::visit(text, &["body:"], 0, f),
        _ if visit_embedded(text, f) => {}
        _ if has_elements(trimmed) => markup::visit(text, Spot::BODY, f),
        _ => return false,
    }
    true
}

/// JSON objects and arrays in the middle of text, and the text around them.
fn visit_embedded(text: &[u8], f: Visit<'_>) -> bool {
    let (mut at, mut seen_to, mut index) = (0, 0, 0);
    let mut budget = text.len().saturating_mul(MAX_TRIES);
    let mut prefix = String::new();
    while let Some(start) = opening(text, at) {
        let looked_through = match json::value_end(&text[start..]) {
            Ok(length) => {
                piece(text, seen_to..start, f);
                prefix.clear();
                prefix.push_str("body:/");
                push_index(&mut prefix, index);
                index += 1;
                json::visit(&text[start..start + length], Spot { prefix: &prefix, offset: start, ..Spot::BODY }, f);
                (at, seen_to) = (start + length, start + length);
                length
            }
            Err(fault) => {
                at = start + 1;
                if let Fault::Syntax { offset } = fault { offset + 1 } else { text.len() - start }
            }
        };
        match budget.checked_sub(looked_through) {
            Some(left) => budget = left,
            None => break,
        }
    }
    if index > 0 {
        piece(text, seen_to..text.len(), f);
    }
    index > 0
}

/// Where an object with a member, or an array of objects, may begin.
fn opening(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr2_iter(b'{', b'[', text.get(from..)?).map(|at| from + at).find(|at| {
        let next = text[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
        matches!((text[*at], next), (b'{', Some(b'"')) | (b'[', Some(b'{')))
    })
}

fn piece(text: &[u8], span: Range<usize>, f: Visit<'_>) {
    let trimmed = text[span.clone()].trim_ascii();
    if !trimmed.is_empty() {
        let start = span.start + (span.len() - text[span].trim_ascii_start().len());
        let span = start..start + trimmed.len();
        f.leaf(Leaf { part: Part::Body, path: "body:", name: None, kind: LeafKind::Text, span, value: Cow::Borrowed(trimmed), surface: Surface::Raw });
    }
}

/// Elements, alone or in the middle of text: one that is closed, or one that closes itself and is all there is.
fn has_elements(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'?' | b'!');
    let opens = memchr::memchr_iter(b'<', text).any(|at| text.get(at + 1).is_some_and(is_name));
    opens && (memchr::memmem::find(text, b"</").is_some() || text.starts_with(b"<") && text.ends_with(b"/>"))
}

/// `name=value&name=value`, two of them at least, and nothing else.
fn is_form(text: &[u8]) -> bool {
    let is_pair = |pair: &[u8]| {
        let name = memchr::memchr(b'=', pair).and_then(|equals| std::str::from_utf8(&pair[..equals]).ok());
        name.is_some_and(|name| !name.is_empty() && is_name(name))
    };
    memchr::memchr(b'&', text).is_some()
        && text.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>'))
        && text.split(|byte| *byte == b'&').all(is_pair)
}

/// What fails to be JSON may be looked through so often, all in all.
const MAX_TRIES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        let (mut seen, mut end) = (Vec::new(), 0);
        let found = visit_nested(text.as_bytes(), &mut |leaf| {
            assert!(leaf.span.start >= end && leaf.surface.undress(&text.as_bytes()[leaf.span.clone()]) == leaf.value);
            end = leaf.span.end;
            seen.push(format!("{} {} {}", leaf.path, leaf.name.as_deref().unwrap_or("-"), String::from_utf8_lossy(&leaf.value)));
        });
        assert_eq!(found, !seen.is_empty());
        seen
    }

    #[test]
    fn finds_structure_within_values() {
        let cases: [(&str, &[&str]); 12] = [
            ("{\"a\":1}", &["body:/a~key - a", "body:/a a 1"]),
            ("\"{\\\"a\\\":1}\"", &["body: - {\"a\":1}"]),
            ("<a><b>x</b></a>", &["body:/a/b b x"]),
            ("<jane@x.org>", &[]),
            ("10:00 got <a>x</a> ok", &["body: - 10:00 got", "body:/a a x", "body:#2 - ok"]),
            ("https://h/q?mail=a%40b&x=1", &[]),
            ("a=1&b=x%20y", &["body:a a 1", "body:b b x y"]),
            ("a=1 & b=2", &[]),
            ("10:00 sent {\"a\":[1]} ok", &["body: - 10:00 sent", "body:/0/a~key - a", "body:/0/a/0 a 1", "body: - ok"]),
            (
                "x [{\"a\":1}] {\"b\" {\"c\":2}",
                &["body: - x", "body:/0/0/a~key - a", "body:/0/0/a a 1", "body: - {\"b\"", "body:/1/c~key - c", "body:/1/c c 2"],
            ),
            ("[a] {b} plain", &[]),
            ("{ a(b: \"x\") }", &["body:/a~key - a", "body:/a/b~key - b", "body:/a/b b x"]),
        ];
        for (text, expected) in cases {
            assert_eq!(leaves(text), expected, "{text}");
        }
    }

    #[test]
    fn what_never_becomes_json_is_given_up_in_linear_time() {
        for open in ["{\"a\":", "[{\"a\":", "{\"a\":{\"b\":[1,2,3],\"c\":"] {
            assert!(leaves(&open.repeat(100_000)).is_empty());
        }
    }
}
