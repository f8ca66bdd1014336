//! Places on the map: pairs of latitude and longitude with four decimals or more (eleven metres), `geo:` URIs (RFC 5870), ISO 6709.
//!
//! In: a value. Out: the spans of pairs. A list of more than two such numbers is a vector, not a place, and stays.

use std::ops::Range;

use super::Classes;

pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for dot in memchr::memchr_iter(b'.', value) {
        if dot < after {
            continue;
        }
        let Some(first) = number_around(value, dot, after) else { continue };
        after = first.span.end;
        let is_uri = value[..first.span.start].ends_with(b"geo:");
        let Some(second_at) = second_begins(value, first.span.end) else { continue };
        let Some(second) = number_at(value, second_at) else { continue };
        let mut end = second.span.end;
        after = end;
        // What follows is skipped as a whole: no pair is taken out of a vector.
        while let Some(next) = second_begins(value, after).and_then(|at| number_at(value, at)) {
            after = next.span.end;
        }
        let is_vector = after > end || (!is_uri && continues_a_list(value, first.span.start));
        if is_vector || !is_place(&first, &second, is_uri) || value.get(end).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            continue;
        }
        // ISO 6709 closes with a solidus.
        if value[first.span.start].is_ascii_punctuation() && second_at == first.span.end && value.get(end) == Some(&b'/') {
            end += 1;
        }
        found.push(first.span.start..end);
    }
}

struct Number {
    span: Range<usize>,
    whole: u32,
    decimals: usize,
}

/// The number whose decimal point is at `dot`.
fn number_around(value: &[u8], dot: usize, from: usize) -> Option<Number> {
    let digits = value[from..dot].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let signed = dot - digits;
    let start = if signed > from && matches!(value[signed - 1], b'-' | b'+') { signed - 1 } else { signed };
    let joins = value[..start].last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if joins && !value[..start].ends_with(b"%2C") {
        return None;
    }
    number_at(value, start)
}

/// The number with a decimal point that begins at `at`.
fn number_at(value: &[u8], at: usize) -> Option<Number> {
    let unsigned = at + usize::from(matches!(value.get(at), Some(b'-' | b'+')));
    let digits = value[unsigned..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) || value.get(unsigned + digits) != Some(&b'.') {
        return None;
    }
    let fraction = unsigned + digits + 1;
    let decimals = value[fraction..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = value[unsigned..unsigned + digits].iter().fold(0, |whole, digit| whole * 10 + u32::from(digit - b'0'));
    let end = fraction + decimals;
    let is_version = value.get(end) == Some(&b'.') && value.get(end + 1).is_some_and(u8::is_ascii_digit);
    (decimals > 0 && !is_version).then_some(Number { span: at..end, whole, decimals })
}

/// Where the second number begins behind the first one: a comma, a semicolon, a space or nothing but the sign between, perhaps a degree or a letter for
/// the direction as well.
fn second_begins(value: &[u8], end: usize) -> Option<usize> {
    let rest = &value[end..];
    let spaces = |rest: &[u8]| rest.iter().take(4).take_while(|byte| **byte == b' ').count();
    let mut at = if rest.starts_with("°".as_bytes()) { 2 } else { 0 };
    let direction = at + spaces(&rest[at..]);
    if at > 0 && matches!(rest.get(direction), Some(b'N' | b'S' | b'E' | b'W' | b'n' | b's' | b'e' | b'w')) {
        at = direction + 1;
    }
    let separator = at + spaces(&rest[at..]);
    let behind = match rest.get(separator) {
        Some(b',' | b';' | b'/') => separator + 1,
        Some(b'-' | b'+') if separator == 0 => 0,
        Some(_) if separator > at => at,
        _ => return None,
    };
    Some(end + behind + spaces(&rest[behind..]))
}

/// Whether a number with decimals stands before, in the same list.
fn continues_a_list(value: &[u8], start: usize) -> bool {
    let before = value[..start].trim_ascii_end();
    let before = before.strip_suffix(b",").unwrap_or(before).trim_ascii_end();
    let decimals = before.iter().rev().take(24).take_while(|byte| byte.is_ascii_digit()).count();
    before.len() < start && decimals >= MIN_DECIMALS && before.get(before.len() - decimals - 1) == Some(&b'.')
}

fn is_place(first: &Number, second: &Number, is_uri: bool) -> bool {
    let is_precise = is_uri || (first.decimals >= MIN_DECIMALS && second.decimals >= MIN_DECIMALS);
    let is_within = first.whole.min(second.whole) < 90 && first.whole.max(second.whole) < 180;
    // Shares and weights lie between zero and one; on the map that is open sea.
    is_precise && is_within && first.whole + second.whole > 0
}

const MIN_DECIMALS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_places_and_vectors_are_not() {
        for (text, expected) in [
            ("at 48.953666,-97.409098 now", &["48.953666,-97.409098"][..]),
            ("geo:52.516,13.37;u=35", &["52.516,13.37"]),
            ("https://maps.example/@48.8584123,2.2945678,17z", &["48.8584123,2.2945678"]),
            ("POINT(2.29451 48.85837)", &["2.29451 48.85837"]),
            ("+48.8577+002.2950/", &["+48.8577+002.2950/"]),
            ("48.85661° N, 2.35222° E", &["48.85661° N, 2.35222"]),
            ("x=-41.217375; -152.837027", &["-41.217375; -152.837027"]),
            ("1.5, 2.5 and 12.3456,78.9", &[]),
            ("0.12345,0.54321", &[]),
            ("[10.12345,20.54321,30.11111,40.22222,50.12345]", &[]),
            ("1.2345.6789,1.2345", &[]),
            ("200.12345,91.12345 95.12345,120.12345", &[]),
        ] {
            let mut found = Vec::new();
            find(text.as_bytes(), &Classes::of(text.as_bytes()), &mut found);
            assert_eq!(found.iter().map(|span| &text[span.clone()]).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
