//! The three engines: how each lists its tables, promises not to write, and says a value as text.
//!
//! All rows are asked for in the text form of the wire protocol, where the database itself writes every type that it has,
//! those of extensions included; what is left to do is to bring that text into one form.

use sqlx::mysql::{MySql, MySqlRow};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Column, Database, Row, Type, TypeInfo, ValueRef};

use super::canonical::{Kind, bytes, canonical, float};

/// A value that cannot be written as text.
#[derive(Debug)]
pub(super) struct Undecodable {
    pub(super) kind: String,
    pub(super) why: &'static str,
}

/// What is particular to one kind of database.
pub(super) trait Engine: Database {
    /// Its name in snapshots.
    const WORD: &'static str;
    /// What begins a transaction that sees one state and writes nothing.
    const BEGIN: &'static [&'static str];
    /// Its list of columns: schema, table, column, place in the primary key (0 for none), in the order of the columns.
    const COLUMNS: &'static str;
    /// What stands around a name.
    const QUOTE: char;

    /// The value at `index`, in canonical form.
    fn cell(row: &Self::Row, index: usize) -> Result<Option<String>, Undecodable>;

    /// Whether `code` is one of the errors that concern the SQL itself, whose text holds no value of a row.
    fn is_about_sql(_code: &str) -> bool {
        true
    }
}

impl Engine for Sqlite {
    const WORD: &'static str = "sqlite";
    // Opened read-only; the transaction makes all entities one state.
    const BEGIN: &'static [&'static str] = &["PRAGMA query_only = ON", "BEGIN"];
    const COLUMNS: &'static str = "select '', t.name, c.name, c.pk from sqlite_schema t, pragma_table_info(t.name) c \
         where t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' order by t.name, c.cid";
    const QUOTE: char = '"';

    fn cell(row: &SqliteRow, index: usize) -> Result<Option<String>, Undecodable> {
        let declared = row.column(index).type_info().name().to_owned();
        let value = row.try_get_raw(index).map_err(|_| Undecodable { kind: declared.clone(), why: "it cannot be read" })?;
        if value.is_null() {
            return Ok(None);
        }
        // What counts is what is stored: a column's declared type binds nothing in SQLite.
        let stored = value.type_info().name().to_owned();
        let failed = |_| Undecodable { kind: stored.clone(), why: "it is not valid UTF-8" };
        Ok(Some(match stored.as_str() {
            "INTEGER" | "INT4" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(index).map_err(failed)?.to_string(),
            "REAL" => float(row.try_get_unchecked::<f64, _>(index).map_err(failed)?),
            "BLOB" => bytes(row.try_get_unchecked::<&[u8], _>(index).map_err(failed)?),
            _ => {
                let text = row.try_get_unchecked::<&str, _>(index).map_err(failed)?;
                let kind = match declared.as_str() {
                    "DATETIME" => Kind::Instant,
                    "TIME" => Kind::TimeOfDay,
                    _ => Kind::Text,
                };
                canonical(kind, text)
            }
        }))
    }
}

impl Engine for Postgres {
    const WORD: &'static str = "postgresql";
    const BEGIN: &'static [&'static str] = &[
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TimeZone = 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET IntervalStyle = 'iso_8601'",
        "SET bytea_output = 'hex'",
        "SET extra_float_digits = 1",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ];
    // The catalogue, not information_schema: that hides the keys of tables which one may only read.
    const COLUMNS: &'static str = "select case when n.nspname = current_schema() then '' else n.nspname end, c.relname, a.attname, \
         coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) \
         from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary \
         where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' \
         order by n.nspname, c.relname, a.attnum";
    const QUOTE: char = '"';

    fn cell(row: &PgRow, index: usize) -> Result<Option<String>, Undecodable> {
        let name = row.column(index).type_info().name().to_owned();
        let text = row
            .try_get_unchecked::<Option<&str>, _>(index)
            .map_err(|_| Undecodable { kind: name.clone(), why: "it is not valid UTF-8; is the database's encoding SQL_ASCII?" })?;
        let Some(text) = text else { return Ok(None) };
        let kind = match name.as_str() {
            "BOOL" => Kind::Bool,
            "INT2" | "INT4" | "INT8" | "NUMERIC" | "OID" => Kind::Number,
            "FLOAT4" => Kind::Float32,
            "FLOAT8" => Kind::Float64,
            "TIMESTAMP" | "TIMESTAMPTZ" => Kind::Instant,
            "TIME" => Kind::TimeOfDay,
            "JSON" | "JSONB" => Kind::Json,
            "BYTEA" => return Ok(Some(text.replacen("\\x", "0x", 1))),
            // Blanks at the end of a character(n) mean nothing, and the other engines do not give them.
            "CHAR" => return Ok(Some(text.trim_end_matches(' ').to_owned())),
            _ => Kind::Text,
        };
        Ok(Some(canonical(kind, text)))
    }

    fn is_about_sql(code: &str) -> bool {
        // Class 42: syntax error or access rule violation; 0A: not supported; 25: it tried to write; 26, 3D, 3F: names.
        ["42", "0A", "25", "26", "3D", "3F"].iter().any(|class| code.starts_with(class))
    }
}

impl Engine for MySql {
    const WORD: &'static str = "mysql";
    const BEGIN: &'static [&'static str] = &[
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION TRANSACTION READ ONLY",
        "SET time_zone = '+00:00'",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ];
    // Each with the database itself: else the server opens the tables of all databases, and fails where another one's are changed meanwhile.
    const COLUMNS: &'static str = "select '', c.table_name, c.column_name, coalesce(k.ordinal_position, 0) \
         from information_schema.columns c \
         join information_schema.tables t on t.table_schema = database() and t.table_name = c.table_name \
         left join information_schema.key_column_usage k on k.table_schema = database() and k.table_name = c.table_name \
              and k.column_name = c.column_name and k.constraint_name = 'PRIMARY' \
         where c.table_schema = database() and t.table_type = 'BASE TABLE' order by c.table_name, c.ordinal_position";
    const QUOTE: char = '`';

    fn cell(row: &MySqlRow, index: usize) -> Result<Option<String>, Undecodable> {
        let column = row.column(index).type_info();
        let name = column.name().to_owned();
        let undecodable = |why| Undecodable { kind: name.clone(), why };
        let raw = row.try_get_unchecked::<Option<&[u8]>, _>(index).map_err(|_| undecodable("it cannot be read"))?;
        let Some(raw) = raw else { return Ok(None) };
        // By the collation, not by the name: a text that sorts by its bytes is still a text.
        let is_text = <str as Type<Self>>::compatible(column);
        let kind = match name.trim_end_matches(" UNSIGNED") {
            "BIT" => {
                return Ok(Some(
                    raw.iter()
                        .try_fold(0_u64, |bits, byte| bits.checked_mul(256)?.checked_add(u64::from(*byte)))
                        .map_or_else(|| bytes(raw), |bits| bits.to_string()),
                ));
            }
            "GEOMETRY" => return Ok(Some(bytes(raw))),
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "DECIMAL" | "YEAR" => Kind::Number,
            "FLOAT" => Kind::Float32,
            "DOUBLE" => Kind::Float64,
            "DATETIME" | "TIMESTAMP" => Kind::Instant,
            "TIME" => Kind::TimeOfDay,
            "JSON" => Kind::Json,
            "DATE" | "ENUM" | "SET" | "NULL" => Kind::Text,
            _ if is_text => Kind::Text,
            _ => return Ok(Some(bytes(raw))),
        };
        let text = std::str::from_utf8(raw).map_err(|_| undecodable("it is not valid UTF-8"))?;
        Ok(Some(canonical(kind, text)))
    }

    fn is_about_sql(code: &str) -> bool {
        // Class 42: syntax error or access rule violation; 25: it tried to write.
        code.starts_with("42") || code.starts_with("25")
    }
}
