//! Any bytes as a message that is redacted: `cargo +nightly fuzz run detectors`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_sanitize::fuzz(data));
