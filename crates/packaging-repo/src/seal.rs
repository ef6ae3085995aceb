//! The key of an installation, with which it seals facts that it has verified, so that they cannot be forged by those
//! who can push to a repository or write a row.
//!
//! The key lies beside the real folder of the repositories (links followed), which all hosts of an installation share,
//! so every worker has it. Git never serves it, and a copied root contains it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use source_package::version::PackageName;

use crate::Error;
use crate::durable::{room, sync_folder};

/// The file of the key: see [`place`].
pub const KEY: &str = "package-import-key";

/// Bytes of a key.
const LENGTH: usize = 32;

/// The key of an installation.
#[derive(Clone)]
pub struct Key([u8; LENGTH]);

/// Key that seals the record of one package, and of no other.
#[derive(Clone)]
pub struct PackageKey([u8; LENGTH]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl fmt::Debug for PackageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PackageKey(..)")
    }
}

fn no_key(path: &Path) -> Error {
    let error = io::Error::new(io::ErrorKind::InvalidData, "it is no key; bring back that of a backup");
    Error::file("use", path, error)
}

impl Key {
    /// Reads the key; `None` if there is none, or if it is not ours to read.
    ///
    /// # Errors
    /// A file that cannot be read for another reason, or is no key.
    pub fn open(repos: &Path) -> Result<Option<Key>, Error> {
        let path = place(repos);
        let text = match bounded::file::read_text(&path, 1024) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) =>
            {
                return Ok(None);
            }
            // A key that is too long is damage of the installation, and no file of a package that is too large.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData) =>
            {
                return Err(no_key(&path));
            }
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        Ok(Some(Key(unhex(text.trim_end()).ok_or_else(|| no_key(&path))?)))
    }

    /// Reads the key, made if there is none. Hosts that do so at the same time agree on one.
    ///
    /// # Errors
    /// The key can be neither read nor made.
    pub fn open_or_make(repos: &Path) -> Result<Key, Error> {
        let path = place(repos);
        if !path.exists() {
            make(repos).map_err(|error| Error::file("create", &path, error))?;
            path.parent().map_or(Ok(()), sync_folder)?;
        }
        Key::open(repos)?.ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, "only its owner can import");
            Error::file("read", &path, error)
        })
    }

    /// A fingerprint by which hosts find out that they have the same key. It does not reveal the key.
    pub fn fingerprint(&self) -> String {
        hex(&mac(&self.0, &[b"fingerprint"]))
    }

    /// Keeps the key beside the folder of the repositories, whose content may be removed at any time. Made if there
    /// is none.
    ///
    /// # Errors
    /// As of [`Key::open_or_make`].
    pub fn keep_outside(repos: &Path) -> Result<Key, Error> {
        let key = Key::open_or_make(repos)?;
        let beside = repos.parent().map(|root| root.join(KEY));
        if let Some(beside) = beside.filter(|beside| !beside.exists()) {
            write(&key.0, &beside).map_err(|error| Error::file("create", &beside, error))?;
            beside.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(key)
    }

    /// The key of a package's record.
    pub fn of_package(&self, package: &PackageName) -> PackageKey {
        PackageKey(mac(&self.0, &[b"record", package.as_str().as_bytes()]))
    }

    /// The seal of a list of words, in hexadecimal digits.
    pub fn seal(&self, words: &[&str]) -> String {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        hex(&mac(&self.0, &words))
    }

    /// True when a seal is that of these words.
    pub fn is_sealed(&self, words: &[&str], seal: &str) -> bool {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        is_mac(&self.0, &words, seal)
    }
}

impl PackageKey {
    pub(crate) fn seal(&self, content: &[u8]) -> String {
        hex(&mac(&self.0, &[content]))
    }

    pub(crate) fn is_sealed(&self, content: &[u8], seal: &str) -> bool {
        is_mac(&self.0, &[content], seal)
    }
}

/// Path of the key of an installation: beside the real folder of its repositories. If that folder is a mount point, the
/// key lies inside, because hosts may share nothing else; unless the root has one, because the content of a cache may go.
pub fn place(repos: &Path) -> PathBuf {
    let usual = usual_place(repos);
    let beside = repos.parent().map(|root| root.join(KEY));
    beside.filter(|beside| !usual.exists() && beside.exists()).unwrap_or(usual)
}

fn usual_place(repos: &Path) -> PathBuf {
    let real = fs::canonicalize(repos).unwrap_or_else(|_| repos.to_owned());
    let device = |path: &Path| fs::metadata(path).map(|it| it.dev()).ok();
    match real.parent().filter(|root| device(&real).is_none_or(|it| device(root) == Some(it))) {
        Some(root) => root.join(KEY),
        None => real.join(KEY),
    }
}

/// Writes a new key under a temporary name, then renames it, unless another process was faster.
fn make(repos: &Path) -> io::Result<()> {
    fs::create_dir_all(repos)?;
    let place = place(repos);
    let mut key = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    write(&key, &place)
}

/// Writes a key under a temporary name, then links it to its place, unless there is one.
fn write(key: &[u8; LENGTH], place: &Path) -> io::Result<()> {
    let ending = hex(&mac(key, &[b"name"]));
    let own = place.with_file_name(format!("{KEY}.{}", ending.get(..16).unwrap_or_default()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own)?;
    let written = room()
        .and_then(|()| file.write_all(format!("{}\n", hex(key)).as_bytes()))
        .and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&own, place) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&own);
    linked.and(removed)
}

/// Each word with its length before it, so that no two lists of words give the same bytes.
fn started(key: &[u8; LENGTH], words: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // Keys of every length are taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for word in words {
        mac.update(&(word.len() as u64).to_be_bytes());
        mac.update(word);
    }
    Some(mac)
}

fn mac(key: &[u8; LENGTH], words: &[&[u8]]) -> [u8; LENGTH] {
    started(key, words).map_or([0; LENGTH], |mac| mac.finalize().into_bytes().into())
}

fn is_mac(key: &[u8; LENGTH], words: &[&[u8]], seal: &str) -> bool {
    let (Some(mac), Some(seal)) = (started(key, words), unhex(seal)) else { return false };
    mac.verify_slice(&seal).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != 2 * LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn everybody_agrees_on_one_key_that_only_its_owner_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let repos = folder.path().join("repos");
        assert!(Key::open(&repos).unwrap().is_none());
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..8).map(|_| scope.spawn(|| Key::open_or_make(&repos).unwrap())).collect();
            made.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.0 == keys[0].0));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(names.len() == 2 && names.iter().any(|name| name == KEY));
        assert_eq!(fs::metadata(place(&repos)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let repos = folder.path().join("repos");
        for content in [b"".to_vec(), b"short".to_vec(), vec![0xff; 64], vec![b'0'; 4096]] {
            fs::write(place(&repos), content).unwrap();
            let error = Key::open(&repos).unwrap_err();
            assert!(error.to_string().contains("it is no key; bring back that of a backup"), "{error}");
            assert_eq!(error.disk_error().unwrap().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_seal_is_that_of_its_words_alone() {
        let key = Key([7; LENGTH]);
        let seal = key.seal(&["a", "bc"]);
        assert!(key.is_sealed(&["a", "bc"], &seal));
        assert!(!key.is_sealed(&["ab", "c"], &seal) && !key.is_sealed(&["a", "bd"], &seal));
        assert!(!Key([8; LENGTH]).is_sealed(&["a", "bc"], &seal) && !key.is_sealed(&["a", "bc"], "00"));
    }
}
