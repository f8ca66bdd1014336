//! Pseudonyms: a keyed function of a domain and a canonical value, of the same form as the value.
//!
//! In: a domain and a bare value (what it wears is taken off by others). Out: another value that passes the same checks, is
//! never the original, and where there is room is one-to-one. The same key, domain and value give the same pseudonym on any
//! machine, in any order, at any time: there is no state. A value that is not of its domain's form is treated as opaque.

mod address;
pub(crate) mod calendar;
mod digits;
mod identity;
mod internet;
mod opaque;
mod password;
mod person;
mod place;
mod prf;
mod token;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use address::Detail;
pub(crate) use digits::Space;
pub(crate) use password::{Answer, is_digest};
use prf::Prf;
pub(crate) use token::is_web_token;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::detect::Detector;
use crate::key::Key;
use crate::rules::Rules;

/// The referential unit of pseudonyms: equal values of one domain stay equal wherever they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// Tokens, cookies, API keys, session ids, codes.
    Opaque,
    /// Passwords.
    Password,
    /// E-mail addresses.
    Email,
    /// Payment cards.
    Card,
    /// IBANs.
    Iban,
    /// Phone numbers.
    Phone,
    /// IP addresses.
    Ip,
    /// US social security numbers.
    Ssn,
    /// Other numbers that a person or an account is known by.
    Identifier,
    /// People's names.
    Person,
    /// Street addresses.
    Address,
    /// Dates of birth and of what happened to a person.
    BirthDate,
    /// Places on the map.
    Place,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Opaque,
        Self::Password,
        Self::Email,
        Self::Card,
        Self::Iban,
        Self::Phone,
        Self::Ip,
        Self::Ssn,
        Self::Identifier,
        Self::Person,
        Self::Address,
        Self::BirthDate,
        Self::Place,
    ];

    /// The word for it in recordings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::Password => "password",
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Ip => "ip",
            Self::Ssn => "ssn",
            Self::Identifier => "identifier",
            Self::Person => "person",
            Self::Address => "address",
            Self::BirthDate => "birth_date",
            Self::Place => "place",
        }
    }

    /// The one that a word means.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.word() == word)
    }
}

/// What the policy chooses of the pseudonyms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// The domains whose pseudonyms are of the space that is set aside, though values may meet there.
    pub(crate) reserved: BTreeSet<Domain>,
    /// How much of an address stays.
    pub(crate) addresses: Detail,
}

/// Makes the pseudonyms of one key.
pub struct Pseudonyms {
    domains: Vec<Prf>,
    choices: Choices,
    /// Tells what the claims of a token are.
    detector: Detector,
    /// Tells them from others in what a thread remembers.
    number: u64,
}

static COUNT: AtomicU64 = AtomicU64::new(1);

impl Pseudonyms {
    /// Those of `key`.
    pub fn new(key: &Key) -> Self {
        Self::with(key, Choices::default())
    }

    /// Those of `key`, as the policy has chosen them.
    pub(crate) fn with(key: &Key, choices: Choices) -> Self {
        let of = |domain: Domain| Prf::new(&key.derive(domain.word()));
        let days = calendar::offset(&of(Domain::BirthDate), b"");
        Self {
            domains: Domain::ALL.iter().map(|domain| of(*domain).shifting(days)).collect(),
            choices,
            detector: Detector::new(&Rules::built_in()),
            number: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Tells these pseudonyms from others in what a thread remembers.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The same, where other rules say what the claims of a token are.
    pub(crate) fn told_by(self, rules: &Arc<Rules>) -> Self {
        Self { detector: Detector::new(rules), ..self }
    }

    /// The pseudonym of `value` in `domain`. An empty value stays empty.
    pub fn of(&self, domain: Domain, value: &[u8]) -> Vec<u8> {
        let prf = self.prf(domain);
        let text = std::str::from_utf8(value).ok();
        let composed = text.map(composed);
        let made = composed.as_deref().and_then(|text| match domain {
            Domain::Opaque => token::structured(self, prf, text),
            Domain::Password => self.in_url(text, Answer::Open),
            Domain::Email => internet::email(prf, text),
            Domain::Card => digits::card(prf, text),
            Domain::Iban => digits::iban(prf, text),
            Domain::Phone => digits::phone(prf, text, self.space(domain)),
            Domain::Ssn if self.space(domain) == Space::Reserved => digits::reserved_ssn(prf, text),
            // A number is one and the same, called a social security number or a taxpayer's.
            Domain::Ssn | Domain::Identifier => digits::identifier(self.prf(Domain::Identifier), text),
            Domain::Ip => internet::ip(prf, text, self.space(domain)),
            Domain::Person => Some(person::name(prf, text)),
            Domain::Address => Some(address::street(prf, self.prf(Domain::Person), text, self.choices.addresses)),
            Domain::BirthDate => calendar::shifted(text, prf.days),
            Domain::Place => place::coarse(prf, text),
        });
        match made {
            Some(made) if made.as_bytes() != value => made.into_bytes(),
            // What is not of the form that its domain has is opaque, in the key of its domain.
            _ => opaque::plain(prf, value),
        }
    }

    /// A keyed hash of `value` in `domain`: 32 hexadecimal digits, the same for all spellings of a value.
    pub fn hash(&self, domain: Domain, value: &[u8]) -> Vec<u8> {
        let mut stream = self.prf(domain).stream("hash", &canonical(domain, value));
        format!("{:016x}{:016x}", stream.next_u64(), stream.next_u64()).into_bytes()
    }

    /// The pseudonym of a date in the life of a subject: all dates of one subject are shifted alike.
    pub(crate) fn date_of(&self, subject: &[u8], value: &[u8]) -> Vec<u8> {
        let prf = self.prf(Domain::BirthDate);
        let days = calendar::offset(prf, subject.trim_ascii());
        let made = std::str::from_utf8(value).ok().and_then(|text| calendar::shifted(text, days));
        made.map_or_else(|| opaque::plain(prf, value), String::into_bytes)
    }

    /// Another text of the same length and alphabet, in the key of its domain: for a value whose pseudonym cannot stand where it would.
    pub(crate) fn plain(&self, domain: Domain, value: &[u8]) -> Vec<u8> {
        opaque::plain(self.prf(domain), value)
    }

    /// Whether two values of a domain may have one pseudonym: as the policy wants it, or because issuers share the space of test cards.
    pub(crate) fn may_meet(&self, domain: Domain) -> bool {
        self.space(domain) == Space::Reserved || domain == Domain::Card
    }

    /// What digests of values are made with that are kept in memory.
    pub(crate) fn seed(&self) -> u64 {
        self.prf(Domain::Opaque).stream("collisions", b"").next_u64()
    }

    fn space(&self, domain: Domain) -> Space {
        if self.choices.reserved.contains(&domain) { Space::Reserved } else { Space::Unique }
    }

    fn prf(&self, domain: Domain) -> &Prf {
        &self.domains[Domain::ALL.iter().position(|known| *known == domain).expect("ALL holds every domain")]
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

/// A text with its accents composed (Unicode, form C).
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The form of a value that its pseudonym is keyed by: what differs only in spelling is the same value.
pub(crate) fn canonical(domain: Domain, value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    let text = composed(&text);
    match domain {
        Domain::Email | Domain::Ip => text.trim().to_lowercase().into_bytes(),
        Domain::Card => text.chars().filter(char::is_ascii_digit).collect::<String>().into_bytes(),
        Domain::Phone => text.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect::<String>().into_bytes(),
        Domain::Iban | Domain::Identifier | Domain::Ssn => {
            text.chars().filter(|character| character.is_alphanumeric()).collect::<String>().to_uppercase().into_bytes()
        }
        Domain::Person | Domain::Address => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().into_bytes(),
        Domain::Opaque | Domain::Password | Domain::BirthDate | Domain::Place => value.trim_ascii().to_vec(),
    }
}

#[cfg(test)]
mod tests;
