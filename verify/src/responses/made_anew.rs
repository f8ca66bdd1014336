//! What a target makes anew: ids, tokens, clock times. Such values differ from run to run and mean nothing by it.
//!
//! A differing value is one of these if
//! - later requests take it from the answer (the run's own bindings say so), or
//! - it was redacted as an opaque value, or
//! - it is a point in time that stands as far from its answer as the other one does from its own, or
//! - it looks like an id or a token, and already the recording and the baseline have different ones there, or
//! - no recording is at hand, and it looks like a token or is called an id.
//!
//! All else that differs is a difference.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp as Instant;
use reenact_formats::content::LeafKind;
use reenact_formats::model::Outcome;

use super::leaves::FlatLeaf;

/// How a value was told to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Bound,
    Opaque,
    Clock,
    Recording,
    Identifier,
}

impl Told {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Bound => "bound later",
            Self::Opaque => "redacted as opaque",
            Self::Clock => "clock time",
            Self::Recording => "differs from the recording",
            Self::Identifier => "identifier",
        }
    }
}

/// What was learned from the recording and from the runs' bindings.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    has_recording: bool,
    bound: BTreeSet<(String, String)>,
    places: BTreeSet<(String, String)>,
    /// Names of ids (`id`, `order_id`, `orderId`) that were made anew anywhere: they are so everywhere.
    names: BTreeSet<String>,
}

impl Learned {
    pub(crate) fn new(has_recording: bool) -> Self {
        Self { has_recording, ..Self::default() }
    }

    /// Notes the places that later requests take values from.
    pub(crate) fn bind(&mut self, endpoint: &str, produced: &[String]) {
        for path in produced {
            let template = path.split('/').map(|word| if is_index(word) { "*" } else { word }).collect::<Vec<_>>().join("/");
            if !self.bound.contains(&(endpoint.to_owned(), template.clone())) {
                self.bound.insert((endpoint.to_owned(), template));
            }
        }
    }

    pub(super) fn is_bound(&self, endpoint: &str, template: &str) -> bool {
        self.bound.contains(&(endpoint.to_owned(), template.to_owned()))
    }

    pub(super) fn learn(&mut self, endpoint: &str, recorded: &[FlatLeaf], answered: &[FlatLeaf]) {
        let answered: std::collections::BTreeMap<_, _> = answered.iter().map(|leaf| (leaf.path.as_str(), leaf)).collect();
        for old in recorded {
            let Some(new) = answered.get(old.path.as_str()) else { continue };
            if old.kind == new.kind && old.value != new.value && look_alike(old, new) {
                self.places.insert((endpoint.to_owned(), old.template.clone()));
                if is_id_name(old.last_name()) {
                    self.names.insert(old.last_name().to_owned());
                }
            }
        }
    }

    pub(super) fn explains(&self, endpoint: &str, old: &FlatLeaf, new: &FlatLeaf) -> Option<Told> {
        // Of a place that was learned any two values will do: not every random id has a digit in it.
        let learned = self.places.contains(&(endpoint.to_owned(), old.template.clone())) || self.names.contains(old.last_name());
        if learned && old.value.is_empty() == new.value.is_empty() {
            return Some(Told::Recording);
        }
        let telling = is_id_name(old.last_name()) || old.text().is_some_and(is_token);
        (!self.has_recording && telling && look_alike(old, new)).then_some(Told::Identifier)
    }
}

/// Whether two differing values are both readings of a clock.
pub(crate) struct Clock {
    /// How far apart two readings may be: both may be of any moment of their runs.
    leeway: Duration,
}

impl Clock {
    pub(crate) fn new(longer_run: Duration) -> Self {
        Self { leeway: longer_run + Duration::from_secs(60) }
    }

    pub(super) fn explains(&self, outcomes: [&Outcome; 2], old: &FlatLeaf, new: &FlatLeaf) -> bool {
        let distance = |outcome: &Outcome, leaf: &FlatLeaf| -> Option<i128> {
            let answered = outcome.timing.done.or(outcome.timing.first_byte)?;
            Some(instant(leaf)? - i128::from(answered.as_nanos()))
        };
        match (distance(outcomes[0], old), distance(outcomes[1], new)) {
            (Some(old), Some(new)) => (old - new).unsigned_abs() <= self.leeway.as_nanos(),
            _ => false,
        }
    }
}

/// Equal, or the same number written otherwise.
pub(super) fn same_value(old: &FlatLeaf, new: &FlatLeaf) -> bool {
    if old.value == new.value {
        return true;
    }
    let number = |leaf: &FlatLeaf| leaf.text().and_then(decimal);
    old.kind == LeafKind::JsonNumber && number(old).is_some_and(|old| Some(old) == number(new))
}

/// A decimal without the zeros that say nothing; none for one with an exponent.
fn decimal(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    plain.then(|| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() })
}

/// Nanoseconds since the epoch, if the value is a point in time: RFC 3339 or the like, an HTTP date, or a count of seconds,
/// milliseconds, microseconds or nanoseconds of this century.
fn instant(leaf: &FlatLeaf) -> Option<i128> {
    let text = leaf.text()?;
    if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let count: i128 = text.parse().ok()?;
        return [1_000_000_000, 1_000_000, 1_000, 1]
            .into_iter()
            .map(|scale| count.checked_mul(scale))
            .find_map(|nanos| nanos.filter(|nanos| CENTURY.contains(nanos)));
    }
    let zoned = || text.parse::<Instant>().ok();
    let civil = || {
        text.contains([':'])
            .then(|| text.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().ok())
            .flatten()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    let http = || jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    zoned().or_else(civil).or_else(http).map(|instant| instant.as_nanosecond())
}

/// Whether both look like ids or tokens of one make.
fn look_alike(old: &FlatLeaf, new: &FlatLeaf) -> bool {
    match (old.text().and_then(shape), new.text().and_then(shape)) {
        (Some(old), Some(new)) => old == new,
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Shape<'a> {
    /// A whole number: 17.
    Ordinal,
    /// Letters, then digits: `ORD-000017`, `cus_18`.
    Labelled(&'a str),
    /// 16 characters or more that are no words.
    Token,
    /// A prefix up to a separator, then letters and digits mixed, of one length: `cus_k3m9x2p7`.
    Prefixed(&'a str, usize),
}

fn shape(text: &str) -> Option<Shape<'_>> {
    if is_index(text) {
        return Some(Shape::Ordinal);
    }
    if is_token(text) {
        return Some(Shape::Token);
    }
    let (prefix, random) = text.split_at(text.rfind(['_', '-']).map_or(0, |at| at + 1));
    let has = |class: fn(&u8) -> bool| random.as_bytes().iter().any(class);
    let mixed = random.bytes().all(|byte| byte.is_ascii_alphanumeric()) && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    if mixed && !prefix.is_empty() && random.len() >= 6 {
        return Some(Shape::Prefixed(prefix, random.len()));
    }
    let label = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let labelled = label.len() < text.len() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    labelled.then_some(Shape::Labelled(label))
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sixteen characters or more of a token's alphabet, letters and digits mixed: a UUID, a digest, a key, a JWT.
fn is_token(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 16
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/=:~".contains(byte))
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_alphabetic)
}

fn is_id_name(name: &str) -> bool {
    let name = name.trim_end_matches('*');
    name.eq_ignore_ascii_case("id")
        || name.eq_ignore_ascii_case("uuid")
        || name.ends_with("_id")
        || name.ends_with("-id")
        || name.ends_with("Id")
        || name.ends_with("ID")
}

/// 2000-01-01 to 2100-01-01 in nanoseconds.
const CENTURY: std::ops::Range<i128> = 946_684_800_000_000_000..4_102_444_800_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(value: &str) -> FlatLeaf {
        FlatLeaf { path: "body:/x".into(), template: "body:/x".into(), kind: LeafKind::JsonString, value: value.as_bytes().to_vec() }
    }

    #[test]
    fn points_in_time_are_read() {
        let noon = 1_790_078_400_000_000_000;
        for text in [
            "2026-09-22T12:00:00Z",
            "2026-09-22 12:00:00",
            "2026-09-22T14:00:00+02:00",
            "Tue, 22 Sep 2026 12:00:00 GMT",
            "1790078400",
            "1790078400000",
            "1790078400000000",
        ] {
            assert_eq!(instant(&leaf(text)), Some(noon), "{text}");
        }
        for text in ["2026-09-22", "12:00:00", "17", "hello", "", "99999999999999999999999999999999999999999999"] {
            assert_eq!(instant(&leaf(text)), None, "{text}");
        }
    }

    #[test]
    fn shapes_are_told_apart() {
        for (old, new, alike) in [
            ("17", "18", true),
            ("ORD-000017", "ORD-000018", true),
            ("ORD-17", "PAY-18", false),
            ("cus_k3m9x2p7", "cus_p2m4x9kz", true),
            ("cus_k3m9x2p7", "ord_p2m4x9kz", false),
            ("17", "x", false),
            ("shipped", "pending", false),
            ("9f86d081884c7d659a2feaa0c55ad015", "60303ae22b998861bce3b28f33eec1be", true),
            ("123e4567-e89b-12d3-a456-426614174000", "00000000-e89b-12d3-a456-426614174001", true),
            ("12.50", "12.00", false),
            ("Baker Street 17", "Baker Street 18", false),
        ] {
            assert_eq!(look_alike(&leaf(old), &leaf(new)), alike, "{old} {new}");
        }
    }
}
