//! Why something is redacted: by which rule, on what evidence, and what it becomes.
//!
//! In: what the redactor plans, while it plans it. Out: a line for each value that was found. This is the one place where what was found
//! is shown as it was: only to whoever gave it, and never written.

use std::fmt;

use reenact_formats::content::LeafKind;
use reenact_formats::model::{Action, Side};

use crate::detect::{Detector, Hit, Place};
use crate::rules::{Find, RuleId, Rules};

/// A value that was found, and what becomes of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Explained {
    /// The message it stands in.
    pub side: Side,
    /// Where, with ids templated.
    pub path: String,
    /// The rule's id.
    pub rule: String,
    /// How bad it is to find one where it should not be.
    pub severity: &'static str,
    /// Whose pseudonyms it gets.
    pub domain: &'static str,
    /// What told it.
    pub evidence: Evidence,
    /// What is done.
    pub action: Action,
    /// The value as it was given.
    pub value: Vec<u8>,
    /// What takes its place.
    pub becomes: Vec<u8>,
}

/// What told a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The name of its field, or what kind of place it stands in.
    Name,
    /// A check holds: check digits, a grammar that little else fits.
    Check,
    /// What it looks like.
    Shape,
    /// It stands in a dictionary.
    Dictionary,
    /// It is on the list of known values.
    KnownValue,
    /// It was redacted before.
    Recurrence,
    /// The policy names the place.
    Location,
    /// It cannot be looked into.
    Content,
}

impl Evidence {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Check => "check",
            Self::Shape => "shape",
            Self::Dictionary => "dictionary",
            Self::KnownValue => "known value",
            Self::Recurrence => "recurrence",
            Self::Location => "location",
            Self::Content => "content",
        }
    }

    /// What told a hit: by itself, if it is also found where nothing is known of its place.
    pub(crate) fn of(detector: &Detector, rules: &Rules, hit: &Hit, value: &[u8]) -> Self {
        match hit.rule {
            RuleId::KNOWN_VALUE => Self::KnownValue,
            RuleId::RECURRENCE => Self::Recurrence,
            RuleId::LOCATION => Self::Location,
            RuleId::OPAQUE_BODY | RuleId::BODY_DIGEST => Self::Content,
            rule => {
                let nowhere = Place { kind: LeafKind::Text, name: None, path: "", beside: None };
                let by_itself = detector.detect(value, &nowhere);
                if !by_itself.iter().any(|other| other.rule == rule && other.span == hit.span) {
                    return Self::Name;
                }
                let has_check = rules.get(rule).finds.iter().any(|find| match find {
                    Find::Prefix(prefix) => !prefix.checks.is_empty(),
                    Find::Pattern(pattern) => !pattern.checks.is_empty(),
                    Find::Number(_) => true,
                    Find::Code(recogniser, _) => CHECKING.contains(&recogniser.name),
                });
                match rule {
                    RuleId::PERSON | RuleId::ADDRESS => Self::Dictionary,
                    _ if has_check => Self::Check,
                    _ => Self::Shape,
                }
            }
        }
    }
}

impl fmt::Debug for Explained {
    /// Without the value, and without what it becomes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explained").field("path", &self.path).field("rule", &self.rule).field("evidence", &self.evidence).finish_non_exhaustive()
    }
}

/// Recognisers that ask for check digits.
const CHECKING: [&str; 5] = ["iban", "sepa_creditor", "card_track", "crypto_address", "travel_document"];
