//! The figures of a live capture, for Prometheus to fetch.
//!
//! In: requests on a socket that was bound before privileges were given up. Out: the latest figures. What never happens here: anything of the
//! traffic is told but how much there is of it, or a client keeps the capture waiting.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::statistics::{Statistics, metrics};
use crate::cli::{InvalidArgument, output};

/// Takes the address.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, InvalidArgument> {
    let refuse =
        |error: std::io::Error| InvalidArgument::new(format!("cannot serve metrics on {address}: {error}"), "name an address of this machine with a free port");
    let listener = TcpListener::bind(address).map_err(refuse)?;
    listener.set_nonblocking(true).map_err(refuse)?;
    // Port 0 takes a free one.
    output::note(&format!("metrics on http://{}/metrics", listener.local_addr().map_err(refuse)?));
    Ok(listener)
}

/// Answers until the runtime ends. Must be called within one.
pub(super) fn serve(listener: TcpListener, statistics: Arc<Statistics>) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener).context("cannot serve metrics")?;
    let room = Arc::new(Semaphore::new(MOST));
    tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, say: it may pass.
                tokio::time::sleep(PATIENCE).await;
                continue;
            };
            let statistics = Arc::clone(&statistics);
            tokio::spawn(async move {
                let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &statistics))));
                let mut server = http1::Builder::new();
                let connection = server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).serve_connection(TokioIo::new(stream), service);
                // Clients that go away are everyday.
                let _ = tokio::time::timeout(LONGEST, connection).await;
                drop(place);
            });
        }
    });
    Ok(())
}

fn answer(request: &Request<Incoming>, statistics: &Statistics) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, metrics(&statistics.latest())),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, "the metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

/// How many clients at once.
const MOST: usize = 16;
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one may stay connected.
const LONGEST: Duration = Duration::from_secs(300);
