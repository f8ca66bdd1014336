//! How far the rewriting of a sandbox copy has come: tables of ours in the copy itself.
//!
//! In: a connection within a transaction. Out: where a table is to be gone on with. What is written here is written in the transaction of the
//! rows that it speaks of. What never happens here: a copy that one key or policy has begun is gone on with under another.

use reenact_verify::shown_address;

use super::connection::{Connection, Engine, Value};
use super::{Error, statement};

/// Which key and policy a copy is rewritten under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) key_id: String,
    pub(super) policy_digest: String,
}

/// Whether there is something to be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Nothing was written yet.
    Fresh,
    /// Somebody was here before.
    Resumed,
}

/// Looks what was done before, and makes our tables if there are none. A copy that is done is refused.
pub(super) async fn look(connection: &mut Connection, database: &str, stamp: &Stamp) -> Result<Beginning, Error> {
    let failed = |error| statement("cannot keep the progress", &error);
    for table in TABLES {
        connection.run(&format!("create table if not exists {table}")).await.map_err(failed)?;
    }
    let rows = connection.rows(&format!("select state, key_id, policy_digest from {PROGRESS} where table_name = ''"), &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(Beginning::Fresh) };
    let word = |place: usize| row[place].text().unwrap_or_default().to_owned();
    let (state, key_id, policy_digest) = (word(0), word(1), word(2));
    let shown = shown_address(database);
    if state == DONE {
        return Err(Error::Done { shown, key_id });
    }
    for (kind, given, expected) in [("key", &stamp.key_id, key_id), ("policy", &stamp.policy_digest, policy_digest)] {
        if *given != expected {
            return Err(Error::BegunOtherwise { shown, kind, given: given.clone(), expected });
        }
    }
    Ok(Beginning::Resumed)
}

/// Writes down what is to be done: the whole, which has no name, and each table.
pub(super) async fn begin(connection: &mut Connection, tables: &[String], stamp: &Stamp) -> Result<(), sqlx::Error> {
    let engine = connection.engine();
    connection.begin().await?;
    let known: Vec<String> =
        connection.rows(&format!("select table_name from {PROGRESS}"), &[]).await?.into_iter().filter_map(|row| row[0].text().map(str::to_owned)).collect();
    let sql = format!(
        "insert into {PROGRESS} (table_name, state, row_count, key_id, policy_digest) values ({}, '{BEGUN}', 0, {}, {})",
        engine.hole(0),
        engine.hole(1),
        engine.hole(2)
    );
    for table in std::iter::once("").chain(tables.iter().map(String::as_str)).filter(|table| !known.iter().any(|known| known == table)) {
        connection.execute(&sql, &[table.into(), stamp.key_id.as_str().into(), stamp.policy_digest.as_str().into()]).await?;
    }
    connection.run("COMMIT").await
}

/// The key of the last row of `table` that was done, if any was; nothing if all of it is done. Whoever asks has the table to itself until the end
/// of the transaction.
pub(super) async fn position(connection: &mut Connection, table: &str) -> Result<Option<Option<String>>, sqlx::Error> {
    let engine = connection.engine();
    // SQLite's transaction has the whole file to itself.
    let lock = if engine == Engine::Sqlite { "" } else { " for update" };
    let sql = format!("select last_key from {PROGRESS} where table_name = {} and state = '{BEGUN}'{lock}", engine.hole(0));
    Ok(connection.rows(&sql, &[table.into()]).await?.first().map(|row| row[0].text().map(str::to_owned)))
}

/// Writes down that `count` rows more of `table` are done, up to the one with the key `last`, or all of them.
pub(super) async fn advance(connection: &mut Connection, table: &str, last: Option<&str>, count: u64, is_last: bool) -> Result<(), sqlx::Error> {
    let engine = connection.engine();
    let number = if engine == Engine::Postgres { "$3::bigint" } else { "?" };
    let sql = format!(
        "update {PROGRESS} set last_key = {}, state = {}, row_count = row_count + {number} where table_name = {}",
        engine.hole(0),
        engine.hole(1),
        engine.hole(3)
    );
    // The key may be a person's: it is not kept for longer than it is needed.
    let last = last.filter(|_| !is_last).map_or(Value::Null, Value::from);
    let count = Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    connection.execute(&sql, &[last, (if is_last { DONE } else { BEGUN }).into(), count, table.into()]).await.map(drop)
}

/// Writes down that all is done.
pub(super) async fn finish(connection: &mut Connection) -> Result<(), sqlx::Error> {
    connection.begin().await?;
    connection.run(&format!("delete from {MOVED}")).await?;
    connection.run(&format!("update {PROGRESS} set state = '{DONE}' where table_name = ''")).await?;
    connection.run("COMMIT").await
}

/// Digests of keys that rows have got while a table is under way.
pub(super) const MOVED: &str = "reenact_sandbox_moved";
const PROGRESS: &str = "reenact_sandbox_progress";
const TABLES: [&str; 2] = [
    "reenact_sandbox_progress (table_name varchar(255) not null primary key, state varchar(16) not null, last_key text, \
     row_count bigint not null, key_id varchar(64) not null, policy_digest varchar(64) not null)",
    "reenact_sandbox_moved (table_name varchar(255) not null, row_key varchar(64) not null, primary key (table_name, row_key))",
];
const BEGUN: &str = "begun";
const DONE: &str = "done";
