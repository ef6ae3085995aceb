//! Hard cases of source packages, by what they are hard for.

mod compression;
mod dsc;
mod formats;
mod links;
mod names;
mod overlay;
mod patches;
mod tar;

use crate::build::Builder;

/// One package and what has to come of it.
pub struct Case {
    /// Its name, unique.
    pub name: &'static str,
    /// What makes it hard.
    pub why: &'static str,
    /// Builds it.
    pub build: fn(&mut Builder),
    /// What has to come of it.
    pub expect: Expect,
}

/// What has to come of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Both trees are those of dpkg-source.
    Same,
    /// dpkg-source refuses it, and so do we.
    Refused,
    /// dpkg-source refuses its patches: the tree without them is there, and no applied ref.
    UnappliedOnly,
    /// We refuse it on purpose.
    RefusedThoughDpkgTakesIt(&'static str),
    /// We take it on purpose; its trees are those of its twin.
    TakenThoughDpkgRefuses(&'static str),
}

fn case(name: &'static str, why: &'static str, expect: Expect, build: fn(&mut Builder)) -> Case {
    Case { name, why, build, expect }
}

/// All cases.
pub fn all() -> Vec<Case> {
    let groups = [
        formats::cases(),
        overlay::cases(),
        tar::cases(),
        names::cases(),
        links::cases(),
        compression::cases(),
        dsc::cases(),
        patches::cases(),
    ];
    groups.into_iter().flatten().collect()
}
