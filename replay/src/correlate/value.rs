//! Which values can tie an answer to a later request.
//!
//! In: the value of a leaf. Out: the candidates in it: the value itself, or the tokens that it is made of, each with how
//! telling it is and how to [`Pick`] the same token out of a live value.

use std::ops::{Range, RangeInclusive};

use crate::target::absolute_authority;

/// How telling a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Anything: only its place can tie it. A cookie may be called anything.
    Any,
    /// It could be a word. It is a drawn value if most of its source's are.
    Word,
    /// Small numbers and short codes: they recur by chance, and tie only with evidence.
    Low,
    /// So many bits that it does not recur by chance.
    High,
}

/// Which part of a leaf's value is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pick {
    /// All of it.
    Whole,
    /// The token of this ordinal, of this many.
    Token {
        /// From 0.
        index: usize,
        /// In the recorded value; a live value with another number of tokens is of another shape.
        of: usize,
    },
    /// In a long text: the token after the `nth` (from 0) occurrence of these bytes.
    After {
        /// What stood before it.
        before: Vec<u8>,
        /// Which occurrence.
        nth: usize,
    },
}

/// A candidate within a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) range: Range<usize>,
    pub(super) pick: Pick,
    pub(super) class: Class,
}

/// What may tie within `value`: itself first, then its tokens.
pub(super) fn candidates(value: &[u8]) -> Vec<Candidate> {
    let mut found = Vec::new();
    if value.is_empty() {
        return found;
    }
    if value.len() <= MAX_VALUE {
        found.push(Candidate { range: 0..value.len(), pick: Pick::Whole, class: class(value) });
    }
    let tokens = tokens(value);
    if matches!(tokens.as_slice(), [only] if *only == (0..value.len())) {
        return found;
    }
    // Within a link even a small number stands for something; within prose it does not.
    let is_link = value.starts_with(b"/") || memchr::memmem::find(value, b"://").is_some();
    let is_long = value.len() > MAX_LINK;
    for (index, range) in tokens.iter().enumerate() {
        let class = class(&value[range.clone()]);
        if class == Class::High || (class == Class::Low && is_link && !is_long) {
            let pick = if is_long { anchor(value, range.start) } else { Pick::Token { index, of: tokens.len() } };
            found.push(Candidate { range: range.clone(), pick, class });
        }
    }
    found
}

impl Pick {
    /// The same part of a live value, if it has one.
    pub(crate) fn of<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        let picked = match self {
            Self::Whole => value,
            Self::Token { index, of } => {
                let tokens = tokens(value);
                (tokens.len() == *of).then(|| &value[tokens[*index].clone()])?
            }
            Self::After { before, nth } => {
                let start = memchr::memmem::find_iter(value, before).nth(*nth)? + before.len();
                let length = value[start..].iter().take_while(|byte| is_token(**byte)).count();
                trimmed(value, start..start + length).map(|range| &value[range])?
            }
        };
        (!picked.is_empty()).then_some(picked)
    }
}

/// How telling `value` is, by itself.
pub(super) fn class(value: &[u8]) -> Class {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~+/=:%@!*$|".contains(byte);
    if value.is_empty() || value.len() > MAX_VALUE || !value.iter().all(allowed) {
        return Class::Any;
    }
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_drawn_from_letters = mixed && value.len() >= 16;
    if !has(u8::is_ascii_digit) && !is_drawn_from_letters {
        return if WORD.contains(&value.len()) { Class::Word } else { Class::Any };
    }
    // A fraction is a quantity; a number with an exponent, too.
    let is_number = std::str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok());
    if is_number && !value.iter().all(u8::is_ascii_digit) {
        return Class::Any;
    }
    // Plain numbers count things or are counted: only the longest are drawn by chance.
    let shortest = if is_number { 16 } else { 8 };
    if value.len() >= shortest && bits(value) >= HIGH_BITS {
        return Class::High;
    }
    if value.len() <= MAX_LOW && (!is_number || value[0] != b'0') { Class::Low } else { Class::Any }
}

/// A rough count of bits: length times the bits of as many symbols as it uses.
fn bits(value: &[u8]) -> f64 {
    let mut seen = [false; 256];
    value.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let symbols = seen.iter().filter(|seen| **seen).count();
    #[expect(clippy::cast_precision_loss, reason = "an estimate of small numbers")]
    let bits = value.len() as f64 * (symbols as f64).log2();
    bits
}

/// The maximal runs of token bytes, without punctuation at their ends. Those of a URL begin with its path: a live one names
/// another host.
fn tokens(value: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = absolute_authority(value).map_or(0, |(authority, start)| start + authority.len());
    while at < value.len() {
        let length = value[at..].iter().take_while(|byte| is_token(**byte)).count();
        found.extend(trimmed(value, at..at + length));
        at += length + 1;
    }
    found
}

fn trimmed(value: &[u8], mut range: Range<usize>) -> Option<Range<usize>> {
    let is_edge = |byte: u8| matches!(byte, b'.' | b'~' | b'-');
    while range.start < range.end && is_edge(value[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && is_edge(value[range.end - 1]) {
        range.end -= 1;
    }
    (!range.is_empty()).then_some(range)
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// What stands before the token at `start` of a long text, back to the last white space but one, and which occurrence it is.
fn anchor(value: &[u8], start: usize) -> Pick {
    let from = start.saturating_sub(ANCHOR);
    let before = value[from..start].to_vec();
    let nth = memchr::memmem::find_iter(&value[..start], &before).filter(|at| at + before.len() < start).count();
    Pick::After { before, nth }
}

/// Longer values tie nothing as a whole.
const MAX_VALUE: usize = 4096;
/// What is as long as this may be drawn, even if no digit came up.
const WORD: RangeInclusive<usize> = 6..=64;
/// Longer values of few bits tie nothing.
const MAX_LOW: usize = 48;
/// Longer values are texts: tokens are found by what stands before them.
const MAX_LINK: usize = 1024;
const ANCHOR: usize = 24;
const HIGH_BITS: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_telling_values_from_others() {
        let high = [
            "1f0c7e4a-9d3b-4c55-8a21-0e6f7b9d2c11",
            "ord_8f3k2lq",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "dGhpcyBpcyBhIHRva2Vu",
            "9f86d081884c7d65",
            "a+b/c3d4e5==x9",
        ];
        let low = ["1", "17", "482913", "A17", "c-5", "v1", "SKU-1001", "10000000"];
        let word = ["hello-world", "xkqzvmwp", "Frankfurt"];
        let any = ["", "open", "Maria", "12.50", "1e5", "two words 7", "-1.5", "007"];
        for (values, expected) in [(&high[..], Class::High), (&low[..], Class::Low), (&word[..], Class::Word), (&any[..], Class::Any)] {
            for value in values {
                assert_eq!(class(value.as_bytes()), expected, "{value}");
            }
        }
    }

    #[test]
    fn picks_the_same_token_from_a_live_value() {
        let cases: [(&str, &str, &str, Option<&str>); 8] = [
            ("17", "17", "99", Some("99")),
            ("/things/17?full=1", "17", "/things/20418?full=1", Some("20418")),
            ("/things/17", "17", "/things", None),
            ("W/\"x9k2-77ab41c0\"", "x9k2-77ab41c0", "\"live-etag-1\"", None),
            ("\"x9k2-77ab41c0\"", "x9k2-77ab41c0", "\"live\"", Some("live")),
            ("http://a.example/t/8f3k2lq09d", "8f3k2lq09d", "http://127.0.0.1:80/t/zz9", Some("zz9")),
            ("http://a.example/t/8f3k2lq09d", "8f3k2lq09d", "/t/zz9", Some("zz9")),
            ("code: x9k277ab41.", "x9k277ab41", "code: y.", Some("y")),
        ];
        for (recorded, token, live, expected) in cases {
            let found = candidates(recorded.as_bytes());
            let candidate = found.iter().find(|candidate| &recorded[candidate.range.clone()] == token).expect(recorded);
            assert_eq!(candidate.pick.of(live.as_bytes()), expected.map(str::as_bytes), "{recorded} -> {live}");
        }
    }

    #[test]
    fn long_texts_are_picked_by_what_stands_before() {
        let page = |token: &str| format!("{}<input name=\"guard\" value=\"{token}\">{}", "<p>x</p>".repeat(200), "y".repeat(900));
        let recorded = page("9f86d081884c7d659a2f");
        let found: Vec<_> = candidates(recorded.as_bytes()).into_iter().filter(|candidate| candidate.class > Class::Any).collect();
        assert_eq!(found.iter().map(|candidate| &recorded[candidate.range.clone()]).collect::<Vec<_>>(), ["9f86d081884c7d659a2f"]);
        assert_eq!(found[0].pick.of(page("live7").as_bytes()), Some(&b"live7"[..]));
        assert_eq!(found[0].pick.of(b"nothing alike"), None);
    }
}
