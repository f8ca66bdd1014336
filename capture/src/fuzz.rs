//! The entry point of the fuzzer. Any bytes flow in; nothing flows out but the certainty that the account balances.

use std::io::Cursor;

use reenact_formats::model::Exchange;
use reenact_formats::seam::{BoxError, ExchangeSink};

use crate::{CaptureOptions, Control, Limits, capture_from};

struct Discard;

impl ExchangeSink for Discard {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        // An exchange that cannot be shown is of no use.
        let _ = format!("{exchange:?}");
        Ok(())
    }
}

/// Reads `data` as a file; then as packets of the link type that its first byte chooses, each led by its length, one millisecond
/// apart: so the fuzzer reaches the layers above without finding its way through a file format.
///
/// # Panics
///
/// If a layer panics, or a packet or a byte is not accounted for once.
pub fn fuzz(data: &[u8]) {
    run(data.to_vec());
    let Some((choice, mut rest)) = data.split_first() else { return };
    let links = [0u32, 1, 9, 12, 51, 101, 104, 105, 108, 113, 127, 228, 229, 239, 276];
    let mut file = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    file.extend(links[usize::from(*choice) % links.len()].to_le_bytes());
    let mut millis = 0u32;
    while let Some((length, packets)) = rest.split_first() {
        let (packet, after) = packets.split_at(usize::from(*length).min(packets.len()));
        rest = after;
        millis += 1;
        let captured = u32::try_from(packet.len()).unwrap_or_default();
        for field in [1_700_000_000 + millis / 1000, millis % 1000 * 1_000_000, captured, captured + u32::from(length % 7 == 0)] {
            file.extend(field.to_le_bytes());
        }
        file.extend(packet);
    }
    run(file);
}

fn run(file: Vec<u8>) {
    let limits = Limits { max_body: 64, max_flows: 4, max_buffered: 512, ..Limits::default() };
    let options = CaptureOptions { limits, ..CaptureOptions::default() };
    if let Ok(ledger) = capture_from("memory", Box::new(Cursor::new(file)), &options, &mut Discard, &Control::default()) {
        assert!(ledger.is_balanced(), "{ledger:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::fuzz;

    #[test]
    fn what_the_fuzzer_found_stays_found() {
        for data in [&b""[..], b"\x00", b"\x01\xff"] {
            fuzz(data);
        }
    }
}
