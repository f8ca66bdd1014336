//! One way to write each value, whatever database it stands in.
//!
//! In: the text that a database gives for a value, and what kind of value it is. Out: the same text for the same data from
//! SQLite, PostgreSQL and MySQL, so that rows can be compared across them. The forms:
//!
//! | kind | form |
//! |---|---|
//! | integers, decimals, floats | shortest decimal: `12.5`, never `12.50` or `1.25e1` |
//! | booleans | `1`, `0`, as two of the three engines have them |
//! | points in time | UTC, RFC 3339, shortest fraction: `2026-11-22T15:00:00.5Z`; one without an offset counts as UTC |
//! | dates, times of day | `2026-11-22`, `15:00:00.5` |
//! | bytes | `0x` and hexadecimal digits |
//! | JSON | compact, keys sorted |
//! | all else | the database's own text |
//!
//! A text that is not of its kind's shape (`infinity`, say) stays as it is. What never happens here: two different values of
//! one kind get the same text, beyond what the table says.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// What kind of value a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// An integer or a decimal of any length.
    Number,
    Float32,
    Float64,
    Instant,
    TimeOfDay,
    Json,
    Text,
}

/// The canonical form of `text`.
pub(super) fn canonical(kind: Kind, text: &str) -> String {
    let form = match kind {
        Kind::Bool => match text {
            "t" | "true" | "TRUE" | "1" => Some("1".to_owned()),
            "f" | "false" | "FALSE" | "0" => Some("0".to_owned()),
            _ => None,
        },
        Kind::Number => number(text),
        Kind::Float32 => text.parse::<f32>().ok().map(|value| value.to_string()).and_then(|text| number(&text)),
        Kind::Float64 => text.parse::<f64>().ok().map(float),
        Kind::Instant => instant(text),
        Kind::TimeOfDay => Some(trim_fraction(text)),
        Kind::Json => serde_json::from_str::<serde_json::Value>(text).ok().map(|value| value.to_string()),
        Kind::Text => None,
    };
    form.unwrap_or_else(|| text.to_owned())
}

/// The canonical form of a binary floating-point number.
pub(super) fn float(value: f64) -> String {
    let text = value.to_string();
    number(&text).unwrap_or(text)
}

/// The canonical form of bytes.
pub(super) fn bytes(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes all");
    }
    text
}

/// `-0012.500` is `-12.5`. By digits alone: decimals may be longer than any machine number.
fn number(text: &str) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if negative && (whole, fraction) != ("0", "") { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// `2026-11-22 16:00:00.500+01` is `2026-11-22T15:00:00.5Z`. A date alone stays one.
fn instant(text: &str) -> Option<String> {
    let text = text.trim();
    let time_at = text.find([' ', 'T'])?;
    let (clock, offset) = match text[time_at..].find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at(time_at + at),
        None => (text, ""),
    };
    let civil: DateTime = clock.trim_end().replacen(' ', "T", 1).parse().ok()?;
    let utc = civil.checked_sub(jiff::SignedDuration::from_secs(offset_seconds(offset)?)).ok()?;
    let utc = Offset::UTC.to_timestamp(utc).ok()?;
    Some(utc.to_string())
}

/// The seconds of `+01`, `-0330`, `+05:45`, `+05:45:30`, `Z` or nothing.
fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let parts = digits.as_bytes().chunks(2).map(|pair| i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0'));
    Some(sign * parts.zip([3600, 60, 1]).map(|(part, unit)| part * unit).sum::<i64>())
}

fn trim_fraction(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_each_value() {
        let cases = [
            (Kind::Bool, "t", "1"),
            (Kind::Bool, "0", "0"),
            (Kind::Number, "12.50", "12.5"),
            (Kind::Number, "12.00", "12"),
            (Kind::Number, "-0.00", "0"),
            (Kind::Number, "007", "7"),
            (Kind::Number, ".5", "0.5"),
            (Kind::Number, "100", "100"),
            (Kind::Number, "123456789012345678901234567890.10", "123456789012345678901234567890.1"),
            (Kind::Number, "NaN", "NaN"),
            (Kind::Float64, "1e3", "1000"),
            (Kind::Float64, "0.1", "0.1"),
            (Kind::Float64, "1.5e-07", "0.00000015"),
            (Kind::Float32, "0.1", "0.1"),
            (Kind::Instant, "2026-11-22 15:00:00", "2026-11-22T15:00:00Z"),
            (Kind::Instant, "2026-11-22 15:00:00.500000", "2026-11-22T15:00:00.5Z"),
            (Kind::Instant, "2026-11-22 16:00:00+01", "2026-11-22T15:00:00Z"),
            (Kind::Instant, "2026-11-22T11:30:00-03:30", "2026-11-22T15:00:00Z"),
            (Kind::Instant, "2026-11-22T15:00:00Z", "2026-11-22T15:00:00Z"),
            (Kind::Instant, "2026-11-22", "2026-11-22"),
            (Kind::Instant, "infinity", "infinity"),
            (Kind::TimeOfDay, "15:00:00.500", "15:00:00.5"),
            (Kind::Json, "{\"b\": [1, 2],\n \"a\": null}", "{\"a\":null,\"b\":[1,2]}"),
            (Kind::Text, "12.50", "12.50"),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(canonical(kind, text), expected, "{kind:?} {text}");
        }
        assert_eq!(bytes(&[0, 255]), "0x00ff");
        assert_eq!(float(12.0), "12");
    }
}
