//! What stands beside a value: a bare `name` is a person's where an e-mail address, a password or a customer's id stands beside it.
//!
//! In: the leaves of one part of a message. Out: the places whose values are about people. A place is what a leaf's path names
//! without its last component: an object, a form, an element.

use std::collections::BTreeSet;

use crate::rules::RuleId;
use reenact_formats::content::Leaf;

use super::Strength;
use super::names::{Names, words};

/// Places that are about people.
#[derive(Debug, Default)]
pub(crate) struct Beside(BTreeSet<String>);

impl Beside {
    /// Looks at what a visit hands out. Only texts in which a bare name could stand are looked at.
    pub(super) fn of(names: &Names, text: &[u8], visit: impl FnOnce(&mut dyn FnMut(Leaf<'_>))) -> Self {
        let mut places = BTreeSet::new();
        if BARE_NAMES.iter().any(|name| memchr::memmem::find(text, name).is_some()) {
            visit(&mut |leaf| {
                let key = if leaf.kind.is_value() { leaf.name.as_deref() } else { leaf.text() };
                if key.is_some_and(|key| is_about_someone(names, key)) {
                    places.insert(place(leaf.path).to_owned());
                }
            });
        }
        Self(places)
    }

    /// Whether what stands at `path` stands beside something that is about a person.
    pub(super) fn has(&self, path: &str) -> bool {
        !self.0.is_empty() && self.0.contains(place(path))
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

/// In one of the languages of the weak names.
const BARE_NAMES: [&[u8]; 5] = [b"ame\"", b"ame=", b"ame>", b"ame:", b"nom"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;
    use reenact_formats::content::visit_nested;

    #[test]
    fn a_place_is_about_people_by_what_else_is_there() {
        let rules = Rules::built_in();
        let names = &rules.compiled().names;
        let text = br#"{"name":"a","user":{"name":"b","email":"c"},"items":[{"name":"d","sku":"e"}],"o":{"customer_id":1,"name":"f"},"package":{"name":"g","author":"h"}}"#;
        let beside = Beside::of(names, text, |f| {
            visit_nested(text, f);
        });
        for (path, expected) in [("body:/user/name", true), ("body:/o/name", true), ("body:/items/0/name", false), ("body:/package/name", false)] {
            assert_eq!(beside.has(path), expected, "{path}");
        }
        assert_eq!(place("body:name"), "body:");
        assert_eq!(place("query:name#2"), "query:");
    }
}
