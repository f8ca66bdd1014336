//! From schema v1 to v2, while services run: addresses move from columns of the customer into a table of their own.
//!
//! The migration takes the row of `schema_version` for itself, so that every request falls before it or after it. SQLite and
//! PostgreSQL do all of it in one transaction. MariaDB's DDL commits what came before, so that the row says `migrating` in the
//! meantime and services wait; a step that fails takes the copy away again and says `v1`.

use anyhow::{Context, Result, bail, ensure};

use super::{Access, Database, Kind, Schema, Transaction, schema};

/// How well the migration works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Moves every address.
    Right,
    /// Takes the second address for a fallback of the first, and so loses it where there are two.
    Defective,
}

/// Migrates a database to schema v2 and tells how many addresses were moved.
pub async fn migrate(url: &str, variant: Variant) -> Result<u64> {
    let database = Database::connect(url, 1).await?;
    let migrated = exclusively(&database, variant).await;
    database.close().await;
    migrated
}

async fn exclusively(database: &Database, variant: Variant) -> Result<u64> {
    let mut transaction = database.begin(Access::Write).await.context("waiting for the schema's lock")?;
    lock(&mut transaction).await?;
    if transaction.kind() == Kind::MySql {
        return step_by_step(database, transaction, variant).await;
    }
    create(&mut transaction).await?;
    let moved = fill(&mut transaction, variant).await?;
    set_version(&mut transaction, Schema::V2.name()).await?;
    transaction.commit().await.context("committing the migration")?;
    Ok(moved)
}

/// For MariaDB: nothing holds over DDL, so that each step that fails takes back what was done before it.
async fn step_by_step(database: &Database, mut transaction: Transaction, variant: Variant) -> Result<u64> {
    set_version(&mut transaction, "migrating").await?;
    transaction.commit().await.context("announcing the migration")?;

    let mut transaction = database.begin(Access::Write).await.context("beginning to migrate")?;
    let migrated = match create(&mut transaction).await {
        Ok(()) => {
            let filled = fill(&mut transaction, variant).await;
            if filled.is_err() {
                transaction.define("drop table address".to_owned()).await.context("taking the copy away again")?;
            }
            filled
        }
        Err(error) => Err(error),
    };
    let version = if migrated.is_ok() { Schema::V2 } else { Schema::V1 };
    set_version(&mut transaction, version.name()).await?;
    transaction.commit().await.context("committing the migration")?;
    migrated
}

/// Waits until no request holds the version, and keeps new ones from reading it.
async fn lock(transaction: &mut Transaction) -> Result<()> {
    let sql = match transaction.kind() {
        // `BEGIN IMMEDIATE` has taken it.
        Kind::Sqlite => "select version from schema_version",
        Kind::Postgres => {
            transaction.define("lock table schema_version in access exclusive mode".to_owned()).await.context("locking the schema version")?;
            "select version from schema_version"
        }
        Kind::MySql => "select version from schema_version for update",
    };
    let row = transaction.row(sql, &[]).await.context("reading the schema version")?;
    match row.map(|row| row.string(0)).transpose()?.as_deref() {
        Some("v1") => Ok(()),
        Some(version) => bail!("the schema is at {version}, not at v1"),
        None => bail!("the database has no schema version"),
    }
}

async fn create(transaction: &mut Transaction) -> Result<()> {
    schema::create_table(transaction, schema::ADDRESS_TABLE).await.context("creating the table of addresses")
}

/// Copies the addresses, then drops the columns they were in.
async fn fill(transaction: &mut Transaction, variant: Variant) -> Result<u64> {
    let second = match variant {
        Variant::Right => COPY_SECOND,
        Variant::Defective => COPY_SECOND_AS_FALLBACK,
    };
    let first = transaction.execute(COPY_FIRST, &[]).await.context("copying first addresses")?;
    let second = transaction.execute(second, &[]).await.context("copying second addresses")?;
    let drops = schema::ADDRESS_COLUMNS.map(|column| format!("drop column {column}"));
    // SQLite drops one at a time; MariaDB drops all or none of one statement.
    let statements = if transaction.kind() == Kind::Sqlite { drops.to_vec() } else { vec![drops.join(", ")] };
    for statement in statements {
        transaction.define(format!("alter table customer {statement}")).await.context("dropping the old columns")?;
    }
    Ok(first + second)
}

async fn set_version(transaction: &mut Transaction, version: &str) -> Result<()> {
    let touched = transaction.execute("update schema_version set version = ? where id = 1", &[version.into()]).await.context("setting the schema version")?;
    ensure!(touched == 1, "the schema version has {touched} rows, not one");
    Ok(())
}

const COPY_FIRST: &str = "insert into address (id, customer_id, position, label, street, city, postcode, country)
    select address_1_id, id, 1, address_1_label, address_1_street, address_1_city, address_1_postcode, address_1_country
    from customer where address_1_id is not null";
const COPY_SECOND: &str = "insert into address (id, customer_id, position, label, street, city, postcode, country)
    select address_2_id, id, 2, address_2_label, address_2_street, address_2_city, address_2_postcode, address_2_country
    from customer where address_2_id is not null";
const COPY_SECOND_AS_FALLBACK: &str = "insert into address (id, customer_id, position, label, street, city, postcode, country)
    select address_2_id, id, 2, address_2_label, address_2_street, address_2_city, address_2_postcode, address_2_country
    from customer where address_2_id is not null and address_1_id is null";
