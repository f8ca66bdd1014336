//! A blunt HTTP/1.1 client: one keep-alive connection, one request at a time.

use std::{collections::BTreeMap, io::Read, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// An answer with its body decoded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How many chunks the body came in, if it was chunked.
    pub(crate) chunks: usize,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection, with the headers that each request carries.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: BufReader::new(stream), headers: Vec::new() }
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, &[]).await
    }

    pub(crate) async fn post(&mut self, target: &str, body: Value) -> Answer {
        self.send("POST", target, body.to_string().as_bytes()).await
    }

    pub(crate) async fn send(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: orders\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        self.read(method == "HEAD").await
    }

    async fn read(&mut self, head_only: bool) -> Answer {
        let status = self.line().await.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let (mut body, mut chunks) = (Vec::new(), 0);
        if headers.contains_key("transfer-encoding") && !head_only {
            loop {
                let length = usize::from_str_radix(&self.line().await, 16).unwrap();
                let mut chunk = vec![0; length];
                self.stream.read_exact(&mut chunk).await.unwrap();
                self.line().await;
                if length == 0 {
                    break;
                }
                chunks += 1;
                body.extend(chunk);
            }
        } else if !head_only {
            body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
            self.stream.read_exact(&mut body).await.unwrap();
        }
        if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") && !head_only {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
            body = plain;
        }
        Answer { status, headers, body, chunks }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}

/// A customer who has signed up and logged in; the connection carries the token.
pub(crate) async fn customer(address: SocketAddr, name: &str) -> Client {
    let mut client = Client::connect(address).await;
    let email = format!("{name}@mail.example");
    let signed_up = client.post("/signup", json!({"email": email, "password": "opensesame", "name": name})).await;
    assert_eq!(signed_up.status, 201, "{}", signed_up.text());
    let code = signed_up.json()["activation_code"].clone();
    let logged_in = client.post("/login", json!({"email": email, "password": "opensesame", "activation_code": code})).await;
    assert_eq!(logged_in.status, 200, "{}", logged_in.text());
    client.headers.push(("authorization", format!("Bearer {}", logged_in.json()["token"].as_str().unwrap())));
    client
}
