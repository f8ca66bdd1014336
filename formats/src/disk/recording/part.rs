//! One part: rows as they come, then sorted, encoded, written and published.
//!
//! In: exchanges, in any order. Out: one file, sorted by start, cut into row groups, with its share of the account in its footer.
//! Rows wait as columns, so that they keep nothing alive that they were cut from. What never happens here: the bytes of a part
//! depend on how many threads have made it.

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::RECORDING;
use super::columns::{self, Rows};
use super::figures::{Figures, PART_STEPS};
use super::manifest::Share;
use super::retention::Retired;
use super::standing::Unstored;
use super::writer::Left;
use crate::disk::Error;
use crate::disk::publish::{Publish, Published};
use crate::disk::table::{self, EncodedGroup, GroupEncoder, TableWriter};
use crate::model::{Exchange, ExchangeId, Timestamp};

/// The rows of a part that is being gathered.
pub(super) struct Gathered {
    /// The latest, until they are enough for a batch.
    open: Rows,
    open_bytes: u64,
    batches: Vec<RecordBatch>,
    places: Vec<Place>,
    bytes: u64,
    /// What the part will say of itself.
    pub(super) share: Share,
}

/// Where a row waits, and what it is sorted by.
struct Place {
    start: Timestamp,
    id: ExchangeId,
    stream: u64,
    batch: usize,
    row: usize,
    bytes: u64,
}

impl Gathered {
    /// None yet.
    pub(super) fn new(share: Share) -> Self {
        Self { open: Rows::new(), open_bytes: 0, batches: Vec::new(), places: Vec::new(), bytes: 0, share }
    }

    /// Adds a row that takes so many bytes.
    pub(super) fn push(&mut self, row: &Exchange, bytes: u64) {
        self.share.count(row);
        self.places.push(Place { start: row.start, id: row.id, stream: row.stream, batch: self.batches.len(), row: self.open.len(), bytes });
        self.open.push(row);
        self.open_bytes += bytes;
        self.bytes += bytes;
        if self.open_bytes >= BATCH_BYTES {
            self.close_batch();
        }
    }

    /// What the rows take before compression.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn close_batch(&mut self) {
        self.batches.push(self.open.take());
        self.open_bytes = 0;
    }

    /// Writes the part; with a pool, several row groups are encoded at once. `left` is told what is held no longer.
    pub(super) fn write(mut self, place: &dyn Publish, name: &str, pool: Option<&ThreadPool>, left: &Left) -> Result<Written, Error> {
        self.close_batch();
        let counts = &self.share.counts;
        let mut figures = Figures::over(counts.from.zip(counts.to), PART_STEPS);
        self.batches.iter().try_for_each(|batch| figures.count(batch, &place.path(name)))?;
        self.share.figures = Some(figures);
        // Whole rows in one order, whichever order they came in: the same input makes the same bytes.
        self.places.sort_by_key(|place| (place.start, place.id, place.stream));
        let mut table = TableWriter::begin(place, name, &RECORDING, columns::schema(), properties())?;
        let encoder = table.encoder();
        let mut batches = self.batches;
        let groups: Vec<&[Place]> = row_groups(&self.places).collect();
        let uses = uses(&groups, batches.len());
        let at_once = pool.map_or(1, ThreadPool::current_num_threads);
        let mut done = 0;
        let mut encoded = Vec::new();
        // While some row groups are written, the next are encoded.
        for some in groups.chunks(at_once).chain([&[][..]]) {
            let encode = |group: &&[Place]| encode(&batches, group, &encoder);
            let before = std::mem::take(&mut encoded);
            let write = || before.into_iter().try_for_each(|group| table.append(group));
            let (next, written): (Result<Vec<EncodedGroup>, Error>, _) = match pool {
                Some(pool) => pool.join(|| some.par_iter().map(encode).collect(), write),
                None => (some.iter().map(encode).collect(), write()),
            };
            written?;
            encoded = next?;
            done += some.len();
            // Rows come nearly in order: what is encoded makes room for what is gathered meanwhile.
            for (batch, uses) in batches.iter_mut().zip(&uses).filter(|(batch, uses)| uses.last < done && batch.num_rows() > 0) {
                *batch = RecordBatch::new_empty(batch.schema());
                left.freed(uses.bytes);
            }
        }
        Ok(Written { table, share: self.share })
    }
}

/// A part that is whole but for its footer, and that no reader sees yet.
pub(super) struct Written {
    table: TableWriter,
    share: Share,
}

impl Written {
    /// Publishes it as `name`, when so much of the recording has gone. What could not be stored before it is told with it.
    pub(super) fn publish(mut self, name: &str, retired: &Retired, unstored: &Unstored) -> Result<(Published, Share), Error> {
        self.share.retired.clone_from(retired);
        unstored.tell(&mut self.share);
        Ok((self.table.publish_as(name, self.share.to_footer())?, self.share))
    }
}

/// Until when a batch is held, and what for.
#[derive(Clone, Default)]
struct Uses {
    /// The last row group that has rows of it.
    last: usize,
    /// What its rows take.
    bytes: u64,
}

fn uses(groups: &[&[Place]], batches: usize) -> Vec<Uses> {
    let mut uses = vec![Uses::default(); batches];
    for (number, group) in groups.iter().enumerate() {
        for place in *group {
            uses[place.batch].last = number;
            uses[place.batch].bytes += place.bytes;
        }
    }
    uses
}

/// The rows that stand in `places` as a row group, in that order.
fn encode(batches: &[RecordBatch], places: &[Place], encoder: &GroupEncoder) -> Result<EncodedGroup, Error> {
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let rows: Vec<(usize, usize)> = places.iter().map(|place| (place.batch, place.row)).collect();
    let sorted = interleave_record_batch(&batches, &rows).expect("all batches have one schema, and a row group's bytes fit");
    encoder.encode(&sorted)
}

/// Runs of rows, cut by bytes and by number, of at least one row each.
fn row_groups(rows: &[Place]) -> impl Iterator<Item = &[Place]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(GROUP_ROWS).take_while(|row| {
            bytes += row.bytes;
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
    let path = |column: &str| ColumnPath::new(column.split('.').map(str::to_owned).collect());
    let mut properties = table::properties().set_sorting_columns(Some(vec![by_start])).set_data_page_row_count_limit(PAGE_ROWS);
    for column in columns::BULKY {
        properties = properties.set_column_dictionary_enabled(path(column), false).set_column_statistics_enabled(path(column), EnabledStatistics::None);
    }
    // Times are distinct and nearly sorted: their differences are small, a dictionary of them is not.
    for column in columns::TIMES {
        properties = properties.set_column_dictionary_enabled(path(column), false).set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    for column in columns::UNIQUE {
        properties = properties.set_column_dictionary_enabled(path(column), false);
    }
    // A dictionary of a few words leaves nothing to compress.
    for column in columns::WORDS {
        properties = properties.set_column_compression(path(column), Compression::UNCOMPRESSED);
    }
    properties.build()
}

/// What rows are gathered into before the next batch begins.
const BATCH_BYTES: u64 = 4 << 20;
/// What a row group holds at most, before compression, unless one exchange is larger: small, so that a window of time leaves most unread.
const GROUP_BYTES: u64 = 8 << 20;
const GROUP_ROWS: usize = 8192;
/// A page holds at most so many rows, so that the page index tells times apart.
const PAGE_ROWS: usize = 1024;
