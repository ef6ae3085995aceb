//! Plans and performs imports: from files on a command line to commits, tags and branches.
//!
//! The way of an import: [`plan`] finds files, [`queue`] makes jobs of them and starts a [`child`] for each, which builds
//! its [`sandbox`] and then [`perform`]s the import; what goes wrong becomes a [`failure`] with stage and code.

pub mod apt;
pub mod base;
pub mod child;
pub mod config;
#[cfg(feature = "failpoints")]
pub mod crash;
mod ending;
pub mod failure;
mod files;
pub mod inspect;
pub mod order;
pub mod patches;
pub mod perform;
pub mod plan;
pub mod polling;
pub mod protocol;
pub mod queue;
pub mod rederive;
pub mod root;
pub mod sandbox;
pub mod stage;
mod trees;

pub use archive::signature;
use packaging_repo::refname::{InvalidName, check_distro, check_suite};

/// Whether a distro and a suite can become the name of a branch.
pub fn check_names(distro: &str, suite: Option<&str>) -> Result<(), InvalidName> {
    check_distro(distro)?;
    suite.map_or(Ok(()), check_suite)
}

/// Arms the crash point that the environment names. Nothing in a release.
pub fn arm_crash_points() {
    #[cfg(feature = "failpoints")]
    crash::arm();
}
