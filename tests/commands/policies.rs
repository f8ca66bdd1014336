//! Policies through the binary: profiles, places, expiry, the audit, and the removal of a person.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use crate::program::{Ran, command, ran, reenact, repository};
use reenact::planted::{Planted, Scanner, read};
use reenact_formats::disk::recording::{Recording, Window};
use serde_json::Value;
use tempfile::TempDir;

struct Story {
    folder: TempDir,
    packets: String,
}

impl Story {
    fn begin() -> Self {
        let story = Self { folder: tempfile::tempdir().expect("a temporary folder"), packets: repository("examples/captures/orders.pcap") };
        reenact(["key", "new", &story.path("key")]).exits(0);
        story
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn policy(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), format!("version: 1\n{text}\n")).expect("the folder is ours");
        self.path(name)
    }

    fn capture(&self, name: &str, more: &[&str]) -> String {
        let (output, key) = (self.path(name), self.path("key"));
        reenact(["capture", "-r", &self.packets, "-o", &output, "--key-file", &key].into_iter().chain(more.iter().copied())).exits(0);
        output
    }

    fn json(arguments: &[&str]) -> Value {
        serde_json::from_str(&reenact(arguments).exits(0).stdout).expect("JSON")
    }
}

fn planted(kind: &str) -> Vec<String> {
    let all = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
    all.into_iter().filter(|planted| planted.kind == kind).map(|planted| planted.value).collect()
}

fn survivors(folder: &str, values: &[String]) -> BTreeSet<usize> {
    let planted: Vec<Planted> = values.iter().map(|value| Planted { kind: "value".to_owned(), value: value.clone() }).collect();
    Scanner::new(&planted).folder(Path::new(folder)).expect("all files can be read").survivors.into_iter().map(|survivor| survivor.index).collect()
}

/// Runs the binary with a text on stdin.
fn told(story: &Story, arguments: &[&str], text: &str) -> Ran {
    let file = story.path("stdin");
    fs::write(&file, text).expect("the folder is ours");
    ran(command().args(arguments).stdin(fs::File::open(file).expect("it was written")))
}

#[track_caller]
fn hides(ran: &Ran, value: &str) {
    assert!(!ran.stdout.contains(value) && !ran.stderr.contains(value), "{} {}", ran.stdout, ran.stderr);
}

#[test]
fn the_audit_tells_what_was_done_where_and_never_a_value() {
    let story = Story::begin();
    let policy = story.policy("p.yaml", "rules: { phone: { action: hash } }\nlocations: { 'body:/holder': { action: keep } }");
    let recording = story.capture("rec", &["--policy", &policy]);
    let shown = reenact(["inspect", &recording, "--redactions"]).exits(0);
    for words in ["severity", "critical", "pseudonym", "hash", "keep", "header:authorization", "body:/email"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    let audit = Story::json(&["inspect", &recording, "--redactions", "--json"]);
    let rows = audit["redactions"].as_array().expect("rows");
    let summary = Story::json(&["inspect", &recording, "--json"]);
    let count = |rows: &mut dyn Iterator<Item = &Value>| rows.map(|row| row["count"].as_u64().expect("a count")).sum::<u64>();
    let sum = |of: &str| summary[of].as_object().expect("counts").values().map(|count| count.as_u64().expect("a count")).sum::<u64>();
    assert_eq!(count(&mut rows.iter().filter(|row| row["action"] == "keep")), sum("kept"));
    assert_eq!(count(&mut rows.iter().filter(|row| row["action"] != "keep")), sum("redactions"));
    for values in ["email", "phone", "card"].map(planted) {
        values.iter().for_each(|value| hides(&shown, value));
    }
}

#[test]
fn a_person_is_erased_by_what_they_are_known_by() {
    let story = Story::begin();
    let recording = story.capture("rec", &["--part-size", "64KiB"]);
    let before = Story::json(&["inspect", &recording, "--json"]);
    let key = story.path("key");
    let mut erased = 0;
    let values = planted("email");
    for (number, value) in values.iter().take(3).enumerate() {
        let file = story.path("subject");
        fs::write(&file, format!("{value}\n")).expect("the folder is ours");
        let ran = reenact(["erase", &recording, "--subject-file", &file, "--key-file", &key, "--json"]).exits(0);
        hides(&ran, value);
        let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        erased += told["erased"].as_u64().expect("a count");
        let again = Story::json(&["erase", &recording, "--subject", value, "--key-file", &key, "--json"]);
        assert_eq!(again["erased"], 0, "subject {number}");
    }
    let after = Story::json(&["inspect", &recording, "--json"]);
    assert!(erased > 0 && after["erased"] == erased, "{erased} {}", after["erased"]);
    assert_eq!(before["exchanges"].as_u64().map(|all| all - erased), after["exchanges"].as_u64());
    assert_eq!(after["state"], "checked");
    reenact(["check", &recording]).exits(0);

    let no_one = reenact(["erase", &recording, "--subject", "nobody@nowhere.example", "--key-file", &key]).exits(0);
    assert!(no_one.stderr.contains("nothing was changed"), "{}", no_one.stderr);
    hides(&no_one, "nobody@nowhere");
    reenact(["key", "new", &story.path("other")]).exits(0);
    let refused = reenact(["erase", &recording, "--subject", "a@b.example", "--key-file", &story.path("other")]).exits(2);
    assert!(refused.stderr.contains("was redacted under key") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    let empty = reenact(["erase", &recording, "--subject", " ", "--key-file", &key]).exits(2);
    assert!(empty.stderr.contains("no subject"), "{}", empty.stderr);
}

#[test]
fn what_was_made_of_a_recording_is_searched_and_expires() {
    let story = Story::begin();
    let recording = story.capture("rec", &[]);
    let (key, value) = (story.path("key"), &planted("email")[0]);
    let database = story.path("shop.db");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        use sqlx::{AssertSqlSafe, Connection, SqliteConnection, raw_sql};
        let url = format!("sqlite:{database}?mode=rwc");
        let sql = format!("create table customer (id integer primary key, email text); insert into customer values (1, '{value}'), (2, 'b@shop.example')");
        let mut connection = SqliteConnection::connect(&url).await.expect("it opens");
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a table");
        connection.close().await.expect("it ends in order");
    });
    let policy = story.policy("brief.yaml", "expires: 1h");
    let state = story.path("state");
    reenact(["snapshot", &format!("sqlite:{database}"), "-o", &state, "--key-file", &key, "--policy", &policy]).exits(0);
    let document: Value = serde_json::from_str(&fs::read_to_string(format!("{state}/snapshot.json")).expect("it is there")).expect("JSON");
    assert!(document["expires"].is_string(), "{document}");

    let erase = |subject: &str| ran(command().args(["erase", &recording, "--subject", subject, "--key-file", &key, "--search", &state, "--json"]));
    let holding = erase(value).exits(1);
    let told: Value = serde_json::from_str(&holding.stdout).expect("JSON");
    assert!(told["to_delete"][0] == state.as_str() && holding.stderr.contains("delete it"), "{told} {}", holding.stderr);
    hides(&holding, value);
    erase("nobody@nowhere.example").exits(0);

    // Its hour is over.
    let expired = fs::read_to_string(format!("{state}/snapshot.json")).expect("it is there");
    let expires = document["expires"].as_str().expect("a time");
    fs::write(format!("{state}/snapshot.json"), expired.replace(expires, "2020-02-01T00:00:00Z")).expect("the folder is ours");
    assert!(erase(value).exits(2).stderr.contains("expired at 2020-02-01"));
}

#[test]
fn a_run_whose_answers_hold_something_of_a_person_is_told() {
    let story = Story::begin();
    let recording = story.capture("rec", &[]);
    let (key, value) = (story.path("key"), planted("email")[0].clone());
    let holds = answers(format!(r#"{{"email":"{value}"}}"#));
    let holds_nothing = answers(r#"{"ok":true}"#.to_owned());
    let runs = [(&holds, "theirs"), (&holds_nothing, "no-ones")].map(|(url, name)| {
        let run = story.path(name);
        reenact(["replay", &recording, "--target", url, "-o", &run, "--key-file", &key, "--speed", "1000"]).exits(0);
        run
    });
    let erased = reenact(["erase", &recording, "--subject", &value, "--key-file", &key, "--search", &runs[0], "--search", &runs[1], "--json"]).exits(1);
    let told: Value = serde_json::from_str(&erased.stdout).expect("JSON");
    assert_eq!(told["searched"], serde_json::json!(runs));
    assert_eq!(told["to_delete"], serde_json::json!([runs[0]]));
    assert!(told["erased"].as_u64() > Some(0) && erased.stderr.contains(&format!("{} holds something of theirs: delete it", runs[0])), "{}", erased.stderr);
    hides(&erased, &value);
    // What cannot be searched is told before anything is changed.
    let parts = fs::read(format!("{recording}/manifest.json")).expect("it is there");
    let refused = reenact(["erase", &recording, "--subject", "bob@shop.example", "--key-file", &key, "--search", &story.path("nowhere")]).exits(2);
    assert!(refused.stderr.contains("nowhere"), "{}", refused.stderr);
    assert_eq!(fs::read(format!("{recording}/manifest.json")).expect("it is there"), parts);
}

/// A server that gives each request the same answer, for as long as the test runs; its address.
fn answers(content: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, content) = (connection.expect("a connection"), content.clone());
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut read = [0; 4096];
                while let Ok(length @ 1..) = connection.read(&mut read) {
                    request.extend_from_slice(&read[..length]);
                    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                    let body = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok()).unwrap_or(0);
                    if request.len() >= end + 4 + body {
                        break;
                    }
                }
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
                // Whoever asks a HEAD request reads no more than the head.
                let _ = connection.write_all(&[head.as_bytes(), content.as_bytes()].concat());
            });
        }
    });
    url
}

#[test]
fn an_erasure_changes_what_a_link_leads_to_and_nothing_that_is_not_its_own() {
    let story = Story::begin();
    let recording = story.capture("rec", &["--part-size", "64KiB"]);
    let (key, link, email) = (story.path("key"), story.path("link"), planted("email").swap_remove(0));
    let erase = |path: &str| reenact(["erase", path, "--subject", &email, "--key-file", &key, "--json"]);
    let exchanges = |path: &str| Story::json(&["inspect", path, "--json"])["exchanges"].as_u64().expect("a count");
    let before = exchanges(&recording);

    let notes = story.path("rec/notes.txt");
    fs::write(&notes, "mine").expect("the folder is ours");
    let refused = erase(&recording).exits(2);
    assert!(refused.stderr.contains("rec/notes.txt") && refused.stderr.contains("hint: move the file out"), "{}", refused.stderr);
    assert_eq!((fs::read_to_string(&notes).expect("it is there").as_str(), exchanges(&recording)), ("mine", before));
    fs::remove_file(&notes).expect("the folder is ours");

    // It is still written, for all that the manifest says. One whose writer was stopped can be made a finished one.
    let manifest = story.path("rec/manifest.json");
    let finished = fs::read_to_string(&manifest).expect("a manifest");
    let unfinished = finished.replace("\"finished\": true", "\"finished\": false");
    assert_ne!(finished, unfinished);
    fs::write(&manifest, unfinished).expect("the folder is ours");
    let refused = erase(&recording).exits(2);
    assert!(refused.stderr.contains("is not finished") && refused.stderr.contains("reenact sanitize"), "{}", refused.stderr);
    let whole = story.path("whole");
    reenact(["sanitize", &recording, "-o", &whole, "--key-file", &key]).exits(0);
    let told: Value = serde_json::from_str(&erase(&whole).exits(0).stdout).expect("JSON");
    assert!(told["erased"].as_u64() > Some(0), "{told}");
    fs::write(&manifest, finished).expect("the folder is ours");

    // Someone was stopped between the exchange and the removal.
    let left = story.path(".rec.erasing.tmp");
    fs::create_dir(&left).expect("the folder is ours");
    let failed = reenact(["check", &recording]).exits(1);
    assert!(failed.stdout.contains(".rec.erasing.tmp was left by an erasure") && failed.stdout.contains("hint:"), "{}", failed.stdout);

    std::os::unix::fs::symlink("rec", &link).expect("the folder is ours");
    let again: Value = serde_json::from_str(&erase(&link).exits(0).stdout).expect("JSON");
    assert_eq!(again["erased"], told["erased"]);
    assert_eq!(exchanges(&recording), before - again["erased"].as_u64().expect("a count"));
    assert!(Path::new(&link).is_symlink() && !Path::new(&left).exists());
    reenact(["check", &link]).exits(0);
}

#[test]
fn a_policy_with_too_many_places_is_refused() {
    let story = Story::begin();
    let places: String = (0..8_000).map(|number| format!("  body:/accounts/*/{}-{number}: {{ action: mask }}\n", "field".repeat(160))).collect();
    let policy = story.policy("p.yaml", &format!("locations:\n{places}"));
    let refused = reenact(["check", &policy]).exits(1);
    assert!(refused.stdout.contains("p.yaml") && refused.stdout.contains("8000 places") && refused.stdout.contains("join"), "{}", refused.stdout);
}

#[test]
fn readers_refuse_what_has_expired() {
    let story = Story::begin();
    let policy = story.policy("p.yaml", "expires: 2w");
    let recording = story.capture("rec", &["--policy", &policy]);
    let fortnight = Story::json(&["inspect", &recording, "--json"])["expires"].as_str().expect("a time").to_owned();
    let (clean, key) = (story.path("clean"), story.path("key"));
    // What is made of it lasts no longer than it does.
    reenact(["sanitize", &recording, "-o", &clean, "--key-file", &key, "--expires", "52w"]).exits(0);
    assert_eq!(Story::json(&["inspect", &clean, "--json"])["expires"], fortnight.as_str());
    let manifest = Path::new(&recording).join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    fs::write(&manifest, text.replace(&fortnight, "2021-03-01T00:00:00Z")).expect("the folder is ours");
    let out = story.path("out");
    for arguments in [
        vec!["inspect", &recording],
        vec!["inspect", &recording, "--redactions"],
        vec!["check", &recording],
        vec!["sanitize", &recording, "-o", &out, "--key-file", &key],
        vec!["replay", &recording, "--target", "http://127.0.0.1:9", "-o", &out, "--key-file", &key],
        vec!["erase", &recording, "--subject", "x", "--key-file", &key],
    ] {
        let refused = reenact(arguments.iter().copied()).exits(2);
        assert!(refused.stderr.contains("expired at 2021-03-01T00:00:00Z") && refused.stderr.contains("hint:"), "{arguments:?}: {}", refused.stderr);
    }
    let wrong = reenact(["capture", "-r", &story.packets, "-o", &out, "--expires", "soon"]).exits(2);
    assert!(wrong.stderr.contains("30d"), "{}", wrong.stderr);
}

#[test]
fn safe_harbor_recordings_join_with_nothing() {
    let story = Story::begin();
    let policy = story.policy("p.yaml", "extends: hipaa-safe-harbor");
    let recordings = ["one", "two"].map(|name| story.capture(name, &["--policy", &policy]));
    let told = recordings.each_ref().map(|recording| Story::json(&["inspect", recording, "--json"]));
    assert_eq!((&told[0]["key_scope"], &told[0]["state"]), (&Value::from("recording"), &Value::from("checked")));
    assert_ne!(told[0]["key_id"], told[1]["key_id"]);
    assert_eq!(told[0]["policy_digest"], told[1]["policy_digest"]);
    for kind in ["email", "phone", "card"] {
        assert_eq!(survivors(&recordings[0], &planted(kind)), BTreeSet::new(), "{kind}");
    }
    let refused = reenact(["erase", &recordings[0], "--subject", "x@y.example", "--key-file", &story.path("key")]).exits(2);
    assert!(refused.stderr.contains("kept nowhere"), "{}", refused.stderr);
}

#[test]
fn secrets_only_leaves_people_and_takes_secrets() {
    let story = Story::begin();
    let recording = story.capture("rec", &["--policy", &story.policy("p.yaml", "extends: secrets-only")]);
    assert!(!survivors(&recording, &planted("email")).is_empty());
    for kind in ["github", "password"] {
        assert_eq!(survivors(&recording, &planted(kind)), BTreeSet::new(), "{kind}");
    }
    reenact(["check", &recording, "--policy", &story.path("p.yaml")]).exits(0);
}

#[test]
fn what_becomes_of_a_message_is_explained() {
    let story = Story::begin();
    let key = story.path("key");
    let text = "POST /login HTTP/1.1\nHost: a\nContent-Type: application/json\n\n{\"email\":\"ada@planted.example\",\"sku\":\"A-1\"}\nHTTP/1.1 200 OK\nContent-Type: text/plain\n\ncard 4111 1111 1111 1111\n";
    let explained = told(&story, &["sanitize", "--explain", "-", "--key-file", &key], text).exits(0);
    for words in
        ["request body:/email: email (high), told by shape; pseudonym", "ada@planted.example → ", "response body:: card (critical), told by check; pseudonym"]
    {
        assert!(explained.stdout.contains(words), "{words}: {}", explained.stdout);
    }
    assert!(!explained.stdout.contains("A-1"), "{}", explained.stdout);
    let none = told(&story, &["sanitize", "--explain", "-", "--key-file", &key], "hello").exits(2);
    assert!(none.stderr.contains("no HTTP message") && none.stderr.contains("hint:"), "{}", none.stderr);

    let raw = story.path("raw");
    reenact(["capture", "-r", &story.packets, "-o", &raw, "--danger-raw"]).exits(0);
    let clean = story.capture("clean", &[]);
    let recording = Recording::open(Path::new(&clean)).expect("a recording");
    let exchange = recording
        .exchanges(&Window::ALL)
        .expect("rows")
        .map(|exchange| exchange.expect("a row"))
        .find(|exchange| exchange.redactions.iter().any(|redaction| redaction.path == "body:/email"));
    let id = exchange.expect("someone gave an address").id.to_string();
    let known = planted("email");
    let of_raw = reenact(["sanitize", &raw, "--explain", &id, "--key-file", &key]).exits(0);
    assert!(known.iter().any(|value| of_raw.stdout.contains(value.as_str())), "{}", of_raw.stdout);
    let of_clean = reenact(["sanitize", &clean, "--explain", &id, "--key-file", &key]).exits(0);
    assert!(of_clean.stdout.contains("body:/email: email; pseudonym") && !of_clean.stdout.contains('→'), "{}", of_clean.stdout);
    known.iter().for_each(|value| hides(&of_clean, value));
    reenact(["sanitize", &raw, "--explain", "1.999", "--key-file", &key]).exits(2);
}

#[test]
fn a_policy_is_proposed_and_reads() {
    let story = Story::begin();
    let raw = story.path("raw");
    reenact(["capture", "-r", &story.packets, "-o", &raw, "--danger-raw"]).exits(0);
    let clean = story.capture("clean", &[]);
    for recording in [&raw, &clean] {
        let proposed = reenact(["policy", "init", recording]).exits(0).stdout;
        for words in ["extends: default", "  email: { action: pseudonym }  # ", "body:/email", "# locations:", "#   'body:/"] {
            assert!(proposed.contains(words), "{words}: {proposed}");
        }
        let all: Vec<Planted> = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
        assert_eq!(Scanner::new(&all).bytes(proposed.as_bytes()), BTreeSet::new());
        // What it proposes reads as it is, and with all that it leaves to a person.
        let more: Vec<&str> =
            proposed.lines().map(|line| if line == "# locations:" || line.starts_with("#   'b") { line.trim_start_matches('#') } else { line }).collect();
        let more = more.join("\n").replace("\n locations:", "\nlocations:");
        for (name, text) in [("proposed.yaml", &proposed), ("more.yaml", &more)] {
            fs::write(story.path(name), text).expect("the folder is ours");
            reenact(["check", &story.path(name)]).exits(0);
        }
        assert!(more.contains("\nlocations:\n"), "{more}");
        reenact([
            "sanitize",
            &clean,
            "-o",
            &story.path(if recording == &raw { "a" } else { "b" }),
            "--policy",
            &story.path("more.yaml"),
            "--key-file",
            &story.path("key"),
        ])
        .exits(0);
    }
}
