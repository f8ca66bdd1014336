//! Telling names: what the name of a header, member, field, parameter, cookie or column says of its value.
//!
//! Names are taken apart into words (case, `-`, `_`, camelCase do not matter) and matched as whole words from their end:
//! `customerEmailAddress` ends in `email address`, `email_verified` does not end in `email`. Never a substring.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::Strength;
use crate::pseudonym::Domain;
use crate::rules::{Name, RuleId, Rules};

/// What a name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) rule: RuleId,
    /// Whose pseudonyms the values of that rule get.
    pub(crate) domain: Domain,
    pub(crate) strength: Strength,
}

/// All that is asked of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) telling: Option<Telling>,
    /// Its value is a version, whose numbers look like addresses.
    pub(crate) is_version: bool,
}

/// The names that tell something: of the rules, and the policy's own.
#[derive(Debug)]
pub(crate) struct Names {
    /// Words without spaces between, lower case. `None` is a name that looks telling and is not.
    phrases: BTreeMap<String, Option<Telling>>,
    /// Traffic has few names and asks for them all the time.
    asked: RwLock<BTreeMap<Box<str>, Meaning>>,
}

impl Names {
    /// Those of the rules. A name that several have tells what the first of them says; the policy's own are last, and win.
    pub(crate) fn of(rules: &Rules) -> Self {
        let mut phrases = BTreeMap::new();
        let telling = |name: &Name| Some(Telling { rule: name.rule, domain: rules.get(name.rule).domain, strength: name.strength });
        for name in rules.names() {
            phrases.entry(words(&name.words).concat()).or_insert_with(|| telling(name));
        }
        for name in rules.never() {
            phrases.insert(words(name).concat(), None);
        }
        for name in rules.own_names() {
            phrases.insert(words(&name.words).concat(), telling(name));
        }
        Self { phrases, asked: RwLock::default() }
    }

    /// What `name` tells, if anything.
    pub(crate) fn lookup(&self, name: &str) -> Option<Telling> {
        self.meaning(name).telling
    }

    /// All that `name` says.
    pub(crate) fn meaning(&self, name: &str) -> Meaning {
        // A name that is itself a value, and may be redacted, tells nothing: it would tell something else afterwards.
        if name.len() > MAX_NAME || name.contains("--") || name.contains(['@', ':', '/', '+', '=']) {
            return Meaning::default();
        }
        // A lock that is poisoned guards a cache that is still right: nothing is ever half written to it.
        if let Some(meaning) = self.asked.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return *meaning;
        }
        let words = words(name);
        let is_version = words.last().is_some_and(|word| VERSIONS.contains(&word.as_str()));
        let meaning = Meaning { telling: self.of_words(&words), is_version };
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        if asked.len() < MAX_ASKED {
            asked.insert(name.into(), meaning);
        }
        meaning
    }

    fn of_words(&self, words: &[String]) -> Option<Telling> {
        let mut end = words.len();
        loop {
            for start in 0..end {
                if let Some(telling) = self.phrases.get(&words[start..end].concat()) {
                    return *telling;
                }
            }
            // `password_confirmation`, `email_1`, `phone number value`: the last word says nothing of its own.
            if end < 2 || !(NEUTRAL.contains(&words[end - 1].as_str()) || words[end - 1].bytes().all(|byte| byte.is_ascii_digit())) {
                return None;
            }
            end -= 1;
        }
    }

    /// Whether the words before a bare `name` make it a person's.
    pub(crate) fn is_about_people(parent: &str) -> bool {
        words(parent).iter().any(|word| PEOPLE.contains(&word.as_str()) || word.strip_suffix('s').is_some_and(|word| PEOPLE.contains(&word)))
    }
}

/// The words of a name in lower case: `HTTPServerName` is `http server name`, `address2` is `address 2`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        if character.is_alphanumeric() {
            let begins = !previous.is_alphanumeric()
                || (character.is_uppercase() && (!previous.is_uppercase() || next_is_lower))
                || character.is_numeric() != previous.is_numeric();
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        previous = character;
    }
    words
}

/// Words at the end of a name that do not change what the words before them tell.
const NEUTRAL: &[&str] = &[
    "value",
    "val",
    "number",
    "no",
    "num",
    "nr",
    "string",
    "text",
    "field",
    "header",
    "raw",
    "plain",
    "old",
    "new",
    "current",
    "confirmation",
    "confirm",
    "again",
    "repeat",
    "repeated",
    "primary",
    "secondary",
    "main",
    "work",
    "home",
    "private",
    "business",
    "other",
    "alt",
    "alternate",
    "input",
    "param",
];

/// What a bare `name` is a person's name beside.
const PEOPLE: &[&str] = &[
    "customer",
    "user",
    "person",
    "people",
    "contact",
    "billing",
    "shipping",
    "recipient",
    "patient",
    "employee",
    "owner",
    "holder",
    "member",
    "client",
    "guest",
    "passenger",
    "traveler",
    "traveller",
    "author",
    "sender",
    "buyer",
    "seller",
    "applicant",
    "student",
    "teacher",
    "subscriber",
    "beneficiary",
    "payer",
    "payee",
    "cardholder",
    "profile",
    "attendee",
    "consignee",
    "addressee",
    "participant",
    "signer",
    "driver",
    "tenant",
    "lead",
    "kunde",
    "cliente",
];

const VERSIONS: &[&str] = &["version", "ver", "build", "release", "revision"];
/// More names than an API has.
const MAX_ASKED: usize = 16_384;
/// No field has a longer name that means something.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use reenact_formats::config::policy::Profile;

    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, expected) in [
            ("customerEmailAddress", "customer email address"),
            ("X-API-Key", "x api key"),
            ("APIKey", "api key"),
            ("cvv2", "cvv 2"),
            ("card[number]", "card number"),
            ("straßeName", "straße name"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn whole_words_tell() {
        let mut rules = Rules::of_profile(Profile::Default);
        rules.add_name(RuleId::TOKEN, "x-tenant-ticket-ref".to_owned());
        let names = Names::of(&rules);
        for (name, expected) in [
            ("password", Some(RuleId::PASSWORD)),
            ("userPassword", Some(RuleId::PASSWORD)),
            ("password_confirmation", Some(RuleId::PASSWORD)),
            ("X-Api-Key", Some(RuleId::TOKEN)),
            ("apikey", Some(RuleId::TOKEN)),
            ("PHPSESSID", Some(RuleId::TOKEN)),
            ("connect.sid", Some(RuleId::TOKEN)),
            ("activationCode", Some(RuleId::TOKEN)),
            ("x_tenant_ticket_ref", Some(RuleId::TOKEN)),
            ("customer_email", Some(RuleId::EMAIL)),
            ("email_verified", None),
            ("passwordResetRequired", None),
            ("public_key", None),
            ("country_code", None),
            ("republic", None),
            ("tokenization", None),
            ("token_type", None),
            ("phoneNumber", Some(RuleId::PHONE)),
            ("mobile_phone_2", Some(RuleId::PHONE)),
            ("card_number", Some(RuleId::CARD)),
            ("cvv2", Some(RuleId::CARD_SECURITY)),
            ("first-name", Some(RuleId::PERSON)),
            ("address_line1", Some(RuleId::ADDRESS)),
            ("client_ip", Some(RuleId::IP)),
            ("order_id", None),
            ("birthDate4", Some(RuleId::BIRTH_DATE)),
        ] {
            assert_eq!(names.lookup(name).map(|telling| telling.rule), expected, "{name}");
        }
    }

    #[test]
    fn a_bare_name_is_a_persons_beside_people() {
        assert!(Names::is_about_people("customer") && Names::is_about_people("shippingContact") && Names::is_about_people("users"));
        assert!(!Names::is_about_people("product") && !Names::is_about_people(""));
    }
}
