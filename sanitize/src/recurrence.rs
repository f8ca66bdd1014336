//! What was redacted before on a connection, so that it is known again where nothing tells what it is.

use std::collections::BTreeMap;

use crate::rules::RuleId;
use reenact_formats::content::is_fixed_segment;
use reenact_formats::model::ConnectionId;

use crate::detect::Hit;
use crate::pseudonym::Domain;

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
pub(crate) struct Recurrences {
    /// By their first word: a run of letters and digits.
    by_word: BTreeMap<Box<[u8]>, Vec<Original>>,
    originals: usize,
    bytes: usize,
}

struct Original {
    value: Box<[u8]>,
    /// Where in it its first word begins.
    offset: usize,
    domain: Domain,
}

impl Recurrences {
    /// Remembers a value if it is one that can be known again.
    pub(crate) fn learn(&mut self, value: &[u8], rule: RuleId, domain: Domain) {
        if !is_memorable(value, rule) || self.bytes + value.len() > MAX_BYTES {
            return;
        }
        let Some(word) = words(value).next() else { return };
        let originals = self.by_word.entry(value[word.clone()].into()).or_default();
        if originals.len() < MAX_ALIKE && !originals.iter().any(|original| *original.value == *value) {
            self.bytes += value.len() + word.len();
            self.originals += 1;
            originals.push(Original { value: value.into(), offset: word.start, domain });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_word.is_empty()
    }

    /// About how many bytes it takes.
    const fn weight(&self) -> usize {
        CONNECTION_BYTES + self.bytes + self.originals * ORIGINAL_BYTES
    }

    /// Where remembered values stand in `value` as whole tokens.
    pub(crate) fn find(&self, value: &[u8], hits: &mut Vec<Hit>) {
        if self.by_word.is_empty() || value.len() < MIN_LENGTH {
            return;
        }
        let mut after = 0;
        for word in words(value) {
            let Some(originals) = self.by_word.get(&value[word.clone()]) else { continue };
            let found = originals
                .iter()
                .filter_map(|original| {
                    let start = word.start.checked_sub(original.offset).filter(|start| *start >= after)?;
                    let end = start + original.value.len();
                    let is_whole = value.get(end).is_none_or(|byte| !is_word_byte(byte)) || !original.value.last().is_some_and(is_word_byte);
                    (value.get(start..end)? == &*original.value && is_whole).then_some((start..end, original.domain))
                })
                .max_by_key(|(span, _)| span.len());
            if let Some((span, domain)) = found {
                after = span.end;
                hits.push(Hit::new(span, RuleId::RECURRENCE, domain));
            }
        }
    }
}

/// Whether a value is long enough not to recur by chance, and worth its place. A cookie without a telling name may hold a plain word.
pub(crate) fn is_memorable(value: &[u8], rule: RuleId) -> bool {
    (MIN_LENGTH..=MAX_LENGTH).contains(&value.len())
        && !matches!(rule, RuleId::IP | RuleId::CARD_SECURITY | RuleId::RECURRENCE)
        && !(rule == RuleId::COOKIE && is_fixed_segment(value))
}

/// Runs of letters, digits and bytes beyond ASCII.
fn words(value: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + value[at..].iter().position(is_word_byte)?;
        at = value[start..].iter().position(|byte| !is_word_byte(byte)).map_or(value.len(), |to| start + to);
        Some(start..at)
    })
}

const fn is_word_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80
}

const MIN_LENGTH: usize = 8;
const MAX_LENGTH: usize = 4096;
/// Of values with the same first word.
const MAX_ALIKE: usize = 64;
/// Of one connection, beside what keeps them together.
const MAX_BYTES: usize = 256 << 10;
/// Of all connections of a redactor. A few hundred busy ones fit.
const MAX_WEIGHT: usize = 2 << 20;
const CONNECTION_BYTES: usize = 256;
const ORIGINAL_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_tokens_are_known_again() {
        let mut seen = Recurrences::default();
        for value in ["tok-8fj2.x9_", "Margaret Smith", "+4930123456", "short", "/lead/12345"] {
            seen.learn(value.as_bytes(), RuleId::TOKEN, Domain::Opaque);
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
    fn the_connection_that_was_silent_longest_is_forgotten() {
        let mut memories = Memories::default();
        // Values of 200 bytes: a connection that knows a thousand of them weighs over 300 KB.
        let learned = |connection: u64| {
            let mut memory = Recurrences::default();
            for n in 0..1000 {
                memory.learn(format!("{connection}x{n}{}", "v".repeat(190)).as_bytes(), RuleId::TOKEN, Domain::Opaque);
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
        seen.learn(b"accepted", RuleId::COOKIE, Domain::Opaque);
        seen.learn(b"accepted-7f3a", RuleId::COOKIE, Domain::Opaque);
        let mut hits = Vec::new();
        seen.find(b"was accepted as accepted-7f3a", &mut hits);
        assert_eq!(hits.len(), 1);
    }
}
