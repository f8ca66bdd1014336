//! Which values of answers later requests carry.
//!
//! In: the exchanges of a recording, one by one. Out: [`Links`]: which leaves of which answers later requests need, and where
//! they need them. What never happens here: a field name is known in advance, a value is logged, or a value that a client
//! chose is taken for one that the target issued.
//!
//! A value *belongs to the client* if a request carried it before any answer did; such values stay as they are. All others
//! belong to the target. Two rules tie what the target issued to where it is carried:
//!
//! - A value of many bits (a token, a UUID) does not recur by chance. The first answer that held it issued it, in any session.
//! - A value of few bits (a row's number, a short code) does. It is tied within one identity, and only by the [`evidence`] of
//!   the whole recording: requests of that kind, in that place, carry what answers of that kind issued in that place.
//!
//! Cookies and entity tags are tied by what they are (RFC 6265, section 5.4; RFC 9110, section 13.1), however short.

mod evidence;
pub(crate) mod harvest;
mod names;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use reenact_formats::content::{Leaf, LeafKind, Surface, decoded_body, visit_body, visit_head};
use reenact_formats::model::{Exchange, Message, Part, Timestamp};

use self::evidence::{Place, Source};
use self::value::{Class, Pick, candidates};

/// A leaf of an answer that later requests need.
#[derive(Debug, Clone)]
pub(crate) struct Give {
    /// Where its live value is kept.
    pub(crate) slot: u32,
    /// The leaf's path in the answer.
    pub(crate) path: String,
    /// Which part of the leaf's value.
    pub(crate) pick: Pick,
    /// What the recording held there.
    recorded: Bytes,
    /// Whether the recorded value is still good if the live answer holds it too.
    stays: Stays,
}

/// Where a live answer may hold the recorded value so that it is still good: then the target knows it already, as it does
/// with data that it was set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stays {
    /// Nowhere: the same number may stand for something else.
    Never,
    /// Anywhere.
    Anywhere,
    /// In another element of the same list.
    Template(String),
}

/// A place of a request that needs a live value.
#[derive(Debug, Clone)]
pub(crate) struct Take {
    /// Where the live value is kept.
    pub(crate) slot: u32,
    /// The step whose answer issues it.
    pub(crate) producer: u32,
    /// The part of the request.
    pub(crate) part: Part,
    /// What is replaced there.
    pub(crate) span: Range<usize>,
    /// What the value wears there.
    pub(crate) surface: Surface,
    /// E.g. `POST /things body:/id -> GET /things/{} target:/1`.
    pub(crate) name: Arc<str>,
}

/// What ties the steps of a plan.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) slots: usize,
    pub(crate) gives: Vec<(u32, Give)>,
    pub(crate) takes: Vec<(u32, Take)>,
    /// For each step its endpoint. What is bound is a value, however much it looks like a word.
    pub(crate) endpoints: Vec<String>,
}

/// Looks at exchanges, and then says what ties them.
#[derive(Default)]
pub(crate) struct Correlator {
    exchanges: Vec<Observed>,
    carried: Vec<Carried>,
    issued: Vec<Issued>,
    places: Interned<Place>,
    sources: Interned<Source>,
}

/// When an exchange was, and what in it may tie.
struct Observed {
    session: u64,
    method: String,
    endpoint: String,
    start: Timestamp,
    end: Option<Timestamp>,
    carried: Range<usize>,
    issued: Range<usize>,
}

/// A value that a request carries.
struct Carried {
    step: u32,
    /// Which leaf of the request, by ordinal: a value and its own tokens are never replaced both.
    leaf: u32,
    /// Which segment of the target, if it is one.
    segment: Option<usize>,
    place: u32,
    part: Part,
    span: Range<usize>,
    surface: Surface,
    value: Bytes,
    class: Class,
    /// It stands where a value ties whatever it looks like.
    is_named: bool,
    is_whole: bool,
}

/// A value that an answer holds.
struct Issued {
    step: u32,
    source: u32,
    path: String,
    pick: Pick,
    value: Bytes,
    class: Class,
    /// It stands where a value ties whatever it looks like.
    is_named: bool,
    /// Its own request carried it.
    is_echo: bool,
}

impl Carried {
    /// Whether only evidence, or its place, can tie it.
    fn needs_evidence(&self) -> bool {
        matches!(self.class, Class::Word | Class::Low) || (self.is_named && self.class == Class::Any)
    }
}

impl Issued {
    /// Whether only evidence, or its place, can tie it.
    fn needs_evidence(&self) -> bool {
        self.class == Class::Low || (self.is_named && self.class < Class::Low)
    }
}

/// Things alike share one number.
struct Interned<T> {
    numbers: BTreeMap<String, u32>,
    things: Vec<T>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { numbers: BTreeMap::new(), things: Vec::new() }
    }
}

impl<T> Interned<T> {
    fn number(&mut self, label: String, make: impl FnOnce() -> T) -> u32 {
        if let Some(number) = self.numbers.get(&label) {
            return *number;
        }
        let number = ordinal(self.things.len());
        self.things.push(make());
        self.numbers.insert(label, number);
        number
    }
}

impl Correlator {
    /// Looks at the next exchange, in the order of their starts. Its step is its ordinal.
    pub(crate) fn observe(&mut self, session: u64, method: &str, endpoint: &str, exchange: &Exchange) {
        let step = ordinal(self.exchanges.len());
        let (carried, issued) = (self.carried.len(), self.issued.len());
        if let Some(request) = &exchange.request {
            self.observe_request(step, method, endpoint, request);
        }
        if let Some(response) = &exchange.response {
            self.observe_response(step, method, endpoint, response, carried);
        }
        // An answer is never over before its request began, even where the clock was too coarse to tell.
        let end = exchange.timing.end.map(|end| end.max(Timestamp::from_nanos(exchange.start.as_nanos().saturating_add(1))));
        self.exchanges.push(Observed {
            session,
            method: method.to_owned(),
            endpoint: endpoint.to_owned(),
            start: exchange.start,
            end: end.filter(|_| exchange.response.is_some()),
            carried: carried..self.carried.len(),
            issued: issued..self.issued.len(),
        });
    }

    fn observe_request(&mut self, step: u32, method: &str, endpoint: &str, request: &Message) {
        let Self { carried, places, .. } = self;
        let mut ordinal = 0;
        visit(request, &mut |leaf, part_bytes| {
            ordinal += 1;
            let is_named = may_be_anything(leaf.path);
            if !may_carry(&leaf) || is_excluded(leaf.path, REQUEST_ONLY) {
                return;
            }
            let raw = &part_bytes[leaf.span.clone()];
            let mut place = None;
            for candidate in candidates(&leaf.value).into_iter().filter(|candidate| candidate.class > Class::Any || (is_named && candidate.pick == Pick::Whole))
            {
                let is_whole = candidate.pick == Pick::Whole;
                let value = &leaf.value[candidate.range.clone()];
                let span = match () {
                    () if is_whole => Some(leaf.span.clone()),
                    () if raw == leaf.value.as_ref() => Some(leaf.span.start + candidate.range.start..leaf.span.start + candidate.range.end),
                    // The rest of the leaf is escaped: the token itself never is.
                    () => memchr::memmem::find(raw, value).map(|at| leaf.span.start + at..leaf.span.start + at + value.len()),
                };
                let Some(span) = span else { continue };
                let place = *place.get_or_insert_with(|| {
                    let template = leaf.template();
                    places.number(format!("{method} {endpoint} {template}"), || Place::new(template, leaf.kind, leaf.name.as_deref()))
                });
                carried.push(Carried {
                    step,
                    leaf: ordinal,
                    segment: leaf.path.strip_prefix("target:/").filter(|_| is_whole).and_then(|index| index.parse().ok()),
                    place,
                    part: leaf.part,
                    span,
                    surface: leaf.surface,
                    value: Bytes::copy_from_slice(value),
                    class: candidate.class,
                    is_named,
                    is_whole,
                });
            }
        });
    }

    fn observe_response(&mut self, step: u32, method: &str, endpoint: &str, response: &Message, first_carried: usize) {
        let Self { issued, sources, carried, .. } = self;
        let own: BTreeSet<&[u8]> = carried[first_carried..].iter().map(|carried| carried.value.as_ref()).collect();
        visit(response, &mut |leaf, _| {
            let is_named = may_be_anything(leaf.path);
            if !may_carry(&leaf) || is_excluded(leaf.path, RESPONSE_ONLY) {
                return;
            }
            for candidate in candidates(&leaf.value).into_iter().filter(|candidate| candidate.class > Class::Any || (is_named && candidate.pick == Pick::Whole))
            {
                let template = leaf.template();
                let suffix = match &candidate.pick {
                    Pick::Whole => String::new(),
                    Pick::Token { index, .. } => format!("[{index}]"),
                    Pick::After { .. } => "[text]".to_owned(),
                };
                let shown = format!("{template}{suffix}");
                let source = sources.number(format!("{method} {endpoint} {shown}"), || Source::new(endpoint, &template, shown));
                let value = &leaf.value[candidate.range];
                issued.push(Issued {
                    step,
                    source,
                    path: leaf.path.to_owned(),
                    pick: candidate.pick,
                    value: Bytes::copy_from_slice(value),
                    class: candidate.class,
                    is_named,
                    is_echo: own.contains(value),
                });
            }
        });
    }

    /// What ties the exchanges.
    pub(crate) fn finish(mut self) -> Links {
        self.promote();
        let events = self.events();
        let mut bound = self.bind_telling(&events);
        let scopes = self.scopes(&bound);
        evidence::bind(&self, &events, &scopes, &mut bound);
        self.links(&bound)
    }

    /// Where most values of a source are drawn, all of them are: by chance, some come out without a digit or with few symbols.
    fn promote(&mut self) {
        let mut sources = vec![(0_u64, 0_u64, 0_u64); self.sources.things.len()];
        for issued in &self.issued {
            let (high, low, all) = &mut sources[issued.source as usize];
            *high += u64::from(issued.class == Class::High);
            *low += u64::from(issued.class == Class::Low);
            *all += 1;
        }
        for issued in self.issued.iter_mut().filter(|issued| issued.class > Class::Any && issued.value.len() >= SHORTEST_DRAWN) {
            let (high, low, all) = sources[issued.source as usize];
            if high * 2 > all {
                issued.class = Class::High;
            } else if (high + low) * 2 > all {
                issued.class = issued.class.max(Class::Low);
            }
        }
    }

    /// What happened in the recording, in order: answers that end when a request begins come before it.
    fn events(&self) -> Vec<Event> {
        let mut events: Vec<_> = (0..)
            .zip(&self.exchanges)
            .flat_map(|(step, exchange)| {
                let asked = Event { at: exchange.start, is_request: true, step };
                [Some(asked), exchange.end.map(|at| Event { at, is_request: false, step })]
            })
            .flatten()
            .collect();
        events.sort_unstable_by_key(|event| (event.at, event.is_request, event.step));
        events
    }

    /// Ties values of many bits to the first answer that held them: for each carried value, the issued one.
    fn bind_telling(&self, events: &[Event]) -> Vec<Option<usize>> {
        let mut bound = vec![None; self.carried.len()];
        let mut owners: BTreeMap<&[u8], Option<usize>> = BTreeMap::new();
        for event in events {
            let exchange = &self.exchanges[event.step as usize];
            if event.is_request {
                let mut whole_leaf = None;
                for index in exchange.carried.clone() {
                    let carried = &self.carried[index];
                    if carried.value.len() < SHORTEST_DRAWN || whole_leaf == Some(carried.leaf) {
                        continue;
                    }
                    // None: the client said it first.
                    bound[index] = *owners.entry(&carried.value).or_insert(None);
                    if carried.is_whole && bound[index].is_some() {
                        whole_leaf = Some(carried.leaf);
                    }
                }
            } else {
                for index in exchange.issued.clone().filter(|index| self.issued[*index].class == Class::High) {
                    owners.entry(&self.issued[index].value).or_insert(Some(index));
                }
            }
        }
        bound
    }

    /// For each session, the identity that it belongs to: sessions that carry the same credential are one.
    fn scopes(&self, bound: &[Option<usize>]) -> BTreeMap<u64, u64> {
        let mut scopes = Scopes::default();
        for (carried, issued) in self.carried.iter().zip(bound) {
            if let Some(issued) = issued
                && self.places.things[carried.place as usize].is_credential
            {
                let (to, from) = (self.session_of(carried.step), self.session_of(self.issued[*issued].step));
                scopes.join(from, to);
            }
        }
        self.exchanges.iter().map(|exchange| (exchange.session, scopes.root(exchange.session))).collect()
    }

    fn session_of(&self, step: u32) -> u64 {
        self.exchanges[step as usize].session
    }

    fn links(&self, bound: &[Option<usize>]) -> Links {
        let mut links = Links::default();
        let mut slots: BTreeMap<usize, u32> = BTreeMap::new();
        let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
        let endpoints = self.endpoints(bound);
        for (carried, issued_index) in self.carried.iter().zip(bound) {
            let Some(issued_index) = *issued_index else { continue };
            let issued = &self.issued[issued_index];
            let source = &self.sources.things[issued.source as usize];
            let slot = *slots.entry(issued_index).or_insert_with(|| {
                let slot = ordinal(links.slots);
                links.slots += 1;
                let stays = match issued.class {
                    Class::High => Stays::Anywhere,
                    _ if source.is_list => Stays::Template(source.template.clone()),
                    _ => Stays::Never,
                };
                let give = Give { slot, path: issued.path.clone(), pick: issued.pick.clone(), recorded: issued.value.clone(), stays };
                links.gives.push((issued.step, give));
                slot
            });
            let label = |step: u32, place: &str| format!("{} {} {place}", self.exchanges[step as usize].method, endpoints[step as usize]);
            let place = &self.places.things[carried.place as usize];
            let name: Arc<str> = format!("{} -> {}", label(issued.step, &source.shown), label(carried.step, &place.template)).into();
            // Most names recur.
            let name = names.get(&name).cloned().unwrap_or_else(|| {
                names.insert(Arc::clone(&name));
                name
            });
            let take = Take { slot, producer: issued.step, part: carried.part, span: carried.span.clone(), surface: carried.surface, name };
            links.takes.push((carried.step, take));
        }
        Links { endpoints, ..links }
    }

    fn endpoints(&self, bound: &[Option<usize>]) -> Vec<String> {
        let mut endpoints: Vec<_> = self.exchanges.iter().map(|exchange| exchange.endpoint.clone()).collect();
        for carried in self.carried.iter().zip(bound).filter(|(_, issued)| issued.is_some()).map(|(carried, _)| carried) {
            let Some(bound_segment) = carried.segment else { continue };
            let endpoint = &mut endpoints[carried.step as usize];
            // Before the first slash there is nothing.
            let segments = endpoint.split('/').enumerate().map(|(position, segment)| if position == bound_segment + 1 { "{}" } else { segment });
            *endpoint = segments.collect::<Vec<_>>().join("/");
        }
        endpoints
    }
}

/// A request began, or an answer ended.
#[derive(Debug, Clone, Copy)]
struct Event {
    at: Timestamp,
    is_request: bool,
    step: u32,
}

/// Sessions that turned out to be one.
#[derive(Default)]
struct Scopes {
    parents: BTreeMap<u64, u64>,
}

impl Scopes {
    fn root(&mut self, session: u64) -> u64 {
        let parent = *self.parents.get(&session).unwrap_or(&session);
        if parent == session {
            return session;
        }
        let root = self.root(parent);
        self.parents.insert(session, root);
        root
    }

    fn join(&mut self, one: u64, other: u64) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents.insert(one.max(other), one.min(other));
    }
}

/// Hands out the leaves of head and body, with the bytes of the part that they stand in.
fn visit(message: &Message, f: &mut dyn FnMut(Leaf<'_>, &[u8])) {
    visit_head(&message.head, &mut |leaf| f(leaf, message.head.raw()));
    // A body that cannot be decoded ties nothing.
    if let Ok(body) = decoded_body(message, MAX_BODY) {
        visit_body(&message.head, &body, &mut |leaf| f(leaf, &body));
    }
}

/// Whether leaves of this kind hold values that a target could issue.
fn may_carry(leaf: &Leaf<'_>) -> bool {
    let names_nothing = matches!(
        leaf.kind,
        LeafKind::JsonKey | LeafKind::JsonBool | LeafKind::JsonNull | LeafKind::Host | LeafKind::UserInfo | LeafKind::CookieAttribute | LeafKind::MultipartFile
    );
    !names_nothing && !leaf.path.starts_with("start:")
}

/// Whether a value in this place ties by the place alone, whatever it looks like.
fn may_be_anything(path: &str) -> bool {
    path.starts_with("cookie:") || path.starts_with("set-cookie:") || path == "header:etag" || evidence::is_condition(path)
}

/// Whether the leaf stands in a header of `names`, or in one that says how a message is carried rather than what it says.
fn is_excluded(path: &str, names: &[&str]) -> bool {
    let Some(header) = path.strip_prefix("header:") else { return false };
    let name = header.split([':', '?', ';', '#']).next().unwrap_or_default();
    CARRIAGE.contains(&name) || names.contains(&name) || name.starts_with("access-control-") || name.starts_with("sec-")
}

fn ordinal(length: usize) -> u32 {
    u32::try_from(length).expect("a recording holds fewer than 2^32 exchanges and values")
}

/// Headers of RFC 9110 to 9112 that frame, negotiate or describe; in lower case.
const CARRIAGE: &[&str] = &[
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "cache-control",
    "date",
    "forwarded",
    "keep-alive",
    "pragma",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];
const REQUEST_ONLY: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "expect",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "origin",
    "range",
    "user-agent",
];
const RESPONSE_ONLY: &[&str] =
    &["accept-ranges", "age", "allow", "alt-svc", "expires", "last-modified", "retry-after", "server", "strict-transport-security", "vary"];
/// Shorter values are never drawn.
const SHORTEST_DRAWN: usize = 6;
const MAX_BODY: usize = 16 << 20;

#[cfg(test)]
mod tests;
