//! What stands beside a value: a bare `name` is a person's where an e-mail address, a password or a customer's id stands beside it.
//!
//! In: one part of a message. Out: the places whose values are about people. A place is what a leaf's path names
//! without its last component: an object, a form, an element.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::rules::RuleId;
use reenact_formats::content::{Leaf, visit_body, visit_head, visit_nested};
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

/// The places of a part that are about people. It is looked at when the first bare name is met: in most parts none stands.
pub(crate) struct Beside<'v> {
    names: &'v Names,
    part: Around<'v>,
    places: OnceCell<BTreeSet<String>>,
}

impl<'v> Beside<'v> {
    pub(super) const fn of(names: &'v Names, part: Around<'v>) -> Self {
        Self { names, part, places: OnceCell::new() }
    }

    /// Whether what stands at `path` stands beside something that is about a person.
    pub(super) fn has(&self, path: &str) -> bool {
        self.places.get_or_init(|| self.places()).contains(place(path))
    }

    fn places(&self) -> BTreeSet<String> {
        let mut places = BTreeSet::new();
        let mut each = |leaf: Leaf<'_>| {
            let key = if leaf.kind.is_value() { leaf.name.as_deref() } else { leaf.text() };
            if key.is_some_and(|key| is_about_someone(self.names, key)) {
                places.insert(place(leaf.path).to_owned());
            }
        };
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
        assert_eq!(place("body:name"), "body:");
        assert_eq!(place("query:name#2"), "query:");
    }
}
