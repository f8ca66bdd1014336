//! The program itself: what it prints, and that it leaves when it is told to.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::support::customer;

#[tokio::test]
async fn it_serves_is_migrated_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("orders.db").display());
    let mut serving = Command::new(PROGRAM).args(["serve", "--database", &database]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let mut client = customer(address, "jon").await;

    let migrate = || Command::new(PROGRAM).args(["migrate", "--database", &database]).output().unwrap();
    let migrated = migrate();
    assert!(migrated.status.success() && String::from_utf8_lossy(&migrated.stdout).starts_with("migrated to v2, 0 addresses"), "{migrated:?}");
    assert_eq!(client.get("/addresses").await.text(), r#"{"addresses":[]}"#);
    let again = migrate();
    assert_eq!((again.status.code(), String::from_utf8_lossy(&again.stderr).as_ref()), (Some(2), "error: the schema is at v2, not at v1\n"));

    // A connection that stays open must not keep it.
    assert!(Command::new("kill").arg(serving.id().to_string()).status().unwrap().success());
    assert!(serving.wait().unwrap().success());
}

#[test]
fn a_database_that_is_none_is_an_error() {
    for (url, expected) in [
        ("oracle:x", "begins with sqlite:"),
        ("sqlite:/nowhere/at/all.db", "SQLite"),
        ("postgres://app@127.0.0.1:1/x", "PostgreSQL"),
        ("mysql://app@127.0.0.1:1/x", "MariaDB"),
    ] {
        let output = Command::new(PROGRAM).args(["serve", "--database", url]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{url}: {said}");
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_orders");
