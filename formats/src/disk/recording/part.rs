//! One part: rows as they come, then sorted, encoded, written and published.
//!
//! In: exchanges, in any order. Out: one file, sorted by start, cut into row groups, with its share of the account in its footer.
//! Rows wait as columns, so that they keep nothing alive that they were cut from. What never happens here: the bytes of a part
//! depend on how many threads have made it.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

use arrow_array::builder::BinaryViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use rayon::ThreadPool;

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
        let groups = Groups { of: row_groups(&self.places).collect(), batches: self.batches };
        match pool {
            // One more than there are threads: none waits for the one that takes longest.
            Some(pool) => pool.in_place_scope(|scope| groups.write(&mut table, pool.current_num_threads() + 1, |work| scope.spawn(|_| work()), left)),
            None => groups.write(&mut table, 1, |work| work(), left),
        }?;
        Ok(Written { table, share: self.share })
    }
}

/// The row groups of a part, and the batches that their rows wait in.
struct Groups<'a> {
    of: Vec<&'a [Place]>,
    batches: Vec<RecordBatch>,
}

impl<'a> Groups<'a> {
    /// Writes them in order. So many at most are encoded at once or wait for being written; `begin` sets about encoding one.
    fn write(mut self, table: &mut TableWriter, at_once: usize, begin: impl Fn(Box<dyn FnOnce() + Send + 'a>), left: &Left) -> Result<(), Error> {
        let encoder = table.encoder();
        let uses = uses(&self.of, self.batches.len());
        let mut under_way = VecDeque::new();
        let mut to_begin = self.of.iter().copied().enumerate();
        for done in 0..self.of.len() {
            for (number, group) in to_begin.by_ref().take(at_once - under_way.len()) {
                let (send, receive) = mpsc::sync_channel(1);
                let (batches, encoder) = (self.batches.clone(), Arc::clone(&encoder));
                for (batch, _) in self.batches.iter_mut().zip(&uses).filter(|(_, uses)| uses.last == number) {
                    *batch = RecordBatch::new_empty(batch.schema());
                }
                begin(Box::new(move || {
                    let encoded = encode(&batches, group, &encoder);
                    drop(batches);
                    // Nobody waits for it any more where an earlier one could not be written.
                    let _ = send.send(encoded);
                }));
                under_way.push_back(receive);
            }
            // Where one has panicked, so does the scope that it is of.
            let Some(Ok(encoded)) = under_way.pop_front().map(|first| first.recv()) else { return Ok(()) };
            table.append(encoded?)?;
            // Rows come nearly in order: what is encoded makes room for what is gathered meanwhile.
            left.freed(uses.iter().filter(|uses| uses.last == done).map(|uses| uses.bytes).sum());
        }
        Ok(())
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
    let rows: Vec<(usize, usize)> = places.iter().map(|place| (place.batch, place.row)).collect();
    let columns = batches.first().map_or(0, RecordBatch::num_columns);
    let sorted: Vec<ArrayRef> =
        (0..columns).map(|column| sorted(&batches.iter().map(|batch| batch.column(column).as_ref()).collect::<Vec<_>>(), &rows)).collect();
    encoder.encode(&sorted)
}

/// The values of one column that stand in `rows`. Heads and bodies are most of what there is: they stay where they are.
fn sorted(batches: &[&dyn Array], rows: &[(usize, usize)]) -> ArrayRef {
    if batches.first().is_none_or(|batch| *batch.data_type() != DataType::Binary) {
        return interleave(batches, rows).expect("all batches have one schema, and a row group's bytes fit");
    }
    let batches: Vec<_> = batches.iter().map(|batch| batch.as_binary::<i32>()).collect();
    let mut views = BinaryViewBuilder::with_capacity(rows.len());
    let blocks: Vec<u32> = batches.iter().map(|batch| views.append_block(batch.values().clone())).collect();
    for &(batch, row) in rows {
        if batches[batch].is_null(row) {
            views.append_null();
        } else {
            let [from, to] = [row, row + 1].map(|row| batches[batch].value_offsets()[row].unsigned_abs());
            views.try_append_view(blocks[batch], from, to - from).expect("a value stands within its batch");
        }
    }
    Arc::new(views.finish())
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
    // In pages of the second version levels stand beside the values, which are compressed as they are, without being copied together first.
    properties = properties.set_writer_version(WriterVersion::PARQUET_2_0);
    for column in columns::BULKY {
        let statistics = EnabledStatistics::None;
        properties = properties.set_column_dictionary_enabled(path(column), false).set_column_statistics_enabled(path(column), statistics);
        properties = properties.set_column_encoding(path(column), Encoding::PLAIN);
    }
    // Times are distinct and nearly sorted: their differences are small, a dictionary of them is not.
    for column in columns::TIMES {
        properties = properties.set_column_dictionary_enabled(path(column), false).set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    for column in columns::UNIQUE {
        properties = properties.set_column_dictionary_enabled(path(column), false);
    }
    // What is left of them once they are encoded is not worth a compressor for each row group.
    for column in columns::COMPACT.iter().chain(columns::TIMES) {
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
