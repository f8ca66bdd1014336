//! The checked policy: for every rule what is done with what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reenact_formats::config::policy::{self as file, ActionConfig, PolicyFile, RuleName};
use reenact_formats::model::Action;
use sha2::{Digest, Sha256};

use crate::Error;

/// What is redacted, and how. Nothing in it can keep what must never be kept.
#[derive(Debug, Clone)]
pub struct Policy {
    actions: BTreeMap<RuleName, Action>,
    names: Vec<(RuleName, String)>,
    allowed_values: BTreeSet<String>,
    allowed_paths: BTreeSet<String>,
}

impl Policy {
    /// The policy in a file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self::from_file(file::load(path)?))
    }

    /// The policy in a text that stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Ok(Self::from_file(file::parse(name, text)?))
    }

    fn from_file(file: PolicyFile) -> Self {
        let mut policy = Self::default();
        for (rule, config) in file.rules {
            let action = match (config.enabled, config.action) {
                (Some(false), _) => Some(ActionConfig::Keep),
                (_, action) => action,
            };
            if let Some(action) = action {
                policy.actions.insert(
                    rule,
                    match action {
                        ActionConfig::Pseudonym => Action::Pseudonym,
                        ActionConfig::Mask => Action::Mask,
                        ActionConfig::Drop => Action::Drop,
                        ActionConfig::Keep => Action::Keep,
                    },
                );
            }
        }
        policy.names = file.names.into_iter().flat_map(|(rule, names)| names.into_iter().map(move |name| (rule, name))).collect();
        policy.allowed_values = file.allow.values.into_iter().collect();
        policy.allowed_paths = file.allow.paths.into_iter().collect();
        policy
    }

    /// The default policy as a file with every rule and a comment on each, to start one's own from.
    pub fn default_yaml() -> String {
        let mut text = String::from(HEADING);
        for (rule, action) in &Self::default().actions {
            text.push_str(&format!("  # {}\n  {}: {{ action: {} }}\n", rule.about().trim(), rule.word(), action.word()));
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
        for (rule, action) in &self.actions {
            line(format!("rule {} {}", rule.word(), action.word()));
        }
        let names: BTreeSet<_> = self.names.iter().map(|(rule, name)| (rule.word(), crate::detect::names::words(name).concat())).collect();
        names.into_iter().for_each(|(rule, name)| line(format!("name {rule} {name}")));
        self.allowed_values.iter().for_each(|value| line(format!("value {value}")));
        self.allowed_paths.iter().for_each(|path| line(format!("path {path}")));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (RuleName, &str)> {
        self.names.iter().map(|(rule, name)| (*rule, name.as_str()))
    }

    /// What is done with what `rule` has found at `path` (a template).
    pub(crate) fn action(&self, rule: RuleName, path: &str, bare: &[u8]) -> Action {
        let action = self.actions.get(&rule).copied().unwrap_or(Action::Pseudonym);
        if rule == RuleName::CardSecurity || action == Action::Keep {
            return action;
        }
        let is_allowed = self.allowed_paths.contains(path) || std::str::from_utf8(bare).is_ok_and(|bare| self.allowed_values.contains(bare));
        if is_allowed { Action::Keep } else { action }
    }
}

impl Default for Policy {
    /// Everything that the rules find is replaced; what cannot be replaced is dropped.
    fn default() -> Self {
        let action = |rule: RuleName| match rule {
            RuleName::CardSecurity => Action::Mask,
            RuleName::OpaqueBody | RuleName::BodyDigest => Action::Drop,
            _ => Action::Pseudonym,
        };
        Self {
            actions: RuleName::ALL.iter().map(|rule| (*rule, action(*rule))).collect(),
            names: Vec::new(),
            allowed_values: BTreeSet::new(),
            allowed_paths: BTreeSet::new(),
        }
    }
}

const HEADING: &str = "\
# The default policy of reenact: what is found, and what is put in its place.
#
# Actions: pseudonym  the same value always gets the same stand-in of the same form
#          mask       a constant of the same length
#          drop       nothing
#          keep       the value itself; counted, and shown by `reenact inspect`
# A rule is also switched off by `{ enabled: false }`, which means keep.
version: 1

rules:
";

const FOOTING: &str = "
# More names that tell what a value is, by rule. Case, - and _ do not matter; whole words do.
names: {}
#  token: [x-tenant-ticket]
#  person: [ordered_by]

# What stays, whatever a rule says.
allow:
  values: []      # whole values, as in support@example.com
  paths: []       # places, as in body:/items/*/sku or header:x-forwarded-for
";

#[cfg(test)]
mod tests {
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
        assert_ne!(digest("version: 1\nallow: { values: [x] }"), digest("version: 1\nallow: { paths: [x] }"));
    }

    #[test]
    fn card_security_is_never_kept() {
        let policy = Policy::parse("p.yaml", "version: 1\nallow: { paths: ['body:/cvv'], values: ['123'] }").expect("reads");
        assert_eq!(policy.action(RuleName::CardSecurity, "body:/cvv", b"123"), Action::Mask);
        assert_eq!(policy.action(RuleName::Email, "body:/x", b"123"), Action::Keep);
    }
}
