//! Every way in which a snapshot or a verdict cannot be made.

use reenact_formats::config;
use reenact_formats::disk;
use reenact_formats::seam::{Blame, Explain};

/// What went wrong. No variant holds a value out of a database or an answer, nor a password out of a database's address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that someone wrote cannot be used.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A file of ours cannot be read or written.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// The database's address names no engine that we know.
    #[error("database {shown}: {why}")]
    Address {
        /// The address without user and password.
        shown: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database did not let us in.
    #[error("cannot open database {shown}: {why}")]
    Connect {
        /// The address without user and password.
        shown: String,
        /// The driver's word for it.
        why: String,
    },
    /// The list of tables could not be read.
    #[error("cannot list the tables of database {shown}: {why}")]
    Introspection {
        /// The address without user and password.
        shown: String,
        /// The driver's word for it.
        why: String,
    },
    /// The entities file has no projection for the wanted schema version.
    #[error("entity `{entity}` has no projection for schema `{schema}`")]
    NoProjection {
        /// The entity.
        entity: String,
        /// The schema version that was asked for.
        schema: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// An entity's SQL failed.
    #[error("entity `{entity}`: its sql failed: {why}")]
    Query {
        /// The entity.
        entity: String,
        /// The database's word for it, without values.
        why: String,
    },
    /// A query failed, or one of its values is no text.
    #[error("database {shown}: the query failed: {why}")]
    Select {
        /// The address without user and password.
        shown: String,
        /// The database's word for it, without values.
        why: String,
    },
    /// A column that the entities file names is not in the projection.
    #[error("entity `{entity}` has no column `{column}`")]
    NoColumn {
        /// The entity.
        entity: String,
        /// The column.
        column: String,
        /// Those of the projection.
        known: Vec<String>,
    },
    /// Two columns of a projection have the same name.
    #[error("entity `{entity}` has two columns called `{column}`")]
    TwoColumns {
        /// The entity.
        entity: String,
        /// Their name.
        column: String,
    },
    /// Rows that the key does not tell apart.
    #[error("entity `{entity}`: {count} {} the key of another one ({key})", if *count == 1 { "row has" } else { "rows have" })]
    DuplicateKeys {
        /// The entity.
        entity: String,
        /// The key columns.
        key: String,
        /// How many rows.
        count: u64,
    },
    /// A value that cannot be written as text.
    #[error("entity `{entity}`, column `{column}` of type {kind}: {why}")]
    Undecodable {
        /// The entity.
        entity: String,
        /// The column.
        column: String,
        /// Its type, as the database calls it.
        kind: String,
        /// Why not.
        why: String,
    },
    /// Two things that were redacted under different keys or policies cannot be compared.
    #[error("the {one} and the {other} were redacted under different {what}: {one_id} and {other_id}")]
    NotComparable {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// `keys` or `policies`.
        what: &'static str,
        /// Names the one's.
        one_id: String,
        /// Names the other's.
        other_id: String,
    },
    /// The two runs replayed different recordings.
    #[error("the run and the baseline replayed different recordings: {run} and {baseline}")]
    DifferentRecordings {
        /// That of the run.
        run: String,
        /// That of the baseline.
        baseline: String,
    },
    /// One snapshot was given where two are needed.
    #[error("a state snapshot was given for the {given} only")]
    OneSnapshot {
        /// `run` or `baseline`.
        given: &'static str,
    },
    /// A report could not be drawn.
    #[error("cannot write the {report} report")]
    Report {
        /// Which one.
        report: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Explain for Error {
    fn blame(&self) -> Blame {
        match self {
            Self::Config(error) => error.blame(),
            Self::Disk(error) => error.blame(),
            Self::Report { .. } => Blame::Ours,
            _ => Blame::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Disk(error) => error.hint(),
            Self::Address { .. } => Some("write sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/NAME or mysql://USER:PASSWORD@HOST:PORT/NAME".to_owned()),
            Self::Connect { .. } => Some("check that the database is up and that user, password and name are right".to_owned()),
            Self::Introspection { .. } => Some("the user may lack the right to read the catalogue; name the rows to read with --entities".to_owned()),
            Self::NoProjection { known, .. } if known.is_empty() => Some("add it under `schemas`, or give the entity one `sql` for all".to_owned()),
            Self::NoProjection { known, .. } => Some(format!("choose one of {} with --schema", known.join(", "))),
            Self::Query { .. } => {
                Some("run the sql by hand in the database's own client; with --schema choose the projections of another schema version".to_owned())
            }
            Self::Select { .. } => Some("run the query by hand in the database's own client; it must be one statement that reads".to_owned()),
            Self::NoColumn { column, known, .. } => {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                let near = config::nearest(column, &names).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                Some(format!("{near}its columns are {}", names.join(", ")))
            }
            Self::TwoColumns { .. } => Some("give one of them another name with `as`".to_owned()),
            Self::DuplicateKeys { .. } => Some("add columns to its key until it tells all rows apart".to_owned()),
            Self::Undecodable { .. } => Some("cast the column to text in the entity's sql, or leave it out".to_owned()),
            Self::NotComparable { what: "keys", .. } => Some("replay and snapshot both with the same --key-file".to_owned()),
            Self::NotComparable { .. } => Some("replay and snapshot both with the same --policy".to_owned()),
            Self::DifferentRecordings { .. } => Some("compare runs of one and the same recording".to_owned()),
            Self::OneSnapshot { .. } => Some("give both --state and --baseline-state".to_owned()),
            Self::Report { .. } => None,
        }
    }
}
