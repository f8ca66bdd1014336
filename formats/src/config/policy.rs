//! `policy.yaml`: what is redacted, how, and what stays.
//!
//! The file as people write it. The checked policy lives with its user, the redactor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, Word};

/// A redaction policy. Everything has a default; an empty policy is the default one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// How much is taken.
    #[serde(default)]
    pub profile: Profile,
    /// Files with rules of your own, as paths from this file.
    #[serde(default)]
    pub rule_packs: Vec<PathBuf>,
    /// What to do with what a rule finds, by its id, where it differs from the default.
    #[serde(default)]
    pub rules: BTreeMap<Word, RuleConfig>,
    /// More names that tell what a value is, by the id of the rule. Case, `-`, `_` and camelCase do not matter; whole words do.
    #[serde(default)]
    pub names: BTreeMap<Word, Vec<String>>,
    /// What stays, whatever a rule says.
    #[serde(default)]
    pub allow: AllowConfig,
}

/// How much is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// People and secrets; what tells of no one by itself stays: UUIDs, user agents, hashes.
    #[default]
    Default,
    /// Also what tells of a person together with other data: device ids, user agents, dates, places (GDPR, articles 4 and 25).
    GdprMinimal,
    /// The same, for the eighteen identifiers of 45 CFR 164.514(b)(2).
    HipaaSafeHarbor,
}

impl Profile {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::GdprMinimal => "gdpr-minimal",
            Self::HipaaSafeHarbor => "hipaa-safe-harbor",
        }
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

/// What is put in a value's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionConfig {
    /// A keyed pseudonym of the same form: the same value always gets the same one.
    Pseudonym,
    /// A constant of the same length.
    Mask,
    /// Nothing.
    Drop,
    /// The value itself; counted, so that the check knows.
    Keep,
}

/// What stays, whatever a rule says.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowConfig {
    /// Whole values, as in `support@example.com`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Places by their template, as in `body:/items/*/sku` or `header:x-forwarded-for`.
    #[serde(default)]
    pub paths: Vec<String>,
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
        let stays = config.enabled == Some(false) || matches!(config.action, Some(ActionConfig::Keep | ActionConfig::Pseudonym));
        if rule.text() == CARD_SECURITY && stays {
            return Err(Error::invalid(KIND, name, "rules.card_security", "card security codes, track data and PIN blocks are never kept: mask or drop them"));
        }
        if config.enabled == Some(false) && config.action.is_some_and(|action| action != ActionConfig::Keep) {
            return Err(Error::invalid(KIND, name, format!("rules.{}", rule.text()), "it is not enabled and yet has an action"));
        }
    }
    if let Some((rule, _)) = file.names.iter().find(|(_, names)| names.iter().any(|name| !name.chars().any(char::is_alphabetic))) {
        return Err(Error::invalid(KIND, name, format!("names.{}", rule.text()), "a name has no letter in it"));
    }
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
    fn errors_name_the_place_and_the_nearest_key() {
        for (text, expected, hint) in [
            ("version: 1\nrule: {}\n", "line 2", "`rules`"),
            ("version: 1\nrules:\n  email: { acton: mask }\n", "line 3", "`action`"),
            ("version: 1\nrules:\n  email: { action: hide }\n", "line 3", ""),
            ("version: 2\n", "version", ""),
            ("version: 1\nrules:\n  card_security: { action: keep }\n", "never kept", ""),
            ("version: 1\nrules:\n  phone: { enabled: false, action: mask }\n", "rules.phone", ""),
            ("version: 1\nnames:\n  token: ['--']\n", "names.token", ""),
        ] {
            let error = parse("p.yaml", text).expect_err(text);
            let shown = error.to_string();
            assert!(shown.contains("p.yaml") && shown.contains(expected), "{shown}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{shown}: {:?}", error.hint());
        }
    }
}
