//! Packets from interfaces, through libpcap.
//!
//! Packets flow in from the kernel's rings, one for each interface, and are copied once, into large shared blocks. The kernel applies the
//! filter words. No device is put into immediate mode: a ring is handed over in batches, which is what keeps the cost of a packet low.
//! What never happens here: an interface that fails takes the others along, or one of them keeps the others from being read.

mod device;

use std::mem;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use reenact_formats::model::{LossLedger, Timestamp};

use self::device::{Device, Gathered};
pub use self::device::{Interface, interfaces};
use super::blocks::{BLOCK, Pool};
use super::file::MAX_PACKET;
use super::{Batch, Next, PacketSource};
use crate::{CaptureOptions, Error};

pub(super) struct Live {
    /// Those that have not failed.
    devices: Vec<Device>,
    /// Which of them is read first: a busy one may fill a block alone.
    turn: usize,
    pool: Pool,
    read: u64,
    last_tick: Timestamp,
    /// When that was.
    ticked: Instant,
    /// When it was last looked whether all of them are still there.
    looked: Instant,
    /// What those have lost that are gone.
    lost: LossLedger,
    /// What became of those.
    warning: Option<String>,
}

impl Live {
    /// Opens all of them, or none.
    pub(super) fn open(names: &[String], options: &CaptureOptions) -> Result<Self, Error> {
        let longest = usize::try_from(options.snap_length).unwrap_or(BLOCK).clamp(1, MAX_PACKET);
        let devices = names.iter().map(|name| Device::open(name, longest, options)).collect::<Result<_, _>>()?;
        let pool = Pool::new(block_length(longest));
        let (last_tick, ticked, looked) = (Timestamp::default(), steady_time(), steady_time());
        Ok(Self { devices, turn: 0, pool, read: 0, last_tick, ticked, looked, lost: LossLedger::default(), warning: None })
    }

    /// Copies into the batch what the kernel has; says whether there is an interface left to wait for.
    fn gather(&mut self, batch: &mut Batch) -> Result<Gathered, Error> {
        let mut block = self.pool.take();
        let (mut filled, mut failed) = (0, None);
        self.turn = self.turn.wrapping_add(1);
        for step in 0..self.devices.len() {
            let index = self.turn.wrapping_add(step) % self.devices.len();
            match self.devices[index].gather(&mut block, &mut filled, &mut batch.packets) {
                Ok(Gathered::All) => {}
                ended => failed = Some((index, ended.err())),
            }
        }
        self.read += filled as u64;
        batch.block = self.pool.give(block);
        if let Some((index, error)) = failed.filter(|_| batch.packets.is_empty()) {
            self.lose(index, error)?;
        }
        Ok(if self.devices.is_empty() { Gathered::End } else { Gathered::All })
    }

    /// An interface is gone. The last one's failure is that of the capture.
    fn lose(&mut self, index: usize, error: Option<Error>) -> Result<(), Error> {
        let mut device = self.devices.remove(index);
        self.lost.add(&device.losses());
        match error {
            Some(error) if self.devices.is_empty() => Err(error),
            Some(error) => {
                self.warning.get_or_insert_with(|| error.to_string());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Looks once a second whether an interface was taken away.
    fn look(&mut self) -> Result<(), Error> {
        if self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        self.looked = steady_time();
        let gone = self.devices.iter().enumerate().find(|(_, device)| device.is_gone()).map(|(index, device)| (index, device.gone()));
        gone.map_or(Ok(()), |(index, error)| self.lose(index, Some(error)))
    }

    /// Waits for a moment, or until there is something.
    fn wait(&mut self) -> Result<Timestamp, Error> {
        // libpcap's own wait has no end on a silent link: neither a tick nor a stop would come through.
        super::waiting::any_readable(&self.devices).map_err(|error| Error::Live { name: "the interfaces".to_owned(), reason: error.to_string() })?;
        // Never ahead of packets that are still in a ring.
        let safe = machine_time().saturating_sub(device::HAND_OVER * 5);
        // Whatever the clock of the machine is set to, time passes.
        let passed = self.last_tick.saturating_add(mem::replace(&mut self.ticked, steady_time()).elapsed());
        self.last_tick = if self.last_tick == Timestamp::default() { safe } else { passed.max(safe) };
        Ok(self.last_tick)
    }
}

/// Before each packet there must be room for the longest: with no more than that, a block would hold one packet.
const fn block_length(longest: usize) -> usize {
    BLOCK + longest
}

impl PacketSource for Live {
    fn next(&mut self, batch: &mut Batch) -> Result<Next, Error> {
        *batch = Batch { block: Bytes::new(), packets: mem::take(&mut batch.packets) };
        batch.packets.clear();
        self.look()?;
        let gathered = self.gather(batch)?;
        if !batch.packets.is_empty() {
            // What ended or failed after them does so again.
            return Ok(Next::Packets);
        }
        match gathered {
            Gathered::All => Ok(Next::Tick(self.wait()?)),
            Gathered::End => Ok(Next::End),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.read
    }

    fn losses(&mut self) -> LossLedger {
        let mut losses = self.lost.clone();
        self.devices.iter_mut().for_each(|device| losses.add(&device.losses()));
        losses
    }

    fn warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn ring_use(&self) -> u32 {
        self.devices.iter().map(Device::ring_use).max().unwrap_or_default()
    }

    fn is_live(&self) -> bool {
        true
    }

    fn filters(&self) -> bool {
        true
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "the packets of a live link carry this machine's time; a silent link has no other")]
fn machine_time() -> Timestamp {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().saturating_add(since)
}

#[expect(clippy::disallowed_methods, reason = "the machine's own time may be set back")]
fn steady_time() -> Instant {
    Instant::now()
}

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
