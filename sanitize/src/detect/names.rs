//! Telling names: what the name of a header, member, field, parameter, cookie or column says of its value.
//!
//! Names are taken apart into words (case, `-`, `_`, camelCase do not matter) and matched as whole words from their end:
//! `customerEmailAddress` ends in `email address`, `email_verified` does not end in `email`. Accents do not matter either; in scripts that are written
//! without spaces, each character is a word. Never a substring, but for one case: in `billingemail` a word for people stands before.

use std::cell::RefCell;
#[expect(clippy::disallowed_types, reason = "looked up, never iterated")]
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use super::Strength;
use super::fold::{folded, is_ideographic};
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
    /// What it tells: a range of what all names tell. Strong tellings stand before weak ones.
    tellings: (u32, u32),
    /// Its value is a version, whose numbers look like addresses.
    pub(crate) is_version: bool,
    /// It is a header whose numbers are versions, dates and weights.
    pub(crate) is_machine_header: bool,
    /// A bare `name` below or beside it is a person's.
    pub(crate) is_about_people: bool,
}

impl Meaning {
    /// Whether it tells nothing of the value.
    pub(crate) const fn tells_nothing(self) -> bool {
        self.tellings.0 == self.tellings.1
    }
}

/// Looked up, never iterated.
#[expect(clippy::disallowed_types, reason = "its order never shows")]
type Table<T> = HashMap<Box<str>, T, FixedState>;

/// The names that tell something: of the rules, and the policy's own.
pub(crate) struct Names {
    /// By words without spaces between, lower case: what a name tells; nothing for one that looks telling and is not.
    phrases: Table<(u32, u32)>,
    tellings: Vec<Telling>,
    /// The last words of the phrases.
    last_words: HashSet<Box<str>, FixedState>,
    /// A bit for each of their [prints](print), which most other words do not share.
    prints: Box<[u64; PRINTS / 64]>,
    /// Tells these names from others in what a thread remembers.
    number: u64,
}

impl Names {
    /// Those of the rules. A name that several have tells what each of them says, though another rule has it among those that tell nothing; the policy's
    /// own say it alone.
    pub(crate) fn of(rules: &Rules) -> Self {
        let mut by_phrase: BTreeMap<String, Vec<Telling>> = BTreeMap::new();
        let mut last_words: HashSet<Box<str>, FixedState> = HashSet::default();
        let telling = |name: &Name| Telling { rule: name.rule, domain: rules.get(name.rule).domain, strength: name.strength };
        let mut phrase = |text: &str| {
            let words = words(text);
            last_words.extend(words.last().map(|word| word.as_str().into()));
            let joined = words.concat();
            last_words.insert(joined.as_str().into());
            joined
        };
        for name in rules.names() {
            by_phrase.entry(phrase(&name.words)).or_default().push(telling(name));
        }
        for name in rules.never() {
            by_phrase.entry(phrase(name)).or_default();
        }
        for name in rules.own_names() {
            by_phrase.insert(phrase(&name.words), vec![telling(name)]);
        }
        let (mut phrases, mut tellings) = (Table::default(), Vec::new());
        for (phrase, mut told) in by_phrase {
            told.sort_by_key(|telling| (telling.strength == Strength::Weak, telling.rule));
            told.dedup_by_key(|telling| telling.rule);
            let start = tellings.len() as u32;
            tellings.extend(told);
            phrases.insert(phrase.into(), (start, tellings.len() as u32));
        }
        let mut prints = Box::new([0; PRINTS / 64]);
        for word in &last_words {
            let print = print(word.as_bytes());
            prints[print / 64] |= 1 << (print % 64);
        }
        Self { phrases, tellings, last_words, prints, number: COUNT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Tells these names from others.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// What `name` tells, if anything: the strong before the weak.
    pub(crate) fn lookup(&self, name: &str) -> &[Telling] {
        self.tellings_of(self.meaning(name))
    }

    /// What a name of this meaning tells.
    pub(crate) fn tellings_of(&self, meaning: Meaning) -> &[Telling] {
        &self.tellings[meaning.tellings.0 as usize..meaning.tellings.1 as usize]
    }

    /// All that `name` says.
    pub(crate) fn meaning(&self, name: &str) -> Meaning {
        ASKED.with_borrow_mut(|asked| {
            if asked.number != self.number || asked.meanings.len() > MAX_ASKED {
                asked.meanings.clear();
                asked.number = self.number;
            }
            if let Some(meaning) = asked.meanings.get(name) {
                return *meaning;
            }
            // A name that is itself a value, and may be redacted, tells nothing: it would tell something else afterwards.
            if name.len() > MAX_NAME || name.contains("--") || name.contains(['@', ':', '/', '+', '=']) {
                return Meaning::default();
            }
            let words = words(behind_token(name));
            let meaning = Meaning {
                tellings: self.of_words(&words).unwrap_or_default(),
                is_version: words.last().is_some_and(|word| VERSIONS.contains(&word.as_str())),
                is_machine_header: name.starts_with("accept") || name.starts_with("sec-") || MACHINE_HEADERS.contains(&name),
                is_about_people: are_about_people(&words),
            };
            asked.meanings.insert(name.into(), meaning);
            meaning
        })
    }

    /// What exactly these words tell, which have no spaces between.
    pub(crate) fn phrase(&self, words: &str) -> &[Telling] {
        self.phrases.get(words).map_or(&[], |(start, end)| &self.tellings[*start as usize..*end as usize])
    }

    /// Whether a phrase ends in this word, which is in lower case.
    pub(crate) fn is_last_word(&self, word: &str) -> bool {
        self.last_words.contains(word)
    }

    /// Whether a phrase may end in this ASCII word, whatever its case.
    pub(crate) fn may_be_last_word(&self, word: &[u8]) -> bool {
        let print = print(word);
        self.prints[print / 64] >> (print % 64) & 1 == 1
    }

    fn of_words(&self, words: &[String]) -> Option<(u32, u32)> {
        for end in (1..=words.len()).rev() {
            if let Some(tellings) = (0..end).find_map(|start| self.phrases.get(words[start..end].concat().as_str())) {
                return Some(*tellings);
            }
            // `billingemail`
            if let Some(tellings) = joined(&words[end - 1]).find_map(|rest| self.phrases.get(rest)) {
                return Some(*tellings);
            }
            // `password_confirmation`, `email_1`, `phone number value`: the last word says nothing of its own.
            if !(NEUTRAL.contains(&words[end - 1].as_str()) || words[end - 1].bytes().all(|byte| byte.is_ascii_digit())) {
                return None;
            }
        }
        None
    }

    /// Whether the words before a bare `name` make it a person's.
    pub(crate) fn is_about_people(&self, parent: &str) -> bool {
        self.meaning(parent).is_about_people
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("phrases", &self.phrases.len()).finish_non_exhaustive()
    }
}

/// What is left of a word when only its length, its ends and the letter behind the first one are looked at, in any case.
fn print(word: &[u8]) -> usize {
    let bits = |byte: Option<&u8>| usize::from(byte.map_or(0, |byte| byte & 0x1f));
    let sum = bits(word.first()) | bits(word.get(1)) << 5 | bits(word.last()) << 10;
    (sum ^ word.len() << 12) % PRINTS
}

/// What a thread has asked of one set of names: traffic has few names, and asks for them all the time.
#[derive(Default)]
struct Asked {
    number: u64,
    meanings: Table<Meaning>,
}

thread_local! {
    static ASKED: RefCell<Asked> = RefCell::default();
}

static COUNT: AtomicU64 = AtomicU64::new(1);

fn are_about_people(words: &[String]) -> bool {
    words.iter().any(|word| PEOPLE.contains(&word.as_str()) || word.strip_suffix('s').is_some_and(|word| PEOPLE.contains(&word)))
}

/// What of a name stands behind the last token in it, whose letters and digits come as they come: words are longer.
fn behind_token(name: &str) -> &str {
    let mut end = name.len();
    for run in name.as_bytes().rsplit(|byte| !byte.is_ascii_alphanumeric()) {
        let start = end - run.len();
        if run.len() >= MIN_TOKEN && run.len() < words(&name[start..end]).len() * SHORT_WORDS {
            return &name[end..];
        }
        end = start.saturating_sub(1);
    }
    name
}

/// What stands in a word behind a word for people.
fn joined(word: &str) -> impl Iterator<Item = &str> {
    let can_be = word.len() >= MIN_JOINED;
    PEOPLE.iter().chain(BEFORE).filter(move |_| can_be).filter_map(move |before| word.strip_prefix(before))
}

/// The words of a name without case and accents: `HTTPServerName` is `http server name`, `address2` is `address 2`, `お客様` is `お 客 様`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        if character.is_alphanumeric() {
            let begins = !previous.is_alphanumeric()
                || (character.is_uppercase() && (!previous.is_uppercase() || next_is_lower))
                || character.is_numeric() != previous.is_numeric()
                || is_ideographic(character)
                || is_ideographic(previous);
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(folded(character));
            }
        }
        previous = character;
    }
    words
}

/// Words at the end of a name that do not change what the words before them tell.
static NEUTRAL: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "value val number no num nr string text field header raw plain old new current confirmation confirm again repeat repeated primary secondary \
     main work home private business other alt alternate alternative input param kana kanji katakana hiragana romaji native latin local full \
     original"
        .split_whitespace()
        .collect()
});

/// What a bare `name` is a person's name beside.
static PEOPLE: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "customer user person people contact billing shipping recipient patient employee owner holder member client guest passenger traveler \
     traveller author sender buyer seller applicant student teacher subscriber beneficiary payer payee cardholder profile attendee consignee \
     addressee participant signer driver tenant lead insured borrower donor spouse child parent guardian partner doctor physician nurse staff \
     worker assignee reporter reviewer creator approver manager supervisor voter debtor witness visitor caller respondent candidate renter \
     landlord receiver human individual kunde kunden benutzer nutzer mitarbeiter patienten mieter fahrer versicherter cliente usuario paciente \
     titular empleado utilisateur titulaire salarie destinataire utente paziente dipendente klant medewerker klient pracownik uzytkownik kund \
     bruger bruker kayttaja asiakas musteri kullanici hasta"
        .split_whitespace()
        .collect()
});

/// Other words that are written together with what they stand before.
const BEFORE: &[&str] = &[
    "oauth",
    "auth",
    "account",
    "login",
    "home",
    "work",
    "primary",
    "secondary",
    "current",
    "new",
    "old",
    "personal",
    "private",
    "business",
    "delivery",
    "mailing",
    "my",
    "your",
];
/// `useremail`.
const MIN_JOINED: usize = 6;
/// The shortest token that is told from a name.
const MIN_TOKEN: usize = 16;
/// The words of names are longer than this on average.
const SHORT_WORDS: usize = 3;
/// Headers for machines, beside those about what is accepted and about security.
const MACHINE_HEADERS: &[&str] =
    &["user-agent", "server", "date", "age", "etag", "if-none-match", "last-modified", "if-modified-since", "expires", "content-length", "traceparent"];
const VERSIONS: &[&str] = &["version", "ver", "build", "release", "revision"];
/// How many prints words have.
const PRINTS: usize = 1 << 16;
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
            ("straßeName", "strasse name"),
            ("Prénom_Élève", "prenom eleve"),
            ("お客様氏名", "お 客 様 氏 名"),
            ("IP주소2", "ip 주 소 2"),
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
            ("PHPSESSID", Some(RuleId::COOKIE)),
            ("connect.sid", Some(RuleId::COOKIE)),
            ("activationToken", Some(RuleId::TOKEN)),
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
            ("cvv2", Some(RuleId::CARD_SECURITY)),
            ("first-name", Some(RuleId::PERSON)),
            ("address_line1", Some(RuleId::ADDRESS)),
            ("client_ip", Some(RuleId::IP)),
            ("order_id", None),
            ("birthDate4", Some(RuleId::BIRTH_DATE)),
            ("billingemail", Some(RuleId::EMAIL)),
            ("applicantwhatsapp", Some(RuleId::PHONE)),
            ("userinfo", None),
            ("oauthrefreshtoken", Some(RuleId::TOKEN)),
            ("oauth2ClientPassword", Some(RuleId::PASSWORD)),
            ("s2GZNfBpqTzE8QdtIFA", None),
            ("s2GZNfBpqTzE8QdtIFA email", Some(RuleId::EMAIL)),
            ("homepage", None),
            ("Téléphone", Some(RuleId::PHONE)),
            ("お客様氏名", Some(RuleId::PERSON)),
            ("商品名", None),
            ("배송지주소", Some(RuleId::ADDRESS)),
            ("Дата_рождения", Some(RuleId::BIRTH_DATE)),
            ("البريد الإلكتروني", Some(RuleId::EMAIL)),
            ("sähköposti", Some(RuleId::EMAIL)),
        ] {
            assert_eq!(names.lookup(name).first().map(|telling| telling.rule), expected, "{name}");
        }
    }

    #[test]
    fn a_bare_name_is_a_persons_beside_people() {
        let names = Names::of(&Rules::of_profile(Profile::Default));
        assert!(names.is_about_people("customer") && names.is_about_people("shippingContact") && names.is_about_people("users"));
        assert!(!names.is_about_people("product") && !names.is_about_people(""));
    }
}
