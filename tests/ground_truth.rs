//! Exactness: whatever is wrong with a capture, what is in it is recorded once and byte for byte, and what is not is said to be missing.
//!
//! Captures and their ground truth are made by `bench/make_big_pcap.py`; `bench/ground-truth` makes the same comparison with larger ones.

mod truth;

use std::path::Path;

use truth::{Case, DAMAGES, RATES, SHAPES};

#[test]
fn whatever_shape_it_has() {
    check(SHAPES.map(|shape| Case::new(shape, 2.0, &[1, 2])));
}

#[test]
fn rarely_damaged() {
    check_damaged(RATES[0]);
}

#[test]
fn damaged_now_and_then() {
    check_damaged(RATES[1]);
}

#[test]
fn often_damaged() {
    check_damaged(RATES[2]);
}

fn check_damaged(rate: &str) {
    check(DAMAGES.map(|damage| Case::new(&damage.replace("RATE", rate), 3.0, &[1, 2, 3])));
}

/// Makes the captures, records them and compares; fails with all that is amiss in any of them.
fn check(cases: impl IntoIterator<Item = Case>) {
    let mut amiss = Vec::new();
    for case in cases {
        let tally = case.run(Path::new(env!("CARGO_BIN_EXE_reenact")));
        println!("{case}: {tally}");
        tally.missed.iter().for_each(|missed| println!("  missed: {missed}"));
        if !tally.is_acceptable(&case) {
            amiss.push(format!("{case}: {tally}: {:#?} missed {:#?}", tally.faults(), tally.missed));
        }
    }
    assert!(amiss.is_empty(), "{amiss:#?}");
}
