//! Any bytes, holes and ends as a connection of HTTP/1: `cargo +nightly fuzz run http1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_formats::wire::http1::fuzz(data));
