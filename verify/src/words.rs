//! Numbers as people read them.

use reenact_formats::disk::verdict::Quantile;

/// `0.84 ms`, `12.3 ms`, `456 ms`, `1.23 s`: three digits that count.
pub(crate) fn milliseconds(ms: f64) -> String {
    if ms >= 60_000.0 {
        let seconds = (ms / 1e3).round();
        return format!("{} min {} s", (seconds / 60.0).floor(), seconds % 60.0);
    }
    if ms >= 1000.0 { format!("{} s", three_digits(ms / 1e3)) } else { format!("{} ms", three_digits(ms)) }
}

/// `+10.0 %` for 1.1.
pub(crate) fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match percent.abs() {
        _ if ratio >= 10.0 => format!("×{}", three_digits(ratio)),
        // Neither +0.0 nor -0.0: it has no direction.
        tiny if tiny < 0.05 => "0 %".to_owned(),
        _ => format!("{percent:+.1} %"),
    }
}

/// `99.95 %`; never rounded up to 100.
pub(crate) fn share(share: f64) -> String {
    let percent = (share * 1e6).floor() / 1e4;
    format!("{percent} %")
}

/// `123/s`.
pub(crate) fn rate(rate: f64) -> String {
    format!("{}/s", three_digits(rate))
}

/// `12.3 ms (11.9 to 12.8)`.
pub(crate) fn quantile(quantile: &Quantile) -> String {
    format!("{} ({} to {})", milliseconds(quantile.ms), milliseconds(quantile.low_ms), milliseconds(quantile.high_ms))
}

/// `1 row`, `2 rows`, `12,345 rows`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// `12,345`.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn three_digits(value: f64) -> String {
    let text = match value.abs() {
        v if v >= 99.95 || v == 0.0 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (ms, expected) in
            [(0.0, "0 ms"), (0.0421, "0.042 ms"), (0.84, "0.84 ms"), (12.34, "12.3 ms"), (456.7, "457 ms"), (1234.0, "1.23 s"), (83_000.0, "1 min 23 s")]
        {
            assert_eq!(milliseconds(ms), expected);
        }
        assert_eq!([1.1, 0.5, 12.0, 0.9999, 1.0].map(change), ["+10.0 %", "-50.0 %", "×12", "0 %", "0 %"]);
        assert_eq!((share(0.999_999_99).as_str(), share(1.0).as_str(), share(0.9995).as_str()), ("99.9999 %", "100 %", "99.95 %"));
        assert_eq!((thousands(0).as_str(), thousands(999).as_str(), thousands(1_234_567).as_str()), ("0", "999", "1,234,567"));
    }
}
