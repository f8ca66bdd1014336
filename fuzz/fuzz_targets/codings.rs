//! Any bytes under a content coding, and put under it: `cargo +nightly fuzz run codings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reenact_formats::content::fuzz_codings(data));
