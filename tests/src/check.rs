//! Compares what the importer made of a package with what dpkg-source makes of it.

use std::fs;
use std::path::Path;

use crate::git;
use crate::listing::{Listing, compare, read_folder, without_fifos};
use crate::oracle::Verdict;
use crate::run;

/// Import to compare.
pub struct Imported<'a> {
    /// Root of the installation.
    pub root: &'a Path,
    /// Name of the source package.
    pub package: &'a str,
    /// Version of the source package.
    pub version: &'a str,
    /// Distro of the version.
    pub distro: &'a str,
    /// True when names are stored escaped, so that Git's own tree cannot be compared.
    pub escaped: bool,
}

impl Imported<'_> {
    /// Everything that differs from the verdict; nothing if all is well.
    pub fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let repository = run::repository(self.root, self.package);
        let mut wrong = Vec::new();
        if let Err(message) = git::fsck(&repository) {
            wrong.push(message);
        }
        for (what, expected, applied) in
            [("unapplied", &verdict.unapplied, false), ("applied", &verdict.applied, true)]
        {
            if let Ok(expected) = expected {
                wrong.extend(self.tree(what, expected, applied));
                wrong.extend(self.exported(what, expected, applied));
            }
        }
        wrong
    }

    fn tree(&self, what: &str, expected: &Listing, applied: bool) -> Vec<String> {
        if self.escaped {
            return Vec::new();
        }
        let repository = run::repository(self.root, self.package);
        let prefix = if applied { "applied/" } else { "" };
        let mangled = self.version.replace(':', "%").replace('~', "_");
        match git::read_tree(&repository, &format!("refs/tags/{prefix}{}/{mangled}", self.distro)) {
            Ok(actual) => shown(what, "tree", &without_fifos(expected), &actual),
            Err(message) => vec![format!("{what} tree: {message}")],
        }
    }

    fn exported(&self, what: &str, expected: &Listing, applied: bool) -> Vec<String> {
        let folder = self.root.join(format!("export-{what}"));
        let exported = run::export(self.root, self.distro, self.package, self.version, applied, &folder);
        let listed = exported.and_then(|()| read_folder(&folder).map_err(|error| error.to_string()));
        // A long test would fill the disk.
        let _ = fs::remove_dir_all(&folder);
        match listed {
            Ok(actual) => shown(what, "export", expected, &actual),
            Err(message) => vec![format!("{what} export: {message}")],
        }
    }
}

fn shown(what: &str, where_: &str, expected: &Listing, actual: &Listing) -> Vec<String> {
    let differences = compare(expected, actual);
    let lines = differences.iter().take(5).map(|difference| format!("{what} {where_}: {difference}"));
    lines.collect()
}
