//! Values that are pseudonyms already: those that a recording's redactions name.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use reenact_formats::content::{MAX_DECODED, Surface, decoded_body, visit_body, visit_head};
use reenact_formats::model::{Exchange, Message, Part, Redaction, Side};

use crate::pseudonym::{Domain, canonical};
use crate::redactor::INTERIM;

/// The pseudonyms of a recording, as a set of keyed digests: it holds no value, and cannot be read.
#[derive(Clone, Default)]
pub struct KnownPseudonyms {
    digests: BTreeSet<u64>,
    hasher: RandomState,
}

impl KnownPseudonyms {
    /// Those that the redactions of `exchanges` name.
    pub fn collect<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let mut known = Self::default();
        exchanges.into_iter().for_each(|exchange| known.add(exchange));
        known
    }

    /// Adds those that the redactions of one more exchange name.
    pub fn add(&mut self, exchange: &Exchange) {
        for (side, message) in [(Side::Request, &exchange.request), (Side::Response, &exchange.response)] {
            if let Some(message) = message {
                self.add_message(message, exchange.redactions.iter().filter(|redaction| redaction.side == side));
            }
        }
    }

    fn add_message<'a>(&mut self, message: &Message, redactions: impl Iterator<Item = &'a Redaction>) {
        let redactions: Vec<&Redaction> = redactions
            .filter(|redaction| redaction.action.is_keyed() && redaction.span.start < redaction.span.end && !redaction.path.starts_with(INTERIM))
            .collect();
        if redactions.is_empty() {
            return;
        }
        let body = decoded_body(message, MAX_DECODED).unwrap_or_default();
        // The surface that each value wears is that of the leaf it stands in.
        let mut leaves: Vec<(Part, std::ops::Range<usize>, Surface)> = Vec::new();
        visit_head(&message.head, &mut |leaf| leaves.push((leaf.part, leaf.span, leaf.surface)));
        visit_body(&message.head, &body, &mut |leaf| leaves.push((leaf.part, leaf.span, leaf.surface)));
        if let Some(trailers) = &message.trailers {
            visit_head(trailers, &mut |leaf| leaves.push((leaf.part, leaf.span, leaf.surface)));
        }
        leaves.sort_by_key(|(part, span, _)| (*part, span.start));
        for redaction in redactions {
            let part: &[u8] = match redaction.part {
                Part::Head => message.head.raw(),
                Part::Body => &body,
                Part::Trailers => message.trailers.as_ref().map_or(&[], |trailers| trailers.raw()),
                _ => continue,
            };
            let (Ok(start), Ok(end)) = (usize::try_from(redaction.span.start), usize::try_from(redaction.span.end)) else { continue };
            let (Some(raw), Some(domain)) = (part.get(start..end), Domain::from_word(&redaction.domain)) else { continue };
            let before = leaves.partition_point(|(part, span, _)| (*part, span.start) <= (redaction.part, start));
            let surface = before.checked_sub(1).map_or(Surface::Raw, |at| leaves[at].2);
            self.insert(domain, &surface.undress(raw));
        }
    }

    /// Adds one pseudonym.
    pub fn insert(&mut self, domain: Domain, bare: &[u8]) {
        self.digests.insert(self.digest(domain, bare));
    }

    /// Whether `bare` is a pseudonym of `domain`, however it is spelled.
    pub fn contains(&self, domain: Domain, bare: &[u8]) -> bool {
        !self.digests.is_empty() && self.digests.contains(&self.digest(domain, bare))
    }

    fn digest(&self, domain: Domain, bare: &[u8]) -> u64 {
        self.hasher.hash_one((domain, canonical(domain, bare)))
    }
}

impl fmt::Debug for KnownPseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownPseudonyms").field("count", &self.digests.len()).finish_non_exhaustive()
    }
}
