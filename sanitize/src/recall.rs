//! Knows values again that are known from elsewhere: what was redacted before, and what a list names.
//!
//! In: a value, and who knows. Out: hits in the value, also under what it wears and in the texts that it holds. What is known, and
//! by what, is for whoever is asked; nothing here keeps a value.

use std::ops::Range;

use reenact_formats::content::{LeafKind, visit_nested};

use crate::detect::{Hit, TOKEN, apart, look_within, may_hold_token, within};

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
            let found = if matches!(leaf.kind, LeafKind::JsonBool | LeafKind::JsonNull) { Vec::new() } else { recall_within(ask, &leaf.value, depth - 1) };
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
        look_deeper(value, &mut hits, &mut |text| recall_within(ask, text, depth - 1));
    }
    ask(value, &mut hits);
    apart(hits)
}

/// Each text that `value` says, or holds under what it wears.
pub(crate) fn each_text(value: &[u8], f: &mut dyn FnMut(&[u8])) {
    each_text_within(value, MAX_DEPTH, f);
}

fn each_text_within(value: &[u8], depth: usize, f: &mut dyn FnMut(&[u8])) {
    if depth > 0 {
        look_deeper(value, &mut Vec::new(), &mut |text| {
            each_text_within(text, depth - 1, f);
            Vec::new()
        });
    }
    f(value);
}

/// Takes off what `value` wears; of a token of three parts, too, which detection takes as one.
fn look_deeper(value: &[u8], hits: &mut Vec<Hit>, look: &mut dyn FnMut(&[u8]) -> Vec<Hit>) {
    look_within(value, hits, &mut *look);
    if !may_hold_token(value) {
        return;
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut at = 0;
    while let Some(start) = TOKEN.find(&value[at..]).map(|found| at + found) {
        let end = start + value[start..].iter().take_while(|byte| is_part(**byte)).count();
        at = end;
        let has_more = value.get(end) == Some(&b'.') || start > 0 && value[start - 1] == b'.';
        if has_more && end - start < value.len() {
            let mut found = Vec::new();
            look_within(&value[start..end], &mut found, &mut *look);
            hits.extend(found.into_iter().map(|hit| Hit { span: start + hit.span.start..start + hit.span.end, ..hit }));
        }
    }
}

/// Takes out of `hits` in `value` what is `kept` and stands where something was recalled.
pub(crate) fn give_way(hits: &mut Vec<Hit>, recalled: &[Hit], value: &[u8], kept: &dyn Fn(&Hit, &[u8]) -> bool) {
    for hit in hits.iter_mut() {
        let twin = recalled.iter().filter(|one| one.span == hit.span).find_map(|one| one.held.as_ref());
        if let (Some(held), Some(twin)) = (hit.held.as_mut(), twin) {
            let text = std::mem::take(&mut held.text);
            give_way(&mut held.hits, &twin.hits, &text, kept);
            held.text = text;
        }
    }
    hits.retain(|hit| !recalled.iter().any(|one| overlap(&one.span, &hit.span)) || !kept(hit, value));
}

/// Adds what was recalled to what else was found in the same value.
pub(crate) fn join(hits: &mut Vec<Hit>, mut recalled: Vec<Hit>) {
    if recalled.is_empty() {
        return;
    }
    // The same text in base64 was looked into twice.
    recalled.retain_mut(|one| {
        let Some(held) = one.held.as_mut() else { return true };
        let Some(twin) = hits.iter_mut().find(|hit| hit.span == one.span && hit.held.is_some()) else { return true };
        if let Some(texts) = twin.held.as_mut() {
            join(&mut texts.hits, std::mem::take(&mut held.hits));
            (twin.rule, twin.domain) = texts.hits.first().map_or((twin.rule, twin.domain), |first| (first.rule, first.domain));
        }
        false
    });
    hits.append(&mut recalled);
    *hits = apart(std::mem::take(hits));
}

/// Whether two spans have a byte in common.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// A text in base64 in a string of a JSON text in a string: seen.
const MAX_DEPTH: usize = 4;
