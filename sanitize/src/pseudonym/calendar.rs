//! Dates of a person's life: each is shifted back by a number of days that the key gives to a subject, or to all where none is named,
//! so that order and intervals stay. A time of day stays too.

use std::ops::Range;

use super::prf::Prf;

/// By how many days the dates of one subject are shifted back: one to four years, so that a birth stays in the past.
pub(super) fn offset(prf: &Prf, subject: &[u8]) -> i64 {
    FEWEST_DAYS + (prf.stream("offset", subject).next_u64() % SPREAD_DAYS) as i64
}

/// A date in any of the forms that machines and people write most, shifted. It has as many digits as before, and a year from 1 to 9999.
pub(super) fn shifted(text: &str, days: i64) -> Option<String> {
    match read(text)? {
        Written::Year => {
            let year: i64 = text.parse().ok()?;
            let (first, end) = ring(&YEARS, year)?;
            Some(format!("{:04}", first + (year - first - (days / 365).max(1)).rem_euclid(end - first)))
        }
        Written::Date(date) => {
            let (year, month, day) = date.says;
            let made = if date.year.len() == 4 { before(year, month, day, days)? } else { before_in_century(year, month, day, days) };
            Some(date.saying(text, made))
        }
        Written::Since { a_second } => since(text, days * SECONDS * a_second),
    }
}

/// How a text writes a date.
pub(crate) enum Written {
    /// A year of four digits, and nothing else.
    Year,
    Date(Date),
    /// The time since 1970, in so many units a second, in as many digits as it has had since then, or most of the time.
    Since {
        a_second: i64,
    },
}

/// Year, month and day of a text.
pub(crate) struct Date {
    /// Where the year stands, in two digits or in four.
    pub(crate) year: Range<usize>,
    month: Range<usize>,
    day: Range<usize>,
    /// What they say; the year without a century if none is written.
    pub(crate) says: (i64, i64, i64),
}

impl Date {
    /// `text` with another date in this one's place, written like it; what stands beside it stays.
    pub(crate) fn saying(&self, text: &str, (year, month, day): (i64, i64, i64)) -> String {
        let number = |span: &Range<usize>, value: i64| format!("{value:0width$}", width = span.len());
        let word = &text[self.month.clone()];
        let name = if word.starts_with(|first: char| first.is_ascii_digit()) { number(&self.month, month) } else { like(word, MONTHS[month as usize - 1]) };
        let mut pieces = [(&self.year, number(&self.year, year)), (&self.month, name), (&self.day, number(&self.day, day))];
        pieces.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut out = text.to_owned();
        for (span, piece) in pieces {
            out.replace_range(span.clone(), &piece);
        }
        out
    }
}

/// The one reader of dates: what is written in none of its forms is no date.
pub(crate) fn read(text: &str) -> Option<Written> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text, digits.len());
    }
    in_groups(text).or_else(|| in_words(text)).map(Written::Date)
}

/// Digits alone: a year, a date without separators, or the time since 1970.
fn number(text: &str, digits: usize) -> Option<Written> {
    let is_plain = text.len() == digits;
    match digits {
        4 if is_plain => Some(Written::Year),
        8 | 14 if is_plain => {
            let date = |year: Range<usize>, month: Range<usize>, day: Range<usize>| {
                let of = |range: &Range<usize>| text[range.clone()].parse::<i64>().ok();
                let says = (of(&year)?, of(&month)?, of(&day)?);
                ((1800..2200).contains(&says.0) && is_day(says.0, says.1, says.2)).then_some(Written::Date(Date { year, month, day, says }))
            };
            date(0..4, 4..6, 6..8).or_else(|| date(4..8, 2..4, 0..2))
        }
        9..=11 => Some(Written::Since { a_second: 1 }),
        12..=14 => Some(Written::Since { a_second: 1000 }),
        _ => None,
    }
}

/// A number so much less, of as many digits: those of one length are rings.
fn since(text: &str, units: i64) -> Option<String> {
    let value: i64 = text.parse().ok()?;
    let digits = u32::try_from(text.trim_start_matches('-').len()).ok()?;
    let (low, high) = (10_i64.pow(digits - 1), 10_i64.pow(digits));
    // Digits that a zero leads are no number; their length is kept all the same.
    let (low, high) = if value.abs() < low { (0, low) } else { (low, high) };
    // Seconds and milliseconds of these lengths began in 2001: what was not long after becomes a time of this century, rather than one of the next.
    let near = 2 * low;
    let (low, high) = match digits {
        10 | 13 if low > 0 && value >= near => (near, high),
        10 | 13 if low > 0 && value > 0 => (low, near),
        _ => (low, high),
    };
    let (size, sign) = (value.abs() - low, value.signum());
    let made = low + (size - sign * units).rem_euclid(high - low);
    Some(format!("{}{made:0width$}", if sign < 0 { "-" } else { "" }, width = digits as usize))
}

/// Three groups of digits, the year first or last; what follows stays.
fn in_groups(text: &str) -> Option<Date> {
    let mut spans = Vec::with_capacity(3);
    let mut at = 0;
    while spans.len() < 3 {
        let start = at + text[at..].find(|character: char| character.is_ascii_digit())?;
        let length = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        let is_apart = spans.is_empty() || text[at..start].chars().count() <= 2;
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
    let says = (values[order[0]], values[order[1]], values[order[2]]);
    let [year, month, day] = order.map(|place| spans[place].clone());
    let full = if year.len() == 4 { says.0 } else { 2000 + says.0 };
    (is_day(full, says.1, says.2) && (year.len() == 4 || says.0 < 100)).then_some(Date { year, month, day, says })
}

/// `31 January 1980`, `Jan 31, 1980`.
fn in_words(text: &str) -> Option<Date> {
    let start = text.find(|character: char| character.is_ascii_alphabetic())?;
    let end = start + text[start..].find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len() - start);
    let word = &text[start..end];
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(word) || name[..3].eq_ignore_ascii_case(word))? as i64 + 1;
    // A day of one or two digits and a year of four, before the month or behind it.
    let digits: Vec<Range<usize>> = runs_of_digits(text);
    let [day, year] = digits.as_slice() else { return None };
    if day.len() > 2 || year.len() != 4 {
        return None;
    }
    let says = (text[year.clone()].parse().ok()?, month, text[day.clone()].parse().ok()?);
    is_day(says.0, says.1, says.2).then(|| Date { year: year.clone(), month: start..end, day: day.clone(), says })
}

/// A month's name as long and as large as `word`.
fn like(word: &str, name: &str) -> String {
    let name = if word.len() == 3 { &name[..3] } else { name };
    if word.bytes().all(|byte| byte.is_ascii_uppercase()) { name.to_uppercase() } else { name.to_owned() }
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

/// The date so many days before another one; none of the year 0. The ages of which databases take all dates, or none, are rings.
fn before(year: i64, month: i64, day: i64, days: i64) -> Option<(i64, i64, i64)> {
    let (first, end) = ring(&YEARS, year)?;
    let (first, end) = (day_number(first, 1, 1), day_number(end, 1, 1));
    Some(date_of(first + (day_number(year, month, day) - first - days).rem_euclid(end - first)))
}

/// Between which two marks a value lies.
fn ring(marks: &[i64], value: i64) -> Option<(i64, i64)> {
    marks.windows(2).map(|pair| (pair[0], pair[1])).find(|(first, end)| (*first..*end).contains(&value))
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
/// From 1 there are years, from 1000 on MySQL is sure to take them, from 1753 on SQL Server does; no one takes five digits.
const YEARS: [i64; 4] = [1, 1000, 1753, 10_000];
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
            ("1980年3月5日", "1979年2月28日"),
            // As many digits as before, and a year that there is.
            ("100000000", "967945600"),
            ("-999999999", "-132054399"),
            ("1000000000", "1967945600"),
            ("1000000000000", "1967945600000"),
            ("0001-01-01", "0998-12-26"),
            ("0001", "0999"),
            ("1000-01-01", "1751-12-27"),
            ("1753-06-01T00:00:00", "9999-05-26T00:00:00"),
            ("9999-12-31", "9998-12-25"),
        ] {
            assert_eq!(shifted(text, 371).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", "May", "1980-13-45", "1.2", "99999999", "12:34:56:78", "a b c", "0000-00-00", "0000", "0000-01-01", "100-01-01"] {
            assert_eq!(shifted(text, 371), None, "{text}");
        }
    }

    #[test]
    fn lengths_and_order_stay_but_where_a_ring_closes() {
        for digits in 9..=14 {
            let low = 10_i64.pow(digits - 1);
            for value in [low, low + 1, 2 * low - 1, 2 * low, 3 * low, 9 * low, 10 * low - 1] {
                for text in [value.to_string(), format!("-{value}")] {
                    let made = since(&text, 1461 * SECONDS * 1000).expect("a number");
                    assert!(
                        made.len() == text.len() && made.starts_with('-') == text.starts_with('-') && !made.trim_start_matches('-').starts_with('0'),
                        "{text} {made}"
                    );
                }
            }
        }
        let made: std::collections::BTreeSet<String> =
            (1..10_000).filter_map(|year| shifted(&format!("{year:04}-01-01"), 400)).inspect(|made| assert_eq!(made.len(), 10, "{made}")).collect();
        assert!(made.len() == 9_999 && made.iter().all(|made| made.as_str() >= "0001-01-01"));
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
