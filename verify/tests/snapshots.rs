//! Snapshots of real databases: the same data gives the same rows, whatever holds it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod support;

use reenact_formats::disk::snapshot::StateSnapshot;
use reenact_formats::model::{Exchange, KeyId, Message, Redaction};
use reenact_formats::seam::{Explain, Redact};
use reenact_verify::{Entities, Error, select, snapshot};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use support::Server;

/// Upper case for what stands in an `email` column; all else stays.
struct Loud(Vec<String>);

impl Redact for Loud {
    fn exchange(&mut self, _: &mut Exchange) {}

    fn response(&mut self, _: Option<&Message>, _: &mut Message) -> Vec<Redaction> {
        Vec::new()
    }

    fn value(&mut self, location: &str, value: &str) -> String {
        self.0.push(location.to_owned());
        if location.ends_with(".email") { value.to_uppercase() } else { value.to_owned() }
    }

    fn key_id(&self) -> KeyId {
        KeyId::from_digest([1; 8])
    }

    fn policy_digest(&self) -> String {
        "policy".to_owned()
    }
}

/// A database of any kind, filled with statements.
enum Database {
    Sqlite(tempfile::TempDir),
    Server(Server),
}

impl Database {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("t.db").display()),
            Self::Server(server) => server.url().to_owned(),
        }
    }

    async fn run(&self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match self {
            Self::Sqlite(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("t.db")).create_if_missing(true);
                let mut connection: SqliteConnection = options.connect().await.unwrap();
                connection.execute(statements).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Server(server) if server.url().starts_with("postgres") => {
                PgConnection::connect(server.url()).await.unwrap().execute(statements).await.unwrap();
            }
            Self::Server(server) => {
                MySqlConnection::connect(server.url()).await.unwrap().execute(statements).await.unwrap();
            }
        }
    }

    async fn snapshot(&self, entities: &str) -> Result<StateSnapshot, Error> {
        let entities = if entities.is_empty() { Entities::every_table() } else { Entities::parse("entities.yaml", entities).unwrap() };
        snapshot(&self.url(), &entities, "v1", &mut Loud(Vec::new())).await
    }
}

fn sqlite() -> Database {
    Database::Sqlite(tempfile::tempdir().unwrap())
}

/// Runs `test` on a server, or says why it could not.
macro_rules! on_server {
    ($server:expr, $test:expr) => {
        match $server {
            Ok(server) => $test(Database::Server(server)).await,
            Err(why) => eprintln!("skipped: {why}"),
        }
    };
}

fn rows(snapshot: &StateSnapshot, entity: usize) -> Vec<String> {
    let cell = |cell: &Option<Box<str>>| cell.as_deref().unwrap_or("NULL").to_owned();
    snapshot.entities[entity].rows().iter().map(|row| row.cells().iter().map(cell).collect::<Vec<_>>().join("|")).collect()
}

/// One table with a value of every common type; `types` are those of id, amount, ratio, flag, made, day, clock, raw, email.
fn common(types: [&str; 9], bytes: &str, yes: &str) -> String {
    let [id, amount, ratio, flag, made, day, clock, raw, email] = types;
    format!(
        "create table thing (id {id} primary key, amount {amount}, ratio {ratio}, flag {flag}, made {made}, day {day}, clock {clock}, raw {raw}, email {email});
         insert into thing values (2, 12.50, 0.1, {yes}, '2026-11-22 15:00:00.500', '2026-11-22', '15:00:00', {bytes}, 'zoë@example.org');
         insert into thing values (10, 1000, 1e3, null, null, null, null, null, 'Äb');"
    )
}

async fn check_common(database: Database, setup: String) {
    database.run(&setup).await;
    let expected = ["10|1000|NULL|NULL|ÄB|NULL|NULL|1000|NULL", "2|12.5|15:00:00|2026-11-22|ZOË@EXAMPLE.ORG|1|2026-11-22T15:00:00.5Z|0.1|0x00ff"];
    for entities in ["", "version: 1\nentities: {thing: {key: [id], sql: 'select id, email, clock, day, amount, ratio, flag, made, raw from thing'}}"] {
        let snapshot = database.snapshot(entities).await.unwrap();
        assert_eq!(snapshot.entities[0].name(), "thing");
        assert_eq!(rows(&snapshot, 0), expected, "{}", snapshot.database);
    }
}

#[tokio::test]
async fn the_same_data_in_sqlite() {
    let setup = common(["integer", "decimal(10,2)", "real", "boolean", "timestamp", "date", "time", "blob", "text"], "x'00ff'", "true");
    check_common(sqlite(), setup).await;
}

#[tokio::test]
async fn the_same_data_in_postgresql() {
    let setup = common(["bigint", "numeric(10,2)", "double precision", "boolean", "timestamptz", "date", "time", "bytea", "varchar(40)"], "'\\x00ff'", "true");
    on_server!(support::postgres(), |database| check_common(database, format!("set time zone 'UTC'; {setup}")));
}

#[tokio::test]
async fn the_same_data_in_mariadb() {
    let setup = common(
        ["bigint", "decimal(10,2)", "double", "boolean", "datetime(3)", "date", "time", "varbinary(9)", "varchar(40) collate utf8mb4_bin"],
        "x'00ff'",
        "true",
    );
    on_server!(support::mariadb(), |database| check_common(database, setup));
}

/// Types that only one engine has: none may fail, each keeps the database's own text.
#[tokio::test]
async fn uncommon_types_in_postgresql() {
    async fn check(database: Database) {
        database
            .run(
                "create type mood as enum ('sad', 'happy');
                 create table odd (id int primary key, a uuid, b int[], c jsonb, d inet, e interval, f mood, g char(4), h real, i int4range, j money, k \"char\", l bit(3));
                 insert into odd values (1, '123e4567-e89b-12d3-a456-426614174000', '{1,2}', '{\"b\": 1.0, \"a\": null}', '192.0.2.1', '1 day 2 hours', 'sad', 'ab', 0.1, '[1,5)', 3.5, 'x', b'101');
                 create schema other; create table other.log (line text); insert into other.log values ('x');",
            )
            .await;
        let snapshot = database.snapshot("").await.unwrap();
        assert_eq!(rows(&snapshot, 0), ["1|123e4567-e89b-12d3-a456-426614174000|{1,2}|{\"a\":null,\"b\":1.0}|192.0.2.1|P1DT2H|sad|ab|0.1|[1,5)|$3.50|x|101"]);
        assert_eq!((snapshot.entities[1].name(), rows(&snapshot, 1)), ("other.log", vec!["x".to_owned()]));
    }
    on_server!(support::postgres(), check);
}

#[tokio::test]
async fn uncommon_types_in_mariadb() {
    async fn check(database: Database) {
        database
            .run(
                "create table odd (id int unsigned primary key, a bit(12), b enum('x','y'), c set('p','q'), d json, e year, f float, g blob, h text, i char(4), j uuid);
                 insert into odd values (1, b'100000001', 'x', 'p,q', '{\"k\": 1}', 2026, 0.1, 'ab', 'tëxt', 'ab', '123e4567-e89b-12d3-a456-426614174000');",
            )
            .await;
        let snapshot = database.snapshot("").await.unwrap();
        assert_eq!(rows(&snapshot, 0), ["1|257|x|p,q|{\"k\": 1}|2026|0.1|0x6162|tëxt|ab|123e4567-e89b-12d3-a456-426614174000"]);
    }
    on_server!(support::mariadb(), check);
}

const ADDRESSES: &str =
    "create table customer (id integer primary key, email varchar(40)); create table address (id integer primary key, customer int, label varchar(9));
    insert into customer values (1, 'ann'), (2, 'bob'); insert into address values (1, 1, 'home'), (2, 2, 'home'), (3, 2, 'work');";

async fn check_errors(database: Database) {
    database.run(ADDRESSES).await;
    let joined = "select c.email, a.label, a.id from address a join customer c on c.id = a.customer";
    let file = |key: &str, sql: &str| format!("version: 1\nentities: {{address: {{key: [{key}], ignore: [id], sql: \"{sql}\"}}}}");
    let whole = database.snapshot(&file("email, label", joined)).await.unwrap();
    assert_eq!(rows(&whole, 0), ["ANN|home", "BOB|home", "BOB|work"]);
    let none = database.snapshot(&file("email, label", &format!("{joined} where 1 = 0"))).await.unwrap();
    assert_eq!((none.entities[0].columns().len(), none.entities[0].rows().len()), (2, 0), "columns are known without rows");
    for (key, sql, expected) in [
        ("email", joined, "1 row has the key of another one (email)"),
        ("email, lable", joined, "has no column `lable`"),
        ("email", "select email, id from nowhere", "entity `address`: its sql failed"),
        ("email", "select email, email, id from customer", "two columns called `email`"),
        ("email", "select email, id from customer; drop table customer", "entity `address`"),
        ("email", "delete from customer returning email, id", "its sql failed"),
        ("email", "insert into customer values (9, 'eve') returning email, id", "its sql failed"),
    ] {
        let error = database.snapshot(&file(key, sql)).await.expect_err(sql);
        assert!(error.to_string().contains(expected), "{sql}: {error}");
        assert!(error.hint().is_some(), "{sql}");
    }
    assert_eq!(rows(&database.snapshot("").await.unwrap(), 1).len(), 2, "nothing was written");
}

#[tokio::test]
async fn errors_in_sqlite() {
    check_errors(sqlite()).await;
}

#[tokio::test]
async fn errors_in_postgresql() {
    on_server!(support::postgres(), check_errors);
}

#[tokio::test]
async fn errors_in_mariadb() {
    on_server!(support::mariadb(), check_errors);
}

/// A query is handed out value by value; one that writes is refused.
async fn check_queries(database: Database) {
    database
        .run("create table person (id integer primary key, name varchar(40), email varchar(40)); insert into person values (1, 'Zoë', null), (2, 'Ann', 'ann@x.io');")
        .await;
    let mut seen = Vec::new();
    let mut each = |columns: &[String], place: usize, value: &str| seen.push(format!("{}={value}", columns[place]));
    for wrong in ["delete from person", "drop table person", "select nothing from person", ""] {
        let error = select(&database.url(), wrong, &mut each).await.expect_err(wrong);
        assert!(error.to_string().contains("the query failed") && error.hint().is_some(), "{wrong}: {error}");
    }
    select(&database.url(), "select name, email from person order by id", &mut each).await.unwrap();
    assert_eq!(seen, ["name=Zoë", "name=Ann", "email=ann@x.io"]);
}

#[tokio::test]
async fn queries_in_sqlite() {
    check_queries(sqlite()).await;
}

#[tokio::test]
async fn queries_in_postgresql() {
    on_server!(support::postgres(), check_queries);
}

#[tokio::test]
async fn queries_in_mariadb() {
    on_server!(support::mariadb(), check_queries);
}

#[tokio::test]
async fn what_cannot_be_opened_says_so_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "this is no database, and it is longer than a header of one would have to be to be one").unwrap();
    let missing = folder.path().join("missing.db");
    for (address, expected) in [
        (text.display().to_string(), "not a database"),
        (missing.display().to_string(), "No such file"),
        (folder.path().display().to_string(), "it is not a file"),
        ("postgres://ann:secret@127.0.0.1:1/db".to_owned(), "cannot open database postgres://127.0.0.1:1/db"),
        ("mysql://ann:secret@127.0.0.1:1/db".to_owned(), "cannot open database mysql://127.0.0.1:1/db"),
        ("oracle://ann:secret@127.0.0.1/db".to_owned(), "only SQLite, PostgreSQL, MySQL and MariaDB"),
    ] {
        let error = snapshot(&address, &Entities::every_table(), "v1", &mut Loud(Vec::new())).await.expect_err(&address);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    assert!(!missing.exists(), "a snapshot makes no database");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_an_error_that_names_the_column() {
    let database = sqlite();
    database.run("create table t (id integer primary key, name text); insert into t values (1, cast(x'ff' as text));").await;
    let error = database.snapshot("").await.expect_err("not UTF-8");
    assert_eq!(error.to_string(), "entity `t`, column `name` of type TEXT: it is not valid UTF-8");
}

#[tokio::test]
async fn every_value_is_redacted_under_its_column() {
    let database = sqlite();
    database.run("create table t (id integer primary key, email text, n int); insert into t values (1, 'ann', null);").await;
    let mut redact = Loud(Vec::new());
    let snapshot = snapshot(&database.url(), &Entities::every_table(), "v1", &mut redact).await.unwrap();
    assert_eq!(redact.0, ["t.id", "t.email"], "a null has no value");
    assert_eq!(rows(&snapshot, 0), ["1|ANN|NULL"]);
}

#[test]
fn the_examples_are_valid() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    Entities::load(&examples.join("state/orders.yaml")).unwrap();
    reenact_verify::Objectives::load(&examples.join("objectives/orders.yaml")).unwrap();
}
