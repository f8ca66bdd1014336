//! What reenact makes is pseudonymised; it never says anything else of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::repository;

/// Texts that people read: sources, documents, examples, schemas.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                texts(&path, found);
            }
        } else if path.extension().is_some_and(|extension| ["rs", "md", "yaml", "yml", "json", "html", "toml", "txt"].iter().any(|known| extension == *known)) {
            found.push(path);
        }
    }
}

#[test]
fn nothing_is_said_to_be_anonymous() {
    let mut found = Vec::new();
    texts(Path::new(&repository("")), &mut found);
    assert!(found.len() > 300, "{}", found.len());
    let stem = ["anonym", "i"].concat();
    for path in found {
        let text = fs::read_to_string(&path).unwrap_or_default().to_lowercase();
        for (at, _) in text.match_indices(&stem) {
            // The one way in which the word may stand.
            assert!(text[..at].ends_with("never "), "{}: ‹{}›", path.display(), text[at..].lines().next().unwrap_or_default());
        }
    }
}
