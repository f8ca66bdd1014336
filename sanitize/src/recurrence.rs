//! What was redacted before on a connection, so that it is known again where nothing tells what it is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
#[expect(clippy::disallowed_types, reason = "looked up for each word; never iterated")]
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use reenact_formats::content::is_fixed_segment;
use reenact_formats::model::ConnectionId;

use crate::detect::{Hit, is_word_byte};
use crate::pseudonym::Domain;
use crate::rules::RuleId;

/// The originals of the connections that a redactor sees. What they take is bounded: the connection that had no exchange for
/// longest is forgotten, and starts anew if it goes on. By the order of exchanges alone, so that the same ones are forgotten again.
#[derive(Default)]
pub(crate) struct Memories {
    by_connection: BTreeMap<ConnectionId, (u64, Recurrences)>,
    /// The connections by when they had their last exchange.
    by_turn: BTreeMap<u64, ConnectionId>,
    turn: u64,
    weight: usize,
}

impl Memories {
    /// Takes out what is known of a connection.
    pub(crate) fn take(&mut self, connection: ConnectionId) -> Recurrences {
        let Some((turn, memory)) = self.by_connection.remove(&connection) else { return Recurrences::default() };
        self.by_turn.remove(&turn);
        self.weight -= memory.weight();
        memory
    }

    /// Keeps what is known of a connection that was just used.
    pub(crate) fn keep(&mut self, connection: ConnectionId, memory: Recurrences) {
        if memory.is_empty() {
            return;
        }
        self.turn += 1;
        self.weight += memory.weight();
        self.by_turn.insert(self.turn, connection);
        self.by_connection.insert(connection, (self.turn, memory));
        while self.weight > MAX_WEIGHT
            && let Some((_, oldest)) = self.by_turn.pop_first()
            && let Some((_, forgotten)) = self.by_connection.remove(&oldest)
        {
            self.weight -= forgotten.weight();
        }
    }
}

/// The originals of one connection. In memory only, bounded.
#[derive(Default)]
#[expect(clippy::disallowed_types, reason = "looked up for each word; never iterated")]
pub(crate) struct Recurrences {
    /// All values, one after the other.
    values: Vec<u8>,
    originals: Vec<Original>,
    /// By the print of its longest word the last original that has it; the others hang on that one.
    by_word: HashMap<u64, u32, BuildHasherDefault<Printed>>,
}

/// Many are kept, so that each is small.
struct Original {
    /// Where it begins among the values, and how long it is.
    start: u32,
    length: u16,
    /// Where in it its longest word begins.
    word: u16,
    domain: Domain,
    /// The one before with a word of the same print, or [`NO_ORIGINAL`].
    alike: u32,
}

impl Original {
    const fn value(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }
}

impl Recurrences {
    /// Remembers a value that can be known again, as what it is in `domain`.
    pub(crate) fn learn(&mut self, value: &[u8], Memorable { word, print }: Memorable, domain: Domain) {
        if self.values.len() + value.len() > MAX_BYTES {
            return;
        }
        let mut alike = 0;
        for original in self.with(print) {
            alike += 1;
            if alike == MAX_ALIKE || self.values[original.value()] == *value {
                return;
            }
        }
        // All of them are far less than what the numbers can count.
        let (start, length) = (self.values.len() as u32, value.len() as u16);
        self.values.extend_from_slice(value);
        let alike = self.by_word.insert(print, self.originals.len() as u32).unwrap_or(NO_ORIGINAL);
        self.originals.push(Original { start, length, word, domain, alike });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.originals.is_empty()
    }

    /// Whether a value with one of these words may stand in a text that has them all.
    pub(crate) fn may_stand_in(&self, words: &Words) -> bool {
        !self.is_empty() && words.0.iter().any(|print| self.by_word.contains_key(print))
    }

    /// About how many bytes it takes.
    const fn weight(&self) -> usize {
        CONNECTION_BYTES + self.values.len() + self.originals.len() * ORIGINAL_BYTES
    }

    /// The originals whose longest word has that print.
    fn with(&self, print: u64) -> impl Iterator<Item = &Original> {
        let mut next = self.by_word.get(&print).copied().unwrap_or(NO_ORIGINAL);
        std::iter::from_fn(move || {
            let original = self.originals.get(next as usize)?;
            next = original.alike;
            Some(original)
        })
    }

    /// Where remembered values stand in `value` as whole tokens: of those that overlap the first, and the longest of those that begin
    /// where it does.
    pub(crate) fn find(&self, value: &[u8], hits: &mut Vec<Hit>) {
        if self.is_empty() || value.len() < MIN_LENGTH {
            return;
        }
        let mut found = Vec::new();
        for word in words(value) {
            for original in self.with(print_of(&value[word.clone()])) {
                let bytes = &self.values[original.value()];
                let Some(start) = word.start.checked_sub(usize::from(original.word)) else { continue };
                let end = start + bytes.len();
                let is_within = |at: usize, edge: Option<&u8>| edge.is_some_and(is_word_byte) && value.get(at).is_some_and(is_word_byte);
                let is_part = (start > 0 && is_within(start - 1, bytes.first())) || is_within(end, bytes.last());
                if !is_part && value.get(start..end) == Some(bytes) {
                    found.push((start, Reverse(end), original.domain));
                }
            }
        }
        found.sort_by_key(|(start, end, _)| (*start, *end));
        let mut after = 0;
        for (start, Reverse(end), domain) in found {
            if start >= after {
                after = end;
                hits.push(Hit::new(start..end, RuleId::RECURRENCE, domain));
            }
        }
    }
}

/// How a value can be known again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memorable {
    /// Where its longest word begins, the first of them: the one that is least likely to stand anywhere else.
    word: u16,
    print: u64,
}

impl Memorable {
    /// None if it cannot be known again.
    pub(crate) fn of(value: &[u8], rule: RuleId) -> Option<Self> {
        if !is_memorable(value, rule) {
            return None;
        }
        let word = words(value).min_by_key(|word| Reverse(word.len()))?;
        Some(Self { word: word.start as u16, print: print_of(&value[word]) })
    }
}

/// The prints of the words of texts: whether a remembered value may stand in any of them is told without looking at them again.
#[derive(Default)]
pub(crate) struct Words(Vec<u64>);

impl Words {
    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Each of those behind the first `count` once.
    pub(crate) fn since(&self, count: usize) -> Self {
        let mut prints = self.0[count..].to_vec();
        prints.sort_unstable();
        prints.dedup();
        prints.shrink_to_fit();
        Self(prints)
    }

    /// Adds those of other texts.
    pub(crate) fn join(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    /// Adds those of a text that is long enough to hold anything.
    pub(crate) fn add(&mut self, text: &[u8]) {
        if text.len() >= MIN_LENGTH {
            words(text).for_each(|word| self.0.push(print_of(&text[word])));
        }
    }
}

/// What stands for a word. Words that share one are told apart by their bytes, wherever it matters.
fn print_of(word: &[u8]) -> u64 {
    let spread = |print: u64| print.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(29);
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let length = spread(word.len() as u64);
    // The last eight or four bytes overlap others, so that none is left over.
    let print = match (word.as_chunks(), word.last_chunk(), word.first_chunk(), word.last_chunk()) {
        ((eights @ [_, ..], _), Some(last), ..) => spread(eights.iter().fold(length, |print, eight| spread(print ^ number(eight))) ^ number(last)),
        (_, _, Some(first), Some(last)) => spread(length ^ half(first) ^ half(last) << 32),
        _ => spread(word.iter().fold(length, |print, byte| print << 8 ^ u64::from(*byte))),
    };
    print ^ print >> 32
}

/// Prints are spread well enough as they are.
#[derive(Default)]
pub(crate) struct Printed(u64);

impl Hasher for Printed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = print_of(bytes);
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whether a value is long enough not to recur by chance, and worth its place. A cookie without a telling name may hold a plain word.
pub(crate) fn is_memorable(value: &[u8], rule: RuleId) -> bool {
    (MIN_LENGTH..=MAX_LENGTH).contains(&value.len())
        && !matches!(rule, RuleId::IP | RuleId::CARD_SECURITY | RuleId::RECURRENCE)
        && !(rule == RuleId::COOKIE && is_fixed_segment(value))
}

/// Runs of letters, digits and bytes beyond ASCII.
fn words(value: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + value[at..].iter().position(is_word_byte)?;
        at = value[start..].iter().position(|byte| !is_word_byte(byte)).map_or(value.len(), |to| start + to);
        Some(start..at)
    })
}

const NO_ORIGINAL: u32 = u32::MAX;
const MIN_LENGTH: usize = 8;
const MAX_LENGTH: usize = 4096;
/// Of values with the same longest word.
const MAX_ALIKE: usize = 64;
/// Of one connection, beside what keeps them together.
const MAX_BYTES: usize = 256 << 10;
/// Of all connections of a redactor. A few hundred busy ones fit.
const MAX_WEIGHT: usize = 2 << 20;
const CONNECTION_BYTES: usize = 256;
const ORIGINAL_BYTES: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(memory: &mut Recurrences, value: &[u8], rule: RuleId) {
        if let Some(memorable) = Memorable::of(value, rule) {
            memory.learn(value, memorable, Domain::Opaque);
        }
    }

    #[test]
    fn whole_tokens_are_known_again() {
        let mut seen = Recurrences::default();
        for value in ["tok-8fj2.x9_", "Margaret Smith", "+4930123456", "short", "/lead/12345"] {
            learn(&mut seen, value.as_bytes(), RuleId::TOKEN);
        }
        for (text, expected) in [
            ("id=tok-8fj2.x9_&b", vec!["tok-8fj2.x9_"]),
            ("xtok-8fj2.x9_", vec![]),
            ("for Margaret Smith, and Margaret Smithson", vec!["Margaret Smith"]),
            ("call +4930123456 or +49301234567", vec!["+4930123456"]),
            ("short", vec![]),
            ("see /lead/12345", vec!["/lead/12345"]),
        ] {
            let mut hits = Vec::new();
            seen.find(text.as_bytes(), &mut hits);
            let found: Vec<&str> = hits.iter().map(|hit| &text[hit.span.clone()]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn words_are_told_apart_by_every_byte() {
        let text: Vec<u8> = (0..40).map(|at| b'a' + at % 26).collect();
        let mut prints: Vec<u64> = Vec::new();
        for length in 1..text.len() {
            prints.push(print_of(&text[..length]));
            for at in 0..length {
                let mut other = text[..length].to_vec();
                other[at] = b'Z';
                prints.push(print_of(&other));
            }
        }
        let count = prints.len();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), count);
    }

    #[test]
    fn a_text_without_the_words_of_a_value_is_not_looked_at() {
        let mut seen = Recurrences::default();
        learn(&mut seen, "12 Am Bergweg".as_bytes(), RuleId::TOKEN);
        for (text, expected) in [("Bergweg 12, am", true), ("12 Am Berg Weg", false), ("bergweg and others", false), ("Bergweg", false)] {
            let mut words = Words::default();
            words.add(text.as_bytes());
            assert_eq!(seen.may_stand_in(&words), expected, "{text}");
        }
    }

    #[test]
    fn the_connection_that_was_silent_longest_is_forgotten() {
        let mut memories = Memories::default();
        // Values of 200 bytes: a connection that knows a thousand of them weighs over 300 KB.
        let learned = |connection: u64| {
            let mut memory = Recurrences::default();
            for n in 0..1000 {
                learn(&mut memory, format!("{connection}x{n}{}", "v".repeat(190)).as_bytes(), RuleId::TOKEN);
            }
            memory
        };
        for connection in 1..=20 {
            memories.keep(ConnectionId(connection), learned(connection));
            assert!(memories.weight <= MAX_WEIGHT);
            // The first one stays in use.
            let first = memories.take(ConnectionId(1));
            assert!(!first.is_empty());
            memories.keep(ConnectionId(1), first);
        }
        let known: Vec<u64> = (1..=20).filter(|connection| !memories.take(ConnectionId(*connection)).is_empty()).collect();
        assert!(known.len() > 3 && known.len() < 10, "{known:?}");
        assert_eq!((known[0], known[1..].to_vec()), (1, (22 - known.len() as u64..=20).collect()));
        assert_eq!((memories.weight, memories.by_turn.len()), (0, 0), "all were taken out");
    }

    #[test]
    fn connections_without_anything_to_know_again_take_no_room() {
        let mut memories = Memories::default();
        memories.keep(ConnectionId(1), Recurrences::default());
        assert_eq!((memories.weight, memories.by_connection.len()), (0, 0));
    }

    #[test]
    fn a_plain_cookie_is_forgotten() {
        let mut seen = Recurrences::default();
        learn(&mut seen, b"accepted", RuleId::COOKIE);
        learn(&mut seen, b"accepted-7f3a", RuleId::COOKIE);
        let mut hits = Vec::new();
        seen.find(b"was accepted as accepted-7f3a", &mut hits);
        assert_eq!(hits.len(), 1);
    }
}
