//! One way to talk to three databases. SQL with `?` and values flow in, rows flow out.
//!
//! Each request runs in one transaction, which first reads the one row of `schema_version` and then speaks that version. The row
//! is the lock between services and the migration: a transaction holds it shared, the migration takes it for itself.
//!
//! | | a request holds it by | the migration takes it by |
//! |---|---|---|
//! | SQLite | its snapshot; writers also by `BEGIN IMMEDIATE` | `BEGIN IMMEDIATE` |
//! | PostgreSQL | the table lock of its plain `SELECT` | `LOCK TABLE … ACCESS EXCLUSIVE`: queued fairly, no row is written |
//! | MariaDB | `LOCK IN SHARE MODE` | `FOR UPDATE`, then the word `migrating`, because its DDL commits |
//!
//! Statements are the same text for all three, except where they cannot be: the dialect is only in this folder.

mod migration;
mod schema;

use std::{str::FromStr, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use sqlx::{
    AssertSqlSafe, Connection as _, Decode, Executor as _, MySql, MySqlConnection, MySqlPool, PgConnection, PgPool, Postgres, Row as _, Sqlite, SqlitePool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow},
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

pub use migration::{Variant, migrate};
pub use schema::Schema;

use crate::failure::Failure;

/// The service's rows.
pub(crate) struct Store {
    database: Database,
}

impl Store {
    /// Connects, and creates the schema where there is none.
    pub(crate) async fn open(url: &str, schema: Schema) -> Result<Self> {
        let database = Database::connect(url, CONNECTIONS).await?;
        let mut transaction = database.begin(Access::Write).await.context("opening a first transaction")?;
        schema::create(&mut transaction, schema).await.context("creating the schema")?;
        transaction.commit().await.context("creating the schema")?;
        Ok(Store { database })
    }

    /// Begins a request's transaction in whatever schema the database is now; waits while it is being migrated.
    pub(crate) async fn begin(&self, access: Access) -> Result<Transaction, Failure> {
        for _ in 0..MIGRATION_POLLS {
            let mut transaction = self.database.begin(access).await?;
            if let Some(schema) = schema::shared(&mut transaction).await? {
                transaction.schema = schema;
                return Ok(transaction);
            }
            transaction.rollback().await?;
            tokio::time::sleep(MIGRATION_POLL).await;
        }
        Err(Failure::Migrating)
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// Whether a transaction writes. SQLite has one writer, and it is chosen when the transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A database of one of the three kinds.
enum Database {
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    Postgres(PgPool),
    MySql(MySqlPool),
}

impl Database {
    async fn connect(url: &str, connections: u32) -> Result<Self> {
        let scheme = url.split(':').next().unwrap_or_default();
        // The URL may hold a password: errors name the kind of database only, and leave out the parser's words, which may quote it.
        match scheme {
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url)
                    .map_err(|_| anyhow!("the SQLite URL cannot be read"))?
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // A power cut may lose a sandbox's last rows; a crash of the process loses none.
                    .synchronous(SqliteSynchronous::Off)
                    .busy_timeout(LOCK_WAIT);
                let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(LOCK_WAIT);
                let writer = pool(1).connect_with(options.clone()).await.context("opening the SQLite file")?;
                let readers = pool(connections.min(4)).connect_with(options).await.context("opening the SQLite file")?;
                Ok(Database::Sqlite { readers, writer })
            }
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(|_| anyhow!("the PostgreSQL URL cannot be read"))?;
                // A pool would try again for as long as it may wait for a lock.
                PgConnection::connect_with(&options).await.context("connecting to PostgreSQL")?.close().await.context("connecting to PostgreSQL")?;
                let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(LOCK_WAIT);
                Ok(Database::Postgres(pool.connect_lazy_with(options)))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(|_| anyhow!("the MariaDB URL cannot be read"))?;
                MySqlConnection::connect_with(&options).await.context("connecting to MariaDB")?.close().await.context("connecting to MariaDB")?;
                // Without gap locks requests of different customers do not meet; a request repeats no read.
                let pool = MySqlPoolOptions::new().max_connections(connections).acquire_timeout(LOCK_WAIT).after_connect(|connection, _| {
                    Box::pin(async { connection.execute("set session transaction isolation level read committed").await.map(drop) })
                });
                Ok(Database::MySql(pool.connect_lazy_with(options)))
            }
            _ => bail!("a database URL begins with sqlite:, postgres:, mysql: or mariadb:"),
        }
    }

    async fn begin(&self, access: Access) -> Result<Transaction, sqlx::Error> {
        let inner = match (self, access) {
            (Database::Sqlite { readers, .. }, Access::Read) => Inner::Sqlite(readers.begin().await?),
            (Database::Sqlite { writer, .. }, Access::Write) => Inner::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            (Database::Postgres(pool), _) => Inner::Postgres(pool.begin().await?),
            (Database::MySql(pool), _) => Inner::MySql(pool.begin().await?),
        };
        Ok(Transaction { inner, schema: Schema::V1 })
    }

    async fn close(&self) {
        match self {
            Database::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
            Database::MySql(pool) => pool.close().await,
        }
    }
}

/// One transaction. Dropped without [`commit`](Transaction::commit), it leaves nothing behind.
pub(crate) struct Transaction {
    inner: Inner,
    /// The schema that [`Store::begin`] found; of no meaning before.
    pub(crate) schema: Schema,
}

enum Inner {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
    MySql(sqlx::Transaction<'static, MySql>),
}

impl Transaction {
    /// All rows of a query.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match &mut self.inner {
            Inner::Sqlite(inner) => bind!(sqlx::query(sql), values).fetch_all(&mut **inner).await?.into_iter().map(Row::Sqlite).collect(),
            Inner::Postgres(inner) => bind!(sqlx::query(numbered(sql)), values).fetch_all(&mut **inner).await?.into_iter().map(Row::Postgres).collect(),
            Inner::MySql(inner) => bind!(sqlx::query(sql), values).fetch_all(&mut **inner).await?.into_iter().map(Row::MySql).collect(),
        })
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn row(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, sqlx::Error> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Runs a statement and tells how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, sqlx::Error> {
        Ok(match &mut self.inner {
            Inner::Sqlite(inner) => bind!(sqlx::query(sql), values).execute(&mut **inner).await?.rows_affected(),
            Inner::Postgres(inner) => bind!(sqlx::query(numbered(sql)), values).execute(&mut **inner).await?.rows_affected(),
            Inner::MySql(inner) => bind!(sqlx::query(sql), values).execute(&mut **inner).await?.rows_affected(),
        })
    }

    /// Runs statements of the schema, which take no values.
    async fn define(&mut self, sql: String) -> Result<u64, sqlx::Error> {
        Ok(match &mut self.inner {
            Inner::Sqlite(inner) => sqlx::query(AssertSqlSafe(sql)).execute(&mut **inner).await?.rows_affected(),
            Inner::Postgres(inner) => sqlx::query(AssertSqlSafe(sql)).execute(&mut **inner).await?.rows_affected(),
            Inner::MySql(inner) => sqlx::query(AssertSqlSafe(sql)).execute(&mut **inner).await?.rows_affected(),
        })
    }

    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.inner {
            Inner::Sqlite(inner) => inner.commit().await,
            Inner::Postgres(inner) => inner.commit().await,
            Inner::MySql(inner) => inner.commit().await,
        }
    }

    async fn rollback(self) -> Result<(), sqlx::Error> {
        match self.inner {
            Inner::Sqlite(inner) => inner.rollback().await,
            Inner::Postgres(inner) => inner.rollback().await,
            Inner::MySql(inner) => inner.rollback().await,
        }
    }

    fn kind(&self) -> Kind {
        match self.inner {
            Inner::Sqlite(_) => Kind::Sqlite,
            Inner::Postgres(_) => Kind::Postgres,
            Inner::MySql(_) => Kind::MySql,
        }
    }
}

/// Which dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

/// A value on its way into a statement. Integers and text suffice for a shop: money is counted in cents.
pub(crate) enum Value {
    Integer(i64),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::Text(Some(value.clone()))
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Value::Text(value.clone())
    }
}

/// A row of any of the three. Columns are read by position, in the order in which the query names them.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    MySql(MySqlRow),
}

impl Row {
    /// A text column that may be null.
    pub(crate) fn text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
        self.read(column)
    }

    /// A text column that is never null.
    pub(crate) fn string(&self, column: usize) -> Result<String, sqlx::Error> {
        self.read(column)
    }

    /// An integer column.
    pub(crate) fn integer(&self, column: usize) -> Result<i64, sqlx::Error> {
        self.read(column)
    }

    fn read<T>(&self, column: usize) -> Result<T, sqlx::Error>
    where
        T: for<'r> Decode<'r, Sqlite> + for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, MySql>,
    {
        // Unchecked, because MariaDB calls text with a binary collation binary.
        match self {
            Row::Sqlite(row) => row.try_get_unchecked(column),
            Row::Postgres(row) => row.try_get_unchecked(column),
            Row::MySql(row) => row.try_get_unchecked(column),
        }
    }
}

/// Binds values one after another. A macro, because each database has a query type of its own.
macro_rules! bind {
    ($query:expr, $values:expr) => {
        $values.iter().fold($query, |query, value| match value {
            Value::Integer(integer) => query.bind(*integer),
            Value::Text(text) => query.bind(text.clone()),
        })
    };
}
use bind;

/// PostgreSQL numbers its placeholders. No statement here has a question mark in a literal.
fn numbered(sql: &str) -> AssertSqlSafe<String> {
    let mut parts = sql.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        out.push_str(&format!("${}{part}", index + 1));
    }
    AssertSqlSafe(out)
}

/// A service of two cores has no use for more.
const CONNECTIONS: u32 = 12;
/// A migration may take a while, and losing the request would be worse than waiting.
const LOCK_WAIT: Duration = Duration::from_secs(60);
const MIGRATION_POLL: Duration = Duration::from_millis(5);
const MIGRATION_POLLS: u32 = 12_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        assert_eq!(numbered("select a from b where c = ? and d = ?").0, "select a from b where c = $1 and d = $2");
        assert_eq!(numbered("select 1").0, "select 1");
    }
}
