//! Any bytes as a packet capture: `cargo +nightly fuzz run capture`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_capture::fuzz(data));
