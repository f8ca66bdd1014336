//! Secrets that no literal marks: JSON Web Tokens, tokens that are known by how they are divided, keys beside what names them.
//!
//! In: a value. Out: where they stand. What a prefix marks is data of the rules and found by the shapes.

use std::ops::Range;

use memchr::memmem;

use super::shapes::{begins_token, next_line};
use super::{Classes, ends_word};

/// `eyJ….….…` (RFC 7519), and the five parts of an encrypted one (RFC 7516), of which the second may be empty.
pub(super) fn web_tokens(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for start in memmem::find_iter(value, b"eyJ") {
        if start < after || !begins_token(value, start) {
            continue;
        }
        let mut ends: Vec<usize> = Vec::new();
        let mut part = start;
        // Parts joined by dots, up to where they end.
        loop {
            let end = part_end(value, part);
            ends.push(end);
            // The key of a direct encryption is empty.
            let goes_on = value.get(end) == Some(&b'.') && (value.get(end + 1).is_some_and(is_part) || ends.len() == 1 && value.get(end + 1) == Some(&b'.'));
            if !goes_on || ends.len() == MAX_PARTS {
                break;
            }
            part = end + 1;
        }
        let has_key = ends.len() == MAX_PARTS;
        let is_token = ends.len() >= 2 && ends[0] - start >= MIN_PART && (has_key || ends[1] - ends[0] > MIN_PART);
        let end = ends[ends.len() - 1];
        // Where this is none, the next one begins behind the first dot at the earliest.
        after = if is_token { end } else { ends[0] };
        if is_token {
            found.push(start..end);
        }
    }
}

const fn is_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Where a part ends; a long one may be broken over lines.
fn part_end(value: &[u8], start: usize) -> usize {
    let mut line = start;
    loop {
        let end = line + value[line..].iter().take_while(|byte| is_part(byte)).count();
        let next = next_line(value, end).filter(|next| end - line >= FULL_LINE && value.get(*next).is_some_and(is_part));
        match next {
            Some(next) => line = next,
            None => return end,
        }
    }
}

/// Bot tokens of Discord: the id in base64, six characters of time, a code; all of them between dots.
pub(super) fn discord_tokens(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    for dot in memchr::memchr_iter(b'.', value) {
        let Some(time) = value.get(dot + 1..dot + 8).filter(|time| time[6] == b'.' && time[..6].iter().all(is_part)) else { continue };
        let id = value[..dot].iter().rev().take(29).take_while(|byte| is_part(byte)).count();
        let code = dot + 1 + time.len();
        let length = value[code..].iter().take(39).take_while(|byte| is_part(byte)).count();
        let start = dot - id;
        if (24..=28).contains(&id) && (27..=38).contains(&length) && matches!(value[start], b'M' | b'N' | b'O') && begins_token(value, start) {
            found.push(start..code + length);
        }
    }
}

/// Keys of Mailgun: 32, 8 and 8 hexadecimal digits with dashes between.
pub(super) fn mailgun_keys(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let is_hex = |digits: &[u8]| digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    for dash in memchr::memchr_iter(b'-', value) {
        let Some(start) = dash.checked_sub(32) else { continue };
        let Some(rest) = value.get(dash + 1..dash + 18).filter(|rest| rest[8] == b'-') else { continue };
        let is_key = is_hex(&rest[..8]) && is_hex(&rest[9..]) && is_hex(&value[start..dash]);
        if is_key && begins_token(value, start) && ends_word(value, dash + 18) && value.get(dash + 18) != Some(&b'-') {
            found.push(start..dash + 18);
        }
    }
}

/// The secret of 40 characters that belongs to an AWS access key id in the same text.
pub(super) fn aws_secrets(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let has_id = [&b"AKIA"[..], b"ASIA"].iter().any(|id| memmem::find(value, id).is_some());
    let is_secret = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    let mut at = 0;
    while has_id && at < value.len() {
        let start = at + value[at..].iter().take_while(|byte| !is_secret(byte)).count();
        let end = start + value[start..].iter().take_while(|byte| is_secret(byte)).count();
        let run = &value[start..end];
        let has = |test: fn(&u8) -> bool| run.iter().any(test);
        if run.len() == 40 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit) && value.get(end) != Some(&b'=') {
            found.push(start..end);
        }
        at = end;
    }
}

/// A key of 64 bytes in base64, as Azure hands them out; a SHA-512 digest has the same form, and its name before it; data in a URL may.
pub(super) fn azure_keys(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    for padding in memmem::find_iter(value, b"==") {
        let length = value[..padding].iter().rev().take(87).take_while(|byte| is_base64(byte)).count();
        let before = &value[..padding - length];
        let is_other = [&b"512-"[..], b"512=", b"512:", b"512 ", b"base64,"].iter().any(|name| before.ends_with(name));
        if length == 86 && !is_other && value.get(padding + 2).is_none_or(|byte| *byte != b'=' && !is_base64(byte)) {
            found.push(padding - length..padding + 2);
        }
    }
}

/// The shortest header or claims that mean anything.
const MIN_PART: usize = 10;
/// An encrypted token has five.
const MAX_PARTS: usize = 5;
/// A line of base64 in armour has 64 columns, in mail 76.
const FULL_LINE: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cut_is_a_panic() {
        let text = format!(
            "eyJhbGciOiJkaXIifQ..a.b.c x.eyJhbGciOiJkaXIifQ.\\neyJ. M{}.abcdef.{} {}-01234567-89abcdef {}== AKIA {}",
            "a1".repeat(12),
            "b2".repeat(15),
            "0f".repeat(16),
            "c3".repeat(43),
            "D4/f".repeat(10)
        );
        for start in 0..text.len() {
            for end in start..=text.len() {
                let value = &text.as_bytes()[start..end];
                let mut found = Vec::new();
                let classes = Classes::of(value);
                for find in [web_tokens, discord_tokens, mailgun_keys, aws_secrets, azure_keys] {
                    find(value, &classes, &mut found);
                }
                assert!(found.iter().all(|span| span.start < span.end && span.end <= value.len()));
            }
        }
    }
}
