//! Where the tests of crash safety kill an import.

/// The names of all crash points of this crate. A point that is passed at each of its hits is named once.
pub const FAILPOINTS: &[&str] = &[
    "repo::disk",
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
