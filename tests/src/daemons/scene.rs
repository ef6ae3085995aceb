//! An installation that has polled an archive and imported what is there, of which some cannot be imported.

use std::fs;
use std::path::Path;

use super::site::Site;
use crate::archive::{TestArchive, suite};
use crate::synthetic::package;
use crate::web::Server;

/// Everything that is there.
pub struct Scene {
    /// The installation.
    pub site: Site,
    /// The archive with its publications.
    pub archive: TestArchive,
    /// Server of the archive.
    pub server: Server,
    published: usize,
    stale_after: String,
}

/// Number of packages of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Packages that can be imported.
    pub good: usize,
    /// Number of packages that cannot be imported.
    pub bad: usize,
}

impl Scene {
    /// An archive with packages, and an installation that knows of it and has done nothing.
    pub fn new(counts: Counts) -> Scene {
        let (site, archive) = (Site::new(), TestArchive::new());
        let server = Server::new(archive.root());
        fs::copy(&archive.signer.keyring, site.files().join("archive.gpg")).unwrap();
        let mut scene = Scene { site, archive, server, published: 0, stale_after: String::new() };
        scene.configure("");
        scene.publish(counts);
        scene
    }

    /// Publishes more packages, with names of their own.
    pub fn publish(&mut self, counts: Counts) {
        for number in 0..counts.good + counts.bad {
            let name = format!("pkg{:04}", self.published);
            let dsc = self.archive.add("main", &name, &package(&name, "1.0-1"));
            if number < counts.bad {
                spoil(&dsc);
            }
            self.published += 1;
        }
        self.archive.publish(&suite("sid"));
    }

    /// Uploads another version of packages and publishes it; the version before is removed, as archives do. A bad one has a
    /// path that nobody unpacks.
    pub fn upload(&mut self, numbers: std::ops::Range<usize>, version: &str, is_good: bool) {
        for number in numbers {
            let name = format!("pkg{number:04}");
            let _ = fs::remove_dir_all(self.archive.root().join(format!("pool/main/p/{name}")));
            let good = package(&name, version);
            let uploaded = if is_good { good } else { good.upstream("../outside", "x") };
            self.archive.add("main", &name, &uploaded);
        }
        self.archive.publish(&suite("sid"));
    }

    /// Writes the configuration: the archive, and more.
    pub fn configure(&self, more: &str) {
        let keyring = self.site.files().join("archive.gpg");
        self.site.configure(&format!(
            "{more}\n[[archives]]\nname = \"test\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{}\"]\n{}\
             [[archives.suites]]\nname = \"sid\"\n",
            self.server.url(),
            keyring.display(),
            self.stale_after
        ));
    }

    /// From the next configuration on: how old the archive's content may be.
    pub fn stale_after(&mut self, time: &str) {
        self.stale_after = format!("stale_after = \"{time}\"\n");
    }

    /// One run as cron starts it.
    pub fn run(&self) {
        self.site.well(&["run", "--poll", "--jobs", "2"]);
    }
}

/// Gives a package a format that nobody can import: it fails for good at the first attempt.
fn spoil(dsc: &Path) {
    let text = fs::read_to_string(dsc).unwrap();
    fs::write(dsc, text.replace("3.0 (quilt)", "3.0 (git)")).unwrap();
}
