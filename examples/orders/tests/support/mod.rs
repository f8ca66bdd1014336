//! A client of few lines, and database servers that the tests start.

mod client;

pub(crate) use client::{Answer, Client, customer};
