//! Places that a policy names: by patterns of paths.
//!
//! In: patterns as people write them, and the template of a path. Out: what the policy says of that place, if anything. Matching takes linear
//! time; nothing here sees a value.

use std::collections::BTreeMap;

use reenact_formats::config::{self, Word};
use reenact_formats::content::{Leaf, LeafKind};
use reenact_formats::model::Action;
use regex::{Regex, RegexSet, RegexSetBuilder};

use crate::known_values::KnownValues;
use crate::pseudonym::Domain;
use crate::redactor::may_recur;

/// What a policy says of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) action: Action,
    /// Whose pseudonyms a value there gets, where no rule knows what it is: then it is known again elsewhere. Else the place alone is meant.
    pub(crate) domain: Option<Domain>,
    /// It names many places at once, fixed words of an API among them.
    is_broad: bool,
    /// It names the names of members.
    is_of_keys: bool,
}

/// All places that a policy names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locations {
    patterns: RegexSet,
    /// By the number of the pattern, with what makes it more specific than others.
    entries: Vec<(String, Location)>,
}

impl Locations {
    /// The places of a policy, in the order of their patterns. An error says what is wrong with all of them together.
    pub(crate) fn new(entries: BTreeMap<String, (Action, Option<Domain>)>) -> Result<Self, String> {
        let mut entries: Vec<(String, Location)> = entries
            .into_iter()
            .map(|(pattern, (action, domain))| {
                let (is_broad, is_of_keys) = (pattern.contains("**"), pattern.ends_with(KEY));
                (pattern, Location { action, domain, is_broad, is_of_keys })
            })
            .collect();
        // The most specific first: the one with the most characters beside its stars, then the one that begins to differ later.
        entries
            .sort_by_key(|(pattern, location)| (std::cmp::Reverse(pattern.bytes().filter(|byte| *byte != b'*').count()), location.is_broad, pattern.clone()));
        let patterns = RegexSetBuilder::new(entries.iter().map(|(pattern, _)| as_regex(pattern)))
            .size_limit(LARGEST)
            .build()
            .map_err(|_| format!("{} places take more than {} MiB to compare with: join those that are alike by `*` or `**`", entries.len(), LARGEST >> 20))?;
        Ok(Self { patterns, entries })
    }

    /// What the policy says of the place with this template.
    pub(crate) fn at(&self, template: &str) -> Option<&Location> {
        if self.entries.is_empty() {
            return None;
        }
        self.patterns.matches(template).into_iter().next().map(|number| &self.entries[number].1)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The patterns, with what is said of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.entries.iter().map(|(pattern, location)| (pattern.as_str(), location))
    }
}

impl Location {
    /// Whether all of a leaf is taken: not what says how a message is to be read, nor a fixed word of an API that no one has named as such.
    pub(crate) fn takes(&self, leaf: &Leaf<'_>) -> bool {
        if self.action == Action::Keep || leaf.value.is_empty() {
            return false;
        }
        match leaf.kind {
            LeafKind::JsonNull | LeafKind::MultipartFile => false,
            LeafKind::JsonKey => self.is_of_keys,
            LeafKind::JsonBool => !self.is_broad,
            _ if self.is_broad => may_recur(leaf),
            _ => KnownValues::may_stand(leaf),
        }
    }
}

/// The pattern that a word is, as it is compared.
pub(crate) fn pattern(word: &Word, kind: &str, name: &str) -> Result<String, config::Error> {
    let text = word.text().trim();
    let wrong = |problem: &str| Err(word.wrong(kind, name, format!("`{text}`: {problem}")));
    if text.is_empty() {
        return wrong("a place has a path, as in body:/users/*/name");
    }
    let Some((section, rest)) = text.split_once(':') else {
        // A column of a database, or anything at all.
        return if text.contains('/') || text.starts_with('*') {
            compiled(text).map(|()| text.to_owned()).map_err(|problem| word.wrong(kind, name, problem))
        } else {
            wrong("a place is a section and a path, as in body:/users/*/name or header:x-*; or table/column")
        };
    };
    if !SECTIONS.contains(&section) && !section.contains('*') {
        return Err(word.unknown(kind, name, "place", SECTIONS.map(|section| format!("{section}:{rest}"))));
    }
    if section == "body" && rest.split('/').any(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())) {
        return wrong("the elements of a list are written `*`, all alike");
    }
    let pattern = if matches!(section, "header") { text.to_lowercase() } else { text.to_owned() };
    compiled(&pattern).map_err(|problem| word.wrong(kind, name, problem))?;
    Ok(pattern)
}

fn compiled(pattern: &str) -> Result<(), String> {
    Regex::new(&as_regex(pattern)).map(|_| ()).map_err(|_| format!("`{pattern}` is too long a pattern"))
}

fn as_regex(pattern: &str) -> String {
    let steps = pattern.split("**").map(|piece| piece.split('*').map(regex::escape).collect::<Vec<_>>().join("[^/]*"));
    format!("(?s)^{}$", steps.collect::<Vec<_>>().join(".*"))
}

/// How much memory all patterns may take together, compiled.
const LARGEST: usize = 64 << 20;
/// What the path of a member's name ends with.
const KEY: &str = "~key";
/// What paths begin with.
const SECTIONS: [&str; 9] = ["target", "query", "fragment", "header", "cookie", "set-cookie", "head", "body", "metadata"];

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(patterns: &[(&str, Action)]) -> Locations {
        Locations::new(patterns.iter().map(|(pattern, action)| ((*pattern).to_owned(), (*action, None))).collect()).unwrap()
    }

    #[test]
    fn the_most_specific_place_decides() {
        let locations = locations(&[
            ("**", Action::Keep),
            ("body:**", Action::Mask),
            ("body:/users/*/name", Action::Hash),
            ("body:/users/**", Action::Drop),
            ("body:/users/*/*", Action::Pseudonym),
            ("header:x-*", Action::Generalise),
        ]);
        for (path, action) in [
            ("body:/users/*/name", Action::Hash),
            ("body:/users/*/mail", Action::Pseudonym),
            ("body:/users/*/a/b", Action::Drop),
            ("body:/items/*", Action::Mask),
            ("header:x-user", Action::Generalise),
            ("header:host", Action::Keep),
            ("query:name", Action::Keep),
        ] {
            assert_eq!(locations.at(path).map(|location| location.action), Some(action), "{path}");
        }
        assert_eq!(Locations::default().at("body:/x"), None);
    }

    #[test]
    fn stars_stay_within_their_step_unless_there_are_two() {
        let is = |pattern: &str, path: &str| locations(&[(pattern, Action::Mask)]).at(path).is_some();
        assert!(is("body:/a/*", "body:/a/*") && is("body:/a/*", "body:/a/b") && !is("body:/a/*", "body:/a/b/c") && !is("body:/a/*", "body:/a"));
        assert!(is("body:/a/**", "body:/a/b/c") && is("**/name", "body:/x/name") && is("body:/a.b", "body:/a.b") && !is("body:/a.b", "body:/axb"));
    }

    #[test]
    fn many_places_are_told_apart_and_too_many_are_refused() {
        let places = |count: usize| {
            let step = "a".repeat(40);
            Locations::new((0..count).map(|number| (format!("body:/{step}/*/field-{number}"), (Action::Mask, None))).collect())
        };
        let many = places(1000).unwrap();
        assert!(many.at(&format!("body:/{}/x/field-999", "a".repeat(40))).is_some());
        let refused = places(100_000).unwrap_err();
        assert!(refused.starts_with("100000 places") && refused.contains("join"), "{refused}");
    }
}
