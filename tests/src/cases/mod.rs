//! The hard cases: source packages that are odd in one way each, and what must become of them.

use std::path::Path;

use crate::build::package::Built;
use crate::build::{Builder, Compression};
use crate::oracle::Verdict;

const GZ: Compression = Compression::Gz;

mod changelog;
mod components;
mod compression;
mod debian_tar;
mod dsc;
mod format10;
mod format20;
mod git_patches;
mod names;
mod native;
pub mod newer;
mod patch_paths;
mod patches;
mod quilt;
mod series;
mod tar;
mod tar_links;
mod tar_numbers;
mod tar_sparse;

/// Expected result of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Both trees are the same as dpkg-source's.
    Same,
    /// It is refused, as dpkg-source refuses it.
    Refused,
    /// The tree without patches is the same; the patches are refused, as dpkg-source refuses them.
    UnappliedOnly,
    /// It is refused, deliberately, though dpkg-source takes it.
    RefusedThoughDpkgTakesIt(&'static str),
    /// Both take it, and its trees differ, deliberately.
    Differs(&'static str),
    /// It is taken, deliberately, though dpkg-source refuses it; the trees are those of the case's twin.
    TakenThoughDpkgRefuses(&'static str),
}

/// One hard case.
pub struct Case {
    /// Unique name of the case.
    pub name: &'static str,
    /// Difficulty of the case.
    pub why: &'static str,
    /// Expected result.
    pub expect: Expect,
    /// Function that builds the files.
    pub build: fn(&mut Builder),
}

impl Case {
    /// Writes the case's files into a folder.
    pub fn write(&self, folder: &Path) -> Built {
        write(self.build, folder)
    }

    /// Checks that dpkg-source gives the expected result; the error is its real one.
    pub fn check_oracle(&self, verdict: &Verdict) -> Result<(), String> {
        let (unapplied, applied) = (&verdict.unapplied, &verdict.applied);
        let agrees = match self.expect {
            Expect::Same | Expect::Differs(_) | Expect::RefusedThoughDpkgTakesIt(_) => {
                unapplied.is_ok() && applied.is_ok()
            }
            Expect::Refused | Expect::TakenThoughDpkgRefuses(_) => unapplied.is_err() && applied.is_err(),
            Expect::UnappliedOnly => unapplied.is_ok() && applied.is_err(),
        };
        if agrees {
            return Ok(());
        }
        let said = |result: &Result<_, String>| match result {
            Ok(_) => "taken".to_owned(),
            Err(complaint) => format!("refused ({complaint})"),
        };
        Err(format!("expected {:?}; unapplied {}, applied {}", self.expect, said(unapplied), said(applied)))
    }
}

/// Writes a package's files into a folder.
pub fn write(build: fn(&mut Builder), folder: &Path) -> Built {
    let mut builder = Builder::default();
    build(&mut builder);
    builder.write(folder)
}

/// All cases, or those whose name contains the value of `PACKAGE_IMPORT_CASES`.
pub fn selected() -> Vec<Case> {
    let mut cases = all();
    if let Ok(part) = std::env::var("PACKAGE_IMPORT_CASES") {
        cases.retain(|case| case.name.contains(&part));
        assert!(!cases.is_empty(), "no case has {part:?} in its name");
    }
    cases
}

/// All cases.
pub fn all() -> Vec<Case> {
    let groups = [
        format10::cases,
        format20::cases,
        native::cases,
        quilt::cases,
        components::cases,
        debian_tar::cases,
        tar::cases,
        tar_links::cases,
        tar_numbers::cases,
        tar_sparse::cases,
        compression::cases,
        dsc::cases,
        patches::cases,
        git_patches::cases,
        patch_paths::cases,
        series::cases,
        names::cases,
        changelog::cases,
    ];
    groups.iter().flat_map(|group| group()).collect()
}

/// A case that must come out the same.
fn same(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::Same, build }
}

/// A case that must be refused.
fn refused(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::Refused, build }
}

/// A case whose patches alone must be refused.
fn unapplied_only(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::UnappliedOnly, build }
}

/// A case that is refused though dpkg-source takes it; `why` is the reason.
fn stricter(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::RefusedThoughDpkgTakesIt(why), build }
}

/// A case that both take, with different trees; `why` is the reason.
fn differs(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::Differs(why), build }
}

/// A case that is taken though dpkg-source refuses it; `why` is the reason.
fn laxer(name: &'static str, why: &'static str, build: fn(&mut Builder)) -> Case {
    Case { name, why, expect: Expect::TakenThoughDpkgRefuses(why), build }
}
