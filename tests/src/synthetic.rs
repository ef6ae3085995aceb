//! Tiny source packages, written without any tool of Debian's, so that every byte of them is known.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use sha2::Sha256;

/// Contents by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A source package to write: native without a Debian revision, else 3.0 (quilt).
#[derive(Clone)]
pub struct Package {
    name: String,
    version: String,
    below: Vec<String>,
    upstream: Files,
    components: BTreeMap<String, Files>,
    debian: Files,
    series: Vec<String>,
    remark: String,
    signature: Option<String>,
}

/// A package of this name and version, with an upstream of one file and nothing below its changelog's top.
pub fn package(name: &str, version: &str) -> Package {
    Package {
        name: name.into(),
        version: version.into(),
        below: Vec::new(),
        upstream: Files::from([("README".into(), lines(20))]),
        components: BTreeMap::new(),
        debian: Files::new(),
        series: Vec::new(),
        remark: "New.".into(),
        signature: None,
    }
}

/// Numbered lines.
pub fn lines(count: usize) -> Vec<u8> {
    (1..=count).map(|number| format!("line {number}\n")).collect::<String>().into_bytes()
}

impl Package {
    /// The versions below the top of the changelog, newest first.
    pub fn below(mut self, versions: &[&str]) -> Package {
        self.below = versions.iter().map(|version| (*version).to_owned()).collect();
        self
    }

    /// Another file of the upstream tarball.
    pub fn upstream(mut self, path: &str, content: impl Into<Vec<u8>>) -> Package {
        self.upstream.insert(path.into(), content.into());
        self
    }

    /// A file of a component's tarball.
    pub fn component(mut self, name: &str, path: &str, content: &str) -> Package {
        self.components.entry(name.into()).or_default().insert(path.into(), content.into());
        self
    }

    /// Another file of `debian/`.
    pub fn debian(mut self, path: &str, content: impl Into<Vec<u8>>) -> Package {
        self.debian.insert(path.into(), content.into());
        self
    }

    /// A patch that puts `to` in the place of one of README's lines, which has to be `from`.
    pub fn patch(mut self, name: &str, from: &str, to: &str) -> Package {
        let number: usize = from.trim_start_matches("line ").parse().unwrap_or(1);
        let context = |number: usize| format!(" line {number}\n");
        let text = format!(
            "Subject: {name}\n\n--- a/README\n+++ b/README\n@@ -{first},3 +{first},3 @@\n{before}-{from}\n+{to}\n{after}",
            first = number - 1,
            before = context(number - 1),
            after = context(number + 1),
        );
        self.series.push(name.into());
        self.debian(&format!("patches/{name}"), text)
    }

    /// Sets the remark in the newest entry of the changelog.
    pub fn remark(mut self, text: &str) -> Package {
        self.remark = text.into();
        self
    }

    /// Sets what stands as upstream's signature beside its tarball; nobody checks it.
    pub fn signed(mut self, text: &str) -> Package {
        self.signature = Some(text.into());
        self
    }

    /// Writes the files into a folder and returns the `.dsc`.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let plain = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        let (name, mut listed) = (&self.name, Vec::new());
        let mut debian = self.debian_files();
        let format = match plain.rsplit_once('-') {
            Some((upstream, _)) => {
                let orig = format!("{name}_{upstream}.orig.tar.gz");
                listed.push(tarball(folder, &orig, "up", &self.upstream));
                let signature = self.signature.as_ref();
                listed.extend(signature.map(|text| file(folder, &format!("{orig}.asc"), text.as_bytes())));
                for (component, files) in &self.components {
                    let file = format!("{name}_{upstream}.orig-{component}.tar.gz");
                    listed.push(tarball(folder, &file, component, files));
                }
                listed.push(tarball(folder, &format!("{name}_{plain}.debian.tar.gz"), "", &debian));
                "3.0 (quilt)"
            }
            None => {
                debian.extend(self.upstream.clone());
                listed.push(tarball(folder, &format!("{name}_{plain}.tar.gz"), "up", &debian));
                "3.0 (native)"
            }
        };
        let dsc = folder.join(format!("{name}_{plain}.dsc"));
        fs::write(&dsc, self.dsc(format, &listed)).unwrap();
        dsc
    }

    fn dsc(&self, format: &str, listed: &[Listed]) -> String {
        let mut text = format!(
            "Format: {format}\nSource: {}\nBinary: {0}\nArchitecture: all\nVersion: {}\n",
            self.name, self.version
        );
        text += "Maintainer: A Packager <a@example.org>\nStandards-Version: 4.6.2\n";
        for (field, sum) in [("Checksums-Sha256", 0), ("Files", 1)] {
            text += &format!("{field}:\n");
            for file in listed {
                text += &format!(" {} {} {}\n", file.sums[sum], file.size, file.name);
            }
        }
        text
    }

    fn debian_files(&self) -> Files {
        let mut files = Files::new();
        let mut add = |path: &str, content: &[u8]| files.insert(format!("debian/{path}"), content.to_vec());
        add("changelog", self.changelog().as_bytes());
        add("control", format!("Source: {}\n", self.name).as_bytes());
        if !self.series.is_empty() {
            add("patches/series", format!("{}\n", self.series.join("\n")).as_bytes());
        }
        self.debian.iter().for_each(|(path, content)| {
            add(path, content);
        });
        files
    }

    /// The day of an entry is the number of those below it, so that it does not depend on what is above.
    fn changelog(&self) -> String {
        let mut text = String::new();
        let versions = std::iter::once(&self.version).chain(&self.below);
        for (place, version) in versions.enumerate() {
            let day = self.below.len() - place;
            let weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][day % 7];
            let remark = if place == 0 { &self.remark } else { "New." };
            text += &format!("{} ({version}) unstable; urgency=low\n\n  * {remark}\n\n", self.name);
            text += &format!(
                " -- A Packager <a@example.org>  {weekday}, {:02} Jan 2024 10:00:00 +0100\n\n",
                day + 1
            );
        }
        text
    }
}

/// A file as the `.dsc` lists it.
struct Listed {
    name: String,
    size: usize,
    sums: [String; 2],
}

fn tarball(folder: &Path, name: &str, top: &str, files: &Files) -> Listed {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut folders = Vec::new();
    for (path, content) in files {
        let path = if top.is_empty() { path.clone() } else { format!("{top}/{path}") };
        for (at, _) in path.match_indices('/') {
            let folder = format!("{}/", &path[..at]);
            if !folders.contains(&folder) {
                encoder.write_all(&header(&folder, 0, b'5')).unwrap();
                folders.push(folder);
            }
        }
        encoder.write_all(&header(&path, content.len(), b'0')).unwrap();
        encoder.write_all(content).unwrap();
        encoder.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    file(folder, name, &encoder.finish().unwrap())
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> Listed {
    fs::write(folder.join(name), bytes).unwrap();
    let sums = [hex(&Sha256::digest(bytes)), hex(&Md5::digest(bytes))];
    Listed { name: name.into(), size: bytes.len(), sums }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A header of the format ustar.
fn header(path: &str, size: usize, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    let mode = if kind == b'5' { "0000755\0" } else { "0000644\0" };
    let date = format!("{:011o}\0", 1_700_000_000);
    let size = format!("{size:011o}\0");
    for (at, text) in [
        (0, path),
        (100, mode),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (124, &size),
        (136, &date),
        (148, "        "),
        (257, "ustar\x0000"),
    ] {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    header[156] = kind;
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
