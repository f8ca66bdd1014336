//! The key: 32 bytes from which every pseudonym is derived.
//!
//! In: a file, a text, or the operating system's randomness. Out: keys of domains, and an id that names the key without
//! telling anything of it. The bytes are wiped when the key is dropped and are in no `Debug`.

use std::fmt;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use reenact_formats::disk::{Holder, holder};
use reenact_formats::model::KeyId;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::Error;

/// A secret key of 32 bytes.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Randomness)?;
        Ok(Self(bytes))
    }

    /// A key for one recording: this one mixed with randomness that is kept nowhere. What is made under it cannot be made again, by no one.
    pub fn once(&self) -> Result<Self, Error> {
        let mut label = Zeroizing::new([0; LENGTH]);
        getrandom::fill(label.as_mut_slice()).map_err(|_| Error::Randomness)?;
        let mut once = Zeroizing::new([0; LENGTH]);
        let derivation = Hkdf::<Sha256>::new(Some(label.as_slice()), self.0.as_slice());
        derivation.expand(b"one recording", once.as_mut_slice()).expect("HKDF gives up to 8160 bytes");
        Ok(Self(once))
    }

    /// The key in a file that holds nothing else but white space, and lies with nothing that was made under a key.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        is_apart(path)?;
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|source| Error::ReadKey { path: path.to_owned(), source })?);
        Self::from_base64(&text).ok_or_else(|| Error::KeyFile { path: path.to_owned() })
    }

    /// The key in base64, as [`to_text`](Self::to_text) gives it. White space around it does not matter.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::from_base64(text).ok_or(Error::KeyText)
    }

    fn from_base64(text: &str) -> Option<Self> {
        let mut decoded = Zeroizing::new(Vec::new());
        STANDARD.decode_vec(text.trim(), &mut decoded).ok()?;
        let mut bytes = Zeroizing::new([0; LENGTH]);
        // A key of one repeated byte is a placeholder that someone forgot to replace.
        if decoded.len() != LENGTH || decoded.iter().all(|byte| *byte == decoded[0]) {
            return None;
        }
        bytes.copy_from_slice(&decoded);
        Some(Self(bytes))
    }

    /// The key in base64.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }

    /// Writes the key to a new file that only its owner can read. An existing file is never overwritten, and no key is put into a recording, a run
    /// or a snapshot.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        is_apart(path)?;
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => Error::KeyExists { path: path.to_owned() },
            _ => Error::WriteKey { path: path.to_owned(), source },
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let mut text = self.to_text();
        text.push('\n');
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        text.zeroize();
        written.map_err(|source| {
            // Half a key is of no use to anyone; that it could not be removed changes nothing about the error.
            let _ = std::fs::remove_file(path);
            failed(source)
        })
    }

    /// Names the key: derived one way, under a label that no domain has.
    pub fn id(&self) -> KeyId {
        let mut digest = [0; 8];
        self.expand("key id", &mut digest);
        KeyId::from_digest(digest)
    }

    /// The key of a domain.
    pub(crate) fn derive(&self, domain: &str) -> Zeroizing<[u8; LENGTH]> {
        let mut derived = Zeroizing::new([0; LENGTH]);
        self.expand(&format!("v1|{domain}"), derived.as_mut_slice());
        derived
    }

    fn expand(&self, label: &str, out: &mut [u8]) {
        Hkdf::<Sha256>::new(Some(SALT), self.0.as_slice()).expand(label.as_bytes(), out).expect("HKDF gives up to 8160 bytes");
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id().as_str()).finish()
    }
}

/// Whoever gets a recording gets what lies in its folder.
fn is_apart(path: &Path) -> Result<(), Error> {
    match holder(path) {
        Some(Holder { folder, format }) => Err(Error::KeyInside { path: path.to_owned(), format, folder }),
        None => Ok(()),
    }
}

/// Where a key is kept, for messages.
pub(crate) fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

const LENGTH: usize = 32;
/// Names the derivation and its version: another scheme gets another salt, and its key ids differ.
const SALT: &[u8] = b"reenact pseudonyms 1";

#[cfg(test)]
pub(crate) fn test_key() -> Key {
    Key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_nothing_shows() {
        let key = Key::generate().expect("randomness");
        let text = key.to_text();
        assert_eq!(Key::from_text(&text).expect("reads").id(), key.id());
        assert_ne!(Key::generate().expect("randomness").id(), key.id());
        assert!(!format!("{key:?}").contains(text.as_str()));
        let once = [(); 2].map(|()| key.once().expect("randomness").id());
        assert!(once[0] != once[1] && once[0] != key.id());
        assert_eq!(format!("{:?}", test_key()), format!("Key(\"{}\")", test_key().id()));
    }

    #[test]
    fn the_id_is_stable() {
        assert_eq!(test_key().id().as_str(), "ee69be98ce5091df");
    }

    #[test]
    fn bad_keys_are_refused() {
        for text in ["", "secret", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"] {
            let error = Key::from_text(text).expect_err("no key");
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
    }

    #[test]
    fn a_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let key = Key::generate().expect("randomness");
        key.save(&path).expect("writes");
        assert_eq!(Key::from_file(&path).expect("reads").id(), key.id());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).expect("there")) & 0o777, 0o600);
        assert!(matches!(test_key().save(&path), Err(Error::KeyExists { .. })));
        assert_eq!(Key::from_file(&path).expect("reads").id(), key.id());
        assert!(matches!(Key::from_file(folder.path()), Err(Error::ReadKey { .. })));
    }
}
