//! Original tarballs, from a folder, a mirror, or the archive of all that ever was.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use archive::clock::SystemClock;
use archive::config::Transfer;
use archive::location::Location;
use archive::transport::{Answer, Limits, Mirror, Request, open};
use packaging_repo::manifest::Manifest;
use source_package::checksum::{ListedFile, sha256_hex};
use source_package::version::PackageName;

/// The components of Debian and of Ubuntu, in which a package may be.
const COMPONENTS: [&str; 7] =
    ["main", "universe", "contrib", "non-free", "non-free-firmware", "multiverse", "restricted"];
/// Where distros are, if nobody says.
const KNOWN: [(&str, &str); 2] =
    [("debian", "https://deb.debian.org/debian"), ("ubuntu", "http://archive.ubuntu.com/ubuntu")];
/// Files by their SHA-1: all that Debian ever had.
const SNAPSHOT: &str = "https://snapshot.debian.org/file";

/// A tarball that could not be had.
#[derive(Debug)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Places that were tried.
    pub why: String,
}

/// Where tarballs may be.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Mirrors, with the distro that they have; none for all.
    pub mirrors: Vec<(Option<String>, Location)>,
}

impl Sources {
    /// Puts the original tarballs of a version into a folder, each with the very content that was imported. Returns those
    /// that are there, and those that are not.
    pub(super) fn put(&self, manifest: &Manifest, distro: &str, into: &Path) -> (Vec<String>, Vec<Missing>) {
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for file in manifest.files.iter().filter(|file| is_original(&file.name)) {
            match self.one(manifest, file, distro, &into.join(&file.name)) {
                Ok(()) => there.push(file.name.clone()),
                Err(why) => missing.push(Missing { name: file.name.clone(), why }),
            }
        }
        (there, missing)
    }

    fn one(&self, manifest: &Manifest, file: &ListedFile, distro: &str, target: &Path) -> Result<(), String> {
        if target.exists() {
            let is_it = bounded::file::read(target, file.size).is_ok_and(|content| check(file, &content));
            return match is_it {
                true => Ok(()),
                false => Err(format!("{} is there, with other content", target.display())),
            };
        }
        let mut tried = Vec::new();
        for (location, path) in self.places(manifest, file, distro)? {
            match get(&location, &path, file) {
                Ok(content) if check(file, &content) => return write(target, &content),
                Ok(_) => tried.push(format!("{location}/{path} has other content")),
                Err(error) => tried.push(error),
            }
        }
        tried.dedup();
        Err(tried.join("; "))
    }

    /// Where a file may be, the likeliest first.
    fn places(
        &self,
        manifest: &Manifest,
        file: &ListedFile,
        distro: &str,
    ) -> Result<Vec<(Location, String)>, String> {
        let package = PackageName::new(&manifest.source).map_err(|error| error.to_string())?;
        let mut mirrors: Vec<Location> = (self.mirrors.iter())
            .filter(|(of, _)| of.as_ref().is_none_or(|of| of == distro))
            .map(|(_, location)| location.clone())
            .collect();
        let address = |text: &str| Location::parse(text).map_err(|error| error.to_string());
        if mirrors.is_empty()
            && let Some((_, known)) = KNOWN.iter().find(|(name, _)| *name == distro)
        {
            mirrors.push(address(known)?);
        }
        let mut places = Vec::new();
        for mirror in mirrors {
            // A folder of files as well as a pool.
            if matches!(mirror, Location::Folder(_)) {
                places.push((mirror.clone(), file.name.clone()));
            }
            let folder = format!("{}/{package}/{}", package.pool_prefix(), file.name);
            places.extend(COMPONENTS.iter().map(|it| (mirror.clone(), format!("pool/{it}/{folder}"))));
        }
        if let (Some(sha1), true) = (&file.checksums.sha1, distro == "debian" && self.mirrors.is_empty()) {
            places.push((address(SNAPSHOT)?, sha1.clone()));
        }
        Ok(places)
    }
}

/// True when a file is an original tarball, or the signature of one.
fn is_original(name: &str) -> bool {
    name.contains(".orig.tar.") || name.contains(".orig-")
}

fn check(file: &ListedFile, content: &[u8]) -> bool {
    let sha256 = file.checksums.sha256.as_deref();
    content.len() as u64 == file.size && sha256.is_some_and(|sha256| sha256_hex(content) == sha256)
}

fn get(location: &Location, path: &str, file: &ListedFile) -> Result<Vec<u8>, String> {
    let transfer = Transfer::default();
    let limits = Limits::shared(&transfer, Arc::new(SystemClock::default()), None, Duration::ZERO);
    let mirror: Box<dyn Mirror> = open(location, &transfer, &limits);
    let request = Request { size: Some(file.size), ..Request::whole(path) };
    let said = |error: archive::error::Error| error.to_string();
    let Answer::Body(mut body) = mirror.get(&request).map_err(said)? else { return Ok(Vec::new()) };
    let mut content = Vec::new();
    body.read_to(file.size, &mut content).map_err(said)?;
    Ok(content)
}

/// A file that is there is whole.
fn write(target: &Path, content: &[u8]) -> Result<(), String> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(target).map(drop).map_err(|error| error.error)
    });
    written.map_err(|error| format!("cannot write {}: {error}", target.display()))
}
