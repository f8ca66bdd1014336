//! The checked policy: for every rule, and for every place that it names, what is done with what stands there.
//!
//! In: a policy file, what it extends, and its rule packs. Out: for a value that was found, the action: that of the most specific place that
//! the policy names, else that of the rule, else that of the domain, else that of the profile. Nothing here sees more of a value than whether
//! the policy lists it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reenact_formats::config::database::DatabaseConfig;
use reenact_formats::config::policy::{self as file, ActionConfig, AddressConfig, KIND, Lifetime, PolicyFile, Profile, ReservedConfig};
use reenact_formats::config::{self, Word};
use reenact_formats::model::Action;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::locations::{self, Locations};
use crate::pseudonym::{Choices, Detail, Domain};
use crate::rules::{self, RuleId, Rules};

/// What is redacted, and how. Nothing in it can keep what must never be kept.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: Arc<Rules>,
    profile: Profile,
    /// By the index of the rule.
    actions: Vec<Action>,
    /// For what is found again and what is known, which no rule of a domain has found: what is done with values of the domain.
    domains: BTreeMap<(RuleId, Domain), Action>,
    locations: Arc<Locations>,
    allowed_values: BTreeSet<String>,
    lifetime: Option<Lifetime>,
    /// What each file says of a database's columns, and its name, for what only the database can find wrong in it.
    database: Arc<Vec<(String, DatabaseConfig)>>,
    choices: Choices,
    subjects: BTreeSet<String>,
}

/// One file of those that a policy is made of.
struct Layer {
    file: PolicyFile,
    folder: PathBuf,
    name: String,
}

impl Policy {
    /// The policy in a file. What it extends and the rule packs that it names are read as well, from where it lies.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::from_layer(Layer::load(path)?)
    }

    /// The policy in a text that stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Self::from_layer(Layer { file: file::parse(name, text)?, folder: PathBuf::new(), name: name.to_owned() })
    }

    /// The policy that is built in under this name.
    pub fn of_profile(profile: Profile) -> Self {
        Self::parse(profile.word(), &format!("version: 1\nextends: {}\n", profile.word())).expect("profiles are policies")
    }

    fn from_layer(last: Layer) -> Result<Self, Error> {
        let (profile, layers) = last.with_what_it_extends()?;
        let packs = layers.iter().flat_map(|layer| layer.file.rule_packs.iter().map(|pack| layer.folder.join(pack)));
        let mut rules = rules::read(packs, profile)?;
        let mut actions = actions_of(&rules, profile);
        let (mut by_domain, mut by_rule, mut places) = (domains_of(profile), BTreeMap::new(), BTreeMap::new());
        let (mut allowed_values, mut lifetime) = (BTreeSet::new(), None);
        let (mut named, mut database) = (Vec::new(), Vec::new());
        let (mut choices, mut subjects) = (Choices::default(), BTreeSet::new());
        for Layer { file, name, .. } in layers {
            let known = |rules: &Rules, word: &Word| {
                rules.by_word(word.text()).ok_or_else(|| word.unknown(KIND, &name, "rule", rules.all().map(|(_, rule)| rule.id.clone())))
            };
            for (word, config) in &file.rules {
                let rule = known(&rules, word)?;
                let action = if config.enabled == Some(false) { Some(ActionConfig::Keep) } else { config.action };
                if config.enabled == Some(true) || action.is_some_and(|action| action != ActionConfig::Keep) {
                    rules.switch_on(rule);
                    // Under a profile that keeps what it does not look for.
                    if actions[rule.index()] == Action::Keep {
                        actions[rule.index()] = Action::Pseudonym;
                    }
                }
                by_rule.extend(action.map(|action| (rule, Action::from(action))));
            }
            by_rule.extend(file.unknown_content.map(|content| (RuleId::OPAQUE_BODY, content.into())));
            for word in &file.allow.paths {
                places.insert(locations::pattern(word, KIND, &name)?, (Action::Keep, None));
            }
            for (word, config) in &file.locations {
                let domain = config.domain.as_ref().map(|domain| domain_of(domain, &name)).transpose()?;
                places.insert(locations::pattern(word, KIND, &name)?, (config.action.into(), domain));
            }
            for (word, names) in file.names {
                let rule = known(&rules, &word)?;
                names.into_iter().for_each(|name| rules.add_name(rule, name));
            }
            for (word, config) in file.domains {
                by_domain.insert(domain_of(&word, &name)?, config.action.into());
                named.push((word, name.clone()));
            }
            allowed_values.extend(file.allow.values);
            choices.reserved.extend(file.pseudonyms.reserved.into_iter().map(reserved));
            if file.pseudonyms.addresses == AddressConfig::Town {
                choices.addresses = Detail::Town;
            }
            subjects.extend(file.pseudonyms.subjects);
            database.push((name, file.database));
            lifetime = file.expires.and_then(|expires| expires.text().parse().ok()).or(lifetime);
        }
        for (word, name) in named {
            let domain = domain_of(&word, &name)?;
            if by_domain[&domain] != Action::Keep && !rules.all().any(|(_, rule)| rule.is_on && rule.domain == domain) {
                let problem = format!(
                    "no value of domain `{}` is looked for under profile {}: enable its rules, or extend another profile",
                    domain.word(),
                    profile.word()
                );
                return Err(word.wrong(KIND, &name, problem).into());
            }
        }
        for (id, rule) in rules.all() {
            let of_domain = by_domain.get(&rule.domain).filter(|_| rule.is_on && !OF_NO_DOMAIN.contains(&id));
            if let Some(action) = by_rule.get(&id).or(of_domain) {
                actions[id.index()] = *action;
            }
        }
        let again = [RuleId::RECURRENCE, RuleId::KNOWN_VALUE].into_iter().filter(|rule| !by_rule.contains_key(rule));
        let domains = again.flat_map(|rule| by_domain.iter().map(move |(domain, action)| ((rule, *domain), *action))).collect();
        // The last file is the one that was given; what it extends is named in it.
        let given = database.last().map_or("", |(name, _): &(String, _)| name);
        let locations = Arc::new(Locations::new(places).map_err(|problem| config::Error::invalid(KIND, given, "locations", problem))?);
        Ok(Self { rules: Arc::new(rules), profile, actions, domains, locations, allowed_values, lifetime, choices, subjects, database: Arc::new(database) })
    }

    /// The default policy as a file with every rule and a comment on each, to start one's own from.
    pub fn default_yaml() -> String {
        let mut text = String::from(HEADING);
        let policy = Self::default();
        // What is said of a place, and of what cannot be looked into, stands further down.
        for (id, rule) in policy.rules.all().filter(|(id, rule)| rule.is_on && !matches!(*id, RuleId::LOCATION | RuleId::OPAQUE_BODY)) {
            text.push_str(&format!("  # {} ({})\n  {}: {{ action: {} }}\n", rule.about, rule.severity.word(), rule.id, policy.actions[id.index()].word()));
        }
        text.push_str("  # Off, for they tell of no one by themselves; `{ enabled: true }`, or another profile, has them looked for:\n");
        for (_, rule) in policy.rules.all().filter(|(_, rule)| !rule.is_on) {
            text.push_str(&format!("  # {}: {}\n", rule.id, rule.about));
        }
        text.push_str(FOOTING);
        text
    }

    /// SHA-256 over all that the policy says, hexadecimal: equal for equal policies, however they are written.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut line = |text: String| {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        };
        line(format!("profile {}", self.profile.word()));
        self.rules.packs().for_each(|(pack, digest)| line(format!("pack {pack} {digest}")));
        for (id, rule) in self.rules.all().filter(|(_, rule)| rule.is_on) {
            line(format!("rule {} {}", rule.id, self.actions[id.index()].word()));
        }
        let names: BTreeSet<_> = self.rules.own_names().map(|name| (self.rules.word(name.rule), crate::detect::names::words(&name.words).concat())).collect();
        names.into_iter().for_each(|(rule, name)| line(format!("name {rule} {name}")));
        self.domains.iter().for_each(|((rule, domain), action)| line(format!("domain {} {} {}", self.rules.word(*rule), domain.word(), action.word())));
        self.allowed_values.iter().for_each(|value| line(format!("value {value}")));
        self.locations.iter().for_each(|(pattern, place)| line(format!("place {pattern} {} {}", place.action.word(), place.domain.map_or("", Domain::word))));
        self.lifetime.iter().for_each(|lifetime| line(format!("expires {}", lifetime.duration().as_secs())));
        for (table, columns) in self.database.iter().flat_map(|(_, database)| &database.tables) {
            for (column, config) in columns {
                let words = [&config.domain, &config.login].map(|word| word.as_ref().map(Word::text));
                line(format!("column {:?} {:?} {words:?} {:?} {:?} {:?}", table.text(), column.text(), config.action, config.hash, config.cost));
            }
        }
        self.choices.reserved.iter().for_each(|domain| line(format!("reserved {}", domain.word())));
        self.subjects.iter().for_each(|path| line(format!("subject {path}")));
        if self.choices.addresses == Detail::Town {
            line("addresses town".to_owned());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What each file of the policy says of the columns of a sandbox copy, and its name; what comes later counts for more.
    pub fn database(&self) -> &[(String, DatabaseConfig)] {
        &self.database
    }

    /// Whether each recording gets a key of its own, which is forgotten: no pseudonym in it can be derived from a value again.
    pub const fn is_unlinkable(&self) -> bool {
        matches!(self.profile, Profile::HipaaSafeHarbor)
    }

    /// How long after it was written a recording may be read.
    pub const fn lifetime(&self) -> Option<Lifetime> {
        self.lifetime
    }

    /// How bad it is to find each rule's values where they should not be, by the rule's id.
    pub fn severities(&self) -> BTreeMap<String, String> {
        self.rules.all().map(|(_, rule)| (rule.id.clone(), rule.severity.word().to_owned())).collect()
    }

    /// What is chosen of pseudonyms.
    pub(crate) const fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The places, as templates, of what a message is about.
    pub(crate) const fn subjects(&self) -> &BTreeSet<String> {
        &self.subjects
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The places that it names.
    pub(crate) fn locations(&self) -> &Locations {
        &self.locations
    }

    /// What is done with what `rule` has found at `path` (a template), which is of `domain`.
    pub(crate) fn action(&self, rule: RuleId, domain: Domain, path: &str, bare: &[u8]) -> Action {
        let by_rule = self.actions[rule.index()];
        if rule == RuleId::CARD_SECURITY {
            return by_rule;
        }
        let by_domain = self.domains.get(&(rule, domain)).copied();
        // A known value is redacted wherever it stands; only the policy naming it, or its rule, keeps it.
        let may_keep = |action: &Action| *action != Action::Keep || rule != RuleId::KNOWN_VALUE;
        let by_place = self.locations.at(path).map(|place| place.action);
        let action = by_place.filter(may_keep).or(by_domain.filter(may_keep)).unwrap_or(by_rule);
        let is_allowed =
            action != Action::Keep && !self.allowed_values.is_empty() && std::str::from_utf8(bare).is_ok_and(|bare| self.allowed_values.contains(bare));
        match if is_allowed { Action::Keep } else { action } {
            Action::Keep if self.profile == Profile::Pci && domain == Domain::Card => Action::Pseudonym,
            action => action,
        }
    }
}

impl Policy {
    /// Whether what is done with a value is also done where it is found again: not where the policy keeps it, nor where it has named a place alone.
    pub(crate) fn recurs(&self, rule: RuleId, domain: Domain, path: &str, bare: &[u8]) -> bool {
        let is_of_place = rule == RuleId::LOCATION && self.locations.at(path).is_none_or(|place| place.domain.is_none());
        // A tag is no one's; where a digest of a file stands in a list of files, it is one.
        !is_of_place && rule != RuleId::ENTITY_TAG && self.action(rule, domain, path, bare) != Action::Keep
    }
}

impl Layer {
    fn load(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { file: file::load(path)?, folder, name: path.display().to_string() })
    }

    /// The profile at the bottom, and the layers above it, this one last.
    fn with_what_it_extends(self) -> Result<(Profile, Vec<Self>), Error> {
        let mut layers = vec![self];
        let profile = loop {
            let top = &layers[layers.len() - 1];
            let Some(word) = &top.file.extends else { break Profile::Default };
            if let Some(profile) = Profile::from_word(word.text()) {
                break profile;
            }
            if !word.text().contains(['.', '/']) {
                return Err(word.unknown(KIND, &top.name, "profile", Profile::ALL.map(Profile::word)).into());
            }
            if layers.len() == MAX_LAYERS {
                return Err(word.wrong(KIND, &top.name, format!("more than {MAX_LAYERS} policies extend one another, or one itself")).into());
            }
            let next = Self::load(&top.folder.join(word.text()))?;
            layers.push(next);
        };
        layers.reverse();
        Ok((profile, layers))
    }
}

impl Default for Policy {
    /// Everything that the rules find is replaced; what cannot be replaced is dropped.
    fn default() -> Self {
        let rules = Rules::built_in();
        let actions = actions_of(&rules, Profile::Default);
        Self {
            rules,
            profile: Profile::Default,
            actions,
            domains: BTreeMap::new(),
            locations: Arc::default(),
            allowed_values: BTreeSet::new(),
            lifetime: None,
            database: Arc::default(),
            choices: Choices::default(),
            subjects: BTreeSet::new(),
        }
    }
}

const fn reserved(config: ReservedConfig) -> Domain {
    match config {
        ReservedConfig::Phone => Domain::Phone,
        ReservedConfig::Ssn => Domain::Ssn,
        ReservedConfig::Ip => Domain::Ip,
    }
}

fn domain_of(word: &Word, name: &str) -> Result<Domain, Error> {
    Domain::from_word(word.text()).ok_or_else(|| word.unknown(KIND, name, "domain", Domain::ALL.map(Domain::word)).into())
}

/// What a profile does with values of a domain.
fn domains_of(profile: Profile) -> BTreeMap<Domain, Action> {
    // 45 CFR 164.514(b)(2)(i)(C): of a date, the year.
    if profile == Profile::HipaaSafeHarbor { BTreeMap::from([(Domain::BirthDate, Action::Generalise)]) } else { BTreeMap::new() }
}

/// What a profile does with what each rule finds, where it does not do the same with all values of its domain.
fn actions_of(rules: &Rules, profile: Profile) -> Vec<Action> {
    let action = |(id, rule): (RuleId, &rules::Rule)| match id {
        RuleId::CARD_SECURITY => Action::Mask,
        RuleId::OPAQUE_BODY => Action::Drop,
        _ if profile == Profile::SecretsOnly && !rule.is_on => Action::Keep,
        // 45 CFR 164.514(b)(2)(i)(B) and (C): three digits of a postal code, ages to 89; no place within a state.
        _ if profile == Profile::HipaaSafeHarbor && ["postal_code", "age"].contains(&rule.id.as_str()) => Action::Generalise,
        _ if profile == Profile::HipaaSafeHarbor && rule.id == "geo" => Action::Mask,
        _ => Action::Pseudonym,
    };
    rules.all().map(action).collect()
}

/// Rules whose values are of other domains than they say, or of none.
const OF_NO_DOMAIN: [RuleId; 6] = [RuleId::CARD_SECURITY, RuleId::OPAQUE_BODY, RuleId::BODY_DIGEST, RuleId::RECURRENCE, RuleId::KNOWN_VALUE, RuleId::LOCATION];
/// A policy that extends itself would never end.
const MAX_LAYERS: usize = 8;

const HEADING: &str = "\
# The default policy of reenact: what is found, and what is put in its place.
#
# Actions: pseudonym  the same value always gets the same stand-in of the same form
#          mask       a constant of the same length
#          drop       nothing
#          hash       a keyed hash, in hexadecimal digits
#          generalise the same with less in it: the year, the network, one decimal; what has no less is masked
#          keep       the value itself; counted, and shown by `reenact inspect`
# A rule is also switched off by `{ enabled: false }`, which means keep.
version: 1

# What it begins from: default, pci, hipaa-safe-harbor, gdpr-minimal, secrets-only, or another policy file.
extends: default

# Files with rules of your own, as paths from this file.
rule_packs: []

rules:
";

const FOOTING: &str = "
# More names that tell what a value is, by rule. Case, - and _ do not matter; whole words do.
names: {}
#  token: [x-tenant-ticket]
#  person: [ordered_by]

# What stands in a place, whatever rules find there. The most specific place decides; it goes before a rule, a rule before a domain.
locations: {}
#  'body:/users/*/nickname': { action: pseudonym, domain: person }
#  'header:x-*': { action: mask }

# What is done with all values of a domain, where no rule above says anything else.
domains: {}
#  address: { action: mask }

# What is done with the columns of a sandbox copy, where their names do not tell; a hash becomes that of the pseudonymous password.
database:
  tables: {}
#    customer: { mail: { domain: email }, motto: { action: keep }, secret: { hash: bcrypt, login: mail } }

# Bodies that cannot be looked into: drop, keep_length (zeros), keep.
unknown_content: drop

# What stays, whatever a rule says.
allow:
  values: []      # whole values, as in support@example.com
  paths: []       # places, as in body:/items/*/sku or header:x-forwarded-for

pseudonyms:
  reserved: []    # of phone, ssn, ip: in the space that is no one's, where two values may meet
  subjects: []    # places of what a message is about, as in body:/patient/id: its dates are shifted alike
  addresses: none # or town: what follows the street stays

# How long a recording may be read: 30d, 12h, 2w.
# expires: 30d
";

#[cfg(test)]
mod tests {
    use reenact_formats::seam::Explain;

    use super::*;

    #[test]
    fn the_default_text_is_the_default_policy() {
        let read = Policy::parse("default.yaml", &Policy::default_yaml()).expect("reads");
        assert_eq!(read.digest(), Policy::default().digest());
        assert_eq!(Policy::parse("empty.yaml", "version: 1\n").expect("reads").digest(), Policy::default().digest());
    }

    #[test]
    fn digests_tell_policies_apart_and_not_spellings() {
        let digest = |text: &str| Policy::parse("p.yaml", text).expect("reads").digest();
        assert_eq!(digest("version: 1\nrules: { phone: { enabled: false } }"), digest("rules:\n  phone: { action: keep }\nversion: 1\n"));
        assert_eq!(digest("version: 1\nnames: { token: [a-b, c] }"), digest("version: 1\nnames: { token: [C, aB] }"));
        assert_ne!(digest("version: 1\nrules: { phone: { action: mask } }"), Policy::default().digest());
        assert_ne!(digest("version: 1\npseudonyms: { reserved: [ip] }"), digest("version: 1\npseudonyms: { reserved: [phone] }"));
        assert_ne!(digest("version: 1\nallow: { values: ['body:/x'] }"), digest("version: 1\nallow: { paths: ['body:/x'] }"));
    }

    #[test]
    fn the_most_specific_word_decides() {
        let text = "version: 1\ndomains: { identifier: { action: mask }, email: { action: drop } }\nrules: { email: { action: hash } }\n\
                    locations: { 'body:/users/**': { action: keep }, 'body:/users/*/id': { action: generalise } }\nallow: { values: [a@b.example] }\n";
        let policy = Policy::parse("p.yaml", text).expect("reads");
        let rule = |word: &str| policy.rules().by_word(word).expect("a rule");
        for (word, domain, path, expected) in [
            ("token", Domain::Opaque, "body:/x", Action::Pseudonym),
            ("passport", Domain::Identifier, "body:/x", Action::Mask),
            ("email", Domain::Email, "body:/x", Action::Hash),
            ("email", Domain::Email, "body:/users/*/mail", Action::Keep),
            ("email", Domain::Email, "body:/users/*/id", Action::Generalise),
            ("card_security", Domain::Password, "body:/users/*/cvv", Action::Mask),
            ("recurrence", Domain::Email, "body:/x", Action::Drop),
            ("known_value", Domain::Identifier, "body:/x", Action::Mask),
            ("known_value", Domain::Person, "body:/users/*/mail", Action::Pseudonym),
            ("opaque_body", Domain::Opaque, "body:", Action::Drop),
        ] {
            assert_eq!(policy.action(rule(word), domain, path, b"value"), expected, "{word} {path}");
        }
        assert_eq!(policy.action(rule("email"), Domain::Email, "body:/x", b"a@b.example"), Action::Keep);
    }

    #[test]
    fn profiles_are_policies() {
        for profile in Profile::ALL {
            let policy = Policy::of_profile(profile);
            assert_eq!(policy.actions[RuleId::CARD_SECURITY.index()], Action::Mask, "{}", profile.word());
            assert!(policy.rules().get(RuleId::PASSWORD).is_on && policy.rules().get(RuleId::CARD_SECURITY).is_on);
            assert_eq!(policy.is_unlinkable(), profile == Profile::HipaaSafeHarbor);
            assert_eq!(policy.digest() == Policy::default().digest(), profile == Profile::Default);
        }
        let hipaa = Policy::of_profile(Profile::HipaaSafeHarbor);
        let rule = |word: &str| hipaa.rules().by_word(word).expect("a rule");
        assert_eq!(hipaa.action(rule("event_date"), Domain::BirthDate, "", b""), Action::Generalise);
        assert_eq!(hipaa.action(rule("postal_code"), Domain::Identifier, "", b""), Action::Generalise);
        assert_eq!(hipaa.action(RuleId::RECURRENCE, Domain::BirthDate, "", b""), Action::Generalise);
        let secrets = Policy::of_profile(Profile::SecretsOnly);
        assert!(!secrets.rules().get(RuleId::EMAIL).is_on);
        assert_eq!(secrets.action(RuleId::EMAIL, Domain::Email, "", b""), Action::Keep);
        let some = Policy::parse("p.yaml", "version: 1\nextends: secrets-only\nrules: { email: { enabled: true } }\n").expect("reads");
        assert_eq!(some.action(RuleId::EMAIL, Domain::Email, "", b""), Action::Pseudonym);
        let pci =
            Policy::parse("p.yaml", "version: 1\nprofile: pci\nrules: { card: { action: keep } }\nallow: { values: ['4111111111111111'] }\n").expect("reads");
        let card = pci.rules().by_word("card").expect("a rule");
        assert_eq!(pci.action(card, Domain::Card, "body:/x", b"4111111111111111"), Action::Pseudonym);
    }

    #[test]
    fn a_policy_adds_to_what_it_extends() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
        write(
            "company.yaml",
            "version: 1\nextends: gdpr-minimal\nexpires: 90d\nrules: { phone: { action: mask }, email: { action: mask } }\nlocations: { 'body:/a': { action: mask } }\n",
        );
        write("team.yaml", "version: 1\nextends: company.yaml\nexpires: 30d\nrules: { email: { action: hash } }\nlocations: { 'body:/a': { action: drop } }\n");
        let policy = Policy::load(&folder.path().join("team.yaml")).expect("reads");
        assert_eq!((policy.profile, policy.lifetime().map(|lifetime| lifetime.duration().as_secs())), (Profile::GdprMinimal, Some(30 * 86400)));
        assert_eq!(policy.action(RuleId::EMAIL, Domain::Email, "body:/x", b""), Action::Hash);
        assert_eq!(policy.action(RuleId::PHONE, Domain::Phone, "body:/x", b""), Action::Mask);
        assert_eq!(policy.action(RuleId::PHONE, Domain::Phone, "body:/a", b""), Action::Drop);
        write("a.yaml", "version: 1\nextends: ./b.yaml\n");
        write("b.yaml", "version: 1\nextends: a.yaml\n");
        assert!(Policy::load(&folder.path().join("a.yaml")).expect_err("a circle").to_string().contains("line 2"));
        write("c.yaml", "version: 1\nextends: missing.yaml\n");
        assert!(Policy::load(&folder.path().join("c.yaml")).expect_err("nothing").to_string().contains("missing.yaml"));
    }

    #[test]
    fn rules_are_named_by_their_ids() {
        for (text, line, hint) in [
            ("version: 1\nrules:\n  emial: { action: mask }\n", "p.yaml, line 3", "`email`"),
            ("version: 1\nnames:\n  toke: [ticket]\n", "p.yaml, line 3", "`token`"),
            ("version: 1\nextends: hipaa-safe-habor\n", "p.yaml, line 2", "`hipaa-safe-harbor`"),
            ("version: 1\ndomains:\n  emial: { action: mask }\n", "p.yaml, line 3", "`email`"),
            ("version: 1\nlocations:\n  'body:/x': { domain: persn }\n", "p.yaml, line 3", "`person`"),
            ("version: 1\nlocations:\n  'heder:x': { action: mask }\n", "p.yaml, line 3", "`header:x`"),
            ("version: 1\nlocations:\n  'body:/items/0/x': { action: mask }\n", "p.yaml, line 3", ""),
            ("version: 1\nlocations:\n  x: { action: mask }\n", "p.yaml, line 3", ""),
            ("version: 1\nallow:\n  paths: ['bdy:/x']\n", "p.yaml, line 3", "`body:/x`"),
            ("version: 1\nextends: secrets-only\ndomains:\n  person: { action: mask }\n", "p.yaml, line 4", ""),
        ] {
            let error = Policy::parse("p.yaml", text).expect_err(text);
            assert!(error.to_string().contains(line), "{error}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
        }
    }

    #[test]
    fn card_security_is_never_kept() {
        let policy = Policy::parse("p.yaml", "version: 1\nallow: { paths: ['body:/cvv'], values: ['123'] }").expect("reads");
        assert_eq!(policy.action(RuleId::CARD_SECURITY, Domain::Password, "body:/cvv", b"123"), Action::Mask);
        assert_eq!(policy.action(RuleId::EMAIL, Domain::Email, "body:/x", b"123"), Action::Keep);
    }
}
