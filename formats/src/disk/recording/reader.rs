//! Parts into exchanges.
//!
//! In: a folder, and a window of time. Out: its manifest, and the window's exchanges in order of start. What never happens
//! here: a part outside of the window is opened, a page is read of which no row is wanted, more than one row group of each part
//! that overlaps the present moment is held, or a part is read that is not the one that the manifest vouches for, unless the caller says
//! that a few pages are not worth reading all of it.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy, RowSelector};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::columns::{self, Decoder};
use super::figures::{Figures, PART_STEPS};
use super::manifest::{Begun, Manifest, Part, Share};
use super::retention::has_gone;
use super::{MANIFEST, RECORDING, Selection, Window, part_name, part_number, wall_clock};
use crate::disk::Error;
use crate::disk::publish::Digest;
use crate::disk::table::{Batches, Table, TableReader};
use crate::model::{Exchange, ExchangeId, Timestamp};
use crate::selection::Where;

/// A recording, opened.
#[derive(Debug)]
pub struct Recording {
    dir: PathBuf,
    manifest: Manifest,
    rebuilt: bool,
}

impl Recording {
    /// Opens the recording in `dir`. Every part must be there in its full length; what is in them is read later.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let recording = Self::open_partial(dir)?;
        recording.manifest.parts.iter().try_for_each(|part| recording.check_presence(part))?;
        if let Some(name) = recording.strays()?.into_iter().next() {
            return Err(Error::Foreign { path: dir.join(name), why: "the manifest does not list it".to_owned() });
        }
        Ok(recording)
    }

    /// Opens the recording in `dir`, whatever has become of its parts, to say what is left of it.
    pub fn open_partial(dir: &Path) -> Result<Self, Error> {
        let names = part_names(dir)?;
        let path = dir.join(MANIFEST);
        let (mut manifest, rebuilt) = match Manifest::read(&path) {
            Ok(manifest) => (manifest, false),
            Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => (rebuild(dir, &names)?, true),
            Err(error) => return Err(error),
        };
        if !rebuilt && !manifest.finished {
            adopt(dir, &mut manifest, &names)?;
        }
        if let Some(expired) = manifest.expires.filter(|time| *time <= wall_clock()) {
            return Err(Error::Expired { path: dir.to_owned(), expired });
        }
        Ok(Self { dir: dir.to_owned(), manifest, rebuilt })
    }

    /// What it is, in figures.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its manifest alone.
    pub fn into_manifest(self) -> Manifest {
        self.manifest
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether there was no manifest, so that it was made from the footers of the parts.
    pub const fn is_rebuilt(&self) -> bool {
        self.rebuilt
    }

    /// The exchanges that start within `window`, in order of start.
    pub fn exchanges(&self, window: &Window) -> Result<Exchanges, Error> {
        self.select(&(*window).into(), Digests::Compare)
    }

    /// The exchanges that `selection` wants, in order of start.
    pub fn select(&self, selection: &Selection, digests: Digests) -> Result<Exchanges, Error> {
        self.exchanges_of(&self.manifest.parts, selection, digests)
    }

    /// The exchanges of one part that start within `window`, in order of start.
    pub fn part_exchanges(&self, part: &Part, window: &Window) -> Result<Exchanges, Error> {
        self.exchanges_of(std::slice::from_ref(part), &(*window).into(), Digests::Compare)
    }

    fn exchanges_of(&self, parts: &[Part], selection: &Selection, digests: Digests) -> Result<Exchanges, Error> {
        let touched = |part: &&Part| part.counts.from.zip(part.counts.to).is_some_and(|(from, to)| selection.window.touches(from, to));
        let mut unopened: Vec<_> = parts.iter().filter(touched).cloned().collect();
        unopened.sort_by_key(|part| std::cmp::Reverse(part.counts.from));
        let account = ReadAccount { parts_skipped: (parts.len() - unopened.len()) as u64, ..ReadAccount::default() };
        let (dir, manifest, selection) = (self.dir.clone(), self.manifest.clone(), selection.clone());
        Ok(Exchanges { dir, manifest, selection, digests, unopened, open: Vec::new(), account, failed: false })
    }

    /// One exchange, if it is here. Only the columns of its id are read until it is found.
    pub fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, Error> {
        for part in &self.manifest.parts {
            if let Some(found) = open_part(&self.dir, part, &self.manifest, Digests::Compare)?.find(id)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What its rows hold, in figures, with starts in at most so many steps of time; and how many bytes were read for it: of parts that tell their
    /// figures the footers alone, of older ones the columns that are counted. Of a footer only the version and the counts are held against the manifest.
    pub fn figures(&self, steps: u32) -> Result<(Figures, u64), Error> {
        let mut figures = Figures::over(self.manifest.from.zip(self.manifest.to), steps);
        let mut bytes = 0;
        for part in &self.manifest.parts {
            let path = self.dir.join(&part.name);
            let table = Table::open_footer(&path, &RECORDING)?;
            let share = Share::from_table(&table)?;
            agree(&share, part, &self.manifest, &path)?;
            bytes += table.bytes_read();
            match share.figures {
                Some(told) => figures.add(&told),
                None => {
                    let opened = open_part(&self.dir, part, &self.manifest, Digests::Compare)?;
                    figures.add(&opened.figures(part)?);
                    bytes += opened.table.bytes_read() + part.bytes;
                }
            }
        }
        Ok((figures, bytes))
    }

    /// Whether `part` is there in its full length.
    pub fn check_presence(&self, part: &Part) -> Result<(), Error> {
        let path = self.dir.join(&part.name);
        let found = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::MissingPart { path }),
            Err(error) => return Err(Error::Read { path, source: error }),
        };
        if found != part.bytes {
            let place = format!("byte {}", found.min(part.bytes));
            return Err(Error::Damaged { path, place, why: format!("it has {found} bytes, and the manifest says {}", part.bytes) });
        }
        Ok(())
    }

    /// Whether `part` is the one that the manifest vouches for; there is nothing to compare with if the manifest was rebuilt.
    pub fn check_digest(&self, part: &Part) -> Result<(), Error> {
        check_digest(&self.dir.join(&part.name), part)
    }

    /// Whether every part is the one that the manifest vouches for.
    pub fn verify_digests(&self) -> Result<(), Error> {
        self.manifest.parts.iter().try_for_each(|part| self.check_digest(part))
    }

    /// Names of files that look like parts and are not listed.
    pub fn strays(&self) -> Result<Vec<String>, Error> {
        let listed: BTreeSet<_> = self.manifest.parts.iter().map(|part| part.name.as_str()).collect();
        let is_stray = |name: &String| !listed.contains(name.as_str()) && !has_gone(name, &self.manifest.retired);
        Ok(part_names(&self.dir)?.into_iter().filter(is_stray).collect())
    }
}

/// The names of the parts in `dir`, in order; temporary files and whatever else is there are passed over.
fn part_names(dir: &Path) -> Result<Vec<String>, Error> {
    let not_ours = |why: &str| Error::NotOurs { path: dir.to_owned(), format: RECORDING.name, why: why.to_owned() };
    if fs::metadata(dir).map_err(Error::read(dir))?.is_file() {
        return Err(not_ours("it is a file"));
    }
    let mut numbers = BTreeSet::new();
    let mut has_manifest = false;
    for entry in fs::read_dir(dir).map_err(Error::read(dir))? {
        let name = entry.map_err(Error::read(dir))?.file_name();
        has_manifest |= name == MANIFEST;
        numbers.extend(name.to_str().and_then(part_number));
    }
    if numbers.is_empty() && !has_manifest {
        return Err(not_ours("it holds neither a manifest.json nor a part-000001.parquet"));
    }
    Ok(numbers.into_iter().map(part_name).collect())
}

/// The manifest as the footers of the parts tell it.
fn rebuild(dir: &Path, names: &[String]) -> Result<Manifest, Error> {
    // The last one knows best what was here, and has gone.
    let last = Table::open(&dir.join(&names[names.len() - 1]), &RECORDING)?;
    let share = Share::from_table(&last)?;
    let Share { state, key_id, key_scope, policy_digest, expires, source, origin, retired, extent, .. } = share;
    let mut manifest = Manifest::new(source, Begun { state, key_id, key_scope, policy_digest, expires, origin });
    manifest.ledger = retired.ledger.clone();
    (manifest.retired, manifest.extent) = (retired, extent);
    adopt(dir, &mut manifest, names)?;
    let numbers: BTreeSet<_> = names.iter().filter_map(|name| part_number(name)).collect();
    let last = numbers.last().copied().unwrap_or_default();
    manifest.missing = (manifest.retired.parts + 1..last).filter(|number| !numbers.contains(number)).map(part_name).collect();
    manifest.finished &= manifest.missing.is_empty();
    Ok(manifest)
}

/// Adds the parts that were published after the manifest was.
fn adopt(dir: &Path, manifest: &mut Manifest, names: &[String]) -> Result<(), Error> {
    let listed = manifest.parts.last().and_then(|part| part_number(&part.name)).unwrap_or_default().max(manifest.retired.parts);
    for name in names.iter().filter(|name| part_number(name).is_some_and(|number| number > listed)) {
        let path = dir.join(name);
        let table = Table::open(&path, &RECORDING)?;
        let share = Share::from_table(&table)?;
        if let Some(why) = share.disagreement(manifest) {
            return Err(Error::Foreign { path, why: why.to_owned() });
        }
        let bytes = fs::metadata(&path).map_err(Error::read(&path))?.len();
        manifest.add(name.clone(), bytes, None, share);
    }
    Ok(())
}

fn check_digest(path: &Path, part: &Part) -> Result<(), Error> {
    let Some(expected) = part.sha256 else { return Ok(()) };
    let found = match Digest::of_file(path) {
        Err(Error::Read { path, source }) if source.kind() == io::ErrorKind::NotFound => return Err(Error::MissingPart { path }),
        other => other?,
    };
    if found == expected { Ok(()) } else { Err(Error::Altered { path: path.to_owned(), expected, found }) }
}

fn open_part(dir: &Path, part: &Part, manifest: &Manifest, digests: Digests) -> Result<OpenPart, Error> {
    let path = dir.join(&part.name);
    // Before a byte of it is understood: an altered part would be taken for traffic.
    if digests == Digests::Compare {
        check_digest(&path, part)?;
    }
    let table = Table::open(&path, &RECORDING)?;
    agree(&Share::from_table(&table)?, part, manifest, &path)?;
    Ok(OpenPart { table, next_group: 0, rows_before: 0, last_start: None, rows: VecDeque::new() })
}

/// Whether a part says of itself what the manifest says of it.
fn agree(share: &Share, part: &Part, manifest: &Manifest, path: &Path) -> Result<(), Error> {
    let why = if share.counts != part.counts { Some("its rows are not those that the manifest counts") } else { share.disagreement(manifest) };
    why.map_or(Ok(()), |why| Err(Error::Foreign { path: path.to_owned(), why: why.to_owned() }))
}

/// Whether parts are held against their digests before they are read; for that all of a part is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Digests {
    /// They are.
    #[default]
    Compare,
    /// They are not: its length, and what its footer says, must do.
    Skip,
}

/// What was read, and what could be left unread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadAccount {
    /// Parts opened.
    pub parts: u64,
    /// Parts outside of the window.
    pub parts_skipped: u64,
    /// Row groups read.
    pub row_groups: u64,
    /// Row groups of opened parts outside of the window.
    pub row_groups_skipped: u64,
    /// Exchanges handed out.
    pub exchanges: u64,
    /// Bytes read, those for digests included.
    pub bytes: u64,
}

/// The exchanges of a window, in order of start.
///
/// Parts are opened when their time comes and closed when they are through. Memory: one row group of each part that is open.
#[derive(Debug)]
pub struct Exchanges {
    dir: PathBuf,
    manifest: Manifest,
    selection: Selection,
    digests: Digests,
    /// Those whose time has not come, the earliest last.
    unopened: Vec<Part>,
    /// Those with rows at hand; never one without.
    open: Vec<OpenPart>,
    account: ReadAccount,
    failed: bool,
}

impl Exchanges {
    /// What was read so far.
    pub fn account(&self) -> ReadAccount {
        let open: u64 = self.open.iter().map(|part| part.table.bytes_read()).sum();
        ReadAccount { bytes: self.account.bytes + open, ..self.account }
    }

    fn advance(&mut self) -> Result<Option<Exchange>, Error> {
        // A part that begins no later than what is at hand may hold what comes first.
        while let Some(next) = self.unopened.last().and_then(|part| part.counts.from)
            && self.earliest().is_none_or(|(_, (start, _))| next <= start)
        {
            self.open_next()?;
        }
        let Some((position, _)) = self.earliest() else { return Ok(None) };
        let part = &mut self.open[position];
        let exchange = part.rows.pop_front();
        if !part.refill(&self.selection, &mut self.account)? {
            self.account.bytes += self.open.swap_remove(position).table.bytes_read();
        }
        self.account.exchanges += 1;
        Ok(exchange)
    }

    /// Which open part holds what comes first.
    fn earliest(&self) -> Option<(usize, (Timestamp, ExchangeId))> {
        self.open.iter().enumerate().filter_map(|(position, part)| Some((position, part.head()?))).min_by_key(|(_, head)| *head)
    }

    fn open_next(&mut self) -> Result<(), Error> {
        let part = self.unopened.pop().expect("asked for only while there is one");
        let mut opened = open_part(&self.dir, &part, &self.manifest, self.digests)?;
        self.account.parts += 1;
        self.account.bytes += if self.digests == Digests::Compare && part.sha256.is_some() { part.bytes } else { 0 };
        if opened.refill(&self.selection, &mut self.account)? {
            self.open.push(opened);
        } else {
            self.account.bytes += opened.table.bytes_read();
        }
        Ok(())
    }
}

impl Iterator for Exchanges {
    type Item = Result<Exchange, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}

#[derive(Debug)]
struct OpenPart {
    table: Table,
    next_group: usize,
    rows_before: u64,
    /// The start of the last row seen: rows are sorted, and the merge relies on it.
    last_start: Option<Timestamp>,
    /// Of the row group that was read last, in order.
    rows: VecDeque<Exchange>,
}

impl OpenPart {
    fn head(&self) -> Option<(Timestamp, ExchangeId)> {
        self.rows.front().map(|exchange| (exchange.start, exchange.id))
    }

    /// Reads the next row group of the window if there is no row at hand; answers whether there is one then.
    fn refill(&mut self, selection: &Selection, account: &mut ReadAccount) -> Result<bool, Error> {
        while self.rows.is_empty() {
            let metadata = self.table.metadata();
            if self.next_group == metadata.num_row_groups() {
                return Ok(false);
            }
            let group = metadata.row_group(self.next_group);
            let group_rows = u64::try_from(group.num_rows()).unwrap_or_default();
            let range = start_range(group);
            if range.is_none_or(|(first, last)| selection.window.touches(first, last)) {
                let is_within = range.is_some_and(|(first, last)| selection.window.contains(first) && selection.window.contains(last));
                self.rows =
                    if is_within && selection.condition.is_none() { self.read_group(self.next_group)? } else { self.read_some(self.next_group, selection)? };
                account.row_groups += 1;
            } else {
                account.row_groups_skipped += 1;
            }
            self.next_group += 1;
            self.rows_before += group_rows;
        }
        Ok(true)
    }

    /// All rows of a group.
    fn read_group(&mut self, group: usize) -> Result<VecDeque<Exchange>, Error> {
        let mut rows = VecDeque::new();
        let mut first_row = self.rows_before;
        for batch in self.batches(self.exchange_columns(), group)? {
            let batch = batch?;
            let decoder = Decoder::new(&batch, self.table.path(), first_row);
            self.last_start = self.sorted(&decoder.starts()?, first_row)?;
            rows.extend(decoder.decode(0..batch.num_rows())?);
            first_row += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    /// The wanted rows of a group: first the columns that decide are read, then of the others the pages that are left.
    fn read_some(&mut self, group: usize, selection: &Selection) -> Result<VecDeque<Exchange>, Error> {
        let deciding = selection.condition.as_ref().map(Where::columns).unwrap_or_default();
        let reader = self.table.reader();
        let mask = ProjectionMask::columns(reader.parquet_schema(), deciding.iter().map(|column| column.word()).chain(["start_ns"]));
        let (mut wanted, mut numbers) = (Vec::new(), Vec::new());
        let mut row = self.rows_before;
        for batch in self.batches(reader.with_projection(mask), group)? {
            let batch = batch?;
            let decoder = Decoder::new(&batch, self.table.path(), row);
            let starts = decoder.starts()?;
            self.last_start = self.sorted(&starts, row)?;
            let meant = selection.condition.as_ref().map(|condition| decoder.meant(condition)).transpose()?;
            for (position, start) in starts.into_iter().enumerate() {
                let is_wanted = selection.window.contains(start) && meant.as_ref().is_none_or(|meant| meant[position]);
                wanted.push(is_wanted);
                numbers.extend(is_wanted.then_some(row));
                row += 1;
            }
        }
        if numbers.is_empty() {
            return Ok(VecDeque::new());
        }
        let runs = wanted.chunk_by(|one, next| one == next).map(|run| if run[0] { RowSelector::select(run.len()) } else { RowSelector::skip(run.len()) });
        // Read as runs: only so are pages between them left out.
        let reader =
            self.exchange_columns().with_row_selection(RowSelection::from(runs.collect::<Vec<_>>())).with_row_selection_policy(RowSelectionPolicy::Selectors);
        let mut rows = VecDeque::new();
        for batch in self.batches(reader, group)? {
            let batch = batch?;
            let numbers = numbers.get(rows.len()..).unwrap_or_default();
            rows.extend(Decoder::of_rows(&batch, self.table.path(), numbers).decode(0..batch.num_rows())?);
        }
        Ok(rows)
    }

    /// A reader of what an exchange is made of.
    fn exchange_columns(&self) -> TableReader {
        let reader = self.table.reader();
        let fields = reader.parquet_schema().root_schema().get_fields().iter().enumerate();
        let wanted: Vec<_> = fields.filter(|(_, field)| !columns::PLAIN.contains(&field.name())).map(|(position, _)| position).collect();
        let mask = ProjectionMask::roots(reader.parquet_schema(), wanted);
        reader.with_projection(mask)
    }

    /// The last of some starts, behind those before them; an error if they are not sorted.
    fn sorted(&self, starts: &[Timestamp], first_row: u64) -> Result<Option<Timestamp>, Error> {
        if !self.last_start.iter().chain(starts).is_sorted() {
            let place = format!("row {}", first_row + 1);
            return Err(Error::Damaged { path: self.table.path().to_owned(), place, why: "its rows are not sorted by start".to_owned() });
        }
        Ok(starts.last().copied().or(self.last_start))
    }

    fn figures(&self, part: &Part) -> Result<Figures, Error> {
        let mut figures = Figures::over(part.counts.from.zip(part.counts.to), PART_STEPS);
        let reader = self.table.reader();
        let mask = ProjectionMask::roots(reader.parquet_schema(), columns::places(reader.parquet_schema(), columns::COUNTED));
        for batch in self.table.batches(reader.with_projection(mask).with_batch_size(BATCH_ROWS))? {
            figures.count(&batch?, self.table.path())?;
        }
        Ok(figures)
    }

    fn find(&self, id: ExchangeId) -> Result<Option<Exchange>, Error> {
        let mut rows_before = 0;
        for group in 0..self.table.metadata().num_row_groups() {
            if let Some(row) = self.position(group, id, rows_before)? {
                let mut found = self.batches(self.table.reader().with_offset(row).with_limit(1), group)?;
                let Some(batch) = found.next().transpose()? else { return Ok(None) };
                return Ok(Decoder::new(&batch, self.table.path(), rows_before + row as u64).decode(0..batch.num_rows())?.pop());
            }
            rows_before += u64::try_from(self.table.metadata().row_group(group).num_rows()).unwrap_or_default();
        }
        Ok(None)
    }

    /// Where in a row group the exchange `id` stands.
    fn position(&self, group: usize, id: ExchangeId, rows_before: u64) -> Result<Option<usize>, Error> {
        let reader = self.table.reader();
        let mask = ProjectionMask::columns(reader.parquet_schema(), ["connection", "ordinal"]);
        let mut row = 0;
        for batch in self.batches(reader.with_projection(mask), group)? {
            let batch = batch?;
            let ids = Decoder::new(&batch, self.table.path(), rows_before).ids()?;
            if let Some(position) = ids.iter().position(|candidate| *candidate == id) {
                return Ok(Some(row + position));
            }
            row += batch.num_rows();
        }
        Ok(None)
    }

    fn batches(&self, reader: TableReader, group: usize) -> Result<Batches, Error> {
        self.table.batches(reader.with_row_groups(vec![group]).with_batch_size(BATCH_ROWS))
    }
}

/// The first and the last start in a row group, if it says.
fn start_range(group: &RowGroupMetaData) -> Option<(Timestamp, Timestamp)> {
    let column = group.columns().iter().find(|column| column.column_path().string() == "start_ns")?;
    match column.statistics()? {
        Statistics::Int64(statistics) => Some((Timestamp::from_nanos(*statistics.min_opt()?), Timestamp::from_nanos(*statistics.max_opt()?))),
        _ => None,
    }
}

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 1024;
