//! Repair: what is wrong with the repository of a package, what would mend it, and doing exactly that.
//!
//! [`look`] compares a repository with what is on record and with the word of the state, and says which [`Step`]s would bring it
//! to where it belongs; nothing is written. A [`Plan`] is these steps, to be kept and read. [`apply()`] looks again under the
//! repository's lock, refuses a plan that says something else than what it finds, and takes the very steps. [`undo`] makes a plan of
//! an applied one, backwards: what a step replaces is kept.
//!
//! Nothing here knows a database, an archive or a remote: what these say comes in as findings and goes out as steps of others.

mod ancestors;
mod apply;
mod files;
mod forget;
mod journal;
mod look;
mod owner;
mod packs;
mod plan;
mod refs;
mod undo;

pub use ancestors::{NotRebuilt, ancestors};
pub use apply::{Applied, Refused, apply};
pub use forget::forget;
pub use look::{At, Looked, look};
pub use plan::{Act, Mark, Plan, Step, Summary};
pub use undo::undo;
