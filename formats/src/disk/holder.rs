//! Whose folder a file lies in.
//!
//! In: the path of a file, there or not yet. Out: the recording, run or snapshot that holds it, at any depth. Nothing is read of these but what
//! they say that they are.

use std::fs;
use std::path::{Path, PathBuf};

use super::recording::{MANIFEST, RECORDING};
use super::version::Stamp;
use super::{run, snapshot};

/// A folder of ours, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The folder.
    pub folder: PathBuf,
    /// `recording`, `run` or `snapshot`.
    pub format: &'static str,
}

/// The folder of ours that `file` lies in, or would: what goes with the folder goes with the file.
pub fn holder(file: &Path) -> Option<Holder> {
    // Where a link leads to counts, if there is anything yet.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = fs::canonicalize(parent).ok()?;
    parent.ancestors().find_map(|folder| Some(Holder { folder: folder.to_owned(), format: format_of(folder)? }))
}

fn format_of(folder: &Path) -> Option<&'static str> {
    // A recording that was killed has parts alone.
    if folder.join(FIRST_PART).is_file() {
        return Some(RECORDING.name);
    }
    DOCUMENTS.into_iter().find(|(document, format)| says(&folder.join(document), format)).map(|(_, format)| format)
}

/// Others call their files so, too.
fn says(document: &Path, format: &str) -> bool {
    let is_small = fs::metadata(document).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_DOCUMENT);
    let stamp = is_small.then(|| fs::read(document).ok()).flatten().and_then(|bytes| serde_json::from_slice::<Stamp>(&bytes).ok());
    stamp.is_some_and(|stamp| stamp.format == format)
}

const FIRST_PART: &str = "part-000001.parquet";
const DOCUMENTS: [(&str, &str); 3] = [(MANIFEST, RECORDING.name), ("run.json", run::FORMAT.name), (snapshot::DOCUMENT, snapshot::FORMAT.name)];
/// More than any of them takes.
const MAX_DOCUMENT: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_by_what_is_above_it() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["rec/deep", "killed", "run", "site", "none"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        let stamp = |format: &str| format!(r#"{{"format":"{format}","version":"1.0","written_by":"0.1.0","more":[]}}"#);
        fs::write(path("rec/manifest.json"), stamp("recording")).unwrap();
        fs::write(path("run/run.json"), stamp("run")).unwrap();
        fs::write(path("killed/part-000001.parquet"), b"").unwrap();
        fs::write(path("site/manifest.json"), r#"{"name":"a page"}"#).unwrap();
        for (file, expected) in [
            ("rec/key", Some("recording")),
            ("rec/deep/key", Some("recording")),
            ("none/../rec/key", Some("recording")),
            ("killed/key", Some("recording")),
            ("run/key", Some("run")),
            ("site/key", None),
            ("none/key", None),
            ("nowhere/key", None),
        ] {
            assert_eq!(holder(&path(file)).map(|holder| holder.format), expected, "{file}");
        }
        #[cfg(unix)]
        {
            fs::write(path("rec/key"), b"").unwrap();
            std::os::unix::fs::symlink(path("rec/key"), path("none/link")).unwrap();
            assert_eq!(holder(&path("none/link")).map(|holder| holder.format), Some("recording"));
        }
    }
}
