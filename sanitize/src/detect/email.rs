//! E-mail addresses: an `@` with a local part before it and a host of two labels or more behind it (RFC 5321, section 4.1.2, without
//! quoted local parts and address literals; RFC 6531 for other scripts).
//!
//! In: a value. Out: the spans of addresses. File names, packages with a version, remotes of repositories and the user of a URL look
//! alike and stay.

use std::ops::Range;

use super::Classes;

pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for at in memchr::memchr_iter(b'@', value) {
        if at < after {
            continue;
        }
        let start = local_begins(value, after, at);
        let length = without_file_name(&value[at + 1..][..host_length(&value[at + 1..])]);
        let host = &value[at + 1..at + 1 + length];
        if start < at
            && value[at - 1] != b'.'
            && at - start <= MAX_LOCAL
            && is_host(host)
            && !is_remote(&value[start..at], &value[at + 1 + length..])
            && !is_url_user(value, start)
        {
            after = at + 1 + length;
            found.push(start..after);
        }
    }
}

/// Where the local part before the sign at `at` begins.
fn local_begins(value: &[u8], after: usize, at: usize) -> usize {
    let mut start = at;
    let mut has_ascii = false;
    while start > after {
        let byte = value[start - 1];
        if byte.is_ascii() {
            if !is_local(byte) {
                break;
            }
            has_ascii = true;
            start -= 1;
            continue;
        }
        // A sentence in a script without spaces runs into the address that it names.
        let Some((character, width)) = last_character(&value[after..start]) else { break };
        if is_mark(character) || (has_ascii && character >= FIRST_WITHOUT_CASE) {
            break;
        }
        start -= width;
    }
    let start = start + value[start..at].iter().take_while(|byte| b".'/=&?*|{}$^!#-".contains(byte)).count();
    // In `to=a@b.c` and `mailto:?cc=a@b.c` the name before the sign is none of the address's.
    value[start..at].iter().rposition(|byte| matches!(byte, b'=' | b'&' | b'?' | b'/')).map_or(start, |sign| start + sign + 1)
}

/// How long the host is that a text begins with.
fn host_length(text: &[u8]) -> usize {
    let mut length = 0;
    let mut label_is_ascii = true;
    let mut label = 0;
    while length < text.len().min(MAX_HOST + 4) {
        let byte = text[length];
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            (length, label) = (length + 1, label + 1);
        } else if byte == b'.' {
            (length, label, label_is_ascii) = (length + 1, 0, true);
        } else if byte.is_ascii() {
            break;
        } else {
            let Some((character, width)) = first_character(&text[length..]) else { break };
            if is_mark(character) || (label > 1 && label_is_ascii && character >= FIRST_WITHOUT_CASE) {
                break;
            }
            (length, label, label_is_ascii) = (length + width, label + 1, false);
        }
    }
    length - text[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count()
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'/' | b'=' | b'?' | b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~' | b'-'
        )
}

/// How much of a host is left without the end of a file's name behind it: `jane@shop.example.txt`.
fn without_file_name(host: &[u8]) -> usize {
    match host.iter().rposition(|byte| *byte == b'.') {
        Some(dot) if is_file(&host[dot + 1..]) => dot,
        _ => host.len(),
    }
}

fn is_file(label: &[u8]) -> bool {
    FILES.iter().any(|file| label.eq_ignore_ascii_case(file.as_bytes()))
}

/// Labels joined by dots, the last one of letters (or in its ASCII form, `xn--…`) and no file's or package's.
fn is_host(host: &[u8]) -> bool {
    let mut labels = host.split(|byte| *byte == b'.');
    let Some(last) = labels.next_back() else { return false };
    let is_label = |label: &[u8]| !label.is_empty() && label.len() <= 63 && label[0] != b'-';
    let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    let mut rest = labels.clone().peekable();
    let is_top = (last.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80) || last.starts_with(b"xn--")) && (last.len() >= 2);
    let is_version = labels.clone().take(2).filter(|label| is_number(label)).count() == 2;
    let is_scale = matches!(host, [digit, b'x' | b'X', b'.', ..] if digit.is_ascii_digit());
    rest.peek().is_some() && rest.all(is_label) && is_top && !is_version && !is_scale && host.len() <= MAX_HOST
}

/// `git@host.example:group/project`: the user is a program's.
fn is_remote(local: &[u8], after: &[u8]) -> bool {
    matches!(local, b"git" | b"hg" | b"svn") && matches!(after.first(), Some(b':' | b'/'))
}

/// `https://user:secret@host.example/`: what stands there belongs to the URL.
fn is_url_user(value: &[u8], start: usize) -> bool {
    let before = &value[start.saturating_sub(MAX_LOCAL * 2)..start];
    let authority = before.iter().rposition(|byte| byte.is_ascii_whitespace() || b"/\"'<>?#,;".contains(byte)).unwrap_or(0);
    before.get(authority) == Some(&b'/') && before[..=authority].ends_with(b"://")
}

/// Punctuation beyond ASCII: quotation marks, dashes, ideographic and full-width marks, hard spaces.
const fn is_mark(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

fn first_character(text: &[u8]) -> Option<(char, usize)> {
    let width = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(..width)?).ok()?.chars().next()?;
    Some((character, width))
}

fn last_character(text: &[u8]) -> Option<(char, usize)> {
    let back = text.iter().rev().take(4).position(|byte| *byte >= 0xc0)?;
    first_character(&text[text.len() - back - 1..]).filter(|(_, width)| *width == back + 1)
}

const MAX_LOCAL: usize = 64;
const MAX_HOST: usize = 253;
/// From Thai on, scripts are written without spaces, or without letters that an ASCII address would go on with.
const FIRST_WITHOUT_CASE: char = '\u{e00}';
/// Ends of names of files and parts of packages, none of them a top-level domain that takes mail.
const FILES: [&str; 44] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "bmp", "tif", "tiff", "css", "scss", "less", "js", "mjs", "cjs", "jsx", "ts", "tsx", "json",
    "xml", "html", "htm", "pdf", "txt", "csv", "yaml", "yml", "toml", "lock", "tgz", "gz", "tar", "whl", "jar", "exe", "dll", "mp4", "mp3", "wav", "woff",
    "ttf", "service",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_and_their_look_alikes_are_not() {
        for (text, expected) in [
            ("write to jane.roe+shop@mail.example.com.", &["jane.roe+shop@mail.example.com"][..]),
            ("<o'brien@müller.example.de>; \"x\" <a_b@x.io>", &["o'brien@müller.example.de", "a_b@x.io"]),
            ("to=a@b.io&cc=c@d.io", &["a@b.io", "c@d.io"]),
            ("mailto:jane@x.io?cc=bob@y.io", &["jane@x.io", "bob@y.io"]),
            ("メールはjane@shop.jpです。", &["jane@shop.jp"]),
            ("用户@例子.公司", &["用户@例子.公司"]),
            ("почта: иван@почта.рф", &["иван@почта.рф"]),
            ("“zoë@x.io” «a@b.fr»\u{a0}c@d.fr", &["zoë@x.io", "a@b.fr", "c@d.fr"]),
            ("x@xn--bcher-kva.xn--p1ai", &["x@xn--bcher-kva.xn--p1ai"]),
            ("user@163.com, a@b", &["user@163.com"]),
            ("c2@shop.example.txt", &["c2@shop.example"]),
            ("logo@2x.png icon@3x.min.js", &[]),
            ("npm i left-pad@1.3.0 @types/node@20.1.0-rc.next", &[]),
            ("git@github.com:group/project.git", &[]),
            ("https://bob@host.example.com/x postgres://app:pw@db.internal.example:5432/x", &[]),
            ("jane@ @x.io .@x.io a.@x.io a@.io a@x..io a@-x.io", &[]),
        ] {
            let mut found = Vec::new();
            find(text.as_bytes(), &Classes::of(text.as_bytes()), &mut found);
            assert_eq!(found.iter().map(|span| &text[span.clone()]).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn broken_utf_8_is_no_letter() {
        let mut found = Vec::new();
        find(b"\xe2\x82a@x.io\xff b@y.io\xe2", &Classes::of(b"\xe2\x82a@x.io\xff b@y.io\xe2"), &mut found);
        assert_eq!(found, [2..8, 10..16]);
    }
}
