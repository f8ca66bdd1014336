//! Times as people write them.

use std::time::Duration;

/// Reads a time of at least `least`.
pub(crate) fn duration_of(least: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| match duration(text)? {
        time if time < least => Err(format!("is less than {}, the least that works", reenact::inspect::duration(least))),
        time => Ok(time),
    }
}

/// The time that `text` names: `90s`, `10m`, `1h30m`, `7d`, `2w`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "is no time; write numbers and units, as in 90s, 10m, 1h30m or 7d".to_owned();
    let (mut rest, mut time) = (text.trim(), Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            "w" => Duration::from_secs(7 * 86_400),
            _ => return Err(wrong()),
        };
        rest = &rest[letters..];
        // Longer than any capture runs.
        time = unit.checked_mul(number).and_then(|more| time.checked_add(more)).filter(|time| time.as_secs() <= MOST_SECONDS).ok_or_else(wrong)?;
    }
    if text.trim().is_empty() { Err(wrong()) } else { Ok(time) }
}

/// A hundred years.
const MOST_SECONDS: u64 = 100 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, millis) in [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("2w", 1_209_600_000), ("500ms", 500), (" 0s ", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "s", "10", "1x", "-1s", "1.5h", "h1", "1h 30m", "99999999999s", "4294967295w", "ä"] {
            assert!(duration(bad).is_err_and(|why| why.contains("1h30m")), "{bad}");
        }
        let least = duration_of(Duration::from_secs(1));
        assert_eq!(least("1s"), Ok(Duration::from_secs(1)));
        assert!(least("999ms").is_err_and(|why| why.starts_with("is less than 1")));
    }
}
