//! Shapes with a literal in them: tokens that their vendors mark by a prefix, and patterns that cannot match without one of a few words.
//!
//! In: the shapes of the rules and the words that recognisers ask for, once; then values. Out: where a value has shapes, and by which rule; which
//! words it has. One automaton over all literals looks for candidates in one pass; what follows a prefix is counted by its alphabet, and a pattern is asked only where one of its words
//! was seen. A candidate that is none costs no more than its shortest form, so that no value makes the search slow. Nothing
//! here knows a vendor: the rules are data.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};
use regex::bytes::Regex;

use super::{ends_word, starts_word};

/// Which characters may follow a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Digits.
    Digits,
    /// Letters of either case.
    Letters,
    /// Lower-case letters and digits.
    Lower,
    /// Upper-case letters and digits.
    Upper,
    /// Letters and digits.
    Alphanumeric,
    /// Hexadecimal digits of either case.
    Hex,
    /// `A` to `Z` and `2` to `7` (RFC 4648, section 6).
    Base32,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `-` and `_` (RFC 4648, section 5).
    Url,
    /// That and `.`.
    Dotted,
    /// Letters, digits, `/`, `+`, `-`, `_`, `=`: base64 in either alphabet, with its padding.
    Base64,
    /// All that can be seen, but for quotes, brackets and what divides lists.
    Graphic,
}

impl Alphabet {
    /// All of them with the words that rules know them by.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("digits", Self::Digits),
        ("letters", Self::Letters),
        ("lower", Self::Lower),
        ("upper", Self::Upper),
        ("alphanumeric", Self::Alphanumeric),
        ("hex", Self::Hex),
        ("base32", Self::Base32),
        ("word", Self::Word),
        ("url", Self::Url),
        ("dotted", Self::Dotted),
        ("base64", Self::Base64),
        ("graphic", Self::Graphic),
    ];

    /// The one that a word means.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, alphabet)| alphabet)
    }

    pub(crate) const fn has(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Letters => byte.is_ascii_alphabetic(),
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base32 => byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'-' | b'_' | b'='),
            Self::Graphic => {
                byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'\\' | b';' | b',')
            }
        }
    }
}

/// Whether upper and lower case are the same in a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// They are not.
    Exact,
    /// They are.
    Ignore,
}

/// What a rule looks for.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// One of these, and so many characters of an alphabet behind it.
    Marked { prefixes: Vec<String>, case: Case, then: Alphabet, at_least: usize, at_most: usize },
    /// A pattern that holds one of these; the first group is the value, if there is one.
    Pattern { has: Vec<String>, case: Case, pattern: Regex },
}

/// All shapes of all rules, each known by what its rule is called, and words that others ask for.
#[derive(Debug)]
pub(crate) struct Shapes<R> {
    automaton: DFA,
    /// By the number of a literal in the automaton.
    literals: Vec<Literal>,
    shapes: Vec<(R, Shape)>,
}

/// One that the automaton knows, whatever its case.
#[derive(Debug)]
struct Literal {
    length: usize,
    uses: Vec<Use>,
}

/// What a literal is a part of.
#[derive(Debug)]
enum Use {
    Shape {
        number: usize,
        /// As it must be written; none if case does not matter.
        exact: Option<Box<[u8]>>,
    },
    /// The word of this number, which others ask for.
    Word(u32),
}

/// Which of the words that were asked for stand in a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    pub(crate) const fn has(self, word: u32) -> bool {
        self.0 >> word & 1 == 1
    }
}

/// A literal that a token may begin with.
struct Candidate {
    start: usize,
    length: usize,
    shape: usize,
}

impl<R: Copy> Shapes<R> {
    /// The shapes of the rules; and words, each with a number below 64 that several may share.
    pub(crate) fn new<'w>(
        shapes: impl IntoIterator<Item = (R, Shape)>,
        words: impl IntoIterator<Item = (&'w str, u32)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let shapes: Vec<(R, Shape)> = shapes.into_iter().collect();
        let mut by_text: BTreeMap<String, Vec<Use>> = BTreeMap::new();
        for (number, (_, shape)) in shapes.iter().enumerate() {
            let (texts, case) = match shape {
                Shape::Marked { prefixes, case, .. } => (prefixes, *case),
                Shape::Pattern { has, case, .. } => (has, *case),
            };
            for text in texts {
                let exact = (case == Case::Exact).then(|| text.as_bytes().into());
                by_text.entry(text.to_ascii_lowercase()).or_default().push(Use::Shape { number, exact });
            }
        }
        for (word, number) in words {
            by_text.entry(word.to_ascii_lowercase()).or_default().push(Use::Word(number));
        }
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(by_text.keys())?;
        let literals = by_text.into_iter().map(|(text, uses)| Literal { length: text.len(), uses }).collect();
        Ok(Self { automaton, literals, shapes })
    }

    /// Adds the pieces of `value` that have a shape, with their rules, and tells which words it has.
    pub(crate) fn find(&self, value: &[u8], found: &mut Vec<(Range<usize>, R)>) -> Seen {
        let (mut candidates, mut patterns, mut words) = (Vec::new(), Vec::new(), Seen::default());
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return words };
        for (at, byte) in value.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if !self.automaton.is_special(state) || !self.automaton.is_match(state) {
                continue;
            }
            for index in 0..self.automaton.match_len(state) {
                let literal = &self.literals[self.automaton.match_pattern(state, index).as_usize()];
                let written = at + 1 - literal.length..at + 1;
                for used in &literal.uses {
                    match used {
                        Use::Word(number) => words.0 |= 1 << number,
                        Use::Shape { exact: Some(exact), .. } if value[written.clone()] != **exact => {}
                        Use::Shape { number, .. } => match &self.shapes[*number].1 {
                            Shape::Pattern { .. } if !patterns.contains(number) => patterns.push(*number),
                            Shape::Marked { .. } if begins_token(value, written.start) => {
                                candidates.push(Candidate { start: written.start, length: literal.length, shape: *number });
                            }
                            _ => {}
                        },
                    }
                }
            }
        }
        self.tokens(value, candidates, found);
        for number in patterns {
            if let (rule, Shape::Pattern { pattern, .. }) = &self.shapes[number] {
                matches_of(pattern, value, |span| found.push((span, *rule)));
            }
        }
        words
    }

    /// The tokens among the candidates: of those that begin at one place the one with the longest literal; none within another. Where fillers of
    /// which shape end is noted: what begins within one is none, and is not read to its end again.
    fn tokens(&self, value: &[u8], mut candidates: Vec<Candidate>, found: &mut Vec<(Range<usize>, R)>) {
        candidates.sort_by_key(|candidate| (candidate.start, Reverse(candidate.length)));
        let mut fillers: Vec<(usize, usize)> = Vec::new();
        let mut after = 0;
        for Candidate { start, length, shape } in candidates {
            let (rule, Shape::Marked { then, at_least, at_most, .. }) = &self.shapes[shape] else { continue };
            let from = start + length;
            if start < after || fillers.iter().rev().any(|(of, end)| *of == shape && from < *end) {
                continue;
            }
            match run(value, from, *then, *at_least, *at_most) {
                Some(end) if is_filler(&value[from..end]) => fillers.push((shape, end)),
                Some(end) => {
                    after = end;
                    found.push((start..end, *rule));
                }
                None => {}
            }
        }
    }

    /// How many bytes of a token are its vendor's prefix, which a pseudonym keeps.
    pub(crate) fn prefix_length(&self, token: &[u8]) -> usize {
        let marked = self.shapes.iter().filter_map(|(_, shape)| match shape {
            Shape::Marked { prefixes, case, at_least, .. } => Some((prefixes, *case, *at_least)),
            Shape::Pattern { .. } => None,
        });
        let known = marked.flat_map(|(prefixes, case, at_least)| {
            let begins = move |prefix: &&String| match case {
                Case::Exact => token.starts_with(prefix.as_bytes()),
                Case::Ignore => token.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())),
            };
            prefixes.iter().filter(begins).map(String::len).filter(move |length| token.len() >= length + at_least)
        });
        known.max().unwrap_or(0)
    }
}

/// Where a token that goes on at `from` ends, if it is one.
fn run(value: &[u8], from: usize, alphabet: Alphabet, at_least: usize, at_most: usize) -> Option<usize> {
    let (mut at, mut count, mut line) = (from, 0, from);
    loop {
        let length = value[at..].iter().take(at_most - count).take_while(|byte| alphabet.has(**byte)).count();
        (at, count) = (at + length, count + length);
        // A long token may be broken over lines: when it lacks something, or the line is as long as lines that are broken for their length.
        let is_cut = (count < at_least && at - line >= MIN_LINE) || (count < at_most && at - line >= FULL_LINE);
        match next_line(value, at).filter(|next| is_cut && value.get(*next).is_some_and(|byte| alphabet.has(*byte))) {
            Some(next) if count < at_least || is_last_line(value, next, alphabet) => (at, line) = (next, next),
            _ => break,
        }
    }
    // What ends a sentence, or pads nothing, is no part of a token.
    let trailing = value[from..at].iter().rev().take_while(|byte| **byte == b'.').count();
    (at, count) = (at - trailing, count - trailing);
    let goes_on = value.get(at).is_some_and(u8::is_ascii_alphanumeric);
    (count >= at_least && !goes_on).then_some(at)
}

/// Where the next line begins, if a line ends at `at`: as it is, behind the `=` of quoted-printable or the `\` of a shell, or in escapes.
pub(super) fn next_line(value: &[u8], at: usize) -> Option<usize> {
    let rest = value.get(at..)?;
    let breaks: [&[u8]; 9] = [b"\r\n", b"\n", b"=\r\n", b"=\n", b"\\\r\n", b"\\\n", b"\\r\\n", b"\\n", b"%0A"];
    let end = breaks.iter().find(|line_break| rest.starts_with(line_break))?.len();
    let indent = rest[end..].iter().take(MAX_INDENT).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(at + end + indent)
}

/// Whether the run that begins at `at` is all that its line holds, and so may belong to what stands before.
fn is_last_line(value: &[u8], at: usize, alphabet: Alphabet) -> bool {
    let end = at + value[at..].iter().take(MAX_LINE).take_while(|byte| alphabet.has(**byte)).count();
    value.get(end).is_none_or(|byte| matches!(byte, b'"' | b'\'' | b'<' | b'&' | b'\r' | b'\n' | b'\\')) && end - at < MAX_LINE
}

/// Whether a token may begin at `at`: a word may, or the letter before is one of an escape (`\n`, `%3D`, `\u003d`, `=3D`).
pub(super) fn begins_token(value: &[u8], at: usize) -> bool {
    let before = &value[..at];
    let is_escaped = || {
        let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
        match before {
            [.., b'\\', b'n' | b'r' | b't'] => true,
            [.., b'%', high, low] => is_hex(&[*high, *low]),
            [.., b'=', b'3', b'D'] => true,
            [.., b'\\', b'u', first, second, third, fourth] => is_hex(&[*first, *second, *third, *fourth]),
            _ => false,
        }
    };
    starts_word(value, at) || is_escaped()
}

/// Whether a token ends at `at`.
fn ends_token(value: &[u8], at: usize) -> bool {
    at == 0 || !is_word(value[at - 1]) || ends_word(value, at)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `xxxxxxxx`, `api03-xxxxxxxxxxxx`: what stands in documents where a token would.
fn is_filler(rest: &[u8]) -> bool {
    let same = rest.iter().rev().take_while(|byte| **byte == rest[rest.len() - 1]).count();
    same > 2 && same + MAX_LABEL >= rest.len() && same * 2 > rest.len()
}

/// Hands out what a pattern matches as a whole token: its first group, if it has one.
fn matches_of(pattern: &Regex, value: &[u8], mut f: impl FnMut(Range<usize>)) {
    if pattern.captures_len() == 1 {
        pattern.find_iter(value).map(|found| found.range()).filter(|span| is_whole(value, span)).for_each(f);
        return;
    }
    for captures in pattern.captures_iter(value) {
        let (Some(all), Some(group)) = (captures.get(0), captures.get(1)) else { continue };
        if is_whole(value, &all.range()) {
            f(group.range());
        }
    }
}

fn is_whole(value: &[u8], span: &Range<usize>) -> bool {
    !span.is_empty() && (!is_word(value[span.start]) || begins_token(value, span.start)) && ends_token(value, span.end)
}

/// What may stand before characters that are all the same: `api03-`.
const MAX_LABEL: usize = 16;
/// The shortest line that a token is broken behind when it lacks something.
const MIN_LINE: usize = 16;
/// A line of base64 in armour has 64 columns, in mail 76; a terminal has 80.
const FULL_LINE: usize = 60;
/// Lines that are broken for their length are no longer than this.
const MAX_LINE: usize = 1024;
const MAX_INDENT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Shapes<&'static str> {
        let marked = |rule, prefixes: &[&str], then, at_least, at_most| {
            (rule, Shape::Marked { prefixes: prefixes.iter().map(ToString::to_string).collect(), case: Case::Exact, then, at_least, at_most })
        };
        let pattern =
            |rule, has: &str, text| (rule, Shape::Pattern { has: vec![has.to_owned()], case: Case::Exact, pattern: Regex::new(text).expect("compiles") });
        let shapes = [
            marked("plain", &["tk_", "tk_live_"], Alphabet::Alphanumeric, 20, 20),
            marked("short", &["tk"], Alphabet::Hex, 8, usize::MAX),
            marked("url", &["uu-"], Alphabet::Url, 30, usize::MAX),
            marked("dotted", &["dd."], Alphabet::Dotted, 8, usize::MAX),
            ("folded", Shape::Marked { prefixes: vec!["Api-Key ".to_owned()], case: Case::Ignore, then: Alphabet::Digits, at_least: 4, at_most: 4 }),
            pattern("middle", "-zz", "(?-u)[0-9a-f]{8}-zz[0-9]{1,2}"),
            pattern("group", "Key=", "(?-u)Key=([A-Z]{4})"),
        ];
        Shapes::new(shapes, [("tk", 0), ("Word", 1), ("phrase", 1)]).expect("builds")
    }

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        shapes().find(text.as_bytes(), &mut found);
        let shown: Vec<String> = found.into_iter().map(|(span, rule)| format!("{rule}:{}", &text[span])).collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    const TAIL: &str = "a1B2c3D4e5F6g7H8i9J0";

    #[test]
    fn a_token_is_found_wherever_it_may_stand() {
        let token = format!("tk_{TAIL}");
        let expected = format!("plain:{token}");
        for (before, after) in [
            ("", ""),
            ("see ", ", please"),
            ("\"", "\""),
            ("k=", "&x=1"),
            ("k:", "."),
            ("(", ")"),
            ("line\\n", "\\nline"),
            ("a%3D", "%26b"),
            ("\\u003d", "\\u0026"),
            ("=3D", "=\r\n"),
            ("/", "/x"),
            ("é", "é"),
            ("<a>", "</a>"),
            ("tk_tk_ ", "-x"),
        ] {
            check(&format!("{before}{token}{after}"), &[&expected]);
        }
        check(&format!("tk_live_{TAIL} {token}"), &[&format!("plain:tk_live_{TAIL}"), &expected]);
        for (before, after) in [("x", ""), ("0", ""), ("_", ""), ("", "x"), ("", "0")] {
            check(&format!("{before}{token}{after}"), &[]);
        }
    }

    #[test]
    fn what_is_too_short_or_a_filler_stays() {
        for text in
            ["tk_", "tk_abc", "tk_a1B2c3D4e5F6g7H8i9J", "tk_xxxxxxxxxxxxxxxxxxxx", "tk0123456", "tkabcdefgh", "uu-abc", "dd.a.b.c", "01234567-zz", "Key=abc"]
        {
            check(text, &[]);
        }
    }

    #[test]
    fn shorter_literals_are_tried_where_longer_ones_lead_to_nothing() {
        check("tk01234567", &["short:tk01234567"]);
        check("tk_tk01234567", &[]);
        check("tk_-tk01234567", &["short:tk01234567"]);
        check("dd.abc.def.0.", &["dotted:dd.abc.def.0"]);
        check("aPI-kEY 1234 tk01234567", &["folded:aPI-kEY 1234", "short:tk01234567"]);
    }

    #[test]
    fn tokens_that_are_broken_over_lines_are_found_whole() {
        let (first, second) = ("uu-a1B2c3D4e5F6g7H8", "i9J0k1L2m3N4o5P6");
        for line_break in ["\n", "\r\n", "=\r\n", "\\n", "\\\n    ", "%0A"] {
            let token = format!("{first}{line_break}{second}");
            check(&format!("k: {token} end"), &[&format!("url:{token}")]);
        }
        check("uu-\na1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6", &[]);
        let full = format!("uu-{}", "a1B2".repeat(16));
        check(&format!("\"{full}\nc3D4\""), &[&format!("url:{full}\nc3D4")]);
        check(&format!("{full}\nnext line"), &[&format!("url:{full}")]);
        check(&format!("A={full}\nB=1"), &[&format!("url:{full}")]);
    }

    #[test]
    fn patterns_are_taken_as_whole_words_and_their_group_is_the_value() {
        check("x 0123abcd-zz7, 0123abcd-zz71", &["middle:0123abcd-zz7", "middle:0123abcd-zz71"]);
        check("x0123abcd-zz7 0123abcd-zz711", &[]);
        check("a;Key=ABCD;b", &["group:ABCD"]);
        check("xKey=ABCD", &[]);
    }

    #[test]
    fn words_are_seen_wherever_they_stand() {
        for (text, expected) in [("a word", [false, true]), ("xTK PHRASEs", [true, true]), ("wor d", [false, false]), ("", [false, false])] {
            let seen = shapes().find(text.as_bytes(), &mut Vec::new());
            assert_eq!([seen.has(0), seen.has(1)], expected, "{text}");
        }
    }

    #[test]
    fn what_a_pseudonym_keeps() {
        for (token, expected) in [(format!("tk_{TAIL}"), 3), (format!("tk_live_{TAIL}"), 8), ("tk_x".to_owned(), 0), ("zz".to_owned(), 0)] {
            assert_eq!(shapes().prefix_length(token.as_bytes()), expected, "{token}");
        }
    }

    #[test]
    fn words_name_each_alphabet_once() {
        for (word, alphabet) in Alphabet::ALL {
            assert_eq!(Alphabet::from_word(word), Some(alphabet));
        }
        assert_eq!(Alphabet::from_word("none"), None);
    }

    /// Every piece of every text, so that no cut makes it panic.
    #[test]
    fn no_cut_is_a_panic() {
        let text = format!("\\u003dtk_{TAIL}\\r\\n%0Auu-a1B2c3D4e5F6g7H8\n=\r\ni9J0k1L2m3N4o5P6 Key=ABCD 0123abcd-zz7 =3D%4");
        for start in 0..text.len() {
            for end in start..text.len() {
                let mut found = Vec::new();
                SHAPES.with(|shapes| shapes.find(&text.as_bytes()[start..end], &mut found));
                assert!(found.iter().all(|(span, _)| span.end <= end - start));
            }
        }
    }

    thread_local! {
        static SHAPES: Shapes<&'static str> = shapes();
    }
}
