//! Secrets by their shape: private keys in armour, JSON Web Tokens, `Bearer …`, passwords in URLs.

use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use regex::bytes::Regex;

use super::{Classes, starts_word};

/// From `-----BEGIN … PRIVATE KEY` to the end of its closing line; to the end of the value if there is none.
pub(super) fn armoured_keys(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for begin in memmem::find_iter(value, b"-----BEGIN ") {
        let title = &value[begin + 11..(begin + 11 + MAX_TITLE).min(value.len())];
        if begin < after || memmem::find(title, b"PRIVATE KEY").is_none() {
            continue;
        }
        after = memmem::find(&value[begin + 11..], b"-----END ")
            .map(|end| begin + 11 + end + 9)
            .and_then(|end| memmem::find(&value[end..], b"-----").map(|dashes| end + dashes + 5))
            .unwrap_or(value.len());
        found.push(begin..after);
    }
}

/// `eyJ….….…` (RFC 7519), and the five parts of an encrypted one (RFC 7516).
pub(super) fn web_tokens(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut at = 0;
    while let Some(start) = memmem::find(&value[at..], b"eyJ").map(|offset| at + offset) {
        let mut ends: Vec<usize> = Vec::new();
        let mut part = start;
        // Parts joined by single dots, up to where they end.
        loop {
            let end = part + value[part..].iter().take_while(|byte| is_part(byte)).count();
            ends.push(end);
            if value.get(end) != Some(&b'.') || ends.len() == MAX_PARTS || !value.get(end + 1).is_some_and(is_part) {
                break;
            }
            part = end + 1;
        }
        let is_token = starts_word(value, start) && ends.len() >= 2 && ends[0] - start >= MIN_PART && ends[1] - ends[0] > MIN_PART;
        if is_token {
            found.push(start..ends[ends.len() - 1]);
        }
        // Where this is none, the next one begins behind the first dot at the earliest.
        at = if is_token { ends[ends.len() - 1] } else { ends[0] };
    }
}

/// The credential behind `Bearer` or `Basic` anywhere in a text.
pub(super) fn schemes(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    for captures in SCHEME.captures_iter(value) {
        let (Some(scheme), Some(credential)) = (captures.get(1), captures.get(2)) else { continue };
        let is_basic = scheme.as_bytes().eq_ignore_ascii_case(b"basic");
        if is_basic && !is_user_and_password(credential.as_bytes()) {
            continue;
        }
        found.push(credential.range());
    }
}

/// Basic credentials are base64 over `user:password` (RFC 7617, section 2).
fn is_user_and_password(credential: &[u8]) -> bool {
    let bare = credential.trim_ascii_end();
    let bare = &bare[..bare.len() - bare.iter().rev().take_while(|byte| **byte == b'=').count()];
    STANDARD_NO_PAD.decode(bare).is_ok_and(|decoded| decoded.contains(&b':'))
}

/// The password in `scheme://user:password@host`.
pub(super) fn url_credentials(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    for captures in URL_PASSWORD.captures_iter(value) {
        if let Some(password) = captures.get(1) {
            found.push(password.range());
        }
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of our own")
}

static SCHEME: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)\b(bearer|basic)[ \t+]+([a-z0-9._~+/-]{8,}={0,2})"));
static URL_PASSWORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]*:([^\s/@]+)@"));

/// `RSA PRIVATE KEY BLOCK-----`, with room.
const MAX_TITLE: usize = 48;
/// The shortest header or claims that mean anything.
const MIN_PART: usize = 10;
/// An encrypted token has five.
const MAX_PARTS: usize = 5;
