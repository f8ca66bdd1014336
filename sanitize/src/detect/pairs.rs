//! Names and values in free text: `password=…`, `"token": "…"`, `api_key: …`, in logs, in URLs within values, in broken JSON.

use std::ops::Range;

use reenact_formats::content::LeafKind;

use super::worded::Worded;
use super::{Detector, Fit, Hit, Place, Strength, look_within, telling};
use crate::pseudonym::Domain;

pub(super) fn find(detector: &Detector, value: &[u8], hits: &mut Vec<Hit>) {
    let mut after = 0;
    for sign in memchr::memchr2_iter(b':', b'=', value) {
        // `Pin::new` is a path of code.
        let is_path = value[sign] == b':' && (value.get(sign + 1) == Some(&b':') || value[..sign].ends_with(b":"));
        if sign < after || is_path || value[sign..].starts_with(b"://") {
            continue;
        }
        let Some(name) = name_before(value, sign) else { continue };
        let name = with_words_before(value, name);
        // In prose a colon follows any word: only an equals sign makes a pair of a name that tells little.
        let is_assigned = value[sign] == b'=';
        let tells = |name: &&str| detector.names().lookup(name).iter().any(|telling| is_assigned || telling.strength == Strength::Strong);
        let Some(name) = Some(readable(name)).filter(tells) else { continue };
        // `:password => "…"`, as Ruby and PHP write it.
        let sign = sign + usize::from(value[sign..].starts_with(b"=>"));
        let at = sign + 1 + value[sign + 1..].iter().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let span = value_at(value, at);
        // Names and addresses go on over spaces.
        let worded = detector.names().lookup(name).iter().filter_map(|telling| Worded::of(telling.domain)?.behind(value, at)).max();
        let span = span.start..if span.start == at { span.end.max(worded.unwrap_or_default()) } else { span.end };
        let span = span.start..if span.start == at { grouped(detector, value, &span, name) } else { span.end };
        let place = Place { kind: LeafKind::Text, name: Some(name), path: "", beside: None };
        let named = |value: &[u8]| telling::named(detector, value, &place, detector.names().lookup(name));
        let mut found = named(&value[span.clone()]);
        if found.is_empty() {
            look_within(&value[span.clone()], &mut found, named);
        }
        for mut hit in found {
            hit.span = span.start + hit.span.start..span.start + hit.span.end;
            // `el.id = other`: in a text that may be code, what identifies someone has a digit.
            let bare = &value[hit.span.clone()];
            if hit.domain == Domain::Opaque && is_code(value, &hit.span)
                || hit.domain == Domain::Identifier && !bare.iter().any(u8::is_ascii_digit) && detector.fit(hit.rule, bare) == Fit::No
            {
                continue;
            }
            after = span.end;
            hits.push(hit);
        }
    }
}

/// `token = client.acquire()`, `token=Kind::None`: what is called, and a path, are no values.
fn is_code(value: &[u8], span: &Range<usize>) -> bool {
    let bare = &value[span.clone()];
    let is_quoted = matches!(value[..span.start].last(), Some(b'"' | b'\''));
    !is_quoted && !bare.iter().any(u8::is_ascii_digit) && (value.get(span.end) == Some(&b'(') || memchr::memmem::find(bare, b"::").is_some())
}

/// Where a number in groups ends, whose first one the value is: as far as what the name tells of has that form.
fn grouped(detector: &Detector, value: &[u8], span: &Range<usize>, name: &str) -> usize {
    let (mut end, mut longest) = (span.end, span.end);
    for _ in 0..MAX_GROUPS {
        let Some(rest) = value[end..].strip_prefix(b" ") else { break };
        let length = rest.iter().take(MAX_WORD).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/')).count();
        let group = &rest[..length];
        if !group.iter().any(u8::is_ascii_digit) && (group.is_empty() || length > MAX_LETTERS || !group.iter().all(u8::is_ascii_uppercase)) {
            break;
        }
        end += 1 + length;
        if detector.names().lookup(name).iter().any(|telling| detector.fit(telling.rule, &value[span.start..end]) > Fit::No) {
            longest = end;
        }
    }
    longest
}

/// The name that ends before a sign, perhaps in quotes.
fn name_before(value: &[u8], sign: usize) -> Option<Range<usize>> {
    let blanks = value[..sign].iter().rev().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let before = &value[..sign - blanks];
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before);
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'[' | b']' | b'-') || *byte >= 0x80;
    let length = before.iter().rev().take(MAX_NAME + 1).take_while(|byte| is_part(byte)).count();
    let start = before.len() - length;
    let begins = before[start..].iter().position(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)?;
    // `2024-01-31T10:00`: one letter is no name.
    let says_something = before[start + begins + 1..].iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    (says_something && length <= MAX_NAME).then_some(start + begins..before.len())
}

/// A name with the words of the same phrase before it: `aws secret access key: …`.
fn with_words_before(value: &[u8], name: Range<usize>) -> &[u8] {
    let mut start = name.start;
    for _ in 0..MAX_WORDS_BEFORE {
        let before = value[..start].strip_suffix(b" ").unwrap_or_default();
        let word = before.iter().rev().take(MAX_WORD).take_while(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80).count();
        if word == 0 || name.end + word + 1 > start + MAX_NAME {
            break;
        }
        start = before.len() - word;
    }
    &value[start..name.end]
}

/// A name from behind what is no UTF-8: such a byte is no part of one.
fn readable(name: &[u8]) -> &str {
    name.utf8_chunks().last().filter(|last| last.invalid().is_empty()).map_or("", |last| last.valid())
}

/// The value that begins at `at`: in quotes up to the closing one or the end of the line, else up to where one must end.
fn value_at(value: &[u8], at: usize) -> Range<usize> {
    let rest = &value[at..];
    // A quote may itself be escaped, in a text that was quoted as a whole.
    let escaped = usize::from(rest.starts_with(b"\\"));
    if let Some(quote @ (b'"' | b'\'')) = rest.get(escaped) {
        let start = at + escaped + 1;
        let mut end = start;
        while end < value.len() && value[end] != *quote && !matches!(value[end], b'\r' | b'\n') {
            // An escaped quote ends a value whose opening quote was escaped, and no other.
            let is_escape = value[end] == b'\\' && end + 1 < value.len();
            if is_escape && escaped == 1 && value[end + 1] == *quote {
                break;
            }
            end += if is_escape { 2 } else { 1 };
        }
        return start..end.min(value.len());
    }
    // What a template leaves open is seen whole, so that it is known for one.
    for (open, close) in [(&b"${"[..], &b"}"[..]), (b"{{", b"}}"), (b"<", b">"), (b"[", b"]"), (b"%(", b")s")] {
        if rest.starts_with(open)
            && let Some(end) = memchr::memmem::find(&rest[..rest.len().min(MAX_VARIABLE)], close)
        {
            return at..at + end + close.len();
        }
    }
    let word = |from: usize| from + value[from..].iter().take_while(|byte| !byte.is_ascii_whitespace() && !b"\"'\\,;&<>{}[]()".contains(byte)).count();
    let end = word(at);
    let is_scheme = [&b"bearer"[..], b"basic", b"token"].iter().any(|scheme| value[at..end].eq_ignore_ascii_case(scheme));
    let end = if is_scheme && value.get(end) == Some(&b' ') { word(end + 1) } else { end };
    // What ends a sentence ends no value.
    let end = end - value[at..end].iter().rev().take_while(|byte| matches!(byte, b'.' | b':' | b'!' | b'?')).count();
    at..end
}

const MAX_WORDS_BEFORE: usize = 3;
/// A French social security number has seven groups, an IBAN up to nine.
const MAX_GROUPS: usize = 9;
/// Those of a group without digits.
const MAX_LETTERS: usize = 4;
const MAX_WORD: usize = 24;
/// The longest `${NAME}`.
const MAX_VARIABLE: usize = 64;
/// Between a name, its sign and its value.
const MAX_BLANKS: usize = 4;
/// The longest name.
const MAX_NAME: usize = 61;
