//! The plan for one message: what is replaced where, then done at once.
//!
//! In: leaves and what is to stand in place of pieces of them, and the redactions that were recorded before. Out: the message
//! rewritten, and all redactions in the coordinates of what it is now.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use reenact_formats::content::{Edit, Edits, Leaf, LeafKind, Placed, Surface, apply, encoded_body, rewrite_decoded};
use reenact_formats::model::{Action, Completeness, DropReason, Header, Message, Part, Redaction, Side};

use crate::detect::{Hit, within};
use crate::digest;
use crate::pseudonym::{Answer, Domain};
use crate::redactor::bare_head;
use crate::rules::{RuleId, Rules};

/// The spans of one part that were redacted before.
#[derive(Default)]
pub(crate) struct Spans(Vec<Range<usize>>);

impl Spans {
    pub(crate) fn of<'r>(redactions: impl IntoIterator<Item = &'r Redaction>, part: Part) -> Self {
        let in_part = redactions.into_iter().filter(|redaction| redaction.part == part);
        let mut spans: Vec<Range<usize>> = in_part.filter_map(span_of).filter(|span| !span.is_empty()).collect();
        spans.sort_by_key(|span| span.start);
        Self(spans)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has all of `span`.
    pub(crate) fn cover(&self, span: &Range<usize>) -> bool {
        let after = self.0.partition_point(|recorded| recorded.end <= span.start);
        self.0.get(after).is_some_and(|recorded| recorded.start <= span.start && span.end <= recorded.end)
    }

    /// Whether one of them has a byte in common with `span`, where a hit stands. What a hit has left of another one also counts if one of them
    /// begins or ends where it does: that one has taken the rest.
    pub(crate) fn account_for(&self, hit: &Hit, span: &Range<usize>) -> bool {
        let reach = usize::from(hit.is_rest);
        self.touch(&(span.start.saturating_sub(reach)..span.end + reach))
    }

    /// Whether one of them has a byte in common with `span`.
    pub(crate) fn touch(&self, span: &Range<usize>) -> bool {
        let after = self.0.partition_point(|recorded| recorded.end <= span.start);
        self.0.get(after).is_some_and(|recorded| recorded.start < span.end)
    }
}

/// The spans of all parts.
pub(crate) struct Recorded {
    head: Spans,
    body: Spans,
    trailers: Spans,
}

impl Recorded {
    pub(crate) fn of<'r>(redactions: impl IntoIterator<Item = &'r Redaction, IntoIter: Clone>) -> Self {
        let redactions = redactions.into_iter();
        let of = |part| Spans::of(redactions.clone(), part);
        Self { head: of(Part::Head), body: of(Part::Body), trailers: of(Part::Trailers) }
    }

    pub(crate) const fn part(&self, part: Part) -> &Spans {
        match part {
            Part::Head => &self.head,
            Part::Body => &self.body,
            _ => &self.trailers,
        }
    }
}

fn span_of(redaction: &Redaction) -> Option<Range<usize>> {
    Some(usize::try_from(redaction.span.start).ok()?..usize::try_from(redaction.span.end).ok()?)
}

/// What is left of a leaf when its visit is over: where it stands and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Spot<'v> {
    pub(crate) part: Part,
    pub(crate) kind: LeafKind,
    pub(crate) span: Range<usize>,
    pub(crate) surface: Surface,
    pub(crate) value: &'v [u8],
    /// For each byte of the value where in the part it stands, once that was asked for; nothing where they are the same bytes.
    offsets: OnceCell<Option<Vec<usize>>>,
}

impl<'v> Spot<'v> {
    pub(crate) fn of(leaf: &'v Leaf<'_>) -> Self {
        Self::new(leaf.part, leaf.kind, leaf.span.clone(), leaf.surface, &leaf.value)
    }

    pub(crate) const fn new(part: Part, kind: LeafKind, span: Range<usize>, surface: Surface, value: &'v [u8]) -> Self {
        Self { part, kind, span, surface, value, offsets: OnceCell::new() }
    }

    /// A span of the value as a span of the part's raw bytes.
    pub(crate) fn placed(&self, raw: &[u8], span: &Range<usize>) -> Range<usize> {
        if *span == (0..self.value.len()) {
            return self.span.clone();
        }
        let offsets = self.offsets.get_or_init(|| {
            let raw = &raw[self.span.clone()];
            (raw != self.value).then(|| self.surface.offsets(raw))
        });
        within(span, self.span.start, offsets.as_deref())
    }
}

/// What is to be done to a message.
pub(crate) struct Plan {
    pub(crate) side: Side,
    /// It is a live answer's: pseudonyms that are known stay.
    pub(crate) is_live: bool,
    /// What the recorded answer says of a password in it.
    pub(crate) answer: Answer,
    recorded: Vec<Redaction>,
    items: Vec<Item>,
    notes: Vec<Note>,
    recodes: bool,
    renews_digests: bool,
}

struct Item {
    part: Part,
    /// Where in the part as it was.
    span: Range<usize>,
    /// `None`: it stays.
    replacement: Option<Vec<u8>>,
    cause: Cause,
}

/// Something that is done and has no place.
struct Note {
    part: Part,
    rule: RuleId,
    action: Action,
    path: Arc<str>,
}

/// Why something is done, or was.
enum Cause {
    Hit { rule: RuleId, domain: Option<Domain>, action: Action, path: Arc<str> },
    Earlier(Redaction),
}

impl Plan {
    pub(crate) const fn new(side: Side, recorded: Vec<Redaction>, is_live: bool, answer: Answer) -> Self {
        Self { side, is_live, answer, recorded, items: Vec::new(), notes: Vec::new(), recodes: false, renews_digests: false }
    }

    /// Puts something else in place of a span of a part; where there is nothing else, what stands there stays.
    pub(crate) fn add(
        &mut self,
        part: Part,
        span: Range<usize>,
        replacement: Option<Vec<u8>>,
        (rule, domain): (RuleId, Option<Domain>),
        action: Action,
        path: &Arc<str>,
    ) {
        self.items.push(Item { part, span, replacement, cause: Cause::Hit { rule, domain, action, path: Arc::clone(path) } });
    }

    /// Something was done that has no place.
    pub(crate) fn note(&mut self, part: Part, rule: RuleId, action: Action, path: impl Into<Arc<str>>) {
        self.notes.push(Note { part, rule, action, path: path.into() });
    }

    /// The body's coding carries more than its content: it is encoded anew, edited or not.
    pub(crate) fn recode(&mut self) {
        self.recodes = true;
    }

    /// The body is gone, and with it what was recorded in it.
    pub(crate) fn forget_body(&mut self) {
        self.items.retain(|item| item.part != Part::Body);
        self.recorded.retain(|redaction| redaction.part != Part::Body);
    }

    /// Whether anything becomes something else.
    pub(crate) fn changes(&self) -> bool {
        self.recodes || self.items.iter().any(|item| item.replacement.is_some())
    }

    /// Whether something else comes in place of a byte of `span`.
    pub(crate) fn replaces(&self, part: Part, span: &Range<usize>) -> bool {
        self.items.iter().any(|item| item.part == part && item.replacement.is_some() && item.span.start < span.end && span.start < item.span.end)
    }

    /// Whether it was noted before that one of these rules was at work there.
    pub(crate) fn is_on_record(&self, part: Part, path: &str, rules: &[&str]) -> bool {
        let is_it = |redaction: &Redaction| redaction.part == part && redaction.path == path && rules.contains(&redaction.rule.as_str());
        self.recorded.iter().any(|redaction| redaction.span.is_empty() && is_it(redaction))
    }

    pub(crate) fn changes_body(&self) -> bool {
        self.recodes || self.items.iter().any(|item| item.part == Part::Body && item.replacement.is_some())
    }

    /// The digests of the body are to be those of the body as it will be.
    pub(crate) fn renew_digests(&mut self) {
        self.renews_digests = true;
    }

    /// Takes out the header lines that hold digests of the body as it was: they would no longer be right, and would tell of it.
    pub(crate) fn remove_digests(&mut self, message: &Message) {
        for DigestLine { part, line, path, .. } in digest_lines(message) {
            self.items.retain(|item| item.part != part || item.span.end <= line.start || item.span.start >= line.end);
            self.add(part, line, Some(Vec::new()), (RuleId::BODY_DIGEST, None), Action::Drop, &path);
        }
    }

    /// Does it, and tells each rule of what was new. Where the message cannot be rewritten, the body is dropped; where the head cannot,
    /// all of it is.
    pub(crate) fn carry_out(mut self, message: &mut Message, body: &[u8], rules: &Rules, made: &mut dyn FnMut(RuleId)) -> Vec<Redaction> {
        let mut items = self.laid_out();
        if self.renews_digests {
            for (part, path) in renew_digests(&mut items, message, body) {
                self.note(part, RuleId::UNVERIFIABLE, Action::Drop, path);
            }
        }
        let recoding = (self.recodes && !body.is_empty()).then(|| Edit { span: 0..0, replacement: Vec::new() });
        let changes_body = recoding.is_some() || changes(&items, Part::Body);
        let in_body = edits_of(&mut items, Part::Body, body, changes_body);
        // A body of another length makes the head another one, too.
        let changes_head = changes_body || changes(&items, Part::Head);
        let changes_trailers = changes(&items, Part::Trailers);
        let (Some(head), Some(trailers)) = (
            edits_of(&mut items, Part::Head, message.head.raw(), changes_head),
            edits_of(&mut items, Part::Trailers, message.trailers.as_ref().map_or(&[], |trailers| trailers.raw()), changes_trailers),
        ) else {
            return self.give_up(message, rules, made);
        };
        let mut edits = Edits { head, body: Vec::new(), trailers };
        if let Some(in_body) = in_body {
            edits.body = recoding.into_iter().chain(in_body).collect();
            if let Ok(placed) = rewrite_decoded(message, body, &edits) {
                return self.done(items, &placed, rules, made);
            }
        }
        drop_body(message);
        self.forget_body();
        items.retain(|item| item.part != Part::Body);
        self.note(Part::Body, RuleId::OPAQUE_BODY, Action::Drop, "body:");
        edits.body.clear();
        match rewrite_decoded(message, &[], &edits) {
            Ok(placed) => self.done(items, &placed, rules, made),
            Err(_) => self.give_up(message, rules, made),
        }
    }

    fn give_up(mut self, message: &mut Message, rules: &Rules, made: &mut dyn FnMut(RuleId)) -> Vec<Redaction> {
        if !matches!(message.body.completeness, Completeness::Dropped { .. }) {
            drop_body(message);
            self.forget_body();
            self.note(Part::Body, RuleId::OPAQUE_BODY, Action::Drop, "body:");
        }
        message.head = bare_head(&message.head);
        message.trailers = None;
        self.note(Part::Head, RuleId::OPAQUE_BODY, Action::Drop, "head:");
        self.done(Vec::new(), &Placed::default(), rules, made)
    }

    /// All redactions, in the order of the bytes.
    fn done(self, items: Vec<Item>, placed: &Placed, rules: &Rules, made: &mut dyn FnMut(RuleId)) -> Vec<Redaction> {
        let mut all: Vec<Redaction> = Vec::with_capacity(items.len() + self.recorded.len() + self.notes.len());
        all.extend(self.recorded.into_iter().filter(|redaction| redaction.span.is_empty()));
        let mut of = |part, span: Range<usize>, rule, domain: &str, action, path: &str| {
            made(rule);
            let span = span.start as u64..span.end as u64;
            Redaction { side: self.side, part, span, rule: rules.word(rule).to_owned(), domain: domain.to_owned(), action, path: path.to_owned() }
        };
        all.extend(self.notes.into_iter().map(|note| of(note.part, 0..0, note.rule, "", note.action, &note.path)));
        // A recoding stands first among the edits of a body, and is no item.
        let mut places = [placed.head.iter(), placed.body[usize::from(self.recodes && !placed.body.is_empty())..].iter(), placed.trailers.iter()];
        for item in items {
            let place = match item.part {
                Part::Head => places[0].next(),
                Part::Body => places[1].next(),
                _ => places[2].next(),
            };
            // A part that nothing was edited in is what it was.
            let span = place.unwrap_or(&item.span).clone();
            all.push(match item.cause {
                Cause::Hit { rule, domain, action, path } => of(item.part, span, rule, domain.map_or("", Domain::word), action, &path),
                Cause::Earlier(redaction) => Redaction { span: span.start as u64..span.end as u64, ..redaction },
            });
        }
        all.sort_by_key(|redaction| (redaction.part, redaction.span.start));
        all
    }

    /// The items and what was recorded, in order and apart: what overlaps an earlier one is left to it.
    fn laid_out(&mut self) -> Vec<Item> {
        let mut items = std::mem::take(&mut self.items);
        let (placed, rest) = std::mem::take(&mut self.recorded).into_iter().partition(|redaction| !redaction.span.is_empty());
        self.recorded = rest;
        items.extend(
            Vec::into_iter(placed)
                .filter_map(|redaction| Some(Item { part: redaction.part, span: span_of(&redaction)?, replacement: None, cause: Cause::Earlier(redaction) })),
        );
        items.sort_by_key(|item| (item.part, item.span.start, item.span.end));
        let (mut part, mut end) = (Part::Head, 0);
        items.retain_mut(|item| {
            if item.part != part {
                (part, end) = (item.part, 0);
            }
            item.span.start = item.span.start.max(end);
            end = end.max(item.span.end);
            item.span.start < item.span.end
        });
        items
    }
}

fn changes(items: &[Item], part: Part) -> bool {
    items.iter().any(|item| item.part == part && item.replacement.is_some())
}

/// The edits to a part, one for each item in it, if it `changes` at all. `None` if one of them stands beyond its end.
fn edits_of(items: &mut [Item], part: Part, raw: &[u8], changes: bool) -> Option<Vec<Edit>> {
    let edits = items.iter_mut().filter(|item| changes && item.part == part).map(|item| {
        let stays = || raw.get(item.span.clone()).map(<[u8]>::to_vec);
        Some(Edit { span: item.span.clone(), replacement: item.replacement.take().or_else(stays)? })
    });
    edits.collect()
}

/// A line of a head or of trailers that holds digests of the body.
struct DigestLine<'m> {
    part: Part,
    header: Header<'m>,
    /// All of it, with its end.
    line: Range<usize>,
    path: Arc<str>,
}

fn digest_lines(message: &Message) -> impl Iterator<Item = DigestLine<'_>> {
    let heads = std::iter::once((Part::Head, &message.head)).chain(message.trailers.iter().map(|trailers| (Part::Trailers, trailers)));
    heads.flat_map(|(part, head)| {
        head.headers().filter(digest::is_one).map(move |header| {
            let end = header.value_span().end;
            let line = header.name_start..memchr::memchr(b'\n', &head.raw()[end..]).map_or(head.raw().len(), |newline| end + newline + 1);
            let path = format!("header:{}", String::from_utf8_lossy(header.name).to_lowercase()).into();
            DigestLine { part, header, line, path }
        })
    })
}

/// Puts the digest of the body as it will be in place of each that is there. Those that cannot be made go with their lines; where they stood is what
/// comes out.
fn renew_digests(items: &mut Vec<Item>, message: &Message, body: &[u8]) -> Vec<(Part, Arc<str>)> {
    let mut lines = digest_lines(message).peekable();
    if lines.peek().is_none() {
        return Vec::new();
    }
    let mut gone = Vec::new();
    let edits = items.iter().filter(|item| item.part == Part::Body).map(|item| {
        let replacement = item.replacement.clone().or_else(|| body.get(item.span.clone()).map(<[u8]>::to_vec));
        Edit { span: item.span.clone(), replacement: replacement.unwrap_or_default() }
    });
    let edits: Vec<Edit> = edits.collect();
    let encoded = apply(body, &edits).and_then(|content| encoded_body(message, content)).ok();
    for DigestLine { part, header, line, path } in lines {
        items.retain(|item| item.part != part || item.span.end <= line.start || item.span.start >= line.end);
        let (span, replacement, action) = match encoded.as_deref().and_then(|body| digest::renewed(header.name, header.value, body)) {
            Some(made) => (header.value_span(), made.into_bytes(), Action::Pseudonym),
            None => {
                gone.push((part, Arc::clone(&path)));
                (line, Vec::new(), Action::Drop)
            }
        };
        let cause = Cause::Hit { rule: RuleId::BODY_DIGEST, domain: None, action, path };
        items.push(Item { part, span, replacement: Some(replacement), cause });
    }
    items.sort_by_key(|item| (item.part, item.span.start, item.span.end));
    gone
}

fn drop_body(message: &mut Message) {
    let seen_whole = message.body.completeness.was_seen_whole();
    message.body.slices.clear();
    message.body.completeness = Completeness::Dropped { reason: DropReason::Undecodable, seen_whole };
}
