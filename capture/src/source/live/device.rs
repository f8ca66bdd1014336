//! One interface: opened, read without waiting, and asked what it has lost.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use pcap::{Active, Capture, Precision};
use reenact_formats::model::{LossCause, LossLedger, Timestamp};

use crate::source::file::range;
use crate::source::{Link, Packet};
use crate::{CaptureOptions, Error};

/// A network interface that can be listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as `-i` takes it.
    pub name: String,
    /// What the system says of it.
    pub description: Option<String>,
    /// Whether it is up.
    pub is_up: bool,
    /// Whether it is this machine's way to itself.
    pub is_loopback: bool,
}

/// The interfaces that libpcap sees.
pub fn interfaces() -> Result<Vec<Interface>, Error> {
    let devices = pcap::Device::list().map_err(|error| Error::Live { name: "the interfaces".to_owned(), reason: error.to_string() })?;
    let interface =
        |device: pcap::Device| Interface { is_up: device.flags.is_up(), is_loopback: device.flags.is_loopback(), name: device.name, description: device.desc };
    Ok(devices.into_iter().map(interface).collect())
}

pub(super) struct Device {
    name: String,
    capture: Capture<Active>,
    /// What the system calls it: another one may get its name.
    index: Option<String>,
    link: Link,
    /// No packet is captured with more bytes.
    longest: usize,
    received: Counter,
    dropped: [Counter; 2],
    /// Packets that were read, and their bytes.
    read: [u64; 2],
    /// Whether the ring was empty when it was read last.
    is_emptied: bool,
    /// Packets that the kernel counts and the library keeps to itself: the doubles of a loopback interface.
    hidden: u64,
    ring: Ring,
}

/// The kernel's buffer.
struct Ring {
    bytes: u64,
    /// About how much of it is taken, in thousandths.
    taken: u32,
}

/// Whether there may be more to come.
pub(super) enum Gathered {
    All,
    End,
}

impl Device {
    pub(super) fn open(name: &str, longest: usize, options: &CaptureOptions) -> Result<Self, Error> {
        let explain = |error: pcap::Error| explain(name, &error);
        let inactive = Capture::from_device(name).map_err(explain)?;
        let mut capture = inactive
            // The device `any` cannot be promiscuous, and says so in a way that looks like a failure.
            .promisc(options.promiscuous && name != ANY)
            .snaplen(i32::try_from(longest).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.kernel_buffer).unwrap_or(i32::MAX))
            .immediate_mode(false)
            .precision(Precision::Nano)
            .timeout(i32::try_from(HAND_OVER.as_millis()).unwrap_or(i32::MAX))
            .open()
            .and_then(Capture::setnonblock)
            .map_err(explain)?;
        // Linux shows each packet of a loopback interface twice, as it leaves and as it comes in, and libpcap hides the first. A filter with
        // `inbound` would spare the ring, too, but for as long as the ring has not been filled once libpcap applies filters itself, and
        // it cannot tell there which way a packet went.
        if let Some(words) = &options.filter {
            capture.filter(words, true).map_err(|error| Error::Filter { words: words.clone(), reason: error.to_string() })?;
        }
        let ring = Ring { bytes: u64::from(options.kernel_buffer).max(1), taken: 0 };
        let link = Link(u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX));
        Ok(Self {
            name: name.to_owned(),
            capture,
            index: index(name),
            link,
            longest,
            received: Counter::default(),
            dropped: Default::default(),
            read: [0; 2],
            is_emptied: true,
            hidden: 0,
            ring,
        })
    }

    /// Copies into `block`, from `filled` on, what the kernel has and there is room for.
    pub(super) fn gather(&mut self, block: &mut [u8], filled: &mut usize, packets: &mut Vec<Packet>) -> Result<Gathered, Error> {
        self.is_emptied = false;
        while block.len() - *filled >= self.longest {
            match self.capture.next_packet() {
                Ok(packet) => {
                    let data = packet.data.get(..self.longest).unwrap_or(packet.data);
                    block[*filled..*filled + data.len()].copy_from_slice(data);
                    // With nanosecond precision the field for microseconds holds nanoseconds.
                    let at = Timestamp::from_nanos(packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec);
                    packets.push(Packet { link: self.link, at, data: range(*filled, data.len()), wire_length: packet.header.len });
                    *filled += data.len();
                    self.read[0] += 1;
                    self.read[1] += data.len() as u64;
                }
                Err(pcap::Error::TimeoutExpired) => {
                    self.is_emptied = true;
                    break;
                }
                Err(pcap::Error::NoMorePackets) => return Ok(Gathered::End),
                Err(error) => return Err(explain(&self.name, &error)),
            }
        }
        Ok(Gathered::All)
    }

    /// Whether it was taken away, and all that it had was read. libpcap may wait for it as for one that is silent.
    pub(super) fn is_gone(&self) -> bool {
        self.is_emptied && self.index.is_some() && index(&self.name) != self.index
    }

    /// That it was taken away.
    pub(super) fn gone(&self) -> Error {
        Error::Live { name: self.name.clone(), reason: "it was taken away".to_owned() }
    }

    /// What the kernel and the interface have dropped so far.
    pub(super) fn losses(&mut self) -> LossLedger {
        if let Ok(statistics) = self.capture.stats() {
            self.dropped[0].reads(statistics.dropped);
            self.dropped[1].reads(statistics.if_dropped);
            self.received.reads(statistics.received);
            self.weigh_ring();
        }
        let mut losses = LossLedger::default();
        losses.lose(LossCause::KernelDrop, self.dropped[0].total);
        losses.lose(LossCause::InterfaceDrop, self.dropped[1].total);
        losses
    }
}

impl Device {
    /// About how much of the ring was taken when it was asked what was lost, in thousandths.
    pub(super) const fn ring_use(&self) -> u32 {
        self.ring.taken
    }

    /// No one tells how full the ring is: it holds what the kernel has put into it and no one has read.
    fn weigh_ring(&mut self) {
        let [packets, bytes] = self.read;
        let unread = self.received.total.saturating_sub(self.dropped[0].total + packets);
        if self.is_emptied {
            self.hidden = unread;
        }
        let each = bytes / packets.max(1) + RING_HEADER;
        let taken = unread.saturating_sub(self.hidden).saturating_mul(each).saturating_mul(1000) / self.ring.bytes;
        self.ring.taken = u32::try_from(taken.min(1000)).unwrap_or(1000);
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

/// A counter of 32 bits, which begins anew in the end.
#[derive(Default)]
struct Counter {
    last: u32,
    total: u64,
}

impl Counter {
    fn reads(&mut self, now: u32) {
        self.total += u64::from(now.wrapping_sub(self.last));
        self.last = now;
    }
}

/// The number that the system gives an interface; none where it does not say, and for all of them together.
fn index(name: &str) -> Option<String> {
    fs::read_to_string(Path::new("/sys/class/net").join(name).join("ifindex")).ok()
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
pub(super) const HAND_OVER: Duration = Duration::from_millis(20);
/// What a packet takes in the ring beside its own bytes.
const RING_HEADER: u64 = 96;
/// All interfaces at once.
const ANY: &str = "any";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_on_where_the_system_s_begins_anew() {
        let mut counter = Counter::default();
        [10, u32::MAX, 4].into_iter().for_each(|now| counter.reads(now));
        assert_eq!(counter.total, u64::from(u32::MAX) + 5);
    }
}
