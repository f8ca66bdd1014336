//! Connections flow in, answers flow out. Each connection is a task; each request is read whole, handled, and answered.
//!
//! No request waits for another one here: what order there is comes from the connection and from the database.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{
    answer::{Answer, AnswerBody},
    api,
    failure::Failure,
    request::Request,
    store::{Schema, Store},
};

/// Where a service listens and where it keeps its rows.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sqlite:FILE`, `postgres://…`, `mysql://…` or `mariadb://…`.
    pub database: String,
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The schema to create where none is.
    pub schema: Schema,
}

impl Config {
    /// A service on a free port of the loopback address.
    pub fn new(database: impl Into<String>, schema: Schema) -> Self {
        Config { database: database.into(), listen: SocketAddr::from(([127, 0, 0, 1], 0)), schema }
    }
}

/// A service that accepts connections until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Running {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, lets requests under way finish for a while, closes the database.
    pub async fn stop(self) {
        // Both may fail only when the task is gone, which is what is wanted.
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
    }
}

/// Opens the database, creates the schema if there is none, and listens. The service is ready when this returns.
pub async fn start(config: Config) -> Result<Running> {
    let store = Arc::new(Store::open(&config.database, config.schema).await?);
    let listener = TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
    let address = listener.local_addr().context("asking for the own address")?;
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, store, stopped));
    Ok(Running { address, stop, accepting })
}

async fn accept(listener: TcpListener, store: Arc<Store>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // An error means that the service was dropped.
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&store), stopped.clone()));
                }
                Err(error) => {
                    // Out of descriptors, mostly: others must close theirs first.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let drain = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, drain).await.is_err() {
        tracing::warn!("requests were still under way and are given up");
    }
    store.close().await;
}

async fn serve(stream: TcpStream, store: Arc<Store>, mut stopped: watch::Receiver<bool>) {
    // Small answers must not wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(|request| respond(&store, request));
    let connection = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away are everyday.
        tracing::debug!(%error, "connection ended early");
    }
}

async fn respond(store: &Store, request: hyper::Request<Incoming>) -> Result<Response<AnswerBody>, Infallible> {
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(failure) => return Ok(Answer::from(&failure).into_response(false)),
    };
    let mut attempt = 1;
    let answer = loop {
        match api::handle(store, &request).await {
            Err(failure) if failure.is_transient() && attempt < ATTEMPTS => attempt += 1,
            Err(failure) => {
                if let Failure::Database(error) = &failure {
                    report(error);
                }
                break Answer::from(&failure);
            }
            Ok(answer) => break answer,
        }
    };
    Ok(answer.into_response(request.accepts_gzip()))
}

/// A database names values in its messages (a duplicate key, a bad literal), so that only its code is logged.
fn report(error: &sqlx::Error) {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    tracing::error!(%code, kind = error_kind(error), "database failure");
}

fn error_kind(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Database(_) => "statement",
        sqlx::Error::Io(_) => "connection",
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => "pool",
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => "decode",
        _ => "other",
    }
}

/// A transaction that lost against another one is tried again this often.
const ATTEMPTS: u32 = 8;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests under way may take to finish when the service stops.
const GRACE: Duration = Duration::from_secs(5);
