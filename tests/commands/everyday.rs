//! The commands at work, on small things.

use std::fs;

use reenact_formats::disk::recording::{Recording, Window};

use crate::program::{command, ran, reenact, repository};

#[test]
fn keys_are_named_and_never_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    let made = reenact(["key", "new", &path("a")]).exits(0);
    let id = made.stdout.trim().to_owned();
    assert_eq!(id.len(), 16, "{id}");
    let text = fs::read_to_string(path("a")).expect("it is written");
    assert_eq!(reenact(["key", "id", &path("a")]).exits(0).stdout.trim(), id);
    assert_eq!(ran(command().args(["key", "id", "--json"]).env("REENACT_KEY", text.trim())).exits(0).json()["key_id"], id.as_str());
    assert_ne!(reenact(["key", "new", &path("b")]).exits(0).stdout.trim(), id);
    let wrong = ran(command().args(["key", "id"]).env("REENACT_KEY", "c2VjcmV0")).exits(2);
    assert!(wrong.stderr.contains("REENACT_KEY") && !wrong.stderr.contains("c2VjcmV0"), "{}", wrong.stderr);
}

#[test]
fn no_key_lies_with_what_was_made_under_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    reenact(["key", "new", &path("key")]).exits(0);
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "500", "-o", &path("rec"), "--key-file", &path("key")]).exits(0);
    let refused = reenact(["key", "new", &path("rec/key")]).exits(2);
    assert!(refused.stderr.contains("lies in recording") && refused.stderr.contains("hint: "), "{}", refused.stderr);
    assert!(!folder.path().join("rec/key").exists());
    fs::copy(path("key"), path("rec/key")).expect("writable");
    for arguments in [vec!["key", "id", &path("rec/key")], vec!["sanitize", &path("rec"), "-o", &path("again"), "--key-file", &path("rec/key")]] {
        let refused = reenact(arguments).exits(2);
        assert!(refused.stderr.contains("lies in recording"), "{}", refused.stderr);
    }
}

#[test]
fn redacting_twice_under_one_key_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("the path is text").to_owned();
    reenact(["key", "new", &path("key")]).exits(0);
    let packets = repository("examples/captures/orders.pcap");
    reenact(["capture", "-r", &packets, "-c", "2000", "-o", &path("once"), "--key-file", &path("key")]).exits(0);
    reenact(["sanitize", &path("once"), "-o", &path("twice"), "--key-file", &path("key")]).exits(0);
    let recording = Recording::open(folder.path().join("once").as_path()).expect("it was just written");
    let exchanges = recording.exchanges(&Window::ALL).expect("it can be read").step_by(100);
    for id in exchanges.map(|exchange| exchange.expect("it can be read").id.to_string()) {
        let shown = |recording: &str| reenact(["inspect", &path(recording), "--exchange", &id, "--json"]).exits(0).json();
        let (once, twice) = (shown("once"), shown("twice"));
        assert_eq!((&once["request"], &once["response"]), (&twice["request"], &twice["response"]), "exchange {id}");
    }
}

#[test]
fn a_dry_run_says_what_would_differ_and_sends_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recording = folder.path().join("rec").to_str().expect("the path is text").to_owned();
    reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-c", "2000", "-o", &recording]).exits(0);
    // Nothing listens there.
    let said = reenact(["replay", &recording, "--target", "http://127.0.0.1:9", "--dry-run"]).exits(0);
    assert!(said.stdout.contains("  + Host: 127.0.0.1:9\n"), "{}", said.stdout);
    let requests = reenact(["replay", &recording, "--target", "http://127.0.0.1:9", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(requests["requests"][0]["target"], "http://127.0.0.1:9", "{requests}");
}

#[test]
fn files_that_people_write_are_checked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (file, kind) in [
        ("examples/policies/orders.yaml", "policy"),
        ("examples/policies/strict.yaml", "policy"),
        ("examples/state/orders.yaml", "entities"),
        ("examples/objectives/orders.yaml", "objectives"),
    ] {
        let report = reenact(["check", &repository(file), "--json"]).exits(0).json();
        assert_eq!((&report["kind"], &report["passed"]), (&kind.into(), &true.into()), "{file}");
    }
    let wrong = folder.path().join("wrong.yaml");
    fs::write(&wrong, "version: 1\nslo:\n  - { sli: sucess, objective: 99% }\n").expect("the folder is ours");
    let report = reenact(["check".as_ref(), wrong.as_os_str()]).exits(1);
    assert!(report.stdout.contains("failed") && report.stdout.contains("success"), "{}", report.stdout);
}

#[test]
fn spans_tell_what_would_be_redacted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let samples = folder.path().join("samples.jsonl");
    let text = concat!(
        r#"{"text":"{\"mail\":\"mina@carfax.example.net\"}","content_type":"application/json"}"#,
        "\n",
        r#"{"text":"nothing here"}"#,
        "\n",
        r#"{"text":"{\"query\":\"mutation In($password: String!) { login(pw: \\\"hunter2\\\", as: $password) { token } }\"}","content_type":"application/json"}"#,
        "\n"
    );
    fs::write(&samples, text).expect("the folder is ours");
    let said = reenact(["sanitize".as_ref(), "--spans".as_ref(), samples.as_os_str()]).exits(0);
    assert_eq!(said.stdout, "[[9,32,\"email\"]]\n[]\n[[56,63,\"password\"]]\n");
    fs::write(&samples, "{\"txt\":\"hunter2\"}\n").expect("the folder is ours");
    let refused = reenact(["sanitize".as_ref(), "--spans".as_ref(), samples.as_os_str()]).exits(2);
    assert!(refused.stderr.contains("line 1") && !refused.stderr.contains("hunter2"), "{}", refused.stderr);
}
