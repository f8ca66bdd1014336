//! `run.json` as it stands on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{EndReason, EventResult, RecordingRef, RunEnd, RunHeader, TimelineEvent};
use crate::disk::Error;
use crate::disk::publish::Digest;
use crate::model::KeyId;

/// A part that was published, as `run.json` lists it once the run has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPart {
    /// Its file name.
    pub file: String,
    /// How many outcomes stand in it.
    pub outcomes: u64,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// How a run ended, and what was published of it.
pub(super) type Ended = (RunEnd, Vec<PublishedPart>);

#[derive(Serialize, Deserialize)]
pub(super) struct WireRun {
    started: String,
    recording: WireRecording,
    targets: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy_digest: Option<String>,
    seed: u64,
    speed: f64,
    session: String,
    tags: BTreeMap<String, String>,
    planned: u64,
    schedule_ns: u64,
    /// `running` until the end is written, then the reason of the end.
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<WireEnd>,
}

#[derive(Serialize, Deserialize)]
struct WireRecording {
    path: String,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireEnd {
    ended: String,
    timeline: Vec<WireEvent>,
    parts: Vec<PublishedPart>,
}

#[derive(Serialize, Deserialize)]
struct WireEvent {
    name: String,
    at: String,
    duration_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

impl WireRun {
    pub(super) fn new(header: &RunHeader, end: Option<(&RunEnd, &[PublishedPart])>) -> Self {
        Self {
            started: header.started.to_string(),
            recording: WireRecording {
                path: header.recording.path.clone(),
                digest: header.recording.digest.clone(),
                expires: header.recording.expires.map(|time| time.to_string()),
            },
            targets: header.targets.clone(),
            key_id: header.key_id.as_ref().map(ToString::to_string),
            policy_digest: header.policy_digest.clone(),
            seed: header.seed,
            speed: header.speed,
            session: header.session.clone(),
            tags: header.tags.clone(),
            planned: header.planned,
            schedule_ns: nanos(header.schedule),
            state: end.map_or(RUNNING, |(end, _)| end.reason.word()).to_owned(),
            end: end.map(|(end, parts)| WireEnd {
                ended: end.ended.to_string(),
                timeline: end.timeline.iter().map(wire_event).collect(),
                parts: parts.to_vec(),
            }),
        }
    }

    pub(super) fn read(self, path: &Path) -> Result<(RunHeader, Option<Ended>), Error> {
        let damaged = |place: &str, why: String| Error::Damaged { path: path.to_owned(), place: place.to_owned(), why };
        let time = |place: &str, text: &str| text.parse().map_err(|_| damaged(place, "it is not a time".to_owned()));
        let key_id = self.key_id.map(|text| text.parse::<KeyId>().map_err(|_| damaged("key_id", "it is not a key id".to_owned()))).transpose()?;
        let expires = self.recording.expires.as_deref().map(|text| time("recording.expires", text)).transpose()?;
        let header = RunHeader {
            started: time("started", &self.started)?,
            recording: RecordingRef { path: self.recording.path, digest: self.recording.digest, expires },
            targets: self.targets,
            key_id,
            policy_digest: self.policy_digest,
            seed: self.seed,
            speed: self.speed,
            session: self.session,
            tags: self.tags,
            planned: self.planned,
            schedule: Duration::from_nanos(self.schedule_ns),
        };
        let Some(end) = self.end else { return Ok((header, None)) };
        let reason = EndReason::from_word(&self.state).ok_or_else(|| damaged("state", "it is not a state of a run that has ended".to_owned()))?;
        let timeline = end.timeline.into_iter().map(|event| {
            Ok(TimelineEvent {
                at: time("end.timeline", &event.at)?,
                duration: Duration::from_nanos(event.duration_ns),
                result: match (event.exit_code, event.failed) {
                    (Some(code), _) => EventResult::Exited(code),
                    (None, why) => EventResult::Failed(why.unwrap_or_default()),
                },
                name: event.name,
            })
        });
        let timeline = timeline.collect::<Result<_, Error>>()?;
        Ok((header, Some((RunEnd { ended: time("end.ended", &end.ended)?, reason, timeline }, end.parts))))
    }
}

fn wire_event(event: &TimelineEvent) -> WireEvent {
    let (exit_code, failed) = match &event.result {
        EventResult::Exited(code) => (Some(*code), None),
        EventResult::Failed(why) => (None, Some(why.clone())),
    };
    WireEvent { name: event.name.clone(), at: event.at.to_string(), duration_ns: nanos(event.duration), exit_code, failed }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const RUNNING: &str = "running";
