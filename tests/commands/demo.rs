//! `reenact demo` as its reader runs it: the verdicts are the expected ones, and a second run replaces the first.

use std::collections::BTreeSet;
use std::fs;

use crate::program::{reenact, repository};
use reenact::planted::{Scanner, read};

#[test]
fn ends_with_the_expected_verdicts_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out");
    let planted = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
    let scanner = Scanner::new(&planted);
    for _ in 0..2 {
        let arguments = ["demo".as_ref(), "-o".as_ref(), output.as_os_str()];
        let ran = reenact(arguments).exits(0);
        let verdicts: Vec<&str> = ran.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("verdict: ")).collect();
        assert_eq!(verdicts, ["pass", "pass", "fail"], "{}", ran.stdout);
        let rows: Vec<_> = ran.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("missing row of address: ")).collect();
        let names_a_row = |row: &&str| {
            let cells = row.split(", ").filter_map(|cell| cell.split_once(" = "));
            let has = |column| cells.clone().any(|(name, value)| name == column && !value.is_empty());
            has("email") && has("label")
        };
        assert!(!rows.is_empty() && rows.iter().all(names_a_row), "the verdict names the addresses that the migration lost:\n{}", ran.stdout);
        let html = fs::read_to_string(output.join("report.html")).expect("the report is written");
        assert!(html.to_ascii_lowercase().contains("</html>"), "the report is whole");
        // No planted value stands in any of its files, nor in what it prints: the exchange that is shown before redaction has values of its own.
        let scan = scanner.folder(folder.path()).expect("all files can be read");
        assert!(scan.files > 10 && scan.survivors.is_empty(), "{:#?}", scan.survivors);
        for printed in [&ran.stdout, &ran.stderr] {
            assert_eq!(scanner.bytes(printed.as_bytes()), BTreeSet::new());
        }
    }
}

#[test]
fn never_replaces_what_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("mine"), b"keep me").expect("the folder is ours");
    let ran = reenact(["demo".as_ref(), "-o".as_ref(), folder.path().as_os_str()]).exits(2);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert!(folder.path().join("mine").is_file());
}
