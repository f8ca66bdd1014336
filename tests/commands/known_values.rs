//! Known values: what a file or a database names is gone from a recording, whatever the policy keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::{reenact, repository};
use reenact::planted::{Planted, Scanner, read};
use reenact_sanitize::Policy;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;

struct Story {
    folder: TempDir,
    planted: Vec<Planted>,
}

impl Story {
    /// Values that stand in the traffic of the example, and a policy that keeps all that rules find.
    fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kinds = ["email", "phone", "iban", "card", "ipv4", "github", "ssn"];
        let mut planted = read(&fs::read_to_string(repository("examples/captures/planted.tsv")).expect("the list is committed"));
        planted.retain(|planted| kinds.contains(&planted.kind.as_str()));
        let lenient =
            Policy::default_yaml().replace("action: pseudonym", "action: keep").replace("known_value: { action: keep }", "known_value: { action: pseudonym }");
        fs::write(folder.path().join("lenient.yaml"), lenient).expect("the folder is ours");
        Self { folder, planted }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("the folder is ours");
        self.path(name)
    }

    /// Which of them stand in a recording, by kind and line.
    fn left(&self, recording: &str) -> BTreeSet<(String, usize)> {
        let scan = Scanner::new(&self.planted).folder(Path::new(recording)).expect("all files can be read");
        scan.survivors.into_iter().map(|survivor| (survivor.kind, survivor.index)).collect()
    }
}

#[test]
fn what_a_file_names_is_gone_whatever_the_policy_keeps() {
    let story = Story::begin();
    let packets = repository("examples/captures/orders.pcap");
    let (kept, gone) = (story.path("kept"), story.path("gone"));
    reenact(["capture", "-r", &packets, "-o", &kept, "--policy", &story.path("lenient.yaml")]).exits(0);
    assert!(story.left(&kept).len() * 10 > story.planted.len() * 9, "the policy keeps them");

    let list: Vec<&str> = story.planted.iter().map(|planted| planted.value.as_str()).collect();
    let list = story.file("known.txt", &list.join("\n"));
    let captured = reenact(["capture", "-r", &packets, "-o", &gone, "--policy", &story.path("lenient.yaml"), "--known-values", &list]).exits(0);
    assert_eq!(story.left(&gone), BTreeSet::new());
    assert!(captured.stderr.contains("known values"), "{}", captured.stderr);
    let again = story.path("again");
    reenact(["sanitize", &kept, "-o", &again, "--policy", &story.path("lenient.yaml"), "--known-values", &list]).exits(0);
    assert_eq!(story.left(&again), BTreeSet::new());
}

#[test]
fn what_a_database_names_is_gone_and_its_password_is_nowhere() {
    let story = Story::begin();
    let database = story.path("customers.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection: SqliteConnection = SqliteConnectOptions::new().filename(&database).create_if_missing(true).connect().await.expect("a database");
        connection.execute("create table known (kind text, value text)").await.expect("a table");
        for planted in &story.planted {
            sqlx::query("insert into known values (?, ?)").bind(&planted.kind).bind(&planted.value).execute(&mut connection).await.expect("a row");
        }
        sqlx::query("insert into known values ('none', null)").execute(&mut connection).await.expect("a row");
        connection.close().await.expect("written");
    });
    let recording = story.path("rec");
    let packets = repository("examples/captures/orders.pcap");
    let arguments = ["capture", "-r", &packets, "-o", &recording, "--policy", &story.path("lenient.yaml"), "--known-values"];
    let with = |more: &[&str], code: i32| reenact(arguments.iter().chain(more).copied()).exits(code).stderr;
    let sqlite = format!("sqlite:{database}");
    let columns = "select case when kind = 'email' then value end as email, case when kind <> 'email' then value end as other from known";
    for (more, named) in [
        (&[sqlite.as_str()][..], "no query"),
        (&[&sqlite, "--query", "select nothing from known"], "nothing"),
        (&[&sqlite, "--query", "delete from known"], "customers.db"),
        (&[&sqlite, "--query", "select value from known where false"], "no value"),
        (&["postgres://someone:s3cr3t@127.0.0.1:9/shop"], "no query"),
        (&["postgres://someone:s3cr3t@127.0.0.1:9/shop", "--query", "select 1"], "127.0.0.1:9/shop"),
        (&["/nowhere/known.txt"], "/nowhere/known.txt"),
    ] {
        let said = with(more, 2);
        assert!(said.contains(named) && said.contains("hint: ") && !said.contains("s3cr3t"), "{said}");
        assert!(!Path::new(&recording).exists(), "nothing was written");
    }
    with(&[&sqlite, "--query", columns], 0);
    assert_eq!(story.left(&recording), BTreeSet::new());
}

#[test]
fn spans_tell_where_known_values_stand() {
    let story = Story::begin();
    let known = story.file("known.csv", "name,customer\nZephyrine Quill,\"K-204,17\"\nNg,\n");
    let samples = story.file("samples.jsonl", "{\"text\":\"for ZEPHYRINE QUILL, k-20417\",\"content_type\":\"text/plain\"}\n");
    let ran = reenact(["sanitize", "--spans", &samples, "--known-values", &known]).exits(0);
    assert_eq!(ran.json(), serde_json::json!([[4, 19, "known_value"], [21, 28, "known_value"]]));
    assert!(ran.stderr.contains("left out: 1 "), "{}", ran.stderr);
    let wrong = story.file("wrong.csv", "name,customer\nx,\"open\n");
    let ran = reenact(["sanitize", "--spans", &samples, "--known-values", &wrong]).exits(2);
    assert!(ran.stderr.contains("wrong.csv, line 2") && ran.stderr.contains("hint: "), "{}", ran.stderr);
}
