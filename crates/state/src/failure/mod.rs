//! Failures of packages: the current failure of a package, the signature that failures of one cause share, and the time
//! of the next try.

pub(crate) mod current;
pub mod reclassify;
pub mod retry_policy;
pub mod signature;
