//! The mark of a sandbox copy: a table that says that this database may be rewritten.
//!
//! In: a connection. Out: whether it is there; or it, made. What never happens here: a database that looks like one in use is marked unasked.

use super::catalogue::OURS;
use super::connection::{Connection, Engine};
use super::{Error, statement};

/// What was marked.
#[derive(Debug)]
pub struct Marked {
    /// The address without user and password.
    pub database: String,
    /// The user that it was marked by.
    pub user: String,
    /// What tells this mark from any other.
    pub token: String,
}

/// Whether a database may be marked that looks like one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// No.
    Asked,
    /// Somebody looked, and said so.
    Given,
}

/// Marks `database` as a sandbox copy. One that has a mark keeps it.
pub async fn mark(database: &str, consent: Consent) -> Result<Marked, Error> {
    let mut connection = Connection::open(database).await?;
    let shown = connection.shown.clone();
    let failed = |error| statement(&format!("cannot mark database {shown}"), &error);
    if consent == Consent::Asked
        && let Some(why) = looks_used(&mut connection).await.map_err(failed)?
    {
        return Err(Error::LooksUsed { shown, why });
    }
    let engine = connection.engine();
    if token(&mut connection).await?.is_none() {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
        let made: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let table = format!(
            "create table if not exists {OURS} (token varchar(64) not null primary key, marked_at varchar(64) not null, marked_by varchar(255) not null)"
        );
        connection.run(&table).await.map_err(failed)?;
        let user = match engine {
            Engine::Sqlite => std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned()),
            Engine::Postgres | Engine::MySql => user(&mut connection).await.map_err(failed)?,
        };
        let time = if engine == Engine::MySql { "cast(current_timestamp as char)" } else { "cast(current_timestamp as varchar(64))" };
        let sql = format!("insert into {OURS} (token, marked_at, marked_by) values ({}, {time}, {})", engine.hole(0), engine.hole(1));
        connection.execute(&sql, &[made.as_str().into(), user.as_str().into()]).await.map_err(failed)?;
    }
    let rows = connection.rows(&format!("select token, marked_by from {OURS} order by token"), &[]).await.map_err(failed)?;
    let word = |place: usize| rows.first().and_then(|row| row[place].text()).unwrap_or_default().to_owned();
    let marked = Marked { database: shown, user: word(1), token: word(0) };
    connection.close().await;
    Ok(marked)
}

/// The token of the mark, if there is one.
pub(super) async fn token(connection: &mut Connection) -> Result<Option<String>, Error> {
    let failed = |error| statement("cannot look for the mark", &error);
    if !has_table(connection, OURS).await.map_err(failed)? {
        return Ok(None);
    }
    let rows = connection.rows(&format!("select token from {OURS} order by token"), &[]).await.map_err(failed)?;
    Ok(rows.first().and_then(|row| row[0].text()).map(str::to_owned))
}

/// Whether there is a table of this name.
pub(super) async fn has_table(connection: &mut Connection, name: &str) -> Result<bool, sqlx::Error> {
    let engine = connection.engine();
    let query = match engine {
        Engine::Sqlite => "select name from sqlite_schema where type = 'table' and name = ?",
        Engine::Postgres => "select tablename::text from pg_catalog.pg_tables where schemaname = current_schema() and tablename = $1",
        Engine::MySql => "select table_name from information_schema.tables where table_schema = database() and table_name = ?",
    };
    Ok(!connection.rows(query, &[name.into()]).await?.is_empty())
}

async fn user(connection: &mut Connection) -> Result<String, sqlx::Error> {
    let query = if connection.engine() == Engine::MySql { "select current_user()" } else { "select current_user::text" };
    Ok(connection.rows(query, &[]).await?.first().and_then(|row| row[0].text()).unwrap_or_default().to_owned())
}

/// What speaks for a database that others use.
async fn looks_used(connection: &mut Connection) -> Result<Option<String>, sqlx::Error> {
    let lower = connection.shown.to_ascii_lowercase();
    if let Some(word) =
        ["prod", "live", "primary"].into_iter().find(|word| lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.starts_with(word)))
    {
        return Ok(Some(format!("its address says `{word}`")));
    }
    let others = match connection.engine() {
        Engine::Sqlite => return Ok(None),
        Engine::Postgres => {
            "select count(*)::text from pg_catalog.pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        }
        Engine::MySql => "select cast(count(*) as char) from information_schema.processlist where db = database() and id <> connection_id()",
    };
    let rows = connection.rows(others, &[]).await?;
    let count = rows.first().and_then(|row| row[0].text()).unwrap_or("0");
    Ok((count != "0").then(|| format!("{count} other sessions use it")))
}
