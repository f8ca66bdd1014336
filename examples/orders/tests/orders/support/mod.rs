//! A client of few lines, and database servers that the tests start.

mod client;
mod servers;

pub(crate) use client::{Answer, Client, customer};
pub(crate) use servers::{Kind, Server};
