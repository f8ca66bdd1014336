//! `policy.yaml`: what is redacted, how, and what stays.
//!
//! The file as people write it. The checked policy lives with its user, the redactor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::database::DatabaseConfig;
use super::{Error, Word};
use crate::model::Action;

/// A redaction policy. Everything has a default; an empty policy is the default one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// What it begins from: a profile that is built in (`default`, `pci`, `hipaa-safe-harbor`, `gdpr-minimal`, `secrets-only`), or another
    /// policy, as a path from this file.
    #[serde(default, alias = "profile")]
    pub extends: Option<Word>,
    /// Files with rules of your own, as paths from this file.
    #[serde(default)]
    pub rule_packs: Vec<PathBuf>,
    /// What to do with what stands in a place, by its path, as in `body:/users/*/name`, `header:x-*` or `**`. `*` stands for anything within one
    /// step of a path, `**` for any steps. The whole value is taken, whatever the rules find in it. Of several the one with the most letters
    /// beside its stars decides; a place goes before a rule, a rule before a domain.
    #[serde(default)]
    pub locations: BTreeMap<Word, LocationConfig>,
    /// What to do with what a rule finds, by its id, where it differs from the default.
    #[serde(default)]
    pub rules: BTreeMap<Word, RuleConfig>,
    /// What to do with values of a domain, where no rule says anything else.
    #[serde(default)]
    pub domains: BTreeMap<Word, DomainConfig>,
    /// More names that tell what a value is, by the id of the rule. Case, `-`, `_` and camelCase do not matter; whole words do.
    #[serde(default)]
    pub names: BTreeMap<Word, Vec<String>>,
    /// What stays, whatever a rule says.
    #[serde(default)]
    pub allow: AllowConfig,
    /// What is chosen of pseudonyms.
    #[serde(default)]
    pub pseudonyms: PseudonymsConfig,
    /// What to do with bodies that cannot be looked into: media, archives, what is unknown.
    #[serde(default)]
    pub unknown_content: Option<UnknownContent>,
    /// How long after it was written a recording may be read: `30d`, `12h`, `2w`.
    #[serde(default)]
    pub expires: Option<Word>,
    /// What is done with the columns of a sandbox copy.
    #[serde(default)]
    pub database: DatabaseConfig,
}

/// What is chosen of pseudonyms.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PseudonymsConfig {
    /// Domains whose pseudonyms are in the space that is set aside for no one, where two values may meet (counted); all others are one to one, and
    /// may be someone else's.
    #[serde(default)]
    pub reserved: Vec<ReservedConfig>,
    /// Places, by their template, of what a message is about, as in `body:/patient/id`: dates of one subject are shifted alike. None: all dates are.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// How much of a street address stays.
    #[serde(default)]
    pub addresses: AddressConfig,
}

/// What has a space that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservedConfig {
    /// Phone numbers: those that regulators keep for fiction, in the countries that have such.
    Phone,
    /// US social security numbers: areas that were never given out.
    Ssn,
    /// IPv4: 198.18.0.0/15.
    Ip,
}

/// How much of a street address stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressConfig {
    /// Nothing.
    #[default]
    None,
    /// What follows the street: town, region and country, and the first two digits of a postal code.
    Town,
}

/// How much is taken, and how: the policies that are built in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// People and secrets; what tells of no one by itself stays: UUIDs, user agents, hashes.
    #[default]
    Default,
    /// The same, and nothing that this policy says keeps the number of a card.
    Pci,
    /// Also what tells of someone together with other data.
    GdprMinimal,
    /// The identifiers that 45 CFR 164.514(b)(2) lists: dates by year, postal codes by their first three digits, under a key that is made
    /// for each recording and forgotten.
    HipaaSafeHarbor,
    /// Credentials, keys and card security codes; people stay.
    SecretsOnly,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Default, Self::Pci, Self::GdprMinimal, Self::HipaaSafeHarbor, Self::SecretsOnly];

    /// What files call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pci => "pci",
            Self::GdprMinimal => "gdpr-minimal",
            Self::HipaaSafeHarbor => "hipaa-safe-harbor",
            Self::SecretsOnly => "secrets-only",
        }
    }

    /// The one that files call so.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }
}

/// What to do with what a rule finds.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Off means: what it finds stays, and is counted as kept.
    pub enabled: Option<bool>,
    /// What to put in its place.
    pub action: Option<ActionConfig>,
}

/// What to do with values of a domain.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainConfig {
    /// What to put in their place.
    pub action: ActionConfig,
}

/// What to do with what stands in a place.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationConfig {
    /// What to put in its place.
    #[serde(default)]
    pub action: ActionConfig,
    /// Whose pseudonyms it gets, where no rule knows what it is: `opaque` if nothing is said.
    #[serde(default)]
    pub domain: Option<Word>,
}

/// What is put in a value's place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionConfig {
    /// A keyed pseudonym of the same form: the same value always gets the same one.
    #[default]
    Pseudonym,
    /// A constant of the same length.
    Mask,
    /// Nothing.
    Drop,
    /// A keyed hash, in hexadecimal digits.
    Hash,
    /// The same with less in it: the year of a date, the network of an address, one decimal of a coordinate. What cannot be told so is masked.
    Generalise,
    /// The value itself; counted, so that the check knows.
    Keep,
}

/// What becomes of content that cannot be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownContent {
    /// Nothing is left but its length and type, on record.
    Drop,
    /// As many zeros.
    KeepLength,
    /// It stays, unseen.
    Keep,
}

impl From<ActionConfig> for Action {
    fn from(action: ActionConfig) -> Self {
        match action {
            ActionConfig::Pseudonym => Self::Pseudonym,
            ActionConfig::Mask => Self::Mask,
            ActionConfig::Drop => Self::Drop,
            ActionConfig::Hash => Self::Hash,
            ActionConfig::Generalise => Self::Generalise,
            ActionConfig::Keep => Self::Keep,
        }
    }
}

impl From<UnknownContent> for Action {
    fn from(content: UnknownContent) -> Self {
        match content {
            UnknownContent::Drop => Self::Drop,
            UnknownContent::KeepLength => Self::Mask,
            UnknownContent::Keep => Self::Keep,
        }
    }
}

/// How long a recording may be read: a number of hours, days or weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Duration);

impl Lifetime {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Lifetime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const PROBLEM: &str = "is no time: a number of hours, days or weeks, as in 12h, 30d or 2w";
        let text = text.trim();
        let hours = match text.bytes().last() {
            Some(b'h') => 1,
            Some(b'd') => 24,
            Some(b'w') => 7 * 24,
            _ => return Err(PROBLEM),
        };
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| PROBLEM)?;
        let most = 100 * 366 * 24;
        let hours = number.checked_mul(hours).filter(|hours| (1..=most).contains(hours)).ok_or(PROBLEM)?;
        Ok(Self(Duration::from_secs(u64::from(hours) * 3600)))
    }
}

/// What stays, whatever a rule says.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowConfig {
    /// Whole values, as in `support@example.com`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Places, as in `body:/items/*/sku` or `header:x-*`: the same as under `locations` with the action keep.
    #[serde(default)]
    pub paths: Vec<Word>,
}

/// Reads the policy file at `path`.
pub fn load(path: &Path) -> Result<PolicyFile, Error> {
    super::load(KIND, path).and_then(|file| checked(file, &path.display().to_string()))
}

/// Reads the policy in `text`, which stands in the file `name`.
pub fn parse(name: &str, text: &str) -> Result<PolicyFile, Error> {
    super::parse(KIND, name, text).and_then(|file| checked(file, name))
}

fn checked(file: PolicyFile, name: &str) -> Result<PolicyFile, Error> {
    if file.version != 1 {
        return Err(Error::invalid(KIND, name, "version", format!("{} is not known; this release reads version 1", file.version)));
    }
    for (rule, config) in &file.rules {
        let is_gone = config.enabled != Some(false) && matches!(config.action, None | Some(ActionConfig::Mask | ActionConfig::Drop));
        if rule.text() == CARD_SECURITY && !is_gone {
            return Err(rule.wrong(KIND, name, "card security codes, track data and PIN blocks are never kept: mask or drop them"));
        }
        if config.enabled == Some(false) && config.action.is_some_and(|action| action != ActionConfig::Keep) {
            return Err(rule.wrong(KIND, name, format!("rule `{}` is not enabled and yet has an action", rule.text())));
        }
    }
    if let Some(expires) = &file.expires {
        expires.text().parse::<Lifetime>().map_err(|problem| expires.wrong(KIND, name, format!("`{}` {problem}", expires.text())))?;
    }
    if let Some((rule, _)) = file.names.iter().find(|(_, names)| names.iter().any(|name| !name.chars().any(char::is_alphabetic))) {
        return Err(rule.wrong(KIND, name, format!("a name of `{}` has no letter in it", rule.text())));
    }
    file.database.checked(KIND, name)?;
    Ok(file)
}

/// The JSON Schema of policy files.
pub fn policy_schema() -> schemars::Schema {
    schemars::schema_for!(PolicyFile)
}

/// What error messages call these files.
pub const KIND: &str = "policy";
const CARD_SECURITY: &str = "card_security";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::Explain;

    #[test]
    fn reads_what_people_write() {
        let file = parse(
            "p.yaml",
            "version: 1\nrules:\n  phone: { enabled: false }\n  email: { action: mask }\nnames:\n  token: [x-tenant-ticket]\nallow:\n  values: [support@shop.example]\n",
        )
        .expect("reads");
        assert_eq!(file.rules["phone"].enabled, Some(false));
        assert_eq!(file.rules["email"].action, Some(ActionConfig::Mask));
        assert_eq!(file.names["token"], ["x-tenant-ticket"]);
        assert!(parse("p.yaml", "version: 1\n").expect("reads").rules.is_empty());
    }

    #[test]
    fn lifetimes_are_hours_days_or_weeks() {
        for (text, hours) in
            [("12h", Some(12)), ("30d", Some(720)), ("2w", Some(336)), ("0d", None), ("d", None), ("30", None), ("-1d", None), ("9999999w", None), ("3é", None)]
        {
            assert_eq!(text.parse::<Lifetime>().ok().map(Lifetime::duration), hours.map(|hours| Duration::from_secs(hours * 3600)), "{text}");
        }
    }

    #[test]
    fn errors_name_the_place_and_the_nearest_key() {
        for (text, expected, hint) in [
            ("version: 1\nrule: {}\n", "line 2", "`rules`"),
            ("version: 1\nrules:\n  email: { acton: mask }\n", "line 3", "`action`"),
            ("version: 1\nrules:\n  email: { action: hide }\n", "line 3", ""),
            ("version: 2\n", "version", ""),
            ("version: 1\nrules:\n  card_security: { action: keep }\n", "never kept", ""),
            ("version: 1\nrules:\n  card_security: { action: hash }\n", "line 3", ""),
            ("version: 1\nrules:\n  phone: { enabled: false, action: mask }\n", "line 3", ""),
            ("version: 1\nnames:\n  token: ['--']\n", "line 3", ""),
            ("version: 1\nlocations:\n  'body:/x': { acton: mask }\n", "line 3", "`action`"),
            ("version: 1\ndomains:\n  email: {}\n", "line 3", ""),
            ("version: 1\nunknown_content: hide\n", "line 2", ""),
            ("version: 1\nexpires: 3 days\n", "line 2", ""),
        ] {
            let error = parse("p.yaml", text).expect_err(text);
            let shown = error.to_string();
            assert!(shown.contains("p.yaml") && shown.contains(expected), "{shown}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{shown}: {:?}", error.hint());
        }
    }
}
