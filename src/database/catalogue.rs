//! What a database says of itself: its tables, their columns and keys, what refers to what, and what would run by itself.
//!
//! In: a connection. Out: a [`Catalogue`]. Tables of ours are left out. What never happens here: a row is read.

use super::connection::{Connection, Engine, Value};

/// The tables of a database, and how they hang together.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) tables: Vec<Table>,
    pub(super) references: Vec<Reference>,
    /// What holds copies of rows and is not rewritten.
    pub(super) unseen: Vec<String>,
}

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Empty if it is the user's own.
    schema: String,
    name: String,
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
    /// Its rows lie in itself, rather than in partitions.
    is_whole: bool,
    /// The user sees some of its rows, or none.
    pub(super) hides_rows: bool,
    pub(super) triggers: Vec<Trigger>,
}

/// What tells a table's rows apart, in an order that they can be read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The columns of the primary key, by their places.
    Columns(Vec<usize>),
    /// Where the row lies, by the engine's name for it, and the type of that: it stays when the row is written to.
    Place(&'static str),
    /// The same, and it is another one afterwards.
    MovingPlace(&'static str),
    /// Nothing does.
    None,
}

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) holds: Holds,
    /// Its type, as a value's text is cast to it.
    cast: String,
    /// How many characters it takes, if there is a limit.
    pub(super) room: Option<usize>,
    pub(super) may_be_null: bool,
    /// The database makes its values; they cannot be written.
    pub(super) is_made: bool,
}

/// What can stand in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// What can be read as text: names, dates, documents.
    Text,
    /// Numbers, which are looked at as those in JSON are.
    Number,
    /// What tells of no one by itself: truth values, times of day.
    Plain,
    /// Bytes that cannot be looked into.
    Bytes,
}

/// Something that runs when a row is updated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    pub(super) name: String,
    /// Whether it also runs in a session that says that it replicates.
    pub(super) is_always_on: bool,
}

/// A foreign key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    /// By its place among the tables.
    pub(super) child: usize,
    pub(super) parent: usize,
    /// Places of columns: of the child, of the parent.
    pub(super) columns: Vec<(usize, usize)>,
}

impl Table {
    /// Its name as policies and people write it.
    pub(super) fn shown(&self) -> String {
        if self.schema.is_empty() { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }

    /// Its name as it is written in a statement, for its own rows alone: those of a table that inherits from it are that one's.
    pub(super) fn quoted(&self, engine: Engine) -> String {
        let name = if self.schema.is_empty() { engine.quoted(&self.name) } else { format!("{}.{}", engine.quoted(&self.schema), engine.quoted(&self.name)) };
        if engine == Engine::Postgres && self.is_whole { format!("only {name}") } else { name }
    }

    /// How many values its key has.
    pub(super) fn key_length(&self) -> usize {
        match &self.key {
            Key::Columns(columns) => columns.len(),
            Key::Place(_) | Key::MovingPlace(_) => 1,
            Key::None => 0,
        }
    }

    /// The key's values, in the form in which they are compared and sorted.
    pub(super) fn key_names(&self, engine: Engine) -> Vec<String> {
        match &self.key {
            Key::Columns(columns) => columns.iter().map(|place| engine.quoted(&self.columns[*place].name)).collect(),
            Key::Place(name) | Key::MovingPlace(name) => vec![(*name).to_owned()],
            Key::None => Vec::new(),
        }
    }

    /// The key's values, in the form in which they are read.
    pub(super) fn key_read(&self, engine: Engine) -> Vec<String> {
        match &self.key {
            Key::Columns(columns) => columns.iter().map(|place| self.columns[*place].read(engine)).collect(),
            Key::MovingPlace(name) => vec![format!("{name}::text")],
            Key::Place(name) => vec![(*name).to_owned()],
            Key::None => Vec::new(),
        }
    }

    /// A value of the key that is given as text in `hole`, as it is compared with.
    pub(super) fn key_given(&self, engine: Engine, place: usize, hole: &str) -> String {
        match &self.key {
            Key::Columns(columns) => self.columns[columns[place]].given(engine, hole),
            Key::MovingPlace(_) => format!("{hole}::tid"),
            Key::Place(_) | Key::None => hole.to_owned(),
        }
    }
}

impl Column {
    /// How it is asked for, so that text comes.
    pub(super) fn read(&self, engine: Engine) -> String {
        let name = engine.quoted(&self.name);
        match (engine, self.holds) {
            (Engine::Sqlite, _) => name,
            (Engine::Postgres, _) => format!("{name}::text"),
            (Engine::MySql, Holds::Bytes) => format!("hex({name})"),
            (Engine::MySql, _) if self.is_own_text() => name,
            (Engine::MySql, _) => format!("cast({name} as char)"),
        }
    }

    /// How text is written into it.
    pub(super) fn written(&self, engine: Engine, hole: &str) -> String {
        if engine == Engine::Postgres { self.given(engine, hole) } else { hole.to_owned() }
    }

    /// How text is given to be compared with it.
    pub(super) fn given(&self, engine: Engine, hole: &str) -> String {
        match (engine, self.holds) {
            (Engine::Sqlite, _) => hole.to_owned(),
            (Engine::Postgres, _) => format!("{hole}::{}", self.cast),
            (Engine::MySql, Holds::Bytes) => format!("unhex({hole})"),
            (Engine::MySql, _) if self.cast.is_empty() => hole.to_owned(),
            (Engine::MySql, _) => format!("cast({hole} as {})", self.cast),
        }
    }

    /// MySQL's types that are text on the wire.
    fn is_own_text(&self) -> bool {
        self.cast.is_empty()
    }
}

impl Catalogue {
    /// What `connection`'s database says of itself.
    pub(super) async fn read(connection: &mut Connection) -> Result<Self, sqlx::Error> {
        let engine = connection.engine();
        let mut catalogue = Self::default();
        let mut keys: Vec<Vec<(usize, usize)>> = Vec::new();
        for row in connection.rows(engine.columns_query(), &[]).await? {
            let row = Words(row);
            let (schema, name) = (row.word(0), row.word(1));
            if name.starts_with(OURS) {
                continue;
            }
            if !catalogue.tables.last().is_some_and(|table| table.schema == schema && table.name == name) {
                let key = if row.is(9) { Key::None } else { Key::Place("") };
                catalogue.tables.push(Table {
                    schema,
                    name,
                    columns: Vec::new(),
                    is_whole: key != Key::None,
                    hides_rows: row.is(10),
                    key,
                    triggers: Vec::new(),
                });
                keys.push(Vec::new());
            }
            let table = catalogue.tables.last_mut().expect("it was pushed");
            let place = row.number(3);
            if place > 0 {
                keys.last_mut().expect("it was pushed").push((place, table.columns.len()));
            }
            let (holds, cast) = engine.kind_of(&row.word(4), &row.word(5));
            table.columns.push(Column {
                name: row.word(2),
                holds,
                cast,
                room: Some(row.number(6)).filter(|room| *room > 0),
                may_be_null: row.is(7),
                is_made: row.is(8),
            });
        }
        for (table, mut key) in catalogue.tables.iter_mut().zip(keys) {
            key.sort_unstable();
            let columns: Vec<usize> = key.into_iter().map(|(_, column)| column).collect();
            table.key = engine.key_of(table, columns);
        }
        catalogue.read_references(connection).await?;
        for row in connection.rows(engine.triggers_query(), &[]).await? {
            let row = Words(row);
            if let Some(table) = catalogue.find(&row.word(0), &row.word(1)) {
                catalogue.tables[table].triggers.push(Trigger { name: row.word(2), is_always_on: row.is(3) });
            }
        }
        catalogue.unseen = connection.rows(engine.unseen_query(), &[]).await?.into_iter().map(|row| Words(row).word(0)).collect();
        Ok(catalogue)
    }

    async fn read_references(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let engine = connection.engine();
        let mut last = None;
        for row in connection.rows(engine.references_query(), &[]).await? {
            let row = Words(row);
            let (Some(child), Some(parent)) = (self.find(&row.word(1), &row.word(2)), self.find(&row.word(4), &row.word(5))) else { continue };
            let place = row.number(7);
            // SQLite leaves the parent's columns out where they are its primary key.
            let implied = || match &self.tables[parent].key {
                Key::Columns(columns) => columns.get(place).copied(),
                _ => None,
            };
            let parent_column = if row.word(6).is_empty() { implied() } else { self.tables[parent].column(&row.word(6)) };
            let (Some(from), Some(to)) = (self.tables[child].column(&row.word(3)), parent_column) else { continue };
            let name = (row.word(0), child);
            if last.as_ref() == Some(&name) {
                self.references.last_mut().expect("one was pushed before").columns.push((from, to));
            } else {
                self.references.push(Reference { name: name.0.clone(), child, parent, columns: vec![(from, to)] });
                last = Some(name);
            }
        }
        Ok(())
    }

    /// The table that is called so.
    pub(super) fn find(&self, schema: &str, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.schema == schema && table.name == name).or_else(|| {
            // SQLite's names have no case.
            self.tables.iter().position(|table| table.schema == schema && table.name.eq_ignore_ascii_case(name))
        })
    }
}

impl Table {
    /// The place of the column that is called so.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    }
}

/// A row of a catalogue: words and numbers.
struct Words(Vec<Value>);

impl Words {
    fn word(&self, index: usize) -> String {
        match self.0.get(index) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Integer(integer)) => integer.to_string(),
            _ => String::new(),
        }
    }

    fn number(&self, index: usize) -> usize {
        self.word(index).parse().unwrap_or(0)
    }

    fn is(&self, index: usize) -> bool {
        self.word(index) == "1"
    }
}

impl Engine {
    /// Schema, table, column, place in the primary key (from 1), type, more of the type, characters, may be NULL, is made by the database,
    /// has no place of its rows to read them by, hides rows from this user.
    const fn columns_query(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "select '', l.name, c.name, c.pk, c.type, '', 0, c.\"notnull\" = 0, c.hidden > 0, l.wr, 0 \
                 from pragma_table_list l join pragma_table_xinfo(l.name) c \
                 where l.schema = 'main' and l.type = 'table' and l.name not like 'sqlite\\_%' escape '\\' order by l.name, c.cid"
            }
            Self::Postgres => {
                "select case when n.nspname = current_schema() then '' else n.nspname end, c.relname::text, a.attname::text, \
                 (coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0))::text, format_type(a.atttypid, -1), b.typcategory::text || b.typname::text, \
                 (case when b.typname in ('bpchar', 'varchar') then greatest(case when t.typbasetype = 0 then a.atttypmod else t.typtypmod end - 4, 0) else 0 end)::text, \
                 case when a.attnotnull then '0' else '1' end, case when a.attgenerated <> '' or a.attidentity = 'a' then '1' else '0' end, \
                 case when c.relkind = 'p' then '1' else '0' end, case when row_security_active(c.oid) then '1' else '0' end \
                 from pg_catalog.pg_class c \
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
                 join pg_catalog.pg_type t on t.oid = a.atttypid \
                 join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid) \
                 left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary \
                 where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' \
                 order by n.nspname, c.relname, a.attnum"
            }
            Self::MySql => {
                "select '', c.table_name, c.column_name, cast(coalesce(k.ordinal_position, 0) as char), c.data_type, c.column_type, \
                 cast(coalesce(c.character_maximum_length, 0) as char), if(c.is_nullable = 'YES', '1', '0'), \
                 if(coalesce(c.generation_expression, '') <> '', '1', '0'), '1', '0' \
                 from information_schema.columns c \
                 join information_schema.tables t on t.table_schema = database() and t.table_name = c.table_name \
                 left join information_schema.key_column_usage k on k.table_schema = database() and k.table_name = c.table_name \
                      and k.column_name = c.column_name and k.constraint_name = 'PRIMARY' \
                 where c.table_schema = database() and t.table_type = 'BASE TABLE' order by c.table_name, c.ordinal_position"
            }
        }
    }

    /// Constraint, child's schema, table and column, parent's schema, table and column, place in the key (from 0).
    const fn references_query(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "select l.name || ' references ' || f.\"table\" || ' #' || f.id, '', l.name, f.\"from\", '', f.\"table\", coalesce(f.\"to\", ''), f.seq \
                 from pragma_table_list l join pragma_foreign_key_list(l.name) f where l.schema = 'main' and l.type = 'table' order by l.name, f.id, f.seq"
            }
            Self::Postgres => {
                "select f.conname::text, case when n.nspname = current_schema() then '' else n.nspname end, c.relname::text, ca.attname::text, \
                 case when m.nspname = current_schema() then '' else m.nspname end, p.relname::text, pa.attname::text, (k.place - 1)::text \
                 from pg_catalog.pg_constraint f cross join lateral unnest(f.conkey, f.confkey) with ordinality as k(child, parent, place) \
                 join pg_catalog.pg_class c on c.oid = f.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 join pg_catalog.pg_class p on p.oid = f.confrelid join pg_catalog.pg_namespace m on m.oid = p.relnamespace \
                 join pg_catalog.pg_attribute ca on ca.attrelid = c.oid and ca.attnum = k.child \
                 join pg_catalog.pg_attribute pa on pa.attrelid = p.oid and pa.attnum = k.parent \
                 where f.contype = 'f' and f.conparentid = 0 order by n.nspname, c.relname, f.conname, k.place"
            }
            Self::MySql => {
                "select constraint_name, '', table_name, column_name, '', referenced_table_name, referenced_column_name, \
                 cast(ordinal_position - 1 as char) from information_schema.key_column_usage \
                 where table_schema = database() and referenced_table_schema = database() order by table_name, constraint_name, ordinal_position"
            }
        }
    }

    /// Schema, table, trigger on its updates, and whether it runs in every session.
    const fn triggers_query(self) -> &'static str {
        match self {
            Self::Sqlite => {
                // Between its words may stand any white space, and comments; what it does begins with `begin`.
                "with written as (select tbl_name, name, lower(replace(replace(replace(replace(replace(replace(sql, \
                     char(9), ' '), char(10), ' '), char(12), ' '), char(13), ' '), '/*', ' '), '*/', ' ')) || ' begin ' as sql \
                     from sqlite_schema where type = 'trigger') \
                 select '', tbl_name, name, 1 from written where instr(substr(sql, 1, instr(sql, ' begin ')), ' update ') > 0 order by name"
            }
            Self::Postgres => {
                "select case when n.nspname = current_schema() then '' else n.nspname end, c.relname::text, t.tgname::text, \
                 case when t.tgenabled in ('A', 'R') then '1' else '0' end \
                 from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 where not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 16 <> 0 order by t.tgname"
            }
            Self::MySql => {
                "select '', event_object_table, trigger_name, '1' from information_schema.triggers \
                 where event_object_schema = database() and event_manipulation = 'UPDATE' order by trigger_name"
            }
        }
    }

    /// What holds copies of rows that no update reaches.
    const fn unseen_query(self) -> &'static str {
        match self {
            Self::Sqlite => "select 'virtual table ' || name from pragma_table_list where schema = 'main' and type = 'virtual' order by name",
            Self::Postgres => {
                "select 'materialized view ' || c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 where c.relkind = 'm' and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' order by 1"
            }
            Self::MySql => "select '' from information_schema.tables where 1 = 0",
        }
    }

    /// What a column of this type can hold, and what a text is cast to for it.
    fn kind_of(self, kind: &str, more: &str) -> (Holds, String) {
        match self {
            Self::Sqlite => {
                let kind = kind.to_ascii_uppercase();
                let holds = if kind.contains("BLOB") { Holds::Bytes } else { Holds::Text };
                (holds, kind)
            }
            Self::Postgres => {
                // The category and the name of the base type, as in `Stext`.
                let holds = match more {
                    "Ubytea" | "Utsvector" | "Utsquery" => Holds::Bytes,
                    "Nmoney" | "Noid" | "Dtime" | "Dtimetz" | "Z\"char\"" | "Zchar" => Holds::Plain,
                    _ if more.starts_with('N') => Holds::Number,
                    _ if more.starts_with(['B', 'E', 'G', 'R', 'T', 'V', 'P']) => Holds::Plain,
                    _ => Holds::Text,
                };
                (holds, kind.to_owned())
            }
            Self::MySql => match kind {
                "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" => (Holds::Bytes, String::new()),
                "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection" | "vector" => {
                    (Holds::Bytes, String::new())
                }
                "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => {
                    let holds = if more.starts_with("tinyint(1)") { Holds::Plain } else { Holds::Number };
                    (holds, if more.contains("unsigned") { "unsigned" } else { "signed" }.to_owned())
                }
                "decimal" => (Holds::Number, "decimal(65,30)".to_owned()),
                "bit" => (Holds::Plain, "unsigned".to_owned()),
                "float" | "double" => (Holds::Number, "char".to_owned()),
                "time" | "year" | "enum" | "set" => (Holds::Plain, "char".to_owned()),
                "date" => (Holds::Text, "date".to_owned()),
                "datetime" | "timestamp" => (Holds::Text, "datetime(6)".to_owned()),
                "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => (Holds::Text, String::new()),
                _ => (Holds::Text, "char".to_owned()),
            },
        }
    }

    /// The key of a table whose primary key has these columns. Until now its key says whether its rows have a place.
    fn key_of(self, table: &Table, columns: Vec<usize>) -> Key {
        let has_place = table.key != Key::None;
        let is_number = |place: &usize| table.columns[*place].cast == "INTEGER";
        match self {
            // A rowid stays when a row is written to, and the primary key may be NULL.
            Self::Sqlite if has_place && !matches!(columns[..], [ref one] if is_number(one)) => {
                let free = ["_rowid_", "rowid", "oid"].into_iter().find(|name| table.column(name).is_none());
                free.map_or(Key::None, Key::Place)
            }
            _ if !columns.is_empty() => Key::Columns(columns),
            Self::Postgres if has_place => Key::MovingPlace("ctid"),
            _ => Key::None,
        }
    }
}

/// What the names of our own tables begin with.
pub(super) const OURS: &str = "reenact_sandbox";
