//! Sends a plan, and writes what comes of it.
//!
//! [`run`] clears the targets, begins the run on disk, and starts the two threads: the [`sender`], which owns all state of the
//! run, and the recorder. [`compose`] makes a step's bytes, [`task`] sends them, [`idle`] keeps connections between requests.

mod compose;
mod idle;
mod options;
mod sender;
mod task;

use std::path::Path;
use std::sync::Arc;

use reenact_formats::disk::run::{RunEnd, RunHeader, RunWriter};
use reenact_formats::seam::Redact;
use tokio::sync::oneshot;

use self::sender::Sender;
use crate::recorder::Recorder;
use crate::safety::clear;
use crate::{Error, Plan};

pub(crate) use compose::host_edits;
pub use options::{Control, Lag, Progress, RunOptions, RunSummary, Stop, Watch};

/// Sends `plan` and writes what comes of it into the folder `output`, which must be new or empty.
///
/// Nothing is sent and nothing is written before every target has been cleared. The sending is done by a thread of its own,
/// which a [`Stop`] ends; dropping this future does not.
pub async fn run(plan: Plan, options: &RunOptions, redact: Box<dyn Redact>, output: &Path, control: Control) -> Result<RunSummary, Error> {
    let cleared = clear(&plan, &options.targets, &options.permissions, &*control.clock).await?;
    let header = RunHeader {
        started: control.clock.now(),
        recording: options.recording.clone(),
        targets: options.targets.words(),
        key_id: Some(redact.key_id()),
        policy_digest: Some(redact.policy_digest()),
        seed: 0,
        speed: options.plan.speed,
        session: options.plan.session.to_string(),
        tags: options.tags.clone(),
        planned: plan.len() as u64,
        schedule: plan.schedule(),
    };
    let writer = RunWriter::create(output, header).map_err(Error::Run)?;
    let plan = Arc::new(plan);
    let recorder = Recorder::start(Arc::clone(&plan), redact, writer)?;
    let (options, (result, received)) = (options.clone(), oneshot::channel());
    let output = output.display().to_string();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start);
        let outcome = runtime.and_then(|runtime| runtime.block_on(async { Sender::new(plan, options, cleared, &recorder, control, output)?.run().await }));
        // The runtime is gone, and every sender with it.
        let finished = match (outcome, recorder.finish()) {
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(summary), Ok(writer)) => {
                let end = RunEnd { ended: summary.ended, reason: summary.reason, timeline: summary.timeline.clone() };
                writer.finish(&end).map_err(Error::Run).map(|()| summary)
            }
        };
        // Nobody listens if the future was dropped.
        let _ = result.send(finished);
    };
    std::thread::Builder::new().name("replay".to_owned()).spawn(work).map_err(Error::Start)?;
    received.await.map_err(|_| Error::Broken { thread: "replay" })?
}

#[cfg(test)]
mod tests;
