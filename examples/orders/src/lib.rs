//! The demo service: customers, addresses, orders and payments over HTTP/1.1.
//!
//! HTTP requests flow in through [`start`], rows flow out to SQLite, PostgreSQL or MariaDB, and answers flow back. The
//! service knows two versions of its schema. [`migrate`] takes a database from the first to the second while services run on
//! it, once rightly and once with a defect of the kind that real migrations have: that is what a replay is to find.
//!
//! What never happens here: an answer that depends on another customer's requests, a limit on rates, a token that expires. Ids,
//! tokens, activation codes, cursors and clock times are made anew by each service; every other byte of an answer follows from
//! what the same customer sent before.
//!
//! It is a demonstration. Passwords are kept as bcrypt at its least cost, card numbers and integration secrets as they came.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use reenact_orders::{Config, Schema, start};
//!
//! let running = start(Config::new("sqlite:/tmp/orders.db", Schema::V1)).await?;
//! println!("http://{}", running.address());
//! running.stop().await;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod answer;
mod api;
mod checks;
pub mod cli;
mod failure;
mod fresh;
mod request;
mod server;
mod store;

pub use server::{Config, Running, start};
pub use store::{Schema, Variant, migrate};
