//! Recordings of recordings: a window out of a long one, one out of those of several machines.
//!
//! In: recordings, whole or not, and what of them is wanted. Out: a recording under the same key, with the account of those that it is made of and
//! what of it is not here. Rows are taken over as they are: what was redacted stays redacted, what was checked stays checked, what expires expires,
//! and what was erased is not there to be taken over. What never happens here: an exchange is held longer than its place in time asks for, or
//! something is written into a recording that is read.

mod clocks;
mod cut;
mod error;
mod join;
mod merge;
mod seen;

pub use clocks::{Clock, Lead};
pub use cut::{Cut, CutJob, cut};
pub use error::Error;
pub use merge::{MergeJob, Merged, Node, merge};

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use reenact_formats::disk::recording::{Manifest, RecordingWriter, Sanitized, State, WriterOptions, discard, left_by_erasure};
use reenact_formats::seam::{Blame, Explain as _};

use crate::pipeline;

/// How a recording of `manifest`'s rows is written: what is true of them stays true.
fn taken_over(manifest: &Manifest) -> WriterOptions {
    let severities: BTreeMap<String, String> = manifest.audit.rows().map(|(_, row)| (row.rule.clone(), row.severity.clone())).collect();
    let sanitized = manifest.key_id.clone().filter(|_| manifest.state != State::Raw).map(|key_id| Sanitized {
        key_id,
        key_scope: manifest.key_scope,
        policy_digest: manifest.policy_digest.clone().unwrap_or_default(),
        severities,
    });
    WriterOptions {
        sanitized,
        source: manifest.source.clone(),
        origin: manifest.origin.clone(),
        extent: manifest.extent,
        expires: manifest.expires,
        ..WriterOptions::default()
    }
}

/// Writes a recording into `output`, or, where that fails because of what it is made of, leaves none there: who mends that begins anew.
fn whole_or_none<T>(output: &Path, options: WriterOptions, write: impl FnOnce(RecordingWriter) -> Result<T, pipeline::Error>) -> Result<T, pipeline::Error> {
    let was_there = output.exists();
    let writer = RecordingWriter::create(output, options)?;
    write(writer).inspect_err(|error| {
        // Best effort: there is another error to tell. What a full disk ends stays, and its error says so.
        if error.blame() == Blame::Input && discard(output).is_ok() && !was_there {
            let _ = fs::remove_dir(output);
        }
    })
}

/// Refuses a recording beside which a stopped erasure has left what was to be erased, or in which that is still.
pub(crate) fn refuse_half_erased(recording: &Path) -> Result<(), Error> {
    left_by_erasure(recording).map_or(Ok(()), |left| Err(Error::HalfErased { recording: recording.to_owned(), left }))
}

/// Refuses to write into a recording that is read.
fn refuse_within(output: &Path, input: &Path) -> Result<(), Error> {
    // Links and dots resolved; what is not there yet stands in a folder that is, or will be made in one.
    let (mut there, mut rest) = (output.to_owned(), PathBuf::new());
    let output_is = loop {
        match (fs::canonicalize(if there.as_os_str().is_empty() { Path::new(".") } else { &there }), there.file_name().map(OsStr::to_owned)) {
            (Ok(found), _) => break found.join(&rest),
            (Err(_), Some(name)) => {
                rest = Path::new(&name).join(&rest);
                there.pop();
            }
            (Err(_), None) => return Ok(()),
        }
    };
    match fs::canonicalize(input) {
        Ok(input_is) if output_is.starts_with(&input_is) => Err(Error::OutputWithin { output: output.to_owned(), input: input.to_owned() }),
        _ => Ok(()),
    }
}
