//! From a redacted recording to a file of another tool.
//!
//! Exchanges flow in, in order of start; text or bytes of one format flow out, as they come. What a format cannot say is left out and
//! counted. What never happens here: a raw recording is read, a recorded value gets out of the quotes that it stands in, or more is held than what is under
//! way at one time.

mod curl;
mod gor;
mod har;
mod jsonl;
mod k6;
mod pcap;
mod quote;
mod tuples;

pub use jsonl::Line;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use reenact_formats::disk;
use reenact_formats::disk::recording::{Recording, State, Window};
use reenact_formats::model::{Completeness, Exchange, Message};
use reenact_formats::seam::{Blame, Explain};

use crate::pipeline::archive;

/// A format that can be exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// What GoReplay reads.
    Gor,
    /// HAR 1.2.
    Har,
    /// Packets.
    Pcap,
    /// A shell script.
    Curl,
    /// A script for k6.
    K6,
    /// An object a line.
    JsonLines,
}

/// Why an exchange is not in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Its request was not seen.
    NoRequest,
    /// The request's body was not kept, or not seen whole.
    NoBody,
    /// It holds what ends a record of the format.
    HoldsMark,
    /// A `HEAD` with a body, which curl cannot send.
    HeadWithBody,
    /// It asked for no path, as `CONNECT` and `OPTIONS *` do.
    NoPath,
}

impl LeftOut {
    /// Why, in words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoRequest => "request not seen",
            Self::NoBody => "body of the request not kept",
            Self::HoldsMark => "holds the mark that ends a record",
            Self::HeadWithBody => "HEAD with a body",
            Self::NoPath => "request for no path",
        }
    }
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Exchanges in the file.
    pub exchanges: u64,
    /// Those that are not in it, by cause.
    pub left_out: BTreeMap<LeftOut, u64>,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recording cannot be read, or not be exported.
    #[error(transparent)]
    Recording(#[from] disk::Error),
    /// What was to be erased from the recording may be in it still.
    #[error(transparent)]
    HalfErased(#[from] archive::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Recording(error) => error.blame(),
            Self::HalfErased(error) => error.blame(),
            Self::Write(_) => Blame::Ours,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Recording(error) => error.hint(),
            Self::HalfErased(error) => error.hint(),
            Self::Write(_) => None,
        }
    }
}

/// Writes one format.
trait Exporter {
    /// What stands in front of all exchanges.
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Takes the next exchange, or says why it cannot.
    fn exchange(&mut self, exchange: &Exchange, out: &mut dyn Write) -> io::Result<Option<LeftOut>>;

    /// What stands behind all of them.
    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a recording that may leave this machine: one that was redacted.
pub fn open(path: &std::path::Path) -> Result<Recording, Error> {
    let recording = Recording::open(path)?;
    if recording.manifest().state == State::Raw {
        return Err(disk::Error::NotRedacted { path: path.to_owned() }.into());
    }
    archive::refuse_half_erased(path)?;
    Ok(recording)
}

/// Writes the exchanges of `recording`, which [`open`] has let pass, to `out`.
pub fn export(recording: &Recording, format: ExportFormat, out: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<Exported, Error> {
    let mut exporter: Box<dyn Exporter> = match format {
        ExportFormat::Gor => Box::new(gor::Gor::default()),
        ExportFormat::Har => Box::new(har::Har::default()),
        ExportFormat::Pcap => Box::new(pcap::Pcap::default()),
        ExportFormat::Curl => Box::new(curl::Curl),
        ExportFormat::K6 => Box::new(k6::K6::default()),
        ExportFormat::JsonLines => Box::new(jsonl::JsonLines),
    };
    let mut exported = Exported::default();
    exporter.begin(out)?;
    for exchange in recording.exchanges(&Window::ALL)? {
        match exporter.exchange(&exchange?, out)? {
            None => exported.exchanges += 1,
            Some(why) => *exported.left_out.entry(why).or_default() += 1,
        }
        progress(exported.exchanges);
    }
    exporter.finish(out)?;
    out.flush()?;
    Ok(exported)
}

/// Where a request went to, as a URL without a path.
fn origin_of(exchange: &Exchange) -> String {
    let scheme = if exchange.server.port() == 443 { "https" } else { "http" };
    let host = exchange.request.as_ref().and_then(|request| request.head.header("host")).filter(|host| !host.is_empty());
    host.map_or_else(|| format!("{scheme}://{}", exchange.server), |host| format!("{scheme}://{}", text(host)))
}

/// Bytes as text: as UTF-8 if they are that, else as Latin-1, which any bytes are.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), Cow::Borrowed)
}

/// The request of an exchange, if a script can send it: all of it is here, and it asks for a path.
fn sendable_request(exchange: &Exchange) -> Result<&Message, LeftOut> {
    let request = whole_request(exchange)?;
    if request.head.method() == Some(b"CONNECT") || request.head.target() == Some(b"*") { Err(LeftOut::NoPath) } else { Ok(request) }
}

/// The request of an exchange, if all of it is here.
fn whole_request(exchange: &Exchange) -> Result<&Message, LeftOut> {
    let request = exchange.request.as_ref().ok_or(LeftOut::NoRequest)?;
    if request.body.completeness == Completeness::Whole { Ok(request) } else { Err(LeftOut::NoBody) }
}
