//! What stands beside a value: a bare `name` is a person's where an e-mail address, a password or a customer's id stands beside it, and a
//! bare `value` is called what the `name` or the `key` beside it says.
//!
//! In: one part of a message. Out: the places whose values are about people, and what values are called. A place is what a leaf's path
//! names without its last component: an object, a form, an element.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::rules::RuleId;
use reenact_formats::content::{Leaf, LeafKind, visit_body, visit_head, visit_nested};
use reenact_formats::model::Head;

use super::Strength;
use super::names::{Names, words};

/// What is looked at.
#[derive(Clone, Copy)]
pub(crate) enum Around<'v> {
    /// A head or trailers.
    Head(&'v Head),
    /// A body, without its content codings, behind its head.
    Body(&'v Head, &'v [u8]),
    /// A value with structure of its own.
    Text(&'v [u8]),
}

/// What the places of a part are about. It is looked at when the first bare name or value is met: in most parts none stands.
pub(crate) struct Beside<'v> {
    names: &'v Names,
    part: Around<'v>,
    places: OnceCell<Places>,
}

#[derive(Default)]
struct Places {
    /// Those that are about people.
    people: BTreeSet<String>,
    /// What values are called by what stands beside them.
    told: BTreeMap<String, String>,
}

impl<'v> Beside<'v> {
    pub(super) const fn of(names: &'v Names, part: Around<'v>) -> Self {
        Self { names, part, places: OnceCell::new() }
    }

    /// Whether what stands at `path` stands beside something that is about a person.
    pub(super) fn has(&self, path: &str) -> bool {
        self.places().people.contains(place(path))
    }

    /// What the value that is called `name` and stands at `path` is called by what stands beside it: `{"name": "password", "value": "…"}`,
    /// `{"key": "email", "value": {"stringValue": "…"}}`.
    pub(super) fn told(&self, name: &str, path: &str) -> Option<&str> {
        if !is_one_of(name, &NAMED) {
            return None;
        }
        let here = place(path);
        let around = here.strip_suffix("value/").filter(|_| !name.eq_ignore_ascii_case("value"));
        self.places().told.get(around.unwrap_or(here)).map(String::as_str)
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| self.look())
    }

    fn look(&self) -> Places {
        let mut places = Places::default();
        let mut each = |leaf: Leaf<'_>| places.add(self.names, &leaf);
        match self.part {
            Around::Head(head) => visit_head(head, &mut each),
            Around::Body(head, body) => {
                visit_body(head, body, &mut each);
            }
            Around::Text(text) => {
                visit_nested(text, &mut each);
            }
        }
        places
    }
}

impl Places {
    fn add(&mut self, names: &Names, leaf: &Leaf<'_>) {
        let key = if leaf.kind.is_value() { leaf.name.as_deref() } else { leaf.text() };
        if key.is_some_and(|key| is_about_someone(names, key)) {
            self.people.insert(place(leaf.path).to_owned());
        }
        if matches!(leaf.kind, LeafKind::JsonString | LeafKind::ElementAttribute)
            && leaf.name.as_deref().is_some_and(|name| is_one_of(name, &NAMING))
            && let Some(said) = leaf.text().filter(|said| said.len() <= MAX_SAID && !names.lookup(said).is_empty())
        {
            self.told.entry(place(leaf.path).to_owned()).or_insert_with(|| said.to_owned());
        }
    }
}

fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

impl fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

fn is_about_someone(names: &Names, key: &str) -> bool {
    let told = names.lookup(key).iter().any(|telling| {
        telling.strength == Strength::Strong
            && matches!(
                telling.rule,
                RuleId::ADDRESS
                    | RuleId::BIRTH_DATE
                    | RuleId::EMAIL
                    | RuleId::NATIONAL_ID
                    | RuleId::PASSWORD
                    | RuleId::PERSON
                    | RuleId::PHONE
                    | RuleId::SSN
                    | RuleId::USERNAME
            )
    });
    // An `author` is someone else than the work that has one; a `customer_id` is the customer's own.
    told || (names.is_about_people(key) && words(key).len() > 1)
}

/// A path without its last component.
fn place(path: &str) -> &str {
    let path = path.strip_suffix("~key").unwrap_or(path);
    path.rfind(['/', ':', ';', '?']).map_or("", |end| &path[..=end])
}

/// Names that say what another value is called.
const NAMING: [&str; 8] = ["name", "key", "field", "label", "property", "attribute", "param", "parameter"];
/// Names of values that say nothing of them.
const NAMED: [&str; 6] = ["value", "val", "values", "stringValue", "intValue", "doubleValue"];
/// No longer name means something.
const MAX_SAID: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    #[test]
    fn a_place_is_about_people_by_what_else_is_there() {
        let rules = Rules::built_in();
        let names = &rules.compiled().names;
        let text = br#"{"name":"a","user":{"name":"b","email":"c"},"items":[{"name":"d","sku":"e"}],"o":{"customer_id":1,"name":"f"},"package":{"name":"g","author":"h"}}"#;
        let beside = Beside::of(names, Around::Text(text));
        for (path, expected) in [("body:/user/name", true), ("body:/o/name", true), ("body:/items/0/name", false), ("body:/package/name", false)] {
            assert_eq!(beside.has(path), expected, "{path}");
        }
        for (text, name, path, expected) in [
            (r#"[{"name":"password","value":"x"}]"#, "value", "body:/0/value", Some("password")),
            (r#"[{"value":"x","Key":"Email"}]"#, "value", "body:/0/value", Some("Email")),
            (r#"{"key":"email","value":{"stringValue":"x"}}"#, "stringValue", "body:/value/stringValue", Some("email")),
            (r#"[{"name":"password"},{"value":"x"}]"#, "value", "body:/1/value", None),
            (r#"{"name":"colour","value":"x"}"#, "value", "body:/value", None),
            (r#"{"name":"password","size":"x"}"#, "size", "body:/size", None),
            ("<p name='password' value='x'/>", "value", "body:/p;value", Some("password")),
        ] {
            assert_eq!(Beside::of(names, Around::Text(text.as_bytes())).told(name, path), expected, "{text}");
        }
        assert_eq!(place("body:name"), "body:");
        assert_eq!(place("query:name#2"), "query:");
    }
}
