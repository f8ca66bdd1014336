//! A window out of a long recording.
//!
//! In: a recording of hours, and which of its exchanges are wanted. Out: a recording of these, and how much of the other one was read for it. What never
//! happens here: a page is read in which nothing is wanted, or a recording is called checked whose rows no one vouches for.

use std::num::NonZero;
use std::path::PathBuf;

use reenact_formats::disk::recording::{Counts, Digests, Gone, Manifest, ReadAccount, Recording, Selection, State, WriterOptions, mark_checked};
use reenact_sanitize::{Policy, ResidueCheck};

use super::super::record::Pools;
use super::super::residue::{Findings, look_through};
use super::{Error, refuse_half_erased, refuse_within, taken_over, whole_or_none};
use crate::pipeline;

/// From a recording to a shorter one.
#[derive(Debug)]
pub struct CutJob {
    /// The recording.
    pub recording: PathBuf,
    /// What is wanted of it.
    pub selection: Selection,
    /// Whether the digests of the parts that are read are compared.
    pub digests: Digests,
    /// What it was redacted under, if that is known: where no digest vouches for the rows, they are looked at anew.
    pub policy: Policy,
    /// The folder of the shorter one.
    pub output: PathBuf,
    /// How many threads encode.
    pub threads: NonZero<usize>,
}

/// What was cut out, and of how much.
#[derive(Debug)]
pub struct Cut {
    /// The shorter recording.
    pub manifest: Manifest,
    /// What the residue check found in it, where it was needed; nothing, or the shorter recording is not *checked*.
    pub findings: Findings,
    /// Whether the longer recording is checked, and the shorter one could not be, for it was redacted under another policy than the given one.
    pub is_under_another_policy: bool,
    /// What was read of the longer one.
    pub read: ReadAccount,
    /// How many of its parts are not there: it has no manifest any more, and they are between others.
    pub parts_missing: u64,
    /// How many bytes its parts have.
    pub bytes_there: u64,
    /// How many exchanges it has.
    pub exchanges_there: u64,
}

/// Writes what `job` wants of a recording into another one.
pub fn cut(job: &CutJob, progress: &mut dyn FnMut(u64)) -> Result<Cut, pipeline::Error> {
    refuse_within(&job.output, &job.recording)?;
    let recording = Recording::open(&job.recording)?;
    refuse_half_erased(&job.recording)?;
    let manifest = recording.manifest();
    if let Some((first, last)) = manifest.from.zip(manifest.to)
        && !job.selection.window.touches(first, last)
    {
        return Err(Error::Outside { recording: job.recording.clone(), first, last }.into());
    }
    let Pools { work, writers } = Pools::of(job.threads)?;
    let options = WriterOptions { pool: writers, ..taken_over(manifest) };
    let mut exchanges = recording.select(&job.selection, job.digests)?;
    let written = whole_or_none(&job.output, options, |mut writer| {
        let mut kept = Counts::default();
        for exchange in exchanges.by_ref() {
            let exchange = exchange?;
            kept.count(&exchange);
            writer.write(&exchange)?;
            progress(kept.exchanges);
        }
        writer.miss(&manifest.absent());
        writer.miss(&Gone { cut: left_out(manifest, &kept), ..Gone::default() });
        Ok(if manifest.finished { writer.finish(&manifest.ledger)? } else { writer.finish_unfinished(&manifest.ledger)? })
    })?;
    let read = exchanges.account();
    let is_under_another_policy = job.digests == Digests::Skip && manifest.policy_digest.as_ref() != Some(&job.policy.digest());
    let is_checked = manifest.state == State::Checked;
    let findings = match job.digests {
        // They are the rows that were checked.
        Digests::Compare if is_checked => Some(Findings::default()),
        Digests::Skip if is_checked && !is_under_another_policy => {
            Some(look_through(&job.output, &ResidueCheck::new(&job.policy, None), work.as_deref(), &mut || ())?)
        }
        _ => None,
    };
    let written = if findings.as_ref().is_some_and(Findings::is_empty) {
        mark_checked(&job.output)?;
        Recording::open(&job.output)?.into_manifest()
    } else {
        written
    };
    let findings = findings.unwrap_or_default();
    let parts_missing = manifest.missing.len() as u64;
    let bytes_there = manifest.parts.iter().map(|part| part.bytes).fold(0, u64::saturating_add);
    let is_under_another_policy = is_under_another_policy && is_checked;
    Ok(Cut { manifest: written, findings, is_under_another_policy, read, parts_missing, bytes_there, exchanges_there: manifest.exchanges })
}

/// What a recording holds and `kept` does not count.
fn left_out(manifest: &Manifest, kept: &Counts) -> Counts {
    Counts {
        exchanges: manifest.exchanges.saturating_sub(kept.exchanges),
        requests: manifest.requests.saturating_sub(kept.requests),
        responses: manifest.responses.saturating_sub(kept.responses),
        interim: manifest.interim.saturating_sub(kept.interim),
        complete: manifest.complete.saturating_sub(kept.complete),
        from: None,
        to: None,
    }
}
