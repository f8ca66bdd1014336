//! Answers side by side, value by value.
//!
//! In: pairs of outcomes of the same exchange and copy, baseline first. Out: differences grouped by fingerprint (endpoint, kind,
//! templated place), each with a count and a few examples. Status, selected headers and every leaf of the body are compared;
//! what the target [makes anew](made_anew) only by presence and type. What never happens here: a value that was not redacted.

mod leaves;
mod made_anew;

use std::collections::{BTreeMap, BTreeSet};

use reenact_formats::disk::publish::Digest;
use reenact_formats::disk::verdict::{DifferenceKind, MadeAnew, ResponseExample, ResponseGroup, Responses};
use reenact_formats::model::{Exchange, Failure, Message, Outcome, Redaction, Reply};

use crate::figures::endpoint;
use leaves::{FlatBody, FlatLeaf, Ignored, flatten};
pub(crate) use made_anew::{Clock, Learned};
use made_anew::{Told, same_value};

/// Compares pair by pair and keeps count.
pub(crate) struct Comparison<'a> {
    learned: &'a Learned,
    ignored: Ignored,
    clock: Clock,
    pairs: u64,
    equal: u64,
    without_body: u64,
    groups: BTreeMap<(String, DifferenceKind, String), Group>,
    made_anew: BTreeMap<(String, String), (Told, u64)>,
}

#[derive(Default)]
struct Group {
    count: u64,
    examples: Vec<ResponseExample>,
}

/// One difference of one pair.
struct Difference {
    kind: DifferenceKind,
    /// What groups it.
    template: String,
    /// Where exactly.
    path: String,
    baseline: Option<String>,
    run: Option<String>,
}

/// Two answers to the same request.
struct Pair<'a> {
    endpoint: &'a str,
    outcomes: [&'a Outcome; 2],
    redactions: [&'a [Redaction]; 2],
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(learned: &'a Learned, ignored: &[String], clock: Clock) -> Self {
        Self { learned, ignored: Ignored::new(ignored), clock, pairs: 0, equal: 0, without_body: 0, groups: BTreeMap::new(), made_anew: BTreeMap::new() }
    }

    /// Compares two outcomes of the same exchange and copy.
    pub(crate) fn pair(&mut self, baseline: &Outcome, run: &Outcome) {
        self.pairs += 1;
        let endpoint = endpoint(baseline);
        let mut differences = Vec::new();
        match (&baseline.reply, &run.reply) {
            (
                Reply::Answered { status: before, response: old, redactions: old_redactions },
                Reply::Answered { status: now, response: new, redactions: new_redactions },
            ) => {
                if before != now {
                    let path = format!("{before} → {now}");
                    differences.push(Difference {
                        kind: DifferenceKind::Status,
                        template: path.clone(),
                        path,
                        baseline: old.as_ref().map(excerpt_of).or(Some(before.to_string())),
                        run: new.as_ref().map(excerpt_of).or(Some(now.to_string())),
                    });
                } else if let (Some(old), Some(new)) = (old, new) {
                    // Under another status everything else differs too, and says nothing more.
                    let pair = Pair { endpoint: &endpoint, outcomes: [baseline, run], redactions: [old_redactions, new_redactions] };
                    heads(old, new, &self.ignored, &mut differences);
                    self.bodies(&pair, old, new, &mut differences);
                } else {
                    self.without_body += 1;
                }
            }
            (Reply::Answered { status, .. }, Reply::Failed(failure)) => {
                differences.push(outcome_difference(DifferenceKind::Failed, &status.to_string(), failure.word()))
            }
            (Reply::Failed(failure), Reply::Answered { status, .. }) => {
                differences.push(outcome_difference(DifferenceKind::Recovered, failure.word(), &status.to_string()))
            }
            (Reply::Failed(_), Reply::Failed(_)) => {}
        }
        // What was not sent because someone stopped the run, or could not be sent at all, is no answer of the target's.
        differences.retain(|_| !never_asked(baseline) && !never_asked(run));
        if differences.is_empty() {
            self.equal += 1;
        }
        let mut seen = BTreeSet::new();
        for Difference { kind, template, path, baseline: old, run: new } in differences {
            // Pairs are counted: ten items of one list that differ alike are one of them.
            if !seen.insert((kind, template.clone())) {
                continue;
            }
            let group = self.groups.entry((endpoint.clone(), kind, template)).or_default();
            group.count += 1;
            if group.examples.len() < MAX_EXAMPLES {
                group.examples.push(ResponseExample { exchange: run.exchange.to_string(), copy: run.copy, path, baseline: old, run: new });
            }
        }
    }

    /// All groups, breaches first, then by count; and the account.
    pub(crate) fn finish(self) -> Responses {
        let mut groups: Vec<_> = self
            .groups
            .into_iter()
            .map(|((endpoint, kind, path), group)| ResponseGroup {
                fingerprint: Digest::of(format!("{endpoint}\n{kind}\n{path}").as_bytes()).to_string()[..12].to_owned(),
                breach: kind != DifferenceKind::Recovered,
                endpoint,
                kind,
                path,
                count: group.count,
                examples: group.examples,
            })
            .collect();
        groups.sort_by(|one, other| other.breach.cmp(&one.breach).then(other.count.cmp(&one.count)));
        let left_out = groups.len().saturating_sub(MAX_GROUPS);
        groups.truncate(MAX_GROUPS);
        Responses {
            pairs: self.pairs,
            equal: self.equal,
            differing: self.pairs - self.equal,
            without_body: self.without_body,
            groups,
            groups_left_out: left_out as u64,
            made_anew: self
                .made_anew
                .into_iter()
                .map(|((endpoint, path), (told, count))| MadeAnew { endpoint, path, told_by: told.words().to_owned(), count })
                .collect(),
        }
    }

    fn bodies(&mut self, pair: &Pair<'_>, old: &Message, new: &Message, differences: &mut Vec<Difference>) {
        let (old, new) = match (flatten(old), flatten(new)) {
            (FlatBody::Absent, FlatBody::Absent) => {
                self.without_body += 1;
                return;
            }
            (FlatBody::Leaves(old), FlatBody::Leaves(new)) => (old, new),
            (old, new) => {
                if old != new {
                    let shown = |body: &FlatBody| Some(body.shape());
                    differences.push(Difference {
                        kind: DifferenceKind::Body,
                        template: "body:".into(),
                        path: "body:".into(),
                        baseline: shown(&old),
                        run: shown(&new),
                    });
                }
                return;
            }
        };
        one_sided(DifferenceKind::Missing, &old, &new, &self.ignored, differences);
        one_sided(DifferenceKind::Extra, &new, &old, &self.ignored, differences);
        let places: BTreeMap<&str, &FlatLeaf> = old.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
        let common = new.iter().filter_map(|new| Some((*places.get(new.path.as_str())?, new)));
        for (old, new) in common.filter(|(old, _)| !self.ignored.has(&old.path, &old.template)) {
            let kind = if old.kind != new.kind {
                DifferenceKind::Type
            } else if same_value(old, new) {
                continue;
            } else if let Some(told) = self.told(pair, old, new) {
                self.made_anew.entry((pair.endpoint.to_owned(), old.template.clone())).or_insert((told, 0)).1 += 1;
                continue;
            } else {
                DifferenceKind::Value
            };
            let (template, path) = (old.template.clone(), old.path.clone());
            differences.push(Difference { kind, template, path, baseline: Some(old.excerpt()), run: Some(new.excerpt()) });
        }
    }

    fn told(&self, pair: &Pair<'_>, old: &FlatLeaf, new: &FlatLeaf) -> Option<Told> {
        if pair.outcomes.iter().any(|outcome| outcome.produced.contains(&old.path)) || self.learned.is_bound(pair.endpoint, &old.template) {
            return Some(Told::Bound);
        }
        if pair.redactions.iter().any(|redactions| redactions.iter().any(|redaction| redaction.domain == OPAQUE && redaction.path == old.template)) {
            return Some(Told::Opaque);
        }
        if self.clock.explains(pair.outcomes, old, new) {
            return Some(Told::Clock);
        }
        self.learned.explains(pair.endpoint, old, new)
    }
}

impl Learned {
    /// Learns from a recorded exchange and what the baseline answered to it.
    pub(crate) fn compare(&mut self, recorded: &Exchange, baseline: &Outcome) {
        let Reply::Answered { response: Some(answer), .. } = &baseline.reply else { return };
        let Some(response) = recorded.response.as_ref().filter(|response| response.head.status() == answer.head.status()) else { return };
        if let (FlatBody::Leaves(recorded), FlatBody::Leaves(answered)) = (flatten(response), flatten(answer)) {
            self.learn(&endpoint(baseline), &recorded, &answered);
        }
    }
}

/// What only one of two bodies has. Of a list's item or a whole object the object is named, and not each value in it.
fn one_sided(kind: DifferenceKind, leaves: &[FlatLeaf], others: &[FlatLeaf], ignored: &Ignored, differences: &mut Vec<Difference>) {
    let paths: BTreeSet<&str> = others.iter().map(|leaf| leaf.path.as_str()).collect();
    let (places, mut named) = (prefixes(others), BTreeSet::new());
    let sided = |shown: String| if kind == DifferenceKind::Missing { (Some(shown), None) } else { (None, Some(shown)) };
    for leaf in leaves.iter().filter(|leaf| !paths.contains(leaf.path.as_str()) && !ignored.has(&leaf.path, &leaf.template)) {
        let Some(top) = shallowest(leaf.place(), &places) else {
            // A value here, an object or a list there. The name of an empty one says nothing where the other has items.
            if leaf.kind.is_value() {
                let (baseline, run) = sided(leaf.excerpt());
                differences.push(Difference { kind: DifferenceKind::Type, template: leaf.template.clone(), path: leaf.path.clone(), baseline, run });
            }
            continue;
        };
        if named.insert(top) {
            let template = leaf.template.trim_end_matches("~key").split('/').take(top.split('/').count()).collect::<Vec<_>>().join("/");
            let (baseline, run) = sided(excerpt_below(leaves, top));
            differences.push(Difference { kind, template, path: top.to_owned(), baseline, run });
        }
    }
}

/// The first few values at `top` and below.
fn excerpt_below(leaves: &[FlatLeaf], top: &str) -> String {
    let rest = |leaf: &'_ FlatLeaf| leaf.path.strip_prefix(top).filter(|rest| rest.is_empty() || rest.starts_with('/')).map(str::to_owned);
    let below = leaves.iter().filter(|leaf| leaf.kind.is_value()).filter_map(|leaf| Some((rest(leaf)?, leaf.excerpt())));
    let shown: Vec<_> = below.take(3).map(|(rest, value)| if rest.is_empty() { value } else { format!("{rest} {value}") }).collect();
    if shown.is_empty() { "(empty)".to_owned() } else { shown.join(", ") }
}

/// Every place of a body: that of each value, and of each object and list around it.
fn prefixes(leaves: &[FlatLeaf]) -> BTreeSet<&str> {
    leaves.iter().map(FlatLeaf::place).flat_map(|place| place.match_indices('/').skip(1).map(|(at, _)| &place[..at]).chain([place])).collect()
}

/// The shortest beginning of `place` that is none of `places`.
fn shallowest<'a>(place: &'a str, places: &BTreeSet<&str>) -> Option<&'a str> {
    place.match_indices('/').skip(1).map(|(at, _)| &place[..at]).chain([place]).find(|prefix| !places.contains(prefix))
}

fn never_asked(outcome: &Outcome) -> bool {
    matches!(outcome.reply, Reply::Failed(Failure::NotReplayable | Failure::Stopped))
}

fn outcome_difference(kind: DifferenceKind, baseline: &str, run: &str) -> Difference {
    let path = format!("{baseline} → {run}");
    Difference { kind, template: path.clone(), path, baseline: Some(baseline.to_owned()), run: Some(run.to_owned()) }
}

fn heads(old: &Message, new: &Message, ignored: &Ignored, differences: &mut Vec<Difference>) {
    let (old, new) = (leaves::head(old), leaves::head(new));
    let mut places: Vec<_> = old.keys().chain(new.keys()).collect();
    places.sort();
    places.dedup();
    for place in places.into_iter().filter(|place| !ignored.has(place, place)) {
        let (before, now) = (old.get(place), new.get(place));
        let kind = match (before, now) {
            (Some(_), None) => DifferenceKind::Missing,
            (None, Some(_)) => DifferenceKind::Extra,
            (before, now) if before != now => DifferenceKind::Value,
            _ => continue,
        };
        let shown = |value: Option<&Option<String>>| value.map(|value| value.clone().unwrap_or_else(|| "present".to_owned()));
        differences.push(Difference { kind, template: place.clone(), path: place.clone(), baseline: shown(before), run: shown(now) });
    }
}

/// The status and the beginning of the body: what a reader wants to see of an unexpected answer.
fn excerpt_of(message: &Message) -> String {
    let status = message.head.status().unwrap_or_default();
    match flatten(message) {
        FlatBody::Leaves(leaves) if !leaves.is_empty() => {
            let shown: Vec<_> = leaves
                .iter()
                .filter(|leaf| leaf.kind.is_value())
                .take(3)
                .map(|leaf| format!("{}: {}", leaf.path.trim_start_matches("body:"), leaf.excerpt()))
                .collect();
            format!("{status} {}", shown.join(", "))
        }
        _ => status.to_string(),
    }
}

/// The domain of values that mean nothing but themselves.
const OPAQUE: &str = "opaque";
const MAX_EXAMPLES: usize = 5;
const MAX_GROUPS: usize = 100;

#[cfg(test)]
mod tests;
