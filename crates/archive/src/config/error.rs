//! Errors in the configuration of archives.

/// Reason why archives cannot be used as they are configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two archives with one name.
    #[error("two archives are called {0:?}; give one of them another name")]
    SameName(String),
    /// There is no mirror.
    #[error("archive {0:?} has neither mirrors nor `apt = true`")]
    NoMirror(String),
    /// Two kinds of source at once.
    #[error("archive {0:?} has both mirrors and `apt = true`; make two archives of it")]
    AptAndMirrors(String),
    /// There is no suite.
    #[error("archive {0:?} follows no suites; add [[archives.suites]] with a name")]
    NoSuite(String),
    /// Nothing to check signatures with.
    #[error("archive {0:?} has no keyrings; nothing that it publishes could be trusted")]
    NoKeyring(String),
    /// A name that cannot be a suite's or a component's.
    #[error("archive {archive:?}: {name:?} cannot be the name of a {what}")]
    BadName {
        /// Name of the archive.
        archive: String,
        /// Word for the thing: `suite` or `component`.
        what: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A branch is needed and none is given.
    #[error("archive {archive:?}: suite {suite:?} needs `branch`: its name cannot be a branch's")]
    NeedsBranch {
        /// Name of the archive.
        archive: String,
        /// Name of the suite.
        suite: String,
    },
    /// A pattern whose suites would all get one branch.
    #[error(
        "archive {archive:?}: the branch of {suite:?} needs {{suite}} in it, for the suites that it matches"
    )]
    OneBranch {
        /// Name of the archive.
        archive: String,
        /// The pattern.
        suite: String,
    },
    /// Two suites with one branch.
    #[error("{first} and {second} would both be the branch {branch:?}; give one of them another `branch`")]
    SameBranch {
        /// The first, as `archive NAME, suite NAME`.
        first: String,
        /// Name of the second suite.
        second: String,
        /// Name of the branch, as `DISTRO/NAME`.
        branch: String,
    },
    /// A branch in the place of a folder of branches.
    #[error(
        "{first} would be the branch {outer:?} and {second} the branch {inner:?}, which Git cannot have together; give one of \
         them another `branch`"
    )]
    BranchBelow {
        /// The one with the shorter name.
        first: String,
        /// Name of the other suite.
        second: String,
        /// The branch of the first, `DISTRO/NAME`.
        outer: String,
        /// The branch of the second.
        inner: String,
    },
    /// Nothing to check old signatures with.
    #[error(
        "archive {0:?}: history has no keyrings; name them, or trust the service itself by `trust = \"served\"`"
    )]
    NoHistoryKeyring(String),
    /// A service is trusted although anybody on the way can answer in its place.
    #[error(
        "archive {0:?}: history has `trust = \"served\"`, so its url has to be https:// or of this machine"
    )]
    PlainHistory(String),
    /// The base is nobody's distro.
    #[error(
        "archive {archive:?}: no other archive has the distro {base:?}, on which this one is said to build"
    )]
    NoBase {
        /// Name of the archive.
        archive: String,
        /// Name of the distro.
        base: String,
    },
    /// A limit that lets nothing through.
    #[error("archive {archive:?}: transfer.{key} cannot be 0")]
    Zero {
        /// Name of the archive.
        archive: String,
        /// Name of the key.
        key: &'static str,
    },
}
