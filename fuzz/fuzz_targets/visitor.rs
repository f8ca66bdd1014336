//! Any bytes as a message of any media type: `cargo +nightly fuzz run visitor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_formats::content::fuzz_visitor(data));
