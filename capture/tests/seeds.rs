//! The seeds of the fuzz targets, and what the fuzzer found: the entry functions panic if something does not hold.

use std::fs;

use reenact_capture::{fuzz, fuzz_import, fuzz_packet, fuzz_reader, fuzz_reassembler};

#[test]
fn seeds_and_what_the_fuzzer_found() {
    type Target = (&'static str, fn(&[u8]), usize);
    let targets: [Target; 5] =
        [("reader", fuzz_reader, 20), ("packet", fuzz_packet, 30), ("reassembler", fuzz_reassembler, 15), ("capture", fuzz, 5), ("import", fuzz_import, 8)];
    for (target, entry, least) in targets {
        let seeds = fs::read_dir(format!("{}/../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"))).expect("the seeds are there");
        let run = seeds.map(|seed| entry(&fs::read(seed.expect("listed").path()).expect("readable"))).count();
        assert!(run >= least, "{target}: only {run} seeds");
    }
}
