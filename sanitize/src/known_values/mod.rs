//! Known values: what a list or a database names is redacted wherever it stands, whatever the rules say.
//!
//! In: values, a line or a cell each, with the domain that their column or their form tells; then texts. Out: where in a text one
//! of them stands, as whole words, in any case, with any marks between its words. What is kept of a value is a keyed digest: the
//! [set](set) can answer for a text that it is given, and can name none. Reading a text takes one pass, with a bounded number of
//! look-ups for each word.

mod file;
mod set;
mod words;

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;

use reenact_formats::content::{Leaf, LeafKind};

use crate::detect::check::{is_card, is_iban};
use crate::detect::names::Names;
use crate::detect::{Detector, Hit, Place};
use crate::pseudonym::Domain;
use crate::rules::{RuleId, Rules};
use set::{Digests, Filling, OPENING, length_bit};
use words::{MAX_SAID, Words};

/// Values that are redacted wherever they stand. Holds none of them: only digests under a key of its own, in memory.
pub struct KnownValues {
    digests: Digests,
    left_out: u64,
}

impl KnownValues {
    /// How many there are; the same in two spellings is one.
    pub fn count(&self) -> usize {
        self.digests.len()
    }

    /// How many were left out: shorter than four letters and digits, or longer than a thousand.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many bytes they take in memory.
    pub fn memory(&self) -> usize {
        self.digests.bytes()
    }

    /// Whether this text, as a whole, is one of them.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let mut hits = Vec::new();
        self.find(text.as_bytes(), &mut hits);
        matches!(hits.as_slice(), [hit] if hit.span == (0..text.len()))
    }

    /// Adds to the hits where one of them stands in a bare text.
    pub(crate) fn find(&self, value: &[u8], hits: &mut Vec<Hit>) {
        if value.len() < MIN_SAID {
            return;
        }
        WORDS.with_borrow_mut(|words| {
            let mut at = 0;
            loop {
                let read = words.read(value, at);
                let is_last = read == value.len();
                // A long address, a text with line breaks: it is one only as a whole.
                if let (0, true, [first, .., last]) = (at, is_last, words.words.as_slice())
                    && let Some(domain) = self.digests.find(&words.said)
                {
                    return hits.push(Hit::new(first.start..last.end, RuleId::KNOWN_VALUE, domain));
                }
                at = self.find_in(value, words, is_last, hits);
                if is_last {
                    return;
                }
            }
        });
    }

    /// Whether they are looked for in a place: anywhere but in what says how a message is to be read.
    pub(crate) fn may_stand(leaf: &Leaf<'_>) -> bool {
        match leaf.kind {
            LeafKind::JsonBool | LeafKind::JsonNull | LeafKind::MultipartFile => false,
            LeafKind::Header => !leaf.name.as_deref().is_some_and(|name| FRAMING.contains(&name)),
            _ => true,
        }
    }

    /// Looks for them in one stretch of a text. The place in the text from which to go on: what begins there may end beyond.
    fn find_in(&self, value: &[u8], read: &Words, is_last: bool, hits: &mut Vec<Hit>) -> usize {
        let words = &read.words;
        let mut first = 0;
        while let Some(word) = words.get(first) {
            if !is_last && first + MAX_WORDS > words.len() {
                return word.start;
            }
            let is_dialled = read.said[word.said..word.said_end].starts_with(b"00");
            let found = self.find_from(read, first, 0).or_else(|| self.find_from(read, first, 2).filter(|_| is_dialled));
            let Some((last, domain)) = found else {
                first += 1;
                continue;
            };
            let has_plus = domain == Domain::Phone && word.start > 0 && value[word.start - 1] == b'+';
            hits.push(Hit::new(word.start - usize::from(has_plus)..words[last].end, RuleId::KNOWN_VALUE, domain));
            first = last + 1;
        }
        value.len()
    }

    /// The longest value that begins with the word at `first`, or so many bytes into it: its last word, and its domain.
    fn find_from(&self, read: &Words, first: usize, into: usize) -> Option<(usize, Domain)> {
        let words = &read.words;
        let start = words[first].said + into;
        let longest = start + self.digests.longest();
        let ends = words[first..].iter().enumerate().take(MAX_WORDS).take_while(|(at, word)| (*at == 0 || word.follows) && word.said_end <= longest);
        let last = first + ends.last()?.0;
        // All that is long begins alike, and is told apart by its first bytes.
        let openings = read.said.get(start..start + OPENING).map_or(0, |opening| self.digests.openings(opening));
        (first..=last).rev().find_map(|last| {
            let said = read.said.get(start..words[last].said_end)?;
            let may_be = said.len() < OPENING || openings & length_bit(said.len()) != 0;
            (may_be && said.len() >= MIN_SAID).then(|| self.digests.find(said)).flatten().map(|domain| (last, domain))
        })
    }
}

impl fmt::Debug for KnownValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownValues").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Gathers known values, in rows of named columns or one by one.
pub struct KnownValuesBuilder {
    filling: Filling,
    detector: Detector,
    columns: Vec<Column>,
    words: Words,
    left_out: u64,
}

impl KnownValuesBuilder {
    /// For rows with these columns: a column's name tells what its values are, if it is a telling one.
    pub fn new(columns: Vec<String>) -> Self {
        let names = Names::of(&Rules::built_in());
        let columns = columns.into_iter().map(|name| Column { tells: !names.lookup(name.trim()).is_empty(), name }).collect();
        Self { filling: Filling::new(), detector: Detector::new(&Rules::built_in()), columns, words: Words::default(), left_out: 0 }
    }

    /// Adds the value in the column at `place`. An empty one is none.
    pub fn add(&mut self, place: usize, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        self.words.read(value.as_bytes(), 0);
        let said = self.words.said.as_slice();
        if !(MIN_SAID..=MAX_SAID).contains(&said.len()) {
            self.left_out += 1;
            return;
        }
        let column = self.columns.get(place).filter(|column| column.tells);
        let domain = column.and_then(|column| domain_by_name(&self.detector, &column.name, value)).unwrap_or_else(|| domain_by_form(value));
        // An international number is known with its plus, with two zeros, and with neither.
        let said = if domain == Domain::Phone { said.strip_prefix(b"00").filter(|said| said.len() >= MIN_SAID).unwrap_or(said) } else { said };
        self.filling.insert(said, domain);
    }

    /// The set, once all are added.
    pub fn finish(self) -> KnownValues {
        KnownValues { digests: self.filling.finish(), left_out: self.left_out }
    }
}

impl fmt::Debug for KnownValuesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownValuesBuilder").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

struct Column {
    name: String,
    /// Whether the name says what its values are.
    tells: bool,
}

/// The domain in which traffic has the value under such a name, so that it gets the same pseudonym everywhere.
fn domain_by_name(detector: &Detector, column: &str, value: &str) -> Option<Domain> {
    let place = Place { kind: LeafKind::JsonString, name: Some(column), path: column, beside: None };
    let hits = detector.detect(value.as_bytes(), &place);
    hits.into_iter().find(|hit| hit.span == (0..value.len()) && hit.held.is_none()).map(|hit| hit.domain)
}

fn domain_by_form(value: &str) -> Domain {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let has_letters = value.chars().any(char::is_alphabetic);
    let bare: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect();
    if value.contains('@') && !value.contains(char::is_whitespace) {
        Domain::Email
    } else if value.parse::<IpAddr>().is_ok() {
        Domain::Ip
    } else if is_iban(&bare) {
        Domain::Iban
    } else if digits.is_empty() && has_letters {
        Domain::Person
    } else if has_letters {
        if value.contains(char::is_whitespace) { Domain::Address } else { Domain::Opaque }
    } else if is_card(&digits) {
        Domain::Card
    } else if value.starts_with(['+', '(']) || value.starts_with("00") {
        Domain::Phone
    } else {
        Domain::Identifier
    }
}

thread_local! {
    static WORDS: RefCell<Words> = RefCell::default();
}

/// What is shorter is a word of every language, or a number of everything.
const MIN_SAID: usize = 4;
/// A value of more words is known only where it is all of a text.
const MAX_WORDS: usize = 16;
/// Headers without which a message cannot be read as what it is.
const FRAMING: [&str; 9] = ["connection", "content-encoding", "content-length", "content-type", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

#[cfg(test)]
mod tests;
