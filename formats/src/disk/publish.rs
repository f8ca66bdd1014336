//! How a finished file becomes visible: all of it at once, or not at all.
//!
//! In: bytes under a name. Out: a file under that name, with its length and SHA-256. What never happens here: a reader sees
//! half a file, or a name appears before its bytes are safe. A folder does it with a temporary name, `fsync`, `rename` and
//! `fsync` of the folder; an object store will do it with a conditional put behind the same trait.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Error;

/// A place to which finished files go.
pub trait Publish: Send + Sync {
    /// Begins the file that will be called `name`, in place of one that may be there.
    fn begin(&self, name: &str) -> Result<Box<dyn Unpublished>, Error>;

    /// Where the file called `name` will be, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// Takes away the file called `name`, if it is there.
    fn remove(&self, name: &str) -> Result<(), Error>;

    /// Keeps so much room, whoever else takes the rest; none gives it back. Places that know no such thing keep nothing.
    fn reserve(&self, room: Room, bytes: u64) -> Result<(), Error> {
        let _ = (room, bytes);
        Ok(())
    }

    /// Begins a file within the room that is kept: none of it is given back before what it was kept for is there.
    fn begin_in(&self, room: Room, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        let _ = room;
        self.begin(name)
    }

    /// Publishes `bytes` as `name`.
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<Published, Error> {
        let mut file = self.begin(name)?;
        file.write_all(bytes).map_err(Error::write(&self.path(name)))?;
        file.publish()
    }
}

/// What room is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Another file.
    Next,
    /// The list of all files, which is replaced.
    List,
}

impl Room {
    /// What holds it. No reader takes it for anything.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Next => ".reserve-next.tmp",
            Self::List => ".reserve-list.tmp",
        }
    }
}

/// A file that no reader sees yet. Dropped, it leaves nothing behind.
pub trait Unpublished: Write + Send {
    /// It will be called `name` instead.
    fn rename(&mut self, name: &str);

    /// Makes it durable, then visible under its name.
    fn publish(self: Box<Self>) -> Result<Published, Error>;
}

/// What was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a file, read in blocks.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::read(path))?;
        let mut hasher = Hasher(Sha256::new());
        io::copy(&mut file, &mut hasher).map_err(Error::read(path))?;
        Ok(Self(hasher.0.finalize().into()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a SHA-256 is written as 64 hexadecimal digits".to_owned());
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).expect("two hexadecimal digits");
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, parents included. One that exists is taken only if nothing is in it.
    pub fn create(path: &Path) -> Result<Self, Error> {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => return Err(Error::OutputNotFolder { path: path.to_owned() }),
            Ok(_) => {
                if fs::read_dir(path).map_err(Error::read(path))?.next().is_some() {
                    return Err(Error::OutputNotEmpty { path: path.to_owned() });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => begun(|| fs::create_dir_all(path)).map_err(Error::write(path))?,
            Err(error) => return Err(Error::Write { path: path.to_owned(), source: error }),
        }
        Ok(Self { path: path.to_owned() })
    }

    /// A folder that is there, to replace files in it.
    pub fn existing(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Publish for Folder {
    fn begin(&self, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        let path = self.path(name);
        let temporary = self.path.join(format!(".{name}{TEMPORARY_SUFFIX}"));
        let file = begun(|| File::create(&temporary)).map_err(Error::write(&path))?;
        Ok(Box::new(TemporaryFile::new(file, path, temporary)))
    }

    fn begin_in(&self, room: Room, name: &str) -> Result<Box<dyn Unpublished>, Error> {
        let (path, temporary) = (self.path(name), self.path(room.file()));
        let file = begun(|| File::options().write(true).create(true).truncate(false).open(&temporary)).map_err(Error::write(&path))?;
        Ok(Box::new(TemporaryFile::new(file, path, temporary)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Write { path: self.path(name), source: error }),
            _ => Ok(()),
        }
    }

    fn reserve(&self, room: Room, bytes: u64) -> Result<(), Error> {
        let path = self.path(room.file());
        if bytes == 0 {
            return self.remove(room.file());
        }
        let reserve = || {
            let mut file = begun(|| File::options().append(true).create(true).open(&path))?;
            let held = file.metadata()?.len();
            // Written rather than asked for: that holds on every file system.
            io::copy(&mut io::repeat(0).take(bytes.saturating_sub(held)), &mut file).map(drop)
        };
        reserve().map_err(Error::write(&path))
    }
}

/// Held by whoever begins a file, and for good by whoever has ended that.
static BEGINNING: RwLock<()> = RwLock::new(());

fn begun<T>(begin: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _open = BEGINNING.read().unwrap_or_else(PoisonError::into_inner);
    begin()
}

/// From here on no file is begun in this process: whoever tries waits for its end. What was begun before can be taken away, and does not come back.
pub fn begin_no_more() {
    std::mem::forget(BEGINNING.write().unwrap_or_else(PoisonError::into_inner));
}

/// What the names of unpublished files end with. Readers pass over them; a killed writer may leave one behind.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

struct TemporaryFile {
    file: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
    path: PathBuf,
    temporary: PathBuf,
    published: bool,
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl TemporaryFile {
    fn new(file: File, path: PathBuf, temporary: PathBuf) -> Self {
        Self { file: BufWriter::with_capacity(1 << 18, file), hasher: Sha256::new(), bytes: 0, path, temporary, published: false }
    }

    fn make_visible(&mut self) -> io::Result<()> {
        self.file.flush()?;
        // Behind it there may be more of the room that it was written into.
        self.file.get_ref().set_len(self.bytes)?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        // The new name itself is safe only once the folder is.
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Unpublished for TemporaryFile {
    fn rename(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    fn publish(mut self: Box<Self>) -> Result<Published, Error> {
        self.make_visible().map_err(Error::write(&self.path))?;
        self.published = true;
        Ok(Published { bytes: self.bytes, sha256: Digest(self.hasher.clone().finalize().into()) })
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: readers pass over what is left.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{Blame, Explain};

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(&root.path().join("a/b")).unwrap();
        let path = root.path().join("a/b");

        let mut file = folder.begin("x").unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(&path), [".x.tmp"]);
        drop(file);
        assert_eq!(names(&path), [""; 0]);

        for content in [&b"first"[..], b"second"] {
            let published = folder.publish("x", content).unwrap();
            assert_eq!(published, Published { bytes: content.len() as u64, sha256: Digest::of(content) });
            assert_eq!(fs::read(path.join("x")).unwrap(), content);
            assert_eq!(Digest::of_file(&path.join("x")).unwrap(), Digest::of(content));
        }
        assert_eq!(names(&path), ["x"]);
    }

    #[test]
    fn only_new_or_empty_folders_are_taken() {
        let root = tempfile::tempdir().unwrap();
        Folder::create(root.path()).unwrap().publish("x", b"").unwrap();
        for (path, text) in [(root.path().to_owned(), "exists and is not empty"), (root.path().join("x"), "exists and is not a folder")] {
            let error = Folder::create(&path).expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
            assert_eq!(error.blame(), Blame::Input);
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn digests_are_written_in_hexadecimal() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::of(b"")));
        for bad in ["", &text[1..], &text.replace('e', "g"), "äääääääääääääääääääääääääääääääää"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
