//! E-mail addresses: an `@` with a local part before it and a host of two labels or more behind it (RFC 5321, section 4.1.2, without
//! quoted local parts and address literals).

use std::ops::Range;

use super::Classes;

pub(super) fn find(value: &[u8], _: &Classes, found: &mut Vec<Range<usize>>) {
    let mut after = 0;
    for at in memchr::memchr_iter(b'@', value) {
        if at < after {
            continue;
        }
        let start = at - value[after..at].iter().rev().take_while(|byte| is_local(**byte)).count();
        let start = start
            + value[start..at]
                .iter()
                .take_while(|byte| matches!(byte, b'.' | b'\'' | b'/' | b'=' | b'&' | b'?' | b'*' | b'|' | b'{' | b'}' | b'$' | b'^' | b'!' | b'#' | b'-'))
                .count();
        if start == at || value[at - 1] == b'.' {
            continue;
        }
        // In `to=a@b.c` and `mailto:?cc=a@b.c` the name before the sign is none of the address's.
        let start = value[start..at].iter().rposition(|byte| matches!(byte, b'=' | b'&' | b'?' | b'/')).map_or(start, |sign| start + sign + 1);
        let host = &value[at + 1..];
        let length = host.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') || **byte >= 0x80).count();
        let length = length - host[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
        if start < at && length <= MAX_HOST && at - start <= MAX_LOCAL && is_host(&host[..length]) {
            after = at + 1 + length;
            found.push(start..after);
        }
    }
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte) || byte >= 0x80
}

/// Labels joined by dots, the last one of letters (or in its ASCII form, `xn--…`).
fn is_host(host: &[u8]) -> bool {
    let mut labels = host.split(|byte| *byte == b'.');
    let Some(last) = labels.next_back() else { return false };
    let mut rest = labels.peekable();
    rest.peek().is_some()
        && rest.all(|label| !label.is_empty() && label.len() <= 63)
        && last.len() >= 2
        && (last.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80) || last.starts_with(b"xn--"))
}

const MAX_LOCAL: usize = 64;
const MAX_HOST: usize = 253;
