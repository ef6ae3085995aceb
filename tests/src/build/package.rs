//! Puts a whole source package together: its tarballs, its patches, its `.dsc`.

use std::fs;
use std::path::{Path, PathBuf};

use super::compress::Compression;
use super::dsc::{Dsc, Listed};
use super::tar::Tar;

/// The source package's name in every case.
pub const SOURCE: &str = "case";

/// The top folder of the standard orig tarball.
pub const TOP: &str = "case-1.0";

/// Twelve numbered lines: what most patches work on.
pub const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";

/// The standard changelog.
pub const CHANGELOG: &str = "case (1.0-1) unstable; urgency=medium\n\n  * Everything.\n\n \
     -- A Maintainer <maintainer@example.org>  Sun, 13 Sep 2020 12:26:40 +0000\n";

/// The standard `debian/rules`.
pub const RULES: &str = "#!/usr/bin/make -f\n%:\n\tdh $@\n";

type TextEdit = Box<dyn FnOnce(String) -> Vec<u8>>;
type DscEdit = Box<dyn FnOnce(&mut Dsc)>;

/// A source package in the making.
pub struct Builder {
    format: String,
    version: String,
    distro: String,
    files: Vec<Listed>,
    patches: Vec<(String, Vec<u8>)>,
    series: Option<(String, String)>,
    dsc_edits: Vec<DscEdit>,
    text_edit: Option<TextEdit>,
    on_disk: Vec<Listed>,
    gone: Vec<String>,
    extras: Tar,
    escaped: bool,
    no_check: bool,
    twin: Option<fn(&mut Builder)>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            format: "3.0 (quilt)".to_owned(),
            version: "1.0-1".to_owned(),
            distro: "debian".to_owned(),
            files: Vec::new(),
            patches: Vec::new(),
            series: None,
            dsc_edits: Vec::new(),
            text_edit: None,
            on_disk: Vec::new(),
            gone: Vec::new(),
            extras: Tar::new(),
            escaped: false,
            no_check: false,
            twin: None,
        }
    }
}

/// Files of a case on the disk, and the way to read them.
pub struct Built {
    /// Path of the `.dsc`.
    pub dsc: PathBuf,
    /// The version, as the `.dsc` has it.
    pub version: String,
    /// The distribution whose series file is preferred.
    pub distro: String,
    /// True when names or contents are stored escaped, so that only `export` can be compared.
    pub escaped: bool,
    /// True when dpkg-source is told to check nothing.
    pub no_check: bool,
    /// The package whose trees this one must have, where dpkg-source refuses it.
    pub twin: Option<fn(&mut Builder)>,
}

/// The upstream tree that is used where a case does not care.
pub fn upstream() -> Tar {
    Tar::top(TOP)
        .file("case-1.0/a.txt", LINES)
        .dir("case-1.0/sub/")
        .file("case-1.0/sub/b.txt", "b\n")
        .exec("case-1.0/run.sh", "#!/bin/sh\n")
}

/// The packaging folder that is used where a case does not care.
pub fn debian() -> Tar {
    debian_below("", "3.0 (quilt)\n")
}

/// The packaging folder without `debian/source`.
pub fn plain_debian() -> Tar {
    plain_debian_below("")
}

/// The packaging folder below a prefix, for native packages.
pub fn debian_below(prefix: &str, format: &str) -> Tar {
    plain_debian_below(prefix)
        .dir(format!("{prefix}debian/source/"))
        .file(format!("{prefix}debian/source/format"), format)
}

/// The packaging folder below a prefix, without `debian/source`.
pub fn plain_debian_below(prefix: &str) -> Tar {
    Tar::new()
        .dir(format!("{prefix}debian/"))
        .file(format!("{prefix}debian/changelog"), CHANGELOG)
        .file(format!("{prefix}debian/control"), "Source: case\n\nPackage: case\nArchitecture: any\n")
        .exec(format!("{prefix}debian/rules"), RULES)
}

impl Builder {
    /// The format, as the `.dsc` says it.
    pub fn format(&mut self, format: &str) -> &mut Self {
        format.clone_into(&mut self.format);
        self
    }

    /// The version, as the `.dsc` says it.
    pub fn version(&mut self, version: &str) -> &mut Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The distribution that the package is imported for.
    pub fn distro(&mut self, distro: &str) -> &mut Self {
        distro.clone_into(&mut self.distro);
        self
    }

    /// Adds a listed file.
    pub fn file(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.files.push((name.to_owned(), bytes.into()));
        self
    }

    /// Adds a tarball; `kind` is what stands between version and `tar`, as in `orig` or `orig-docs`.
    pub fn tarball(&mut self, kind: &str, tar: Tar, with: Compression) -> &mut Self {
        let name = self.tarball_name(kind, with.extension());
        let bytes = with.pack(&tar.finish());
        self.file(&name, bytes)
    }

    /// The name that a tarball of this kind has.
    pub fn tarball_name(&self, kind: &str, extension: &str) -> String {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
        match kind {
            "" => format!("{SOURCE}_{version}.tar.{extension}"),
            "debian" => format!("{SOURCE}_{version}.debian.tar.{extension}"),
            _ => format!("{SOURCE}_{upstream}.{kind}.tar.{extension}"),
        }
    }

    /// Adds the upstream tarball.
    pub fn orig(&mut self, tar: Tar) -> &mut Self {
        self.tarball("orig", tar, Compression::Gz)
    }

    /// Adds a component's tarball.
    pub fn component(&mut self, name: &str, tar: Tar) -> &mut Self {
        self.tarball(&format!("orig-{name}"), tar, Compression::Gz)
    }

    /// Adds the packaging tarball, in place of the standard one.
    pub fn debian(&mut self, tar: Tar) -> &mut Self {
        self.tarball("debian", tar, Compression::Xz)
    }

    /// Makes it a native package of format 3.0 with this tarball.
    pub fn native(&mut self, tar: Tar) -> &mut Self {
        self.format("3.0 (native)").version("1.0").tarball("", tar, Compression::Xz)
    }

    /// Makes it a package of format 1.0 with this tarball and diff.
    pub fn format10(&mut self, orig: Tar, diff: &str) -> &mut Self {
        self.format("1.0").orig(orig);
        self.file("case_1.0-1.diff.gz", Compression::Gz.pack(diff.as_bytes()))
    }

    /// Adds a patch to `debian/patches` and to the series.
    pub fn patch(&mut self, name: &str, text: impl AsRef<[u8]>) -> &mut Self {
        self.patches.push((name.to_owned(), text.as_ref().to_vec()));
        self
    }

    /// Writes this series file instead of the list of patches.
    pub fn series(&mut self, name: &str, text: &str) -> &mut Self {
        self.series = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// Adds entries at the end of the standard packaging tarball.
    pub fn also(&mut self, tar: Tar) -> &mut Self {
        self.extras = tar.without_end();
        self
    }

    /// Changes the `.dsc`'s fields.
    pub fn dsc(&mut self, edit: impl FnOnce(&mut Dsc) + 'static) -> &mut Self {
        self.dsc_edits.push(Box::new(edit));
        self
    }

    /// Changes the `.dsc`'s text.
    pub fn dsc_text(&mut self, edit: impl FnOnce(String) -> String + 'static) -> &mut Self {
        self.dsc_bytes(|text| edit(text).into_bytes())
    }

    /// Changes the `.dsc`'s bytes.
    pub fn dsc_bytes(&mut self, edit: impl FnOnce(String) -> Vec<u8> + 'static) -> &mut Self {
        self.text_edit = Some(Box::new(edit));
        self
    }

    /// Puts other bytes on disk than those the `.dsc` lists, or a file that it does not list.
    pub fn on_disk(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.on_disk.push((name.to_owned(), bytes.into()));
        self
    }

    /// Lists a file that is not there.
    pub fn gone(&mut self, name: &str) -> &mut Self {
        self.gone.push(name.to_owned());
        self
    }

    /// Marks names or contents that Git refuses, which are stored escaped.
    pub fn escaped(&mut self) -> &mut Self {
        self.escaped = true;
        self
    }

    /// Tells dpkg-source not to check anything.
    pub fn no_check(&mut self) -> &mut Self {
        self.no_check = true;
        self
    }

    /// Names a package that dpkg-source takes and whose trees this one must have.
    pub fn twin(&mut self, build: fn(&mut Builder)) -> &mut Self {
        self.twin = Some(build);
        self
    }

    /// Writes everything into `folder`.
    pub fn write(mut self, folder: &Path) -> Built {
        self.add_defaults();
        let mut dsc = Dsc::new(&self.format, SOURCE, &self.version, &self.files);
        for edit in std::mem::take(&mut self.dsc_edits) {
            edit(&mut dsc);
        }
        let text = match self.text_edit.take() {
            Some(edit) => edit(dsc.text()),
            None => dsc.text().into_bytes(),
        };
        for (name, bytes) in self.files.iter().chain(&self.on_disk) {
            if !self.gone.contains(name) {
                fs::write(folder.join(name), bytes).unwrap();
            }
        }
        let path = folder.join("case.dsc");
        fs::write(&path, text).unwrap();
        Built {
            dsc: path,
            version: self.version,
            distro: self.distro,
            escaped: self.escaped,
            no_check: self.no_check,
            twin: self.twin,
        }
    }

    fn add_defaults(&mut self) {
        if !matches!(self.format.as_str(), "3.0 (quilt)" | "2.0") {
            return;
        }
        if !self.files.iter().any(|(name, _)| name.contains(".orig.tar.")) {
            self.orig(upstream());
        }
        if !self.files.iter().any(|(name, _)| name.contains(".debian.tar.")) {
            let tar = self.standard_debian();
            self.debian(tar);
        }
    }

    fn standard_debian(&mut self) -> Tar {
        let mut tar = debian_below("", &format!("{}\n", self.format));
        if !self.patches.is_empty() || self.series.is_some() {
            tar = tar.dir("debian/patches/");
            for (name, text) in &self.patches {
                tar = tar.file(format!("debian/patches/{name}"), text);
            }
            let listed = self.patches.iter().map(|(name, _)| format!("{name}\n")).collect();
            let (name, text) = self.series.take().unwrap_or(("series".to_owned(), listed));
            if self.format != "2.0" {
                tar = tar.file(format!("debian/patches/{name}"), text);
            }
        }
        tar.raw(&std::mem::take(&mut self.extras).finish())
    }
}
