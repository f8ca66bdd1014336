//! A recording in figures: when, how much, from whom to where, what was lost and what was taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Glance, Manifest, Recording};
use reenact_formats::model::{Anomaly, LossLedger, Timestamp};
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
    /// Requests over time.
    pub rate: Option<Rate>,
    /// Bytes of requests, heads and bodies.
    pub request_bytes: u64,
    /// Bytes of responses, heads and bodies.
    pub response_bytes: u64,
}

/// One templated path under one method.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The request method.
    pub method: String,
    /// The templated path.
    pub path: String,
    /// Exchanges.
    pub exchanges: u64,
    /// Responses by the first digit of their status.
    pub classes: BTreeMap<u16, u64>,
    /// Exchanges without a response.
    pub unanswered: u64,
    /// Bytes of requests.
    pub request_bytes: u64,
    /// Bytes of responses.
    pub response_bytes: u64,
}

/// Exchanges over time, in equal steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// When the first step begins.
    pub from: Timestamp,
    /// How long a step is.
    pub step: Duration,
    /// Exchanges that start in each.
    pub counts: Vec<u64>,
}

/// Reads a recording through, heads and bodies left out.
pub fn summarize(dir: &Path) -> Result<Summary, Error> {
    let recording = Recording::open(dir)?;
    let manifest = recording.manifest();
    let mut gathered = Gathered { rate: manifest.from.zip(manifest.to).map(|(from, to)| Rate::over(from, to)), ..Gathered::default() };
    for glance in recording.glances() {
        gathered.add(glance?);
    }
    let Gathered { connections, endpoints, statuses, content_types, mut anomalies, rate, last, request_bytes, response_bytes } = gathered;
    let mut endpoints: Vec<_> = endpoints.into_values().collect();
    endpoints.sort_by(|a, b| b.exchanges.cmp(&a.exchanges).then_with(|| (&a.path, &a.method).cmp(&(&b.path, &b.method))));
    // The capture also counts what was odd about connections without an exchange.
    for (anomaly, seen) in &manifest.ledger.anomalies {
        let mine = anomalies.entry(*anomaly).or_default();
        *mine = (*mine).max(*seen);
    }
    Ok(Summary {
        path: dir.display().to_string(),
        from: manifest.from,
        to: last,
        connections: manifest.connections.max(connections.len() as u64),
        endpoints,
        statuses,
        content_types,
        anomalies,
        rate,
        request_bytes,
        response_bytes,
        rebuilt: recording.is_rebuilt(),
        manifest: recording.into_manifest(),
    })
}

#[derive(Default)]
struct Gathered {
    connections: BTreeSet<u64>,
    endpoints: BTreeMap<(String, String), Endpoint>,
    statuses: BTreeMap<u16, u64>,
    content_types: BTreeMap<String, u64>,
    anomalies: BTreeMap<Anomaly, u64>,
    rate: Option<Rate>,
    last: Option<Timestamp>,
    request_bytes: u64,
    response_bytes: u64,
}

impl Gathered {
    fn add(&mut self, glance: Glance) {
        self.connections.insert(glance.id.connection.0);
        self.last = self.last.max(Some(glance.end.unwrap_or(glance.start).max(glance.start)));
        let (request_bytes, response_bytes) = (glance.request_bytes.unwrap_or(0), glance.response_bytes.unwrap_or(0));
        self.request_bytes += request_bytes;
        self.response_bytes += response_bytes;
        for media_type in glance.content_types.into_iter().flatten() {
            if self.content_types.len() < MOST_KINDS || self.content_types.contains_key(&media_type) {
                *self.content_types.entry(media_type).or_default() += 1;
            }
        }
        for anomaly in glance.anomalies {
            *self.anomalies.entry(anomaly).or_default() += 1;
        }
        if let Some(status) = glance.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(rate) = &mut self.rate {
            rate.add(glance.start);
        }
        let mut key = (glance.method.unwrap_or_default(), glance.endpoint.unwrap_or_default());
        if self.endpoints.len() >= MOST_KINDS && !self.endpoints.contains_key(&key) {
            key = (String::new(), OTHERS.to_owned());
        }
        let endpoint =
            self.endpoints.entry(key).or_insert_with_key(|(method, path)| Endpoint { method: method.clone(), path: path.clone(), ..Endpoint::default() });
        endpoint.exchanges += 1;
        match glance.status {
            Some(status) => *endpoint.classes.entry(status / 100).or_default() += 1,
            None => endpoint.unanswered += 1,
        }
        endpoint.request_bytes += request_bytes;
        endpoint.response_bytes += response_bytes;
    }
}

impl Rate {
    /// Nothing yet, in at most [`COLUMNS`] steps of a length that people use.
    fn over(from: Timestamp, to: Timestamp) -> Self {
        let span = to.since(from);
        let step = STEPS.iter().copied().map(Duration::from_millis).find(|step| *step * (COLUMNS - 1) >= span).unwrap_or(span / (COLUMNS - 1));
        let columns = span.as_nanos() / step.as_nanos() + 1;
        Self { from, step, counts: vec![0; usize::try_from(columns).unwrap_or(1)] }
    }

    fn add(&mut self, start: Timestamp) {
        let column = start.since(self.from).as_nanos() / self.step.as_nanos();
        if let Some(count) = usize::try_from(column).ok().and_then(|column| self.counts.get_mut(column)) {
            *count += 1;
        }
    }
}

impl Summary {
    /// What is in it, for a script.
    pub fn json(&self) -> Value {
        let manifest = &self.manifest;
        let ledger = &manifest.ledger;
        let endpoints = self.endpoints.iter().map(|endpoint| {
            let classes: BTreeMap<_, _> = endpoint.classes.iter().map(|(class, count)| (format!("{class}xx"), count)).collect();
            json!({
                "method": endpoint.method, "endpoint": endpoint.path, "exchanges": endpoint.exchanges, "statuses": classes,
                "unanswered": endpoint.unanswered, "request_bytes": endpoint.request_bytes, "response_bytes": endpoint.response_bytes,
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
            "bytes": { "requests": self.request_bytes, "responses": self.response_bytes, "stored": manifest.parts.iter().map(|part| part.bytes).sum::<u64>() },
            "rate": self.rate.as_ref().map(|rate| json!({ "from": rate.from.to_string(), "step_seconds": rate.step.as_secs_f64(), "exchanges": rate.counts })),
            "endpoints": endpoints.collect::<Vec<_>>(),
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

/// Beyond so many endpoints or media types, traffic that makes up its own names is counted together.
const MOST_KINDS: usize = 10_000;
const OTHERS: &str = "(others)";
const COLUMNS: u32 = 60;
/// Lengths of a step, in milliseconds.
const STEPS: [u64; 22] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    21_600_000,
    86_400_000,
    604_800_000,
];
