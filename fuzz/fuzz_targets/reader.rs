//! Any bytes as a file of packets: `cargo +nightly fuzz run reader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_capture::fuzz_reader(data));
