//! Any bytes as another tool's file: `cargo +nightly fuzz run import`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_capture::fuzz_import(data));
