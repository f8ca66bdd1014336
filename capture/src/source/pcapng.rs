//! The pcapng file format (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces with link types and
//! time resolutions of their own, packets in three kinds of blocks, drop counts. Blocks of other kinds are passed over.

use reenact_formats::model::{LossCause, LossLedger, Notice, Timestamp};

use super::file::{Cut, Format, MAX_PACKET, Stop, range};
use super::{Link, Packet};

#[derive(Default)]
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// What the interfaces of earlier sections dropped.
    earlier_drops: Drops,
    /// Blocks that are neither packets nor of use to read them.
    skipped: u64,
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
            Self::Decimal(digits @ ..=9) => units * i128::from(10u64.pow(9 - digits)),
            Self::Decimal(digits) => units / 10i128.pow((digits - 9).min(37)),
            Self::Binary(bits) => (units * 1_000_000_000) >> bits.min(126),
        }
    }
}

impl Interface {
    fn time(&self, units: u64) -> Timestamp {
        let nanos = self.resolution.nanos(units) + i128::from(self.offset_seconds) * 1_000_000_000;
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
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
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(Interface { link, snap_length, resolution, offset_seconds, drops: Drops::default() });
        }
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

    /// The packet in `body`, which begins at `from` in the block that was read.
    fn packet(&mut self, kind: u32, body: &[u8], from: usize) -> Option<Packet> {
        if kind == SIMPLE_PACKET {
            let wire_length = self.u32(body, 0)?;
            let (link, snap_length) = self.interfaces.first().map_or((UNKNOWN, 0), |interface| (interface.link, interface.snap_length));
            let snap_length = if snap_length == 0 { u32::MAX } else { snap_length };
            let captured = (wire_length.min(snap_length) as usize).min(body.len() - 4);
            return Some(Packet { link, at: self.last, data: range(from + 4, captured), wire_length });
        }
        let index = if kind == ENHANCED_PACKET { self.u32(body, 0)? } else { u32::from(self.u16(body, 0)?) };
        let [high, low, captured, wire_length] = [self.u32(body, 4)?, self.u32(body, 8)?, self.u32(body, 12)?, self.u32(body, 16)?];
        let captured = captured as usize;
        body.get(20..20usize.checked_add(captured)?)?;
        let (link, at) = match self.interfaces.get(index as usize) {
            Some(interface) => (interface.link, interface.time(u64::from(high) << 32 | u64::from(low))),
            None => (UNKNOWN, self.last),
        };
        self.last = at;
        Some(Packet { link, at, data: range(from + 20, captured), wire_length })
    }

    fn set_byte_order(&mut self, magic: &[u8]) -> bool {
        match magic {
            [0x1a, 0x2b, 0x3c, 0x4d] => self.big_endian = true,
            [0x4d, 0x3c, 0x2b, 0x1a] => self.big_endian = false,
            _ => return false,
        }
        true
    }

    /// A new section describes interfaces of its own.
    fn end_section(&mut self) {
        for interface in self.interfaces.drain(..) {
            self.earlier_drops.interface = self.earlier_drops.interface.saturating_add(interface.drops.interface);
            self.earlier_drops.kernel = self.earlier_drops.kernel.saturating_add(interface.drops.kernel);
        }
    }
}

impl Format for PcapNg {
    fn cut(&mut self, data: &[u8], from: usize, packets: &mut Vec<Packet>) -> Cut {
        let mut taken = 0;
        let stop = loop {
            let rest = &data[taken..];
            let Some(header) = rest.get(..12) else { break Stop::More(12) };
            if Self::is(header) && !self.set_byte_order(&header[8..12]) {
                break Stop::Damaged("a section of unknown byte order");
            }
            let (kind, length) = (self.u32(header, 0).unwrap_or_default(), self.u32(header, 4).unwrap_or_default() as usize);
            if length < 12 || length % 4 != 0 {
                break Stop::Damaged("a block of impossible length");
            }
            if !matches!(kind, INTERFACE | OLD_PACKET | SIMPLE_PACKET | STATISTICS | ENHANCED_PACKET) {
                if Self::is(header) {
                    self.end_section();
                } else {
                    self.skipped += 1;
                }
                if rest.len() < length {
                    break Stop::Skip(length as u64);
                }
                taken += length;
                continue;
            }
            if length > MAX_BLOCK {
                break Stop::Damaged("a packet of impossible length");
            }
            if rest.len() < length {
                break Stop::More(length);
            }
            let body = &rest[8..length - 4];
            let read = match kind {
                INTERFACE => self.interface(body),
                STATISTICS => {
                    self.statistics(body);
                    Some(())
                }
                _ => self.packet(kind, body, from + taken + 8).map(|packet| packets.push(packet)),
            };
            if read.is_none() {
                break Stop::Damaged("a block shorter than its fields");
            }
            taken += length;
        };
        Cut { taken, stop }
    }

    fn account(&self) -> LossLedger {
        let mut ledger = LossLedger::default();
        for drops in self.interfaces.iter().map(|interface| interface.drops).chain([self.earlier_drops]) {
            ledger.lose(LossCause::InterfaceDrop, drops.interface);
            ledger.lose(LossCause::KernelDrop, drops.kernel);
        }
        ledger.notice(Notice::SkippedBlock, self.skipped);
        ledger
    }
}

/// No section has more in earnest; one that has takes no more memory for it.
const MAX_INTERFACES: usize = 1 << 12;
/// A packet, and what is said of it.
const MAX_BLOCK: usize = MAX_PACKET + (1 << 16);
/// Of an interface that no one described.
const UNKNOWN: Link = Link(u32::MAX);
/// The same in both byte orders.
const SECTION_TYPE: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
