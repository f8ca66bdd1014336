//! Rewrites a sandbox copy of a database under the key and the policy of its traffic.
//!
//! What flows in: the address of a copy that is [marked](mark::mark) as one, a key, a policy. What flows out: the same copy without people and
//! secrets, whose values are those of a recording that was redacted under the same key: what joins in one joins with the other, and whoever
//! logs in there is let in here. The way of a copy:
//!
//! 1. [`mark`]: is it one at all?
//! 2. [`catalogue`]: its tables, keys and references; [`columns`]: what is done with each column.
//! 3. [`rewrite`]: table by table, in batches, each in a transaction with its [`progress`]; [`cells`] makes the values, [`passwords`] the hashes.
//! 4. References whose columns were written are looked at: none may have lost its other end.
//!
//! What never happens here: a database without a mark is written to, a row is written twice, a constraint is dropped, a value is in an error.

use std::collections::BTreeMap;

use reenact_formats::config;
use reenact_formats::seam::{Blame, Explain, Redact};
use reenact_sanitize::{Collisions, Redactor};
use reenact_verify::reason;

use crate::pipeline::Redaction;

mod catalogue;
mod cells;
mod columns;
mod connection;
mod mark;
mod passwords;
mod progress;
mod rewrite;

pub use mark::{Consent, Marked, mark};
pub use rewrite::Done;

use catalogue::{Catalogue, Key, Reference};
use columns::Plan;
use connection::{Connection, Engine};
use progress::{Beginning, Stamp};
use rewrite::Rewrite;

/// What went wrong with a sandbox copy. No variant holds a value out of it, nor a password out of its address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none.
    #[error(transparent)]
    Verify(#[from] reenact_verify::Error),
    /// The key cannot be used.
    #[error(transparent)]
    Pipeline(#[from] crate::pipeline::Error),
    /// Under this policy nothing joins.
    #[error("under this policy each recording has a key of its own, which is forgotten: no database can go with one")]
    Unlinkable,
    /// The policy names what is not there.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The database did not let us in.
    #[error("cannot open database {shown}: {why}")]
    Connect {
        /// The address without user and password.
        shown: String,
        /// The driver's word for it.
        why: String,
    },
    /// It is no sandbox copy, for all that it says.
    #[error("database {shown} is not marked as a sandbox copy")]
    NotMarked {
        /// The address without user and password.
        shown: String,
    },
    /// It looks like a database in use.
    #[error("database {shown} looks like one that is in use: {why}")]
    LooksUsed {
        /// The address without user and password.
        shown: String,
        /// What speaks for it.
        why: String,
    },
    /// It was rewritten before.
    #[error("database {shown} is already sanitized, under key {key_id}")]
    Done {
        /// The address without user and password.
        shown: String,
        /// Names the key.
        key_id: String,
    },
    /// It was begun with under another key or policy.
    #[error("database {shown} was begun with under {kind} {expected}, and the given one is {given}")]
    BegunOtherwise {
        /// The address without user and password.
        shown: String,
        /// `key` or `policy`.
        kind: &'static str,
        /// The id or digest of the given one.
        given: String,
        /// That of the other.
        expected: String,
    },
    /// Columns of bytes, of which nobody said what they are.
    #[error("{} cannot be looked into: {}", if columns.len() == 1 { "a column of bytes" } else { "columns of bytes" }, columns.join(", "))]
    Bytes {
        /// `table.column`
        columns: Vec<String>,
    },
    /// Two columns that a foreign key joins are to be treated differently.
    #[error("{one} and {other} are joined by a foreign key, and the policy treats them differently")]
    Joined {
        /// `table.column`
        one: String,
        /// `table.column`
        other: String,
    },
    /// Nothing tells a table's rows apart.
    #[error("table `{table}` has no primary key, so that its rows cannot be written one by one")]
    NoKey {
        /// Which.
        table: String,
    },
    /// Rows that cannot be seen would stay as they are.
    #[error("table `{table}` hides rows from this user: row security is on")]
    HiddenRows {
        /// Which.
        table: String,
    },
    /// Something would run for each row that is written.
    #[error("table `{table}` has a trigger on its updates, `{trigger}`")]
    Trigger {
        /// Which table.
        table: String,
        /// Which trigger.
        trigger: String,
    },
    /// References cannot be left alone while both ends are written.
    #[error("the user may not set session_replication_role: {why}")]
    Replica {
        /// The database's word for it.
        why: String,
    },
    /// A pseudonym has no room.
    #[error("{column} takes {room} characters, and a new value has {needed}")]
    TooLong {
        /// `table.column`
        column: String,
        /// How many characters it takes.
        room: usize,
        /// How many there are.
        needed: usize,
    },
    /// Two rows would be the same where they must not.
    #[error("{place}: two values would be the same{}", of_constraint(constraint.as_deref()))]
    NotUnique {
        /// The table and the columns that were written.
        place: String,
        /// The constraint, if the database names it.
        constraint: Option<String>,
    },
    /// A new value breaks a rule of the table.
    #[error("{place}: a new value breaks a check{}", of_constraint(constraint.as_deref()))]
    Check {
        /// The table and the columns that were written.
        place: String,
        /// The constraint, if the database names it.
        constraint: Option<String>,
    },
    /// A reference has lost its other end.
    #[error("{count} rows of `{table}` refer to no row of `{parent}` (foreign key `{constraint}`)")]
    Orphans {
        /// The foreign key.
        constraint: String,
        /// Whose it is.
        table: String,
        /// What it refers to.
        parent: String,
        /// How many.
        count: u64,
    },
    /// A hash cannot be made.
    #[error("{column}: no {kind} hash can be made at the cost of the one that stands there")]
    Hash {
        /// `table.column`
        column: String,
        /// How it is hashed.
        kind: &'static str,
    },
    /// Somebody else writes.
    #[error("rows of table `{table}` were changed by others meanwhile")]
    Changed {
        /// Which.
        table: String,
    },
    /// Our own table is not as we left it.
    #[error("the progress of table `{table}` cannot be read")]
    Progress {
        /// Which.
        table: String,
    },
    /// The database refused a statement.
    #[error("{place}: {why}")]
    Statement {
        /// What it was about.
        place: String,
        /// The database's word for it, without values.
        why: String,
    },
    /// A signal ended it.
    #[error("stopped; what was written stays written, and the same command goes on from there")]
    Stopped,
    /// The operating system gave no randomness.
    #[error("no randomness for a mark")]
    Randomness,
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Verify(error) => error.blame(),
            Self::Config(error) => error.blame(),
            Self::Pipeline(error) => error.blame(),
            Self::NotMarked { .. } | Self::LooksUsed { .. } | Self::Stopped => Blame::Safety,
            Self::Randomness => Blame::Ours,
            _ => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Verify(error) => return error.hint(),
            Self::Config(error) => return error.hint(),
            Self::Pipeline(error) => return error.hint(),
            Self::Unlinkable => "name another policy for recording and database",
            Self::Connect { .. } => "check that the database is up and that user, password and name are right",
            Self::NotMarked { .. } => "every row of it would be rewritten. If it is a copy that nobody needs as it is, say so: reenact sandbox mark DATABASE",
            Self::LooksUsed { .. } => "if it is a copy all the same, say --yes",
            Self::Done { .. } => "nothing is left to do; for another key or policy, restore the copy and mark it anew",
            Self::BegunOtherwise { .. } => "go on with the one that it was begun with, or restore the copy and mark it anew",
            Self::Bytes { .. } => "say in the policy, under database.tables, whether each is to be kept or dropped: { action: keep }",
            Self::Joined { .. } => "name one of them only; the other follows it",
            Self::NoKey { .. } => "give the copy's table a primary key (alter table … add column … auto_increment primary key), or keep all its columns",
            Self::HiddenRows { .. } => {
                "they would stay as they are: connect as the owner of the table, if it does not force row security on them, or as a user with bypassrls"
            }
            Self::Trigger { .. } => "it would run for each row, and might keep what is replaced; drop it in the copy, or keep all columns of the table",
            Self::Replica { .. } => {
                "as a superuser: grant set on parameter session_replication_role to the user. Foreign keys and triggers of the columns that are \
                 rewritten rest meanwhile, in this session only"
            }
            Self::TooLong { .. } => "make the copy's column wider, or give it an action in the policy, under database.tables",
            Self::NotUnique { .. } => {
                "pseudonyms of names and phones are not one to one, and those of short numbers may meet a row that is not yet rewritten: give the \
                 column another domain in the policy, under database.tables"
            }
            Self::Check { .. } => "give the column a domain or an action in the policy, under database.tables",
            Self::Orphans { .. } => "see whether the copy was whole before; restore it and mark it anew",
            Self::Hash { .. } => "set `hash` and `cost` in the policy, under database.tables",
            Self::Changed { .. } => "stop whatever writes to the copy, and run the same command again",
            Self::Progress { .. } => "restore the copy and mark it anew",
            Self::Statement { .. } | Self::Stopped | Self::Randomness => return None,
        };
        Some(text.to_owned())
    }
}

fn of_constraint(constraint: Option<&str>) -> String {
    constraint.map(|constraint| format!(" (constraint `{constraint}`)")).unwrap_or_default()
}

/// What the database says of a statement about `place`.
fn statement(place: &str, error: &sqlx::Error) -> Error {
    Error::Statement { place: place.to_owned(), why: reason(error) }
}

/// What is to be rewritten, and how.
#[derive(Debug)]
pub struct DatabaseJob {
    /// The address of the copy.
    pub database: String,
    /// The key and the policy.
    pub redaction: Redaction,
    /// How many threads rewrite.
    pub threads: usize,
}

impl DatabaseJob {
    /// What rewrites values, as it does in traffic.
    fn redactor(&self) -> Result<Redactor, Error> {
        if self.redaction.policy.is_unlinkable() {
            return Err(Error::Unlinkable);
        }
        Ok(self.redaction.recorder()?)
    }
}

/// What became of a copy.
#[derive(Debug)]
pub struct Summary {
    /// The address without user and password.
    pub database: String,
    /// Names the key.
    pub key_id: String,
    /// Whether an earlier run had begun.
    pub was_begun: bool,
    /// What was done with each table in this run.
    pub tables: Vec<(String, Done)>,
    /// How many values each rule has replaced in this run.
    pub audit: BTreeMap<String, u64>,
    /// What holds copies of rows and was not rewritten.
    pub unseen: Vec<String>,
}

/// What would be done with a table.
#[derive(Debug)]
pub struct PlannedTable {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<PlannedColumn>,
}

/// What would be done with a column, and what its first rows say to that.
#[derive(Debug)]
pub struct PlannedColumn {
    /// Its name.
    pub name: String,
    /// What would be done, in words.
    pub treatment: String,
    /// How many values were looked at.
    pub sampled: u64,
    /// How many of these would be replaced.
    pub replaced: u64,
    /// By which rules.
    pub rules: BTreeMap<String, u64>,
}

/// Says what would be done with each column; nothing is written. No mark is asked for.
pub async fn plan(job: &DatabaseJob) -> Result<Vec<PlannedTable>, Error> {
    let mut connection = Connection::open(&job.database).await?;
    let redactor = job.redactor()?;
    let (catalogue, plan) = planned(&mut connection, job, &redactor).await?;
    let mut tables = Vec::new();
    for (place, table) in catalogue.tables.iter().enumerate() {
        let rewrite = Rewrite::new(connection.engine(), &plan, place, table);
        let rows = rewrite.sample(&mut connection).await?;
        let columns = rewrite.reader().look(&rows, &redactor);
        tables.push(PlannedTable { name: table.shown(), columns });
    }
    connection.close().await;
    Ok(tables)
}

/// Rewrites a copy, or goes on where an earlier run was ended. `each` is told how many rows were done; it stops by answering false.
pub async fn sanitize(job: &DatabaseJob, each: &mut dyn FnMut(u64) -> bool) -> Result<Summary, Error> {
    let mut connection = Connection::open(&job.database).await?;
    let shown = connection.shown.clone();
    if mark::token(&mut connection).await?.is_none() {
        return Err(Error::NotMarked { shown });
    }
    let redactor = job.redactor()?;
    let stamp = stamp(&redactor);
    let beginning = progress::look(&mut connection, &job.database, &stamp).await?;
    let (catalogue, plan) = planned(&mut connection, job, &redactor).await?;
    let touched: Vec<usize> = (0..catalogue.tables.len()).filter(|table| plan.touched(*table).next().is_some()).collect();
    prepare(&mut connection, &catalogue, &plan, &touched).await?;
    if beginning == Beginning::Fresh {
        // What is broken before cannot be told from what we would break.
        check_references(&mut connection, &catalogue, &plan).await?;
    }
    let names: Vec<String> = touched.iter().map(|table| catalogue.tables[*table].shown()).collect();
    progress::begin(&mut connection, &names, &stamp).await.map_err(|error| statement("cannot keep the progress", &error))?;
    let mut lanes: Vec<Redactor> = (0..job.threads.max(1)).map(|_| redactor.lane()).collect();
    let mut tables = Vec::new();
    let mut rows = 0;
    for (place, name) in touched.into_iter().zip(names) {
        let rewrite = Rewrite::new(connection.engine(), &plan, place, &catalogue.tables[place]);
        let done = rewrite
            .run(&mut connection, &mut lanes, &mut |count| {
                rows += count;
                each(rows)
            })
            .await?;
        tables.push((name, done));
    }
    check_references(&mut connection, &catalogue, &plan).await?;
    progress::finish(&mut connection).await.map_err(|error| statement("cannot keep the progress", &error))?;
    connection.close().await;
    let mut audit = BTreeMap::new();
    for (rule, count) in lanes.iter().flat_map(Redactor::audit) {
        *audit.entry(rule).or_default() += count;
    }
    let collisions = lanes.into_iter().map(|lane| lane.into_originals().1).reduce(Collisions::merged).map_or(0, |collisions| collisions.count());
    if collisions > 0 {
        audit.insert("collision".to_owned(), collisions);
    }
    let was_begun = beginning == Beginning::Resumed;
    Ok(Summary { database: shown, key_id: stamp.key_id, was_begun, tables, audit, unseen: catalogue.unseen })
}

fn stamp(redactor: &Redactor) -> Stamp {
    Stamp { key_id: redactor.key_id().to_string(), policy_digest: redactor.policy_digest() }
}

async fn planned(connection: &mut Connection, job: &DatabaseJob, redactor: &Redactor) -> Result<(Catalogue, Plan), Error> {
    let catalogue = Catalogue::read(connection).await.map_err(|error| statement("cannot list the tables", &error))?;
    let plan = Plan::make(&catalogue, job.redaction.policy.database(), redactor)?;
    Ok((catalogue, plan))
}

/// Refuses tables that cannot be written row by row, and has what else would happen at each write rest.
async fn prepare(connection: &mut Connection, catalogue: &Catalogue, plan: &Plan, touched: &[usize]) -> Result<(), Error> {
    let engine = connection.engine();
    let mut must_rest = plan.touched_references(catalogue).next().is_some();
    for table in touched.iter().map(|table| &catalogue.tables[*table]) {
        if table.hides_rows {
            return Err(Error::HiddenRows { table: table.shown() });
        }
        if table.key == Key::None {
            return Err(Error::NoKey { table: table.shown() });
        }
        if let Some(trigger) = table.triggers.iter().find(|trigger| trigger.is_always_on) {
            return Err(Error::Trigger { table: table.shown(), trigger: trigger.name.clone() });
        }
        must_rest |= !table.triggers.is_empty();
    }
    if must_rest && engine == Engine::Postgres {
        connection.run("SET session_replication_role = replica").await.map_err(|error| Error::Replica { why: reason(&error) })?;
    }
    Ok(())
}

/// Each reference whose columns may be written finds its other end.
async fn check_references(connection: &mut Connection, catalogue: &Catalogue, plan: &Plan) -> Result<(), Error> {
    let engine = connection.engine();
    for reference in plan.touched_references(catalogue) {
        let (child, parent) = (&catalogue.tables[reference.child], &catalogue.tables[reference.parent]);
        let rows = connection.rows(&orphans(engine, catalogue, reference), &[]).await;
        let rows = rows.map_err(|error| statement(&format!("foreign key `{}`", reference.name), &error))?;
        let count = rows.first().and_then(|row| row[0].text()).and_then(|count| count.parse().ok()).unwrap_or(0);
        if count > 0 {
            return Err(Error::Orphans { constraint: reference.name.clone(), table: child.shown(), parent: parent.shown(), count });
        }
    }
    Ok(())
}

fn orphans(engine: Engine, catalogue: &Catalogue, reference: &Reference) -> String {
    let (child, parent) = (&catalogue.tables[reference.child], &catalogue.tables[reference.parent]);
    let pairs = || reference.columns.iter().map(|(from, to)| (engine.quoted(&child.columns[*from].name), engine.quoted(&parent.columns[*to].name)));
    let present: Vec<String> = pairs().map(|(from, _)| format!("c.{from} is not null")).collect();
    let equal: Vec<String> = pairs().map(|(from, to)| format!("p.{to} = c.{from}")).collect();
    format!(
        "select cast(count(*) as {}) from {} c where {} and not exists (select 1 from {} p where {})",
        if engine == Engine::MySql { "char" } else { "text" },
        child.quoted(engine),
        present.join(" and "),
        parent.quoted(engine),
        equal.join(" and ")
    )
}
