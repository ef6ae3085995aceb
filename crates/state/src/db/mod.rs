//! The database: a connection, its transactions, how it is opened, examined and pruned.

mod files;
pub mod integrity;
pub mod meta;
pub(crate) mod number;
pub mod open;
pub mod retention;
pub mod store;
pub mod tx;
mod waiting;
pub(crate) mod wal;
