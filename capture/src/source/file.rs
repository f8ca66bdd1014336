//! Packet captures as files and pipes: which of the two formats it is, and what to say if it is neither.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::blocks::Blocks;
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::{Batch, Next, Packet, PacketSource};
use crate::Error;
use reenact_formats::model::{LossCause, LossLedger, Timestamp};

pub(super) fn open(path: &Path) -> Result<Box<dyn PacketSource>, Error> {
    let cannot_open = |cause| Error::Open { path: path.to_owned(), cause };
    let file = File::open(path).map_err(cannot_open)?;
    let metadata = file.metadata().map_err(cannot_open)?;
    if metadata.is_dir() {
        return Err(Error::Directory { path: path.to_owned() });
    }
    let total = metadata.is_file().then_some(metadata.len());
    read(path.display().to_string(), Box::new(file), total)
}

pub(super) fn read(name: String, reader: Box<dyn Read + Send>, total: Option<u64>) -> Result<Box<dyn PacketSource>, Error> {
    let mut blocks = Blocks::new(reader);
    blocks.read(FILE_HEADER).map_err(|cause| Error::Read { name: name.clone(), at: 0, cause })?;
    let (read, _) = blocks.rest();
    let start = &read[..read.len().min(FILE_HEADER)];
    if start.is_empty() {
        return Err(Error::Empty { name });
    }
    let format: Box<dyn Format> = if PcapNg::is(start) {
        Box::new(PcapNg::default())
    } else if let Some(pcap) = Pcap::begin(start) {
        if start.len() == FILE_HEADER {
            blocks.cut(FILE_HEADER);
        }
        Box::new(pcap)
    } else {
        return Err(Error::NotACapture { found: what_stands(start), name });
    };
    Ok(Box::new(FileSource { name, blocks, format, total, wanted: 1, skipped: None, losses: LossLedger::default(), warning: None, ended: false, last: None }))
}

/// A file format: knows where records begin and end, and reads nothing itself.
pub(super) trait Format: Send {
    /// Cuts whole records off `data`, which begins at `from` in its block, and adds their packets.
    fn cut(&mut self, data: &[u8], from: usize, packets: &mut Vec<Packet>) -> Cut;

    /// What the file itself says was lost while it was written, and what of it was passed over.
    fn account(&self) -> LossLedger {
        LossLedger::default()
    }
}

/// How far the whole records went.
pub(super) struct Cut {
    pub(super) taken: usize,
    pub(super) stop: Stop,
}

/// Why there are no more of them. Asked again at the same place, a format says the same.
pub(super) enum Stop {
    /// The next one needs at least so many bytes.
    More(usize),
    /// The next one is of no use, and has so many bytes.
    Skip(u64),
    /// What stands here cannot be.
    Damaged(&'static str),
}

/// A place in a block.
pub(super) fn range(from: usize, length: usize) -> Range<u32> {
    let place = |at: usize| u32::try_from(at).expect("a block is smaller than 4 GiB");
    place(from)..place(from + length)
}

struct FileSource {
    name: String,
    blocks: Blocks,
    format: Box<dyn Format>,
    total: Option<u64>,
    /// How many bytes the next record needs at least.
    wanted: usize,
    /// Where a record begins that is passed over, and how much of it is still to come.
    skipped: Option<(u64, u64)>,
    losses: LossLedger,
    warning: Option<String>,
    ended: bool,
    /// The latest time of a packet, and how many bytes had been cut off by then.
    last: Option<Timestamp>,
}

impl FileSource {
    /// Reads on, and cuts off what is whole.
    fn advance(&mut self, packets: &mut Vec<Packet>) -> io::Result<()> {
        self.blocks.fill(self.wanted)?;
        if let Some((begun, left)) = self.skipped {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.blocks.rest().0.len());
            self.blocks.cut(step);
            let left = left - step as u64;
            self.skipped = (left > 0).then_some((begun, left));
            if left > 0 {
                if self.blocks.has_ended() {
                    self.stop_at(begun, "ends inside the record");
                }
                return Ok(());
            }
        }
        let (rest, from) = self.blocks.rest();
        let Cut { taken, stop } = self.format.cut(rest, from, packets);
        let left = rest.len() - taken;
        self.blocks.cut(taken);
        self.wanted = 1;
        match stop {
            Stop::More(_) if self.blocks.has_ended() && left == 0 => self.ended = true,
            Stop::More(_) if self.blocks.has_ended() => self.stop_at(self.blocks.at(), "ends inside the record"),
            Stop::More(wanted) => self.wanted = wanted,
            Stop::Skip(length) => self.skipped = Some((self.blocks.at(), length)),
            Stop::Damaged(what) => self.stop_at(self.blocks.at(), &format!("is damaged ({what})")),
        }
        Ok(())
    }

    /// What came before is kept; what comes after cannot be read.
    fn stop_at(&mut self, at: u64, why: &str) {
        self.losses.packets.seen += 1;
        self.losses.packets.lost += 1;
        self.losses.lose(LossCause::TruncatedFile, 1);
        self.warning = Some(format!("{} {why} at byte {at}; what came before was kept", self.name));
        self.ended = true;
    }
}

impl PacketSource for FileSource {
    fn next(&mut self, batch: &mut Batch) -> Result<Next, Error> {
        *batch = Batch { block: Bytes::new(), packets: std::mem::take(&mut batch.packets) };
        batch.packets.clear();
        while !self.ended {
            let at = self.blocks.at();
            self.advance(&mut batch.packets).map_err(|cause| Error::Read { name: self.name.clone(), at, cause })?;
            if !batch.packets.is_empty() {
                batch.block = self.blocks.give();
                self.last = self.last.max(batch.packets.iter().map(|packet| packet.at).max());
                return Ok(Next::Packets);
            }
            // The sender of a pipe has nothing to say: time passes for what was said.
            if let Some(last) = self.last.filter(|_| !self.ended && self.blocks.silence() >= SILENT) {
                return Ok(Next::Tick(last.saturating_add(self.blocks.silence())));
            }
        }
        Ok(Next::End)
    }

    fn bytes_read(&self) -> u64 {
        self.blocks.at()
    }

    fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    fn losses(&mut self) -> LossLedger {
        let mut losses = self.losses.clone();
        losses.add(&self.format.account());
        losses
    }

    fn warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}

/// A sender that says nothing for so long is on a link that is silent, and not merely slow.
const SILENT: Duration = Duration::from_secs(2);
const FILE_HEADER: usize = 24;
/// No captured packet is longer: a record that says so is damaged.
pub(crate) const MAX_PACKET: usize = 16 << 20;

fn what_stands(start: &[u8]) -> String {
    let known = match start {
        [0x1f, 0x8b, ..] => "a gzip-compressed file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd-compressed file",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz-compressed file",
        [b'B', b'Z', b'h', ..] => "a bzip2-compressed file",
        [b'P', b'K', 3, 4, ..] => "a zip archive (compressed)",
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
        _ if start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => "text",
        _ => "neither of their magic numbers",
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::from_reader;

    /// Packets of every size, some longer than a block, none like another.
    fn written() -> Vec<Vec<u8>> {
        let sizes = (0..400).map(|at: usize| at * at * 97 % 40_000).chain([3 << 20, 0, 1, MAX_PACKET, 5]);
        sizes.enumerate().map(|(number, size)| (0..size).map(|at| (at * 31 + number) as u8).collect()).collect()
    }

    fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = [&[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 12], &[1, 0, 0, 0x30]].concat();
        for (number, packet) in (0u32..).zip(packets) {
            let length = u32::try_from(packet.len()).expect("small");
            file.extend([7, number, length, length + 1].into_iter().flat_map(u32::to_le_bytes));
            file.extend(packet);
        }
        file
    }

    /// With a block that is passed over before each packet, one of them longer than any packet may be.
    fn pcapng(packets: &[Vec<u8>]) -> Vec<u8> {
        let block = |kind: u32, body: &[u8]| {
            let padded = body.len().next_multiple_of(4);
            let length = u32::try_from(padded + 12).expect("small").to_le_bytes();
            [&kind.to_le_bytes(), &length, body, &vec![0; padded - body.len()], &length].concat()
        };
        let mut file = block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat());
        file.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0]));
        for (number, packet) in (0u32..).zip(packets) {
            file.extend(block(10, &vec![6; if number == 5 { MAX_PACKET + 1000 } else { 13 }]));
            let (length, at) = (u32::try_from(packet.len()).expect("small"), 7_000_000_000 + u64::from(number));
            let fields = [0, (at >> 32) as u32, (at & 0xffff_ffff) as u32, length, length + 1];
            file.extend(block(6, &[fields.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>(), packet.clone()].concat()));
        }
        file
    }

    #[test]
    fn what_was_written_is_read_whatever_its_length() {
        let written = written();
        for file in [pcap(&written), pcapng(&written)] {
            let length = file.len() as u64;
            let mut source = from_reader("memory", Box::new(io::Cursor::new(file))).expect("a capture");
            let (mut batch, mut read) = (Batch::default(), 0);
            while let Next::Packets = source.next(&mut batch).expect("memory is read") {
                for packet in &batch.packets {
                    assert!(batch.data(packet) == written[read], "packet {read}");
                    assert_eq!((packet.at.as_nanos(), packet.wire_length as usize), (7_000_000_000 + read as i64, written[read].len() + 1));
                    assert_eq!(packet.link.0, 1, "the upper bits are none of a link type's");
                    read += 1;
                }
            }
            assert_eq!((read, source.bytes_read()), (written.len(), length), "{:?}", source.warning());
        }
    }
}
