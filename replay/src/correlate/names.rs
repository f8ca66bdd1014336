//! What names have in common.
//!
//! In: names of fields, segments and endpoints, in any style. Out: their words, in lower case and in the singular, so that
//! `customerId`, `customer_id` and `/customers/{}` are seen to speak of the same thing. No name is known in advance.

use std::collections::BTreeSet;

/// The words of `name`.
pub(super) fn words(name: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    let mut was_lower = false;
    for char in name.chars().chain(['/']) {
        let ends = !char.is_ascii_alphabetic() || (was_lower && char.is_ascii_uppercase());
        if ends && !word.is_empty() {
            words.insert(singular(std::mem::take(&mut word)));
        }
        if char.is_ascii_alphabetic() {
            word.push(char.to_ascii_lowercase());
        }
        was_lower = char.is_ascii_lowercase();
    }
    words
}

fn singular(mut word: String) -> String {
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
        if word.len() > 3 && word.ends_with("ie") {
            word.truncate(word.len() - 2);
            word.push('y');
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_in_any_style() {
        let cases = [
            ("customerId", "customer id"),
            ("customer_id", "customer id"),
            ("/v2/customers/{}", "customer v"),
            ("body:/items/*/SKU-code", "body code item sku"),
            ("entries", "entry"),
            ("class", "class"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(words(name).into_iter().collect::<Vec<_>>().join(" "), expected, "{name}");
        }
    }
}
