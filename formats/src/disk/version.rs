//! Versions of the files that reenact writes.
//!
//! A *major* change breaks readers, a *minor* one adds what older readers may pass over. Every file says its format, its
//! version and the release that wrote it, so that a reader which cannot read it says which release does.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Error;

/// The release that writes, e.g. `0.1.0`.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The version of a format, written `1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FormatVersion {
    /// Raised when older readers can no longer read.
    pub major: u16,
    /// Raised when something is added that older readers may pass over.
    pub minor: u16,
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for FormatVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? }))
            .ok_or_else(|| format!("{text:?} is not a format version; it is written MAJOR.MINOR, as in 1.0"))
    }
}

impl TryFrom<String> for FormatVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<FormatVersion> for String {
    fn from(version: FormatVersion) -> Self {
        version.to_string()
    }
}

/// A format and the newest version of it that this release reads; it writes that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Its name, e.g. `recording`.
    pub name: &'static str,
    /// Its version.
    pub version: FormatVersion,
}

impl Format {
    /// What a file that is written now says of itself.
    pub fn stamp(&self) -> Stamp {
        Stamp { format: self.name.to_owned(), version: self.version, written_by: RELEASE.to_owned() }
    }

    /// Whether the file at `path`, which says `stamp` of itself, can be read as this format.
    pub fn check_readable(&self, stamp: &Stamp, path: &Path) -> Result<(), Error> {
        if stamp.format != self.name {
            return Err(Error::NotOurs { path: path.to_owned(), format: self.name, why: format!("it says that it is a {}", printable(&stamp.format)) });
        }
        if stamp.version.major != self.version.major {
            return Err(Error::Unreadable {
                path: path.to_owned(),
                format: self.name,
                found: stamp.version,
                readable: self.version,
                written_by: printable(&stamp.written_by),
            });
        }
        Ok(())
    }

    /// Reads a JSON document that begins with a stamp. The version is looked at before anything else is.
    pub fn read_document<T: DeserializeOwned>(&self, path: &Path) -> Result<T, Error> {
        let bytes = std::fs::read(path).map_err(Error::read(path))?;
        self.parse_document(&bytes, path)
    }

    /// Reads a JSON document from `bytes`; `path` is for errors.
    pub fn parse_document<T: DeserializeOwned>(&self, bytes: &[u8], path: &Path) -> Result<T, Error> {
        let json = |source| Error::Json { path: path.to_owned(), source };
        let stamp: Stamp = serde_json::from_slice(bytes).map_err(json)?;
        self.check_readable(&stamp, path)?;
        serde_json::from_slice(bytes).map_err(json)
    }

    /// A JSON document that begins with this format's stamp: indented, with a newline at its end.
    pub fn document<T: Serialize>(&self, content: &T) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&Document { stamp: self.stamp(), content }).expect("wire types are maps with text keys");
        bytes.push(b'\n');
        bytes
    }
}

/// What every file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The format's name.
    pub format: String,
    /// Its version.
    pub version: FormatVersion,
    /// The release that wrote it.
    pub written_by: String,
}

#[derive(Serialize)]
struct Document<'a, T> {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    content: &'a T,
}

/// A word out of a file, fit for an error text.
fn printable(word: &str) -> String {
    word.chars().filter(|char| !char.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{Blame, Explain};

    const FORMAT: Format = Format { name: "thing", version: FormatVersion { major: 2, minor: 3 } };

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        size: u64,
    }

    #[test]
    fn documents_round_trip() {
        let bytes = FORMAT.document(&Thing { size: 7 });
        assert_eq!(FORMAT.parse_document::<Thing>(&bytes, Path::new("thing.json")).expect("valid"), Thing { size: 7 });
        assert!(bytes.starts_with(b"{\n  \"format\": \"thing\",\n  \"version\": \"2.3\",\n  \"written_by\": "));
    }

    #[test]
    fn majors_break_and_minors_add() {
        let read = |version: &str, more: &str| {
            let text = format!(r#"{{"format": "thing", "version": "{version}", "written_by": "9.8.7"{more}}}"#);
            FORMAT.parse_document::<Thing>(text.as_bytes(), Path::new("thing.json"))
        };
        for readable in ["2.0", "2.3", "2.99"] {
            assert_eq!(read(readable, r#", "size": 1, "new": []"#).expect(readable), Thing { size: 1 });
        }
        // The version is judged first: nothing else of a newer file need be as we know it.
        for unreadable in ["1.9", "3.0"] {
            let error = read(unreadable, "").expect_err(unreadable);
            assert_eq!(error.to_string(), format!("thing.json has thing format {unreadable}, and this release reads 2.3; it was written by reenact 9.8.7"));
            assert_eq!(error.hint().as_deref(), Some("read it with reenact 9.8.7 or later"));
            assert_eq!(error.blame(), Blame::Input);
        }
        for (bad, part) in [("x", "format version"), ("1", "format version")] {
            let error = read(bad, "").expect_err(bad);
            assert!(std::error::Error::source(&error).expect("a cause").to_string().contains(part));
        }
    }
}
