//! Packets from an interface, through libpcap.
//!
//! Packets flow in from the kernel's ring and are copied once, into large shared blocks. The kernel applies the filter words.
//! The device is not put into immediate mode: the ring is handed over in batches, which is what keeps the cost of a packet low.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pcap::{Active, Capture, Device, Precision};
use reenact_formats::model::{LossCause, LossLedger, Timestamp};

use super::blocks::{BLOCK, Pool};
use super::file::{MAX_PACKET, range};
use super::{Batch, Link, Next, Packet, PacketSource};
use crate::{CaptureOptions, Error};

/// A network interface that can be listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as `-i` takes it.
    pub name: String,
    /// What the system says of it.
    pub description: Option<String>,
}

/// The interfaces that libpcap sees.
pub fn interfaces() -> Result<Vec<Interface>, Error> {
    let devices = Device::list().map_err(|error| Error::Live { name: "the interfaces".to_owned(), reason: error.to_string() })?;
    Ok(devices.into_iter().map(|device| Interface { name: device.name, description: device.desc }).collect())
}

pub(super) struct Live {
    name: String,
    capture: Capture<Active>,
    link: Link,
    /// No packet is captured with more bytes.
    longest: usize,
    pool: Pool,
    read: u64,
    last_tick: Timestamp,
}

impl Live {
    pub(super) fn open(name: &str, options: &CaptureOptions) -> Result<Self, Error> {
        let explain = |error: pcap::Error| explain(name, &error);
        let inactive = Capture::from_device(name).map_err(explain)?;
        let mut capture = inactive
            // The device `any` cannot be promiscuous, and says so in a way that looks like a failure.
            .promisc(options.promiscuous && name != "any")
            .snaplen(i32::try_from(options.snap_length).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.kernel_buffer).unwrap_or(i32::MAX))
            .immediate_mode(false)
            .precision(Precision::Nano)
            .timeout(HAND_OVER_MILLIS)
            .open()
            .and_then(Capture::setnonblock)
            .map_err(explain)?;
        if let Some(words) = &options.filter {
            capture.filter(words, true).map_err(|error| Error::Filter { words: words.clone(), reason: error.to_string() })?;
        }
        let link = Link(u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX));
        let longest = usize::try_from(options.snap_length).unwrap_or(BLOCK).clamp(1, MAX_PACKET);
        let pool = Pool::new(block_length(longest));
        Ok(Self { name: name.to_owned(), capture, link, longest, pool, read: 0, last_tick: Timestamp::default() })
    }
}

impl Live {
    /// Copies into `block` what the kernel has; says how much of the block it took.
    fn gather(&mut self, block: &mut [u8], packets: &mut Vec<Packet>) -> Result<Gathered, Error> {
        let mut filled = 0;
        while block.len() - filled >= self.longest {
            match self.capture.next_packet() {
                Ok(packet) => {
                    let data = packet.data.get(..self.longest).unwrap_or(packet.data);
                    block[filled..filled + data.len()].copy_from_slice(data);
                    // With nanosecond precision the field for microseconds holds nanoseconds.
                    let at = Timestamp::from_nanos(packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec);
                    packets.push(Packet { link: self.link, at, data: range(filled, data.len()), wire_length: packet.header.len });
                    filled += data.len();
                    self.read += data.len() as u64;
                }
                Err(pcap::Error::TimeoutExpired) => break,
                Err(pcap::Error::NoMorePackets) => return Ok(Gathered::End),
                Err(error) => return Err(explain(&self.name, &error)),
            }
        }
        Ok(Gathered::All)
    }

    /// Waits for a moment, or until there is something.
    fn wait(&mut self) -> Result<Timestamp, Error> {
        // libpcap's own wait has no end on a silent link: neither a tick nor a stop would come through.
        super::waiting::readable(&self.capture).map_err(|error| Error::Live { name: self.name.clone(), reason: error.to_string() })?;
        let now = machine_time();
        // Never ahead of packets that are still in the ring.
        let safe = now.saturating_sub(Duration::from_millis(2 * u64::from(HAND_OVER_MILLIS.unsigned_abs())));
        self.last_tick = self.last_tick.max(safe);
        Ok(self.last_tick)
    }
}

/// Before each packet there must be room for the longest: with no more than that, a block would hold one packet.
const fn block_length(longest: usize) -> usize {
    BLOCK + longest
}

enum Gathered {
    All,
    End,
}

impl PacketSource for Live {
    fn next(&mut self, batch: &mut Batch) -> Result<Next, Error> {
        *batch = Batch { block: Bytes::new(), packets: std::mem::take(&mut batch.packets) };
        batch.packets.clear();
        let mut block = self.pool.take();
        let gathered = self.gather(&mut block, &mut batch.packets);
        batch.block = self.pool.give(block);
        if !batch.packets.is_empty() {
            // What ended or failed after them does so again.
            return Ok(Next::Packets);
        }
        match gathered? {
            Gathered::All => Ok(Next::Tick(self.wait()?)),
            Gathered::End => Ok(Next::End),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn losses(&mut self) -> LossLedger {
        let mut losses = LossLedger::default();
        if let Ok(statistics) = self.capture.stats() {
            losses.lose(LossCause::KernelDrop, u64::from(statistics.dropped));
            losses.lose(LossCause::InterfaceDrop, u64::from(statistics.if_dropped));
        }
        losses
    }

    fn filters(&self) -> bool {
        true
    }
}

#[expect(clippy::disallowed_methods, reason = "the packets of a live link carry this machine's time; a silent link has no other")]
fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().saturating_add(since)
}

fn explain(name: &str, error: &pcap::Error) -> Error {
    let reason = error.to_string();
    let name = name.to_owned();
    if reason.contains("permission") || reason.contains("Operation not permitted") {
        return Error::NotPermitted { name };
    }
    let known: Vec<String> = interfaces().unwrap_or_default().into_iter().map(|interface| interface.name).collect();
    if known.contains(&name) || known.is_empty() { Error::Live { name, reason } } else { Error::NoInterface { name, known } }
}

/// How long the kernel may gather packets before it hands them over.
const HAND_OVER_MILLIS: i32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_many_packets_however_long_the_longest_may_be() {
        for longest in [1, 1500, 262_144, MAX_PACKET] {
            // As long as this is filled, there is room for one more.
            assert!(block_length(longest) - (BLOCK - 1) > longest, "{longest}");
        }
    }
}
