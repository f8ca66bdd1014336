//! The service as a client sees it, in both schemas.

use std::{io::Write, net::SocketAddr};

use crate::support::{Answer, Client, Kind, Server, customer};
use reenact_orders::{Config, Running, Schema, start};
use serde_json::{Value, json};

struct Service {
    running: Running,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start(schema: Schema) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("orders.db").display());
        Service { running: start(Config::new(url, schema)).await.unwrap(), _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.running.address()
    }
}

#[tokio::test]
async fn a_customer_buys() {
    for schema in [Schema::V1, Schema::V2] {
        let service = Service::start(schema).await;
        let mut client = customer(service.address(), "ada").await;

        let me = client.get("/me").await.json();
        assert_eq!((&me["email"], &me["phone"]), (&json!("ada@mail.example"), &Value::Null));
        let changed = client.send("PUT", "/me", br#"{"phone": "+44 20 7946 0000"}"#).await.json();
        assert_eq!((&changed["phone"], &changed["name"]), (&json!("+44 20 7946 0000"), &json!("ada")));

        let order = json!({"reference": "R-1", "currency": "EUR", "items": [{"sku": "CUP", "quantity": 3, "unit_price": 19.99}]});
        client.headers.push(("x-forwarded-for", "203.0.113.9".to_owned()));
        let placed = client.post("/orders", order.clone()).await;
        assert_eq!(placed.status, 201, "{}", placed.text());
        let id = placed.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(placed.headers["location"], format!("/orders/{id}"));
        let shown = client.get(&format!("/orders/{id}")).await;
        assert_eq!(shown.body, placed.body);
        assert_eq!((&shown.json()["total"], &shown.json()["placed_from"]), (&json!(59.97), &json!("203.0.113.9")));
        assert_eq!(client.post("/orders", order).await.status, 409);

        let payments = format!("/orders/{id}/payments");
        let card = json!({"amount": 50.0, "holder": "Ada L", "card_number": "4111 1111 1111 1111", "cvv": "000"});
        assert_eq!(client.post(&payments, card).await.status, 201);
        assert_eq!(client.post(&payments, json!({"amount": 9.97, "holder": "Ada L", "iban": "DE89370400440532013000"})).await.status, 201);
        let paid = client.get(&payments).await.json();
        assert_eq!((&paid["payments"][0]["card_number"], &paid["payments"][1]["method"]), (&json!("4111 1111 1111 1111"), &json!("iban")));

        let events = client.get(&format!("/orders/{id}/events")).await;
        assert_eq!((events.chunks, events.text().lines().count()), (3, 3));
        service.running.stop().await;
    }
}

#[tokio::test]
async fn addresses_answer_the_same_in_both_schemas() {
    let mut transcripts = Vec::new();
    for schema in [Schema::V1, Schema::V2] {
        let service = Service::start(schema).await;
        let mut client = customer(service.address(), "ben").await;
        let mut transcript = Vec::new();
        let mut ids = Vec::new();
        for label in ["home", "work", "work", "third"] {
            let answer = client.post("/addresses", address(label)).await;
            ids.extend(answer.json()["id"].as_str().map(str::to_owned));
            transcript.push(answer);
        }
        transcript.push(client.get("/addresses").await);
        transcript.push(client.get(&format!("/addresses/{}", ids[1])).await);
        transcript.push(client.send("DELETE", &format!("/addresses/{}", ids[0]), b"").await);
        transcript.push(client.get(&format!("/addresses/{}", ids[0])).await);
        transcript.push(client.get("/addresses").await);
        transcript.push(client.post("/addresses", address("third")).await);
        transcript.push(client.get("/addresses").await);
        let statuses: Vec<u16> = transcript.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [201, 201, 409, 409, 200, 200, 204, 404, 200, 201, 200]);
        transcripts.push(transcript.iter().map(without_ids).collect::<Vec<_>>());
        service.running.stop().await;
    }
    assert_eq!(transcripts[0], transcripts[1]);
}

#[tokio::test]
async fn pages_follow_their_cursors() {
    let service = Service::start(Schema::V1).await;
    let mut client = customer(service.address(), "cleo").await;
    for number in 0..5 {
        let order = json!({"reference": format!("R-{number}"), "currency": "EUR", "items": [{"sku": "CUP", "quantity": 1, "unit_price": 1.5}]});
        assert_eq!(client.post("/orders", order).await.status, 201);
    }
    let (mut seen, mut target) = (Vec::new(), "/orders?limit=2".to_owned());
    loop {
        let page = client.get(&target).await.json();
        seen.extend(page["orders"].as_array().unwrap().iter().map(|order| order["reference"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/orders?limit=2&after={next}");
    }
    assert_eq!(seen, ["R-0", "R-1", "R-2", "R-3", "R-4"]);
    assert_eq!(client.get("/orders?after=abc").await.status, 422);
    service.running.stop().await;
}

#[tokio::test]
async fn a_token_is_taken_wherever_it_stands() {
    let service = Service::start(Schema::V1).await;
    let mut client = customer(service.address(), "dora").await;
    let token = client.headers.pop().unwrap().1.trim_start_matches("Bearer ").to_owned();
    assert_eq!(client.get("/me").await.status, 401);
    for target in [format!("/export?token={token}"), format!("/downloads/{token}/orders.csv")] {
        let table = client.get(&target).await;
        assert_eq!((table.status, table.text().as_str()), (200, "reference,currency,total,customer\n"));
    }
    client.headers.push(("cookie", format!("theme=dark; sid={token}")));
    assert_eq!(client.get("/me").await.status, 200);
    let key = client.post("/api-keys", json!({"provider": "ci", "label": "deploy", "secret": "s3cret"})).await;
    assert_eq!(key.status, 201);
    assert_eq!(client.get("/api-keys").await.json()["api_keys"][0], key.json());
    assert_eq!(client.send("POST", "/logout", b"").await.status, 204);
    assert_eq!(client.get("/me").await.status, 401);
    service.running.stop().await;
}

#[tokio::test]
async fn bad_requests_get_their_status() {
    let service = Service::start(Schema::V1).await;
    let mut client = customer(service.address(), "eve").await;
    let long = format!(r#"{{"email": "{}@mail.example", "password": "p", "name": "n"}}"#, "e".repeat(300));
    let cases = [
        ("GET", "/nothing", "", 404),
        ("DELETE", "/orders", "", 405),
        ("POST", "/signup", "{", 400),
        ("POST", "/signup", r#"{"email": "eve@mail.example"}"#, 422),
        ("POST", "/signup", r#"{"email": "eve@mail.example", "password": "p", "name": "n"}"#, 409),
        ("POST", "/signup", r#"{"email": "eve", "password": "p", "name": "n"}"#, 422),
        ("POST", "/signup", &long, 422),
        ("POST", "/login", r#"{"email": "eve@mail.example", "password": "wrong"}"#, 401),
        ("POST", "/login", r#"{"email": "nobody@mail.example", "password": "wrong"}"#, 401),
        ("GET", "/orders/0", "", 404),
        ("POST", "/orders/0/payments", r#"{"amount": 1, "holder": "E", "card_number": "4111111111111111"}"#, 404),
        ("POST", "/orders/0/payments", r#"{"amount": 1, "holder": "E", "card_number": "4111111111111112"}"#, 422),
        ("POST", "/orders", r#"{"reference": "r", "currency": "EUR", "items": []}"#, 422),
        ("GET", "/orders?limit=0", "", 422),
        ("GET", "/health", "", 200),
        ("GET", "/.well-known/reenact-sandbox", "", 200),
    ];
    for (method, target, body, expected) in cases {
        let answer = client.send(method, target, body.as_bytes()).await;
        assert_eq!(answer.status, expected, "{method} {target}: {}", answer.text());
    }
    service.running.stop().await;
}

/// Two connections may ask for the same thing at the same moment; a NUL is text for some databases and none for others.
#[tokio::test]
async fn races_and_odd_text_are_no_server_errors() {
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::MariaDb] {
        let server = match Server::start(kind).await {
            Ok(server) => server,
            Err(missing) => {
                eprintln!("skipped: {missing}");
                continue;
            }
        };
        let running = start(Config::new(&server.url, Schema::V1)).await.unwrap();
        let address = running.address();
        let attempts = (0..8).map(|_| {
            tokio::spawn(async move {
                let profile = json!({"email": "gus@mail.example", "password": "p", "name": "Gus"});
                Client::connect(address).await.post("/signup", profile).await.status
            })
        });
        let mut statuses = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            statuses.push(attempt.await.unwrap());
        }
        statuses.sort();
        assert_eq!(statuses, [vec![201], vec![409; 7]].concat(), "{kind:?}");

        let mut client = customer(running.address(), "hana").await;
        for (method, target, body) in
            [("PUT", "/me", r#"{"note": "a\u0000b"}"#), ("GET", "/orders/%00", ""), ("POST", "/login", r#"{"email": "\u0000", "password": "p"}"#)]
        {
            let status = client.send(method, target, body.as_bytes()).await.status;
            assert!(matches!(status, 200 | 401 | 404 | 422), "{kind:?} {method} {target}: {status}");
        }
        let long = format!(r#"{{"note": "{}"}}"#, "x".repeat(70_000));
        let status = client.send("PUT", "/me", long.as_bytes()).await.status;
        assert!(matches!(status, 200 | 422), "{kind:?}: {status}");
        running.stop().await;
    }
}

#[tokio::test]
async fn bodies_are_compressed_both_ways() {
    let service = Service::start(Schema::V1).await;
    let mut client = Client::connect(service.address()).await;
    let plain = client.get("/products").await;
    client.headers.push(("accept-encoding", "br, gzip".to_owned()));
    let packed = client.get("/products").await;
    assert_eq!((packed.headers["content-encoding"].as_str(), &packed.body), ("gzip", &plain.body));
    let head = client.send("HEAD", "/products", b"").await;
    assert_eq!((head.status, &head.headers["content-length"], head.body.len()), (200, &packed.headers["content-length"], 0));

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(br#"{"email": "fay@mail.example", "password": "p", "name": "Fay"}"#).unwrap();
    let packed = encoder.finish().unwrap();
    client.headers.push(("content-encoding", "gzip".to_owned()));
    assert_eq!(client.send("POST", "/signup", &packed).await.status, 201);
    assert_eq!(client.send("POST", "/signup", &packed[..20]).await.status, 400);
    client.headers.pop();
    client.headers.push(("content-encoding", "compress".to_owned()));
    assert_eq!(client.send("POST", "/signup", &packed).await.status, 415);
    service.running.stop().await;
}

fn address(label: &str) -> Value {
    json!({"label": label, "street": "Elm Street 5", "city": "Springwood", "postcode": "43001", "country": "US"})
}

fn without_ids(answer: &Answer) -> String {
    let mut text = answer.text();
    while let Some(start) = text.find("adr-") {
        text.replace_range(start..start + 16, "ADDRESS");
    }
    format!("{} {text}", answer.status)
}
