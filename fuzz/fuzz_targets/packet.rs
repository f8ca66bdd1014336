//! Any bytes as packets of any link type: `cargo +nightly fuzz run packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_capture::fuzz_packet(data));
