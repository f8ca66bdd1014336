//! The paths of leaves while they are built, and their templates.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The path of the leaf at hand, built in one buffer, and how often each path was there before: the second of two alike is told
/// from the first. Paths are counted by keyed digests: nothing is allocated for a leaf, and no one can make two of them collide.
#[derive(Default)]
pub(super) struct Paths {
    text: String,
    #[expect(clippy::disallowed_types, reason = "asked for one digest at a time; its order shows nowhere")]
    counts: std::collections::HashMap<u64, u32, BuildHasherDefault<Digest>>,
    hasher: RandomState,
}

/// A digest is its own hash.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

impl Paths {
    /// Begins a path anew.
    pub(super) fn start(&mut self, pieces: &[&str]) -> &mut Self {
        self.text.clear();
        pieces.iter().for_each(|piece| self.text.push_str(piece));
        self
    }

    pub(super) fn push(&mut self, piece: &str) -> &mut Self {
        self.text.push_str(piece);
        self
    }

    pub(super) fn index(&mut self, index: usize) -> &mut Self {
        push_index(&mut self.text, index);
        self
    }

    /// The path as it stands.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The path, with `#2` behind it if it was there before.
    pub(super) fn unique(&mut self) -> &str {
        let count = self.counts.entry(self.hasher.hash_one(&self.text)).or_default();
        *count += 1;
        if *count > 1 {
            self.text.push('#');
            push_index(&mut self.text, *count as usize);
        }
        &self.text
    }
}

/// Appends a number in digits.
pub(super) fn push_index(path: &mut String, mut index: usize) {
    let (mut digits, mut at) = ([b'0'; 20], 19);
    while index > 9 {
        digits[at] = b'0' + (index % 10) as u8;
        index /= 10;
        at -= 1;
    }
    digits[at] = b'0' + index as u8;
    path.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Appends a name to a path as in a JSON pointer (RFC 6901, section 3).
pub(super) fn push_name(path: &mut String, name: &str) {
    path.push('/');
    let mut rest = name;
    while let Some(at) = memchr::memchr2(b'~', b'/', rest.as_bytes()) {
        path.push_str(&rest[..at]);
        path.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    path.push_str(rest);
}

/// `path` with indices and with names that may be values as `*`.
pub(super) fn template(path: &str) -> String {
    let (section, rest) = path.split_once(':').unwrap_or((path, ""));
    let key = rest.ends_with("~key");
    let rest = rest.strip_suffix("~key").unwrap_or(rest);
    let rest = match rest.rsplit_once('#') {
        Some((before, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => rest,
    };
    let indices_stay = section != "body";
    let mut out = format!("{section}:");
    for (position, component) in rest.split('/').enumerate() {
        if position > 0 {
            out.push('/');
        }
        // Within a component, `;`, `?` and `:` set its own parts off: a cookie's attribute, a query in a header's URL.
        let mut word_start = 0;
        for (end, separator) in component.match_indices([';', '?', ':']).map(|(at, text)| (at, Some(text))).chain([(component.len(), None)]) {
            let word = &component[word_start..end];
            let index = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            out.push_str(if (index && indices_stay && word.len() < 4) || is_name(word) { word } else { "*" });
            out.push_str(separator.unwrap_or(""));
            word_start = end + 1;
        }
    }
    if key {
        out.push_str("~key");
    }
    out
}

/// Whether a text is so much like a field name that it can be printed: letters and joiners, few digits, not long.
pub(super) fn is_name(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.is_empty()
        || (word.len() <= 48
            && digits <= 2
            && !word.starts_with(|first: char| first.is_ascii_digit())
            && !is_key_like(word)
            && word.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '$' | '[' | ']')))
}

/// Long and in upper case without a joiner, as vendors' key ids are: no one names a field so.
fn is_key_like(word: &str) -> bool {
    word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_hold_no_value() {
        for (path, expected) in [
            ("body:/items/0/sku", "body:/items/*/sku"),
            ("body:/alice@example.org/name", "body:/*/name"),
            ("body:/tags~key", "body:/tags~key"),
            ("body:", "body:"),
            ("body:name#2", "body:name"),
            ("target:/2", "target:/2"),
            ("query:token", "query:token"),
            ("query:8f14e45fceea167a5a36dedd4bea2543", "query:*"),
            ("header:location:/1", "header:location:/1"),
            ("header:location?code", "header:location?code"),
            ("set-cookie:sid;expires", "set-cookie:sid;expires"),
            ("body:/a~1b", "body:/*"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
    }

    #[test]
    fn repeats_are_numbered() {
        let mut paths = Paths::default();
        let seen = [["a", "b"], ["b", ""], ["ab", ""], ["", "ab"]].map(|pieces| paths.start(&pieces).unique().to_owned());
        assert_eq!(seen, ["ab", "b", "ab#2", "ab#3"]);
        assert_eq!(paths.start(&["/"]).index(0).push("/").index(usize::MAX).unique(), format!("/0/{}", usize::MAX));
    }
}
