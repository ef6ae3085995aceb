//! Protocol between the parent and the child that performs an import: one request, then one line for each event.

mod foreign_ref;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use packaging_repo::expected::Imported;
use packaging_repo::record::unsealed::Word;
use packaging_repo::verify::Problem;
use repair::{Plan, Step};
use serde::{Deserialize, Serialize};

use crate::collisions::{Known, News};
use crate::config::LimitsConfig;
use crate::failure::{Failure, FailureCode};
use crate::sandbox::Wall;

pub use foreign_ref::ForeignRef;

/// Request to a child: import versions of one package into its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Root of the installation.
    pub root: PathBuf,
    /// Name of the source package.
    pub package: String,
    /// The branch that `HEAD` should point to.
    pub default_branch: Option<String>,
    /// The versions, in any order.
    pub versions: Vec<VersionRequest>,
    /// Facts about the distros that the versions may have been built on, by the names that they give.
    #[serde(default)]
    pub bases: BTreeMap<String, Base>,
    /// True when a `.dsc` without SHA-256 is accepted.
    pub allow_weak_checksums: bool,
    /// Limits of the child.
    pub limits: LimitsConfig,
    /// Number of threads that compress.
    pub threads: usize,
    /// Process number of the parent, without which the import must not go on.
    pub parent: u32,
    /// Epoch and token of the attempt: a later attempt shuts this import out. Without a fence, imports wait for
    /// each other.
    pub fence: Option<(u64, u64)>,
    /// The distros of the installation: refs of these are ours to write.
    #[serde(default)]
    pub distros: Vec<String>,
    /// Collisions that the state has on record.
    #[serde(default)]
    pub collisions: Known,
    /// True when branches are moved to their targets even if no version comes.
    #[serde(default)]
    pub settle: bool,
    /// The state's confirmation for a repository that has no record yet.
    #[serde(default)]
    pub word: Option<Word>,
    /// Expected fingerprint of the refs, if the repository is a cache, which may be removed at any time.
    #[serde(default)]
    pub stands: Option<String>,
    /// Task of the child.
    #[serde(default)]
    pub task: Task,
}

/// Task of a child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Import the versions.
    #[default]
    Import,
    /// Check the repository.
    Verify(Box<ExpectedContent>),
    /// Make, carry out or take back a plan of repair.
    Repair(Box<RepairTask>),
}

/// A task of a child: planning, applying or undoing a repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairTask {
    /// Expected content of the repository.
    pub wanted: ExpectedContent,
    /// The work.
    pub what: RepairWork,
    /// Root of an installation in which the package was imported anew, beside.
    pub brought: Option<PathBuf>,
}

/// The kinds of repair work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepairWork {
    /// A plan is made. Nothing is written.
    Plan,
    /// Plan of a number is carried out.
    Apply(i64, Plan),
    /// A plan is made that takes another one back.
    Undo(i64, Plan),
    /// Things that the plans of these numbers have kept are removed.
    Forget(Vec<i64>),
}

/// Result of repair work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repaired {
    /// A plan, and what it cannot do.
    Planned(Plan, Vec<String>),
    /// It is done: the steps that were taken, and what was found of others.
    Applied(Vec<Step>, News),
    /// Something has changed: nothing was done.
    Stale(Vec<String>),
    /// Kept things were removed.
    Forgotten,
}

/// Content that a repository must have according to the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedContent {
    /// The versions that were imported.
    pub versions: Vec<Imported>,
    /// Branches, and the highest version that was brought to each.
    pub published: Vec<(String, String)>,
    /// The `.dsc` files that were given by hand: their tarballs may still lie beside them.
    pub dscs: Vec<PathBuf>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRequest {
    /// The `.dsc`; its files lie beside it.
    pub dsc: PathBuf,
    /// Distro of the version.
    pub distro: String,
    /// The suite it was published in; history has none.
    pub suite: Option<String>,
    /// Reason why its content may be trusted.
    pub trust: Trust,
    /// True when it is accepted without SHA-256, as the configuration allows for an archive or for a history of old
    /// versions.
    #[serde(default)]
    pub allow_weak_checksums: bool,
    /// Distro that it may have been built on.
    #[serde(default)]
    pub base: Option<BuiltOn>,
}

/// Base of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltOn {
    /// Name of its [`Base`] in the request.
    pub base: String,
    /// True when the version may still wait for its base.
    pub may_wait: bool,
}

/// Distro that a version's distro builds on, with the known facts: one for all versions of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Name of the distro.
    pub distro: String,
    /// The highest version of the package that was ever seen there.
    pub highest: Option<String>,
    /// Versions that are published there and not imported yet.
    pub open: BTreeSet<String>,
    /// Patterns of versions that are not the base's.
    pub own: Vec<String>,
}

/// Reason why a `.dsc` may be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// A signature by a key in one of these keyrings.
    Keyrings(Vec<PathBuf>),
    /// A signed index lists it with this SHA-256.
    Index(String),
    /// The operator said so.
    Unsigned,
}

/// Event that a child reports, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Walls that the kernel does not build.
    Unwalled(Vec<Wall>),
    /// It has waited for another process for some time; the text names it.
    Waiting(String),
    /// It begins to read the version at this place of the request.
    Reading(usize),
    /// Everything is read; commits are made now.
    Publishing,
    /// A number of refs is moved now.
    Moving(usize),
    /// Fingerprint of the refs after the import, if the repository is a cache.
    Stands(String),
    /// A version is finished, well or not.
    Finished(usize, Box<Report>),
    /// Foreign refs, if there are any.
    Foreign(Vec<ForeignRef>),
    /// Collisions found, ended and not resolved.
    Collisions(News),
    /// Result of checking a repository: its problems, and its foreign refs if they could be read.
    Checked(Vec<Problem>, Option<Vec<ForeignRef>>),
    /// Result of a repair.
    Repaired(Box<Repaired>, Vec<Unrecorded>),
    /// Nothing could be done at all.
    Broken(Failure),
    /// Bytes that it has read and written in total.
    Moved(u64, u64),
}

/// A version that a repository has and the state does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrecorded {
    /// Its distro.
    pub distro: String,
    /// The version.
    pub version: String,
    /// Its tag, without `refs/tags/`.
    pub tag: String,
    /// Its commit.
    pub commit: String,
    /// The commit's tree.
    pub tree: String,
    /// The commit with patches applied.
    pub applied: Option<String>,
}

/// Outcome for a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is there now.
    Imported,
    /// It was there before; nothing was changed.
    AlreadyThere,
    /// It is there without its patches applied, because they do not apply.
    UnappliedOnly,
    /// It is not there yet: the version that it is built on may still come.
    Waits,
    /// It is not there.
    Failed,
}

impl Outcome {
    /// The outcome as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Imported => "imported",
            Outcome::AlreadyThere => "already-there",
            Outcome::UnappliedOnly => "unapplied-only",
            Outcome::Waits => "waits",
            Outcome::Failed => "failed",
        }
    }
}

/// The report on one version. This is also what `import --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Name of the source package.
    pub package: String,
    /// The version; unknown if the `.dsc` could not be read.
    pub version: Option<String>,
    /// Distro of the version.
    pub distro: String,
    /// Suite of the version.
    pub suite: Option<String>,
    /// Outcome for the version.
    pub outcome: Outcome,
    /// The commit, patches unapplied.
    pub commit: Option<String>,
    /// Id of the tree.
    pub tree: Option<String>,
    /// The commit with patches applied.
    pub applied_commit: Option<String>,
    /// Name of the tag.
    pub tag: Option<String>,
    /// Stage of the import that failed.
    pub stage: Option<String>,
    /// Code of the failure.
    pub code: Option<FailureCode>,
    /// The cause, or a remark.
    pub message: Option<String>,
    /// The version that it is built on and that is not there: `debian 1.0-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// Processor time in milliseconds, of all threads.
    pub cpu_ms: Option<u64>,
    /// Elapsed time in milliseconds.
    pub wall_ms: Option<u64>,
    /// The largest memory of the process that imported the package, in bytes.
    pub peak_rss: Option<u64>,
}

impl Report {
    /// A report with the facts of the request only.
    pub fn new(package: &str, version: Option<&str>, request: &VersionRequest, outcome: Outcome) -> Report {
        Report {
            package: package.to_owned(),
            version: version.map(str::to_owned),
            distro: request.distro.clone(),
            suite: request.suite.clone(),
            outcome,
            commit: None,
            tree: None,
            applied_commit: None,
            tag: None,
            stage: None,
            code: None,
            message: None,
            lacks: None,
            cpu_ms: None,
            wall_ms: None,
            peak_rss: None,
        }
    }

    /// The report with a failure.
    pub fn with_failure(mut self, failure: &Failure) -> Report {
        self.stage = Some(failure.stage.as_str().to_owned());
        self.code = Some(failure.code.clone());
        self.message = Some(failure.message.clone());
        self
    }
}
