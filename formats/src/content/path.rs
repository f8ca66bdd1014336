//! The paths of leaves while they are built, and their templates.

use std::collections::BTreeMap;

/// Counts equal paths, so that the second of two alike is told from the first.
#[derive(Default)]
pub(super) struct Repeats(BTreeMap<String, u32>);

impl Repeats {
    /// `path`, or `path#2` if it was there before.
    pub(super) fn unique(&mut self, path: String) -> String {
        let count = self.0.entry(path.clone()).or_default();
        *count += 1;
        if *count == 1 { path } else { format!("{path}#{count}") }
    }
}

/// Appends a name to a path as in a JSON pointer (RFC 6901, section 3).
pub(super) fn push_name(path: &mut String, name: &str) {
    path.push('/');
    for character in name.chars() {
        match character {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            _ => path.push(character),
        }
    }
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
        let mut repeats = Repeats::default();
        let paths: Vec<String> = ["a", "b", "a", "a"].map(|path| repeats.unique(path.to_owned())).into();
        assert_eq!(paths, ["a", "b", "a#2", "a#3"]);
    }
}
