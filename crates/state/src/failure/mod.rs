//! What fails: the failure of a package, the signature that it shares with others, and when it is tried again.

pub(crate) mod current;
pub mod reclassify;
pub mod retry_policy;
pub mod signature;
