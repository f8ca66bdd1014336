//! The dependencies between the crates point one way; `cargo metadata` says whether they do.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each package of the workspace and the packages of the workspace that it may depend on, for its tests too.
const ALLOWED: &[(&str, &[&str])] = &[
    ("reenact-formats", &[]),
    ("reenact-capture", &["reenact-formats"]),
    ("reenact-sanitize", &["reenact-formats"]),
    ("reenact-replay", &["reenact-formats"]),
    ("reenact-verify", &["reenact-formats"]),
    ("reenact-orders", &[]),
    ("reenact", &["reenact-formats", "reenact-capture", "reenact-sanitize", "reenact-replay", "reenact-verify", "reenact-orders"]),
];

/// What only the named packages may use, outside of tests.
const RESERVED: &[(&str, &[&str])] = &[
    ("tokio", &["reenact", "reenact-replay", "reenact-verify", "reenact-orders"]),
    ("etherparse", &["reenact-capture"]),
    ("pcap", &["reenact-capture"]),
    ("clap", &["reenact", "reenact-orders"]),
    ("anyhow", &["reenact", "reenact-orders"]),
    // The root rewrites sandbox copies.
    ("sqlx", &["reenact", "reenact-verify", "reenact-orders"]),
    // The root reads pages only to look for planted values behind our readers' backs.
    ("parquet", &["reenact-formats", "reenact"]),
];

struct Package {
    of_tests_too: BTreeSet<String>,
    shipped: BTreeSet<String>,
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let names = |package: &Value, keep: fn(&Value) -> bool| -> BTreeSet<String> {
        let dependencies = package["dependencies"].as_array().expect("an array").iter();
        dependencies.filter(|dependency| keep(dependency)).map(|dependency| dependency["name"].as_str().expect("a name").to_owned()).collect()
    };
    let packages = metadata["packages"].as_array().expect("an array").iter();
    packages
        .map(|package| {
            let shipped = names(package, |dependency| dependency["kind"].as_str() != Some("dev"));
            (package["name"].as_str().expect("a name").to_owned(), Package { of_tests_too: names(package, |_| true), shipped })
        })
        .collect()
}

#[test]
fn the_tools_never_import_one_another() {
    let packages = packages();
    let members: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(members, ALLOWED.iter().map(|(name, _)| *name).collect(), "a new member needs its row in this test");
    for (name, allowed) in ALLOWED {
        let used: Vec<_> = packages[*name].of_tests_too.iter().filter(|used| members.contains(used.as_str())).collect();
        assert!(used.iter().all(|used| allowed.contains(&used.as_str())), "{name} depends on {used:?}, may depend on {allowed:?}");
    }
}

#[test]
fn what_is_reserved_stays_where_it_is() {
    for (dependency, allowed) in RESERVED {
        for (name, package) in packages() {
            assert!(!package.shipped.contains(*dependency) || allowed.contains(&name.as_str()), "{name} depends on {dependency}, only {allowed:?} may");
        }
    }
}
