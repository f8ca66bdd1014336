//! Takes exchanges out of a recording that is there.
//!
//! In: a recording, and who knows which exchanges are to go. Out: the same recording without them: parts that held none are what they were,
//! the others and the manifest are written anew beside it, and the two folders change places at once. Whoever is stopped in the middle
//! leaves the recording as it was, or as it is to be. What never happens here: a reader sees half of it, a file that is not the recording's is
//! removed, or a value is printed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::manifest::Share;
use super::part::Gathered;
use super::standing::Unstored;
use super::writer::Left;
use super::{Counts, MANIFEST, RECORDING, Recording, Window, columns, part_number};
use crate::disk::Error;
use crate::disk::publish::{Folder, TEMPORARY_SUFFIX};
use crate::disk::table::Table;
use crate::model::Exchange;

/// What was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasure {
    /// By count.
    pub erased: Counts,
    /// How many parts were written anew.
    pub parts: u64,
}

/// Takes the exchanges out of the recording in `dir` of which `is_to_go` says so; one after the other, where several are asked to.
///
/// Refused is a recording that is still written, or that shares its folder with anything else: that would go with it.
///
/// Memory: one part and one row group.
pub fn erase(dir: &Path, is_to_go: &mut dyn FnMut(&Exchange) -> bool) -> Result<Erasure, Error> {
    // Of a link, what it leads to: it is there that folders change places.
    let dir = &fs::canonicalize(dir).map_err(Error::read(dir))?;
    let _alone = alone(dir)?;
    let staging = staging_of(dir);
    // What someone who was stopped has left: half of a new one, or all of an old one.
    remove(&staging)?;
    let recording = Recording::open(dir)?;
    if !recording.manifest().finished {
        return Err(Error::Unfinished { path: dir.clone() });
    }
    refuse_others(&recording)?;
    recording.verify_digests()?;
    let done = write_without(&recording, &staging, is_to_go).and_then(|done| {
        if done.parts > 0 {
            exchange_places(&staging, dir)?;
        }
        Ok(done)
    });
    if done.is_err() {
        // Best effort: that error is the one to be told. The next one finds what is left.
        let _ = remove(&staging);
        return done;
    }
    // Not before the exchange is safe: what is removed now is all that there was.
    sync_folder(dir.parent().unwrap_or(dir))?;
    remove(&staging)?;
    done
}

/// What an erasure that was stopped has left beside the recording in `dir`, if there is such a thing: it may hold what was to be erased.
pub fn left_by_erasure(dir: &Path) -> Option<PathBuf> {
    let staging = staging_of(&fs::canonicalize(dir).ok()?);
    staging.symlink_metadata().is_ok().then_some(staging)
}

/// No one else changes a recording beside this one, or this one, while the answer lives. What is locked is the folder around it: the recording
/// itself changes places.
pub(super) fn alone(dir: &Path) -> Result<fs::File, Error> {
    let around = dir.parent().unwrap_or(dir);
    let folder = fs::File::open(around).map_err(Error::read(around))?;
    folder.lock().map_err(Error::write(around))?;
    Ok(folder)
}

/// Everything in the folder must be of the recording.
fn refuse_others(recording: &Recording) -> Result<(), Error> {
    let dir = recording.path();
    for entry in fs::read_dir(dir).map_err(Error::read(dir))? {
        let entry = entry.map_err(Error::read(dir))?;
        let is_file = entry.file_type().map_err(Error::read(&entry.path()))?.is_file();
        let name = entry.file_name();
        // What a writer who was killed left of a file of its own goes as well.
        let is_ours = name.to_str().is_some_and(|name| {
            let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX)).unwrap_or(name);
            name == MANIFEST || part_number(name).is_some()
        });
        if !is_file || !is_ours {
            return Err(Error::Foreign { path: entry.path(), why: "the manifest does not name it, and it would be lost with what is erased".to_owned() });
        }
    }
    Ok(())
}

/// The recording without what is to go, in a folder of its own; no manifest is written where nothing is.
fn write_without(recording: &Recording, staging: &Path, is_to_go: &mut dyn FnMut(&Exchange) -> bool) -> Result<Erasure, Error> {
    let dir = recording.path();
    let place = Folder::create(staging)?;
    let before = recording.manifest();
    let mut after = before.emptied();
    let mut done = Erasure::default();
    for part in &before.parts {
        let table = Table::open(&dir.join(&part.name), &RECORDING)?;
        let share = Share::from_table(&table)?;
        let severities: BTreeMap<String, String> = share.audit.rows().map(|(_, row)| (row.rule.clone(), row.severity.clone())).collect();
        let mut gathered = Gathered::new(share.emptied(Arc::new(severities)));
        let mut erased = Counts::default();
        for exchange in recording.part_exchanges(part, &Window::ALL)? {
            let exchange = exchange?;
            if is_to_go(&exchange) {
                erased.count(&exchange);
            } else {
                gathered.push(&exchange, columns::size(&exchange));
            }
        }
        if erased.exchanges == 0 {
            let (from, to) = (dir.join(&part.name), staging.join(&part.name));
            fs::hard_link(&from, &to).or_else(|_| copy(&from, &to)).map_err(Error::write(&to))?;
            after.add(part.name.clone(), part.bytes, part.sha256, share);
        } else {
            gathered.share.gone.erased.add(&erased);
            let retired = gathered.share.retired.clone();
            let (published, share) = gathered.write(&place, &part.name, None, &Left::default())?.publish(&part.name, &retired, &Unstored::default())?;
            after.add(part.name.clone(), published.bytes, Some(published.sha256), share);
            done.erased.add(&erased);
            done.parts += 1;
        }
    }
    if done.parts > 0 {
        after.publish(&place)?;
        sync_folder(staging)?;
    }
    Ok(done)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::File::open(to)?.sync_all()
}

/// Beside the recording, for the two to change places; hidden, and named so that the next one finds it.
fn staging_of(dir: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(dir.file_name().unwrap_or_default());
    name.push(".erasing");
    name.push(TEMPORARY_SUFFIX);
    dir.with_file_name(name)
}

fn remove(staging: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::Write { path: staging.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// One becomes the other, at once.
fn exchange_places(one: &Path, other: &Path) -> Result<(), Error> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(|error| match std::io::Error::from(error) {
        source if matches!(source.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Error::NoExchange { path: other.to_owned(), source },
        source => Error::Write { path: other.to_owned(), source },
    })
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    fs::File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::write(path))
}

#[cfg(test)]
mod tests {
    use super::super::tests::seconds;
    use super::*;
    use crate::model::ExchangeId;

    fn ids(dir: &Path) -> Vec<ExchangeId> {
        Recording::open(dir).unwrap().exchanges(&Window::ALL).unwrap().map(|exchange| exchange.unwrap().id).collect()
    }

    #[test]
    fn what_is_to_go_is_gone_and_the_rest_is_what_it_was() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        let all = seconds(&dir, 10, 3);
        let before = Recording::open(&dir).unwrap().into_manifest();
        // Someone was stopped before.
        fs::create_dir_all(staging_of(&dir).join("old")).unwrap();
        let gone = [all[4].id, all[8].id];
        let done = erase(&dir, &mut |exchange| gone.contains(&exchange.id)).unwrap();
        assert_eq!((done.erased.exchanges, done.parts), (2, 2));
        let left: Vec<_> = all.iter().map(|exchange| exchange.id).filter(|id| !gone.contains(id)).collect();
        assert_eq!(ids(&dir), left);
        let recording = Recording::open(&dir).unwrap();
        recording.verify_digests().unwrap();
        let after = recording.manifest();
        assert_eq!((after.exchanges, after.gone.erased.exchanges, after.state, after.finished), (8, 2, before.state, true));
        assert_eq!((&after.ledger, &after.key_id, &after.source), (&before.ledger, &before.key_id, &before.source));
        assert_eq!(after.redactions.values().sum::<u64>() * 10, before.redactions.values().sum::<u64>() * 8);
        assert_eq!((after.parts[0].sha256, after.parts.len()), (before.parts[0].sha256, before.parts.len()));
        assert_ne!(after.parts[1].sha256, before.parts[1].sha256);
        // Nothing is beside it, and the footers say what the manifest says.
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let manifest = after.clone();
        fs::remove_file(dir.join(MANIFEST)).unwrap();
        let rebuilt = Recording::open(&dir).unwrap().into_manifest();
        assert_eq!((rebuilt.gone, rebuilt.audit, rebuilt.redactions), (manifest.gone, manifest.audit, manifest.redactions));
    }

    #[test]
    fn where_no_one_is_to_go_nothing_changes() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        seconds(&dir, 4, 2);
        let manifest = fs::read(dir.join(MANIFEST)).unwrap();
        assert_eq!(erase(&dir, &mut |_| false).unwrap(), Erasure::default());
        assert_eq!(fs::read(dir.join(MANIFEST)).unwrap(), manifest);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_a_link_what_it_leads_to_is_changed() {
        let root = tempfile::tempdir().unwrap();
        let (dir, link) = (root.path().join("rec"), root.path().join("link"));
        let all = seconds(&dir, 4, 2);
        std::os::unix::fs::symlink("rec", &link).unwrap();
        assert_eq!(erase(&link, &mut |exchange| exchange.id == all[0].id).unwrap().erased.exchanges, 1);
        assert!(link.is_symlink() && !ids(&dir).contains(&all[0].id) && ids(&dir).len() == 3);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_of_the_recording_is_refused_and_kept() {
        for (name, is_folder) in [("notes.txt", false), ("sub", true), (".part-000001.parquet.bak", false), (".manifest.json.tmp", true)] {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("rec");
            let all = seconds(&dir, 4, 2);
            let other = dir.join(name);
            if is_folder { fs::create_dir(&other) } else { fs::write(&other, b"mine") }.unwrap();
            let error = erase(&dir, &mut |_| true).expect_err(name);
            assert!(matches!(&error, Error::Foreign { path, .. } if path.ends_with(name)), "{error}");
            assert!(other.exists() && ids(&dir).len() == all.len() && left_by_erasure(&dir).is_none(), "{name}");
        }
    }

    #[test]
    fn what_a_killed_writer_left_goes_as_well() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        let all = seconds(&dir, 4, 2);
        fs::write(dir.join(".part-000003.parquet.tmp"), b"half").unwrap();
        erase(&dir, &mut |exchange| exchange.id == all[3].id).unwrap();
        assert!(!dir.join(".part-000003.parquet.tmp").exists() && ids(&dir).len() == 3);
    }

    #[test]
    fn whoever_fails_leaves_nothing_beside_the_recording() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        let all = seconds(&dir, 4, 2);
        // Someone takes the second part away while the first is read.
        let error = erase(&dir, &mut |exchange| exchange.id == all[0].id && fs::remove_file(dir.join("part-000002.parquet")).is_ok()).unwrap_err();
        assert!(error.to_string().contains("part-000002.parquet"), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert_eq!(Recording::open_partial(&dir).unwrap().manifest().exchanges, 4);
    }

    #[test]
    fn a_recording_that_is_still_written_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        let writer = super::super::RecordingWriter::create(&dir, super::super::WriterOptions::default()).unwrap();
        let error = erase(&dir, &mut |_| true).unwrap_err();
        assert!(matches!(error, Error::Unfinished { .. }), "{error}");
        writer.finish(&crate::model::LossLedger::default()).unwrap();
        erase(&dir, &mut |_| true).unwrap();
    }
}
