//! The whole way through the built binary, on each database: capture, sanitize, replay, snapshot, verify.

use crate::program::{Ran, reenact, repository};
use crate::servers::Server;
use crate::service::Service;
use serde_json::{Value, json};
use tempfile::TempDir;

/// One recording and what is made of it.
struct Story {
    folder: TempDir,
}

impl Story {
    /// Captures raw and sanitizes after, so that both ways into a recording are gone: the demo goes the direct one.
    fn begin() -> Self {
        let story = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        reenact(["key", "new", &story.path("key")]).exits(0);
        reenact(["capture", "-r", &repository("examples/captures/orders.pcap"), "-o", &story.path("raw"), "--danger-raw"]).exits(0);
        story.keyed(&["sanitize", &story.path("raw"), "-o", &story.path("clean")]).exits(0);
        let inspected = reenact(["inspect", &story.path("clean"), "--json"]).exits(0).json();
        assert_eq!(inspected["state"], "checked", "{inspected}");
        reenact(["check", &story.path("clean")]).exits(0);
        story
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn keyed(&self, arguments: &[&str]) -> Ran {
        let key = self.path("key");
        reenact(arguments.iter().copied().chain(["--key-file", &key]))
    }

    /// Plays the recording against a fresh database; with a variant, the migration of that name runs half-way.
    fn play(&self, name: &str, database: &str, migration: Option<&str>) {
        let service = Service::start(database);
        let (clean, run, state) = (self.path("clean"), self.path(name), self.path(&format!("{name}-state")));
        let mut arguments = vec!["replay", &clean, "--target", &service.url, "-o", &run, "--speed", "4", "--session", "cookie:sid", "--tag", "database=test"];
        let migrate = migration.map(|variant| format!("'{}' demo-service migrate --database '{database}' --variant {variant}", env!("CARGO_BIN_EXE_reenact")));
        if let Some(command) = &migrate {
            arguments.extend(["--at", "50%", "--exec", command]);
        }
        self.keyed(&arguments).exits(0);
        drop(service);
        let schema = if migration.is_some() { "v2" } else { "v1" };
        let entities = repository("examples/state/orders.yaml");
        self.keyed(&["snapshot", database, "--entities", &entities, "--schema", schema, "--recording", &clean, "-o", &state]).exits(0);
    }

    fn judges_nothing_under_another_key_or_policy(&self) {
        let (run, baseline, key) = (self.path("again"), self.path("baseline"), self.path("other-key"));
        reenact(["key", "new", &key]).exits(0);
        for (option, file) in [("--key-file", key), ("--policy", repository("examples/policies/strict.yaml"))] {
            let ran = reenact(["verify", &run, "--baseline", &baseline, option, &file]).exits(2);
            assert!(ran.stderr.contains(" was written under "), "{}", ran.stderr);
        }
    }

    /// Judges `name` against the run called `baseline`.
    fn verify(&self, name: &str, code: i32) -> Value {
        let [run, baseline, state, baseline_state, recording] =
            [name, "baseline", &format!("{name}-state"), "baseline-state", "clean"].map(|name| self.path(name));
        let (html, junit) = (self.path("report.html"), self.path("junit.xml"));
        let arguments = ["verify", &run, "--baseline", &baseline, "--state", &state, "--baseline-state", &baseline_state, "--recording", &recording];
        let ran = reenact(arguments.into_iter().chain(["--html", &html, "--junit", &junit, "--json"])).exits(code);
        for (file, start) in [(&html, "<!doctype html>"), (&junit, "<?xml")] {
            let text = std::fs::read_to_string(file).expect("the report is written");
            assert!(text.to_ascii_lowercase().starts_with(start), "{file} begins with {start}");
        }
        ran.json()
    }
}

/// A baseline, itself again, and both migrations, each on a database of its own.
fn tells_the_migrations_apart(databases: [String; 4]) {
    let story = Story::begin();
    let [baseline, again, right, defective] = databases;
    story.play("baseline", &baseline, None);
    story.play("again", &again, None);
    story.judges_nothing_under_another_key_or_policy();
    story.play("right", &right, Some("right"));
    story.play("defective", &defective, Some("defective"));
    for (name, code, judgement) in [("again", 0, "pass"), ("right", 0, "pass"), ("defective", 1, "fail")] {
        let verdict = story.verify(name, code);
        assert_eq!(verdict["judgement"], judgement, "{name}");
        let missing = |entity: &Value| Some((entity["name"].as_str()?.to_owned(), entity["missing"].as_u64().filter(|missing| *missing > 0)?));
        let entities = verdict["state"]["entities"].as_array().expect("the states were compared");
        let losses: Vec<_> = entities.iter().filter_map(missing).collect();
        if code == 0 {
            assert_eq!((losses, &verdict["reasons"]), (Vec::new(), &json!([])), "{name}");
            continue;
        }
        assert!(matches!(&losses[..], [(entity, missing)] if entity == "address" && *missing > 0), "{name}: {losses:?}");
        let reasons = verdict["reasons"].as_array().expect("it fails for reasons");
        let names_it = |reason: &Value| reason["weight"] == "breach" && reason["kind"] == "state" && reason["place"] == "address";
        // Rows that differ otherwise, on a machine that is too slow for the recording's pace, count as well.
        assert!(reasons.iter().any(|reason| names_it(reason) && reason["count"].as_u64() >= Some(losses[0].1)), "{name}: {reasons:?}");
    }
}

async fn tells_apart_on(server: &Server) {
    let mut databases = Vec::new();
    for name in ["baseline", "again", "candidate", "defective"] {
        databases.push(server.database(name).await);
    }
    let databases = databases.try_into().expect("four names are four databases");
    tokio::task::spawn_blocking(|| tells_the_migrations_apart(databases)).await.expect("it does not panic");
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    tells_the_migrations_apart([database("a.db"), database("b.db"), database("c.db"), database("d.db")]);
}

#[tokio::test]
async fn postgres() {
    if let Some(server) = Server::postgres().await {
        tells_apart_on(&server).await;
    }
}

#[tokio::test]
async fn mariadb() {
    if let Some(server) = Server::mariadb().await {
        tells_apart_on(&server).await;
    }
}
