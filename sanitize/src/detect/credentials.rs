//! Credentials in text: behind the name of a scheme, in URLs, in connection strings.
//!
//! In: a value. Out: where credentials stand: what follows a scheme, the whole of a URL or a connection string that opens something.
//! The parts of an `Authorization` header of its own are leaves already; this is for those that stand in bodies, logs and parameters.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;

use super::Classes;
use super::shapes::begins_token;

/// What stands behind `Bearer …`, `Basic …` and other schemes, anywhere in a text (RFC 9110, section 11.4).
pub(super) fn schemes(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for space in memchr::memchr3_iter(b' ', b'+', b'\t', value) {
        let Some(scheme) = scheme_before(value, space).filter(|_| space >= after) else { continue };
        let start = space + value[space..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'+')).count();
        let end = match scheme {
            Scheme::Digest => parameters(value, start),
            Scheme::Basic => token68(&value[..value.len().min(start + MAX_BASIC)], start),
            _ => token68(value, start),
        };
        let credential = &value[start..end];
        let holds = match scheme {
            Scheme::Digest => memmem::find(credential, b"response=").is_some(),
            Scheme::Basic => is_user_and_password(credential),
            Scheme::Opaque => is_opaque(credential),
            // In prose a token is anything.
            Scheme::Token => false,
        };
        if holds {
            after = end;
            found.push(start..end);
        }
    }
}

/// What follows the name of a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// A user and a password in base64.
    Basic,
    /// Parameters.
    Digest,
    /// One token.
    Opaque,
    /// One token, behind a word that has other meanings.
    Token,
}

/// The scheme whose name ends at `end`, as a whole word.
fn scheme_before(value: &[u8], end: usize) -> Option<Scheme> {
    // Most words end in none of these.
    if !matches!(value[..end].last()?.to_ascii_lowercase(), b'r' | b'c' | b't' | b'e' | b'm' | b'p' | b's' | b'y' | b'n') {
        return None;
    }
    let (name, scheme) = SCHEMES.iter().find(|(name, _)| end >= name.len() && value[end - name.len()..end].eq_ignore_ascii_case(name.as_bytes()))?;
    begins_token(value, end - name.len()).then_some(*scheme)
}

/// Where a credential begins that is written with its scheme: the scheme is a part of it (RFC 9110, section 11.4), though not a secret one.
pub(crate) fn with_scheme(value: &[u8], start: usize) -> usize {
    let is_escaped = value[..start].ends_with(b"%20");
    let spaces = value[..start].iter().rev().take(MAX_NAME).take_while(|byte| matches!(byte, b' ' | b'\t' | b'+')).count();
    let spaces = if is_escaped { 3 } else { spaces };
    let end = start - spaces;
    if spaces == 0 || scheme_before(value, end).is_none() {
        return start;
    }
    end - value[..end].iter().rev().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// The whole value of the header line that `piece` stands in.
pub(crate) fn header_value(head: &[u8], piece: &Range<usize>) -> Range<usize> {
    let line = memchr::memrchr(b'\n', &head[..piece.start]).map_or(0, |end| end + 1);
    let colon = memchr::memchr(b':', &head[line..piece.start]).map_or(0, |colon| colon + 1);
    let spaces = head[line + colon..piece.start].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let end = memchr::memchr2(b'\r', b'\n', &head[piece.end..]).map_or(head.len(), |length| piece.end + length);
    line + colon + spaces..end
}

/// Where what may stand behind a scheme ends: letters, digits, `-._~+/` and the padding.
fn token68(value: &[u8], start: usize) -> usize {
    let is_token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(*byte);
    let end = start + value[start..].iter().take_while(is_token).count();
    let end = end - value[start..end].iter().rev().take_while(|byte| **byte == b'.').count();
    end + value[end..].iter().take(2).take_while(|byte| **byte == b'=').count()
}

/// Where a list of `name=value` or `name="value"` ends.
fn parameters(value: &[u8], start: usize) -> usize {
    let mut end = start;
    let mut at = start;
    loop {
        let name = value[at..].iter().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
        if name == 0 || value.get(at + name) != Some(&b'=') {
            return end;
        }
        at += name + 1;
        // A quote may itself be escaped.
        let escape = usize::from(value.get(at) == Some(&b'\\'));
        at += if value.get(at + escape) == Some(&b'"') {
            let inner = value[at + escape + 1..].iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\r' | b'\n')).count();
            (inner + 2 + 2 * escape).min(value.len() - at)
        } else {
            value[at..].iter().take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\'' | b'\\' | b';')).count()
        };
        end = at;
        at += value[at..].iter().take_while(|byte| matches!(byte, b',' | b' ')).count();
        if at == end {
            return end;
        }
    }
}

/// Basic credentials are base64 over `user:password` (RFC 7617, section 2).
fn is_user_and_password(credential: &[u8]) -> bool {
    let bare = &credential[..credential.len() - credential.iter().rev().take_while(|byte| **byte == b'=').count()];
    bare.len() >= 6 && STANDARD_NO_PAD.decode(bare).is_ok_and(|decoded| decoded.contains(&b':'))
}

/// Nothing that people write behind `bearer`: it has a digit, or both cases and length, or more length than words have.
fn is_opaque(credential: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| credential.iter().any(test);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && credential.len() >= 16;
    let is_one_character = credential.iter().all(|byte| *byte == credential[0]);
    credential.len() >= 8 && !is_one_character && (has(u8::is_ascii_digit) || is_mixed || credential.len() >= 32)
}

/// `scheme://user:password@host…`, as a whole (RFC 3986, section 3.2.1).
pub(super) fn urls(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for slashes in memmem::find_iter(value, b"://") {
        if slashes >= after
            && let Some(url) = url_at(value, slashes, after)
        {
            after = url.end;
            found.push(url);
        }
    }
}

fn url_at(value: &[u8], slashes: usize, after: usize) -> Option<Range<usize>> {
    let scheme = value[after..slashes].iter().rev().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    let start = slashes - scheme;
    let start = start + value[start..slashes].iter().position(u8::is_ascii_alphabetic)?;
    let rest = &value[slashes + 3..];
    let length = |most: usize| rest.iter().take(most).take_while(|byte| byte.is_ascii_graphic() && !b"\"'<>`\\{}|^".contains(byte) || **byte >= 0x80).count();
    let user_info = user_info(&rest[..length(MAX_USER_INFO)])?;
    let length = length(usize::MAX);
    let (_, password) = rest[..user_info].split_at(memchr::memchr(b':', &rest[..user_info])? + 1);
    // A port, a placeholder, an empty one: no password.
    if password.is_empty() || password.iter().all(|byte| *byte == password[0] && !byte.is_ascii_alphanumeric()) {
        return None;
    }
    let query = memchr::memchr(b'?', &rest[..length]).unwrap_or(length);
    let end = rest[user_info..length]
        .iter()
        .position(|byte| matches!(byte, b'&' | b';' | b')') && length <= query || *byte == b')')
        .map_or(length, |at| user_info + at);
    let end = end - rest[..end].iter().rev().take_while(|byte| b".,;:!?".contains(byte)).count();
    Some(start..slashes + 3 + end)
}

/// How long the user and the password of an authority are, up to the last `@` before the path; a password may hold a slash itself.
fn user_info(rest: &[u8]) -> Option<usize> {
    let path = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    if let Some(at) = memchr::memrchr(b'@', &rest[..path]) {
        return Some(at);
    }
    let colon = memchr::memchr(b':', &rest[..path])?;
    let is_port = colon + 1 < path && rest[colon + 1..path].iter().all(u8::is_ascii_digit);
    let at = memchr::memchr(b'@', &rest[..rest.len().min(MAX_USER_INFO)])?;
    (!is_port && rest.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) && rest[path] == b'/' && at > path).then_some(at)
}

/// `Name=value;Name=value` with a key or a password among them.
pub(super) fn connection_strings(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for equals in memchr::memchr_iter(b'=', value) {
        let is_secret = |name: &&&str| equals >= after + name.len() && value[equals - name.len()..equals].eq_ignore_ascii_case(name.as_bytes());
        let Some(start) = SECRET_SETTINGS.iter().find(is_secret).map(|name| equals - name.len()).filter(|start| begins_token(value, *start)) else { continue };
        let from = start - value[after..start].iter().rev().take(MAX_STRING).take_while(|byte| is_within(**byte)).count();
        let to = start + value[start..].iter().take(MAX_STRING).take_while(|byte| is_within(**byte)).count();
        let span = settings_around(value, from..to, start);
        after = span.end.max(equals + 1);
        if is_connection(&value[span.clone()]) {
            found.push(span);
        }
    }
}

/// What may stand in a connection string.
const fn is_within(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b'&' | b'\r' | b'\n' | b'\t')
}

/// The settings around the one that begins at `at`, as far as there are settings.
fn settings_around(value: &[u8], within: Range<usize>, at: usize) -> Range<usize> {
    let mut start = at;
    while start > within.start && value[start - 1] == b';' {
        let before = within.start + memchr::memrchr(b';', &value[within.start..start - 1]).map_or(0, |semicolon| semicolon + 1);
        let Some(name) = name_of(&value[before..start - 1]) else { break };
        start = before + name.start;
        if !is_setting(&value[before..]) {
            break;
        }
    }
    let (mut end, mut last) = (at, at);
    while end < within.end && is_setting(&value[end..within.end]) {
        last = end;
        end = memchr::memchr(b';', &value[end..within.end]).map_or(within.end, |semicolon| end + semicolon + 1);
    }
    // The last one ends where prose goes on.
    let value_of_last = name_of(&value[last..within.end]).map_or(last, |name| last + name.end);
    if value[..end].last() != Some(&b';') {
        end = value_of_last + value[value_of_last..end].iter().position(|byte| *byte == b' ').unwrap_or(end - value_of_last);
    }
    start..end
}

/// The name of a setting: what stands before an equals sign, one word or two that are known. Prose may stand before the first one.
fn name_of(setting: &[u8]) -> Option<Range<usize>> {
    let equals = memchr::memchr(b'=', &setting[..setting.len().min(MAX_STRING)])?;
    let name = setting[..equals].trim_ascii_end();
    let last = name.iter().rev().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')).count();
    let long = LONG_NAMES.iter().filter(|long| name.len() >= long.len() && name[name.len() - long.len()..].eq_ignore_ascii_case(long)).map(|long| long.len());
    let length = long.max().unwrap_or(last);
    (length > 0).then_some(name.len() - length..equals)
}

/// Whether a setting is nothing but one.
fn is_setting(setting: &[u8]) -> bool {
    name_of(setting).is_some_and(|name| setting[..name.start].iter().all(|byte| *byte == b' '))
}

/// More than one setting, and one of them says where the service is; a key of a cloud says that by itself.
fn is_connection(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let has = |name: &[u8]| memmem::find(&lower, name).is_some();
    let is_cloud = [&b"accountkey="[..], b"sharedaccess"].iter().any(|name| has(name));
    let is_placed = PLACES.iter().any(|name| has(name));
    let is_one = memchr::memchr_iter(b'=', text).count() < 2;
    is_cloud || (is_placed && !is_one)
}

/// Where the password of a URL stands in it.
pub(crate) fn password_of(url: &[u8]) -> Option<Range<usize>> {
    let start = memmem::find(&url[..url.len().min(MAX_NAME)], b"://")? + 3;
    let end = start + user_info(&url[start..])?;
    Some(memchr::memchr(b':', &url[start..end]).map_or(start, |colon| start + colon + 1)..end)
}

/// The user whose password stands in a URL.
pub(crate) fn user_of(url: &str) -> Option<&str> {
    let password = password_of(url.as_bytes())?;
    let before = url.get(..password.start)?;
    before.strip_suffix(':').and_then(|before| before.rsplit_once("://")).map(|(_, user)| user)
}

const SCHEMES: [(&str, Scheme); 10] = [
    ("bearer", Scheme::Opaque),
    ("basic", Scheme::Basic),
    ("digest", Scheme::Digest),
    ("negotiate", Scheme::Opaque),
    ("ntlm", Scheme::Opaque),
    ("dpop", Scheme::Opaque),
    ("ssws", Scheme::Opaque),
    ("apikey", Scheme::Opaque),
    ("sharedkey", Scheme::Opaque),
    ("token", Scheme::Token),
];
/// One of these stands in each text with a credential behind its scheme.
pub(super) const SCHEME_WORDS: &[&str] = &["bearer", "basic", "digest", "negotiate", "ntlm", "dpop", "ssws", "apikey", "sharedkey"];
/// One of these stands in each connection string.
pub(super) const SETTING_WORDS: &[&str] = &["accountkey=", "sharedaccesskey=", "sharedaccesssignature=", "password=", "pwd=", "sharedsecretvalue="];
/// Settings whose value is a secret.
const SECRET_SETTINGS: [&str; 6] = ["accountkey", "sharedaccesskey", "sharedaccesssignature", "password", "pwd", "sharedsecretvalue"];
/// Settings that say where a service is.
const PLACES: [&[u8]; 12] = [
    b"server=",
    b"data source=",
    b"datasource=",
    b"host=",
    b"hostname=",
    b"addr=",
    b"address=",
    b"endpoint=",
    b"driver=",
    b"database=",
    b"catalog=",
    b"provider=",
];
/// Names of more than one word.
const LONG_NAMES: [&[u8]; 10] = [
    b"data source",
    b"user id",
    b"initial catalog",
    b"integrated security",
    b"persist security info",
    b"application name",
    b"connect timeout",
    b"connection timeout",
    b"trust server certificate",
    b"max pool size",
];
/// No scheme and no setting has a longer name.
const MAX_NAME: usize = 40;
const MAX_USER_INFO: usize = 512;
/// A user and a password in base64.
const MAX_BASIC: usize = 1024;
/// As far as the settings before a password may reach, and those behind it.
const MAX_STRING: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_shown_with_its_scheme() {
        for (value, expected) in
            [("Bearer abc", 0), ("x basic \tabc", 2), ("Bearer+abc", 0), ("x=Basic%20abc", 2), ("abc", 0), ("the abc", 4), ("xbearer abc", 8), ("bearerabc", 6)]
        {
            assert_eq!(with_scheme(value.as_bytes(), value.len() - 3), expected, "{value}");
        }
        let head = b"GET / HTTP/1.1\r\nAuthorization: Digest a=\"b\", c=d\r\nX: y\r\n\r\n";
        let at = memmem::find(head, b"\"b\"").expect("stands there");
        assert_eq!(&head[header_value(head, &(at + 1..at + 2))], b"Digest a=\"b\", c=d");
    }

    #[test]
    fn the_password_of_a_url_is_what_is_secret() {
        for (url, expected) in [
            ("postgres://app:s3cret@db:5432/x", Some("s3cret")),
            ("redis://:s3@cache", Some("s3")),
            ("https://token@git.example/a", Some("token")),
            ("amqp://u:p/w@mq/x", Some("p/w")),
            ("https://shop.example:8443/a@b", None),
            ("s3cret", None),
        ] {
            assert_eq!(password_of(url.as_bytes()).map(|span| &url[span]), expected, "{url}");
        }
    }

    /// Every piece of a text with all of them, so that no cut makes anything panic.
    #[test]
    fn no_cut_is_a_panic() {
        let text = b"x Bearer abc1.d/e== Digest a=\"b\", c=d redis://u:p@h/?x=1&y;) Server=a;User ID=b;Password=c d;x Basic%20YTpi password=;=;pwd=\\\"";
        for start in 0..text.len() {
            for end in start..=text.len() {
                let value = &text[start..end];
                let mut found = Vec::new();
                let classes = Classes::of(value);
                for find in [schemes, urls, connection_strings] {
                    find(value, &classes, &mut found);
                }
                assert!(found.iter().all(|span| span.start < span.end && span.end <= value.len()));
                (0..value.len()).for_each(|at| assert!(with_scheme(value, at) <= at));
                assert!(password_of(value).is_none_or(|span| span.end <= value.len()));
            }
        }
    }
}
