//! Sandbox copies on each engine: what is rewritten, what is refused, and that it goes with its traffic.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use reenact_formats::content::decoded_body;
use reenact_formats::disk::recording::{Recording, Window};
use reenact_formats::disk::run::Run;
use reenact_formats::model::{Message, Reply};
use reenact_formats::seam::Redact;
use reenact_sanitize::{Domain, Key, Policy, Redactor};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, Row, SqliteConnection, raw_sql};
use tempfile::TempDir;

use crate::packets::Capture;
use crate::program::{Ran, command, reenact};
use crate::servers::Server;
use crate::service::Service;

/// Something to make databases in, for one test.
struct Engine {
    server: Option<Arc<Server>>,
    folder: TempDir,
    /// What the names of its databases begin with.
    test: &'static str,
}

impl Engine {
    fn new(server: Option<Arc<Server>>, test: &'static str) -> Self {
        Self { server, folder: tempfile::tempdir().expect("a temporary folder"), test }
    }

    fn name(&self, name: &str) -> String {
        format!("{}_{name}", self.test)
    }

    /// A new database with these statements run in it.
    async fn database(&self, name: &str, statements: &str) -> String {
        let url = match &self.server {
            Some(server) => server.database(&self.name(name)).await,
            None => {
                let file = self.path(&format!("{name}.db"));
                std::fs::write(&file, "").expect("writable");
                format!("sqlite:{file}")
            }
        };
        execute(&url, statements).await;
        url
    }

    /// A copy of the database of that name.
    async fn copy(&self, from: &str, to: &str) -> String {
        let Some(server) = &self.server else {
            // What was written last may stand beside the file.
            let (from, to) = (self.path(&format!("{from}.db")), self.path(&format!("{to}.db")));
            execute(&format!("sqlite:{from}"), &format!("vacuum into '{to}'")).await;
            return format!("sqlite:{to}");
        };
        let (from, to) = (&self.name(from), &self.name(to));
        let url = server.database(to).await;
        if url.starts_with("postgres") {
            let admin = url.replace(&format!("/{to}"), "/postgres");
            execute(&admin, &format!("drop database {to}")).await;
            execute(&admin, &format!("create database {to} template {from}")).await;
            return url;
        }
        for row in rows(&url, &format!("select table_name from information_schema.tables where table_schema = '{from}'")).await {
            let table = row[0].as_deref().expect("a name");
            execute(&url, &format!("create table `{table}` like {from}.`{table}`; insert into `{table}` select * from {from}.`{table}`")).await;
        }
        url
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("the path is text").to_owned()
    }

    fn key(&self) -> Key {
        let file = self.path("key");
        if !Path::new(&file).exists() {
            reenact(["key", "new", &file]).exits(0);
        }
        Key::from_file(Path::new(&file)).expect("a key")
    }

    fn redactor(&self) -> Redactor {
        Redactor::new(&Policy::default(), &self.key())
    }

    fn mark(&self, database: &str) {
        // A server may count a session that has just ended.
        let ran = reenact(["sandbox", "mark", database, "--yes"]).exits(0);
        assert!(ran.stderr.contains("marked as a sandbox copy"), "{}", ran.stderr);
    }

    fn sanitize(&self, database: &str, more: &[&str]) -> Ran {
        self.key();
        reenact(["sanitize", database, "--key-file", &self.path("key")].into_iter().chain(more.iter().copied()))
    }

    /// Writes a policy with this `database` section.
    fn policy(&self, tables: &str) -> String {
        let file = self.path("policy.yaml");
        std::fs::write(&file, format!("version: 1\ndatabase:\n  tables:\n{tables}")).expect("writable");
        file
    }
}

/// Runs something on a connection to `url`, and closes it: one that lingers counts as somebody at work.
macro_rules! on_connection {
    ($url:expr, |$connection:ident| $work:expr) => {
        match $url.split(':').next() {
            Some("sqlite") => on_connection!(SqliteConnection, $url, $connection, $work),
            Some("postgres") => on_connection!(PgConnection, $url, $connection, $work),
            _ => on_connection!(MySqlConnection, $url, $connection, $work),
        }
    };
    ($kind:ty, $url:expr, $connection:ident, $work:expr) => {{
        let mut opened = <$kind>::connect($url).await.expect("open");
        let $connection = &mut opened;
        let done = $work;
        opened.close().await.expect("it ends in order");
        done
    }};
}

async fn execute(url: &str, sql: &str) {
    let statement = raw_sql(AssertSqlSafe(sql.to_owned()));
    let done = on_connection!(url, |connection| statement.execute(connection).await.map(drop));
    done.unwrap_or_else(|error| panic!("{error}: {}", &sql[..sql.len().min(300)]));
}

/// What a query answers with; all of it text.
async fn rows(url: &str, sql: &str) -> Vec<Vec<Option<String>>> {
    let statement = raw_sql(AssertSqlSafe(sql.to_owned()));
    on_connection!(url, |connection| {
        let rows = statement.fetch_all(connection).await.expect("it answers");
        rows.iter().map(|row| (0..row.len()).map(|place| row.try_get_unchecked(place).expect("text")).collect()).collect()
    })
}

async fn text(url: &str, sql: &str) -> String {
    rows(url, sql).await[0][0].clone().unwrap_or_default()
}

/// All of it on one engine: a server is slow to start.
macro_rules! on {
    ($server:expr) => {{
        let server = $server;
        keys_and_references_hold(Engine::new(server.clone(), "keys")).await;
        killed_it_goes_on(Engine::new(server.clone(), "killed")).await;
        what_cannot_be_written_is_refused(Engine::new(server.clone(), "refused")).await;
        what_is_no_copy_is_refused(Engine::new(server.clone(), "unmarked")).await;
        odd_tables_are_rewritten_once(Engine::new(server.clone(), "odd")).await;
        numbers_and_dates_are_those_of_traffic(Engine::new(server.clone(), "numbers")).await;
        traffic_and_database_fit(Engine::new(server, "proof")).await;
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    on!(None);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    if let Some(server) = Server::postgres().await {
        on!(Some(Arc::new(server)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb() {
    if let Some(server) = Server::mariadb().await {
        on!(Some(Arc::new(server)));
    }
}

/// Customers by e-mail address, with orders that refer to them by it.
const SHOP: &str =
    "create table customer (email varchar(120) not null primary key, name varchar(80), phone varchar(40), password varchar(100), note text, tags json);
    create table purchase (id integer not null primary key, buyer varchar(120) not null, gift_for varchar(120), total integer not null, meta json,
        constraint purchase_buyer foreign key (buyer) references customer (email), constraint purchase_gift foreign key (gift_for) references customer (email));
    create table visit (purchase_id integer not null, number integer not null, contact varchar(120), primary key (purchase_id, number),
        constraint visit_purchase foreign key (purchase_id) references purchase (id));";

/// `count` customers with a purchase and a visit each.
fn shop(count: usize) -> String {
    let hash = bcrypt::hash_with_salt("secret", 4, [7; 16]).expect("cheap").to_string();
    let customers: Vec<String> = (0..count)
        .map(|i| {
            let note = if i % 3 == 0 { "null".to_owned() } else { format!("'please write to Guest{i}@mail.shop.de, not by post'") };
            format!(
                "('Anna.{i}@shop.de', 'Anna Schmidt', '+49 30 {:07}', '{hash}', {note}, '{{\"contact\": [\"anna.{i}@shop.de\"], \"n\": {i}}}')",
                i + 1_000_000
            )
        })
        .collect();
    let purchases: Vec<String> = (0..count)
        .map(|i| {
            let gift = if i % 2 == 0 { "null".to_owned() } else { format!("'Anna.{}@shop.de'", i - 1) };
            format!("({i}, 'Anna.{i}@shop.de', {gift}, {}, null)", i * 10)
        })
        .collect();
    let visits: Vec<String> = (0..count).map(|i| format!("({i}, 1, 'Anna.{i}@shop.de')")).collect();
    let insert = |table: &str, rows: &[String]| rows.chunks(500).map(|some| format!("insert into {table} values {};", some.join(", "))).collect::<String>();
    format!("begin; {} {} {} commit;", insert("customer", &customers), insert("purchase", &purchases), insert("visit", &visits))
}

async fn keys_and_references_hold(engine: Engine) {
    let url = engine.database("shop", &format!("{SHOP} {}", shop(700))).await;
    engine.mark(&url);
    let plan = engine.sanitize(&url, &["--dry-run", "--json"]).exits(0).json();
    let column = |table: usize, column: usize| plan["tables"][table]["columns"][column].clone();
    assert_eq!((&column(0, 0)["treatment"], &column(0, 0)["replaced"]), (&json!("look at each value, as customer.email"), &json!(700)));
    assert_eq!(column(0, 3)["treatment"], "hash of a password (as it is), login name in email");
    // What refers to a customer is looked at under the customer's name for it.
    assert_eq!(column(1, 1)["treatment"], "look at each value, as customer.email");
    assert_eq!(text(&url, "select email from customer where name = 'Anna Schmidt' and email like 'Anna.1@%'").await, "Anna.1@shop.de", "nothing was written");

    let summary = engine.sanitize(&url, &["--json"]).exits(0).json();
    assert_eq!(summary["tables"][0], json!({ "name": "customer", "rows": 700, "written": 700 }));
    assert_eq!((&summary["resumed"], &summary["key_id"]), (&json!(false), &json!(engine.key().id().as_str())));

    let mut redactor = engine.redactor();
    let joined =
        "select cast(count(*) as char(9)) from purchase p join customer c on c.email = p.buyer join visit v on v.purchase_id = p.id and v.contact = c.email";
    assert_eq!(text(&url, joined).await.trim(), "700");
    let gifts = "select cast(count(*) as char(9)) from purchase p join customer c on c.email = p.gift_for";
    assert_eq!(text(&url, gifts).await.trim(), "350");
    let found = rows(&url, "select buyer, gift_for, c.name, c.phone, c.password, c.note, cast(c.tags as char(400)) from purchase p join customer c on c.email = p.buyer order by id").await;
    for (i, row) in found.iter().enumerate() {
        let email = redactor.value("customer.email", &format!("Anna.{i}@shop.de"));
        assert_eq!(row[0].as_deref(), Some(&*email));
        assert_eq!(row[1].is_some(), i % 2 == 1);
        assert_eq!(row[2], Some(redactor.value("customer.name", "Anna Schmidt")));
        assert_eq!(row[3], Some(redactor.value("customer.phone", &format!("+49 30 {:07}", i + 1_000_000))));
        assert_eq!(row[5].is_none(), i % 3 == 0);
        let tags: Value = serde_json::from_str(row[6].as_deref().expect("there").trim()).expect("it is JSON still");
        assert_eq!(tags, json!({ "contact": [redactor.value("x", &format!("anna.{i}@shop.de"))], "n": i }));
    }
    for row in &found[..3] {
        let email = found.iter().position(|other| other == row).map(|i| format!("anna.{i}@shop.de")).expect("it is one of them");
        assert!(bcrypt::verify(redactor.password_for(&email), row[4].as_deref().expect("a hash")).expect("a hash"));
    }
    let all = format!("{found:?}").to_lowercase();
    assert!(!all.contains("shop.de") && !all.contains("schmidt"), "{}", &all[..300]);

    let again = engine.sanitize(&url, &[]).exits(2);
    assert!(again.stderr.contains("already sanitized, under key"), "{}", again.stderr);
}

async fn killed_it_goes_on(engine: Engine) {
    const ROWS: usize = 50_000;
    let url = engine.database("shop", &format!("{SHOP} {}", shop(ROWS / 10))).await;
    let log: Vec<String> = (0..ROWS).map(|i| format!("({i}, 'user{i}@shop.de')")).collect();
    let log: String = log.chunks(1000).map(|some| format!("insert into access_log values {};", some.join(", "))).collect();
    execute(&url, &format!("create table access_log (id integer not null primary key, email varchar(120)); begin; {log} commit;")).await;
    engine.mark(&url);
    engine.key();
    let policy = engine.policy("    customer:\n      password: { action: keep }\n");
    // Each time it is killed a little further on.
    for at_least in [1, ROWS / 3, ROWS + 1000] {
        let mut process =
            command().args(["sanitize", &url, "--key-file", &engine.path("key"), "--policy", &policy]).stderr(Stdio::piped()).spawn().expect("it starts");
        loop {
            if process.try_wait().expect("it is our child").is_some() {
                let mut said = String::new();
                process.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
                panic!("it ended before it was killed: {said}");
            }
            let done = progress(&url).await;
            if done >= at_least {
                break;
            }
            std::thread::yield_now();
        }
        process.kill().expect("SIGKILL");
        process.wait().expect("it is gone");
        let other = reenact(["sanitize", &url, "--key-file", &other_key(&engine), "--policy", &policy]).exits(2);
        assert!(other.stderr.contains("was begun with under key"), "{}", other.stderr);
        let other = engine.sanitize(&url, &[]).exits(2);
        assert!(other.stderr.contains("was begun with under policy"), "{}", other.stderr);
    }
    let summary = engine.sanitize(&url, &["--policy", &policy, "--json"]).exits(0).json();
    assert_eq!(summary["resumed"], true);

    let mut redactor = engine.redactor();
    for (i, row) in rows(&url, "select email from access_log order by id").await.iter().enumerate() {
        assert_eq!(row[0], Some(redactor.value("access_log.email", &format!("user{i}@shop.de"))), "row {i}");
    }
    for (i, row) in rows(&url, "select buyer from purchase p join customer c on c.email = p.buyer order by id").await.iter().enumerate() {
        assert_eq!(row[0], Some(redactor.value("customer.email", &format!("Anna.{i}@shop.de"))), "purchase {i}");
    }
    assert_eq!(progress(&url).await, ROWS + 3 * ROWS / 10, "each row was done once");
    assert_eq!(text(&url, "select cast(count(*) as char(9)) from reenact_sandbox_moved").await.trim(), "0");
    let keys = text(&url, "select cast(count(last_key) as char(9)) from reenact_sandbox_progress").await;
    assert_eq!(keys.trim(), "0", "no key is left behind");
}

/// How many rows are done.
async fn progress(url: &str) -> usize {
    let there = match url.split(':').next() {
        Some("sqlite") => "select name from sqlite_schema where name = 'reenact_sandbox_progress'",
        Some("postgres") => "select tablename::text from pg_tables where tablename = 'reenact_sandbox_progress'",
        _ => "select table_name from information_schema.tables where table_schema = database() and table_name = 'reenact_sandbox_progress'",
    };
    if rows(url, there).await.is_empty() {
        return 0;
    }
    text(url, "select cast(coalesce(sum(row_count), 0) as char(9)) from reenact_sandbox_progress").await.trim().parse().expect("a number")
}

fn other_key(engine: &Engine) -> String {
    let file = engine.path("other-key");
    if !Path::new(&file).exists() {
        reenact(["key", "new", &file]).exits(0);
    }
    file
}

async fn what_cannot_be_written_is_refused(engine: Engine) {
    let is_sqlite = engine.server.is_none();
    let is_postgres = engine.server.as_ref().is_some() && engine.database("probe", "select 1").await.starts_with("postgres");
    let bytes = if is_postgres { "bytea" } else { "blob" };
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("too_short", "create table t (id integer primary key, email varchar(12)); insert into t values (1, 'ann@shop.de');".into(), "", "t.email takes 12 characters"),
        (
            "not_unique",
            "create table t (id integer primary key, who varchar(80) unique); insert into t values (1, 'Ann Lee'), (2, 'Ann Loo');".into(),
            "    t:\n      who: { action: mask }\n",
            "t (who): two values would be the same",
        ),
        (
            "checked",
            "create table t (id integer primary key, email varchar(80), constraint own check (email like '%shop.de')); insert into t values (1, 'ann@shop.de');".into(),
            "",
            "t (email): a new value breaks a check",
        ),
        ("bytes", format!("create table t (id integer primary key, photo {bytes}, scan {bytes});"), "    t:\n      scan: { action: keep }\n", "a column of bytes cannot be looked into: t.photo"),
        ("joined", SHOP.into(), "    customer:\n      email: { action: keep }\n    purchase:\n      buyer: { domain: email }\n", "customer.email and purchase.buyer are joined by a foreign key"),
        ("table", SHOP.into(), "    costumer:\n      email: { action: keep }\n", "line 4, column 5: unknown table `costumer`"),
        ("column", SHOP.into(), "    customer:\n      emial: { action: keep }\n", "line 5, column 7: unknown column `emial`"),
        ("login", SHOP.into(), "    customer:\n      password: { hash: bcrypt, login: emial }\n", "unknown column `emial`"),
        ("domain", SHOP.into(), "    customer:\n      email: { domain: emial }\n", "unknown domain `emial`"),
        ("code", "create table t (id integer primary key, cvv varchar(4));".into(), "    t:\n      cvv: { action: keep }\n", "t.cvv: card security codes"),
    ];
    for (name, statements, tables, expected) in cases {
        if name == "too_short" && is_sqlite {
            continue;
        }
        let url = engine.database(&format!("of_{name}"), &statements).await;
        engine.mark(&url);
        let policy = engine.policy(tables);
        let arguments: &[&str] = if tables.is_empty() { &[] } else { &["--policy", &policy] };
        let ran = engine.sanitize(&url, arguments).exits(2);
        assert!(ran.stderr.contains(expected), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains("ann@") && !ran.stderr.to_lowercase().contains("ann lee"), "{name}: {}", ran.stderr);
        assert!(expected.contains("unknown") == ran.stderr.contains("did you mean"), "{name}: {}", ran.stderr);
    }
    let made = if is_postgres { "generated always as (upper(email)) stored" } else { "generated always as (upper(email)) virtual" };
    let statements =
        format!("create table t (id integer primary key, email varchar(80), loud varchar(80) {made}); insert into t (id, email) values (1, 'ann@shop.de');");
    let url = engine.database("made", &statements).await;
    engine.mark(&url);
    let policy = engine.policy("    t:\n      loud: { domain: email }\n");
    let ran = engine.sanitize(&url, &["--policy", &policy]).exits(2);
    assert!(ran.stderr.contains("t.loud: the database makes its values"), "{}", ran.stderr);
    engine.sanitize(&url, &[]).exits(0);
    assert_eq!(text(&url, "select loud from t").await, engine.redactor().value("t.email", "ann@shop.de").to_uppercase());
}

async fn what_is_no_copy_is_refused(engine: Engine) {
    let url = engine.database("shop", &format!("{SHOP} {}", shop(10))).await;
    let ran = engine.sanitize(&url, &[]).exits(3);
    assert!(ran.stderr.contains("is not marked as a sandbox copy") && ran.stderr.contains("reenact sandbox mark"), "{}", ran.stderr);
    let ran = reenact(["sanitize", &url]).exits(2);
    assert!(ran.stderr.contains("no key was given"), "{}", ran.stderr);
    let ran = engine.sanitize(&url, &["-o", &engine.path("out")]).exits(2);
    assert!(ran.stderr.contains("a database is rewritten where it is"), "{}", ran.stderr);
    assert_eq!(text(&url, "select cast(count(*) as char(9)) from customer where email like '%shop.de'").await.trim(), "10");

    let production = engine.database("shop_production", "select 1").await;
    let ran = reenact(["sandbox", "mark", &production]).exits(3);
    assert!(ran.stderr.contains("its address says `prod`") && ran.stderr.contains("--yes"), "{}", ran.stderr);
    reenact(["sandbox", "mark", &production, "--yes"]).exits(0);
    if engine.server.is_some() {
        let other = rows_held(&url).await;
        let ran = reenact(["sandbox", "mark", &url]).exits(3);
        assert!(ran.stderr.contains("other sessions use it"), "{}", ran.stderr);
        drop(other);
    }
    // Marked twice is marked once.
    let token = |ran: Ran| ran.exits(0).json()["token"].clone();
    assert_eq!(token(reenact(["sandbox", "mark", &url, "--yes", "--json"])), token(reenact(["sandbox", "mark", &url, "--yes", "--json"])));

    for database in ["postgres://ann:s3cr3t@127.0.0.1:9/shop", "mysql://ann:s3cr3t@127.0.0.1:9/shop", "sqlite:/nowhere/s.db", "oracle://ann:s3cr3t@h/x"] {
        for ran in [engine.sanitize(database, &[]), reenact(["sandbox", "mark", database])] {
            assert!(ran.code == 2 && !ran.stderr.contains("s3cr3t"), "{database}: {} {}", ran.code, ran.stderr);
        }
    }
}

/// A session that stays.
async fn rows_held(url: &str) -> (Option<PgConnection>, Option<MySqlConnection>) {
    if url.starts_with("postgres") { (PgConnection::connect(url).await.ok(), None) } else { (None, MySqlConnection::connect(url).await.ok()) }
}

/// References that would carry a change on by themselves, keys of several columns, and what each engine has of its own.
async fn odd_tables_are_rewritten_once(engine: Engine) {
    const ROWS: usize = 300;
    let many = |row: &dyn Fn(usize) -> String| (0..ROWS).map(row).collect::<Vec<_>>().join(", ");
    let people = many(&|i| format!("('p{i}@shop.de', {})", if i == 0 { "null".to_owned() } else { format!("'p{}@shop.de'", i - 1) }));
    let badges = many(&|i| format!("('p{i}@shop.de', 1, 'a@shop.de'), ('p{i}@shop.de', 2, null)"));
    let common = format!(
        "create table person (email varchar(80) not null primary key, boss varchar(80),
             constraint person_boss foreign key (boss) references person (email) on update cascade);
         create table badge (email varchar(80) not null, number integer not null, contact varchar(40), primary key (email, number),
             constraint badge_person foreign key (email) references person (email) on update cascade on delete cascade);
         insert into person values {people}; insert into badge values {badges};"
    );
    let lines = many(&|i| format!("('seen: q{}@shop.de')", i % 250));
    let probe = engine.database("probe", "select 1").await;
    let kind = probe.split(':').next().unwrap_or_default().to_owned();
    let own = match kind.as_str() {
        "sqlite" => format!(
            "create table line (said); insert into line values {lines}; create table mail (address text primary key, n int) without rowid; insert into mail values {};",
            many(&|i| format!("('r{i}@shop.de', {i})"))
        ),
        "postgres" => format!(
            "create table line (said text); insert into line values {lines}; create schema audit;
             create table audit.mail (id uuid primary key default gen_random_uuid(), address text, extra jsonb, aliases text[]);
             insert into audit.mail (address, extra, aliases) select 'r' || i || '@shop.de', jsonb_build_object('email', 'r' || i || '@shop.de'), array['s' || i || '@shop.de'] from generate_series(0, 299) i;
             create function refuse() returns trigger language plpgsql as 'begin raise exception ''refused''; end';
             create trigger guard before update on audit.mail for each row execute function refuse();"
        ),
        _ => format!(
            "create table mail (id binary(16) primary key, address varchar(80)); insert into mail values {};
             create table big (id bigint unsigned primary key, address varchar(80)); insert into big values {};",
            many(&|i| format!("(unhex(md5('{i}')), 'r{i}@shop.de')")),
            many(&|i| format!("({}, 'r{i}@shop.de')", u64::MAX - i as u64))
        ),
    };
    let url = engine.database("tables", &format!("{common} {own}")).await;
    engine.mark(&url);
    engine.sanitize(&url, &[]).exits(0);

    let mut redactor = engine.redactor();
    let mut expected = |letter: char, i: usize| redactor.value("x", &format!("{letter}{i}@shop.de"));
    let mut people: Vec<_> = (0..ROWS).map(|i| vec![Some(expected('p', i)), (i > 0).then(|| expected('p', i - 1))]).collect();
    let mut found = rows(&url, "select email, boss from person").await;
    people.sort();
    found.sort();
    assert_eq!(found, people);
    let joined = "select cast(count(*) as char(9)) from person p join badge b on b.email = p.email";
    assert_eq!(text(&url, joined).await.trim(), (2 * ROWS).to_string());
    let sorted = |query: &'static str, mut expected: Vec<String>| {
        expected.sort();
        let url = &url;
        async move {
            let mut found: Vec<_> = rows(url, query).await.into_iter().flat_map(|row| row[0].clone()).collect();
            found.sort();
            assert_eq!(found, expected, "{query}");
        }
    };
    let mail: Vec<String> = (0..ROWS).map(|i| expected('r', i)).collect();
    let lines: Vec<String> = (0..ROWS).map(|i| format!("seen: {}", expected('q', i % 250))).collect();
    match kind.as_str() {
        "sqlite" => {
            sorted("select address from mail", mail).await;
            sorted("select said from line", lines).await;
        }
        "postgres" => {
            sorted("select address from audit.mail", mail.clone()).await;
            sorted("select extra->>'email' from audit.mail", mail).await;
            sorted("select aliases[1] from audit.mail", (0..ROWS).map(|i| expected('s', i)).collect()).await;
            sorted("select said from line", lines).await;
        }
        _ => {
            sorted("select address from mail", mail.clone()).await;
            sorted("select address from big", mail).await;
        }
    }

    // What runs at each update would keep what is replaced, and a row without a key cannot be named.
    let trigger = match kind.as_str() {
        "sqlite" => "create trigger copy after\tupdate /* on */ on t begin insert into o select old.email; end",
        "postgres" => return what_is_postgres_own(&engine).await,
        _ => "create trigger copy after update on t for each row insert into o values (old.email)",
    };
    let url =
        engine.database("trigger", &format!("create table o (email varchar(80)); create table t (id integer primary key, email varchar(80)); {trigger}")).await;
    engine.mark(&url);
    let ran = engine.sanitize(&url, &["--policy", &engine.policy("    o:\n      email: { action: keep }\n")]).exits(2);
    assert!(ran.stderr.contains("table `t` has a trigger on its updates, `copy`"), "{}", ran.stderr);
    if kind == "mysql" {
        let url = engine.database("keyless", "create table t (email varchar(80))").await;
        engine.mark(&url);
        assert!(engine.sanitize(&url, &[]).exits(2).stderr.contains("table `t` has no primary key"));
    }
}

/// Tables that inherit, whose rows are those of the table above them, too, and rows that the user cannot see.
async fn what_is_postgres_own(engine: &Engine) {
    let statements = "create table person (id integer primary key, email varchar(80)); create table member (since date) inherits (person);
         insert into person values (1, 'a1@shop.de'); insert into member values (2, 'a2@shop.de', '2020-01-01'), (3, 'a3@shop.de', null);";
    let url = engine.database("inherit", statements).await;
    engine.mark(&url);
    engine.sanitize(&url, &[]).exits(0);
    let mut redactor = engine.redactor();
    let expected: Vec<_> = (1..=3).map(|n| vec![Some(redactor.value("person.email", &format!("a{n}@shop.de")))]).collect();
    assert_eq!(rows(&url, "select email from person order by id").await, expected);

    let statements = "create table note (id integer primary key, email varchar(80)); insert into note values (1, 'a1@shop.de');
         alter table note enable row level security; create role clerk login; grant all on all tables in schema public to clerk; grant all on schema public to clerk";
    let url = engine.database("rows", statements).await;
    let as_clerk = url.replace("app@", "clerk@");
    engine.mark(&as_clerk);
    let refused = engine.sanitize(&as_clerk, &[]).exits(2);
    assert!(refused.stderr.contains("table `note` hides rows from this user"), "{}", refused.stderr);
    // Whom nothing is hidden from may go on.
    execute(&url, "grant all on all tables in schema public to app").await;
    engine.sanitize(&url, &[]).exits(0);
    assert_eq!(text(&url, "select email from note").await, redactor.value("note.email", "a1@shop.de"));
}

/// Numbers are looked at as numbers in JSON are, and dates follow the subject that the policy names.
async fn numbers_and_dates_are_those_of_traffic(engine: Engine) {
    let statements = "create table patient (id integer primary key, phone bigint, latitude double precision, born date, total integer, price double precision);
         create table visit (id integer primary key, patient varchar(20), dob date);
         insert into patient values (1, 4915112345678, 52.520008, '1980-01-31', 42, 12.5), (2, 4915112345679, 52.520009, '1980-01-31', 43, 13.5);
         insert into visit values (1, 'a-1', '1980-01-31'), (2, 'a-2', '1980-01-31'), (3, 'a-1', '1980-02-29'), (4, null, '1980-01-31');";
    let url = engine.database("clinic", statements).await;
    engine.mark(&url);
    let file = engine.path("subjects.yaml");
    let policy = "version: 1\npseudonyms: { subjects: ['visit/patient', 'body:/patient'] }\n\
                  database: { tables: { visit: { patient: { action: keep } }, patient: { born: { domain: birth_date } } } }\n";
    std::fs::write(&file, policy).expect("writable");
    engine.sanitize(&url, &["--policy", &file]).exits(0);
    let redactor = engine.redactor();
    let is_mysql = url.starts_with("mysql");
    let cast = |column: &str| format!("cast({column} as {})", if is_mysql { "char" } else { "varchar(40)" });
    let columns = ["phone", "latitude", "born", "total", "price"].map(cast).join(", ");
    for row in rows(&url, &format!("select {columns} from patient order by id")).await {
        let [phone, latitude, born, total, price] = row.iter().flatten().collect::<Vec<_>>()[..] else { panic!("five values") };
        assert!(phone.len() == 13 && !phone.starts_with("49151123456") && phone.parse::<u64>().is_ok(), "{phone}");
        assert!(!latitude.contains("52.52000") && latitude.parse::<f64>().is_ok(), "{latitude}");
        assert!(born.starts_with("197"), "{born}");
        assert!(["42", "43"].contains(&total.as_str()) && ["12.5", "13.5"].contains(&price.as_str()), "{total} {price}");
    }
    let dates = rows(&url, &format!("select {} from visit order by id", cast("dob"))).await;
    let expected: Vec<_> = [("a-1", "1980-01-31"), ("a-2", "1980-01-31"), ("a-1", "1980-02-29")].map(|(subject, date)| redactor.date_of(subject, date)).into();
    assert_eq!(dates.iter().take(3).flat_map(|row| row[0].clone()).collect::<Vec<_>>(), expected);
    assert_ne!(expected[0], expected[1]);
    assert_eq!(dates[3][0].as_deref(), Some(engine.redactor().value("visit.dob", "1980-01-31").as_str()));
}

/// The proof: customers who are there before the recording begins log in, look each other up by e-mail address, and see their orders, in the
/// replay against the sanitized copy as in the recording.
async fn traffic_and_database_fit(engine: Engine) {
    const CUSTOMERS: u16 = 12;
    let url = engine.database("orders", "select 1").await;
    let service = Service::start(&url);
    for number in 0..CUSTOMERS {
        let mut client = Client::connect(&service.url, None);
        let signup = json!({ "email": email(number), "password": password(number), "name": name(number), "phone": format!("+49 30 90182{number:02}") });
        let code = client.post("/signup", &signup)["activation_code"].clone();
        client.log_in(number, Some(code));
        client.post(
            "/orders",
            &json!({ "reference": format!("R-{number}"), "currency": "EUR", "items": [{ "sku": "CUP", "quantity": number + 1, "unit_price": 18.0 }] }),
        );
    }
    drop(service);
    let copy = engine.copy("orders", "orders_copy").await;

    let service = Service::start(&url);
    let mut capture = Capture::default();
    for number in 0..CUSTOMERS {
        let mut client = Client::connect(&service.url, Some((&mut capture, 40_000 + number)));
        let friend = (number + 1) % CUSTOMERS;
        client.log_in(number, None);
        assert_eq!(client.get("/me")["name"], name(number));
        assert_eq!(client.get(&format!("/customers?email={}", email(friend).replace('@', "%40")))["name"], name(friend));
        assert_eq!(client.get("/orders")["orders"][0]["reference"], format!("R-{number}"));
        let placed = client
            .post("/orders", &json!({ "reference": format!("S-{number}"), "currency": "EUR", "items": [{ "sku": "POT", "quantity": 1, "unit_price": 64.9 }] }));
        assert_eq!(client.get(&format!("/orders/{}", placed["id"].as_str().expect("an id")))["total"], 64.9);
        client.close();
    }
    drop(service);
    let (packets, recording, run) = (engine.path("orders.pcap"), engine.path("rec"), engine.path("run"));
    std::fs::write(&packets, capture.into_file()).expect("writable");
    engine.key();
    let key = engine.path("key");
    reenact(["capture", "-r", &packets, "-o", &recording, "--key-file", &key]).exits(0);

    engine.mark(&copy);
    engine.sanitize(&copy, &[]).exits(0);
    let customers = format!("{:?}", rows(&copy, "select email, name, phone, password from customer").await);
    assert!(!customers.contains("shop.de") && !customers.contains("90182"), "{customers}");

    let service = Service::start(&copy);
    let summary = reenact(["replay", &recording, "--target", &service.url, "-o", &run, "--key-file", &key, "--speed", "4", "--json"]).exits(0).json();
    let expected = u64::from(CUSTOMERS) * 6;
    assert_eq!((&summary["answered"], &summary["other_status"]), (&json!(expected), &json!(0)), "{summary}");
    drop(service);

    // The answers are the recorded ones, but for what each service makes anew.
    let recording = Recording::open(Path::new(&recording)).expect("a recording");
    let recorded: Vec<_> = recording.exchanges(&Window::ALL).expect("readable").map(|exchange| exchange.expect("readable")).collect();
    let run = Run::open(Path::new(&run)).expect("a run");
    let mut compared = 0;
    for outcome in run.outcomes().map(|outcome| outcome.expect("readable")) {
        let exchange = recorded.iter().find(|exchange| exchange.id == outcome.exchange).expect("it was recorded");
        let Reply::Answered { response: Some(response), .. } = &outcome.reply else { panic!("{} was not answered", outcome.exchange) };
        let (answered, expected) = (said(response), said(exchange.response.as_ref().expect("recorded")));
        for field in ["customer_id", "email", "name", "phone"] {
            assert_eq!(answered[field], expected[field], "{} {field}", outcome.endpoint);
            compared += usize::from(!expected[field].is_null());
        }
        assert_eq!(answered["orders"][0]["id"], expected["orders"][0]["id"]);
    }
    assert_eq!(compared, usize::from(CUSTOMERS) * 8);
    println!("{} exchanges replayed against the sanitized copy: all answered as recorded, {compared} values of customers equal", recorded.len());
}

fn said(message: &Message) -> Value {
    serde_json::from_slice(&decoded_body(message, 1 << 20).expect("plain")).unwrap_or_default()
}

fn email(number: u16) -> String {
    format!("Kim.{number}@shop.de")
}

fn name(number: u16) -> String {
    format!("Kim {}", ["Albers", "Brandt", "Conrad", "Dietz"][usize::from(number) % 4])
}

fn password(number: u16) -> String {
    format!("correct horse {number}")
}

/// A client of the demo service; what it says and hears may go into a capture.
struct Client<'a> {
    stream: BufReader<TcpStream>,
    token: Option<String>,
    capture: Option<(&'a mut Capture, crate::packets::Connection)>,
}

impl<'a> Client<'a> {
    fn connect(url: &str, capture: Option<(&'a mut Capture, u16)>) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).expect("the service listens");
        let capture = capture.map(|(capture, port)| {
            let connection = capture.connect(port);
            (capture, connection)
        });
        Self { stream: BufReader::new(stream), token: None, capture }
    }

    fn log_in(&mut self, number: u16, code: Option<Value>) {
        let answer = self.post("/login", &json!({ "email": email(number), "password": password(number), "activation_code": code }));
        assert_eq!(answer["name"], name(number), "{answer}");
        self.token = answer["token"].as_str().map(str::to_owned);
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask(&format!("GET {path} HTTP/1.1"), "")
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.ask(&format!("POST {path} HTTP/1.1"), &body.to_string())
    }

    fn ask(&mut self, line: &str, body: &str) -> Value {
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!("{line}\r\nHost: orders.example\r\n{token}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes()).expect("it listens");
        let (mut heard, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("it answers");
            heard.extend(line.as_bytes());
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("it answers");
        heard.extend(&body);
        if let Some((capture, connection)) = &mut self.capture {
            capture.say(connection, true, request.as_bytes());
            capture.say(connection, false, &heard);
        }
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn close(mut self) {
        if let Some((capture, connection)) = &mut self.capture {
            capture.close(connection);
        }
    }
}

/// Each kind of hash that a policy may ask for, whatever stood there.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_hashed_as_the_policy_says() {
    let engine = Engine::new(None, "hashes");
    for (hash, cost, prefix) in [
        ("bcrypt", 5, "$2b$05$"),
        ("argon2id", 1, "$argon2id$v=19$m=19456,t=1,p=1$"),
        ("pbkdf2_sha256", 9, "$pbkdf2-sha256$i=9,l=32$"),
        ("pbkdf2_django", 9, "pbkdf2_sha256$9$"),
        ("same", 4, "$2b$04$"),
    ] {
        let url = engine.database(hash, &format!("{SHOP} {}", shop(3))).await;
        engine.mark(&url);
        let policy = engine.policy(&format!(
            "    customer:\n      password: {{ hash: {hash}, login: email, cost: {cost} }}\n      name: {{ action: drop }}\n      note: {{ action: mask }}\n"
        ));
        engine.sanitize(&url, &["--policy", &policy]).exits(0);
        let found = rows(&url, "select password, name, note, email from customer order by phone").await;
        let other = engine.database(&format!("{hash}_of_others"), &format!("{SHOP} {} update customer set password = 'md5:12345'", shop(1))).await;
        engine.mark(&other);
        engine.sanitize(&other, &["--policy", &policy]).exits(0);
        assert!(text(&other, "select password from customer").await.starts_with(prefix) != (hash == "same"), "what the policy calls a hash is one");
        assert!(found.iter().all(|row| row[0].as_deref().is_some_and(|hash| hash.starts_with(prefix))), "{hash}: {found:?}");
        assert!(found.iter().all(|row| row[1].is_none() && row[2].as_deref().is_none_or(|note| note.bytes().all(|byte| byte == b'*'))), "{found:?}");
        let mut redactor = Redactor::new(&Policy::load(Path::new(&policy)).expect("a policy"), &engine.key());
        assert!(found.iter().any(|row| row[3] == Some(redactor.pseudonym(Domain::Email, "Anna.0@shop.de"))), "{found:?}");
    }
}
