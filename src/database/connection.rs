//! One way to talk to three engines: statements and values flow in, rows flow out.
//!
//! PostgreSQL and MySQL are asked for text and given text, cast in the statement: so every type that they have comes and goes in the form in
//! which they write it themselves. SQLite's values bring their type with them. What never happens here: a value in an error.

use reenact_verify::{Address, reason, shown_address};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Row as _, SqlSafeStr, TypeInfo, ValueRef, raw_sql};

use super::Error;

/// Which dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
    MySql,
}

/// A value of a row.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How much memory it takes.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                _ => 0,
            }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A connection to a database that may be written to.
pub(super) struct Connection {
    inner: Inner,
    /// The address without user and password.
    pub(super) shown: String,
}

enum Inner {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    MySql(MySqlConnection),
}

impl Connection {
    /// Connects to `database`, and has values come in one form.
    pub(super) async fn open(database: &str) -> Result<Self, Error> {
        let shown = shown_address(database);
        let refused = |error: sqlx::Error| Error::Connect { shown: shown_address(database), why: reason(&error) };
        // The driver would log each statement; rows belong in no log.
        let inner = match Address::of(database)? {
            // References are kept by us, and looked at when all is done. What is overwritten must not stay in the file.
            Address::Sqlite(options) => {
                let options = options.foreign_keys(false).pragma("secure_delete", "ON").busy_timeout(LOCK_WAIT);
                Inner::Sqlite(options.disable_statement_logging().connect().await.map_err(refused)?)
            }
            Address::Postgres(options) => Inner::Postgres(options.disable_statement_logging().connect().await.map_err(refused)?),
            Address::MySql(options) => Inner::MySql(options.disable_statement_logging().connect().await.map_err(refused)?),
        };
        let mut connection = Self { inner, shown };
        for statement in connection.engine().settings() {
            connection.run(statement).await.map_err(refused)?;
        }
        Ok(connection)
    }

    pub(super) const fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
            Inner::MySql(_) => Engine::MySql,
        }
    }

    /// Runs a statement without values.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let statement = raw_sql(AssertSqlSafe(sql.to_owned()).into_sql_str());
        match &mut self.inner {
            Inner::Sqlite(connection) => statement.execute(connection).await.map(drop),
            Inner::Postgres(connection) => statement.execute(connection).await.map(drop),
            Inner::MySql(connection) => statement.execute(connection).await.map(drop),
        }
    }

    /// Begins a transaction that is going to write.
    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.run(if self.engine() == Engine::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" }).await
    }

    /// Runs a statement with values, and tells how many rows it touched.
    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, sqlx::Error> {
        let query = AssertSqlSafe(sql.to_owned());
        Ok(match &mut self.inner {
            Inner::Sqlite(connection) => bound!(sqlx::query(query), values).execute(connection).await?.rows_affected(),
            Inner::Postgres(connection) => as_text(sqlx::query(query), values).execute(connection).await?.rows_affected(),
            Inner::MySql(connection) => bound!(sqlx::query(query), values).execute(connection).await?.rows_affected(),
        })
    }

    /// The rows that a query answers with. Of PostgreSQL and MySQL it must ask for text.
    pub(super) async fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, sqlx::Error> {
        let query = AssertSqlSafe(sql.to_owned());
        match &mut self.inner {
            Inner::Sqlite(connection) => bound!(sqlx::query(query), values).fetch_all(connection).await?.iter().map(sqlite_row).collect(),
            Inner::Postgres(connection) => as_text(sqlx::query(query), values).fetch_all(connection).await?.iter().map(postgres_row).collect(),
            Inner::MySql(connection) => bound!(sqlx::query(query), values).fetch_all(connection).await?.iter().map(mysql_row).collect(),
        }
    }

    /// PostgreSQL only: runs a statement on many rows at once, each value of which is an array of a column's texts.
    pub(super) async fn rows_of_arrays(&mut self, sql: &str, columns: Vec<Vec<Option<String>>>) -> Result<Vec<Vec<Value>>, sqlx::Error> {
        let Inner::Postgres(connection) = &mut self.inner else { return Ok(Vec::new()) };
        let query = columns.into_iter().fold(sqlx::query(AssertSqlSafe(sql.to_owned())), |query, column| query.bind(column));
        query.fetch_all(connection).await?.iter().map(postgres_row).collect()
    }

    /// Parts in order.
    pub(super) async fn close(self) {
        // All is committed; how the parting goes changes nothing.
        let _ = match self.inner {
            Inner::Sqlite(connection) => connection.close().await,
            Inner::Postgres(connection) => connection.close().await,
            Inner::MySql(connection) => connection.close().await,
        };
    }
}

impl Engine {
    /// What a session begins with.
    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => &["SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, YMD'", "SET IntervalStyle = 'iso_8601'", "SET extra_float_digits = 1"],
            // Strict: a value that does not fit is an error, never cut.
            Self::MySql => &["SET SESSION sql_mode = 'STRICT_ALL_TABLES'", "SET SESSION foreign_key_checks = 0", "SET time_zone = '+00:00'"],
        }
    }

    /// A name as it is written in a statement.
    pub(super) fn quoted(self, name: &str) -> String {
        let quote = if self == Self::MySql { '`' } else { '"' };
        format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
    }

    /// The place of the value number `index`, from 0.
    pub(super) fn hole(self, index: usize) -> String {
        if self == Self::Postgres { format!("${}", index + 1) } else { "?".to_owned() }
    }
}

/// Binds values one after another. A macro, because each engine has a query type of its own.
macro_rules! bound {
    ($query:expr, $values:expr) => {
        $values.iter().fold($query, |query, value| match value {
            Value::Null => query.bind(None::<String>),
            Value::Integer(integer) => query.bind(*integer),
            Value::Real(real) => query.bind(*real),
            Value::Text(text) => query.bind(text.clone()),
            Value::Bytes(bytes) => query.bind(bytes.clone()),
        })
    };
}
use bound;

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// PostgreSQL takes each value as text.
fn as_text<'q>(query: PgQuery<'q>, values: &[Value]) -> PgQuery<'q> {
    values.iter().fold(query, |query, value| {
        query.bind(match value {
            Value::Null | Value::Bytes(_) => None,
            Value::Integer(integer) => Some(integer.to_string()),
            Value::Real(real) => Some(real.to_string()),
            Value::Text(text) => Some(text.clone()),
        })
    })
}

fn sqlite_row(row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    (0..row.len())
        .map(|index| {
            let value = row.try_get_raw(index)?;
            if value.is_null() {
                return Ok(Value::Null);
            }
            // What counts is what is stored: a column's declared type binds nothing in SQLite.
            let stored = value.type_info().name().to_owned();
            Ok(match stored.as_str() {
                "INTEGER" | "INT4" | "BOOLEAN" => Value::Integer(row.try_get_unchecked(index)?),
                "REAL" => Value::Real(row.try_get_unchecked(index)?),
                "BLOB" => Value::Bytes(row.try_get_unchecked(index)?),
                _ => Value::Text(row.try_get_unchecked(index)?),
            })
        })
        .collect()
}

fn postgres_row(row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
    (0..row.len()).map(|index| Ok(row.try_get_unchecked::<Option<String>, _>(index)?.map_or(Value::Null, Value::Text))).collect()
}

fn mysql_row(row: &MySqlRow) -> Result<Vec<Value>, sqlx::Error> {
    // Bytes, for text with a binary collation is called binary.
    let text = |bytes| String::from_utf8(bytes).map_err(|_| sqlx::Error::Protocol("a value is not valid UTF-8".to_owned()));
    (0..row.len()).map(|index| Ok(row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?.map(text).transpose()?.map_or(Value::Null, Value::Text))).collect()
}

/// Another writer is waited for as long as this.
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(30);
