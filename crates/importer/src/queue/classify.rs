//! What kind of error a failure is, from its code.

use state::words::Class;

use crate::failure::{Failure, Stage};

/// Codes of what may go away by itself.
const TRANSIENT: &[&str] = &[
    "unreachable",
    "connect",
    "timeout",
    "tls",
    "server-error",
    "too-many-requests",
    "interrupted",
    "slow",
    "stale-index",
    "mirror-updating",
    "apt-failed",
    "apt-state",
    "unreadable-file",
    "ref-moved",
    "locked",
];

/// Codes of what the machine did, not the package.
const INFRASTRUCTURE: &[&str] = &[
    "disk-full",
    "store",
    "killed",
    "lost",
    "superseded",
    "cannot-start",
    "sandbox",
    "no-gpgv",
    "no-keyring",
    "no-apt",
];

/// Codes of what nobody knows yet.
const UNKNOWN: &[&str] = &[
    "crashed",
    "repository",
    "out-of-time",
    "out-of-memory",
    "missing-file",
    "not-found",
    "refused",
    "bad-redirect",
    "folder-listing",
    "size-mismatch",
    "disk",
];

/// What kind of error a failure is.
pub fn class(failure: &Failure) -> Class {
    let code = failure.code.as_str();
    if failure.stage == Stage::State || INFRASTRUCTURE.contains(&code) {
        Class::Infrastructure
    } else if TRANSIENT.contains(&code) {
        Class::Transient
    } else if UNKNOWN.contains(&code) {
        Class::Unknown
    } else {
        Class::Permanent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_import_is_not_the_packages_fault() {
        let class = |code: &str| class(&Failure::new(Stage::Worker, code, ""));
        assert_eq!(class("killed"), Class::Infrastructure);
        assert_eq!(class("disk-full"), Class::Infrastructure);
        assert_eq!(class("connect"), Class::Transient);
        assert_eq!(class("crashed"), Class::Unknown);
        assert_eq!(class("bad-dsc"), Class::Permanent);
    }
}
