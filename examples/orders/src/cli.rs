//! The command line of the demo service. `reenact` embeds it as a hidden subcommand.

use std::{io::Write, net::SocketAddr};

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};

use crate::{Config, Schema, Variant, migrate, start};

/// What the demo service can be told to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve until interrupted; prints `listening on http://HOST:PORT` once ready.
    Serve {
        /// `sqlite:FILE`, `postgres://…`, `mysql://…` or `mariadb://…`
        #[arg(long, value_name = "URL")]
        database: String,
        /// The address to listen on; port 0 takes a free one.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// The schema to create in an empty database. One that is there already is served as it is.
        #[arg(long, value_enum, default_value_t = SchemaName::V1)]
        schema: SchemaName,
    },
    /// Take a database from schema v1 to v2, also while services run on it.
    Migrate {
        /// `sqlite:FILE`, `postgres://…`, `mysql://…` or `mariadb://…`
        #[arg(long, value_name = "URL")]
        database: String,
        /// The right migration, or the one that loses some rows.
        #[arg(long, value_enum, default_value_t = VariantName::Right)]
        variant: VariantName,
    },
}

/// A schema version as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// Two addresses in the customer's own row.
    V1,
    /// A table of addresses.
    V2,
}

/// A migration as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VariantName {
    /// Moves every address.
    Right,
    /// Loses the second address of whoever has two.
    Defective,
}

/// Runs one command to its end. `serve` ends with SIGINT or SIGTERM.
pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve { database, listen, schema } => serve(Config { database, listen, schema: schema.into() }).await,
        Command::Migrate { database, variant } => {
            let moved = migrate(&database, variant.into()).await?;
            say(&format!("migrated to v2, {moved} addresses moved"))
        }
    }
}

async fn serve(config: Config) -> Result<()> {
    let running = start(config).await?;
    say(&format!("listening on http://{}", running.address()))?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("listening for SIGINT")?,
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}

/// Whoever started the service waits for this line, so that it must not stay in a buffer.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("writing to stdout")
}

impl From<SchemaName> for Schema {
    fn from(name: SchemaName) -> Self {
        match name {
            SchemaName::V1 => Schema::V1,
            SchemaName::V2 => Schema::V2,
        }
    }
}

impl From<VariantName> for Variant {
    fn from(name: VariantName) -> Self {
        match name {
            VariantName::Right => Variant::Right,
            VariantName::Defective => Variant::Defective,
        }
    }
}
