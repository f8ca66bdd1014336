//! The pcap file format: micro- and nanoseconds, both byte orders, and the variant with longer records.

use reenact_formats::model::Timestamp;

use super::file::{Cut, Format, MAX_PACKET, Stop, range};
use super::{Link, Packet};

pub(super) struct Pcap {
    big_endian: bool,
    /// Nanoseconds in a unit of the fractional part.
    unit: i64,
    record_header: usize,
    link: Link,
}

impl Pcap {
    /// Reads the file header; `None` if `start` is none. A header that is cut leaves a file without packets.
    pub(super) fn begin(start: &[u8]) -> Option<Self> {
        let magic: [u8; 4] = start.get(..4)?.try_into().ok()?;
        let big_endian = magic[0] == 0xa1;
        let (unit, record_header) = match if big_endian { u32::from_be_bytes(magic) } else { u32::from_le_bytes(magic) } {
            0xa1b2_c3d4 => (1_000, 16),
            0xa1b2_3c4d => (1, 16),
            0xa1b2_cd34 => (1_000, 24),
            _ => return None,
        };
        let mut pcap = Self { big_endian, unit, record_header, link: Link(0) };
        // The upper bits tell of check sums at the end of frames.
        pcap.link = Link(start.get(20..).and_then(<[u8]>::first_chunk).map_or(u32::MAX, |field| pcap.number(field)) & 0xffff);
        Some(pcap)
    }

    const fn number(&self, field: &[u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(*field) } else { u32::from_le_bytes(*field) }
    }
}

impl Format for Pcap {
    fn cut(&mut self, data: &[u8], from: usize, packets: &mut Vec<Packet>) -> Cut {
        let mut taken = 0;
        let stop = loop {
            let rest = &data[taken..];
            let header = rest.get(..self.record_header).map(|header| header.as_chunks().0);
            let Some([seconds, fraction, captured, wire_length, ..]) = header else { break Stop::More(self.record_header) };
            let [seconds, fraction, captured, wire_length] = [seconds, fraction, captured, wire_length].map(|field| self.number(field));
            let captured = captured as usize;
            if captured > MAX_PACKET {
                break Stop::Damaged("a packet of impossible length");
            }
            let whole = self.record_header + captured;
            if rest.len() < whole {
                break Stop::More(whole);
            }
            let at = Timestamp::from_nanos(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.unit);
            packets.push(Packet { link: self.link, at, data: range(from + taken + self.record_header, captured), wire_length });
            taken += whole;
        };
        Cut { taken, stop }
    }
}
