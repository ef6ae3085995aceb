//! Versions, changelogs, patches and their headers as dpkg, GNU patch and Git read them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dpkg_changelog;
mod dpkg_version;
mod git_mailinfo;
mod patch_differential;
mod threads;
