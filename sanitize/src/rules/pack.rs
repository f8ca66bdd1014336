//! From packs to the rules in force.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use reenact_formats::config::Error;
use reenact_formats::config::policy::Profile;
use reenact_formats::config::rules::{self as file, KIND, PackFile, RuleFile};

use super::find::{Find, In};
use super::{KNOWN, Name, Rule, RuleId, Rules, is_on};
use crate::detect::Strength;
use crate::pseudonym::Domain;

macro_rules! packs {
    ($($name:literal,)+) => {
        /// The packs that are built in: file names and texts.
        pub(super) const BUILT_IN: &[(&str, &str)] = &[$((concat!($name, ".yaml"), include_str!(concat!("../../rules/", $name, ".yaml"))),)+];
    };
}

packs! {
    "credentials",
    "secrets",
    "people",
    "finance",
    "identity",
    "health",
    "devices",
    "reenact",
}

/// The rules of the packs that are built in.
pub(super) fn read_built_in(profile: Profile) -> Rules {
    assemble(built_in_packs(), profile).expect("the packs that are built in hold")
}

/// The rules of the packs that are built in, and of a user's own.
pub(crate) fn read(own: impl IntoIterator<Item = PathBuf>, profile: Profile) -> Result<Rules, Error> {
    let mut packs = built_in_packs();
    for path in own {
        packs.push((path.display().to_string(), file::load(&path)?));
    }
    assemble(packs, profile)
}

pub(super) fn built_in_packs() -> Vec<(String, PackFile)> {
    BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), file::parse(name, text).expect("the packs that are built in are read"))).collect()
}

fn assemble(packs: Vec<(String, PackFile)>, profile: Profile) -> Result<Rules, Error> {
    let mut by_id: BTreeMap<String, RuleId> = KNOWN.iter().zip(0..).map(|(id, index)| ((*id).to_owned(), RuleId(index))).collect();
    let mut rules: Vec<Option<Rule>> = KNOWN.iter().map(|_| None).collect();
    let (mut names, mut never, mut dates) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (name, pack)) in packs.into_iter().enumerate() {
        let built_in = (number < BUILT_IN.len()).then_some(pack.pack.as_str());
        for rule in &pack.rules {
            let place = In { file: &name, rule };
            let word = rule.id.text();
            let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !word.starts_with(|first: char| first.is_ascii_lowercase()) || !word.bytes().all(is_word) {
                return Err(rule.id.wrong(KIND, &name, format!("`{word}` is no id: lower case, digits and _")));
            }
            let index = match by_id.get(word) {
                Some(index) => *index,
                None => {
                    let index = RuleId(u16::try_from(rules.len()).map_err(|_| rule.id.wrong(KIND, &name, "there are too many rules"))?);
                    by_id.insert(word.to_owned(), index);
                    rules.push(None);
                    index
                }
            };
            let slot = &mut rules[index.index()];
            if slot.is_some() {
                return Err(rule.id.wrong(KIND, &name, format!("there is a rule `{word}` already")));
            }
            *slot = Some(checked(rule, &place, is_on(rule.profile, word, built_in, profile))?);
            let named = |names: &[String], strength| -> Vec<Name> { names.iter().map(|words| Name { words: words.clone(), rule: index, strength }).collect() };
            names.extend(named(&rule.names.strong, Strength::Strong));
            names.extend(named(&rule.names.weak, Strength::Weak));
            never.extend(rule.names.never.iter().cloned());
        }
        dates.push((pack.pack, pack.dated));
    }
    let rules = rules.into_iter().map(|rule| rule.expect("the packs that are built in hold the rules that code refers to")).collect();
    Ok(Rules { rules, by_id, names, never, own_names: Vec::new(), packs: dates, compiled: OnceLock::new() })
}

fn checked(rule: &RuleFile, place: &In<'_>, is_on: bool) -> Result<Rule, Error> {
    let domain = Domain::from_word(rule.domain.text()).ok_or_else(|| rule.domain.unknown(KIND, place.file, "domain", Domain::ALL.map(Domain::word)))?;
    for name in rule.names.strong.iter().chain(&rule.names.weak).chain(&rule.names.never) {
        if !name.chars().any(char::is_alphabetic) {
            return Err(rule.id.wrong(KIND, place.file, format!("rule `{}`: a name has no letter in it", rule.id.text())));
        }
    }
    Ok(Rule {
        id: rule.id.text().to_owned(),
        about: rule.about.trim().to_owned(),
        domain,
        severity: rule.severity,
        is_on,
        finds: rule.find.iter().map(|find| Find::checked(find, place)).collect::<Result<_, _>>()?,
    })
}
