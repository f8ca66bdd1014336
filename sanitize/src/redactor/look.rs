//! The first look at a message: what names and shapes tell.
//!
//! In: a message, and what is on record of it. Out: the leaves in which something was found, what they say, and the words of the others, in which
//! what is known from before may stand. What was found in a JSON container before is not looked for again. Nothing here changes a byte.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use reenact_formats::content::{Container, Entry, Leaf, LeafKind, Surface, Visitor, visit_body, visit_body_with, visit_head};
use reenact_formats::model::{DropReason, Head, Message, Part, Redaction};

use super::fragments::{CONTAINERS, Fragment, Met, Sight, depends_on_itself};
use super::{Redactor, add_renewed, content_of, is_partial, is_password, may_recur, reason_for, reason_to_drop};
use crate::detect::{Around, Beside, Hit, Layers, Place, Verdict, is_plain_key};
use crate::memo;
use crate::owner::Owners;
use crate::plan::{Recorded, Spot};
use crate::policy::Policy;
use crate::pseudonym::Domain;
use crate::recall::each_text;
use crate::recurrence::{Memorable, Recurrences, Words};
use crate::residue::Originals;
use crate::rules::RuleId;

/// What the first look at a message has found.
#[derive(Default)]
pub(super) struct Look {
    /// The body without its content codings; empty if it is to be dropped.
    pub(super) body: Bytes,
    pub(super) drop: Option<DropReason>,
    /// The leaves with hits, and files in a form, which are opaque: no detector speaks of them.
    pub(super) found: Vec<Found>,
    /// The containers whose leaves with hits are known, save for those among `found`, and where they begin in the body.
    pub(super) known: Vec<(Arc<Fragment>, usize)>,
    /// What they say, one after the other.
    pub(super) values: Vec<u8>,
    /// Of the leaves without hits in which what is known from before may stand: those of heads and trailers, and those of the body.
    pub(super) head_words: Words,
    pub(super) words: Words,
}

/// A leaf with hits.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) part: Part,
    pub(super) span: Range<usize>,
    pub(super) kind: LeafKind,
    pub(super) surface: Surface,
    /// Where its value stands among those of all.
    value: Range<usize>,
    pub(super) hits: Vec<Hit>,
    /// The template of its path.
    pub(super) path: Arc<str>,
    /// What it is called and its path, if more may be found in it.
    called: Option<Arc<(Option<String>, String)>>,
    /// Whether what is known from before may stand beside the hits.
    pub(super) recurs: bool,
}

impl Found {
    /// The place of it for another look.
    pub(super) fn place(&self) -> Place<'_> {
        let (name, path) = self.called.as_deref().map_or((None, ""), |(name, path)| (name.as_deref(), path.as_str()));
        Place { kind: self.kind, name, path, beside: None }
    }

    /// Where it stands, with what it says.
    pub(super) fn saying<'v>(&self, values: &'v [u8]) -> Spot<'v> {
        Spot::new(self.part, self.kind, self.span.clone(), self.surface, &values[self.value.clone()])
    }
}

/// What was found in a container, in places that are counted from where it begins.
pub(super) struct Piece {
    /// What is replaced by the same in each such container.
    settled: Box<[Settled]>,
    found: Box<[Found]>,
    values: Box<[u8]>,
    words: Words,
    /// What is to be known again of it, and all of that one after the other.
    learnt: Box<[Learnt]>,
    bares: Box<[u8]>,
}

/// A leaf of which is known what it becomes.
#[derive(Clone)]
pub(super) struct Settled {
    span: Range<u32>,
    pub(super) replacement: Box<[u8]>,
    pub(super) rule: RuleId,
    pub(super) domain: Domain,
    pub(super) path: Arc<str>,
}

impl Settled {
    /// Where it stands, in a container that begins at `start`.
    pub(super) const fn span(&self, start: usize) -> Range<usize> {
        start + self.span.start as usize..start + self.span.end as usize
    }
}

/// A value that is known again wherever it stands.
#[derive(Clone)]
struct Learnt {
    /// Where its leaf begins.
    at: u32,
    /// Where it stands among those of all.
    bare: Range<u32>,
    memorable: Memorable,
    rule: RuleId,
    domain: Domain,
}

impl Piece {
    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        let hits: usize = self.found.iter().flat_map(|found| &found.hits).map(Hit::weight).sum();
        let called: usize =
            self.found.iter().filter_map(|found| found.called.as_deref()).map(|(name, path)| name.as_ref().map_or(0, String::len) + path.len()).sum();
        let replacements: usize = self.settled.iter().map(|settled| settled.replacement.len()).sum();
        size_of_val(&*self.settled)
            + replacements
            + size_of_val(&*self.found)
            + hits
            + called
            + self.values.len()
            + self.words.count() * size_of::<u64>()
            + size_of_val(&*self.learnt)
            + self.bares.len()
    }
}

/// How much was found when a container began.
#[derive(Clone, Copy)]
struct Mark {
    found: usize,
    known: usize,
    words: usize,
}

impl Look {
    fn add(&mut self, leaf: &Leaf<'_>, place: &Place<'_>, hits: Vec<Hit>, path: Arc<str>, recurs: bool) {
        let (start, mut called) = (self.values.len(), None);
        // What a file holds is not looked at.
        if leaf.kind != LeafKind::MultipartFile {
            self.values.extend_from_slice(&leaf.value);
            called = is_partial(&leaf.value, hits.iter()).then(|| Arc::new((place.name.map(str::to_owned), place.path.to_owned())));
        }
        let value = start..self.values.len();
        self.found.push(Found { part: leaf.part, span: leaf.span.clone(), kind: leaf.kind, surface: leaf.surface, value, hits, path, called, recurs });
    }

    const fn mark(&self) -> Mark {
        Mark { found: self.found.len(), known: self.known.len(), words: self.words.count() }
    }

    /// What was found behind `mark`, in the container that begins at `start`; what becomes of it, where that is settled; and what of it is to be known
    /// again.
    fn since(&self, mark: Mark, start: usize, redactor: &Redactor) -> Piece {
        let (mut settled, mut others, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (mut learnt, mut bares) = (Vec::new(), Vec::new());
        let mut add = |bare: &[u8], one: Learnt| {
            let start = bares.len() as u32;
            bares.extend_from_slice(bare);
            learnt.push(Learnt { bare: start..bares.len() as u32, ..one });
        };
        for found in &self.found[mark.found..] {
            let value = &self.values[found.value.clone()];
            let at = (found.span.start - start) as u32;
            each_recurring(&redactor.shared.policy, &found.hits, value, &found.path, &mut |hit, bare, memorable| {
                add(bare, Learnt { at, bare: 0..0, memorable, rule: hit.rule, domain: hit.domain });
            });
            let span = found.span.start - start..found.span.end - start;
            if let Some((hit, replacement)) = redactor.settled(found, value) {
                let span = span.start as u32..span.end as u32;
                let path = Arc::clone(&found.path);
                settled.push(Settled { span, replacement: replacement.into(), rule: hit.rule, domain: hit.domain, path });
            } else {
                let start = values.len();
                values.extend_from_slice(value);
                others.push(Found { span, value: start..values.len(), ..found.clone() });
            }
        }
        // What stands in containers within that were known before it. Of their leaves that are not settled, those are among the found.
        for (fragment, within) in &self.known[mark.known..] {
            let (piece, by) = (fragment.piece(), (within - start) as u32);
            let moved = |span: &Range<u32>| span.start + by..span.end + by;
            settled.extend(piece.settled.iter().map(|settled| Settled { span: moved(&settled.span), ..settled.clone() }));
            let of_settled = piece.learnt.iter().filter(|one| piece.settled.iter().any(|settled| settled.span.start == one.at));
            of_settled.for_each(|one| add(&piece.bares[one.bare.start as usize..one.bare.end as usize], Learnt { at: one.at + by, ..one.clone() }));
        }
        // As they were met: when there is room for no more, it depends on the order what is known again.
        learnt.sort_by_key(|one| one.at);
        Piece {
            settled: settled.into(),
            found: others.into(),
            values: values.into(),
            words: self.words.since(mark.words),
            learnt: learnt.into(),
            bares: bares.into(),
        }
    }

    /// Adds what is found in a container that begins at `start`.
    fn join(&mut self, fragment: Arc<Fragment>, start: usize) {
        let (piece, values) = (fragment.piece(), self.values.len());
        let moved = |range: &Range<usize>, by: usize| range.start + by..range.end + by;
        self.found.extend(piece.found.iter().map(|found| Found { span: moved(&found.span, start), value: moved(&found.value, values), ..found.clone() }));
        self.values.extend_from_slice(&piece.values);
        self.words.join(&piece.words);
        self.known.push((fragment, start));
    }

    /// What is settled, and where it stands in the body.
    pub(super) fn settled(&self) -> impl Iterator<Item = (&Settled, Range<usize>)> {
        self.known.iter().flat_map(|(fragment, start)| fragment.piece().settled.iter().map(|settled| (settled, settled.span(*start))))
    }

    /// Visits the leaves without hits where one of them may hold what is known from before. `f` takes each with the bytes of its part.
    pub(super) fn visit_again(&self, message: &Message, memory: &Recurrences, f: &mut dyn FnMut(&Leaf<'_>, &[u8])) {
        let found = self.found.iter().map(|found| (found.part, found.span.start, found.span.end));
        let mut places: Vec<_> = found.chain(self.settled().map(|(_, span)| (Part::Body, span.start, span.end))).collect();
        places.sort_unstable();
        let mut f = |leaf: &Leaf<'_>, raw: &[u8]| {
            if may_recur(leaf) && places.binary_search(&(leaf.part, leaf.span.start, leaf.span.end)).is_err() {
                f(leaf, raw);
            }
        };
        if memory.may_stand_in(&self.head_words) {
            for head in std::iter::once(&message.head).chain(&message.trailers) {
                visit_head(head, &mut |leaf| f(&leaf, head.raw()));
            }
        }
        if self.drop.is_none() && memory.may_stand_in(&self.words) {
            let mut again = Again { known: &self.known, memory, f: &mut |leaf| f(leaf, &self.body) };
            visit_body_with(&message.head, &self.body, &mut again);
        }
    }

    /// The login names of the passwords that were found.
    pub(super) fn logins(&self, message: &Message) -> Owners {
        let passwords = self.places_of(is_password);
        if passwords.is_empty() { Owners::default() } else { Owners::of_passwords(&passwords, |f| self.visit(message, f)) }
    }

    /// The subjects of the dates that were found, if the policy names where they stand.
    pub(super) fn subjects(&self, message: &Message, subjects: &BTreeSet<String>) -> Owners {
        let dates = if subjects.is_empty() { Vec::new() } else { self.places_of(|hit| hit.domain == Domain::BirthDate) };
        if dates.is_empty() { Owners::default() } else { Owners::of_dates(&dates, subjects, |f| self.visit(message, f)) }
    }

    fn places_of(&self, is_asked: fn(&Hit) -> bool) -> Vec<(Part, usize)> {
        let asked = self.found.iter().filter(|found| found.hits.iter().any(is_asked));
        asked.map(|found| (found.part, found.span.start)).collect()
    }

    fn visit(&self, message: &Message, f: &mut dyn FnMut(&Leaf<'_>)) {
        visit_head(&message.head, &mut |leaf| f(&leaf));
        if self.drop.is_none() {
            visit_body(&message.head, &self.body, &mut |leaf| f(&leaf));
        }
    }
}

/// Looks at one part of a message after the other.
pub(super) struct Looking<'a> {
    redactor: &'a Redactor,
    recorded: &'a Recorded,
    /// The pseudonyms of another key.
    renewed: &'a [Redaction],
    /// What is known on the connection; none of a live answer.
    memory: Option<&'a mut Recurrences>,
    originals: &'a mut Originals,
    asks_of_words: bool,
    look: Look,
}

impl<'a> Looking<'a> {
    pub(super) fn new(
        redactor: &'a Redactor,
        (recorded, renewed): (&'a Recorded, &'a [Redaction]),
        memory: Option<&'a mut Recurrences>,
        originals: &'a mut Originals,
    ) -> Self {
        // Half of the leaves of a JSON text are its members' names, and nearly all of these are words, of which the rules ask nothing.
        let asks_of_words = redactor.known_values.is_some() || !redactor.shared.policy.locations().is_empty() || !renewed.is_empty();
        Self { redactor, recorded, renewed, memory, originals, asks_of_words, look: Look::default() }
    }

    /// A head, or trailers.
    pub(super) fn head(&mut self, head: &Head) {
        let beside = self.redactor.shared.detector.beside(Around::Head(head));
        visit_head(head, &mut |leaf| self.leaf(&leaf, head.raw(), &beside));
    }

    /// The body, after which there is nothing.
    pub(super) fn body(mut self, message: &Message) -> Look {
        self.look.head_words = std::mem::take(&mut self.look.words);
        let (body, drop) = match content_of(message) {
            Ok(body) => {
                let beside = self.redactor.shared.detector.beside(Around::Body(&message.head, &body));
                let mut looking = InBody { looking: &mut self, body: &body, beside: &beside, depth: 0, keeping: None };
                let visited = visit_body_with(&message.head, &body, &mut looking);
                (body, reason_to_drop(visited, message))
            }
            Err(error) => (Bytes::new(), Some(reason_for(error, message))),
        };
        Look { body, drop, ..self.look }
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, raw: &[u8], beside: &Beside<'_>) {
        if !self.asks_of_words && is_plain_key(leaf) {
            return;
        }
        let Verdict { mut hits, layers } = self.redactor.first_look(leaf, raw, beside, self.recorded);
        if !self.renewed.is_empty() {
            add_renewed(self.redactor.rules(), &Spot::of(leaf), raw, self.renewed, &mut hits);
        }
        let recurs = self.memory.is_some() && may_recur(leaf);
        if hits.is_empty() && leaf.kind != LeafKind::MultipartFile {
            match layers {
                _ if !recurs => {}
                Layers::None => self.look.words.add(&leaf.value),
                Layers::Some => each_text(&leaf.value, &mut |text| self.look.words.add(text)),
            }
            return;
        }
        let path = memo::template(leaf);
        self.learn(&hits, &leaf.value, &path);
        self.look.add(leaf, &Place::of(leaf, beside), hits, path, recurs);
    }

    fn learn(&mut self, hits: &[Hit], value: &[u8], path: &str) {
        // Only what a recording replaced must not be in it again; a live answer's values are no originals of it.
        let Some(memory) = self.memory.as_deref_mut() else { return };
        each_recurring(&self.redactor.shared.policy, hits, value, path, &mut |hit, bare, memorable| {
            memory.learn(bare, memorable, hit.domain);
            self.originals.learn(bare, hit.rule, hit.domain);
        });
    }

    /// Takes what was found in a container before for what is in the one that begins at `start`.
    fn know(&mut self, fragment: Arc<Fragment>, start: usize) {
        let piece = fragment.piece();
        let are_new = self.originals.meets(fragment.print());
        for Learnt { bare, memorable, rule, domain, .. } in &piece.learnt {
            let bare = &piece.bares[bare.start as usize..bare.end as usize];
            if let Some(memory) = self.memory.as_deref_mut() {
                memory.learn(bare, *memorable, *domain);
            }
            if are_new {
                self.originals.learn(bare, *rule, *domain);
            }
        }
        self.look.join(fragment, start);
    }
}

/// Hands out each bare value of a leaf that is to be known again.
fn each_recurring(policy: &Policy, hits: &[Hit], value: &[u8], path: &str, f: &mut dyn FnMut(&Hit, &[u8], Memorable)) {
    for hit in hits {
        hit.each_bare(value, &mut |hit, bare| {
            if let Some(memorable) = Memorable::of(bare, hit.rule).filter(|_| policy.recurs(hit.rule, hit.domain, path, bare)) {
                f(hit, bare, memorable);
            }
        });
    }
}

/// Looks at a body.
struct InBody<'l, 'a> {
    looking: &'l mut Looking<'a>,
    body: &'l [u8],
    beside: &'l Beside<'l>,
    /// In how many containers that were asked of.
    depth: usize,
    keeping: Option<Keeping>,
}

/// A container that is to be kept once all of it was looked at.
struct Keeping {
    depth: usize,
    mark: Mark,
    span: Range<usize>,
    met: Met,
}

impl Visitor for InBody<'_, '_> {
    fn leaf(&mut self, leaf: Leaf<'_>) {
        self.looking.leaf(&leaf, self.body, self.beside);
    }

    fn containers(&self) -> Range<usize> {
        // What is on record makes each place another one.
        let Looking { redactor, recorded, renewed, memory, .. } = &self.looking;
        let is_new = memory.is_some() && renewed.is_empty() && recorded.part(Part::Body).is_empty();
        // Whoever asks why is told of each value.
        if is_new && redactor.told.is_none() { CONTAINERS } else { 0..0 }
    }

    fn enter(&mut self, container: &Container<'_>) -> Entry {
        if self.depth < MAX_TRIES && depends_on_itself(container) {
            match self.looking.redactor.fragments.sight(container) {
                Sight::Known(fragment) => {
                    self.looking.know(fragment, container.start);
                    return Entry::Pass;
                }
                Sight::Again(met) if self.keeping.is_none() => {
                    let span = container.start..container.start + container.raw.len();
                    self.keeping = Some(Keeping { depth: self.depth, mark: self.looking.look.mark(), span, met });
                }
                Sight::Again(_) | Sight::First => {}
            }
        }
        self.depth += 1;
        Entry::Visit
    }

    fn leave(&mut self) {
        self.depth -= 1;
        if let Some(Keeping { mark, span, met, .. }) = self.keeping.take_if(|keeping| keeping.depth == self.depth) {
            let piece = self.looking.look.since(mark, span.start, self.looking.redactor);
            self.looking.redactor.fragments.keep(met, &self.body[span], piece);
        }
    }
}

/// Looks at a body once more, for what is known from before.
struct Again<'l> {
    /// Those to come.
    known: &'l [(Arc<Fragment>, usize)],
    memory: &'l Recurrences,
    f: &'l mut dyn FnMut(&Leaf<'_>),
}

impl Visitor for Again<'_> {
    fn leaf(&mut self, leaf: Leaf<'_>) {
        (self.f)(&leaf);
    }

    fn containers(&self) -> Range<usize> {
        if self.known.is_empty() { 0..0 } else { CONTAINERS }
    }

    fn enter(&mut self, container: &Container<'_>) -> Entry {
        match self.known {
            [(fragment, start), rest @ ..] if *start == container.start => {
                self.known = rest;
                if self.memory.may_stand_in(&fragment.piece().words) { Entry::Visit } else { Entry::Pass }
            }
            _ => Entry::Visit,
        }
    }
}

/// In so many containers that are not known, those within are asked of.
const MAX_TRIES: usize = 4;
