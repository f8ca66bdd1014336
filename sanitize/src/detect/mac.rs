//! MAC addresses: EUI-48 and EUI-64 in pairs of hexadecimal digits, or EUI-48 in three groups of four (IEEE Std 802-2014, section 8.2).
//!
//! In: a value. Out: the spans of addresses of one device. Broadcast, multicast of the well-known protocols and zero are no device's
//! and stay; so do longer chains of pairs, which are digests.

use std::ops::Range;

use super::runs::Run;

pub(super) fn find(text: &[u8], run: &Run) -> Option<Range<usize>> {
    let start = run.span.start;
    // A chain is read from its beginning.
    if let [.., before, b':' | b'-' | b'.'] = &text[..start]
        && before.is_ascii_hexdigit()
    {
        return None;
    }
    let span = start..start + address_length(&text[start..chain_end(text, start)])?;
    stands_alone(text, &span).then_some(span)
}

/// Whether a run is as long as the first group.
pub(super) fn may_begin(run: &Run) -> bool {
    matches!(run.len(), 2 | 4)
}

/// Where the run of hexadecimal digits and single separators that begins at `at` ends.
fn chain_end(value: &[u8], at: usize) -> usize {
    let mut end = at;
    while end < value.len() {
        let is_separator = matches!(value[end], b':' | b'-' | b'.') && value.get(end + 1).is_some_and(u8::is_ascii_hexdigit);
        if !value[end].is_ascii_hexdigit() && !is_separator {
            break;
        }
        end += 1;
    }
    end
}

/// How long the address is, if the chain is one.
fn address_length(chain: &[u8]) -> Option<usize> {
    let (group, separator) = match chain {
        [_, _, separator @ (b':' | b'-'), ..] => (2, *separator),
        [_, _, _, _, b'.', ..] => (4, b'.'),
        _ => return None,
    };
    let is_regular =
        chain.iter().enumerate().all(|(position, byte)| if position % (group + 1) == group { *byte == separator } else { byte.is_ascii_hexdigit() });
    let is_length = matches!((group, chain.len()), (2, 17 | 23) | (4, 14));
    let has_letter = chain.iter().any(u8::is_ascii_alphabetic);
    let mut bytes = chain.iter().filter(|byte| **byte != separator).map(u8::to_ascii_lowercase);
    let first: Vec<u8> = if is_regular && is_length { bytes.by_ref().take(6).collect() } else { return None };
    let is_no_ones = first.starts_with(b"3333") || first == *b"01005e" || first == *b"0180c2";
    let is_filler = (b"0f").iter().any(|filler| first.iter().all(|digit| digit == filler) && bytes.clone().all(|digit| digit == *filler));
    // Between dashes and dots, digits alone are dates and numbers of parts.
    (!is_no_ones && !is_filler && (has_letter || separator == b':')).then_some(chain.len())
}

fn stands_alone(value: &[u8], span: &Range<usize>) -> bool {
    let begins = match &value[..span.start] {
        // `part-08-1e-…`: the pairs go on to the left.
        [.., before, b'-'] => value[span.start + 2] != b'-' || !before.is_ascii_alphanumeric(),
        [.., before] => !(before.is_ascii_alphanumeric() || matches!(before, b'_' | b'.')),
        [] => true,
    };
    begins && !matches!(value.get(span.end), Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::super::runs::runs;
    use super::*;

    #[test]
    fn addresses_of_devices_are_found() {
        for (text, expected) in [
            ("seen 08:1e:d1:fa:38:53.", &["08:1e:d1:fa:38:53"][..]),
            ("9E-C6-BE-9D-6A-74, 081e.d1fa.3853", &["9E-C6-BE-9D-6A-74", "081e.d1fa.3853"]),
            ("00:1e:d1:ff:fe:fa:38:53", &["00:1e:d1:ff:fe:fa:38:53"]),
            ("mac=10:20:30:40:50:60", &["10:20:30:40:50:60"]),
            ("ff:ff:ff:ff:ff:ff 00:00:00:00:00:00 33:33:00:00:00:01 01:00:5e:00:00:fb", &[]),
            ("d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e", &[]),
            ("10-20-30-40-50-60 1020.3040.5060 10:20:30", &[]),
            ("x08:1e:d1:fa:38:53 08:1e:d1:fa:38:53z 8:1e:d1:fa:38:53", &[]),
            ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", &[]),
        ] {
            let found: Vec<_> = runs(text.as_bytes()).filter(may_begin).filter_map(|run| find(text.as_bytes(), &run)).collect();
            assert_eq!(found.iter().map(|span| &text[span.clone()]).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
