//! The committed JSON Schemas are those that the binary prints, and the examples are valid files of their kind.

use std::fs;

use crate::program::{reenact, repository};
use serde_json::Value;

#[test]
fn committed_schemas_are_current() {
    for name in ["policy", "objectives", "entities", "rules", "exchange"] {
        let printed: Value = reenact(["schema", name]).exits(0).json();
        let committed = fs::read_to_string(repository(&format!("schemas/{name}.json"))).expect("the schema is committed");
        let committed: Value = serde_json::from_str(&committed).expect("it is JSON");
        assert_eq!(committed, printed, "write it anew: reenact schema {name} > schemas/{name}.json");
    }
}

#[test]
fn completions_and_man_pages_are_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for shell in ["bash", "zsh", "fish"] {
        assert!(reenact(["completions", shell]).exits(0).stdout.contains("capture"), "{shell}");
    }
    reenact([std::ffi::OsStr::new("man"), folder.path().as_os_str()]).exits(0);
    for page in ["reenact.1", "reenact-capture.1", "reenact-verify.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
}
