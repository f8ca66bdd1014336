//! Private keys in armour: PEM and its kin, SSH2 and PuTTY, as they are, escaped in a text or in a form.
//!
//! In: a value. Out: where keys stand, from the line that opens one to the line that closes it. What is cut off reaches to where
//! its text ends, so that no piece of a key is left. Public keys and certificates are no secrets.

use std::ops::Range;

use memchr::memmem;

use super::Classes;

/// Keys in any armour.
pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for begin in memmem::find_iter(value, b"BEGIN").filter(|begin| opens(value, *begin)) {
        let dashes = begin - 5;
        if dashes >= after
            && let Some(title) = title_at(value, begin + 5)
            && memmem::find(&value[title.clone()], b"PRIVATE").is_some()
        {
            after = end_of(value, title.end);
            found.push(dashes..after);
        }
    }
    putty(value, found);
}

/// Whether a `BEGIN` has its dashes before it.
fn opens(value: &[u8], begin: usize) -> bool {
    value[..begin].ends_with(b"-----") || value[..begin].ends_with(b"---- ")
}

/// The words between `BEGIN` and the dashes behind it.
fn title_at(value: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = value.get(start..(start + MAX_TITLE).min(value.len()))?;
    let length = memmem::find(rest, b"----").unwrap_or(rest.len());
    // Words in capitals, with spaces or what a form makes of them.
    let is_title = rest[..length].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" +%_\\-".contains(byte));
    is_title.then_some(start..start + length)
}

/// Behind the line that closes what was opened before `from`; without one, where the text of the key ends.
fn end_of(value: &[u8], from: usize) -> usize {
    let rest = &value[from..];
    // Not beyond where the next one begins, so that many of them are looked through once.
    let next = memmem::find_iter(rest, b"BEGIN").find(|begin| opens(rest, *begin)).map(|begin| begin - 5);
    let own = &rest[..next.unwrap_or(rest.len())];
    if let Some(close) = memmem::find(own, b"---END").or_else(|| memmem::find(own, b"--- END")) {
        let dashes = from + close + 6;
        // Cut off in the middle of the line, it ends where the text does.
        let title = memmem::find(&value[dashes..(dashes + MAX_TITLE).min(value.len())], b"----");
        return title.map_or(value.len().min(dashes + MAX_TITLE), |title| {
            let start = dashes + title;
            start + value[start..].iter().take_while(|byte| **byte == b'-').count()
        });
    }
    // Another field of a form follows: a name, and an equals sign.
    let is_field = |text: &[u8]| {
        let name = text.iter().take(MAX_TITLE).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count();
        name > 0 && text.get(name) == Some(&b'=')
    };
    let ends = |at: &usize| matches!(own[*at], b'"' | b'\'' | b'<' | b'>' | b'`') || own[*at] == b'&' && is_field(&own[at + 1..]);
    from + (0..own.len()).find(ends).unwrap_or(own.len())
}

/// From the heading of a PuTTY key to the code that closes it (the PuTTY manual, appendix C).
fn putty(value: &[u8], found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for start in memmem::find_iter(value, b"PuTTY-User-Key-File-").filter(|start| super::starts_word(value, *start)) {
        if start >= after {
            let code = memmem::find(&value[start..], b"Private-MAC:").map(|at| start + at + 12);
            after = code.map_or(value.len(), |code| {
                let spaces = value[code..].iter().take_while(|byte| matches!(byte, b' ' | b'+')).count();
                code + spaces + value[code + spaces..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
            });
            found.push(start..after);
        }
    }
}

/// `SSH2 ENCRYPTED PRIVATE KEY`, `PGP PRIVATE KEY BLOCK`, with room for what a form makes of the spaces.
const MAX_TITLE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cut_is_a_panic_and_no_piece_of_a_key_is_left() {
        let text = b"x -----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----- y ---- BEGIN SSH2 PRIVATE KEY ---- a PuTTY-User-Key-File-2: z Private-MAC: 0a1";
        for start in 0..text.len() {
            for end in start..=text.len() {
                let mut found = Vec::new();
                find(&text[start..end], &Classes::of(&text[start..end]), &mut found);
                assert!(found.iter().all(|span| span.start < span.end && span.end <= end - start));
                if start <= 2 && end > 30 {
                    assert_eq!(found[0].start, 2 - start);
                    assert!(found[0].end >= (70 - start).min(end - start), "{start}..{end}");
                }
            }
        }
    }
}
