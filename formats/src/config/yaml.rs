//! Reading what people write: YAML into serde types, with errors that name the file, the line, and the nearest known word.

use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::seam::{Blame, Explain};

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// What kind of file and its path, e.g. `entities file state.yaml`.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no YAML, or not of the right shape.
    #[error("{at}: {problem}")]
    Shape {
        /// The file and the place in it, e.g. `entities file state.yaml, line 3, column 5`.
        at: String,
        /// What is wrong.
        problem: String,
    },
    /// A key, or a word where one of a few is expected, that is not known.
    #[error("{at}: unknown {what} `{word}`")]
    Unknown {
        /// The file and the place in it.
        at: String,
        /// `key` or `value`.
        what: &'static str,
        /// What stands there.
        word: String,
        /// What could stand there.
        known: Vec<String>,
    },
    /// It reads well and makes no sense.
    #[error("{file}: {place}: {problem}")]
    Invalid {
        /// What kind of file and its path.
        file: String,
        /// Which entry, e.g. `slo 2`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// Says that the entry `place` of a file makes no sense.
    pub fn invalid(kind: &str, name: &str, place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { file: format!("{kind} file {name}"), place: place.into(), problem: problem.into() }
    }
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        Blame::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { word, known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let near = nearest(word, &known);
                let all = (known.len() <= MAX_LISTED).then(|| format!("known here: {}", known.join(", ")));
                match (near, all) {
                    (Some(near), Some(all)) => Some(format!("did you mean `{near}`? {all}")),
                    (Some(near), None) => Some(format!("did you mean `{near}`?")),
                    (None, all) => all,
                }
            }
            Self::Read { .. } | Self::Shape { .. } | Self::Invalid { .. } => None,
        }
    }
}

/// A word with the place in the file where it stands, for words that only their user can check.
#[derive(Debug, Clone)]
pub struct Word {
    text: String,
    line: u64,
    column: u64,
}

impl Word {
    /// The word.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands in the file `name`.
    pub fn place(&self, name: &str) -> String {
        format!("{name}, line {}, column {}", self.line, self.column)
    }

    /// Says that it is none of those that are known.
    pub fn unknown(&self, kind: &str, name: &str, what: &'static str, known: impl IntoIterator<Item = impl Into<String>>) -> Error {
        Error::Unknown { at: format!("{kind} file {}", self.place(name)), what, word: self.text.clone(), known: known.into_iter().map(Into::into).collect() }
    }

    /// Says what is wrong with it.
    pub fn wrong(&self, kind: &str, name: &str, problem: impl Into<String>) -> Error {
        Error::Shape { at: format!("{kind} file {}", self.place(name)), problem: problem.into() }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = serde_saphyr::Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { line: word.referenced.line(), column: word.referenced.column(), text: word.value })
    }
}

/// Words are compared by what they say: as keys of a map they stand in its order.
impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::borrow::Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl JsonSchema for Word {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

/// Reads the file at `path` into `T`.
pub fn load<T: DeserializeOwned>(kind: &'static str, path: &Path) -> Result<T, Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { file: format!("{kind} file {name}"), source })?;
    parse(kind, &name, &text)
}

/// Reads `text`, which stands in the file `name`, into `T`.
pub fn parse<T: DeserializeOwned>(kind: &'static str, name: &str, text: &str) -> Result<T, Error> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map(|location| format!(", line {}, column {}", location.line(), location.column()));
        let at = format!("{kind} file {name}{}", place.unwrap_or_default());
        match error {
            serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => Error::Unknown { at, what: "key", word: field.clone(), known: owned(expected) },
            serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
                Error::Unknown { at, what: "value", word: variant.clone(), known: owned(expected) }
            }
            other => Error::Shape { at, problem: one_line(&other.to_string()) },
        }
    })
}

/// The known word that `word` most likely stands for.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min()
        .map(|(_, candidate)| candidate)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A hint that lists more words than this is no help.
const MAX_LISTED: usize = 48;

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Sample {
        version: u32,
        objective: Option<Word>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Success,
        Latency,
    }

    #[test]
    fn errors_name_the_place_and_the_nearest_word() {
        let cases = [
            ("version: 1\nobjectiv: success\n", "line 2", "unknown key `objectiv`", "did you mean `objective`?"),
            ("version: 1\nobjective: sucess\n", "line 2", "unknown value `sucess`", "did you mean `Success`?"),
            ("version: x\n", "line 1", "sample file s.yaml", ""),
            ("version: [\n", "line", "sample file s.yaml", ""),
        ];
        for (text, place, problem, hint) in cases {
            let error = parse::<Sample>("sample", "s.yaml", text).expect_err(text);
            let shown = error.to_string();
            assert!(shown.contains(place) && shown.contains(problem), "{shown}");
            assert!(error.hint().unwrap_or_default().to_lowercase().contains(&hint.to_lowercase()), "{:?}", error.hint());
        }
    }

    #[test]
    fn nearest_is_near() {
        for (word, expected) in [("regio", Some("region")), ("zzz", None), ("schema", Some("schemas"))] {
            assert_eq!(nearest(word, &["region", "schemas"]), expected);
        }
    }
}
