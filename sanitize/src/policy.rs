//! The checked policy: for every rule what is done with what it finds.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use reenact_formats::config::Word;
use reenact_formats::config::policy::{self as file, ActionConfig, PolicyFile, Profile};
use reenact_formats::model::Action;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::rules::{self, RuleId, Rules};

/// What is redacted, and how. Nothing in it can keep what must never be kept.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: Arc<Rules>,
    profile: Profile,
    /// By the index of the rule.
    actions: Vec<Action>,
    allowed_values: BTreeSet<String>,
    allowed_paths: BTreeSet<String>,
}

impl Policy {
    /// The policy in a file. Rule packs that it names are read as well, from where it lies.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = file::load(path)?;
        Self::from_file(file, path.parent().unwrap_or(Path::new("")), &path.display().to_string())
    }

    /// The policy in a text that stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        Self::from_file(file::parse(name, text)?, Path::new(""), name)
    }

    fn from_file(file: PolicyFile, folder: &Path, name: &str) -> Result<Self, Error> {
        let mut rules = rules::read(file.rule_packs.iter().map(|pack| folder.join(pack)), file.profile)?;
        let known = |rules: &Rules, word: &Word| {
            rules.by_word(word.text()).ok_or_else(|| word.unknown(file::KIND, name, "rule", rules.all().map(|(_, rule)| rule.id.clone())))
        };
        let mut actions = default_actions(&rules);
        for (word, config) in file.rules {
            let rule = known(&rules, &word)?;
            let action = match (config.enabled, config.action) {
                (Some(false), _) => Some(ActionConfig::Keep),
                (_, action) => action,
            };
            if config.enabled == Some(true) || action.is_some_and(|action| action != ActionConfig::Keep) {
                rules.switch_on(rule);
            }
            match action {
                Some(ActionConfig::Pseudonym) => actions[rule.index()] = Action::Pseudonym,
                Some(ActionConfig::Mask) => actions[rule.index()] = Action::Mask,
                Some(ActionConfig::Drop) => actions[rule.index()] = Action::Drop,
                Some(ActionConfig::Keep) => actions[rule.index()] = Action::Keep,
                None => {}
            }
        }
        for (word, names) in file.names {
            let rule = known(&rules, &word)?;
            names.into_iter().for_each(|name| rules.add_name(rule, name));
        }
        Ok(Self {
            rules: Arc::new(rules),
            profile: file.profile,
            actions,
            allowed_values: file.allow.values.into_iter().collect(),
            allowed_paths: file.allow.paths.into_iter().collect(),
        })
    }

    /// The default policy as a file with every rule and a comment on each, to start one's own from.
    pub fn default_yaml() -> String {
        let mut text = String::from(HEADING);
        let policy = Self::default();
        for (id, rule) in policy.rules.all().filter(|(_, rule)| rule.is_on) {
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
        self.allowed_values.iter().for_each(|value| line(format!("value {value}")));
        self.allowed_paths.iter().for_each(|path| line(format!("path {path}")));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What is done with what `rule` has found at `path` (a template).
    pub(crate) fn action(&self, rule: RuleId, path: &str, bare: &[u8]) -> Action {
        let action = self.actions[rule.index()];
        if rule == RuleId::CARD_SECURITY || action == Action::Keep {
            return action;
        }
        // A known value is redacted wherever it stands; only the policy naming it, or its rule, keeps it.
        let is_place_allowed = rule != RuleId::KNOWN_VALUE && self.allowed_paths.contains(path);
        let is_allowed = is_place_allowed || std::str::from_utf8(bare).is_ok_and(|bare| self.allowed_values.contains(bare));
        if is_allowed { Action::Keep } else { action }
    }
}

impl Default for Policy {
    /// Everything that the rules find is replaced; what cannot be replaced is dropped.
    fn default() -> Self {
        let rules = Rules::built_in();
        Self { actions: default_actions(&rules), rules, profile: Profile::Default, allowed_values: BTreeSet::new(), allowed_paths: BTreeSet::new() }
    }
}

fn default_actions(rules: &Rules) -> Vec<Action> {
    let action = |rule: RuleId| match rule {
        RuleId::CARD_SECURITY => Action::Mask,
        RuleId::OPAQUE_BODY | RuleId::BODY_DIGEST => Action::Drop,
        _ => Action::Pseudonym,
    };
    rules.all().map(|(rule, _)| action(rule)).collect()
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

# How much is taken: default, gdpr-minimal, hipaa-safe-harbor.
profile: default

# Files with rules of your own, as paths from this file.
rule_packs: []

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
        assert_ne!(digest("version: 1\nallow: { values: [x] }"), digest("version: 1\nallow: { paths: [x] }"));
    }

    #[test]
    fn rules_are_named_by_their_ids() {
        for (text, line, hint) in [
            ("version: 1\nrules:\n  emial: { action: mask }\n", "p.yaml, line 3", "`email`"),
            ("version: 1\nnames:\n  toke: [ticket]\n", "p.yaml, line 3", "`token`"),
        ] {
            let error = Policy::parse("p.yaml", text).expect_err(text);
            assert!(error.to_string().contains(line), "{error}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
        }
    }

    #[test]
    fn card_security_is_never_kept() {
        let policy = Policy::parse("p.yaml", "version: 1\nallow: { paths: ['body:/cvv'], values: ['123'] }").expect("reads");
        assert_eq!(policy.action(RuleId::CARD_SECURITY, "body:/cvv", b"123"), Action::Mask);
        assert_eq!(policy.action(RuleId::EMAIL, "body:/x", b"123"), Action::Keep);
    }
}
