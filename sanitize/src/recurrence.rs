//! What was redacted before on a connection, so that it is known again where nothing tells what it is.

use std::collections::BTreeMap;

use reenact_formats::config::policy::RuleName;
use reenact_formats::content::is_fixed_segment;

use crate::detect::Hit;
use crate::pseudonym::Domain;

/// The originals of one connection. In memory only, bounded, gone with the connection.
#[derive(Default)]
pub(crate) struct Recurrences {
    /// By their first word: a run of letters and digits.
    by_word: BTreeMap<Box<[u8]>, Vec<Original>>,
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
    pub(crate) fn learn(&mut self, value: &[u8], rule: RuleName, domain: Domain) {
        if !is_memorable(value, rule) || self.bytes + value.len() > MAX_BYTES {
            return;
        }
        let Some(word) = words(value).next() else { return };
        let originals = self.by_word.entry(value[word.clone()].into()).or_default();
        if originals.len() < MAX_ALIKE && !originals.iter().any(|original| *original.value == *value) {
            self.bytes += value.len() + word.len();
            originals.push(Original { value: value.into(), offset: word.start, domain });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_word.is_empty()
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
                hits.push(Hit::new(span, RuleName::Recurrence, domain));
            }
        }
    }
}

/// Whether a value is long enough not to recur by chance, and worth its place. A cookie without a telling name may hold a plain word.
pub(crate) fn is_memorable(value: &[u8], rule: RuleName) -> bool {
    (MIN_LENGTH..=MAX_LENGTH).contains(&value.len())
        && !matches!(rule, RuleName::Ip | RuleName::CardSecurity | RuleName::Recurrence)
        && !(rule == RuleName::Cookie && is_fixed_segment(value))
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
const MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_tokens_are_known_again() {
        let mut seen = Recurrences::default();
        for value in ["tok-8fj2.x9_", "Margaret Smith", "+4930123456", "short", "/lead/12345"] {
            seen.learn(value.as_bytes(), RuleName::Token, Domain::Opaque);
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
    fn a_plain_cookie_is_forgotten() {
        let mut seen = Recurrences::default();
        seen.learn(b"accepted", RuleName::Cookie, Domain::Opaque);
        seen.learn(b"accepted-7f3a", RuleName::Cookie, Domain::Opaque);
        let mut hits = Vec::new();
        seen.find(b"was accepted as accepted-7f3a", &mut hits);
        assert_eq!(hits.len(), 1);
    }
}
