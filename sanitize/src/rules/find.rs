//! How a value is found by itself, checked: what a pack says of it cannot hold nonsense any more.

use std::ops::Range;

use reenact_formats::config::Error;
use reenact_formats::config::rules::{self as file, Alone, FindFile, KIND, OneOrMore, RuleFile};
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::detect::check::{self, Check};
use crate::detect::shapes::{Alphabet, Case, Shape};
use crate::detect::{RECOGNISERS, Recogniser, recogniser};

/// One way in which a value is found by itself.
#[derive(Debug)]
pub(crate) enum Find {
    Prefix(Prefix),
    Pattern(Pattern),
    Code(&'static Recogniser, Option<Alone>),
    Number(Number),
}

/// A literal, and characters of one alphabet behind it.
#[derive(Debug)]
pub(crate) struct Prefix {
    pub(crate) literals: Vec<String>,
    pub(crate) case: Case,
    pub(crate) then: Alphabet,
    pub(crate) at_least: usize,
    pub(crate) at_most: usize,
    pub(crate) checks: Vec<Check>,
    pub(crate) alone: Option<Alone>,
}

/// A regular expression behind a literal.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    /// One of these stands in every text that it matches; none: it is only asked of a value with a telling name.
    pub(crate) has: Vec<String>,
    pub(crate) case: Case,
    pub(crate) checks: Vec<Check>,
    pub(crate) alone: Option<Alone>,
}

/// Digits that pass a check, in one of a few forms.
#[derive(Debug)]
pub(crate) struct Number {
    /// Any of them.
    pub(crate) checks: Vec<Check>,
    /// How many digits it has where they stand plain; with `groups`, besides.
    pub(crate) digits: Vec<usize>,
    /// The forms in which it may stand, a `#` for each digit.
    pub(crate) groups: Vec<String>,
    pub(crate) alone: Alone,
}

impl Prefix {
    /// Whether all of a value is one.
    pub(crate) fn is(&self, value: &[u8]) -> bool {
        let begins = |literal: &&String| match (value.get(..literal.len()), self.case) {
            (Some(start), Case::Exact) => start == literal.as_bytes(),
            (Some(start), Case::Ignore) => start.eq_ignore_ascii_case(literal.as_bytes()),
            (None, _) => false,
        };
        self.literals.iter().filter(begins).any(|literal| {
            let rest = &value[literal.len()..];
            (self.at_least..=self.at_most).contains(&rest.len()) && rest.iter().all(|byte| self.then.has(*byte))
        })
    }

    /// What the automaton takes.
    pub(crate) fn shape(&self) -> Shape {
        Shape::Marked { prefixes: self.literals.clone(), case: self.case, then: self.then, at_least: self.at_least, at_most: self.at_most }
    }
}

impl Pattern {
    /// Whether all of a value is one.
    pub(crate) fn is(&self, value: &[u8]) -> bool {
        let is_all = |range: Range<usize>| range == (0..value.len());
        match self.regex.captures_len() {
            1 => self.regex.find(value).is_some_and(|found| is_all(found.range())),
            _ => self
                .regex
                .captures(value)
                .is_some_and(|found| found.get(0).is_some_and(|all| is_all(all.range())) || found.get(1).is_some_and(|group| is_all(group.range()))),
        }
    }

    /// What the automaton takes.
    pub(crate) fn shape(&self) -> Shape {
        Shape::Pattern { has: self.has.clone(), case: self.case, pattern: self.regex.clone() }
    }
}

/// Where something stands that is wrong.
pub(super) struct In<'a> {
    pub(super) file: &'a str,
    pub(super) rule: &'a RuleFile,
}

impl In<'_> {
    fn wrong(&self, problem: impl std::fmt::Display) -> Error {
        self.rule.id.wrong(KIND, self.file, format!("rule `{}`: {problem}", self.rule.id.text()))
    }
}

impl Find {
    pub(super) fn checked(file: &FindFile, place: &In<'_>) -> Result<Self, Error> {
        match (&file.prefix, &file.pattern, &file.code, &file.number) {
            (Some(literals), None, None, None) => prefix(literals, file, place).map(Self::Prefix),
            (None, Some(pattern), None, None) => self::pattern(pattern.text(), file, place).map(Self::Pattern),
            (None, None, Some(code), None) => match recogniser(code.text()) {
                Some(recogniser) => Ok(Self::Code(recogniser, file.alone)),
                None => Err(code.unknown(KIND, place.file, "recogniser", RECOGNISERS.iter().map(|recogniser| recogniser.name))),
            },
            (None, None, None, Some(checks)) => number(checks, file, place).map(Self::Number),
            _ => Err(place.wrong("one way to find it has exactly one of `prefix`, `pattern`, `code` and `number`")),
        }
    }
}

fn prefix(literals: &OneOrMore, file: &FindFile, place: &In<'_>) -> Result<Prefix, Error> {
    let literals = literals.words().to_vec();
    if literals.is_empty() || literals.iter().any(String::is_empty) {
        return Err(place.wrong("a prefix is empty"));
    }
    let then = match &file.then {
        None => Alphabet::Alphanumeric,
        Some(word) => Alphabet::from_word(word.text()).ok_or_else(|| word.unknown(KIND, place.file, "alphabet", Alphabet::ALL.map(|(name, _)| name)))?,
    };
    let (at_least, at_most) = match (file.length, file.at_least, file.at_most) {
        (Some(length), None, None) => (length, length),
        (None, at_least, at_most) => (at_least.unwrap_or(0), at_most.unwrap_or(usize::MAX)),
        _ => return Err(place.wrong("a length is exact, or at least and at most")),
    };
    Ok(Prefix { literals, case: case(file), then, at_least, at_most, checks: checks(file.check.as_ref(), place)?, alone: file.alone })
}

const fn case(file: &FindFile) -> Case {
    match file.case {
        file::Case::Exact => Case::Exact,
        file::Case::Ignore => Case::Ignore,
    }
}

fn pattern(text: &str, file: &FindFile, place: &In<'_>) -> Result<Pattern, Error> {
    let regex = RegexBuilder::new(text).unicode(false).case_insensitive(case(file) == Case::Ignore).size_limit(MAX_PATTERN).build();
    let regex = regex.map_err(|error| place.wrong(format!("the pattern is none: {}", last_line(&error.to_string()))))?;
    let has: Vec<String> = file.has.as_ref().map(|has| has.words().to_vec()).unwrap_or_default();
    if file.digits.is_some() {
        return Err(place.wrong("`digits` belongs to a number"));
    }
    Ok(Pattern { regex, has, case: case(file), checks: checks(file.check.as_ref(), place)?, alone: file.alone })
}

fn number(names: &OneOrMore, file: &FindFile, place: &In<'_>) -> Result<Number, Error> {
    let digits = file.digits.as_ref().map(|digits| digits.numbers().to_vec()).unwrap_or_default();
    let groups = file.groups.as_ref().map(|groups| groups.words().to_vec()).unwrap_or_default();
    Ok(Number { checks: checks(Some(names), place)?, digits, groups, alone: file.alone.unwrap_or(Alone::Weak) })
}

fn checks(names: Option<&OneOrMore>, place: &In<'_>) -> Result<Vec<Check>, Error> {
    let names = names.map(OneOrMore::words).unwrap_or_default();
    names.iter().map(|name| check::by_name(name).ok_or_else(|| place.wrong(format!("there is no check `{name}`")))).collect()
}

/// What a compiled pattern may take, in bytes.
const MAX_PATTERN: usize = 1 << 20;

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
