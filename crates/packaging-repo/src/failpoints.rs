//! Points at which the tests of crash safety kill an import.

/// The names of all crash points of an import in this crate. A point that is passed at each of its hits is named once.
pub const FAILPOINTS: &[&str] = &[
    "repo::init",
    "repo::batch",
    "repo::pack-complete",
    "repo::pack-sealed",
    "repo::index-written",
    "repo::pack-renamed",
    "repo::pack-durable",
    "repo::refs-folded",
    "repo::refs-locked",
    "repo::refs-written",
    "repo::refs-synced",
    "repo::refs-checked",
    "repo::record-renamed",
    "repo::birth",
    "repo::birth-durable",
    "repo::refs-renamed",
    "repo::refs-durable",
    "repo::refs-moved",
    "repo::head-written",
    "repo::head-renamed",
];

/// Point at which the tests fill the disk, at any of its hits. Not only imports pass it.
pub const DISK: &str = "repo::disk";

/// The crash points of mirrors, which no import passes.
pub const OF_MIRRORS: &[&str] = &["mirror::copied", "mirror::packed", "mirror::renamed"];

/// The crash points of caches, which a child does not pass.
pub const OF_CACHES: &[&str] = &["cache::taking-over", "cache::going"];
