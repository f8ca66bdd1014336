//! A policy proposed from a recording: what is found in it, what stays, and the fields that tell many values apart and that no rule touches.
//!
//! In: a recording, raw or redacted, and a redactor. Out: a policy in YAML that says in words what it would do, for a person to decide. What never
//! happens here: a value is printed or kept. Values are counted by keyed digests, so many for a field, and so many fields.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::BuildHasher;

use reenact_formats::content::{Leaf, LeafKind, MAX_DECODED, decoded_body, visit_body, visit_head};
use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Audit, Recording, State, Window};
use reenact_formats::model::{Action, Exchange, Message, Redaction, Side};
use reenact_formats::seam::Redact;
use reenact_sanitize::Redactor;

use crate::inspect::{count, printable};

/// What is known of a recording's fields.
#[derive(Default)]
pub struct Proposal {
    exchanges: u64,
    audit: Audit,
    fields: BTreeMap<String, Field>,
    hasher: RandomState,
}

/// What stands in one place.
#[derive(Default)]
struct Field {
    values: u64,
    redacted: u64,
    /// Digests of the values, until there are too many to matter how many more.
    distinct: BTreeSet<u64>,
}

impl Proposal {
    /// Reads all of a recording. What is raw is redacted first, in memory.
    pub fn of(recording: &Recording, redactor: &mut Redactor) -> Result<Self, Error> {
        let mut proposal = Self::default();
        let severities = redactor.policy().severities();
        for exchange in recording.exchanges(&Window::ALL)? {
            let mut exchange = exchange?;
            if recording.manifest().state == State::Raw {
                redactor.exchange(&mut exchange);
            }
            proposal.exchanges += 1;
            exchange.redactions.iter().for_each(|redaction| proposal.audit.count(redaction, severities.get(&redaction.rule).map_or("", String::as_str)));
            proposal.exchange(&exchange);
        }
        Ok(proposal)
    }

    fn exchange(&mut self, exchange: &Exchange) {
        for side in [Side::Request, Side::Response] {
            if let Some(message) = exchange.message(side) {
                let redactions: Vec<&Redaction> = exchange.redactions.iter().filter(|redaction| redaction.side == side).collect();
                self.message(message, &redactions);
            }
        }
    }

    fn message(&mut self, message: &Message, redactions: &[&Redaction]) {
        let mut each = |leaf: Leaf<'_>| self.leaf(&leaf, redactions);
        visit_head(&message.head, &mut each);
        if let Ok(body) = decoded_body(message, MAX_DECODED) {
            visit_body(&message.head, &body, &mut each);
        }
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, redactions: &[&Redaction]) {
        let tells_nothing =
            matches!(leaf.kind, LeafKind::JsonKey | LeafKind::JsonBool | LeafKind::JsonNull | LeafKind::CookieAttribute | LeafKind::MultipartFile);
        if tells_nothing || leaf.value.is_empty() || matches!((leaf.kind, leaf.name.as_deref()), (LeafKind::Header, Some("content-length" | "date"))) {
            return;
        }
        let path = leaf.template();
        if self.fields.len() == MOST_FIELDS && !self.fields.contains_key(&path) {
            return;
        }
        let span = leaf.span.start as u64..leaf.span.end as u64;
        let is_redacted = redactions.iter().any(|redaction| {
            redaction.part == leaf.part
                && redaction.action != Action::Keep
                && redaction.span.start < span.end.max(span.start + 1)
                && span.start < redaction.span.end
        });
        let digest = self.hasher.hash_one(&leaf.value);
        let field = self.fields.entry(path).or_default();
        field.values += 1;
        field.redacted += u64::from(is_redacted);
        if field.distinct.len() < MOST_DISTINCT {
            field.distinct.insert(digest);
        }
    }

    /// The policy, as a file.
    pub fn yaml(&self, source: &str) -> String {
        let mut out = format!(
            "# A policy proposed by reenact from {}: {} exchanges, {} fields.\n# It does what the default does there, and says what stays. No value stands in it. Look at the table below, and decide.\nversion: 1\nextends: default\n\n",
            printable(source.as_bytes()),
            count(self.exchanges),
            count(self.fields.len() as u64)
        );
        self.rules(&mut out);
        self.stays(&mut out);
        self.open(&mut out);
        out
    }

    /// What was found, by rule.
    fn rules(&self, out: &mut String) {
        let mut found: BTreeMap<(&str, Action), Vec<(u64, &str)>> = BTreeMap::new();
        for (path, row) in self.audit.rows() {
            found.entry((&row.rule, row.action)).or_default().push((row.count, path));
        }
        found.retain(|(rule, action), _| *action != Action::Keep && !["opaque_body", "location"].contains(rule));
        out.push_str("# What was found, and what becomes of it.\n");
        out.push_str(if found.is_empty() { "rules: {}\n" } else { "rules:\n" });
        let mut said = BTreeSet::new();
        for ((rule, action), mut places) in found {
            let total = places.iter().map(|(count, _)| count).sum();
            places.sort_by(|one, other| other.cmp(one));
            let shown: Vec<String> = places.iter().take(MOST_PLACES).map(|(_, path)| printable(path.as_bytes())).collect();
            let more = if places.len() > MOST_PLACES { ", …" } else { "" };
            // A rule has one action in a policy; what else was done with it is told.
            let line = if said.insert(rule) { "" } else { "# " };
            let _ = writeln!(out, "  {line}{rule}: {{ action: {} }}  # {} times, at {}{more}", action.word(), count(total), shown.join(", "));
        }
    }

    /// What the policy that was asked keeps, and where bodies were dropped.
    fn stays(&self, out: &mut String) {
        let kept: Vec<_> = self.audit.rows().filter(|(_, row)| row.action == Action::Keep).collect();
        if !kept.is_empty() {
            out.push_str("\n# What was found, and kept on purpose.\n");
        }
        for (path, row) in kept {
            let _ = writeln!(out, "#   {} at {}: {} times", printable(row.rule.as_bytes()), printable(path.as_bytes()), count(row.count));
        }
        let dropped: u64 = self.audit.rows().filter(|(_, row)| row.rule == "opaque_body" && row.action != Action::Keep).map(|(_, row)| row.count).sum();
        let _ = writeln!(
            out,
            "\n# Bodies and files that cannot be looked into: {} dropped. drop, keep_length (zeros), or keep.\nunknown_content: drop",
            count(dropped)
        );
    }

    /// Fields with many values that no rule touches.
    fn open(&self, out: &mut String) {
        let mut open: Vec<(&str, &Field)> = self
            .fields
            .iter()
            .filter(|(_, field)| field.redacted == 0 && field.distinct.len() >= FEW && field.distinct.len() as u64 * 10 >= field.values)
            .map(|(path, field)| (path.as_str(), field))
            .collect();
        open.sort_by_key(|(path, field)| (std::cmp::Reverse((field.distinct.len() as u64 * 1000 / field.values, field.distinct.len())), *path));
        let hidden = open.len().saturating_sub(MOST_OPEN);
        open.truncate(MOST_OPEN);
        let _ = writeln!(
            out,
            "\n# Fields that no rule touches and that tell many values apart ({FEW} or more, a tenth of them unique). Ids, amounts and times are among them;"
        );
        out.push_str("# a person's are, perhaps, too. Take the hash off `locations:` and off the lines that you want.\n");
        out.push_str("#\n#    values  distinct  unique  path\n");
        for (path, field) in &open {
            let distinct = field.distinct.len() as u64;
            let mark = if field.distinct.len() == MOST_DISTINCT { "+" } else { " " };
            let _ = writeln!(
                out,
                "# {:>9} {:>9}{mark} {:>5} %  {}",
                count(field.values),
                count(distinct),
                distinct * 100 / field.values,
                printable(path.as_bytes())
            );
        }
        if hidden > 0 {
            let _ = writeln!(out, "# and {} more", count(hidden as u64));
        }
        out.push_str("#\n# locations:\n");
        for (path, _) in open {
            let _ = writeln!(out, "#   '{}': {{ action: pseudonym }}", printable(path.as_bytes()).replace('\'', "''"));
        }
    }
}

/// So many values of a field are told apart.
const MOST_DISTINCT: usize = 2000;
/// So many fields are looked at.
const MOST_FIELDS: usize = 5000;
/// So many are listed.
const MOST_OPEN: usize = 50;
const MOST_PLACES: usize = 3;
/// Fewer values than this tell no one apart.
const FEW: usize = 10;
