//! Packet captures as files and pipes: which of the two formats it is, and what to say if it is neither.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::blocks::Blocks;
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::{Next, Packet, PacketSource};
use crate::Error;
use reenact_formats::model::{LossCause, LossLedger};

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

pub(super) fn read(name: String, reader: Box<dyn Read>, total: Option<u64>) -> Result<Box<dyn PacketSource>, Error> {
    let mut blocks = Blocks::new(reader);
    let start = blocks.peek(24).map_err(|cause| Error::Read { name: name.clone(), at: 0, cause })?;
    if start.is_empty() {
        return Err(Error::Empty { name });
    }
    let format: Box<dyn Format> = if PcapNg::is(start) {
        Box::new(PcapNg::default())
    } else if let Some(pcap) = Pcap::begin(start) {
        if start.len() == 24 {
            blocks.take(24);
        }
        Box::new(pcap)
    } else {
        return Err(Error::NotACapture { found: what_stands(start), name });
    };
    Ok(Box::new(FileSource { name, blocks, format, total, losses: LossLedger::default(), warning: None, ended: false }))
}

/// A file format: cuts the next record off the blocks.
pub(super) trait Format {
    fn next(&mut self, blocks: &mut Blocks) -> Result<Record, io::Error>;

    /// What the file itself says was lost while it was written (packets).
    fn drops(&self) -> LossLedger {
        LossLedger::default()
    }
}

pub(super) enum Record {
    Packet(Packet),
    /// Something else than a packet; ask again.
    Other,
    End,
    /// The file ends inside of what begins here.
    Truncated,
    /// What stands here cannot be.
    Damaged(&'static str),
}

struct FileSource {
    name: String,
    blocks: Blocks,
    format: Box<dyn Format>,
    total: Option<u64>,
    losses: LossLedger,
    warning: Option<String>,
    ended: bool,
}

impl FileSource {
    /// What came before is kept; what comes after cannot be read.
    fn stop_at(&mut self, at: u64, why: &str) -> Next {
        self.losses.packets.seen += 1;
        self.losses.packets.lost += 1;
        self.losses.lose(LossCause::TruncatedFile, 1);
        self.warning = Some(format!("{} {why} at byte {at}; what came before was kept", self.name));
        self.ended = true;
        Next::End
    }
}

impl PacketSource for FileSource {
    fn next(&mut self) -> Result<Next, Error> {
        while !self.ended {
            let at = self.blocks.at();
            let record = self.format.next(&mut self.blocks).map_err(|cause| Error::Read { name: self.name.clone(), at, cause })?;
            match record {
                Record::Packet(packet) => return Ok(Next::Packet(packet)),
                Record::Other => {}
                Record::End => self.ended = true,
                Record::Truncated => return Ok(self.stop_at(at, "ends inside the record")),
                Record::Damaged(what) => return Ok(self.stop_at(at, &format!("is damaged ({what})"))),
            }
        }
        Ok(Next::End)
    }

    fn block(&self) -> u64 {
        self.blocks.ordinal()
    }

    fn bytes_read(&self) -> u64 {
        self.blocks.at()
    }

    fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    fn losses(&mut self) -> LossLedger {
        let mut losses = self.losses.clone();
        losses.add(&self.format.drops());
        losses
    }

    fn warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}

/// No captured packet is longer: a record that says so is damaged.
pub(super) const MAX_PACKET: usize = 16 << 20;

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
