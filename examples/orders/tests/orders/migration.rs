//! The migration in the middle of traffic, on each database: nothing is lost with the right one, second addresses with the other.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use crate::support::{Client, Kind, Server, customer};
use reenact_orders::{Config, Schema, Variant, migrate, start};
use serde_json::{Value, json};
use sqlx::{ColumnIndex, Connection as _, Database, Decode, Executor, IntoArguments, Row, Type};
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_goes_on_through_the_right_migration() {
    under_traffic(Kind::Sqlite, Variant::Right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_loses_addresses_in_the_defective_migration() {
    under_traffic(Kind::Sqlite, Variant::Defective).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_goes_on_through_the_right_migration() {
    under_traffic(Kind::Postgres, Variant::Right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_loses_addresses_in_the_defective_migration() {
    under_traffic(Kind::Postgres, Variant::Defective).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_goes_on_through_the_right_migration() {
    under_traffic(Kind::MariaDb, Variant::Right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_loses_addresses_in_the_defective_migration() {
    under_traffic(Kind::MariaDb, Variant::Defective).await;
}

async fn under_traffic(kind: Kind, variant: Variant) {
    let server = match Server::start(kind).await {
        Ok(server) => server,
        Err(missing) => {
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let running = start(Config::new(&server.url, Schema::V1)).await.unwrap();
    let address = running.address();

    // One customer is complete before the migration begins, so that its rows are known on both sides of it.
    let mut before = Shopper::new(address, "before".to_owned()).await;
    before.shop(Until::TwoAddresses).await;
    let projected = project(&server.url, "v1").await;

    let (rounds, seen) = watch::channel(0);
    let rounds = Arc::new(rounds);
    let shoppers: Vec<_> = (0..SHOPPERS).map(|number| tokio::spawn(shop_on(address, number, Arc::clone(&rounds)))).collect();
    seen.clone().wait_for(|done| *done >= ROUNDS / 2).await.unwrap();
    let moved = migrate(&server.url, variant).await.unwrap();
    let (mut orders, mut lost) = (0, 0);
    for shopper in shoppers {
        for mut shopper in shopper.await.unwrap() {
            let (kept, missing) = shopper.account().await;
            orders += kept;
            lost += missing;
        }
    }
    assert!(moved >= ROUNDS / 2 && orders >= 2 * ROUNDS as usize, "{moved} addresses moved, {orders} orders");

    let (_, missing) = before.account().await;
    let mut unchanged = project(&server.url, "v2").await;
    for (entity, rows) in &mut unchanged {
        rows.retain(|row| row[0] == "before@mail.example" || projected[entity].contains(row));
    }
    match variant {
        Variant::Right => {
            assert_eq!((lost, missing), (0, 0));
            assert_eq!(unchanged, projected);
        }
        Variant::Defective => {
            assert_eq!(missing, 1);
            assert!(lost > 0);
            assert_ne!(unchanged["address"], projected["address"]);
        }
    }
    assert!(migrate(&server.url, variant).await.unwrap_err().to_string().contains("at v2"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_fails_changes_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::MariaDb] {
        let server = match Server::start(kind).await {
            Ok(server) => server,
            Err(missing) => {
                eprintln!("skipped: {missing}");
                continue;
            }
        };
        let running = start(Config::new(&server.url, Schema::V1)).await.unwrap();
        let mut shopper = Shopper::new(running.address(), "ida".to_owned()).await;
        shopper.shop(Until::TwoAddresses).await;
        // Somebody has a table of that name already.
        server.execute("create table address (mine bigint)").await;
        let error = migrate(&server.url, Variant::Right).await.unwrap_err();
        assert_eq!(error.to_string(), "creating the table of addresses", "{kind:?}");
        server.execute("insert into address (mine) values (1)").await;
        shopper.shop(Until::TwoAddresses).await;
        assert_eq!(shopper.account().await, (2, 0), "{kind:?}");
        running.stop().await;
    }
}

/// Signs up one customer after the other until all shoppers together have done their rounds, and counts them.
async fn shop_on(address: SocketAddr, number: u64, rounds: Arc<watch::Sender<u64>>) -> Vec<Shopper> {
    let mut shoppers = Vec::new();
    for round in 0.. {
        let mut shopper = Shopper::new(address, format!("c{number}-{round}")).await;
        // Every other customer has the second address only after a while, in which the migration may come.
        shopper.shop(if round % 2 == 0 { Until::OneAddress } else { Until::TwoAddresses }).await;
        shopper.look().await;
        shopper.shop(Until::TwoAddresses).await;
        shoppers.push(shopper);
        rounds.send_modify(|rounds| *rounds += 1);
        if *rounds.borrow() >= ROUNDS {
            break;
        }
    }
    shoppers
}

enum Until {
    OneAddress,
    TwoAddresses,
}

/// A customer who remembers what the service confirmed.
struct Shopper {
    client: Client,
    addresses: Vec<Value>,
    orders: Vec<Value>,
}

impl Shopper {
    async fn new(address: SocketAddr, name: String) -> Self {
        Shopper { client: customer(address, &name).await, addresses: Vec::new(), orders: Vec::new() }
    }

    async fn shop(&mut self, until: Until) {
        let wanted = match until {
            Until::OneAddress => 1,
            Until::TwoAddresses => 2,
        };
        while self.addresses.len() < wanted {
            let address =
                json!({"label": format!("a{}", self.addresses.len()), "street": "Elm Street 5", "city": "Łódź", "postcode": "43001", "country": "PL"});
            let answer = self.client.post("/addresses", address).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            self.addresses.push(answer.json());
        }
        let order = json!({"reference": format!("R-{}", self.orders.len()), "currency": "EUR", "note": "ring twice", "items": [{"sku": "CUP", "quantity": 2, "unit_price": 19.99}]});
        let answer = self.client.post("/orders", order).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let target = format!("/orders/{}/payments", answer.json()["id"].as_str().unwrap());
        assert_eq!(self.client.post(&target, json!({"amount": 39.98, "holder": "A B", "card_number": "4111111111111111"})).await.status, 201);
        self.orders.push(answer.json());
    }

    async fn look(&mut self) {
        for target in ["/me", "/addresses", "/orders", "/api-keys"] {
            let answer = self.client.get(target).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    /// How many orders are still there, all of them right, and how many addresses are not.
    async fn account(&mut self) -> (usize, usize) {
        for order in &self.orders {
            let shown = self.client.get(&format!("/orders/{}", order["id"].as_str().unwrap())).await;
            assert_eq!(&shown.json(), order);
        }
        let listed = self.client.get("/addresses").await.json();
        let listed = listed["addresses"].as_array().unwrap();
        let missing: Vec<_> = self.addresses.iter().filter(|address| !listed.contains(address)).collect();
        // Only ever the second one.
        assert!(missing.iter().all(|address| **address == self.addresses[1]), "{missing:?}");
        (self.orders.len(), missing.len())
    }
}

type Projection = BTreeMap<String, Vec<Vec<String>>>;

/// The rows of `examples/state/orders.yaml`, sorted.
async fn project(url: &str, schema: &str) -> Projection {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../state/orders.yaml")).unwrap();
    let file: Entities = serde_saphyr::from_str(&file).unwrap();
    let mut projection = BTreeMap::new();
    for (name, entity) in file.entities {
        let sql = entity.sql.unwrap_or_else(|| entity.schemas[schema].sql.clone());
        let mut rows = match url.split(':').next().unwrap() {
            "sqlite" => rows(&mut sqlx::SqliteConnection::connect(url).await.unwrap(), sql).await,
            "postgres" => rows(&mut sqlx::PgConnection::connect(url).await.unwrap(), sql).await,
            _ => rows(&mut sqlx::MySqlConnection::connect(url).await.unwrap(), sql).await,
        };
        rows.sort();
        projection.insert(name, rows);
    }
    projection
}

#[derive(serde::Deserialize)]
struct Entities {
    entities: BTreeMap<String, Entity>,
}

#[derive(serde::Deserialize)]
struct Entity {
    sql: Option<String>,
    #[serde(default)]
    schemas: BTreeMap<String, Sql>,
}

#[derive(serde::Deserialize)]
struct Sql {
    sql: String,
}

async fn rows<'c, D, C>(connection: &'c mut C, sql: String) -> Vec<Vec<String>>
where
    D: Database,
    &'c mut C: Executor<'c, Database = D>,
    D::Arguments: IntoArguments<D>,
    usize: ColumnIndex<D::Row>,
    for<'r> String: Decode<'r, D> + Type<D>,
    for<'r> i64: Decode<'r, D> + Type<D>,
    for<'r> i32: Decode<'r, D> + Type<D>,
{
    let rows = sqlx::query::<D>(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
    let text = |row: &D::Row, column: usize| {
        let number = || row.try_get::<i64, _>(column).or_else(|_| row.try_get::<i32, _>(column).map(i64::from)).map(|number| number.to_string());
        number().or_else(|_| row.try_get_unchecked::<Option<String>, _>(column).map(|text| text.unwrap_or("null".to_owned()))).unwrap()
    };
    rows.iter().map(|row| (0..row.len()).map(|column| text(row, column)).collect()).collect()
}

const SHOPPERS: u64 = 8;
/// The migration begins after half of them, with the other half under way.
const ROUNDS: u64 = 160;
