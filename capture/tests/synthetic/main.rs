//! Captures that the tests build themselves, from files to flows.

mod consent;
mod files;
mod flows;
mod network;
mod packets;
mod pairing;
mod support;
