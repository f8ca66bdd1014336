//! The plan for one message: what is replaced where, then done at once.
//!
//! In: leaves and what is to stand in place of pieces of them, and the redactions that were recorded before. Out: the message
//! rewritten, and all redactions in the coordinates of what it is now.

use std::ops::Range;
use std::sync::Arc;

use crate::rules::{RuleId, Rules};
use reenact_formats::content::{Edit, Edits, Leaf, rewrite_decoded};
use reenact_formats::model::{Action, Completeness, DropReason, Message, Part, Redaction, Side};

use crate::detect::{Hit, within};
use crate::redactor::bare_head;

/// The spans of one part that were redacted before.
pub(crate) struct Spans(Vec<Range<usize>>);

impl Spans {
    pub(crate) fn of(redactions: &[Redaction], part: Part) -> Self {
        let mut spans: Vec<Range<usize>> =
            redactions.iter().filter(|redaction| redaction.part == part).filter_map(span_of).filter(|span| !span.is_empty()).collect();
        spans.sort_by_key(|span| span.start);
        Self(spans)
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

fn span_of(redaction: &Redaction) -> Option<Range<usize>> {
    Some(usize::try_from(redaction.span.start).ok()?..usize::try_from(redaction.span.end).ok()?)
}

/// A span of a leaf's value as a span of the part's raw bytes.
pub(crate) fn placed_in(leaf: &Leaf<'_>, raw: &[u8], span: &Range<usize>) -> Range<usize> {
    if *span == (0..leaf.value.len()) {
        return leaf.span.clone();
    }
    let raw = &raw[leaf.span.clone()];
    let offsets = (raw != leaf.value.as_ref()).then(|| leaf.surface.offsets(raw));
    within(span, leaf.span.start, offsets.as_deref())
}

/// What is to be done to a message.
pub(crate) struct Plan {
    rules: Arc<Rules>,
    side: Side,
    recorded: Vec<Redaction>,
    items: Vec<Item>,
    notes: Vec<Redaction>,
    recodes: bool,
}

struct Item {
    /// Where in the part as it was.
    span: Range<usize>,
    /// `None`: it stays.
    replacement: Option<Vec<u8>>,
    redaction: Redaction,
}

/// What was done: what was new, and what was on record before.
pub(crate) struct Redactions {
    pub(crate) made: Vec<Redaction>,
    earlier: Vec<Redaction>,
}

impl Redactions {
    /// All of them, in the order of the bytes.
    pub(crate) fn all(self) -> Vec<Redaction> {
        let mut all = self.earlier;
        all.extend(self.made);
        all.sort_by_key(|redaction| (redaction.part, redaction.span.start));
        all
    }
}

impl Plan {
    pub(crate) fn new(rules: &Arc<Rules>, side: Side, recorded: Vec<Redaction>) -> Self {
        Self { rules: Arc::clone(rules), side, recorded, items: Vec::new(), notes: Vec::new(), recodes: false }
    }

    pub(crate) fn recorded_in(&self, part: Part) -> Spans {
        Spans::of(&self.recorded, part)
    }

    pub(crate) fn replace(&mut self, leaf: &Leaf<'_>, span: Range<usize>, replacement: Vec<u8>, rule: RuleId, domain: &str, action: Action) {
        let redaction = self.redaction(leaf.part, rule, domain, action, leaf.template());
        self.items.push(Item { span, replacement: Some(replacement), redaction });
    }

    /// The policy keeps it.
    pub(crate) fn keep(&mut self, leaf: &Leaf<'_>, span: Range<usize>, rule: RuleId, domain: &str) {
        let redaction = self.redaction(leaf.part, rule, domain, Action::Keep, leaf.template());
        self.items.push(Item { span, replacement: None, redaction });
    }

    /// It is a pseudonym already.
    pub(crate) fn stays(&mut self, leaf: &Leaf<'_>, span: Range<usize>, rule: RuleId, domain: &str) {
        let redaction = self.redaction(leaf.part, rule, domain, Action::Pseudonym, leaf.template());
        self.items.push(Item { span, replacement: None, redaction });
    }

    /// Something was done that has no place.
    pub(crate) fn note(&mut self, part: Part, rule: RuleId, action: Action, path: &str) {
        let note = self.redaction(part, rule, "", action, path.to_owned());
        self.notes.push(note);
    }

    /// The body's coding carries more than its content: it is encoded anew, edited or not.
    pub(crate) fn recode(&mut self) {
        self.recodes = true;
    }

    /// The body is gone, and with it what was recorded in it.
    pub(crate) fn forget_body(&mut self) {
        self.items.retain(|item| item.redaction.part != Part::Body);
        self.recorded.retain(|redaction| redaction.part != Part::Body);
    }

    pub(crate) fn changes_body(&self) -> bool {
        self.recodes || self.items.iter().any(|item| item.redaction.part == Part::Body && item.replacement.is_some())
    }

    /// Takes out the header lines that hold digests of the body as it was: they would no longer be right, and would tell of it.
    pub(crate) fn remove_digests(&mut self, message: &Message) {
        for (part, head) in [(Part::Head, Some(&message.head)), (Part::Trailers, message.trailers.as_ref())] {
            let Some(head) = head else { continue };
            for header in head.headers().filter(|header| DIGESTS.iter().any(|name| header.is(name))) {
                let end = header.value_span().end;
                let line = header.name_start..memchr::memchr(b'\n', &head.raw()[end..]).map_or(head.raw().len(), |newline| end + newline + 1);
                self.items.retain(|item| item.redaction.part != part || item.span.end <= line.start || item.span.start >= line.end);
                let path = format!("header:{}", String::from_utf8_lossy(header.name).to_lowercase());
                let redaction = self.redaction(part, RuleId::BODY_DIGEST, "", Action::Drop, path);
                self.items.push(Item { span: line, replacement: Some(Vec::new()), redaction });
            }
        }
    }

    fn redaction(&self, part: Part, rule: RuleId, domain: &str, action: Action, path: String) -> Redaction {
        Redaction { side: self.side, part, span: 0..0, rule: self.rules.word(rule).to_owned(), domain: domain.to_owned(), action, path }
    }

    /// Does it. Where the message cannot be rewritten, the body is dropped; where the head cannot, all of it is.
    pub(crate) fn carry_out(mut self, message: &mut Message, body: &[u8]) -> Redactions {
        if let Some(done) = self.try_out(message, body) {
            return done;
        }
        let seen_whole = message.body.completeness.was_seen_whole();
        message.body.slices.clear();
        message.body.completeness = Completeness::Dropped { reason: DropReason::Undecodable, seen_whole };
        self.forget_body();
        self.note(Part::Body, RuleId::OPAQUE_BODY, Action::Drop, "body:");
        if let Some(done) = self.try_out(message, &[]) {
            return done;
        }
        message.head = bare_head(&message.head);
        message.trailers = None;
        self.note(Part::Head, RuleId::OPAQUE_BODY, Action::Drop, "head:");
        self.recorded.retain(|redaction| redaction.span.is_empty());
        Redactions { made: self.notes, earlier: self.recorded }
    }

    fn try_out(&self, message: &mut Message, body: &[u8]) -> Option<Redactions> {
        let (mut edits, mut owners) = (Edits::default(), Vec::new());
        for (part, raw) in [
            (Part::Head, message.head.raw().as_ref()),
            (Part::Body, body),
            (Part::Trailers, message.trailers.as_ref().map_or(&[][..], |trailers| trailers.raw())),
        ] {
            let items = self.items_in(part);
            let list = match part {
                Part::Head => &mut edits.head,
                Part::Body => &mut edits.body,
                _ => &mut edits.trailers,
            };
            let recodes = self.recodes && part == Part::Body && !body.is_empty();
            let changes = recodes || items.iter().any(|item| item.replacement.is_some());
            if recodes {
                list.push(Edit { span: 0..0, replacement: Vec::new() });
            }
            for item in items {
                let stays = || raw.get(item.span.clone()).map(<[u8]>::to_vec);
                if changes {
                    list.push(Edit { span: item.span.clone(), replacement: item.replacement.map(<[u8]>::to_vec).or_else(stays)? });
                }
                owners.push((part, changes, item));
            }
        }
        let placed = rewrite_decoded(message, body, edits).ok()?;
        let mut places = [placed.head.into_iter(), placed.body.into_iter(), placed.trailers.into_iter()];
        if self.recodes && !body.is_empty() {
            places[1].next()?;
        }
        let (mut made, mut earlier) = (self.notes.clone(), Vec::new());
        for (part, changes, item) in owners {
            let place = match part {
                Part::Head => &mut places[0],
                Part::Body => &mut places[1],
                _ => &mut places[2],
            };
            let span = if changes { place.next()? } else { item.span.clone() };
            let redaction = Redaction { span: span.start as u64..span.end as u64, ..item.redaction.clone() };
            if item.is_earlier { earlier.push(redaction) } else { made.push(redaction) }
        }
        earlier.extend(self.recorded.iter().filter(|redaction| redaction.span.is_empty()).cloned());
        Some(Redactions { made, earlier })
    }

    /// The items of a part and what was recorded in it, in order and apart: what overlaps an earlier one is left to it.
    fn items_in(&self, part: Part) -> Vec<ItemView<'_>> {
        let new = self.items.iter().map(|item| ItemView {
            span: item.span.clone(),
            replacement: item.replacement.as_deref(),
            redaction: &item.redaction,
            is_earlier: false,
        });
        let earlier = self
            .recorded
            .iter()
            .filter(|redaction| !redaction.span.is_empty())
            .filter_map(|redaction| Some(ItemView { span: span_of(redaction)?, replacement: None, redaction, is_earlier: true }));
        let mut items: Vec<ItemView<'_>> = new.chain(earlier).filter(|item| item.redaction.part == part).collect();
        items.sort_by_key(|item| (item.span.start, item.span.end));
        let mut end = 0;
        items.retain_mut(|item| {
            item.span.start = item.span.start.max(end);
            end = end.max(item.span.end);
            item.span.start < item.span.end
        });
        items
    }
}

struct ItemView<'p> {
    span: Range<usize>,
    replacement: Option<&'p [u8]>,
    redaction: &'p Redaction,
    is_earlier: bool,
}

/// RFC 1864, RFC 3230, RFC 9530.
const DIGESTS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];
