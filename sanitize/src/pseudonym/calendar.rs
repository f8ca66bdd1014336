//! Dates of a person's life: each is shifted back by a number of days that the key gives to a subject, or to all where none is named,
//! so that order and intervals stay. A time of day stays too.

use std::ops::Range;

use super::prf::Prf;

/// By how many days the dates of one subject are shifted back: one to four years, so that a birth stays in the past.
pub(super) fn offset(prf: &Prf, subject: &[u8]) -> i64 {
    FEWEST_DAYS + (prf.stream("offset", subject).next_u64() % SPREAD_DAYS) as i64
}

/// A date in any of the forms that machines and people write most, shifted.
pub(super) fn shifted(text: &str, days: i64) -> Option<String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) || text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
        return number(text, days);
    }
    groups(text, days).or_else(|| worded(text, days))
}

/// Digits alone: a year, a date without separators, or seconds or milliseconds since 1970.
fn number(text: &str, days: i64) -> Option<String> {
    let of = |range: Range<usize>| text.get(range)?.parse::<i64>().ok();
    let is_date = |year: i64, month: i64, day: i64| (1800..2200).contains(&year) && is_day(year, month, day);
    match text.len() {
        4 if !text.starts_with('-') => Some(format!("{:04}", of(0..4)? - (days / 365).max(1))),
        8 | 14 if !text.starts_with('-') => {
            let rest = &text[8..];
            if is_date(of(0..4)?, of(4..6)?, of(6..8)?) {
                let (year, month, day) = before(of(0..4)?, of(4..6)?, of(6..8)?, days);
                return Some(format!("{year:04}{month:02}{day:02}{rest}"));
            }
            let (year, month, day) = (of(4..8)?, of(2..4)?, of(0..2)?);
            let (year, month, day) = is_date(year, month, day).then(|| before(year, month, day, days))?;
            Some(format!("{day:02}{month:02}{year:04}{rest}"))
        }
        9..=11 => Some((text.parse::<i64>().ok()? - days * SECONDS).to_string()),
        12..=14 => Some((text.parse::<i64>().ok()? - days * SECONDS * 1000).to_string()),
        _ => None,
    }
}

/// Three groups of digits, the year first or last; what follows stays.
fn groups(text: &str, days: i64) -> Option<String> {
    let mut spans = Vec::with_capacity(3);
    let mut at = 0;
    while spans.len() < 3 {
        let start = at + text[at..].find(|character: char| character.is_ascii_digit())?;
        let length = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        let is_apart = spans.is_empty() || start - at <= 2;
        if !is_apart || length > 4 {
            return None;
        }
        spans.push(start..start + length);
        at = start + length;
    }
    let value = |place: usize| text[spans[place].clone()].parse::<i64>().ok();
    let (first, second, third) = (value(0)?, value(1)?, value(2)?);
    let is_long = |place: usize| spans[place].len() == 4;
    // 1/31/1980 and 31.1.1980: where either order can be, the separator tells it.
    let order = match (is_long(0), is_long(2)) {
        (true, false) => [0, 1, 2],
        (false, true | false) if second > 12 || (text[spans[0].end..].starts_with('/') && first <= 12) => [2, 0, 1],
        (false, _) => [2, 1, 0],
        (true, true) => return None,
    };
    let values = [first, second, third];
    let (year, month, day) = (values[order[0]], values[order[1]], values[order[2]]);
    let full = if spans[order[0]].len() == 4 { year } else { 2000 + year };
    let made = is_day(full, month, day).then(|| if full == year { before(full, month, day, days) } else { before_in_century(year, month, day, days) })?;
    let mut out = String::with_capacity(text.len() + 2);
    let mut at = 0;
    for (place, span) in spans.iter().enumerate() {
        let value = if order[0] == place {
            made.0
        } else if order[1] == place {
            made.1
        } else {
            made.2
        };
        out.push_str(&text[at..span.start]);
        out.push_str(&format!("{value:0width$}", width = span.len()));
        at = span.end;
    }
    out.push_str(&text[at..]);
    Some(out)
}

/// `31 January 1980`, `Jan 31, 1980`.
fn worded(text: &str, days: i64) -> Option<String> {
    let start = text.find(|character: char| character.is_ascii_alphabetic())?;
    let end = start + text[start..].find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len() - start);
    let word = &text[start..end];
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(word) || name[..3].eq_ignore_ascii_case(word))?;
    // A day of one or two digits and a year of four, before the month or behind it.
    let digits: Vec<Range<usize>> = runs_of_digits(text);
    let [day, year] = digits.as_slice() else { return None };
    if day.len() > 2 || year.len() != 4 {
        return None;
    }
    let (full, number) = (text[year.clone()].parse().ok()?, text[day.clone()].parse().ok()?);
    let made = is_day(full, month as i64 + 1, number).then(|| before(full, month as i64 + 1, number, days))?;
    let name = MONTHS[made.1 as usize - 1];
    let name = if word.len() == 3 { &name[..3] } else { name };
    let name = if word.bytes().all(|byte| byte.is_ascii_uppercase()) { name.to_uppercase() } else { name.to_owned() };
    let mut pieces = [(start..end, name), (day.clone(), format!("{:0width$}", made.2, width = day.len())), (year.clone(), format!("{:04}", made.0))];
    pieces.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut out = text.to_owned();
    for (span, piece) in pieces {
        out.replace_range(span, &piece);
    }
    Some(out)
}

fn runs_of_digits(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Whether these are a day of the calendar.
pub(super) const fn is_day(year: i64, month: i64, day: i64) -> bool {
    let longest = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    day >= 1 && day <= longest
}

/// The date so many days before another one.
pub(super) fn before(year: i64, month: i64, day: i64, days: i64) -> (i64, i64, i64) {
    date_of(day_number(year, month, day) - days)
}

/// The same where a year has two digits: the century is a ring.
pub(super) fn before_in_century(year: i64, month: i64, day: i64, days: i64) -> (i64, i64, i64) {
    let first = day_number(2000, 1, 1);
    let (year, month, day) = date_of(first + (day_number(2000 + year, month, day) - first - days).rem_euclid(DAYS_OF_CENTURY));
    (year - 2000, month, day)
}

/// The same where births are from 1910 to 2035 only, which are a ring too.
pub(super) fn before_in_range(year: i64, month: i64, day: i64, days: i64) -> (i64, i64, i64) {
    let (first, end) = (day_number(1910, 1, 1), day_number(2036, 1, 1));
    date_of(first + (day_number(year, month, day) - first - days).rem_euclid(end - first))
}

/// Days since the first of March of the year 0: years that begin in March have their leap day at the end.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1
}

fn date_of(number: i64) -> (i64, i64, i64) {
    let (cycle, rest) = (number.div_euclid(DAYS_OF_CYCLE), number.rem_euclid(DAYS_OF_CYCLE));
    let year = (rest - rest / 1460 + rest / 36524 - rest / 146_096) / 365;
    let day_of_year = rest - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = cycle * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const SECONDS: i64 = 86_400;
const DAYS_OF_CENTURY: i64 = 36_525;
const DAYS_OF_CYCLE: i64 = 146_097;
const FEWEST_DAYS: i64 = 366;
const SPREAD_DAYS: u64 = 1096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbered_as_the_calendar_has_them() {
        let mut at = day_number(1890, 1, 1);
        for year in 1890..2110 {
            for month in 1..=12 {
                for day in (1..=31).filter(|day| is_day(year, month, *day)) {
                    assert_eq!((day_number(year, month, day), date_of(at)), (at, (year, month, day)));
                    at += 1;
                }
            }
        }
        assert_eq!(day_number(2000, 1, 1) - day_number(1970, 1, 1), 10_957);
    }

    #[test]
    fn every_form_is_shifted_alike() {
        for (text, expected) in [
            ("1980-03-05", "1979-02-28"),
            ("1980-03-05T10:20:30Z", "1979-02-28T10:20:30Z"),
            ("05.03.1980", "28.02.1979"),
            ("5.3.1980", "28.2.1979"),
            ("3/5/1980", "2/28/1979"),
            ("13/03/1980", "08/03/1979"),
            ("05-03-80", "28-02-79"),
            ("19800305", "19790228"),
            ("05031980", "28021979"),
            ("1980", "1979"),
            ("5 March 1980", "28 February 1979"),
            ("Mar 05, 1980", "Feb 28, 1979"),
            ("321062400", "289008000"),
            ("321062400000", "289008000000"),
        ] {
            assert_eq!(shifted(text, 371).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", "May", "1980-13-45", "1.2", "99999999", "12:34:56:78", "a b c"] {
            assert_eq!(shifted(text, 371), None, "{text}");
        }
    }

    #[test]
    fn rings_are_closed() {
        let mut seen = std::collections::BTreeSet::new();
        for year in 0..100 {
            for month in 1..=12 {
                for day in (1..=31).filter(|day| is_day(2000 + year, month, *day)) {
                    let made = before_in_century(year, month, day, 1000);
                    assert!(is_day(2000 + made.0, made.1, made.2) && (0..100).contains(&made.0));
                    seen.insert(made);
                }
            }
        }
        assert_eq!(seen.len(), 36_525);
        assert_eq!(before_in_range(1910, 1, 1, 1), (2035, 12, 31));
    }
}
