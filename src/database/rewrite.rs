//! Rewrites a table in batches: each is read, rewritten in memory and written in one transaction, together with how far it has come.
//!
//! In: a connection, a table, what is done with its columns. Out: the table rewritten, each row once. The row of the progress table is the
//! truth and the lock: it is read first in each transaction, so that whoever is killed, at any point, or runs twice, writes no row twice. A
//! row whose key changes may come by again further on: the digests of such new keys are kept until all is done, and what has one is passed
//! over. Memory is bounded: the next batch is as large as the last one was light.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reenact_sanitize::Redactor;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::catalogue::{Key, Table};
use super::cells::{Change, Reader};
use super::columns::{Plan, Treatment};
use super::connection::{Connection, Engine, Value};
use super::progress::{self, MOVED};
use super::{Error, statement};

/// How much of a table was done in this run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Rows that were looked at.
    pub rows: u64,
    /// Of these, rows that were written.
    pub written: u64,
}

/// What is to be done with one table.
pub(super) struct Rewrite<'a> {
    engine: Engine,
    reader: Reader<'a>,
    /// Whether a row's key may be another one afterwards.
    moves: bool,
}

impl<'a> Rewrite<'a> {
    pub(super) fn new(engine: Engine, plan: &'a Plan, place: usize, table: &'a Table) -> Self {
        let logins = plan.treatments[place].iter().filter_map(|treatment| match treatment {
            Treatment::Password { login, .. } => Some(*login),
            _ => None,
        });
        let subject = plan.subjects[place];
        let columns: BTreeSet<usize> = plan.touched(place).chain(logins).chain(subject).collect();
        let columns = columns.into_iter().collect();
        let reader = Reader { table, treatments: &plan.treatments[place], key_length: table.key_length(), columns, subject };
        Self { engine, reader, moves: plan.moves(place, &table.key) }
    }

    /// The first rows of the table, for a look.
    pub(super) async fn sample(&self, connection: &mut Connection) -> Result<Vec<Vec<Value>>, Error> {
        connection.rows(&self.select(None, SAMPLE), &[]).await.map_err(|error| self.failed(&error))
    }

    pub(super) const fn reader(&self) -> &Reader<'a> {
        &self.reader
    }

    /// Rewrites what is left of the table. `each` is told how many rows each batch had; it stops by answering false.
    pub(super) async fn run(&self, connection: &mut Connection, lanes: &mut [Redactor], each: &mut dyn FnMut(u64) -> bool) -> Result<Done, Error> {
        let mut done = Done::default();
        let mut size = FIRST_BATCH;
        loop {
            connection.begin().await.map_err(|error| self.failed(&error))?;
            let batch = match self.batch(connection, lanes, size).await {
                Ok(batch) => batch,
                Err(error) => {
                    // The error counts; a connection that is lost has rolled back already.
                    let _ = connection.run("ROLLBACK").await;
                    return Err(error);
                }
            };
            connection.run("COMMIT").await.map_err(|error| self.failed(&error))?;
            done.rows += batch.rows;
            done.written += batch.written;
            if batch.is_last {
                return Ok(done);
            }
            size = (size * BATCH_BYTES / batch.weight.max(1)).clamp(1, (size * 2).min(MAX_BATCH));
            if !each(batch.rows) {
                return Err(Error::Stopped);
            }
        }
    }

    async fn batch(&self, connection: &mut Connection, lanes: &mut [Redactor], size: usize) -> Result<Batch, Error> {
        let table = self.reader.table;
        let failed = |error: sqlx::Error| self.failed(&error);
        let Some(last) = progress::position(connection, &table.shown()).await.map_err(failed)? else {
            return Ok(Batch { rows: 0, written: 0, weight: 0, is_last: true });
        };
        let last = last.as_deref().map(key_of_text).transpose().map_err(|()| Error::Progress { table: table.shown() })?;
        let values = last.as_ref().map(|last| self.after_values(last)).unwrap_or_default();
        let mut rows = connection.rows(&self.select(last.as_ref(), size), &values).await.map_err(failed)?;
        let is_last = rows.len() < size;
        let weight = rows.iter().flatten().map(Value::weight).sum();
        let next = rows.last().map(|row| text_of_key(&row[..self.reader.key_length]));
        if self.moves {
            self.pass_over_moved(connection, &mut rows).await.map_err(failed)?;
        }
        let count = rows.len() as u64;
        let changes = tokio::task::block_in_place(|| self.reader.rewrite(&rows, lanes))?;
        drop(rows);
        let written = changes.len() as u64;
        let moved = self.write(connection, changes).await?;
        self.remember_moved(connection, &moved).await.map_err(failed)?;
        progress::advance(connection, &table.shown(), next.as_deref(), count, is_last).await.map_err(failed)?;
        Ok(Batch { rows: count, written, weight, is_last })
    }

    /// The rows behind a key, in the order of keys.
    fn select(&self, last: Option<&Vec<Value>>, size: usize) -> String {
        let (engine, table) = (self.engine, self.reader.table);
        let read: Vec<String> =
            table.key_read(engine).into_iter().chain(self.reader.columns.iter().map(|column| table.columns[*column].read(engine))).collect();
        // With its table: else PostgreSQL sorts by the text that is asked for.
        let names: Vec<String> = table.key_names(engine).into_iter().map(|name| format!("t.{name}")).collect();
        let after = last.map_or_else(String::new, |_| format!(" where {}", self.after(&names, 0, &mut 0)));
        let read = if read.is_empty() { "1".to_owned() } else { read.join(", ") };
        let order = if names.is_empty() { String::new() } else { format!(" order by {}", names.join(", ")) };
        format!("select {read} from {} t{after}{order} limit {size}", table.quoted(engine))
    }

    /// `a >= ? and (a > ? or b > ?)`: in this form every engine goes by the index.
    fn after(&self, names: &[String], place: usize, hole: &mut usize) -> String {
        let mut given = || {
            let given = self.reader.table.key_given(self.engine, place, &self.engine.hole(*hole));
            *hole += 1;
            given
        };
        let name = &names[place];
        if place + 1 == names.len() {
            return format!("{name} > {}", given());
        }
        let (from, above) = (given(), given());
        format!("{name} >= {from} and ({name} > {above} or ({}))", self.after(names, place + 1, hole))
    }

    /// The values for it.
    fn after_values(&self, last: &[Value]) -> Vec<Value> {
        let (end, front) = last.split_last().expect("a key has a value");
        front.iter().flat_map(|value| [value.clone(), value.clone()]).chain([end.clone()]).collect()
    }

    /// Writes the changed rows. Answers with the keys of those whose key is another one now.
    async fn write(&self, connection: &mut Connection, changes: Vec<Change>) -> Result<Vec<String>, Error> {
        let mut by_columns: BTreeMap<Vec<usize>, Vec<Change>> = BTreeMap::new();
        for change in changes {
            by_columns.entry(change.cells.iter().map(|(column, _)| *column).collect()).or_default().push(change);
        }
        let mut moved = Vec::new();
        for (columns, changes) in by_columns {
            let moves = match &self.reader.table.key {
                Key::Columns(key) => key.iter().any(|column| columns.contains(column)),
                Key::MovingPlace(_) => true,
                Key::Place(_) | Key::None => false,
            };
            if self.engine == Engine::Postgres {
                moved.extend(self.write_at_once(connection, &columns, changes, moves).await?);
            } else {
                moved.extend(self.write_each(connection, &columns, changes, moves).await?);
            }
        }
        Ok(moved)
    }

    /// One statement for all rows, with an array of each column's values.
    async fn write_at_once(&self, connection: &mut Connection, columns: &[usize], changes: Vec<Change>, moves: bool) -> Result<Vec<String>, Error> {
        let (engine, table) = (self.engine, self.reader.table);
        let expected = changes.len();
        let mut arrays: Vec<Vec<Option<String>>> = vec![Vec::with_capacity(expected); self.reader.key_length + columns.len()];
        for change in changes {
            for (array, value) in arrays.iter_mut().zip(change.key.into_iter().chain(change.cells.into_iter().map(|(_, value)| value))) {
                array.push(match value {
                    Value::Text(text) => Some(text),
                    _ => None,
                });
            }
        }
        let names: Vec<String> = (0..arrays.len()).map(|place| engine.quoted(&format!("reenact {place}"))).collect();
        let holes: Vec<String> = (0..arrays.len()).map(|place| format!("{}::text[]", engine.hole(place))).collect();
        let set: Vec<String> = columns
            .iter()
            .zip(&names[self.reader.key_length..])
            .map(|(column, name)| {
                let column = &table.columns[*column];
                format!("{} = {}", engine.quoted(&column.name), column.written(engine, &format!("v.{name}")))
            })
            .collect();
        let matched: Vec<String> = table
            .key_names(engine)
            .iter()
            .enumerate()
            .map(|(place, name)| format!("t.{name} = {}", table.key_given(engine, place, &format!("v.{}", names[place]))))
            .collect();
        let returned =
            if moves { table.key_read(engine).into_iter().map(|key| format!("t.{key}")).collect::<Vec<_>>().join(", ") } else { "'1'::text".to_owned() };
        let sql = format!(
            "update {} as t set {} from unnest({}) as v({}) where {} returning {returned}",
            table.quoted(engine),
            set.join(", "),
            holes.join(", "),
            names.join(", "),
            matched.join(" and ")
        );
        let rows = connection.rows_of_arrays(&sql, arrays).await.map_err(|error| self.refused(&error, columns))?;
        if rows.len() != expected {
            return Err(Error::Changed { table: table.shown() });
        }
        Ok(if moves { rows.iter().map(|row| digest_of_key(row)).collect() } else { Vec::new() })
    }

    /// A statement for each row, prepared once.
    async fn write_each(&self, connection: &mut Connection, columns: &[usize], changes: Vec<Change>, moves: bool) -> Result<Vec<String>, Error> {
        let (engine, table) = (self.engine, self.reader.table);
        let set: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let column = &table.columns[*column];
                format!("{} = {}", engine.quoted(&column.name), column.written(engine, &engine.hole(place)))
            })
            .collect();
        let names = table.key_names(engine);
        let matched: Vec<String> =
            names.iter().enumerate().map(|(place, name)| format!("{name} = {}", table.key_given(engine, place, &engine.hole(columns.len() + place)))).collect();
        let sql = format!("update {} set {} where {}", table.quoted(engine), set.join(", "), matched.join(" and "));
        let mut moved = Vec::new();
        for change in changes {
            if moves && let Key::Columns(key) = &table.key {
                let value_of = |(place, column): (usize, &usize)| {
                    let written = change.cells.iter().find(|(written, _)| written == column).map(|(_, value)| value);
                    written.unwrap_or(&change.key[place]).clone()
                };
                moved.push(digest_of_key(&key.iter().enumerate().map(value_of).collect::<Vec<_>>()));
            }
            let values: Vec<Value> = change.cells.into_iter().map(|(_, value)| value).chain(change.key).collect();
            if connection.execute(&sql, &values).await.map_err(|error| self.refused(&error, columns))? != 1 {
                return Err(Error::Changed { table: table.shown() });
            }
        }
        Ok(moved)
    }

    async fn pass_over_moved(&self, connection: &mut Connection, rows: &mut Vec<Vec<Value>>) -> Result<(), sqlx::Error> {
        let mut seen = BTreeSet::new();
        let digests: Vec<String> = rows.iter().map(|row| digest_of_key(&row[..self.reader.key_length])).collect();
        for some in digests.chunks(MANY) {
            let holes: Vec<String> = (1..=some.len()).map(|place| self.engine.hole(place)).collect();
            let sql = format!("select row_key from {MOVED} where table_name = {} and row_key in ({})", self.engine.hole(0), holes.join(", "));
            let values: Vec<Value> = [self.reader.table.shown().as_str().into()].into_iter().chain(some.iter().map(|digest| digest.as_str().into())).collect();
            for row in connection.rows(&sql, &values).await? {
                seen.extend(row[0].text().map(str::to_owned));
            }
        }
        let mut digests = digests.iter();
        rows.retain(|_| digests.next().is_none_or(|digest| !seen.contains(digest)));
        Ok(())
    }

    async fn remember_moved(&self, connection: &mut Connection, moved: &[String]) -> Result<(), sqlx::Error> {
        for some in moved.chunks(MANY / 2) {
            let holes: Vec<String> = (0..some.len()).map(|place| format!("({}, {})", self.engine.hole(2 * place), self.engine.hole(2 * place + 1))).collect();
            let values: Vec<Value> = some.iter().flat_map(|digest| [self.reader.table.shown().as_str().into(), digest.as_str().into()]).collect();
            connection.execute(&format!("insert into {MOVED} (table_name, row_key) values {}", holes.join(", ")), &values).await?;
        }
        Ok(())
    }

    fn failed(&self, error: &sqlx::Error) -> Error {
        statement(&format!("table `{}`", self.reader.table.shown()), error)
    }

    /// What the database says of a row that it does not take.
    fn refused(&self, error: &sqlx::Error, columns: &[usize]) -> Error {
        let table = self.reader.table;
        let columns: Vec<&str> = columns.iter().map(|column| table.columns[*column].name.as_str()).collect();
        let place = format!("{} ({})", table.shown(), columns.join(", "));
        match error.as_database_error() {
            Some(inner) if inner.is_unique_violation() => Error::NotUnique { place, constraint: inner.constraint().map(str::to_owned) },
            Some(inner) if inner.is_check_violation() => Error::Check { place, constraint: inner.constraint().map(str::to_owned) },
            _ => statement(&place, error),
        }
    }
}

struct Batch {
    rows: u64,
    written: u64,
    weight: usize,
    is_last: bool,
}

/// A key as the progress table holds it.
fn text_of_key(key: &[Value]) -> String {
    let value = |value: &Value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(integer) => json!(integer),
        Value::Real(real) => json!({ "real": real.to_bits() }),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
    };
    serde_json::Value::Array(key.iter().map(value).collect()).to_string()
}

fn key_of_text(text: &str) -> Result<Vec<Value>, ()> {
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(drop)?;
    let value = |value: serde_json::Value| match value {
        serde_json::Value::Null => Some(Value::Null),
        serde_json::Value::Number(number) => number.as_i64().map(Value::Integer),
        serde_json::Value::String(text) => Some(Value::Text(text)),
        serde_json::Value::Object(object) => match (object.get("real"), object.get("bytes")) {
            (Some(real), _) => real.as_u64().map(|bits| Value::Real(f64::from_bits(bits))),
            (_, Some(bytes)) => STANDARD.decode(bytes.as_str()?).ok().map(Value::Bytes),
            _ => None,
        },
        _ => None,
    };
    let key: Vec<Value> = values.into_iter().map(value).collect::<Option<_>>().ok_or(())?;
    if key.is_empty() { Err(()) } else { Ok(key) }
}

/// A key that a row has got, as a digest: it is a pseudonym, of a length that an index takes.
fn digest_of_key(key: &[Value]) -> String {
    Sha256::digest(text_of_key(key)).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows of the first batch, before it is known how much they weigh.
const FIRST_BATCH: usize = 64;
const MAX_BATCH: usize = 2048;
/// How much the values of a batch may weigh.
const BATCH_BYTES: usize = 8 << 20;
/// How many values a statement takes in every engine.
const MANY: usize = 500;
/// How many rows are looked at to tell what would be done.
const SAMPLE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_the_progress_table() {
        let key = [Value::Integer(i64::MIN), Value::Text("a\"b\u{0}\u{fc}".into()), Value::Real(0.1), Value::Bytes(vec![0, 255]), Value::Null];
        assert!(key_of_text(&text_of_key(&key)).is_ok_and(|read| read == key));
        for text in ["", "[]", "{}", "[true]", "[{}]", "[1.5]"] {
            assert!(key_of_text(text).is_err(), "{text}");
        }
    }
}
