//! What kind of error a failure is, from its code.

use state::words::Class;

use crate::ending;
use crate::failure::{Failure, Stage};

/// Codes of what may go away by itself.
const TRANSIENT: &[&str] = &[
    "apt-failed",
    "bad-answer",
    "bad-http",
    "broken-connection",
    "busy",
    "connect",
    "endless-file",
    "expired",
    "file-changed",
    "folder-listing",
    "from-future",
    "index-mismatch",
    "locked",
    "redirect-loop",
    "ref-moved",
    "rolled-back",
    "server-error",
    "tag-exists",
    "timeout",
    "tls",
    "too-slow",
    "truncated",
    "unknown-host",
    "unmounted",
    "unreadable",
    "unreadable-file",
    "web-page",
    "wrong-part",
];

/// The same of getting a file: another mirror, or the next update of this one, has the right one. In a file that is
/// here, they stay.
const TRANSIENT_FETCH: &[&str] = &["checksum-mismatch", "size-mismatch"];

/// The same of an index or a list: whoever made it may mend it, and another mirror may have it right. In a package that
/// is here, they stay.
const UNKNOWN_ARCHIVE: &[&str] = &["bad-compression", "bad-signature", "expands-too-much"];

/// Codes of what the machine did, not the package.
const INFRASTRUCTURE: &[&str] = &[
    "apt-state",
    "bad-row",
    "broken-record",
    "cannot-start",
    "disk",
    "disk-full",
    "killed",
    "lock-held",
    "lost",
    "no-apt",
    "no-archive",
    "no-gpgv",
    "no-keyring",
    "repository-lost",
    "sandbox",
    "store",
    "stuck",
    "superseded",
];

/// Codes of what nobody knows yet.
const UNKNOWN: &[&str] = &[
    "bad-redirect",
    "bad-release",
    "bad-sources",
    "crashed",
    "missing-file",
    "not-found",
    "out-of-memory",
    "out-of-time",
    "refused",
    "repack",
    "repository",
    "text-around-signature",
];

/// What kind of error a failure is.
pub fn class(failure: &Failure) -> Class {
    let code = failure.code.as_str();
    let of_archive = matches!(failure.stage, Stage::Poll | Stage::Fetch);
    let of_machine = INFRASTRUCTURE.contains(&code) || ending::is_code_from_outside(code);
    if failure.stage == Stage::State || of_machine {
        Class::Infrastructure
    } else if TRANSIENT.contains(&code) || (of_archive && TRANSIENT_FETCH.contains(&code)) {
        Class::Transient
    } else if UNKNOWN.contains(&code)
        || ending::is_code_of_signal(code)
        || (of_archive && UNKNOWN_ARCHIVE.contains(&code))
    {
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
        assert_eq!(class("lock-held"), Class::Infrastructure);
        assert_eq!(class("signal-QUIT"), Class::Infrastructure);
        assert_eq!(class("signal-SEGV"), Class::Unknown);
        assert_eq!(class("connect"), Class::Transient);
        assert_eq!(class("crashed"), Class::Unknown);
        assert_eq!(class("bad-dsc"), Class::Permanent);
    }
}
