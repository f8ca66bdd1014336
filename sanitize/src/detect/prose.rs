//! Names in prose and logs, and the values that stand a few words before or behind them: `my bsn is 933…`, `provider npi 1176206898`,
//! `gave 281022097102920 as nir`.
//!
//! In: a text. Out: hits where a telling phrase has a value beside it that has the shape of its kind: a strong phrase claims what has the
//! shape, a weak one what also passes the check. A word costs one look-up, and a phrase a few looks at the words around it, so that no
//! text is slow. Values behind a colon or an equals sign are for [`pairs`](super::pairs).

use std::ops::Range;

use super::classes::is_word_byte;
use super::names::{Names, Telling, words};
use super::worded::Worded;
use super::{Detector, Fit, Hit, Strength, telling};
use crate::pseudonym::Domain;
use crate::rules::RuleId;

pub(super) fn find(detector: &Detector, text: &[u8], hits: &mut Vec<Hit>) {
    if !may_hold(text) {
        return;
    }
    let names = detector.names();
    let taken = merged(hits);
    let mut recent: Vec<Range<usize>> = Vec::with_capacity(MAX_RECENT);
    let mut at = 0;
    while let Some(word) = next_word(text, at) {
        at = word.end;
        if recent.len() == MAX_RECENT {
            recent.drain(..MAX_RECENT - MAX_PHRASE);
        }
        recent.push(word.clone());
        if word.len() > MAX_WORD {
            recent.clear();
            continue;
        }
        // `customerName`, `card_number`: a name as programs write it.
        if let Some(name) = name_around(text, &word) {
            at = name.end;
            recent.clear();
            let tellings = std::str::from_utf8(&text[name.clone()]).map_or(&[][..], |name| names.lookup(name));
            if let Some(hit) = beside(detector, text, &name, tellings) {
                at = at.max(hit.span.end);
                hits.push(hit);
            }
            continue;
        }
        // In base64 words stand by chance.
        let is_within = word.start > 0 && matches!(text[word.start - 1], b'+' | b'/' | b'=');
        if is_within || !ends_phrase(names, &text[word.clone()]) || !has_value_near(text, &word) {
            continue;
        }
        let last = &recent[recent.len().saturating_sub(MAX_PHRASE)..];
        let Some((start, tellings)) = phrase_that_ends(detector, text, last, &taken) else { continue };
        if let Some(hit) = beside(detector, text, &(start..word.end), tellings) {
            at = at.max(hit.span.end);
            recent.clear();
            hits.push(hit);
        }
    }
}

/// What the hits take of a text, in order and apart.
fn merged(hits: &[Hit]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = hits.iter().map(|hit| hit.span.clone()).collect();
    spans.sort_unstable_by_key(|span| span.start);
    spans.dedup_by(|next, span| {
        let overlaps = next.start <= span.end;
        span.end = if overlaps { span.end.max(next.end) } else { span.end };
        overlaps
    });
    spans
}

/// Whether a text can hold a value of anyone: without a digit, a mark within a word, a capital behind the first word's, or a letter beyond ASCII
/// there are only words of a sentence. Before a phrase a value may be the first word.
fn may_hold(text: &[u8]) -> bool {
    let start = text.len() - text.trim_ascii_start().len();
    let says_more = |pair: &[u8]| match KINDS[usize::from(pair[0])] {
        Kind::Word => false,
        Kind::Mark => pair[1].is_ascii_alphanumeric(),
        Kind::Value => true,
    };
    let is_last = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte >= 0x80;
    text[(start + 1).min(text.len())..].windows(2).any(says_more)
        || text.last().is_some_and(is_last)
        || text.get(start).is_some_and(|first| first.is_ascii_digit() || *first >= 0x80 || first.is_ascii_uppercase() && has_join(text))
}

/// Whether anything that can be a value stands so near a word that a phrase that ends in it may speak of it.
fn has_value_near(text: &[u8], word: &Range<usize>) -> bool {
    let may_be_value = |piece: &[u8]| piece.iter().any(|byte| !matches!(KINDS[usize::from(*byte)], Kind::Word));
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    text[word.end..].split(is_blank).filter(|piece| !piece.is_empty()).take(MAX_BETWEEN + 2).any(may_be_value)
        || text[..word.start].rsplit(is_blank).filter(|piece| !piece.is_empty()).take(MAX_BETWEEN + 2 + MAX_PHRASE).any(may_be_value)
}

/// Whether what stands before a phrase may be joined to it.
fn has_join(text: &[u8]) -> bool {
    memchr::memchr(b'(', text).is_some() || text.split(|byte| *byte == b' ').any(|word| is_one_of(word, &JOINS))
}

/// Whether a word is the last one of a phrase.
fn ends_phrase(names: &Names, word: &[u8]) -> bool {
    let mut lower = [0; MAX_WORD];
    if word.is_ascii() {
        return names.may_be_last_word(word) && {
            let lower = &mut lower[..word.len()];
            lower.copy_from_slice(word);
            lower.make_ascii_lowercase();
            std::str::from_utf8(lower).is_ok_and(|lower| names.is_last_word(lower))
        };
    }
    std::str::from_utf8(word).is_ok_and(|word| words(word).last().is_some_and(|last| names.is_last_word(last)))
}

/// The longest telling phrase of the words that were seen last: where it begins, and what it tells.
fn phrase_that_ends<'d>(detector: &'d Detector, text: &[u8], recent: &[Range<usize>], taken: &[Range<usize>]) -> Option<(usize, &'d [Telling])> {
    // A sentence that ends within it is no phrase, nor is what is a value in part: its pseudonym may say something else.
    let parts = |pair: &[Range<usize>]| text[pair[0].end..pair[1].start].iter().any(|byte| b".,;:=\"()<>\n".contains(byte));
    let is_value = |word: &Range<usize>| taken[..taken.partition_point(|span| span.start < word.end)].last().is_some_and(|span| span.end > word.start);
    let after = |last: usize| last + 1;
    let from = recent.windows(2).rposition(parts).map_or(0, after).max(recent.iter().rposition(is_value).map_or(0, after));
    // Its words without spaces between, and where each begins there.
    let (mut joined, mut starts) = (String::new(), Vec::with_capacity(MAX_PHRASE));
    for word in &recent[from..] {
        starts.push((word.start, joined.len()));
        let word = std::str::from_utf8(&text[word.clone()]).ok()?;
        if word.is_ascii() {
            joined.extend(word.chars().map(|letter| letter.to_ascii_lowercase()));
        } else {
            words(word).iter().for_each(|part| joined.push_str(part));
        }
    }
    starts.into_iter().find_map(|(start, at)| {
        let tellings = detector.names().phrase(&joined[at..]);
        (!tellings.is_empty()).then_some((start, tellings))
    })
}

/// The value behind or before a phrase.
fn beside(detector: &Detector, text: &[u8], phrase: &Range<usize>, tellings: &[Telling]) -> Option<Hit> {
    if tellings.is_empty() {
        return None;
    }
    behind(detector, text, phrase.end, tellings).or_else(|| before(detector, text, phrase.start, tellings))
}

/// The name as programs write it that a word begins, if it is one.
fn name_around(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let goes_on = text.get(word.end).is_some_and(is_part);
    if !goes_on && !text[word.start + 1..word.end].iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let end = word.start + text[word.start..].iter().take(MAX_NAME).take_while(|byte| is_part(byte)).count();
    let name = &text[word.start..end];
    let is_camel = name.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    (is_camel || name.contains(&b'_')).then_some(word.start..end)
}

/// The value behind a phrase, over a few words that say nothing.
fn behind(detector: &Detector, text: &[u8], end: usize, tellings: &[Telling]) -> Option<Hit> {
    let mut at = end;
    for _ in 0..=MAX_BETWEEN {
        let gap = text[at..].iter().take(MAX_GAP).take_while(|byte| matches!(byte, b' ' | b'\t' | b'#' | b'"' | b'\'' | b'(' | b'`' | b':' | b'-')).count();
        if gap == 0 {
            return None;
        }
        at += gap;
        if let Some(hit) =
            value_from(detector, text, at, tellings).or_else(|| worded(detector, text, tellings, |extents| extents.behind(text, at).map(|end| at..end)))
        {
            return Some(hit);
        }
        let word = next_word(text, at).filter(|word| word.start == at && is_one_of(&text[word.clone()], &LINKS))?;
        at = word.end;
    }
    None
}

/// The value before a phrase: `281022097102920 as nir`, `933… (bsn)`. Without such a word or mark between them they are of two sentences.
fn before(detector: &Detector, text: &[u8], start: usize, tellings: &[Telling]) -> Option<Hit> {
    let mut end = start;
    let mut is_joined = false;
    for _ in 0..=MAX_BETWEEN {
        let gap = text[..end].iter().rev().take(MAX_GAP).take_while(|byte| matches!(byte, b' ' | b'\t' | b'(' | b'"' | b'\'' | b'-')).count();
        is_joined |= text[end - gap..end].contains(&b'(');
        end -= gap;
        let length = text[..end].iter().rev().take(MAX_VALUE).take_while(|byte| !byte.is_ascii_whitespace()).count();
        let last = end - length;
        if is_joined && let Some(hit) = worded(detector, text, tellings, |extents| extents.before(text, end).map(|start| start..end)) {
            return Some(hit);
        }
        // A sentence that ends there says nothing of what follows, and what is longer than a value is none.
        if length == MAX_VALUE || text[last..end].last().is_some_and(|byte| matches!(byte, b';' | b'.' | b'!' | b'?')) {
            return None;
        }
        if is_joined && may_be_value(&text[last..end]) {
            // As many pieces with digits before it as belong to it, the most first.
            let mut starts = vec![last];
            while starts.len() < MAX_PIECES
                && let Some(first) = starts.last().copied()
                && first > 1
                && text[first - 1] == b' '
            {
                let length = text[..first - 1].iter().rev().take(MAX_VALUE).take_while(|byte| !byte.is_ascii_whitespace()).count();
                if !text[first - 1 - length..first - 1].iter().any(u8::is_ascii_digit) {
                    break;
                }
                starts.push(first - 1 - length);
            }
            return starts.into_iter().rev().find_map(|start| claimed(detector, text, trimmed(text, start..end), tellings));
        }
        let word = &text[last..end];
        is_joined |= is_one_of(word, &JOINS);
        if !is_joined && !is_one_of(word, &DETERMINERS) {
            return None;
        }
        end = last;
    }
    None
}

/// The value that begins at `at`: of one piece, or of several with digits in each, the most first.
fn value_from(detector: &Detector, text: &[u8], at: usize, tellings: &[Telling]) -> Option<Hit> {
    let mut ends = Vec::new();
    let mut start = at;
    while ends.len() < MAX_PIECES {
        let length = text[start..].iter().take(MAX_VALUE).take_while(|byte| !byte.is_ascii_whitespace() && !b"\"'<>`;".contains(byte)).count();
        let piece = &text[start..start + length];
        let is_part =
            piece.iter().any(u8::is_ascii_digit) || has_mark(piece) || (piece.len() <= 4 && !piece.is_empty() && piece.iter().all(u8::is_ascii_uppercase));
        if !(is_part || ends.is_empty() && may_be_value(piece)) {
            break;
        }
        ends.push(start + length);
        if !is_part || text.get(start + length) != Some(&b' ') {
            break;
        }
        start += length + 1;
    }
    ends.into_iter().rev().find_map(|end| claimed(detector, text, trimmed(text, at..end), tellings))
}

/// A name or an address, of as many words as are written like one: a strong phrase takes it as it is, a weak one if it is known by itself.
fn worded(detector: &Detector, text: &[u8], tellings: &[Telling], span: impl Fn(Worded) -> Option<Range<usize>>) -> Option<Hit> {
    tellings.iter().find_map(|telling| {
        let span = Worded::of(telling.domain).and_then(&span)?;
        let value = &text[span.clone()];
        let is_one = match telling.strength {
            Strength::Strong => !telling::is_placeholder(value) && !has_label(value),
            Strength::Weak => detector.fit(telling.rule, value) == Fit::Checked,
        };
        is_one.then(|| Hit::new(span, telling.rule, telling.domain))
    })
}

/// `First name Last name E-mail`: words of a form, not what was filled in.
fn has_label(value: &[u8]) -> bool {
    value.split(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80).any(|word| LABELS.iter().any(|label| word.eq_ignore_ascii_case(label.as_bytes())))
}

/// Whether letters have a mark between them that no word has.
fn has_mark(piece: &[u8]) -> bool {
    piece.iter().any(u8::is_ascii_alphabetic) && piece[..piece.len() - 1].iter().any(|byte| MARKS.contains(byte)) && !piece.contains(&b' ')
}

/// Whether a piece can be more than a word of the sentence.
fn may_be_value(piece: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| piece.iter().any(test);
    let has_inner_capital = piece.get(1..).is_some_and(|inner| inner.iter().any(u8::is_ascii_uppercase));
    has(u8::is_ascii_digit) || (piece.len() >= MIN_MIXED && has_inner_capital && has(u8::is_ascii_lowercase))
}

/// A piece without what ends a sentence or closes a bracket.
fn trimmed(text: &[u8], span: Range<usize>) -> Range<usize> {
    let is_mark = |byte: &&u8| matches!(byte, b'.' | b',' | b'!' | b'?' | b':' | b')' | b'(' | b']' | b'[' | b'"' | b'\'');
    let end = span.end - text[span.clone()].iter().rev().take_while(is_mark).count();
    let start = span.start + text[span.start..end.max(span.start)].iter().take_while(is_mark).count();
    start..end.max(start)
}

fn claimed(detector: &Detector, text: &[u8], span: Range<usize>, tellings: &[Telling]) -> Option<Hit> {
    let value = &text[span.clone()];
    let is_security_code = tellings.iter().any(|telling| telling.rule == RuleId::CARD_SECURITY);
    if value.len() < MIN_VALUE - usize::from(is_security_code) || matches!(value[0], b'=' | b'_') || telling::is_placeholder(value) {
        return None;
    }
    let fits = |telling: &&Telling| {
        let needed = if telling.strength == Strength::Strong { Fit::Shape } else { Fit::Checked };
        let is_secret = matches!(telling.domain, Domain::Opaque | Domain::Password);
        // As it is dialled at home.
        if telling.domain == Domain::Phone && telling.strength == Strength::Strong && is_dialled(value) {
            return true;
        }
        if detector.is_known_by_itself(telling.rule) && (!is_secret || detector.fit(telling.rule, value) >= needed) {
            return detector.fit(telling.rule, value) >= needed;
        }
        // Only a name tells of these; what has no digits is another word of the sentence, unless it has marks as passwords do.
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        telling.strength == Strength::Strong
            && match telling.domain {
                Domain::Identifier | Domain::Phone | Domain::BirthDate => digits >= 4 && !value.contains(&b' '),
                Domain::Password if has_mark(value) => value.len() >= 6,
                Domain::Opaque | Domain::Password => value.len() >= MIN_SECRET && may_be_value(value) && !value.contains(&b' '),
                _ => false,
            }
    };
    let telling = tellings.iter().filter(fits).max_by_key(|telling| detector.fit(telling.rule, value))?;
    Some(Hit::new(span, telling.rule, telling::of_kind(telling.domain, value)))
}

fn is_dialled(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    (7..=15).contains(&digits) && value.iter().all(|byte| byte.is_ascii_digit() || b" +-()./".contains(byte))
}

fn next_word(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = from + text[from..].iter().position(is_word_byte)?;
    let end = text[start..].iter().position(|byte| !is_word_byte(byte)).map_or(text.len(), |to| start + to);
    Some(start..end)
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// What a byte within a sentence tells.
#[derive(Clone, Copy)]
enum Kind {
    /// Nothing: any word has it.
    Word,
    /// Of a value, in the middle of a word: at its end it may end the sentence.
    Mark,
    /// Of a value or a name.
    Value,
}
static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Word; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 0x80 || matches!(byte as u8, b'0'..=b'9' | b'A'..=b'Z') {
            kinds[byte] = Kind::Value;
        }
        byte += 1;
    }
    let mut mark = 0;
    while mark < MARKS.len() {
        kinds[MARKS[mark] as usize] = Kind::Mark;
        mark += 1;
    }
    kinds
};
/// Marks between letters that no word has.
const MARKS: &[u8] = b"!#$%&*+=?@^_~";
const LABELS: [&str; 20] = [
    "name", "email", "mail", "phone", "address", "number", "date", "field", "required", "optional", "invalid", "missing", "must", "cannot", "id", "code",
    "type", "the", "and", "value",
];
/// What may stand between a name and its value.
const LINKS: [&str; 40] = [
    "is", "was", "are", "of", "the", "my", "their", "his", "her", "number", "no", "nr", "num", "id", "ending", "code", "ist", "lautet", "nummer", "est", "le",
    "la", "es", "el", "número", "numero", "é", "è", "il", "het", "to", "set", "with", "value", "on", "file", "for", "customer", "patient", "called",
];
/// What joins a value and its name behind it, and what may stand before the name besides.
const JOINS: [&str; 7] = ["as", "als", "comme", "como", "come", "som", "jako"];
const DETERMINERS: [&str; 12] = ["a", "an", "the", "my", "her", "his", "their", "our", "your", "new", "valid", "customer"];
const MAX_PHRASE: usize = 5;
/// How many words are noted before the older ones are forgotten.
const MAX_RECENT: usize = 32;
/// The longest name as programs write it.
const MAX_NAME: usize = 48;
/// The shortest secret that a phrase tells of, and the shortest without a digit.
const MIN_SECRET: usize = 6;
const MIN_MIXED: usize = 8;
const MAX_WORD: usize = 32;
/// How many words may stand between a name and its value.
const MAX_BETWEEN: usize = 3;
const MAX_GAP: usize = 4;
/// How many pieces a value is written in.
const MAX_PIECES: usize = 8;
const MAX_VALUE: usize = 128;
const MIN_VALUE: usize = 4;
