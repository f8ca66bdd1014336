//! The pcapng file format (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces with link types and
//! time resolutions of their own, packets in three kinds of blocks, drop counts. Blocks of other kinds are passed over.

use std::io;

use reenact_formats::model::{LossCause, LossLedger, Timestamp};

use super::blocks::Blocks;
use super::file::{Format, MAX_PACKET, Record};
use super::{Link, Packet};

#[derive(Default)]
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// What the interfaces of earlier sections dropped.
    earlier_drops: Drops,
    /// Simple packet blocks have no time; they get that of the packet before.
    last: Timestamp,
}

#[derive(Default, Clone, Copy)]
struct Drops {
    interface: u64,
    kernel: u64,
}

struct Interface {
    link: Link,
    snap_length: u32,
    resolution: Resolution,
    offset_seconds: i64,
    drops: Drops,
}

/// Time units in a second.
#[derive(Clone, Copy)]
enum Resolution {
    Decimal(u32),
    Binary(u32),
}

impl Resolution {
    fn nanos(self, units: u64) -> i128 {
        let units = i128::from(units);
        match self {
            Self::Decimal(digits @ ..=9) => units * 10i128.pow(9 - digits),
            Self::Decimal(digits) => units / 10i128.pow((digits - 9).min(37)),
            Self::Binary(bits) => (units * 1_000_000_000) >> bits.min(126),
        }
    }
}

impl PcapNg {
    pub(super) fn is(start: &[u8]) -> bool {
        start.starts_with(&SECTION_TYPE)
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let field = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let field = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
    }

    fn u64(&self, bytes: &[u8]) -> Option<u64> {
        let field = bytes.get(..8)?.try_into().ok()?;
        Some(if self.big_endian { u64::from_be_bytes(field) } else { u64::from_le_bytes(field) })
    }

    /// Calls `each` with code and value of each option from `at` on.
    fn options(&self, body: &[u8], mut at: usize, mut each: impl FnMut(u16, &[u8])) {
        while let (Some(code), Some(length)) = (self.u16(body, at), self.u16(body, at + 2)) {
            let length = usize::from(length);
            let Some(value) = body.get(at + 4..at + 4 + length) else { return };
            if code == 0 {
                return;
            }
            each(code, value);
            at += 4 + length.next_multiple_of(4);
        }
    }

    fn interface(&mut self, body: &[u8]) -> Option<()> {
        let (link, snap_length) = (Link(u32::from(self.u16(body, 0)?)), self.u32(body, 4)?);
        let (mut resolution, mut offset_seconds) = (Resolution::Decimal(6), 0);
        self.options(body, 8, |code, value| match (code, value) {
            (9, [exponent, ..]) if exponent & 0x80 == 0 => resolution = Resolution::Decimal(u32::from(*exponent)),
            (9, [exponent, ..]) => resolution = Resolution::Binary(u32::from(exponent & 0x7f)),
            (14, seconds) => offset_seconds = self.u64(seconds).map_or(0, u64::cast_signed),
            _ => {}
        });
        self.interfaces.push(Interface { link, snap_length, resolution, offset_seconds, drops: Drops::default() });
        Some(())
    }

    fn statistics(&mut self, body: &[u8]) -> Option<()> {
        let index = self.u32(body, 0)? as usize;
        let mut drops = self.interfaces.get(index)?.drops;
        self.options(body, 12, |code, value| match code {
            5 => drops.interface = self.u64(value).unwrap_or(drops.interface),
            7 => drops.kernel = self.u64(value).unwrap_or(drops.kernel),
            _ => {}
        });
        self.interfaces[index].drops = drops;
        Some(())
    }

    /// Where in `body` the packet stands, and what is known of it.
    fn packet(&mut self, kind: u32, body: &[u8]) -> Option<(usize, usize, Link, Timestamp, u32)> {
        if kind == SIMPLE_PACKET {
            let wire_length = self.u32(body, 0)?;
            let interface = self.interfaces.first()?;
            let snap = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
            let captured = (wire_length.min(snap) as usize).min(body.len() - 4);
            return Some((4, captured, interface.link, self.last, wire_length));
        }
        let index = if kind == ENHANCED_PACKET { self.u32(body, 0)? } else { u32::from(self.u16(body, 0)?) };
        let [high, low, captured, wire_length] = [self.u32(body, 4)?, self.u32(body, 8)?, self.u32(body, 12)?, self.u32(body, 16)?];
        body.get(20..20usize.checked_add(captured as usize)?)?;
        let (link, nanos) = match self.interfaces.get(index as usize) {
            Some(interface) => {
                let nanos = interface.resolution.nanos(u64::from(high) << 32 | u64::from(low));
                (interface.link, nanos + i128::from(interface.offset_seconds) * 1_000_000_000)
            }
            // A packet of an interface that no one described: its link is unknown.
            None => (Link(u32::MAX), i128::from(self.last.as_nanos())),
        };
        self.last = Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
        Some((20, captured as usize, link, self.last, wire_length))
    }

    fn section(&mut self, start: &[u8]) -> bool {
        self.big_endian = match start {
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            _ => return false,
        };
        for interface in self.interfaces.drain(..) {
            self.earlier_drops.interface += interface.drops.interface;
            self.earlier_drops.kernel += interface.drops.kernel;
        }
        true
    }
}

impl Format for PcapNg {
    fn next(&mut self, blocks: &mut Blocks) -> io::Result<Record> {
        let header = blocks.peek(12)?;
        if header.is_empty() {
            return Ok(Record::End);
        }
        if header.len() < 12 {
            return Ok(Record::Truncated);
        }
        let is_section = Self::is(header);
        if is_section && !self.section(&header[8..12]) {
            return Ok(Record::Damaged("a section of unknown byte order"));
        }
        let header = blocks.peek(12)?;
        let (kind, length) = (self.u32(header, 0).unwrap_or_default(), self.u32(header, 4).unwrap_or_default());
        if length < 12 || length % 4 != 0 {
            return Ok(Record::Damaged("a block of impossible length"));
        }
        if !matches!(kind, INTERFACE | OLD_PACKET | SIMPLE_PACKET | STATISTICS | ENHANCED_PACKET) {
            let skipped = blocks.skip(u64::from(length))?;
            return Ok(if skipped < u64::from(length) { Record::Truncated } else { Record::Other });
        }
        let length = length as usize;
        if length > MAX_PACKET {
            return Ok(Record::Damaged("a packet of impossible length"));
        }
        if blocks.peek(length)?.len() < length {
            return Ok(Record::Truncated);
        }
        let block = blocks.take(length);
        let body = block.slice(8..length - 4);
        let read = match kind {
            INTERFACE => self.interface(&body).map(|()| Record::Other),
            STATISTICS => Some(self.statistics(&body).map_or(Record::Other, |()| Record::Other)),
            _ => self
                .packet(kind, &body)
                .map(|(start, captured, link, at, wire_length)| Record::Packet(Packet { link, at, data: body.slice(start..start + captured), wire_length })),
        };
        Ok(read.unwrap_or(Record::Damaged("a block shorter than its fields")))
    }

    fn drops(&self) -> LossLedger {
        let mut ledger = LossLedger::default();
        for drops in self.interfaces.iter().map(|interface| interface.drops).chain([self.earlier_drops]) {
            ledger.lose(LossCause::InterfaceDrop, drops.interface);
            ledger.lose(LossCause::KernelDrop, drops.kernel);
        }
        ledger
    }
}

/// The same in both byte orders.
const SECTION_TYPE: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
