//! Exchanges into parts.
//!
//! In: exchanges in the order in which they were completed, and the account so far with each tick. Out: parts, each sorted
//! by start, each with its share of the account in its footer. What never happens here: more than one part's worth of
//! exchanges is held, or an exchange keeps alive the larger buffer that it was cut from.

use std::path::Path;
use std::time::Duration;

use parquet::basic::Encoding;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::manifest::{Manifest, Share};
use super::{MANIFEST, RECORDING, State, columns, part_name};
use crate::disk::Error;
use crate::disk::publish::{Folder, Publish, Published};
use crate::disk::table::{self, TableWriter};
use crate::model::{Exchange, Head, KeyId, LossLedger, Message, Timestamp};
use crate::seam::{BoxError, ExchangeSink};

/// How many bytes a part holds before compression, unless it is told otherwise.
pub const PART_BYTES: u64 = 64 << 20;

/// What redacted exchanges were redacted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitized {
    /// The key of the pseudonyms.
    pub key_id: KeyId,
    /// SHA-256 over the canonical policy, hexadecimal.
    pub policy_digest: String,
}

/// How a recording is written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// What the exchanges were redacted with; none for a raw recording.
    pub sanitized: Option<Sanitized>,
    /// How many bytes a part holds before compression.
    pub part_bytes: u64,
    /// How long a part waits for more, in packet time; none where it may wait for ever, as with a file.
    pub part_age: Option<Duration>,
    /// Where the traffic comes from, in words, e.g. `file checkout.pcap`.
    pub source: String,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { sanitized: None, part_bytes: PART_BYTES, part_age: None, source: String::new() }
    }
}

/// Writes a recording.
///
/// Memory: the exchanges of the part that is being gathered, `part_bytes` and at most one exchange more, and while it is written
/// one row group beside it. Dropped without [`finish`](Self::finish), it loses what was not published yet and nothing else.
pub struct RecordingWriter {
    place: Box<dyn Publish>,
    options: WriterOptions,
    /// What has been published.
    manifest: Manifest,
    /// Taken in and not published yet, detached from larger buffers.
    pending: Vec<Exchange>,
    pending_bytes: u64,
    /// Packet time when the oldest of `pending` was taken in.
    pending_since: Timestamp,
    /// Packet time: the latest that a tick or an exchange has told.
    now: Timestamp,
    /// The account as the last tick told it.
    ledger: LossLedger,
    /// As much of the account as stands in published parts.
    published_ledger: LossLedger,
}

impl RecordingWriter {
    /// Begins a recording in a folder that does not exist yet or is empty.
    pub fn create(dir: &Path, options: WriterOptions) -> Result<Self, Error> {
        Self::create_in(Box::new(Folder::create(dir)?), options)
    }

    /// Begins a recording in another place.
    pub fn create_in(place: Box<dyn Publish>, options: WriterOptions) -> Result<Self, Error> {
        let (state, key_id, policy_digest) = match &options.sanitized {
            None => (State::Raw, None, None),
            Some(Sanitized { key_id, policy_digest }) => (State::Redacted, Some(key_id.clone()), Some(policy_digest.clone())),
        };
        let manifest = Manifest::new(state, key_id, policy_digest, options.source.clone());
        // At once, so that a place that cannot be written to is known before any work is done.
        manifest.publish(place.as_ref())?;
        Ok(Self {
            place,
            options,
            manifest,
            pending: Vec::new(),
            pending_bytes: 0,
            pending_since: Timestamp::default(),
            now: Timestamp::from_nanos(i64::MIN),
            ledger: LossLedger::default(),
            published_ledger: LossLedger::default(),
        })
    }

    /// Takes an exchange; publishes a part when there is enough for one.
    pub fn write(&mut self, exchange: Exchange) -> Result<(), Error> {
        let bytes = columns::size(&exchange);
        if bytes > LARGEST_ROW {
            return Err(Error::RowTooLarge { exchange: exchange.id, bytes, limit: LARGEST_ROW });
        }
        self.now = self.now.max(exchange.timing.end.unwrap_or(exchange.start));
        if self.pending.is_empty() {
            self.pending_since = self.now;
        }
        self.pending.push(detached(exchange));
        self.pending_bytes += bytes;
        if self.pending_bytes >= self.options.part_bytes { self.publish_part(false) } else { Ok(()) }
    }

    /// Packet time has reached `now`, and the account so far is `ledger`; publishes a part that has waited long enough.
    pub fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), Error> {
        self.now = self.now.max(now);
        self.ledger.clone_from(ledger);
        let is_due = self.options.part_age.is_some_and(|age| self.now.since(self.pending_since) >= age);
        if is_due && !self.pending.is_empty() { self.publish_part(false) } else { Ok(()) }
    }

    /// Publishes what is left, with the rest of the account.
    pub fn finish(mut self, ledger: &LossLedger) -> Result<Manifest, Error> {
        self.ledger.clone_from(ledger);
        // Even without a row left: the last part says that the writer came to its end.
        self.publish_part(true)?;
        Ok(self.manifest)
    }

    /// What has been published so far.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn publish_part(&mut self, last: bool) -> Result<(), Error> {
        let name = part_name(self.manifest.parts.len() as u64 + 1);
        // Whole rows in one order, whichever order they came in: the same input makes the same bytes.
        self.pending.sort_by_key(|exchange| (exchange.start, exchange.id, exchange.stream));
        let mut share = Share { last, ledger: self.ledger.since(&self.published_ledger), ..Share::of(&self.manifest) };
        self.pending.iter().for_each(|exchange| share.count(exchange));

        let Published { bytes, sha256 } = self.write_part(&name, &share).map_err(|error| self.interrupted(&name, error))?;
        self.published_ledger.clone_from(&self.ledger);
        self.manifest.add(name, bytes, Some(sha256), share);
        self.pending.clear();
        self.pending_bytes = 0;
        self.manifest.publish(self.place.as_ref()).map_err(|error| self.interrupted(MANIFEST, error))?;
        Ok(())
    }

    fn write_part(&self, name: &str, share: &Share) -> Result<Published, Error> {
        let mut table = TableWriter::begin(self.place.as_ref(), name, &RECORDING, columns::schema(), properties())?;
        for rows in row_groups(&self.pending) {
            table.row_group(&columns::encode(rows))?;
        }
        table.publish(share.to_footer())
    }

    fn interrupted(&self, name: &str, source: Error) -> Error {
        let needed = if name == MANIFEST { 0 } else { self.pending_bytes };
        let parts = self.manifest.parts.len();
        let kept = match parts {
            0 => "nothing was published before it".to_owned(),
            1 => format!("1 part with {} exchanges stays readable", self.manifest.exchanges),
            _ => format!("{parts} parts with {} exchanges stay readable", self.manifest.exchanges),
        };
        Error::Interrupted { path: self.place.path(name), needed: needed.max(LEAST_NEEDED), kept, source: Box::new(source) }
    }
}

impl ExchangeSink for RecordingWriter {
    fn exchange(&mut self, exchange: Exchange) -> Result<(), BoxError> {
        Ok(self.write(exchange)?)
    }

    fn tick(&mut self, now: Timestamp, ledger: &LossLedger) -> Result<(), BoxError> {
        Ok(Self::tick(self, now, ledger)?)
    }
}

/// The same exchange in bytes of its own.
fn detached(exchange: Exchange) -> Exchange {
    Exchange {
        request: exchange.request.as_ref().map(Message::detached),
        interim: exchange.interim.iter().map(Head::detached).collect(),
        response: exchange.response.as_ref().map(Message::detached),
        ..exchange
    }
}

/// Runs of rows, cut by bytes and by number, of at least one row each.
fn row_groups(rows: &[Exchange]) -> impl Iterator<Item = &[Exchange]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(GROUP_ROWS).take_while(|row| {
            bytes += columns::size(row);
            bytes <= GROUP_BYTES
        });
        let (group, after) = rest.split_at(fitting.count().max(1).min(rest.len()));
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

fn properties() -> WriterProperties {
    let start = columns::schema().index_of("start_ns").expect("a column");
    let by_start = SortingColumn { column_idx: i32::try_from(start).expect("few columns"), descending: false, nulls_first: false };
    let mut properties = table::properties()
        .set_sorting_columns(Some(vec![by_start]))
        .set_data_page_row_count_limit(PAGE_ROWS)
        // Times are distinct and sorted: their differences are small, a dictionary of them is not.
        .set_column_dictionary_enabled(ColumnPath::from("start_ns"), false)
        .set_column_encoding(ColumnPath::from("start_ns"), Encoding::DELTA_BINARY_PACKED);
    for column in columns::BULKY {
        let path = ColumnPath::new(column.split('.').map(str::to_owned).collect());
        properties = properties.set_column_dictionary_enabled(path.clone(), false).set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    properties.build()
}

/// What a row group holds at most, before compression, unless one exchange is larger: small, so that a window of time leaves most unread.
const GROUP_BYTES: u64 = 8 << 20;
const GROUP_ROWS: usize = 8192;
/// A page holds at most so many rows, so that the page index tells times apart.
const PAGE_ROWS: usize = 1024;
/// Beyond this a batch's offsets would not reach.
const LARGEST_ROW: u64 = 1 << 30;
/// A footer and a manifest need some bytes even without rows.
const LEAST_NEEDED: u64 = 4096;
