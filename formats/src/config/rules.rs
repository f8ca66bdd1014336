//! `rules/*.yaml`: rule packs, what is looked for and how it is known.
//!
//! The file as people write it: the packs that are built in, and a user's own. The checked rules live with their user, the redactor.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Error;
use super::yaml::Word;

/// A rule pack.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// What the pack is called.
    pub pack: String,
    /// The day of its last change, as in `2026-11-22`: the formats that vendors give their tokens change.
    pub dated: String,
    /// The rules.
    pub rules: Vec<RuleFile>,
}

/// One kind of value: by which names and shapes it is known.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// What policies and audits call it: lower case, digits and `_`; unique over all packs.
    pub id: Word,
    /// What it finds, in one line.
    pub about: String,
    /// Whose pseudonyms its values get: a domain, as in `opaque`.
    pub domain: Word,
    /// How bad it is to find one where it should not be.
    pub severity: Severity,
    /// Which profiles it belongs to.
    #[serde(default)]
    pub profile: RuleProfile,
    /// Where the format is written down.
    pub source: String,
    /// The names by which it is known.
    #[serde(default)]
    pub names: NamesFile,
    /// How it is found by itself; without this, by name only.
    #[serde(default)]
    pub find: Vec<FindFile>,
    /// Texts in which it is found: what is found stands between « and ».
    #[serde(default)]
    pub positive: Vec<Vector>,
    /// Texts in which nothing is found.
    #[serde(default)]
    pub negative: Vec<Vector>,
}

/// How bad it is to find a value where it should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It tells little by itself.
    Low,
    /// It tells something of a person or a system.
    Medium,
    /// It tells who a person is.
    High,
    /// Whoever has it can act with it.
    Critical,
}

impl Severity {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Which profiles a rule belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleProfile {
    /// All of them.
    #[default]
    Default,
    /// Those that take more than the default one.
    Extended,
}

/// Names of headers, members, fields, parameters: in words; case, `-`, `_` and camelCase do not matter.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamesFile {
    /// Whatever stands there is one.
    #[serde(default)]
    pub strong: Vec<String>,
    /// What stands there is one if it also looks like one.
    #[serde(default)]
    pub weak: Vec<String>,
    /// These end in a telling name and tell nothing.
    #[serde(default)]
    pub never: Vec<String>,
}

/// One way in which a value is found by itself: exactly one of `prefix`, `pattern`, `code` and `number`, and what belongs to it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindFile {
    /// It begins with one of these.
    pub prefix: Option<OneOrMore>,
    /// Of which characters the rest is: `alphanumeric`, `lower`, `upper`, `digits`, `hex`, `url`, `dotted`, `base64`, `base32`, `graphic`.
    pub then: Option<Word>,
    /// How many of them follow, exactly.
    pub length: Option<usize>,
    /// How many of them follow at least.
    pub at_least: Option<usize>,
    /// How many of them follow at most.
    pub at_most: Option<usize>,
    /// Whether upper and lower case are the same in what it begins with, or in a pattern.
    #[serde(default)]
    pub case: Case,
    /// A regular expression, taken as a whole word. What its first group holds is the value, if it has one.
    pub pattern: Option<Word>,
    /// One of these stands in every text that a pattern matches: what is looked for first.
    pub has: Option<OneOrMore>,
    /// A recogniser that is written in code, by its name.
    pub code: Option<Word>,
    /// A number whose digits pass this check, by its name; several: any of them.
    pub number: Option<OneOrMore>,
    /// For a number, how many digits it has.
    pub digits: Option<Digits>,
    /// The forms in which a number may stand, a `#` for each digit; without this, plain or with single separators anywhere.
    pub groups: Option<OneOrMore>,
    /// What must be known of it before it counts.
    pub alone: Option<Alone>,
    /// A check that it must pass, by its name; several: any of them.
    pub check: Option<OneOrMore>,
}

/// Whether case matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// It does.
    #[default]
    Exact,
    /// It does not.
    Ignore,
}

/// What must be known of a value that was found by itself before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alone {
    /// A strong name.
    Strong,
    /// A name, weak or strong.
    Weak,
    /// A name, or one of the forms with separators.
    CheckedShape,
    /// Nothing more.
    Checked,
}

/// One word or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// The words.
    pub fn words(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::More(words) => words,
        }
    }
}

/// One number of digits or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Digits {
    /// One.
    One(usize),
    /// Several.
    More(Vec<usize>),
}

impl Digits {
    /// The numbers.
    pub fn numbers(&self) -> &[usize] {
        match self {
            Self::One(number) => std::slice::from_ref(number),
            Self::More(numbers) => numbers,
        }
    }
}

/// An example of a rule, as a text or as a text below a name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Vector {
    /// A text without a name.
    Text(String),
    /// A text below a name.
    Named {
        /// The name.
        name: String,
        /// The text.
        text: String,
    },
}

impl Vector {
    /// The name, if there is one, and the text.
    pub fn parts(&self) -> (Option<&str>, &str) {
        match self {
            Self::Text(text) => (None, text),
            Self::Named { name, text } => (Some(name), text),
        }
    }
}

/// Reads the rule pack at `path`.
pub fn load(path: &Path) -> Result<PackFile, Error> {
    super::load(KIND, path).and_then(|file| checked(file, &path.display().to_string()))
}

/// Reads the rule pack in `text`, which stands in the file `name`.
pub fn parse(name: &str, text: &str) -> Result<PackFile, Error> {
    super::parse(KIND, name, text).and_then(|file| checked(file, name))
}

fn checked(file: PackFile, name: &str) -> Result<PackFile, Error> {
    if file.version != 1 {
        return Err(Error::invalid(KIND, name, "version", format!("{} is not known; this release reads version 1", file.version)));
    }
    Ok(file)
}

/// What error messages call these files.
pub const KIND: &str = "rule pack";

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = "\
version: 1
pack: tickets
dated: 2026-11-22
rules:
  - id: ticket
    about: tickets
    domain: opaque
    severity: high
    source: our own
    names: { strong: [ticket number] }
    find:
      - prefix: [tk_]
        then: hex
        length: 8
      - number: luhn
        digits: [10, 12]
    positive: ['a «tk_0123abcd»', { name: ticket_number, text: '«7»' }]
    negative: ['tk_']
";

    #[test]
    fn reads_what_people_write() {
        let file = parse("p.yaml", PACK).expect("reads");
        let rule = &file.rules[0];
        assert_eq!((rule.id.text(), rule.severity, rule.profile), ("ticket", Severity::High, RuleProfile::Default));
        assert_eq!(rule.find[0].prefix.as_ref().map(OneOrMore::words), Some(&["tk_".to_owned()][..]));
        assert_eq!(rule.find[1].digits.as_ref().map(Digits::numbers), Some(&[10, 12][..]));
        assert_eq!(rule.positive[1].parts(), (Some("ticket_number"), "«7»"));
        assert_eq!(rule.id.place("p.yaml"), "p.yaml, line 5, column 9");
    }

    #[test]
    fn errors_name_the_place() {
        for (from, to, expected) in [
            ("version: 1", "version: 2", "version"),
            ("severity: high", "severity: hi", "line 8"),
            ("names:", "name:", "line 10"),
            ("length: 8", "lenght: 8", "line 14"),
        ] {
            let shown = parse("p.yaml", &PACK.replace(from, to)).expect_err(to).to_string();
            assert!(shown.contains("rule pack file p.yaml") && shown.contains(expected), "{shown}");
        }
    }
}
