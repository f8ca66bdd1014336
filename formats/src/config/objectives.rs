//! `slo.yaml`: what a run must reach, and what of its answers is not compared.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The objectives of a verdict.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectivesFile {
    /// The version of this file's layout: 1.
    pub version: u32,
    /// What must be reached.
    #[serde(default)]
    pub slo: Vec<ObjectiveConfig>,
    /// How answers are compared.
    #[serde(default)]
    pub responses: ResponsesConfig,
}

/// One objective.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveConfig {
    /// What is measured.
    pub sli: SliConfig,
    /// `success`: the least share of requests that must succeed, as in `99.9%`.
    pub objective: Option<Percent>,
    /// `latency`: which percentile, as in `95`.
    pub percentile: Option<f64>,
    /// `latency`: the most that it may be, as in `200ms`; with `compared_to`, the most that it may grow, as in `+10%`.
    pub at_most: Option<Bound>,
    /// `throughput`: the least number of answers in a second; with `compared_to`, the most that it may shrink, as in `-5%`.
    pub at_least: Option<Bound>,
    /// `latency`: from when it is due (`response`, the default) or from when it is sent (`service`).
    pub measure: Option<MeasureConfig>,
    /// Judge against the same figure of another run.
    pub compared_to: Option<ComparedTo>,
    /// Only requests of this endpoint, as in `POST /orders/{}`.
    pub endpoint: Option<String>,
    /// Only requests sent in this phase.
    pub phase: Option<String>,
}

/// What an objective measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliConfig {
    /// The share of requests that were answered with a status below 500.
    Success,
    /// A percentile of how long answers took.
    Latency,
    /// Answers in a second.
    Throughput,
}

/// Where a latency begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeasureConfig {
    /// When the request was due: what a user waits.
    #[default]
    Response,
    /// When the request was sent: what the service takes.
    Service,
}

/// What a figure is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedTo {
    /// The baseline run.
    Baseline,
}

/// How answers are compared.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponsesConfig {
    /// Places that are not compared: `/served_by` or `/items/*/etag` in a body, `header:x-served-by` in a head.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// A share: `99.9%` is 0.999.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
pub struct Percent(pub f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_suffix('%')
            // Scaled in decimal, so that 99.9% is the very number that 0.999 is.
            .and_then(|digits| format!("{}e-2", digits.trim()).parse::<f64>().ok())
            .filter(|share| (0.0..=1.0).contains(share))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a share; write it as 99.9%"))
    }
}

/// A limit of an objective.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub enum Bound {
    /// A time.
    Time(Duration),
    /// A number in a second.
    Rate(f64),
    /// A change against another run: 0.1 for `+10%`, -0.05 for `-5%`.
    Change(f64),
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is no limit; write it as 200ms, 1.5s, 100/s or +10%");
        let number = |digits: &str| digits.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(digits) = text.strip_suffix('%') {
            return number(digits).filter(|_| text.starts_with(['+', '-'])).map(|percent| Self::Change(percent / 100.0)).ok_or_else(refused);
        }
        if let Some(digits) = text.strip_suffix("/s") {
            return number(digits).filter(|rate| *rate >= 0.0).map(Self::Rate).ok_or_else(refused);
        }
        let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').ok_or_else(refused)?;
        let scale = match &text[split..] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            _ => return Err(refused()),
        };
        number(&text[..split]).and_then(|amount| Duration::try_from_secs_f64(amount * scale).ok()).map(Self::Time).ok_or_else(refused)
    }
}

/// Both are written as text and read by `FromStr`; a schema says so by pattern.
macro_rules! written_as_text {
    ($($name:ident: $pattern:literal,)+) => { $(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )+ };
}

written_as_text! {
    Percent: r"^[0-9]+(\.[0-9]+)?%$",
    Bound: r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|/s)|[+-][0-9]+(\.[0-9]+)?%)$",
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

impl ObjectivesFile {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, super::Error> {
        let file: Self = super::load(KIND, path)?;
        file.check(&path.display().to_string())
    }

    /// Reads `text`, which stands in the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, super::Error> {
        super::parse::<Self>(KIND, name, text)?.check(name)
    }

    /// The error that the `index`th objective (from 0) of the file `name` makes no sense.
    pub fn refusal(name: &str, index: usize, problem: impl Into<String>) -> super::Error {
        super::Error::invalid(KIND, name, format!("slo {}", index + 1), problem)
    }

    fn check(self, name: &str) -> Result<Self, super::Error> {
        if self.version == 1 { Ok(self) } else { Err(super::Error::invalid(KIND, name, format!("version {}", self.version), "this release reads version 1")) }
    }
}

const KIND: &str = "objectives";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read() {
        let cases = [
            ("200ms", Some(Bound::Time(Duration::from_millis(200)))),
            ("1.5s", Some(Bound::Time(Duration::from_millis(1500)))),
            ("+10%", Some(Bound::Change(0.1))),
            ("-5%", Some(Bound::Change(-0.05))),
            ("100/s", Some(Bound::Rate(100.0))),
            ("10%", None),
            ("200", None),
            ("ms", None),
            ("-3s", None),
            ("3 parsecs", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn shares_are_read_and_shown() {
        assert_eq!("99.9%".parse(), Ok(Percent(0.999)));
        assert_eq!(Percent(0.999).to_string(), "99.9%");
        for bad in ["99.9", "101%", "-1%", "x%", ""] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_is_read() {
        let text = "version: 1\nslo:\n  - { sli: success, objective: 99.9% }\n  - { sli: latency, percentile: 95, at_most: 200ms, endpoint: \"POST /api/orders\" }\n  - { sli: latency, percentile: 99, compared_to: baseline, at_most: +10% }\nresponses: { ignore: [\"/served_by\"] }\n";
        let file = ObjectivesFile::parse("slo.yaml", text).expect("valid");
        assert_eq!(file.slo.len(), 3);
        assert_eq!(file.slo[2].at_most, Some(Bound::Change(0.1)));
        for (bad, part) in [
            ("version: 1\nslo:\n  - { sli: success, objectiv: 99.9% }\n", "line 3"),
            ("version: 1\nslo:\n  - { sli: latency, percentile: 95, at_most: soon }\n", "is no limit"),
            ("version: 3\n", "this release reads version 1"),
        ] {
            let error = ObjectivesFile::parse("slo.yaml", bad).expect_err(bad);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
