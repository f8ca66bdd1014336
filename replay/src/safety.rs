//! Whether a target may be sent anything.
//!
//! In: the targets of a plan, and what the operator allows. Out: the addresses to connect to, or a refusal before anything but
//! the probe has been sent. A sandbox marks itself: it answers `GET /.well-known/reenact-sandbox` with a 2xx status.
//!
//! | target | marked | not marked |
//! |---|---|---|
//! | on this machine (loopback) | passes | `allow_unmarked`, and `allow_writes` if the plan writes |
//! | elsewhere | its URL must be allowed | refused |
//!
//! A name that stands for several addresses is on this machine only if all of them are. Connections go to the addresses
//! that were looked at here: a name that is looked up again could have moved.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reenact_formats::model::Head;
use reenact_formats::wire::http1::RequestContext;

use crate::clock::Clock;
use crate::driver::http1::{Connection, Times};
use crate::target::{TargetUrl, Targets};
use crate::{Error, Plan};

/// What a sandbox answers with 2xx.
pub(crate) const MARK: &str = "/.well-known/reenact-sandbox";

/// What the operator allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Targets that may stand on another machine, if they are marked.
    pub allow: Vec<TargetUrl>,
    /// A target on this machine need not be marked.
    pub allow_unmarked: bool,
    /// A target on this machine that is not marked may be written to.
    pub allow_writes: bool,
}

/// A target that may be sent to.
#[derive(Debug, Clone)]
pub(crate) struct Cleared {
    pub(crate) url: TargetUrl,
    pub(crate) address: SocketAddr,
}

/// Clears every target that `plan` needs: which one serves which recorded host.
pub(crate) async fn clear(plan: &Plan, targets: &Targets, permissions: &Permissions, clock: &dyn Clock) -> Result<BTreeMap<String, Cleared>, Error> {
    let mut writes: BTreeMap<&TargetUrl, u64> = BTreeMap::new();
    let resolved = targets.resolve(plan.hosts())?;
    for step in plan.steps.iter().filter(|step| step.request.is_ok()) {
        let is_write = !matches!(step.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        *writes.entry(resolved[step.host.as_str()]).or_default() += u64::from(is_write);
    }
    let mut cleared = BTreeMap::new();
    for (url, writes) in writes {
        cleared.insert(url, clear_one(url, writes, permissions, clock).await?);
    }
    Ok(resolved.into_iter().map(|(host, url)| (host.to_owned(), cleared[url].clone())).collect())
}

async fn clear_one(url: &TargetUrl, writes: u64, permissions: &Permissions, clock: &dyn Clock) -> Result<Cleared, Error> {
    let unreachable = |source| Error::Unreachable { url: url.to_string(), source };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((url.host(), url.port())).await.map_err(unreachable)?.collect();
    let elsewhere = addresses.iter().find(|address| !is_loopback(address));
    if let Some(elsewhere) = elsewhere
        && !permissions.allow.contains(url)
    {
        return Err(Error::NotAllowed { url: url.to_string(), address: elsewhere.ip().to_string() });
    }
    let (address, answer) = probe(url, &addresses, clock).await.map_err(unreachable)?;
    let loopback = elsewhere.is_none();
    let is_marked = answer.is_ok_and(|status| (200..300).contains(&status));
    let may_be_unmarked = loopback && permissions.allow_unmarked;
    if !is_marked && !may_be_unmarked {
        let answer = answer.map_or_else(str::to_owned, |status| status.to_string());
        return Err(Error::Unmarked { url: url.to_string(), answer, loopback });
    }
    if !is_marked && writes > 0 && !permissions.allow_writes {
        return Err(Error::Writes { url: url.to_string(), writes });
    }
    Ok(Cleared { url: url.clone(), address })
}

fn is_loopback(address: &SocketAddr) -> bool {
    match address.ip() {
        std::net::IpAddr::V4(ip) => ip.is_loopback(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

/// The first address that takes a connection, and the status that it answers the probe with, or what came instead.
async fn probe(url: &TargetUrl, addresses: &[SocketAddr], clock: &dyn Clock) -> io::Result<(SocketAddr, Result<u16, &'static str>)> {
    let mut refusal = io::Error::new(io::ErrorKind::NotFound, "its name stands for no address");
    for address in addresses {
        let connected = tokio::time::timeout(PROBE, Connection::open(*address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(mut connection) => {
                let head = format!("GET {MARK} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nConnection: close\r\n\r\n", url.authority());
                let context = Head::request(Bytes::from(head.clone())).map(|head| RequestContext::of(&head)).unwrap_or_default();
                let mut times = Times::default();
                let answer = tokio::time::timeout(PROBE, connection.exchange(head.as_bytes(), context, clock, &mut times)).await;
                let status = match answer {
                    Ok(answer) => answer.ok().and_then(|answer| answer.message.head.status()).ok_or("nothing that is HTTP"),
                    Err(_) => Err("nothing in time"),
                };
                return Ok((*address, status));
            }
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

const PROBE: Duration = Duration::from_secs(5);
