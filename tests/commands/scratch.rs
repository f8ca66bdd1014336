//! A folder for one test, with a key in it; gone when the test ends.

use std::fs;

use tempfile::TempDir;

use crate::program::reenact;

/// What a test has there is for its own module to add.
pub(crate) struct Scratch(pub(crate) TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().expect("a temporary folder"));
        reenact(["key", "new", &scratch.path("key")]).exits(0);
        scratch
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("the path is text").to_owned()
    }

    /// Writes a file, and says where it is.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).expect("the folder is ours");
        self.path(name)
    }
}
