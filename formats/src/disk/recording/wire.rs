//! How the manifest and the footers are written: JSON types of their own, so that the vocabulary can change without the file.
//!
//! A word that this release does not know, a cause or an anomaly of a newer minor version, is passed over.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::manifest::{Counts, Gone, Manifest, Part};
use super::retention::Retired;
use super::{Extent, KeyScope, State};
use crate::disk::version::FormatVersion;
use crate::model::{
    Action, Anomaly, FilterCause, FilteredTraffic, ForeignTraffic, LossCause, LossLedger, Notice, Origin, PacketAccount, Timestamp, Unknown, Unreadable,
};

/// One line of JSON.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("wire types are maps with text keys")
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireManifest {
    // Both are written with the stamp that every document begins with.
    #[serde(skip_serializing)]
    version: FormatVersion,
    #[serde(skip_serializing)]
    written_by: String,
    state: String,
    key_id: Option<String>,
    #[serde(default)]
    key_scope: Option<String>,
    policy_digest: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    source: String,
    #[serde(default)]
    origin: WireOrigin,
    finished: bool,
    connections: u64,
    #[serde(flatten)]
    counts: WireCounts,
    redactions: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    #[serde(default)]
    audit: WireAudit,
    #[serde(default)]
    erased: WireCounts,
    #[serde(default)]
    joined: WireCounts,
    #[serde(default)]
    cut: WireCounts,
    #[serde(default)]
    unstored: WireCounts,
    #[serde(default)]
    retired: Option<WireRetired>,
    #[serde(default)]
    extent: Option<String>,
    ledger: WireLedger,
    parts: Vec<WirePart>,
}

#[derive(Serialize, Deserialize)]
struct WirePart {
    name: String,
    bytes: u64,
    sha256: Option<String>,
    #[serde(flatten)]
    counts: WireCounts,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct WireCounts {
    exchanges: u64,
    requests: u64,
    responses: u64,
    interim: u64,
    complete: u64,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireOrigin {
    kind: String,
    unknown: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireRetired {
    parts: u64,
    bytes: u64,
    #[serde(flatten)]
    counts: WireCounts,
    ledger: WireLedger,
}

impl From<&Retired> for WireRetired {
    fn from(retired: &Retired) -> Self {
        let Retired { parts, bytes, counts, ledger } = retired;
        Self { parts: *parts, bytes: *bytes, counts: counts.into(), ledger: ledger.into() }
    }
}

impl TryFrom<WireRetired> for Retired {
    type Error = String;

    fn try_from(wire: WireRetired) -> Result<Self, Self::Error> {
        let WireRetired { parts, bytes, counts, ledger } = wire;
        Ok(Self { parts, bytes, counts: counts.try_into()?, ledger: ledger.into() })
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct WireAudit(Vec<WireAuditRow>);

#[derive(Serialize, Deserialize)]
struct WireAuditRow {
    path: String,
    rule: String,
    domain: String,
    severity: String,
    action: String,
    count: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireLedger {
    packets: WirePackets,
    connections: u64,
    stream_bytes: u64,
    recorded_bytes: u64,
    retransmitted_bytes: u64,
    requests: u64,
    responses: u64,
    interim: u64,
    complete: u64,
    lost: BTreeMap<String, u64>,
    anomalies: BTreeMap<String, u64>,
    #[serde(default)]
    notices: BTreeMap<String, u64>,
    foreign: BTreeMap<String, WireForeign>,
    #[serde(default)]
    filtered: BTreeMap<String, WireFiltered>,
    #[serde(default)]
    entries: u64,
    #[serde(default)]
    unreadable: BTreeMap<u64, String>,
}

#[derive(Serialize, Deserialize)]
struct WirePackets {
    seen: u64,
    tcp: u64,
    filtered: u64,
    lost: u64,
    other: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
struct WireForeign {
    connections: u64,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct WireFiltered {
    exchanges: u64,
    requests: u64,
    bytes: u64,
}

impl From<&Manifest> for WireManifest {
    fn from(manifest: &Manifest) -> Self {
        let Manifest {
            version,
            written_by,
            state,
            key_id,
            key_scope,
            policy_digest,
            expires,
            source,
            origin,
            finished,
            parts,
            missing: _,
            ledger,
            redactions,
            kept,
            audit,
            gone: Gone { erased, joined, cut, unstored },
            retired,
            extent,
            from,
            to,
            exchanges,
            requests,
            responses,
            interim,
            complete,
            connections,
        } = manifest;
        Self {
            version: *version,
            written_by: written_by.clone(),
            state: state.word().to_owned(),
            key_id: key_id.as_ref().map(ToString::to_string),
            key_scope: key_id.is_some().then(|| key_scope.word().to_owned()),
            policy_digest: policy_digest.clone(),
            expires: expires.map(|time| time.to_string()),
            source: source.clone(),
            origin: origin.into(),
            finished: *finished,
            connections: *connections,
            counts: WireCounts {
                exchanges: *exchanges,
                requests: *requests,
                responses: *responses,
                interim: *interim,
                complete: *complete,
                from: from.map(|time| time.to_string()),
                to: to.map(|time| time.to_string()),
            },
            redactions: redactions.clone(),
            kept: kept.clone(),
            audit: audit.into(),
            erased: erased.into(),
            joined: joined.into(),
            cut: cut.into(),
            unstored: unstored.into(),
            retired: (*retired != Retired::default()).then(|| retired.into()),
            extent: (*extent != Extent::default()).then(|| extent.word().to_owned()),
            ledger: ledger.into(),
            parts: parts.iter().map(WirePart::from).collect(),
        }
    }
}

impl WireManifest {
    /// The manifest, or which field is wrong, and how.
    pub(super) fn into_manifest(self) -> Result<Manifest, (String, String)> {
        let field = |name: &str| {
            let name = format!("field {name}");
            move |why| (name, why)
        };
        let counts = Counts::try_from(self.counts).map_err(field("from or to"))?;
        Ok(Manifest {
            version: self.version,
            written_by: self.written_by,
            state: State::from_word(&self.state).ok_or_else(|| field("state")("it is none of raw, redacted, checked".to_owned()))?,
            key_id: self.key_id.map(|id| id.parse()).transpose().map_err(field("key_id"))?,
            key_scope: match self.key_scope {
                None => KeyScope::Shared,
                Some(word) => KeyScope::from_word(&word).ok_or_else(|| field("key_scope")("it is none of shared, recording".to_owned()))?,
            },
            policy_digest: self.policy_digest,
            expires: self.expires.map(|time| time.parse::<Timestamp>().map_err(|error| error.to_string())).transpose().map_err(field("expires"))?,
            source: self.source,
            origin: self.origin.into(),
            finished: self.finished,
            parts: self.parts.into_iter().map(|part| part.into_part().map_err(field("parts"))).collect::<Result<_, _>>()?,
            missing: Vec::new(),
            ledger: self.ledger.into(),
            redactions: self.redactions,
            kept: self.kept,
            audit: self.audit.try_into().map_err(field("audit"))?,
            gone: Gone {
                erased: self.erased.try_into().map_err(field("erased"))?,
                joined: self.joined.try_into().map_err(field("joined"))?,
                cut: self.cut.try_into().map_err(field("cut"))?,
                unstored: self.unstored.try_into().map_err(field("unstored"))?,
            },
            retired: self.retired.map_or(Ok(Retired::default()), TryInto::try_into).map_err(field("retired"))?,
            extent: match self.extent {
                None => Extent::default(),
                Some(word) => Extent::from_word(&word).ok_or_else(|| field("extent")("it is none of whole, piece".to_owned()))?,
            },
            from: counts.from,
            to: counts.to,
            exchanges: counts.exchanges,
            requests: counts.requests,
            responses: counts.responses,
            interim: counts.interim,
            complete: counts.complete,
            connections: self.connections,
        })
    }
}

impl From<&Part> for WirePart {
    fn from(part: &Part) -> Self {
        let Part { name, bytes, sha256, counts } = part;
        Self { name: name.clone(), bytes: *bytes, sha256: sha256.map(|digest| digest.to_string()), counts: counts.into() }
    }
}

impl WirePart {
    fn into_part(self) -> Result<Part, String> {
        // A name leads to a file beside the manifest and nowhere else.
        if super::part_number(&self.name).is_none() {
            return Err("a part's name is not of the form part-000001.parquet".to_owned());
        }
        let sha256 = self.sha256.map(|digest| digest.parse()).transpose()?;
        Ok(Part { name: self.name, bytes: self.bytes, sha256, counts: self.counts.try_into()? })
    }
}

impl From<&Counts> for WireCounts {
    fn from(counts: &Counts) -> Self {
        let Counts { exchanges, requests, responses, interim, complete, from, to } = counts;
        Self {
            exchanges: *exchanges,
            requests: *requests,
            responses: *responses,
            interim: *interim,
            complete: *complete,
            from: from.map(|time| time.to_string()),
            to: to.map(|time| time.to_string()),
        }
    }
}

impl TryFrom<WireCounts> for Counts {
    type Error = String;

    fn try_from(wire: WireCounts) -> Result<Self, Self::Error> {
        let time = |text: Option<String>| text.map(|text| text.parse::<Timestamp>().map_err(|error| error.to_string())).transpose();
        Ok(Self {
            exchanges: wire.exchanges,
            requests: wire.requests,
            responses: wire.responses,
            interim: wire.interim,
            complete: wire.complete,
            from: time(wire.from)?,
            to: time(wire.to)?,
        })
    }
}

impl Default for WireOrigin {
    fn default() -> Self {
        Self::from(&Origin::default())
    }
}

impl From<&Origin> for WireOrigin {
    fn from(origin: &Origin) -> Self {
        Self { kind: origin.kind.clone(), unknown: origin.unknown.iter().map(|unknown| unknown.word().to_owned()).collect() }
    }
}

impl From<WireOrigin> for Origin {
    fn from(wire: WireOrigin) -> Self {
        Self { kind: wire.kind, unknown: wire.unknown.iter().filter_map(|word| Unknown::from_word(word)).collect() }
    }
}

impl From<&Audit> for WireAudit {
    fn from(audit: &Audit) -> Self {
        let row = |(path, row): (&str, &super::AuditRow)| WireAuditRow {
            path: path.to_owned(),
            rule: row.rule.clone(),
            domain: row.domain.clone(),
            severity: row.severity.clone(),
            action: row.action.word().to_owned(),
            count: row.count,
        };
        Self(audit.rows().map(row).collect())
    }
}

impl TryFrom<WireAudit> for Audit {
    type Error = String;

    fn try_from(wire: WireAudit) -> Result<Self, Self::Error> {
        let mut audit = Self::default();
        for WireAuditRow { path, rule, domain, severity, action, count } in wire.0 {
            let action = Action::from_word(&action).ok_or_else(|| "a row has an action that is not known".to_owned())?;
            audit.add(&path, &[&rule, &domain, &severity], action, count);
        }
        Ok(audit)
    }
}

impl From<&LossLedger> for WireLedger {
    fn from(ledger: &LossLedger) -> Self {
        let LossLedger {
            packets,
            connections,
            stream_bytes,
            recorded_bytes,
            foreign,
            filtered,
            retransmitted_bytes,
            requests,
            responses,
            interim,
            complete,
            lost,
            anomalies,
            notices,
            entries,
            unreadable,
        } = ledger;
        let PacketAccount { seen, tcp, filtered: filtered_packets, other, lost: lost_packets } = packets;
        Self {
            packets: WirePackets { seen: *seen, tcp: *tcp, filtered: *filtered_packets, lost: *lost_packets, other: other.clone() },
            connections: *connections,
            stream_bytes: *stream_bytes,
            recorded_bytes: *recorded_bytes,
            retransmitted_bytes: *retransmitted_bytes,
            requests: *requests,
            responses: *responses,
            interim: *interim,
            complete: *complete,
            lost: lost.iter().map(|(cause, amount)| (cause.word().to_owned(), *amount)).collect(),
            anomalies: anomalies.iter().map(|(anomaly, count)| (anomaly.word().to_owned(), *count)).collect(),
            notices: notices.iter().map(|(notice, count)| (notice.word().to_owned(), *count)).collect(),
            foreign: foreign.iter().map(|(name, traffic)| (name.clone(), WireForeign { connections: traffic.connections, bytes: traffic.bytes })).collect(),
            filtered: filtered
                .iter()
                .map(|(cause, FilteredTraffic { exchanges, requests, bytes })| {
                    (cause.word().to_owned(), WireFiltered { exchanges: *exchanges, requests: *requests, bytes: *bytes })
                })
                .collect(),
            entries: *entries,
            unreadable: unreadable.iter().map(|(entry, why)| (*entry, why.word().to_owned())).collect(),
        }
    }
}

impl From<WireLedger> for LossLedger {
    fn from(wire: WireLedger) -> Self {
        let WirePackets { seen, tcp, filtered, lost, other } = wire.packets;
        Self {
            packets: PacketAccount { seen, tcp, filtered, other, lost },
            connections: wire.connections,
            stream_bytes: wire.stream_bytes,
            recorded_bytes: wire.recorded_bytes,
            foreign: wire.foreign.into_iter().map(|(name, WireForeign { connections, bytes })| (name, ForeignTraffic { connections, bytes })).collect(),
            filtered: wire
                .filtered
                .into_iter()
                .filter_map(|(word, WireFiltered { exchanges, requests, bytes })| {
                    Some((FilterCause::from_word(&word)?, FilteredTraffic { exchanges, requests, bytes }))
                })
                .collect(),
            retransmitted_bytes: wire.retransmitted_bytes,
            requests: wire.requests,
            responses: wire.responses,
            interim: wire.interim,
            complete: wire.complete,
            lost: wire.lost.into_iter().filter_map(|(word, amount)| Some((LossCause::from_word(&word)?, amount))).collect(),
            anomalies: wire.anomalies.into_iter().filter_map(|(word, count)| Some((Anomaly::from_word(&word)?, count))).collect(),
            notices: wire.notices.into_iter().filter_map(|(word, count)| Some((Notice::from_word(&word)?, count))).collect(),
            entries: wire.entries,
            unreadable: wire.unreadable.into_iter().filter_map(|(entry, word)| Some((entry, Unreadable::from_word(&word)?))).collect(),
        }
    }
}
