//! Parquet files of ours: written whole and published at once, opened with their stamp checked.
//!
//! In: record batches and a footer's texts. Out: one file that opens as it is in any tool that reads Parquet. What never
//! happens here: a file becomes visible before its footer is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedFileWriter;

use super::Error;
use super::publish::{Publish, Published, Unpublished};
use super::version::{Format, RELEASE, Stamp};

/// What a file's key-value metadata says, without the stamp.
pub type Footer = BTreeMap<String, String>;

/// The settings that all our Parquet files share: zstd, and a name for the writer.
pub fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).set_created_by(format!("reenact version {RELEASE}"))
}

/// Writes one Parquet file.
pub struct TableWriter {
    writer: SerializedFileWriter<Sink>,
    encoder: Arc<GroupEncoder>,
    path: PathBuf,
    failure: Failure,
}

/// Makes row groups of a table, on any thread.
pub struct GroupEncoder {
    schema: SchemaRef,
    columns: ArrowRowGroupWriterFactory,
    path: PathBuf,
}

/// A row group, encoded and compressed.
pub struct EncodedGroup(Vec<ArrowColumnChunk>);

/// What the system said when a write failed: the Parquet library keeps it on some of its ways only.
type Failure = Arc<Mutex<Option<io::Error>>>;

struct Sink {
    file: Box<dyn Unpublished>,
    failure: Failure,
}

impl Sink {
    fn remember<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.remember(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.remember(flushed)
    }
}

impl TableWriter {
    /// Begins the file that will be called `name`.
    pub fn begin(place: &dyn Publish, name: &str, format: &Format, schema: SchemaRef, properties: WriterProperties) -> Result<Self, Error> {
        let path = place.path(name);
        let failure = Failure::default();
        let sink = Sink { file: place.begin(name)?, failure: Arc::clone(&failure) };
        let writer = ArrowWriter::try_new(sink, SchemaRef::clone(&schema), Some(properties)).map_err(|error| write_error(&path, &failure, error))?;
        let (mut writer, columns) = writer.into_serialized_writer().map_err(|error| write_error(&path, &failure, error))?;
        let Stamp { format, version, written_by } = format.stamp();
        for (key, value) in [(FORMAT_KEY, format), (VERSION_KEY, version.to_string()), (WRITTEN_BY_KEY, written_by)] {
            writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        Ok(Self { writer, encoder: Arc::new(GroupEncoder { schema, columns, path: path.clone() }), path, failure })
    }

    /// What makes row groups of this table, to be used elsewhere.
    pub fn encoder(&self) -> Arc<GroupEncoder> {
        Arc::clone(&self.encoder)
    }

    /// Writes a batch as a row group of its own.
    pub fn row_group(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let group = self.encoder.encode(batch.columns())?;
        self.append(group)
    }

    /// Writes a row group that was encoded elsewhere.
    pub fn append(&mut self, group: EncodedGroup) -> Result<(), Error> {
        let append = || {
            let mut writer = self.writer.next_row_group()?;
            group.0.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut writer))?;
            writer.close().map(drop)
        };
        append().map_err(|error| write_error(&self.path, &self.failure, error))
    }

    /// Writes the footer and publishes the file.
    pub fn publish(self, footer: Footer) -> Result<Published, Error> {
        self.end(footer)?.publish()
    }

    /// The same, as `name` instead.
    pub fn publish_as(self, name: &str, footer: Footer) -> Result<Published, Error> {
        let mut file = self.end(footer)?;
        file.rename(name);
        file.publish()
    }

    fn end(mut self, footer: Footer) -> Result<Box<dyn Unpublished>, Error> {
        for (key, value) in footer {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        let sink = self.writer.into_inner().map_err(|error| write_error(&self.path, &self.failure, error))?;
        Ok(sink.file)
    }
}

impl GroupEncoder {
    /// Columns, those of the schema, as a row group. Where the schema has bytes, views of bytes will do.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<EncodedGroup, Error> {
        let encode = || {
            // Which row group it is matters to encryption alone.
            let mut writers = self.columns.create_column_writers(0)?.into_iter();
            let mut chunks = Vec::with_capacity(writers.len());
            for (field, array) in self.schema.fields().iter().zip(columns) {
                for leaf in compute_leaves(field, array)? {
                    let mut writer = writers.next().ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
                    writer.write(&leaf)?;
                    chunks.push(writer.close()?);
                }
            }
            Ok(EncodedGroup(chunks))
        };
        encode().map_err(|error: ParquetError| Error::Write { path: self.path.clone(), source: io::Error::other(error) })
    }
}

fn write_error(path: &Path, failure: &Failure, error: ParquetError) -> Error {
    let said = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    Error::Write { path: path.to_owned(), source: said.unwrap_or_else(|| io::Error::other(error)) }
}

/// A Parquet file of ours, opened: its footer has been read and its version is one that we know.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    input: Input,
    metadata: ArrowReaderMetadata,
    footer: Footer,
}

/// What a table is read with.
pub type TableReader = ParquetRecordBatchReaderBuilder<Input>;

impl Table {
    /// Opens the file at `path`, which is to be of `format`.
    pub fn open(path: &Path, format: &Format) -> Result<Self, Error> {
        Self::open_with(path, format, PageIndexPolicy::Optional)
    }

    /// Opens it for its footer alone: what says where its pages are is left unread.
    pub fn open_footer(path: &Path, format: &Format) -> Result<Self, Error> {
        Self::open_with(path, format, PageIndexPolicy::Skip)
    }

    fn open_with(path: &Path, format: &Format, pages: PageIndexPolicy) -> Result<Self, Error> {
        let input = Input::open(path)?;
        let options = ArrowReaderOptions::new().with_page_index_policy(pages);
        let metadata = contained(path, || ArrowReaderMetadata::load(&input, options))?.map_err(Error::parquet_read(path))?;
        let mut footer: Footer = metadata
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
            .collect();
        let mut taken =
            |key| footer.remove(key).ok_or_else(|| Error::NotOurs { path: path.to_owned(), format: format.name, why: format!("its footer has no {key}") });
        let (name, version, written_by) = (taken(FORMAT_KEY)?, taken(VERSION_KEY)?, taken(WRITTEN_BY_KEY)?);
        let version = version.parse().map_err(|why| Error::Damaged { path: path.to_owned(), place: format!("footer key {VERSION_KEY}"), why })?;
        format.check_readable(&Stamp { format: name, version, written_by }, path)?;
        Ok(Self { path: path.to_owned(), input, metadata, footer })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its key-value metadata, without the stamp.
    pub const fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Row groups, statistics, schema.
    pub fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// How many bytes of it were read so far, its footer included.
    pub fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// A reader to be told what to read.
    pub fn reader(&self) -> TableReader {
        TableReader::new_with_metadata(self.input.clone(), self.metadata.clone())
    }
}

impl Table {
    /// The batches that `reader` was told to read.
    pub fn batches(&self, reader: TableReader) -> Result<Batches, Error> {
        let reader = contained(&self.path, || reader.build())?.map_err(Error::parquet_read(&self.path))?;
        Ok(Batches { path: self.path.clone(), reader })
    }
}

/// A file of which it is counted how much is read. Readers of it do not move one another: each says where it reads.
#[derive(Debug, Clone)]
pub struct Input {
    file: Arc<File>,
    length: u64,
    read: Arc<AtomicU64>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::read(path))?;
        let length = file.metadata().map_err(Error::read(path))?.len();
        Ok(Self { file: Arc::new(file), length, read: Arc::default() })
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Input {
    type T = BufReader<InputFrom>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(InputFrom { input: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // What a damaged file says of its pages must not make room for more than there is.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes are expected at {start}, and the file has {}", self.length)));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(bytes.into())
    }
}

/// A file from some place on.
#[derive(Debug)]
pub struct InputFrom {
    input: Input,
    at: u64,
}

impl Read for InputFrom {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.input.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        self.input.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Batches of a table, in order.
pub struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match contained(&self.path, || self.reader.next()) {
            Ok(batch) => batch.map(|batch| batch.map_err(|error| Error::parquet_read(&self.path)(error.into()))),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Does what the Parquet library may panic at: it takes many a damage of a file for a broken promise of its caller.
fn contained<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, Error> {
    // Nothing of what the work was about is used after it failed.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Error::Parquet { path: path.to_owned(), source: ParquetError::General("not readable".to_owned()) })
}

const FORMAT_KEY: &str = "reenact.format";
const VERSION_KEY: &str = "reenact.version";
const WRITTEN_BY_KEY: &str = "reenact.written_by";
