//! Copies an installation while it works, and restores it.
//!
//! The state is copied first and the repositories second, so that the copy never has a version on record that its
//! repository lacks; the other way round, [`restore`] records what the repository has. Within a [`repository`] the refs
//! are read first and the objects copied second: objects are there before a ref names them, so all objects of a copied
//! ref existed when the copying of objects began, and are copied.

pub mod check;
mod error;
pub mod manifest;
pub mod package;
pub mod reconcile;
pub mod repository;
pub mod restore;
mod sums;
pub mod take;

pub use error::BackupError;
