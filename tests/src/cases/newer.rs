//! Where the dpkg-source of Debian unstable makes something else of a case than that of bookworm, whose rules are the
//! importer's: `docs/dpkg-source-behaviour.md`, "Newer dpkg". What is not listed is the same, and what is listed is not.

/// Why it does something else: a row of that table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// `debian/rules` that is not executable stays so, but in format 1.0.
    Rules,
    /// A patch of a file that is a symbolic link, or behind one, is applied.
    Links,
}

const LISTED: &[(&str, Why)] = &[];

/// Why the newest dpkg-source differs on a case, if it does.
pub fn why(case: &str) -> Option<Why> {
    LISTED.iter().find(|(name, _)| *name == case).map(|(_, why)| *why)
}

/// The names of all cases on which it differs.
pub fn names() -> impl Iterator<Item = &'static str> {
    LISTED.iter().map(|(name, _)| *name)
}
