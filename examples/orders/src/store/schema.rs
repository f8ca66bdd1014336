//! The two versions of the schema, and the row that says which one it is.

use super::{Kind, Transaction};

/// A version of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// A customer's row holds up to two addresses in columns of its own.
    V1,
    /// Addresses have a table.
    V2,
}

impl Schema {
    pub(super) fn name(self) -> &'static str {
        match self {
            Schema::V1 => "v1",
            Schema::V2 => "v2",
        }
    }
}

/// Reads the version under the shared lock; none while a migration is at work.
pub(super) async fn shared(transaction: &mut Transaction) -> Result<Option<Schema>, sqlx::Error> {
    let sql = match transaction.kind() {
        Kind::Sqlite | Kind::Postgres => "select version from schema_version",
        Kind::MySql => "select version from schema_version lock in share mode",
    };
    let version = transaction.row(sql, &[]).await?.map(|row| row.string(0)).transpose()?;
    Ok([Schema::V1, Schema::V2].into_iter().find(|schema| version.as_deref() == Some(schema.name())))
}

/// Creates all tables, unless there are some.
pub(super) async fn create(transaction: &mut Transaction, schema: Schema) -> Result<(), sqlx::Error> {
    if is_there(transaction).await? {
        return Ok(());
    }
    let addresses = match schema {
        Schema::V1 => ADDRESS_COLUMNS.map(|column| format!(", {column} {}", if column.ends_with("_id") { "varchar(64)" } else { "text" })).concat(),
        Schema::V2 => String::new(),
    };
    let tables = TABLES.iter().map(|table| table.replace("{addresses}", &addresses));
    for table in tables.chain((schema == Schema::V2).then(|| ADDRESS_TABLE.to_owned())) {
        create_table(transaction, &table).await?;
    }
    transaction.execute("insert into schema_version (id, version) values (1, ?)", &[schema.name().into()]).await?;
    Ok(())
}

pub(super) async fn create_table(transaction: &mut Transaction, definition: &str) -> Result<(), sqlx::Error> {
    let suffix = match transaction.kind() {
        Kind::Sqlite | Kind::Postgres => "",
        // Compare text as the other two do: byte for byte.
        Kind::MySql => " engine = innodb default character set utf8mb4 collate utf8mb4_bin",
    };
    transaction.define(format!("create table {definition}{suffix}")).await?;
    Ok(())
}

async fn is_there(transaction: &mut Transaction) -> Result<bool, sqlx::Error> {
    let sql = match transaction.kind() {
        Kind::Sqlite => "select 1 from sqlite_master where name = 'schema_version'",
        Kind::Postgres => "select 1 from pg_tables where tablename = 'schema_version' and schemaname = current_schema()",
        Kind::MySql => "select 1 from information_schema.tables where table_name = 'schema_version' and table_schema = database()",
    };
    Ok(transaction.row(sql, &[]).await?.is_some())
}

/// A customer's addresses in schema v1.
pub(super) const ADDRESS_COLUMNS: [&str; 12] = [
    "address_1_id",
    "address_1_label",
    "address_1_street",
    "address_1_city",
    "address_1_postcode",
    "address_1_country",
    "address_2_id",
    "address_2_label",
    "address_2_street",
    "address_2_city",
    "address_2_postcode",
    "address_2_country",
];

/// Addresses in schema v2.
pub(super) const ADDRESS_TABLE: &str = "address (
    id varchar(64) primary key, customer_id varchar(64) not null, position bigint not null,
    label text not null, street text not null, city text not null, postcode text not null, country text not null,
    unique (customer_id, position))";

/// What both versions have. `revision` counts a customer's writes: to update it is to lock the row, in all three databases.
const TABLES: [&str; 7] = [
    "customer (
        id varchar(64) primary key, email varchar(255) not null unique, name text not null, phone text, ssn text, note text,
        password varchar(64) not null, activation_code varchar(64), revision bigint not null{addresses})",
    "session (token_digest varchar(64) primary key, customer_id varchar(64) not null)",
    "api_key (
        id varchar(64) primary key, customer_id varchar(64) not null, position bigint not null,
        provider text not null, label text not null, secret text not null,
        unique (customer_id, position))",
    "orders (
        id varchar(64) primary key, customer_id varchar(64) not null, position bigint not null, reference varchar(255) not null,
        currency varchar(8) not null, total_cents bigint not null, placed_from text, note text, created_at varchar(32) not null,
        unique (customer_id, position), unique (customer_id, reference))",
    "order_item (
        order_id varchar(64) not null, position bigint not null, sku text not null, quantity bigint not null, unit_price_cents bigint not null,
        primary key (order_id, position))",
    "payment (
        id varchar(64) primary key, order_id varchar(64) not null, position bigint not null, method varchar(8) not null,
        account text not null, holder text not null, amount_cents bigint not null, created_at varchar(32) not null,
        unique (order_id, position))",
    // Last, because it is what tells that the others are there.
    "schema_version (id bigint primary key, version varchar(16) not null)",
];
