//! Cases in which the dpkg-source of Debian unstable differs from that of bookworm, whose rules the importer follows:
//! `docs/dpkg-source-behaviour.md`, "Newer dpkg". All other cases must be equal, and the listed ones must differ.

/// Reason of the difference: a row of that table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// `debian/rules` that is not executable stays so, but in format 1.0.
    Rules,
    /// A patch of a file that is a symbolic link, or behind one, is applied.
    Links,
}

const LISTED: &[(&str, Why)] = &[
    ("v1-rules-upstream", Why::Rules),
    ("native-rules-not-executable", Why::Rules),
    ("native-debian-is-link", Why::Rules),
    ("native-debian-is-link-to-top", Why::Rules),
    ("rules-not-executable", Why::Rules),
    ("rules-is-hard-link", Why::Rules),
    ("rules-mode-zero", Why::Rules),
    ("patch-creates-rules", Why::Rules),
    ("v1-diff-through-link", Why::Links),
    ("git-symlink-deleted", Why::Links),
    ("path-through-link", Why::Links),
    ("path-through-link-of-earlier-patch", Why::Links),
];

/// Reason why the newest dpkg-source differs on a case; `None` if it does not.
pub fn why(case: &str) -> Option<Why> {
    LISTED.iter().find(|(name, _)| *name == case).map(|(_, why)| *why)
}

/// The names of all cases on which it differs.
pub fn names() -> impl Iterator<Item = &'static str> {
    LISTED.iter().map(|(name, _)| *name)
}
