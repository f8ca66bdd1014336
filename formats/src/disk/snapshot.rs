//! A state snapshot: what the rows of a database were, as entities that can be compared.
//!
//! In: entities with their rows, already redacted. Out: a folder of one Parquet file an entity and a `snapshot.json`, and the
//! entities again. Rows stand in the order of their keys, and a hash tree over them tells at once whether two entities are
//! equal. What never happens here: a row is read back that is not the one that was written (the tree's root is checked).

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::publish::{Digest, Folder, Publish};
use super::recording::wall_clock;
use super::table::{Footer, Table, TableWriter, properties};
use super::version::{Format, FormatVersion};
use crate::model::{KeyId, Timestamp};

/// The format of `snapshot.json` and of the entities beside it.
pub const FORMAT: Format = Format { name: "snapshot", version: FormatVersion { major: 1, minor: 1 } };

/// The state of a database at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSnapshot {
    /// The key under which its values were redacted.
    pub key_id: KeyId,
    /// SHA-256 of the policy under which they were.
    pub policy_digest: String,
    /// What kind of database it was, e.g. `postgresql`.
    pub database: String,
    /// The schema version whose projections were used.
    pub schema: String,
    /// When it may be read no longer.
    pub expires: Option<Timestamp>,
    /// The entities, in the order of their names.
    pub entities: Vec<Entity>,
}

/// One cell of a row: canonical text, or nothing.
pub type Cell = Option<Box<str>>;

/// One row: a cell for each column, those of the key first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(Box<[Cell]>);

/// Rows under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    name: String,
    columns: Vec<String>,
    key_length: usize,
    rows: Vec<Row>,
    root: Digest,
}

/// Rows that no key tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateKeys {
    /// How many rows share their key with an earlier one.
    pub count: u64,
}

impl Row {
    /// From its cells, those of the key first.
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into())
    }

    /// Its cells.
    pub fn cells(&self) -> &[Cell] {
        &self.0
    }

    fn hash_into(&self, hasher: &mut Sha256) {
        for cell in &self.0 {
            // A length before each text, so that no two rows are written alike.
            match cell {
                None => hasher.update([0]),
                Some(text) => {
                    hasher.update([1]);
                    hasher.update((text.len() as u64).to_le_bytes());
                    hasher.update(text.as_bytes());
                }
            }
        }
    }
}

impl fmt::Debug for Row {
    /// Shape only: what stands in a database does not belong in a log, redacted or not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("cells", &self.0.len()).finish_non_exhaustive()
    }
}

impl Entity {
    /// From rows in any order. `columns` are those of the key first; each row has one cell for each of them.
    pub fn new(name: impl Into<String>, columns: Vec<String>, key_length: usize, mut rows: Vec<Row>) -> Result<Self, DuplicateKeys> {
        debug_assert!(rows.iter().all(|row| row.0.len() == columns.len()) && key_length <= columns.len());
        rows.sort_unstable();
        let count = rows.windows(2).filter(|pair| pair[0].0[..key_length] == pair[1].0[..key_length]).count() as u64;
        if count > 0 {
            return Err(DuplicateKeys { count });
        }
        let root = root(&rows);
        Ok(Self { name: name.into(), columns, key_length, rows, root })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns, those of the key first.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns that tell its rows apart.
    pub fn key_columns(&self) -> &[String] {
        &self.columns[..self.key_length]
    }

    /// Its rows, in the order of their keys.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The root of the hash tree over its rows. Two entities with the same columns are equal if their roots are.
    pub const fn root(&self) -> Digest {
        self.root
    }
}

impl StateSnapshot {
    /// Writes it to a folder that does not exist yet.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let folder = Folder::create(path)?;
        let mut names = BTreeSet::new();
        let mut entities = Vec::with_capacity(self.entities.len());
        for entity in &self.entities {
            let file = file_name(&entity.name, &mut names);
            write_entity(&folder, &file, entity)?;
            entities.push(WireEntity {
                name: entity.name.clone(),
                file,
                columns: entity.columns.clone(),
                key: entity.key_columns().to_vec(),
                rows: entity.rows.len() as u64,
                root: entity.root,
            });
        }
        let document = WireSnapshot {
            key_id: self.key_id.to_string(),
            policy_digest: self.policy_digest.clone(),
            database: self.database.clone(),
            schema: self.schema.clone(),
            expires: self.expires.map(|time| time.to_string()),
            entities,
        };
        folder.publish(DOCUMENT, &FORMAT.document(&document)).map(|_| ())
    }

    /// Reads it from a folder, and checks every entity against the root that was written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let document_path = path.join(DOCUMENT);
        if !document_path.exists() {
            let why = if path.exists() { "it holds no snapshot.json" } else { "there is nothing" };
            return Err(Error::NotOurs { path: path.to_owned(), format: FORMAT.name, why: why.to_owned() });
        }
        let wire: WireSnapshot = FORMAT.read_document(&document_path)?;
        let damaged = |place: &str, why: String| Error::Damaged { path: document_path.clone(), place: place.to_owned(), why };
        let key_id = wire.key_id.parse().map_err(|why| damaged("key_id", why))?;
        let expires = wire.expires.as_deref().map(str::parse).transpose().map_err(|_| damaged("expires", "it is not a time".to_owned()))?;
        if let Some(expired) = expires.filter(|time| *time <= wall_clock()) {
            return Err(Error::Expired { path: path.to_owned(), expired });
        }
        let entities = wire.entities.into_iter().map(|entity| read_entity(path, entity)).collect::<Result<_, _>>()?;
        Ok(Self { key_id, policy_digest: wire.policy_digest, database: wire.database, schema: wire.schema, expires, entities })
    }
}

#[derive(Serialize, Deserialize)]
struct WireSnapshot {
    key_id: String,
    policy_digest: String,
    database: String,
    schema: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    entities: Vec<WireEntity>,
}

#[derive(Serialize, Deserialize)]
struct WireEntity {
    name: String,
    file: String,
    columns: Vec<String>,
    key: Vec<String>,
    rows: u64,
    root: Digest,
}

fn write_entity(folder: &Folder, file: &str, entity: &Entity) -> Result<(), Error> {
    let fields: Vec<_> = entity.columns.iter().map(|column| Field::new(column, DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = TableWriter::begin(folder, file, &FORMAT, Arc::clone(&schema), properties().build())?;
    for rows in entity.rows.chunks(ROW_GROUP) {
        let arrays = (0..entity.columns.len()).map(|column| {
            let mut builder = StringBuilder::new();
            rows.iter().for_each(|row| builder.append_option(row.0[column].as_deref()));
            Arc::new(builder.finish()) as ArrayRef
        });
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).expect("the arrays follow the schema");
        writer.row_group(&batch)?;
    }
    writer.publish(Footer::from([("reenact.entity".to_owned(), entity.name.clone())])).map(|_| ())
}

fn read_entity(folder: &Path, wire: WireEntity) -> Result<Entity, Error> {
    let document = folder.join(DOCUMENT);
    let damaged = |place: String, why: &str| Error::Damaged { path: document.clone(), place, why: why.to_owned() };
    if wire.file.contains(['/', '\\']) {
        return Err(damaged(format!("entity {}", wire.name), "its file stands outside of the folder"));
    }
    if wire.columns.get(..wire.key.len()) != Some(&wire.key[..]) {
        return Err(damaged(format!("entity {}", wire.name), "its columns do not begin with its key"));
    }
    let path = folder.join(&wire.file);
    if !path.exists() {
        return Err(Error::MissingPart { path });
    }
    let table = Table::open(&path, &FORMAT)?;
    let damaged = |why: &str| Error::Damaged { path: path.clone(), place: format!("entity {}", wire.name), why: why.to_owned() };
    let mut rows = Vec::new();
    for batch in table.reader().build().map_err(Error::parquet_read(&path))? {
        let batch = batch.map_err(|source| Error::parquet_read(&path)(source.into()))?;
        let columns: Vec<_> = wire
            .columns
            .iter()
            .map(|column| batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>()).ok_or_else(|| damaged("a column is missing")))
            .collect::<Result<_, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| Row(columns.iter().map(|array| array.is_valid(row).then(|| array.value(row).into())).collect())));
    }
    let entity = Entity::new(wire.name.clone(), wire.columns, wire.key.len(), rows).map_err(|_| damaged("two rows have the same key"))?;
    if entity.root != wire.root {
        return Err(Error::Altered { path, expected: wire.root, found: entity.root });
    }
    Ok(entity)
}

/// The root of the tree whose leaves are blocks of rows.
///
/// ```text
/// rows    r0 … r1023 | r1024 … r2047 | …
/// blocks       b0          b1             SHA-256 over the rows of a block
/// root               R                    SHA-256 over the blocks
/// ```
fn root(rows: &[Row]) -> Digest {
    let mut root = Vec::new();
    for block in rows.chunks(BLOCK) {
        let mut hasher = Sha256::new();
        block.iter().for_each(|row| row.hash_into(&mut hasher));
        root.extend_from_slice(&hasher.finalize());
    }
    Digest::of(&root)
}

/// A file name of letters, digits, `_`, `-` and `.` for the entity `name` that is not in `taken`.
fn file_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let stem: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).collect();
    let stem = if stem.is_empty() { "entity".to_owned() } else { stem };
    let names = std::iter::once(stem.clone()).chain((2..).map(|ordinal| format!("{stem}-{ordinal}")));
    // Compared without case: some file systems know none.
    let free = names.into_iter().find(|name| taken.insert(name.to_ascii_lowercase())).expect("there are more names than entities");
    format!("{free}.parquet")
}

/// What tells a snapshot's folder from others.
pub const DOCUMENT: &str = "snapshot.json";
const BLOCK: usize = 1024;
const ROW_GROUP: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[Option<&str>]) -> Row {
        Row::new(cells.iter().map(|cell| cell.map(Into::into)).collect())
    }

    fn sample() -> StateSnapshot {
        let columns = vec!["id".to_owned(), "name".to_owned()];
        let rows = vec![row(&[Some("2"), None]), row(&[Some("1"), Some("é")]), row(&[Some("10"), Some("")])];
        StateSnapshot {
            key_id: KeyId::from_digest([7; 8]),
            policy_digest: "p".to_owned(),
            database: "sqlite".to_owned(),
            schema: "v1".to_owned(),
            expires: Some(Timestamp::from_nanos(4_000_000_000_000_000_000)),
            entities: vec![
                Entity::new("Thing", columns.clone(), 1, rows.clone()).unwrap(),
                Entity::new("thing", columns.clone(), 2, rows).unwrap(),
                Entity::new("public.nothing", columns, 1, Vec::new()).unwrap(),
            ],
        }
    }

    #[test]
    fn round_trips() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("snapshot");
        sample().write(&path).unwrap();
        assert_eq!(StateSnapshot::open(&path).unwrap(), sample());
        assert!(path.join("Thing.parquet").exists() && path.join("thing-2.parquet").exists() && path.join("public_nothing.parquet").exists());
    }

    #[test]
    fn one_that_expired_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("snapshot");
        let past = Timestamp::from_nanos(1_500_000_000_000_000_000);
        StateSnapshot { expires: Some(past), ..sample() }.write(&path).unwrap();
        assert!(matches!(StateSnapshot::open(&path), Err(Error::Expired { expired, .. }) if expired == past));
    }

    #[test]
    fn the_page_names_every_field() {
        let page = include_str!("../../../docs/formats.md");
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("snapshot");
        sample().write(&path).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&std::fs::read(path.join(DOCUMENT)).unwrap()).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for key in keys(&document).into_iter().chain(keys(&document["entities"][0])) {
            assert!(page.contains(&format!("`{key}`")), "{key}");
        }
    }

    #[test]
    fn what_was_altered_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (path, other) = (root.path().join("a"), root.path().join("b"));
        sample().write(&path).unwrap();
        let mut changed = sample();
        changed.entities[0] = Entity::new("Thing", vec!["id".to_owned(), "name".to_owned()], 1, vec![row(&[Some("1"), None])]).unwrap();
        changed.write(&other).unwrap();
        std::fs::copy(other.join("Thing.parquet"), path.join("Thing.parquet")).unwrap();
        assert!(matches!(StateSnapshot::open(&path), Err(Error::Altered { .. })));
        std::fs::remove_file(path.join("Thing.parquet")).unwrap();
        assert!(matches!(StateSnapshot::open(&path), Err(Error::MissingPart { .. })));
        assert!(matches!(StateSnapshot::open(root.path()), Err(Error::NotOurs { .. })));
    }

    #[test]
    fn equal_rows_have_equal_roots_in_any_order() {
        let columns = vec!["id".to_owned()];
        let rows: Vec<_> = (0..3000).map(|id| row(&[Some(&id.to_string())])).collect();
        let reversed = rows.iter().rev().cloned().collect();
        let one = Entity::new("e", columns.clone(), 1, rows.clone()).unwrap();
        assert_eq!(one.root(), Entity::new("e", columns.clone(), 1, reversed).unwrap().root());
        assert_ne!(one.root(), Entity::new("e", columns.clone(), 1, rows[1..].to_vec()).unwrap().root());
        let twice = rows.iter().chain(&rows[..2]).cloned().collect();
        assert_eq!(Entity::new("e", columns, 1, twice), Err(DuplicateKeys { count: 2 }));
    }

    #[test]
    fn no_two_rows_are_hashed_alike() {
        let hash = |cells: &[Option<&str>]| {
            let mut hasher = Sha256::new();
            row(cells).hash_into(&mut hasher);
            hasher.finalize()
        };
        assert_ne!(hash(&[Some("ab"), Some("")]), hash(&[Some("a"), Some("b")]));
        assert_ne!(hash(&[None]), hash(&[Some("")]));
    }
}
