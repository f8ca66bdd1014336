//! Knows values again that are known from elsewhere: what was redacted before, and what a list names.
//!
//! In: a value, and who knows. Out: hits in the value, also under what it wears and in the texts that it holds. What is known, and
//! by what, is for whoever is asked; nothing here keeps a value.

use std::ops::Range;

use reenact_formats::content::{Leaf, LeafKind, visit_nested};

use crate::detect::{Hit, apart, look_within, within};

/// Adds to the hits where what it knows stands in a bare text.
pub(crate) type Ask<'a> = &'a dyn Fn(&[u8], &mut Vec<Hit>);

/// Where what is known stands in `value`, and under what it wears.
pub(crate) fn recall(ask: Ask<'_>, value: &[u8]) -> Vec<Hit> {
    recall_within(ask, value, MAX_DEPTH)
}

fn recall_within(ask: Ask<'_>, value: &[u8], depth: usize) -> Vec<Hit> {
    let mut hits = Vec::new();
    if depth > 0 {
        let is_nested = visit_nested(value, &mut |leaf| {
            let found = if holds_text(&leaf) { recall_within(ask, &leaf.value, depth - 1) } else { Vec::new() };
            if found.is_empty() {
                return;
            }
            let raw = &value[leaf.span.clone()];
            let offsets = (raw != leaf.value.as_ref()).then(|| leaf.surface.offsets(raw));
            hits.extend(found.into_iter().map(|mut hit| {
                hit.span = within(&hit.span, leaf.span.start, offsets.as_deref());
                hit.wears.push(leaf.surface);
                hit
            }));
        });
        if is_nested {
            return apart(hits);
        }
        look_within(value, &mut hits, |text| recall_within(ask, text, depth - 1));
    }
    ask(value, &mut hits);
    apart(hits)
}

/// Each text that is asked about in `value`.
pub(crate) fn each_text(value: &[u8], f: &mut dyn FnMut(&[u8])) {
    each_text_within(value, MAX_DEPTH, f);
}

fn each_text_within(value: &[u8], depth: usize, f: &mut dyn FnMut(&[u8])) {
    if depth > 0 {
        let is_nested = visit_nested(value, &mut |leaf| {
            if holds_text(&leaf) {
                each_text_within(&leaf.value, depth - 1, f);
            }
        });
        if is_nested {
            return;
        }
        look_within(value, &mut Vec::new(), |text| {
            each_text_within(text, depth - 1, f);
            Vec::new()
        });
    }
    f(value);
}

const fn holds_text(leaf: &Leaf<'_>) -> bool {
    !matches!(leaf.kind, LeafKind::JsonBool | LeafKind::JsonNull)
}

/// Adds what was recalled to what else was found in the same value.
pub(crate) fn join(hits: &mut Vec<Hit>, mut recalled: Vec<Hit>) {
    if recalled.is_empty() {
        return;
    }
    // The same text in base64 was looked into twice.
    recalled.retain_mut(|one| {
        let twin = hits.iter_mut().filter(|hit| hit.span == one.span).find_map(|hit| hit.held.as_mut());
        match (twin, one.held.as_mut()) {
            (Some(twin), Some(held)) => {
                join(&mut twin.hits, std::mem::take(&mut held.hits));
                false
            }
            _ => true,
        }
    });
    hits.append(&mut recalled);
    *hits = apart(std::mem::take(hits));
}

/// Whether two spans have a byte in common.
pub(crate) fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// A text in base64 in a string of a JSON text in a string: seen.
const MAX_DEPTH: usize = 4;
