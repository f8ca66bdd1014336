//! Any steps in the life of one direction of a connection: `cargo +nightly fuzz run reassembler`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_capture::fuzz_reassembler(data));
