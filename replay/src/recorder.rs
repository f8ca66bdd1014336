//! Redacts answers and writes outcomes, on a thread of its own.
//!
//! In: outcomes with live answers, through a bounded channel: who has one to give waits until there is room, holding the slot
//! of its request. Out: a run on disk. What never happens here: an answer is written that was not redacted.

use std::sync::Arc;
use std::thread::JoinHandle;

use reenact_formats::disk;
use reenact_formats::disk::run::RunWriter;
use reenact_formats::model::{Outcome, Reply, Timestamp};
use reenact_formats::seam::Redact;
use tokio::sync::mpsc;

use crate::{Error, Plan};

/// What the thread is given.
pub(crate) enum Entry {
    /// What came of a step.
    Outcome {
        /// Its ordinal.
        step: u32,
        /// Its outcome; the answer in it is as the target sent it.
        outcome: Box<Outcome>,
    },
    /// It is this late.
    Tick(Timestamp),
}

/// The thread.
pub(crate) struct Recorder {
    entries: mpsc::Sender<Entry>,
    thread: JoinHandle<Result<RunWriter, disk::Error>>,
}

impl Recorder {
    pub(crate) fn start(plan: Arc<Plan>, mut redact: Box<dyn Redact>, mut writer: RunWriter) -> Result<Self, Error> {
        let (entries, mut received) = mpsc::channel(CAPACITY);
        let work = move || {
            while let Some(entry) = received.blocking_recv() {
                match entry {
                    Entry::Outcome { step, mut outcome } => {
                        if let Reply::Answered { response: Some(response), redactions, .. } = &mut outcome.reply {
                            let request = plan.steps[step as usize].request.as_ref().ok();
                            *redactions = redact.response(request, response);
                        }
                        writer.write(&outcome)?;
                    }
                    Entry::Tick(now) => writer.tick(now)?,
                }
            }
            Ok(writer)
        };
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(work).map_err(Error::Start)?;
        Ok(Self { entries, thread })
    }

    pub(crate) fn entries(&self) -> mpsc::Sender<Entry> {
        self.entries.clone()
    }

    /// Waits until all is written. Every sender must be gone.
    pub(crate) fn finish(self) -> Result<RunWriter, Error> {
        drop(self.entries);
        self.thread.join().map_err(|_| Error::Broken { thread: "recorder" })?.map_err(Error::Run)
    }
}

const CAPACITY: usize = 256;
