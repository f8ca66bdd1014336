//! Parquet files of ours: written whole and published at once, opened with their stamp checked.
//!
//! In: record batches and a footer's texts. Out: one file that opens as it is in any tool that reads Parquet. What never
//! happens here: a file becomes visible before its footer is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

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
    writer: ArrowWriter<Box<dyn Unpublished>>,
    path: PathBuf,
}

impl TableWriter {
    /// Begins the file that will be called `name`.
    pub fn begin(place: &dyn Publish, name: &str, format: &Format, schema: SchemaRef, properties: WriterProperties) -> Result<Self, Error> {
        let path = place.path(name);
        let mut writer = ArrowWriter::try_new(place.begin(name)?, schema, Some(properties)).map_err(Error::parquet_write(&path))?;
        let Stamp { format, version, written_by } = format.stamp();
        for (key, value) in [(FORMAT_KEY, format), (VERSION_KEY, version.to_string()), (WRITTEN_BY_KEY, written_by)] {
            writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        Ok(Self { writer, path })
    }

    /// Writes a batch as a row group of its own.
    pub fn row_group(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).and_then(|()| self.writer.flush()).map_err(Error::parquet_write(&self.path))
    }

    /// Writes the footer and publishes the file.
    pub fn publish(mut self, footer: Footer) -> Result<Published, Error> {
        for (key, value) in footer {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        self.writer.into_inner().map_err(Error::parquet_write(&self.path))?.publish()
    }
}

/// A Parquet file of ours, opened: its footer has been read and its version is one that we know.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    footer: Footer,
}

impl Table {
    /// Opens the file at `path`, which is to be of `format`.
    pub fn open(path: &Path, format: &Format) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::read(path))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(Error::parquet_read(path))?;
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
        Ok(Self { path: path.to_owned(), metadata, footer })
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

    /// A reader to be told what to read. The file is opened anew for each: readers of one open file would move one another.
    pub fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
        let file = File::open(&self.path).map_err(Error::read(&self.path))?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone()))
    }
}

const FORMAT_KEY: &str = "reenact.format";
const VERSION_KEY: &str = "reenact.version";
const WRITTEN_BY_KEY: &str = "reenact.written_by";
