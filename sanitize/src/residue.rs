//! The residue check: everything is decoded and looked at anew, as if nothing had been redacted.
//!
//! In: an exchange as it was written. Out: findings, each with a place and a rule, never a value: what a rule still finds outside
//! of the recorded spans, bodies that no one could have looked into, and originals that the redacting process has replaced
//! elsewhere. What the policy keeps is on record as kept, and passes.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::ops::Range;
use std::sync::Arc;

use foldhash::quality::RandomState;
use reenact_formats::content::{Leaf, LeafKind, visit_body, visit_head};
use reenact_formats::model::{Action, Completeness, Exchange, ExchangeId, Head, Message, Part, Redaction, Side};

use crate::detect::{Around, Beside, Detector, Layers, MAX_COATS, Place, Verdict, is_public, texts_within};
use crate::known_values::KnownValues;
use crate::plan::{Spans, Spot};
use crate::policy::Policy;
use crate::pseudonym::Domain;
use crate::recall::recall;
use crate::recurrence::{Printed, is_memorable};
use crate::redactor::{INTERIM, content_of, may_recur, reason_to_drop};
use crate::rules::{RuleId, Rules};

/// Something that should not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In which exchange.
    pub exchange: ExchangeId,
    /// In which message of it.
    pub side: Side,
    /// Where, with ids templated.
    pub path: String,
    /// Which rule found it; `original` if it is one that was redacted elsewhere.
    pub rule: String,
}

/// The originals that were replaced, as keyed digests: bounded, in memory only, of no use to anyone else.
#[derive(Clone, Default)]
pub struct Originals {
    digests: HashSet<u64, BuildHasherDefault<Printed>>,
    /// What stands for the containers whose originals are among these.
    containers: HashSet<u64, BuildHasherDefault<Printed>>,
    hasher: RandomState,
}

impl Originals {
    pub(crate) fn learn(&mut self, value: &[u8], rule: RuleId, domain: Domain) {
        // One word of a name or of an address is a word of the language, too.
        let is_telling = !matches!(domain, Domain::Person | Domain::Address | Domain::BirthDate) || value.contains(&b' ');
        if is_telling && is_memorable(value, rule) && self.digests.len() < MAX_ORIGINALS {
            self.digests.insert(self.hasher.hash_one(value));
        }
    }

    /// Whether the originals of a container, which `print` stands for, are to be learnt: those of one that was met before are known.
    pub(crate) fn meets(&mut self, print: u64) -> bool {
        self.containers.len() == MAX_CONTAINERS || self.containers.insert(print)
    }

    /// A set to be merged with this one later: keyed alike, with nothing in it.
    pub(crate) fn none_yet(&self) -> Self {
        Self { hasher: self.hasher.clone(), ..Self::default() }
    }

    /// These and those of another lane of the same redactor.
    pub fn merged(mut self, other: Self) -> Self {
        self.digests.extend(other.digests);
        self
    }

    fn contains(&self, token: &[u8]) -> bool {
        token.len() >= MIN_TOKEN && self.digests.contains(&self.hasher.hash_one(token))
    }
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Originals").field("count", &self.digests.len()).finish_non_exhaustive()
    }
}

/// Looks for what redaction has left behind.
#[derive(Debug)]
pub struct ResidueCheck<'o> {
    rules: Arc<Rules>,
    policy: &'o Policy,
    detector: Detector,
    originals: Option<&'o Originals>,
    known_values: Option<&'o KnownValues>,
}

impl<'o> ResidueCheck<'o> {
    /// A check with every rule on, and the policy's own names; in the redacting process also with the originals that it has seen.
    pub fn new(policy: &'o Policy, originals: Option<&'o Originals>) -> Self {
        Self {
            rules: Arc::clone(policy.rules()),
            policy,
            detector: Detector::new(policy.rules()),
            originals: originals.filter(|originals| !originals.digests.is_empty()),
            known_values: None,
        }
    }

    /// None of these must be left.
    pub const fn with_known_values(mut self, known: Option<&'o KnownValues>) -> Self {
        self.known_values = known;
        self
    }

    /// What is still in an exchange that its redactions do not account for.
    pub fn exchange(&self, exchange: &Exchange) -> Vec<Finding> {
        let mut findings = Findings { exchange: exchange.id, side: Side::Request, found: Vec::new() };
        for (side, message) in [(Side::Request, &exchange.request), (Side::Response, &exchange.response)] {
            findings.side = side;
            if let Some(message) = message {
                let recorded: Vec<&Redaction> =
                    exchange.redactions.iter().filter(|redaction| redaction.side == side && !redaction.path.starts_with(INTERIM)).collect();
                self.message(message, &recorded, &mut findings);
            }
        }
        for (index, head) in exchange.interim.iter().enumerate() {
            let prefix = format!("{INTERIM}{index}:");
            let recorded: Vec<&Redaction> = exchange.redactions.iter().filter(|redaction| redaction.path.starts_with(&prefix)).collect();
            self.head(head, &recorded, &mut findings);
        }
        for (address, side, path) in [(exchange.client, Side::Request, "metadata:client"), (exchange.server, Side::Response, "metadata:server")] {
            findings.side = side;
            if exchange.redactions.iter().any(|redaction| redaction.path == path) {
                continue;
            }
            if is_public(address.ip()) && self.rules.get(RuleId::IP).is_on {
                findings.add(path.to_owned(), self.rules.word(RuleId::IP));
            } else if self.known_values.is_some_and(|known| known.holds(&address.ip().to_string())) {
                findings.add(path.to_owned(), self.rules.word(RuleId::KNOWN_VALUE));
            }
        }
        findings.side = Side::Request;
        if let Some(rule) = exchange.node.as_deref().and_then(|node| self.text(node)) {
            findings.add("metadata:node".to_owned(), rule);
        }
        findings.found
    }

    /// The rule that finds something in a text that stands in no message, as the name of a machine does.
    pub fn text(&self, text: &str) -> Option<&str> {
        let place = Place { kind: LeafKind::JsonString, name: None, path: "", beside: None };
        let found = self.detector.detect(text.as_bytes(), &place).first().map(|hit| hit.rule);
        let known = || self.known_values.filter(|known| known.holds(text)).map(|_| RuleId::KNOWN_VALUE);
        found.or_else(known).map(|rule| self.rules.word(rule))
    }

    fn message(&self, message: &Message, recorded: &[&Redaction], findings: &mut Findings) {
        self.head(&message.head, recorded, findings);
        if let Some(trailers) = &message.trailers {
            self.head(trailers, recorded, findings);
        }
        if matches!(message.body.completeness, Completeness::Dropped { .. }) {
            return;
        }
        let is_kept = recorded.iter().any(|redaction| redaction.part == Part::Body && redaction.rule == self.rules.word(RuleId::OPAQUE_BODY));
        match content_of(message) {
            Ok(body) => {
                let spans = OnRecord::of(recorded, Part::Body);
                let beside = self.detector.beside(Around::Body(&message.head, &body));
                let visited = visit_body(&message.head, &body, &mut |leaf| self.leaf(&leaf, &body, &beside, &spans, findings));
                if reason_to_drop(visited, message).is_some() && !is_kept {
                    findings.add("body:".to_owned(), self.rules.word(RuleId::OPAQUE_BODY));
                }
            }
            Err(_) if is_kept => {}
            Err(_) => findings.add("body:".to_owned(), self.rules.word(RuleId::OPAQUE_BODY)),
        }
    }

    fn head(&self, head: &Head, recorded: &[&Redaction], findings: &mut Findings) {
        let spans = [Part::Head, Part::Trailers].map(|part| OnRecord::of(recorded, part));
        let beside = self.detector.beside(Around::Head(head));
        visit_head(head, &mut |leaf| self.leaf(&leaf, head.raw(), &beside, &spans[usize::from(leaf.part == Part::Trailers)], findings));
    }

    fn leaf(&self, leaf: &Leaf<'_>, raw: &[u8], beside: &Beside<'_>, OnRecord { all: recorded, replaced }: &OnRecord, findings: &mut Findings) {
        if leaf.kind == LeafKind::MultipartFile {
            let is_blank = leaf.value.iter().all(|byte| *byte == b'0');
            if !is_blank && !recorded.touch(&leaf.span) {
                findings.add(leaf.template(), self.rules.word(RuleId::OPAQUE_BODY));
            }
            return;
        }
        // Of what was replaced as a whole there is nothing left to find, if it was.
        if !leaf.span.is_empty() && recorded.cover(&leaf.span) {
            if self.originals.is_some_and(|originals| originals.contains(&leaf.value)) && replaced.cover(&leaf.span) && is_no_coincidence(&leaf.value) {
                findings.add(leaf.template(), "original");
            }
            return;
        }
        let locations = self.policy.locations();
        if !locations.is_empty() && locations.at(&leaf.template()).is_some_and(|place| place.takes(leaf)) {
            findings.add(leaf.template(), self.rules.word(RuleId::LOCATION));
        }
        let spot = Spot::of(leaf);
        let Verdict { hits, layers } = self.detector.verdict(&leaf.value, &Place::of(leaf, beside));
        for hit in hits {
            if !recorded.account_for(&hit, &spot.placed(raw, &hit.span)) {
                findings.add(leaf.template(), self.rules.word(hit.rule));
            }
        }
        if let Some(known) = self.known_values.filter(|_| KnownValues::may_stand(leaf)) {
            for hit in recall(&|text, hits| known.find(text, hits), &leaf.value) {
                if !recorded.touch(&spot.placed(raw, &hit.span)) {
                    findings.add(leaf.template(), self.rules.word(hit.rule));
                }
            }
        }
        if let Some(originals) = self.originals.filter(|_| may_recur(leaf)) {
            let holds = |text: &[u8], place: &dyn Fn(&Range<usize>) -> Range<usize>| {
                let is_left = |span: Range<usize>| {
                    originals.contains(&text[span.clone()]) && {
                        let placed = spot.placed(raw, &place(&span));
                        !recorded.touch(&placed) || replaced.cover(&placed) && is_no_coincidence(&text[span])
                    }
                };
                is_left(0..text.len()) || tokens(text, is_left)
            };
            let mut is_left = holds(&leaf.value, &Range::clone);
            if layers == Layers::Some {
                texts_within(&leaf.value, MAX_COATS, &mut |text, place| is_left |= holds(text, place));
            }
            if is_left {
                findings.add(leaf.template(), "original");
            }
        }
    }
}

/// What was done in one part of a message.
struct OnRecord {
    all: Spans,
    /// What was not kept on purpose.
    replaced: Spans,
}

impl OnRecord {
    fn of(recorded: &[&Redaction], part: Part) -> Self {
        let replaced = recorded.iter().copied().filter(|redaction| redaction.action != Action::Keep);
        Self { all: Spans::of(recorded.iter().copied(), part), replaced: Spans::of(replaced, part) }
    }
}

/// Whether a value is so long and so mixed that no pseudonym of another one is the same by chance.
fn is_no_coincidence(value: &[u8]) -> bool {
    value.len() >= MIN_DISTINCT && !value.contains(&b' ') && value.iter().any(u8::is_ascii_alphabetic)
}

struct Findings {
    exchange: ExchangeId,
    side: Side,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, path: String, rule: &str) {
        self.found.push(Finding { exchange: self.exchange, side: self.side, path, rule: rule.to_owned() });
    }
}

/// Whether `is_left` says so of any whole token of a text: of what stands between white space and quotes, and of the pieces of that between
/// other marks.
fn tokens(text: &[u8], is_left: impl Fn(Range<usize>) -> bool) -> bool {
    let (mut outer, mut inner) = (0, 0);
    for (at, mark) in text.iter().map(|byte| MARKS[usize::from(*byte)]).chain([Mark::Outer]).enumerate() {
        if mark == Mark::None {
            continue;
        }
        if at - inner >= MIN_TOKEN && is_left(inner..at) {
            return true;
        }
        if mark == Mark::Outer {
            if outer < inner && at - outer >= MIN_TOKEN && is_left(outer..at) {
                return true;
            }
            outer = at + 1;
        }
        inner = at + 1;
    }
    false
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Inner,
    Outer,
}

/// What each byte ends.
static MARKS: [Mark; 256] = {
    let mut marks = [Mark::None; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = match byte as u8 {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => Mark::Outer,
            b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b'&' | b'=' | b'|' => Mark::Outer,
            b'/' | b':' | b'@' | b'?' | b'#' | b'.' | b'!' | b'%' => Mark::Inner,
            _ => Mark::None,
        };
        byte += 1;
    }
    marks
};

/// Of one lane.
const MAX_ORIGINALS: usize = 1 << 16;
const MAX_CONTAINERS: usize = 1 << 12;
const MIN_TOKEN: usize = 8;
const MIN_DISTINCT: usize = 12;

#[cfg(test)]
mod tests;
