//! Figures and recorded text as people read them.

use std::time::Duration;

/// `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 part`, `2,000 parts`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    match (number, thing) {
        (1, _) => format!("1 {thing}"),
        // "anomaly" → "anomalies", but "key" → "keys".
        _ if thing.ends_with('y') && !thing.ends_with("ey") => format!("{} {}ies", count(number), &thing[..thing.len() - 1]),
        _ => format!("{} {thing}s", count(number)),
    }
}

/// `812 B`, `4.2 MB`: powers of a thousand.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut scaled = number as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to a thousand is one of the next unit.
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// `340 ns`, `1.2 ms`, `4 min 5 s`.
pub fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let seconds = duration.as_secs();
    let tenths = |number: f64, unit: &str| format!("{} {unit}", format!("{number:.1}").trim_end_matches(".0"));
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => tenths(nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => tenths(nanos as f64 / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => tenths(duration.as_secs_f64(), "s"),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// How much of `whole` a part is, e.g. `97.6 %`; never `100.0 %` of what is not all of it.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 || part == whole {
        return "100 %".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    format!("{:.1} %", if part < whole { percent.min(99.9) } else { percent })
}

/// Recorded bytes as text that no terminal acts upon: what is not UTF-8 and every control character, those of writing
/// direction included, are shown as escapes; line feeds and tabs stay.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\n' | '\t' => out.push(char),
                _ if (char as u32) < 0x80 && char.is_control() => out.push_str(&format!("\\x{:02x}", char as u32)),
                _ if char.is_control() || is_invisible(char) => out.push_str(&format!("\\u{{{:x}}}", char as u32)),
                _ => out.push(char),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The same on one line.
pub(crate) fn printable_line(text: &str) -> String {
    printable(text.as_bytes()).replace('\n', "\\n").replace('\t', "\\t")
}

/// Characters that change how what is around them is shown: marks and overrides of direction, joiners, line separators.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_as_people_do() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), expected);
        }
        for (number, expected) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (u64::MAX, "18.4 EB")] {
            assert_eq!(bytes(number), expected);
        }
        for (nanos, expected) in [(0, "0 ns"), (1500, "1.5 µs"), (2_000_000, "2 ms"), (1_500_000_000, "1.5 s"), (65_000_000_000, "1 min 5 s")] {
            assert_eq!(duration(Duration::from_nanos(nanos)), expected);
        }
        for (part, whole, expected) in [(0, 0, "100 %"), (1, 1, "100 %"), (99_999, 100_000, "99.9 %"), (1, 3, "33.3 %")] {
            assert_eq!(share(part, whole), expected);
        }
        for (number, thing, expected) in [(1, "part", "1 part"), (0, "part", "0 parts"), (2, "anomaly", "2 anomalies"), (2, "key", "2 keys")] {
            assert_eq!(counted(number, thing), expected);
        }
    }

    #[test]
    fn no_control_byte_reaches_a_terminal() {
        let cases: [(&[u8], &str); 6] = [
            (b"plain\n\ttext \xc3\xa9", "plain\n\ttext é"),
            (b"\x1b[2J\x07\x7f\r", "\\x1b[2J\\x07\\x7f\\x0d"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            (b"\x9b31m\xff\xc3", "\\x9b31m\\xff\\xc3"),
            ("a\u{202e}b\u{2066}c\u{feff}".as_bytes(), "a\\u{202e}b\\u{2066}c\\u{feff}"),
            (b"\0", "\\x00"),
        ];
        for (input, expected) in cases {
            assert_eq!(printable(input), expected);
        }
        for byte in 0..=255_u8 {
            let shown = printable(&[byte]);
            assert!(shown.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')), "{byte:#x}");
        }
    }
}
