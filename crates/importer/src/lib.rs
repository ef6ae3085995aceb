//! Plans and performs imports: from files on a command line to commits, tags and branches.
//!
//! The way of an import: [`plan`] finds files, [`queue`] makes jobs of them and starts a [`child`] for each, which
//! builds its [`sandbox`] and then [`perform`]s the import; errors become a [`failure`] with stage and code.

pub mod apt;
pub mod checking;
pub mod child;
pub mod collisions;
pub mod config;
#[cfg(feature = "failpoints")]
pub mod crash;
pub mod dsc_arguments;
mod ending;
pub mod failure;
mod files;
pub mod inspect;
pub mod lineage_wait;
pub mod names;
pub mod order;
pub mod patches;
pub mod perform;
pub mod place;
pub mod polling;
pub mod protocol;
pub mod publishing;
pub mod queue;
pub mod read_version;
pub mod rederive;
pub mod repairing;
pub mod root;
pub mod sandbox;
mod trees;

pub use archive::signature;
/// Arms the crash point that the environment names. Nothing in a release.
pub fn arm_crash_points() {
    #[cfg(feature = "failpoints")]
    crash::arm();
}
