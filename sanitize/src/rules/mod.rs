//! Rules: what is looked for, how it is known, and whose pseudonyms it gets.
//!
//! In: rule packs, those that are built in (`sanitize/rules/*.yaml`) and a user's own. Out: the [`Rules`] in force, by [`RuleId`].
//! A rule stands in one place, with its names, shapes, source and examples. Nothing here looks at a value.

mod find;
mod pack;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use reenact_formats::config::policy::Profile;
use reenact_formats::config::rules::{RuleProfile, Severity};

pub(crate) use find::{Find, Number};
pub(crate) use pack::read;
pub(crate) use reenact_formats::config::rules::Alone;

use crate::detect::{Compiled, Strength};
use crate::pseudonym::Domain;

/// A rule: an index into the [`Rules`] in force. Those that code refers to are the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId(u16);

macro_rules! known {
    ($($name:ident = $word:literal,)+) => {
        /// Rules that code refers to. What was found by one that stands further up is that, rather than what another one makes of it.
        impl RuleId {
            $(pub(crate) const $name: Self = Self(Known::$name as u16);)+
        }

        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the constants, counted")]
        enum Known { $($name,)+ }

        /// Their ids, in order.
        const KNOWN: &[&str] = &[$($word,)+];
    };
}

known! {
    AUTHORIZATION = "authorization",
    COOKIE = "cookie",
    TOKEN = "token",
    PASSWORD = "password",
    USERNAME = "username",
    EMAIL = "email",
    CARD_SECURITY = "card_security",
    PHONE = "phone",
    IP = "ip",
    SSN = "ssn",
    NATIONAL_ID = "national_id",
    PERSON = "person",
    ADDRESS = "address",
    BIRTH_DATE = "birth_date",
    URL_CREDENTIAL = "url_credential",
    KNOWN_VALUE = "known_value",
    RECURRENCE = "recurrence",
    OPAQUE_BODY = "opaque_body",
    BODY_DIGEST = "body_digest",
    PASSWORD_ALONE = "password_alone",
    LOCATION = "location",
    TO_SIGN = "to_sign",
    UNVERIFIABLE = "unverifiable",
    ENTITY_TAG = "entity_tag",
}

impl RuleId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One kind of value: by which names and shapes it is known.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What policies and audits call it.
    pub(crate) id: String,
    /// What it finds, in one line.
    pub(crate) about: String,
    /// Whose pseudonyms its values get.
    pub(crate) domain: Domain,
    /// How bad it is to find one where it should not be.
    pub(crate) severity: Severity,
    /// Whether it is looked for under the policy's profile.
    pub(crate) is_on: bool,
    /// How it is found by itself.
    pub(crate) finds: Vec<Find>,
}

/// A name that tells something, as a pack or a policy has it.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) words: String,
    pub(crate) rule: RuleId,
    pub(crate) strength: Strength,
}

/// The rules in force.
pub(crate) struct Rules {
    rules: Vec<Rule>,
    by_id: BTreeMap<String, RuleId>,
    names: Vec<Name>,
    /// Names that end in a telling one and tell nothing.
    never: Vec<String>,
    /// The policy's own.
    own_names: Vec<Name>,
    /// The packs and the days of their last changes.
    packs: Vec<(String, String)>,
    compiled: OnceLock<Compiled>,
}

impl Rules {
    /// Those of the packs that are built in, under the default profile.
    pub(crate) fn built_in() -> Arc<Self> {
        static BUILT_IN: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::of_profile(Profile::Default)));
        Arc::clone(&BUILT_IN)
    }

    /// Those of the packs that are built in, for a policy to change.
    pub(crate) fn of_profile(profile: Profile) -> Self {
        pack::read_built_in(profile)
    }

    /// The rule.
    pub(crate) fn get(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// What policies and audits call it.
    pub(crate) fn word(&self, id: RuleId) -> &str {
        &self.get(id).id
    }

    /// The one that is called so.
    pub(crate) fn by_word(&self, word: &str) -> Option<RuleId> {
        self.by_id.get(word).copied()
    }

    /// All of them, in the order in which they are told from one another.
    pub(crate) fn all(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        (0..).map(RuleId).zip(&self.rules)
    }

    /// The names of those that are on.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.names.iter().filter(|name| self.get(name.rule).is_on)
    }

    /// Names that end in a telling one and tell nothing.
    pub(crate) fn never(&self) -> impl Iterator<Item = &str> {
        self.never.iter().map(String::as_str)
    }

    /// The packs that they are from, and the days of their last changes.
    pub(crate) fn packs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packs.iter().map(|(name, dated)| (name.as_str(), dated.as_str()))
    }

    /// Whether no user has added any.
    pub(crate) fn are_built_in(&self) -> bool {
        self.packs.len() == pack::BUILT_IN.len()
    }

    /// What detection makes of them, made when it is first asked for.
    pub(crate) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled::of(self))
    }

    /// The names of the policy's own.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = &Name> {
        self.own_names.iter()
    }

    /// Adds a name of the policy's own.
    pub(crate) fn add_name(&mut self, rule: RuleId, words: String) {
        self.own_names.push(Name { words, rule, strength: Strength::Strong });
    }

    /// Looks for a rule whatever the profile says.
    pub(crate) fn switch_on(&mut self, rule: RuleId) {
        self.rules[rule.index()].is_on = true;
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("rules", &self.rules.len()).field("packs", &self.packs).finish_non_exhaustive()
    }
}

/// Whether a rule of the built-in pack `pack`, or of a user's own, is looked for.
fn is_on(rule: RuleProfile, id: &str, pack: Option<&str>, profile: Profile) -> bool {
    match profile {
        Profile::Default | Profile::Pci => rule == RuleProfile::Default,
        Profile::GdprMinimal | Profile::HipaaSafeHarbor => true,
        // What someone has written rules for is looked for, whatever it is.
        Profile::SecretsOnly => {
            rule == RuleProfile::Default && (id == KNOWN[RuleId::CARD_SECURITY.index()] || pack.is_none_or(|pack| OF_SECRETS.contains(&pack)))
        }
    }
}

/// The packs that tell of no one.
const OF_SECRETS: [&str; 3] = ["credentials", "secrets", "reenact"];

#[cfg(test)]
mod tests;
