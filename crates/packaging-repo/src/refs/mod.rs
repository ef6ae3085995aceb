//! Refs: their names, where Git keeps them, the locks and fences around a change, and the transaction that moves them.

pub mod fence;
pub(crate) mod first_publish;
pub(crate) mod lock;
pub(crate) mod loose;
pub(crate) mod packed;
pub mod refname;
mod transaction;

pub use transaction::{Decided, Edit, Refs, Value, read};
pub(crate) use transaction::{apply, put_on_record, rewrite, transact};
