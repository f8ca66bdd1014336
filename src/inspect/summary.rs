//! A recording in figures: when, how much, from whom to where, what was lost and what was taken out.

use std::collections::BTreeMap;
use std::path::Path;

use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{EndpointFigures, Figures, Manifest, Rate, Recording};
use reenact_formats::model::{Anomaly, LossLedger, Role, Timestamp};
use serde_json::{Value, json};

use crate::pipeline::Survey;

/// What is in a recording.
#[derive(Debug, Clone)]
pub struct Summary {
    pub(super) path: String,
    pub(super) manifest: Manifest,
    pub(super) rebuilt: bool,
    /// The first start.
    pub from: Option<Timestamp>,
    /// The last moment at which anything was seen.
    pub to: Option<Timestamp>,
    /// Connections, also those that brought no exchange.
    pub connections: u64,
    /// What was asked for, most asked first.
    pub endpoints: Vec<Endpoint>,
    /// Final responses by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Messages by media type, both sides together.
    pub content_types: BTreeMap<String, u64>,
    /// What was odd.
    pub anomalies: BTreeMap<Anomaly, u64>,
    /// Exchanges to the recorded service, and of it.
    pub roles: BTreeMap<Role, u64>,
    /// Exchanges by the machine that recorded them, where several did.
    pub nodes: BTreeMap<String, u64>,
    /// Requests over time.
    pub rate: Option<Rate>,
    /// Bytes of requests, heads and bodies.
    pub request_bytes: u64,
    /// Bytes of responses, heads and bodies.
    pub response_bytes: u64,
    /// Bytes of parts that were read to tell all this.
    pub bytes_read: u64,
}

/// One templated path under one method.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The request method.
    pub method: String,
    /// The templated path.
    pub path: String,
    /// What was asked of it, and answered.
    pub figures: EndpointFigures,
}

/// Sums up a recording from the footers of its parts; of parts of older releases the columns that are counted are read.
pub fn summarize(dir: &Path) -> Result<Summary, Error> {
    let recording = Recording::open(dir)?;
    let manifest = recording.manifest();
    let (figures, bytes_read) = recording.figures(COLUMNS)?;
    let Figures { endpoints, statuses, content_types, mut anomalies, roles, nodes, connections, last, request_bytes, response_bytes, rate } = figures;
    let mut endpoints: Vec<_> =
        endpoints.iter().map(|(method, path, figures)| Endpoint { method: method.to_owned(), path: path.to_owned(), figures: figures.clone() }).collect();
    endpoints.sort_by(|a, b| b.figures.exchanges.cmp(&a.figures.exchanges).then_with(|| (&a.path, &a.method).cmp(&(&b.path, &b.method))));
    // The capture also counts what was odd about connections without an exchange.
    for (anomaly, seen) in &manifest.ledger.anomalies {
        let mine = anomalies.entry(*anomaly).or_default();
        *mine = (*mine).max(*seen);
    }
    Ok(Summary {
        path: dir.display().to_string(),
        from: manifest.from,
        to: last,
        connections: manifest.connections.max(connections),
        endpoints,
        statuses,
        content_types,
        anomalies,
        roles,
        nodes,
        rate,
        request_bytes,
        response_bytes,
        bytes_read,
        rebuilt: recording.is_rebuilt(),
        manifest: recording.into_manifest(),
    })
}

impl Summary {
    /// What is in it, for a script.
    pub fn json(&self) -> Value {
        let manifest = &self.manifest;
        let ledger = &manifest.ledger;
        let endpoints = self.endpoints.iter().map(|endpoint| {
            let classes: BTreeMap<_, _> = endpoint.figures.classes.iter().map(|(class, count)| (format!("{class}xx"), count)).collect();
            json!({
                "method": endpoint.method, "endpoint": endpoint.path, "exchanges": endpoint.figures.exchanges, "statuses": classes, "unanswered": endpoint.figures.unanswered,
                "request_bytes": endpoint.figures.request_bytes, "response_bytes": endpoint.figures.response_bytes,
            })
        });
        let parts = manifest.parts.iter().map(|part| json!({ "name": part.name, "bytes": part.bytes, "exchanges": part.counts.exchanges }));
        let mut summary = json!({
            "recording": self.path,
            "source": manifest.source,
            "origin": { "kind": manifest.origin.kind, "unknown": manifest.origin.unknown.iter().map(|unknown| unknown.word()).collect::<Vec<_>>() },
            "version": manifest.version.to_string(),
            "written_by": manifest.written_by,
            "state": manifest.state.word(),
            "key_id": manifest.key_id.as_ref().map(ToString::to_string),
            "key_scope": manifest.key_id.as_ref().map(|_| manifest.key_scope.word()),
            "policy_digest": manifest.policy_digest,
            "expires": manifest.expires.map(|time| time.to_string()),
            "erased": manifest.gone.erased.exchanges,
            "joined": manifest.gone.joined.exchanges,
            "cut": manifest.gone.cut.exchanges,
            "unstored": manifest.gone.unstored.exchanges,
            "retired": { "parts": manifest.retired.parts, "exchanges": manifest.retired.counts.exchanges, "bytes": manifest.retired.bytes },
            "extent": manifest.extent.word(),
            "finished": manifest.finished,
            "rebuilt": self.rebuilt,
            "missing": manifest.missing,
            "from": self.from.map(|time| time.to_string()),
            "to": self.to.map(|time| time.to_string()),
            "exchanges": manifest.exchanges,
            "requests": manifest.requests,
            "responses": manifest.responses,
            "interim": manifest.interim,
            "complete": manifest.complete,
            "connections": self.connections,
            "bytes": { "requests": self.request_bytes, "responses": self.response_bytes, "stored": manifest.parts.iter().map(|part| part.bytes).sum::<u64>(), "read": self.bytes_read },
            "rate": self.rate.as_ref().map(|rate| json!({ "from": rate.from.to_string(), "step_seconds": rate.step.as_secs_f64(), "exchanges": rate.counts })),
            "endpoints": endpoints.collect::<Vec<_>>(),
            "roles": self.roles.iter().map(|(role, count)| (role.word(), count)).collect::<BTreeMap<_, _>>(),
            "nodes": self.nodes,
            "statuses": self.statuses.iter().map(|(status, count)| (status.to_string(), count)).collect::<BTreeMap<_, _>>(),
            "content_types": self.content_types,
            "redactions": manifest.redactions,
            "kept": manifest.kept,
            "parts": parts.collect::<Vec<_>>(),
        });
        if let Some(summary) = summary.as_object_mut() {
            summary.extend(account(ledger, &self.anomalies));
        }
        summary
    }
}

/// What a capture that kept nothing has seen, for a script: the words are those of a [`Summary`].
pub fn survey_json(survey: &Survey) -> Value {
    let Survey { source, counts, ledger } = survey;
    let mut seen = json!({
        "source": source,
        "from": counts.from.map(|time| time.to_string()),
        "exchanges": counts.exchanges,
        "requests": counts.requests,
        "responses": counts.responses,
        "interim": counts.interim,
        "complete": counts.complete,
        "connections": ledger.connections,
    });
    if let Some(seen) = seen.as_object_mut() {
        seen.extend(account(ledger, &ledger.anomalies));
    }
    seen
}

/// What entered, and what became of it.
fn account(ledger: &LossLedger, anomalies: &BTreeMap<Anomaly, u64>) -> impl Iterator<Item = (String, Value)> {
    let foreign: BTreeMap<_, _> =
        ledger.foreign.iter().map(|(name, traffic)| (name, json!({ "connections": traffic.connections, "bytes": traffic.bytes }))).collect();
    let filtered: BTreeMap<_, _> = ledger
        .filtered
        .iter()
        .map(|(cause, traffic)| (cause.word(), json!({ "exchanges": traffic.exchanges, "requests": traffic.requests, "bytes": traffic.bytes })))
        .collect();
    let packets = &ledger.packets;
    [
        ("anomalies", json!(anomalies.iter().map(|(anomaly, count)| (anomaly.word(), count)).collect::<BTreeMap<_, _>>())),
        ("notices", json!(ledger.notices.iter().map(|(notice, count)| (notice.word(), count)).collect::<BTreeMap<_, _>>())),
        ("lost", json!(ledger.lost.iter().map(|(cause, amount)| (cause.word(), amount)).collect::<BTreeMap<_, _>>())),
        ("foreign", json!(foreign)),
        ("filtered", json!(filtered)),
        ("packets", json!({ "seen": packets.seen, "tcp": packets.tcp, "filtered": packets.filtered, "lost": packets.lost, "other": packets.other })),
        ("entries", json!(ledger.entries)),
        ("unreadable", json!(ledger.unreadable.iter().map(|(entry, why)| (entry.to_string(), why.word())).collect::<BTreeMap<_, _>>())),
        ("stream_bytes", json!(ledger.stream_bytes)),
        ("recorded_bytes", json!(ledger.recorded_bytes)),
        ("retransmitted_bytes", json!(ledger.retransmitted_bytes)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
}

/// How wide the chart of the rate may be.
const COLUMNS: u32 = 60;
