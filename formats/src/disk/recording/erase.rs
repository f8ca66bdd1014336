//! Takes exchanges out of a recording that is there.
//!
//! In: a recording, and who knows which exchanges are to go. Out: the same recording without them: parts that held none are what they were,
//! the others and the manifest are written anew beside it, and the two folders change places at once. Whoever is stopped in the middle
//! leaves the recording as it was, or as it is to be. What never happens here: a reader sees half of it, or a value is printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::manifest::Share;
use super::part::Gathered;
use super::writer::Left;
use super::{Counts, RECORDING, Recording, Window, columns};
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

/// Takes the exchanges out of the recording in `dir` of which `is_to_go` says so.
///
/// Memory: one part and one row group.
pub fn erase(dir: &Path, is_to_go: &mut dyn FnMut(&Exchange) -> bool) -> Result<Erasure, Error> {
    let recording = Recording::open(dir)?;
    recording.verify_digests()?;
    let staging = staging_of(dir);
    // What someone who was stopped has left: half of a new one, or all of an old one.
    remove(&staging)?;
    let place = Folder::create(&staging)?;
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
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).map_err(Error::write(&to))?;
            after.add(part.name.clone(), part.bytes, part.sha256, share);
        } else {
            gathered.share.erased.add(&erased);
            let (published, share) = gathered.write(&place, &part.name, None, &Left::default())?.publish()?;
            after.add(part.name.clone(), published.bytes, Some(published.sha256), share);
            done.erased.add(&erased);
            done.parts += 1;
        }
    }
    if done.parts > 0 {
        after.publish(&place)?;
        exchange_places(&staging, dir)?;
    }
    remove(&staging)?;
    Ok(done)
}

/// Beside the recording, for the two to change places; hidden, and named so that the next one finds it.
fn staging_of(dir: &Path) -> PathBuf {
    let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    dir.with_file_name(format!(".{name}.erasing{TEMPORARY_SUFFIX}"))
}

fn remove(staging: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::Write { path: staging.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// One becomes the other, at once, and stays so.
fn exchange_places(one: &Path, other: &Path) -> Result<(), Error> {
    let written = |path: &Path, result: std::io::Result<()>| result.map_err(Error::write(path));
    written(one, fs::File::open(one).and_then(|folder| folder.sync_all()))?;
    written(other, renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(Into::into))?;
    let parent = one.parent().unwrap_or(Path::new("."));
    written(parent, fs::File::open(parent).and_then(|folder| folder.sync_all()))
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
        assert_eq!((after.exchanges, after.erased.exchanges, after.state, after.finished), (8, 2, before.state, true));
        assert_eq!((&after.ledger, &after.key_id, &after.source), (&before.ledger, &before.key_id, &before.source));
        assert_eq!(after.redactions.values().sum::<u64>() * 10, before.redactions.values().sum::<u64>() * 8);
        assert_eq!((after.parts[0].sha256, after.parts.len()), (before.parts[0].sha256, before.parts.len()));
        assert_ne!(after.parts[1].sha256, before.parts[1].sha256);
        // Nothing is beside it, and the footers say what the manifest says.
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let manifest = after.clone();
        fs::remove_file(dir.join(super::super::MANIFEST)).unwrap();
        let rebuilt = Recording::open(&dir).unwrap().into_manifest();
        assert_eq!((rebuilt.erased, rebuilt.audit, rebuilt.redactions), (manifest.erased, manifest.audit, manifest.redactions));
    }

    #[test]
    fn where_no_one_is_to_go_nothing_changes() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("rec");
        seconds(&dir, 4, 2);
        let manifest = fs::read(dir.join(super::super::MANIFEST)).unwrap();
        assert_eq!(erase(&dir, &mut |_| false).unwrap(), Erasure::default());
        assert_eq!(fs::read(dir.join(super::super::MANIFEST)).unwrap(), manifest);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
