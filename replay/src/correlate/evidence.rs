//! What ties values of few bits: the recording as a whole.
//!
//! A *source* is a place in the answers of an endpoint (`POST /things body:/id`), a *place* one in the requests to an endpoint
//! (`GET /things/{} target:/1`). For each pair of them, within each identity, it is counted how often the place was filled
//! after the source had issued anything (*seen*), how often with a value that the source had issued (*matched*), and with how
//! many different values. A pair is accepted as follows.
//!
//! | place | accepted if |
//! |---|---|
//! | the cookie that the source sets; a condition on the entity tag that it gave | always |
//! | a path segment, and the names of source and place share a word | at least six in ten of what was seen matched |
//! | a path segment | as above, with three different values or more |
//! | elsewhere | as above, *and* the source never repeats itself, *and* names share a word or its numbers only rise |
//!
//! A source whose values the clients had said first, in a place of like name, is none. Among accepted pairs the one that shares
//! most words with the place wins, then one outside of a list, then one that did not echo its own request, then the one that
//! matched more often (in tenths of what was seen), then the latest answer, and in it the leaf that stands first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use reenact_formats::content::LeafKind;

use super::names::words;
use super::{Correlator, Event};

/// A place in the answers of an endpoint.
pub(super) struct Source {
    pub(super) template: String,
    /// The template, and which part of the leaf's value.
    pub(super) shown: String,
    pub(super) is_list: bool,
    words: BTreeSet<String>,
    /// The cookie that it sets.
    cookie: Option<String>,
}

impl Source {
    pub(super) fn new(endpoint: &str, template: &str, shown: String) -> Self {
        let last_fixed = endpoint.rsplit('/').find(|segment| !segment.is_empty() && !segment.starts_with('{')).unwrap_or_default();
        let mut words = words(template.split_once(':').map_or(template, |(_, rest)| rest));
        words.extend(super::names::words(last_fixed));
        Self { template: template.to_owned(), shown, is_list: template.contains('*'), words, cookie: template.strip_prefix("set-cookie:").map(str::to_owned) }
    }
}

/// A place in the requests to an endpoint.
pub(super) struct Place {
    pub(super) template: String,
    /// Credentials travel here: who carries the same one is the same.
    pub(super) is_credential: bool,
    is_segment: bool,
    is_condition: bool,
    cookie: Option<String>,
    words: BTreeSet<String>,
}

impl Place {
    pub(super) fn new(template: String, kind: LeafKind, name: Option<&str>) -> Self {
        let is_segment = kind == LeafKind::PathSegment;
        let is_condition = is_condition(&template);
        let spoken = if is_segment { name.unwrap_or_default() } else { template.split_once(':').map_or(template.as_str(), |(_, rest)| rest) };
        Self {
            is_credential: matches!(kind, LeafKind::Cookie | LeafKind::Credential | LeafKind::Header) && !is_condition,
            is_segment,
            is_condition,
            cookie: template.strip_prefix("cookie:").map(str::to_owned),
            words: words(spoken),
            template,
        }
    }
}

/// Whether the place is a condition on an entity tag.
pub(super) fn is_condition(path: &str) -> bool {
    matches!(path, "header:if-match" | "header:if-none-match" | "header:if-range")
}

/// Ties what is not tied yet: `bound` has, for each carried value, the issued one.
pub(super) fn bind(correlator: &Correlator, events: &[Event], scopes: &BTreeMap<u64, u64>, bound: &mut [Option<usize>]) {
    let mut by_scope: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_scope.entry(scopes[&correlator.session_of(event.step)]).or_default().push(*event);
    }
    let open = open_places(correlator, bound);
    let mut survey = Survey::new(correlator);
    for events in by_scope.values() {
        survey.scope(events, &open);
    }
    let accepted = survey.accepted();
    for events in by_scope.values() {
        choose(correlator, events, &open, &accepted, bound);
    }
}

/// The carried values that evidence may tie: those of leaves in which nothing is tied yet.
fn open_places(correlator: &Correlator, bound: &[Option<usize>]) -> Vec<bool> {
    let tied: BTreeSet<_> =
        correlator.carried.iter().zip(bound).filter(|(_, issued)| issued.is_some()).map(|(carried, _)| (carried.step, carried.leaf)).collect();
    correlator.carried.iter().map(|carried| carried.needs_evidence() && !tied.contains(&(carried.step, carried.leaf))).collect()
}

/// A pair of source and place.
type Pair = (u32, u32);

#[derive(Default)]
struct Count {
    seen: u64,
    matched: u64,
    /// Up to as many as are asked for.
    different: BTreeSet<Vec<u8>>,
}

/// How well a pair holds.
struct Strength {
    /// So many words are common to both names.
    shared: usize,
    /// So many of ten that were seen matched.
    tenths: u64,
}

/// What a source is like, over the whole recording.
#[derive(Default)]
struct Habit {
    issued: u64,
    different: BTreeSet<Vec<u8>>,
    /// How many values it was the first to issue within an identity, and how many of those the client had said before.
    first: u64,
    said_before: u64,
    last_number: Option<u64>,
    rises: u64,
    falls: u64,
}

struct Survey<'c> {
    correlator: &'c Correlator,
    counts: BTreeMap<Pair, Count>,
    habits: BTreeMap<u32, Habit>,
}

impl<'c> Survey<'c> {
    fn new(correlator: &'c Correlator) -> Self {
        let mut survey = Self { correlator, counts: BTreeMap::new(), habits: BTreeMap::new() };
        for issued in correlator.issued.iter().filter(|issued| issued.needs_evidence()) {
            survey.habits.entry(issued.source).or_default().issue(&issued.value);
        }
        survey
    }

    /// Counts what happened within one identity.
    fn scope(&mut self, events: &[Event], open: &[bool]) {
        let Self { correlator, counts, habits } = self;
        let mut issued_by: BTreeMap<&[u8], BTreeSet<u32>> = BTreeMap::new();
        let mut said_in: BTreeMap<&[u8], BTreeSet<u32>> = BTreeMap::new();
        let mut filled: BTreeMap<u32, u64> = BTreeMap::new();
        // How often each place had been filled when a source first issued something.
        let mut before: BTreeMap<u32, BTreeMap<u32, u64>> = BTreeMap::new();
        for event in events {
            let exchange = &correlator.exchanges[event.step as usize];
            if event.is_request {
                for index in exchange.carried.clone() {
                    let carried = &correlator.carried[index];
                    if carried.needs_evidence() {
                        said_in.entry(&carried.value).or_default().insert(carried.place);
                    }
                    if !open[index] {
                        continue;
                    }
                    *filled.entry(carried.place).or_default() += 1;
                    for source in issued_by.get(carried.value.as_ref()).into_iter().flatten() {
                        let count = counts.entry((*source, carried.place)).or_default();
                        count.matched += 1;
                        if count.different.len() < DIFFERENT {
                            count.different.insert(carried.value.to_vec());
                        }
                    }
                }
            } else {
                for issued in correlator.issued[exchange.issued.clone()].iter().filter(|issued| issued.needs_evidence()) {
                    before.entry(issued.source).or_insert_with(|| filled.clone());
                    if !issued_by.contains_key(issued.value.as_ref()) {
                        let words = &correlator.sources.things[issued.source as usize].words;
                        let said = said_in.get(issued.value.as_ref()).into_iter().flatten();
                        let said_before = said.map(|place| &correlator.places.things[*place as usize]).any(|place| !place.words.is_disjoint(words));
                        let habit = habits.entry(issued.source).or_default();
                        habit.first += 1;
                        habit.said_before += u64::from(said_before);
                    }
                }
                for issued in correlator.issued[exchange.issued.clone()].iter().filter(|issued| issued.needs_evidence()) {
                    issued_by.entry(&issued.value).or_default().insert(issued.source);
                }
            }
        }
        for (source, before) in &before {
            for (place, filled) in &filled {
                counts.entry((*source, *place)).or_default().seen += filled - before.get(place).unwrap_or(&0);
            }
        }
    }

    /// The pairs that hold.
    fn accepted(&self) -> BTreeMap<Pair, Strength> {
        let places = &self.correlator.places.things;
        let sources = &self.correlator.sources.things;
        self.counts
            .iter()
            .filter_map(|((source, place), count)| {
                let habit = &self.habits[source];
                let pair = (&sources[*source as usize], &places[*place as usize]);
                let shared = pair.0.words.intersection(&pair.1.words).count();
                accept(pair, shared, count, habit).then(|| ((*source, *place), Strength { shared, tenths: count.matched * 10 / count.seen.max(1) }))
            })
            .collect()
    }
}

fn accept((source, place): (&Source, &Place), shared: usize, count: &Count, habit: &Habit) -> bool {
    if count.matched == 0 {
        return false;
    }
    if source.cookie.is_some() || place.cookie.is_some() {
        return source.cookie == place.cookie;
    }
    if place.is_condition {
        return source.template == "header:etag";
    }
    if habit.said_before * 2 > habit.first {
        return false;
    }
    if count.matched * 10 < count.seen * 6 {
        return false;
    }
    if place.is_segment && shared > 0 {
        return true;
    }
    let is_regular = count.different.len() >= DIFFERENT;
    let is_fresh = habit.different.len() as u64 * 20 >= habit.issued * 19;
    let only_rises = habit.rises > 0 && habit.rises >= habit.falls * 9;
    is_regular && (place.is_segment || (is_fresh && (shared > 0 || only_rises)))
}

/// Ties the open places of one identity by the accepted pairs.
fn choose(correlator: &Correlator, events: &[Event], open: &[bool], accepted: &BTreeMap<Pair, Strength>, bound: &mut [Option<usize>]) {
    // For each value, the latest of each source.
    let mut latest: BTreeMap<&[u8], BTreeMap<u32, (u32, usize)>> = BTreeMap::new();
    let mut age = 0;
    for event in events {
        let exchange = &correlator.exchanges[event.step as usize];
        if !event.is_request {
            age += 1;
            for index in exchange.issued.clone() {
                let issued = &correlator.issued[index];
                if issued.needs_evidence() {
                    latest.entry(&issued.value).or_default().insert(issued.source, (age, index));
                }
            }
            continue;
        }
        let mut whole_leaf = None;
        for index in exchange.carried.clone().filter(|index| open[*index]) {
            let carried = &correlator.carried[index];
            if whole_leaf == Some(carried.leaf) {
                continue;
            }
            let best = latest.get(carried.value.as_ref()).into_iter().flatten().filter_map(|(source, (age, issued))| {
                let Strength { shared, tenths } = accepted.get(&(*source, carried.place))?;
                let is_list = correlator.sources.things[*source as usize].is_list;
                Some((*shared, !is_list, !correlator.issued[*issued].is_echo, *tenths, *age, Reverse(*issued)))
            });
            bound[index] = best.max().map(|(.., Reverse(issued))| issued);
            if carried.is_whole && bound[index].is_some() {
                whole_leaf = Some(carried.leaf);
            }
        }
    }
}

impl Habit {
    fn issue(&mut self, value: &[u8]) {
        self.issued += 1;
        self.different.insert(value.to_vec());
        let number = std::str::from_utf8(value).ok().and_then(|text| text.trim_start_matches(|char: char| !char.is_ascii_digit()).parse::<u64>().ok());
        match (self.last_number, number) {
            (Some(last), Some(number)) if number > last => self.rises += 1,
            (Some(_), _) => self.falls += 1,
            (None, _) => {}
        }
        self.last_number = number.or(self.last_number);
    }
}

/// So many different values must match.
const DIFFERENT: usize = 3;
