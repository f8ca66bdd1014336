//! Numbers that carry their own proof: payment cards, IBANs, social security numbers, international phone numbers.

use std::ops::Range;

use crate::rules::RuleId;

use super::check::{is_card, is_iban, is_ssn};
use super::{Classes, Hit, ends_word, starts_word};
use crate::pseudonym::Domain;

pub(super) fn find(value: &[u8], classes: &Classes, hits: &mut Vec<Hit>) {
    if classes.digits >= MIN_DIGITS {
        digit_runs(value, hits);
    }
}

/// Scans runs of digits once, with single separators within, and asks of each what it can be.
fn digit_runs(value: &[u8], hits: &mut Vec<Hit>) {
    let mut at = 0;
    while let Some(start) = value[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) {
        let mut end = start;
        let mut groups: Vec<Range<usize>> = Vec::new();
        loop {
            let group_end = value[end..].iter().position(|byte| !byte.is_ascii_digit()).map_or(value.len(), |to| end + to);
            groups.push(end..group_end);
            end = group_end;
            let separated = matches!(value.get(end), Some(b' ' | b'-' | b'.')) && value.get(end + 1).is_some_and(u8::is_ascii_digit);
            if !separated || groups.len() > MAX_GROUPS {
                break;
            }
            end += 1;
        }
        at = end.max(start + 1);
        if starts_number(value, start) {
            grouped(value, &groups, hits);
        }
    }
}

/// Any contiguous groups of a run may be the number: `17 4111 1111 1111 1111 12/27`.
fn grouped(value: &[u8], groups: &[Range<usize>], hits: &mut Vec<Hit>) {
    let mut first = 0;
    'groups: while first < groups.len() {
        for count in [1, 2, 3, 4, 5] {
            let Some(taken) = groups.get(first..first + count) else { break };
            let span = taken[0].start..taken[count - 1].end;
            let lengths: Vec<usize> = taken.iter().map(Range::len).collect();
            let digits: Vec<u8> = taken.iter().flat_map(|group| &value[group.clone()]).map(|digit| digit - b'0').collect();
            let is_joined = |separators: &[u8]| {
                let mut between = taken.windows(2).map(|pair| value[pair[0].end]);
                let separator = between.next();
                separator.is_none_or(|separator| separators.contains(&separator) && between.all(|other| other == separator))
            };
            let is_fraction = matches!(&value[..span.start], [.., before, b'.'] if before.is_ascii_digit());
            let found = match lengths.as_slice() {
                _ if is_fraction => None,
                [13..=19] | [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5] if is_joined(b" -") && is_card(&digits) => Some((RuleId::CARD, Domain::Card)),
                [3, 2, 4] if is_joined(b"- ") && is_ssn(&digits) => Some((RuleId::SSN, Domain::Ssn)),
                [3, 3, 4] if is_joined(b"-.") && digits[0] > 1 && digits[3] > 1 => Some((RuleId::PHONE, Domain::Phone)),
                _ => None,
            };
            if let Some((rule, domain)) = found.filter(|_| ends_number(value, span.end)) {
                hits.push(match track(value, &span).filter(|_| rule == RuleId::CARD) {
                    Some(track) => Hit::new(track, RuleId::CARD_SECURITY, Domain::Password),
                    None => Hit::new(with_country(value, span, rule), rule, domain),
                });
                first += count;
                continue 'groups;
            }
        }
        first += 1;
    }
}

/// The second track of a card's magnetic stripe (ISO/IEC 7813): the number, an equals sign, expiry, service code and discretionary data.
fn track(value: &[u8], number: &Range<usize>) -> Option<Range<usize>> {
    let rest = value.get(number.end..).filter(|rest| matches!(rest.first(), Some(b'=' | b'D')))?;
    let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = usize::from(rest.get(1 + digits) == Some(&b'?'));
    let begins = usize::from(number.start > 0 && value[number.start - 1] == b';');
    (digits >= MIN_TRACK).then(|| number.start - begins..number.end + 1 + digits + ends)
}

/// A phone number takes the parenthesis and the country code that stand before it.
fn with_country(value: &[u8], span: Range<usize>, rule: RuleId) -> Range<usize> {
    match &value[..span.start] {
        [.., b'+', b'1', b'-' | b'.' | b' '] if rule == RuleId::PHONE => span.start - 3..span.end,
        _ => span,
    }
}

/// Whether a number may begin here: no letter before it, no decimal point, no dash of a UUID.
fn starts_number(value: &[u8], at: usize) -> bool {
    starts_word(value, at)
        && !matches!(&value[..at], [.., before, b'.'] if before.is_ascii_digit())
        && !matches!(&value[..at], [.., before, b'-'] if before.is_ascii_hexdigit())
}

fn ends_number(value: &[u8], at: usize) -> bool {
    (ends_word(value, at) || matches!(&value[at..], [b'D', after, ..] if after.is_ascii_digit()))
        && !matches!(&value[at..], [b'-', after, ..] if after.is_ascii_alphabetic())
        && !matches!(&value[at..], [b'.', after, ..] if after.is_ascii_digit())
}

/// Two capitals, two digits, and as many letters and digits behind them as the country has; single spaces between.
pub(super) fn ibans(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for start in 0..value.len().saturating_sub(MIN_IBAN - 1) {
        let opens = value[start].is_ascii_uppercase()
            && value[start + 1].is_ascii_uppercase()
            && value[start + 2].is_ascii_digit()
            && value[start + 3].is_ascii_digit();
        if start < after || !opens || !starts_word(value, start) {
            continue;
        }
        let (mut bare, mut at) = (Vec::with_capacity(MAX_IBAN), start);
        while at < value.len() && bare.len() <= MAX_IBAN {
            match value[at] {
                byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => bare.push(byte),
                b' ' | b'-' if value.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) => {}
                _ => break,
            }
            at += 1;
            if bare.len() >= MIN_IBAN && ends_word(value, at) && is_iban(&bare) {
                found.push(start..at);
                after = at;
                break;
            }
        }
    }
}

/// The fewest digits that a pattern makes something of.
const MIN_DIGITS: usize = 8;
const MIN_IBAN: usize = 15;
const MAX_IBAN: usize = 34;
/// Expiry and service code.
const MIN_TRACK: usize = 7;
/// A run of more groups is a table of numbers; its pieces are looked at one by one.
const MAX_GROUPS: usize = 4096;
