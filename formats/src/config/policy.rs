//! `policy.yaml`: what is redacted, how, and what stays.
//!
//! The file as people write it. The checked policy lives with its user, the redactor.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Error;

/// A redaction policy. Everything has a default; an empty policy is the default one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// What to do with what a rule finds, where it differs from the default.
    #[serde(default)]
    pub rules: BTreeMap<RuleName, RuleConfig>,
    /// More names that tell what a value is, by what it is. Case, `-`, `_` and camelCase do not matter; whole words do.
    #[serde(default)]
    pub names: BTreeMap<RuleName, Vec<String>>,
    /// What stays, whatever a rule says.
    #[serde(default)]
    pub allow: AllowConfig,
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

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// The rules by which values are found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum RuleName { $($(#[doc = $doc])+ $variant,)+ }

        impl RuleName {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it in policies, audits and files.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it finds, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

rules! {
    /// Credentials in `Authorization` and `Proxy-Authorization`, and `Bearer …` or `Basic …` anywhere.
    Authorization = "authorization",
    /// Values of `Cookie` and `Set-Cookie`.
    Cookie = "cookie",
    /// Tokens, API keys, secrets, session ids and one-time codes, by name.
    Token = "token",
    /// Passwords, by name.
    Password = "password",
    /// User names and handles, by name.
    Username = "username",
    /// E-mail addresses.
    Email = "email",
    /// Payment card numbers.
    Card = "card",
    /// Card security codes, track data and PIN blocks, by name; never kept, whatever the policy says.
    CardSecurity = "card_security",
    /// International bank account numbers.
    Iban = "iban",
    /// Other bank account numbers, by name.
    BankAccount = "bank_account",
    /// Phone numbers.
    Phone = "phone",
    /// Public IPv4 and IPv6 addresses.
    Ip = "ip",
    /// US social security numbers.
    Ssn = "ssn",
    /// Other national, tax, passport and licence numbers, by name.
    NationalId = "national_id",
    /// People's names, by name.
    Person = "person",
    /// Street addresses, by name.
    Address = "address",
    /// Dates of birth, by name.
    BirthDate = "birth_date",
    /// JSON Web Tokens.
    Jwt = "jwt",
    /// Private keys in PEM and in other armours.
    PrivateKey = "private_key",
    /// AWS access keys.
    AwsKey = "aws_key",
    /// GitHub tokens.
    GithubToken = "github_token",
    /// GitLab tokens.
    GitlabToken = "gitlab_token",
    /// Slack tokens and webhooks.
    SlackToken = "slack_token",
    /// Stripe keys.
    StripeKey = "stripe_key",
    /// Google API keys and OAuth secrets.
    GoogleKey = "google_key",
    /// Secrets of other vendors that are known by their prefix or shape.
    VendorToken = "vendor_token",
    /// User and password in a URL.
    UrlCredential = "url_credential",
    /// What was redacted before on the same connection.
    Recurrence = "recurrence",
    /// Bodies that cannot be looked into: media, archives, unknown or broken codings; files in forms.
    OpaqueBody = "opaque_body",
    /// Digests of bodies that were changed.
    BodyDigest = "body_digest",
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
        if *rule == RuleName::CardSecurity && stays {
            return Err(Error::invalid(KIND, name, "rules.card_security", "card security codes, track data and PIN blocks are never kept: mask or drop them"));
        }
        if config.enabled == Some(false) && config.action.is_some_and(|action| action != ActionConfig::Keep) {
            return Err(Error::invalid(KIND, name, format!("rules.{}", rule.word()), "it is not enabled and yet has an action"));
        }
    }
    if let Some((rule, _)) = file.names.iter().find(|(_, names)| names.iter().any(|name| !name.chars().any(char::is_alphabetic))) {
        return Err(Error::invalid(KIND, name, format!("names.{}", rule.word()), "a name has no letter in it"));
    }
    Ok(file)
}

/// The JSON Schema of policy files.
pub fn policy_schema() -> schemars::Schema {
    schemars::schema_for!(PolicyFile)
}

const KIND: &str = "policy";

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
        assert_eq!(file.rules[&RuleName::Phone].enabled, Some(false));
        assert_eq!(file.rules[&RuleName::Email].action, Some(ActionConfig::Mask));
        assert_eq!(file.names[&RuleName::Token], ["x-tenant-ticket"]);
        assert!(parse("p.yaml", "version: 1\n").expect("reads").rules.is_empty());
    }

    #[test]
    fn errors_name_the_place_and_the_nearest_key() {
        for (text, expected, hint) in [
            ("version: 1\nrule: {}\n", "line 2", "`rules`"),
            ("version: 1\nrules:\n  emial: { action: mask }\n", "line 3", "`email`"),
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

    #[test]
    fn words_are_those_of_the_file() {
        for rule in RuleName::ALL {
            assert_eq!(serde_json::to_value(rule).expect("serializes"), rule.word());
            assert!(!rule.about().is_empty());
        }
    }
}
