//! One snapshot: connect, begin a read-only transaction, read each entity, redact each value, sort. Or one query, handed out as it comes.
//!
//! Rows are sorted here and not by the database: a pseudonym sorts elsewhere than its original, and every database has
//! collations of its own.

use std::collections::BTreeMap;
use std::str::FromStr;

use futures_util::TryStreamExt;
use reenact_formats::disk::snapshot::{Cell, Entity, Row, StateSnapshot};
use reenact_formats::seam::Redact;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlDatabaseError};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, SqlSafeStr, Statement};

use super::engines::Engine;
use super::entities::{Entities, Projection};
use crate::Error;

/// Reads the state of `database`: `sqlite:PATH`, a path, `postgres://…` or `mysql://…`. `schema` chooses among an entity's
/// projections. Nothing is written, and every value passes `redact` before it is kept.
pub async fn snapshot(database: &str, entities: &Entities, schema: &str, redact: &mut dyn Redact) -> Result<StateSnapshot, Error> {
    let projections = entities.projections(schema)?;
    let (word, entities) = match Address::of(database)? {
        Address::Sqlite(options) => read::<Sqlite>(options.read_only(true), database, projections, redact).await?,
        Address::Postgres(options) => read::<Postgres>(options, database, projections, redact).await?,
        Address::MySql(options) => read::<MySql>(options, database, projections, redact).await?,
    };
    Ok(StateSnapshot {
        key_id: redact.key_id(),
        policy_digest: redact.policy_digest(),
        database: word.to_owned(),
        schema: schema.to_owned(),
        expires: None,
        entities,
    })
}

/// Asks `database` one query, and hands out what it answers value by value, as it comes: the names of the columns, the place of
/// this one, the value in canonical form. Nothing is written, and nothing is kept. What is no value (NULL) is left out.
pub async fn select(database: &str, query: &str, each: &mut dyn FnMut(&[String], usize, &str)) -> Result<(), Error> {
    match Address::of(database)? {
        Address::Sqlite(options) => ask::<Sqlite>(options.read_only(true), database, query, each).await,
        Address::Postgres(options) => ask::<Postgres>(options, database, query, each).await,
        Address::MySql(options) => ask::<MySql>(options, database, query, each).await,
    }
}

/// Which engine a database's address names, and how it is reached.
#[derive(Debug)]
pub enum Address {
    /// A file that is there.
    Sqlite(SqliteConnectOptions),
    /// PostgreSQL.
    Postgres(PgConnectOptions),
    /// MySQL or MariaDB.
    MySql(MySqlConnectOptions),
}

impl Address {
    /// That of `sqlite:PATH`, a path, `postgres://…` or `mysql://…`.
    pub fn of(database: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::Address { shown: shown(database), why: why.to_owned() };
        let path = match database.split_once("://") {
            Some(("postgres" | "postgresql", _)) => return options(database).map(Self::Postgres),
            Some(("mysql" | "mariadb", _)) => return options(database).map(Self::MySql),
            Some(("sqlite" | "file", path)) => path,
            Some(_) => return Err(refused("only SQLite, PostgreSQL, MySQL and MariaDB are read")),
            None => database.strip_prefix("sqlite:").unwrap_or(database),
        };
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Ok(Self::Sqlite(SqliteConnectOptions::new().filename(path).create_if_missing(false))),
            Ok(_) => Err(refused("it is not a file")),
            Err(error) => Err(refused(&error.to_string())),
        }
    }
}

fn options<O: FromStr<Err = sqlx::Error>>(database: &str) -> Result<O, Error> {
    // The parser's own words may quote the address, password included.
    database.parse().map_err(|_| Error::Address { shown: shown(database), why: "it cannot be read as an address".to_owned() })
}

/// The address without user, password and parameters, however it was mistyped: what stands before the last `@` may be a
/// password, so that only a scheme is kept of it.
pub fn shown(database: &str) -> String {
    let front = scheme(database);
    let rest = &database[front.len()..];
    let rest = match rest.rsplit_once('@') {
        // Either the password holds the `?`, or a parameter the `@`: what follows may be a part of either.
        Some((secret, _)) if secret.contains('?') => HIDDEN.to_owned(),
        Some((_, rest)) if front.is_empty() => format!("{HIDDEN}@{rest}"),
        Some((_, rest)) => rest.to_owned(),
        None => rest.to_owned(),
    };
    let rest = rest.split_once('?').map_or(rest.as_str(), |(rest, _)| rest);
    // Without an `@`, what stands where a port should may be a password.
    match rest.split_once(':') {
        Some((host, port)) if !front.is_empty() && !FILES.iter().any(|word| front.starts_with(word)) && !host.starts_with('[') => {
            let (port, path) = port.find('/').map_or((port, ""), |at| port.split_at(at));
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            if is_port { format!("{front}{host}:{port}{path}") } else { format!("{front}{host}:{HIDDEN}") }
        }
        _ => format!("{front}{rest}"),
    }
}

/// What stands in front of an address: a word that names a kind of database, with the colons and slashes after it, right or
/// not; or any word before `://`.
fn scheme(database: &str) -> &str {
    let word = database.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let end = word + database[word..].bytes().take_while(|byte| matches!(byte, b':' | b'/')).count();
    let is_known = SERVERS.iter().chain(FILES).any(|known| database[..word].eq_ignore_ascii_case(known));
    if database[word..end].starts_with("://") || (is_known && end > word) { &database[..end] } else { "" }
}

/// Whether `text` is meant to be the address of a database server, however it was mistyped. It may hold a password: whoever
/// is given one in place of a file must not repeat it.
pub fn is_server_address(text: &str) -> bool {
    SERVERS.iter().any(|word| scheme(text).get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word)))
}

const SERVERS: &[&str] = &["postgres", "postgresql", "mysql", "mariadb"];
const FILES: &[&str] = &["sqlite", "file"];
const HIDDEN: &str = "\u{2026}";

async fn read<DB: Engine>(
    options: <DB::Connection as Connection>::Options,
    database: &str,
    projections: Option<Vec<Projection>>,
    redact: &mut dyn Redact,
) -> Result<(&'static str, Vec<Entity>), Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut connection = opened::<DB>(options, database).await?;
    let projections = match projections {
        Some(projections) => projections,
        None => {
            let failed = |error: sqlx::Error| Error::Introspection { shown: shown(database), why: reason(&error) };
            every_table::<DB>(&mut connection).await.map_err(failed)?
        }
    };
    let mut entities = Vec::with_capacity(projections.len());
    for projection in &projections {
        entities.push(read_entity::<DB>(&mut connection, projection, redact).await?);
    }
    closed::<DB>(connection).await;
    Ok((DB::WORD, entities))
}

/// A connection with a transaction that reads.
async fn opened<DB: Engine>(options: <DB::Connection as Connection>::Options, database: &str) -> Result<DB::Connection, Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let refused = |error: sqlx::Error| Error::Connect { shown: shown(database), why: reason(&error) };
    // The driver would log each statement; rows and statements belong in no log.
    let mut connection = options.disable_statement_logging().connect().await.map_err(refused)?;
    for statement in DB::BEGIN {
        connection.execute(sqlx::raw_sql(*statement)).await.map_err(refused)?;
    }
    Ok(connection)
}

/// All is read; how the parting goes changes nothing.
async fn closed<DB: Engine>(connection: DB::Connection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(reason = reason(&error), "database connection not closed in order");
    }
}

async fn ask<DB: Engine>(
    options: <DB::Connection as Connection>::Options,
    database: &str,
    query: &str,
    each: &mut dyn FnMut(&[String], usize, &str),
) -> Result<(), Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let failed = |error: sqlx::Error| Error::Select { shown: shown(database), why: reason(&error) };
    let mut connection = opened::<DB>(options, database).await?;
    // Prepared for its columns; and it proves that this is one statement.
    let statement = connection.prepare(AssertSqlSafe(query.to_owned()).into_sql_str()).await.map_err(failed)?;
    let columns: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    drop(statement);
    if columns.is_empty() {
        return Err(Error::Select { shown: shown(database), why: "it answers with no columns".to_owned() });
    }
    let mut stream = connection.fetch(sqlx::raw_sql(AssertSqlSafe(query.to_owned())));
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        for (place, column) in columns.iter().enumerate() {
            let value = DB::cell(&row, place).map_err(|undecodable| {
                let why = format!("column `{column}` of type {}: {}", undecodable.kind, undecodable.why);
                Error::Select { shown: shown(database), why }
            })?;
            if let Some(value) = value {
                each(&columns, place, &value);
            }
        }
    }
    drop(stream);
    closed::<DB>(connection).await;
    Ok(())
}

async fn every_table<DB: Engine>(connection: &mut DB::Connection) -> Result<Vec<Projection>, sqlx::Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let undecodable = || sqlx::Error::Protocol("a name in the catalogue is no text".to_owned());
    let mut tables: BTreeMap<(String, String), Vec<(String, u32)>> = BTreeMap::new();
    let mut rows = connection.fetch(sqlx::raw_sql(DB::COLUMNS));
    while let Some(row) = rows.try_next().await? {
        let text = |index| DB::cell(&row, index).ok().flatten().ok_or_else(undecodable);
        let place = text(3)?.parse().map_err(|_| undecodable())?;
        tables.entry((text(0)?, text(1)?)).or_default().push((text(2)?, place));
    }
    let quoted = |name: &str| format!("{quote}{}{quote}", name.replace(DB::QUOTE, &format!("{0}{0}", DB::QUOTE)), quote = DB::QUOTE);
    Ok(tables
        .into_iter()
        .map(|((schema, table), columns)| {
            let mut key: Vec<_> = columns.iter().filter(|(_, place)| *place > 0).collect();
            key.sort_by_key(|(_, place)| *place);
            // Without a primary key a row is told apart by all that it holds.
            let key = if key.is_empty() { columns.iter().collect() } else { key };
            let (entity, from) = if schema.is_empty() {
                (table.clone(), quoted(&table))
            } else {
                (format!("{schema}.{table}"), format!("{}.{}", quoted(&schema), quoted(&table)))
            };
            let names: Vec<_> = columns.iter().map(|(column, _)| quoted(column)).collect();
            Projection {
                entity,
                key: key.into_iter().map(|(column, _)| column.clone()).collect(),
                ignore: Vec::new(),
                sql: format!("select {} from {from}", names.join(", ")),
            }
        })
        .collect())
}

async fn read_entity<DB: Engine>(connection: &mut DB::Connection, projection: &Projection, redact: &mut dyn Redact) -> Result<Entity, Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let entity = projection.entity.as_str();
    let failed = |error: sqlx::Error| Error::Query { entity: entity.to_owned(), why: reason(&error) };
    // Prepared for its columns, which an entity without rows has too; and it proves that this is one statement.
    let statement = connection.prepare(AssertSqlSafe(projection.sql.clone()).into_sql_str()).await.map_err(failed)?;
    let present: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    drop(statement);
    let layout = Layout::of(projection, &present)?;
    let locations: Vec<_> = layout.columns.iter().map(|column| format!("{entity}.{column}")).collect();

    let mut rows = Vec::new();
    let mut stream = connection.fetch(sqlx::raw_sql(AssertSqlSafe(projection.sql.clone())));
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        let cells = layout.places.iter().zip(&layout.columns).zip(&locations).map(|((place, column), location)| -> Result<Cell, Error> {
            let value = DB::cell(&row, *place).map_err(|undecodable| Error::Undecodable {
                entity: entity.to_owned(),
                column: column.clone(),
                kind: undecodable.kind,
                why: undecodable.why.to_owned(),
            })?;
            Ok(value.map(|value| redact.value(location, &value).into_boxed_str()))
        });
        rows.push(Row::new(cells.collect::<Result<_, _>>()?));
    }
    Entity::new(entity, layout.columns, projection.key.len(), rows).map_err(|duplicates| Error::DuplicateKeys {
        entity: entity.to_owned(),
        key: projection.key.join(", "),
        count: duplicates.count,
    })
}

/// Which columns of a projection are kept, those of the key first, and where they stand in it.
struct Layout {
    columns: Vec<String>,
    places: Vec<usize>,
}

impl Layout {
    fn of(projection: &Projection, present: &[String]) -> Result<Self, Error> {
        let entity = &projection.entity;
        if let Some((_, twice)) = present.iter().enumerate().find(|(place, column)| present[..*place].contains(column)) {
            return Err(Error::TwoColumns { entity: entity.clone(), column: twice.clone() });
        }
        if let Some(unknown) = projection.key.iter().chain(&projection.ignore).find(|column| !present.contains(column)) {
            return Err(Error::NoColumn { entity: entity.clone(), column: unknown.clone(), known: present.to_vec() });
        }
        let mut others: Vec<_> = present.iter().filter(|column| !projection.key.contains(column) && !projection.ignore.contains(column)).cloned().collect();
        // By name: two schema versions need not list their columns alike.
        others.sort();
        let columns: Vec<_> = projection.key.iter().cloned().chain(others).collect();
        let places = columns.iter().map(|column| present.iter().position(|other| other == column).expect("it was found above")).collect();
        Ok(Self { columns, places })
    }
}

/// What the driver says, without any value: the text of a data error may quote the row that caused it.
pub fn reason(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(inner) = error else {
        return match error {
            sqlx::Error::Io(inner) => inner.to_string(),
            sqlx::Error::Tls(_) => "no encrypted connection could be made".to_owned(),
            other => other.to_string(),
        };
    };
    let code = inner.code().unwrap_or_default();
    let mysql = inner.try_downcast_ref::<MySqlDatabaseError>();
    let is_about_sql = match mysql {
        Some(_) => MySql::is_about_sql(&code),
        None if inner.try_downcast_ref::<PgDatabaseError>().is_some() => Postgres::is_about_sql(&code),
        // SQLite names columns and constraints, never what is in them.
        None => true,
    };
    if is_about_sql || CONNECTING.iter().any(|class| code.starts_with(class)) {
        return inner.message().to_owned();
    }
    let number = mysql.map(|error| format!(" ({})", error.number())).unwrap_or_default();
    format!("the database answers with error {code}{number}")
}

/// SQLSTATE classes of a connection that is refused: 08, 28 (authorization), 3D (no such database), 53 and 57 (too busy, shutting down).
const CONNECTING: &[&str] = &["08", "28", "3D", "53", "57"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let cases = [
            ("postgres://user:pa@ss@host:5432/db?sslpassword=x", "postgres://host:5432/db"),
            ("mysql://root@localhost/db", "mysql://localhost/db"),
            ("sqlite:/tmp/x.db?mode=ro", "sqlite:/tmp/x.db"),
            ("/tmp/x.db", "/tmp/x.db"),
            ("/tmp/odd:name.db", "/tmp/odd:name.db"),
            ("sqlite:odd:name.db", "sqlite:odd:name.db"),
            ("postgres//u:s3cr3tpw@h/x", "postgres//h/x"),
            ("postgres:/u:s3cr3tpw@h/x", "postgres:/h/x"),
            ("postgres:u:s3cr3tpw@h/x", "postgres:h/x"),
            ("postgress:u:s3cr3tpw@h/x", "\u{2026}@h/x"),
            ("u:s3cr3tpw@h/x", "\u{2026}@h/x"),
            ("//u:s3cr3tpw@h/x", "\u{2026}@h/x"),
            ("postgres://u:s3cr3t?pw@h/x", "postgres://\u{2026}"),
            ("postgres://h/x?password=s3cr3t@pw", "postgres://\u{2026}"),
            ("postgres://u:s3cr3tpw", "postgres://u:\u{2026}"),
            ("postgres://u:s3cr3tpw/x", "postgres://u:\u{2026}"),
            ("postgres://u:s3cr3t/pw@h:5432/x", "postgres://h:5432/x"),
            ("mysql://root@[::1]:3306/db", "mysql://[::1]:3306/db"),
            ("mysql://localhost:3306", "mysql://localhost:3306"),
            ("Postgres//\u{fc}:s3cr3tpw@h\u{fc}", "Postgres//h\u{fc}"),
        ];
        for (address, expected) in cases {
            assert_eq!(shown(address), expected);
        }
        for bad in ["oracle://scott:tiger@host/db", "postgres://user:secret word@:port/%zz"] {
            let error = Address::of(bad).map(drop).expect_err(bad);
            assert!(!error.to_string().contains("tiger") && !format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn an_address_of_a_server_is_known_for_one() {
        for (text, expected) in [("postgres://h", true), ("postgres//u:pw@h", true), ("MySQL:h", true), ("mariadb/", true), ("postgres", false), ("rec", false)]
        {
            assert_eq!(is_server_address(text), expected, "{text}");
        }
    }

    #[test]
    fn the_key_comes_first_and_the_rest_by_name() {
        let projection = Projection { entity: "e".into(), key: vec!["k".into()], ignore: vec!["i".into()], sql: String::new() };
        let present = ["z", "i", "k", "a"].map(str::to_owned);
        let layout = Layout::of(&projection, &present).unwrap();
        assert_eq!((layout.columns, layout.places), (vec!["k".to_owned(), "a".to_owned(), "z".to_owned()], vec![2, 3, 0]));
        assert!(matches!(Layout::of(&projection, &present[..2]), Err(Error::NoColumn { column, .. }) if column == "k"));
        assert!(matches!(Layout::of(&projection, &["k", "i", "k"].map(str::to_owned)), Err(Error::TwoColumns { column, .. }) if column == "k"));
    }
}
