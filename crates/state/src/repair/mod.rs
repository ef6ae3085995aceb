//! Repair: what is wrong with repositories, what was planned against it, and what of it does not count for a time. What steps of a
//! plan mean is nothing to this crate: plans are JSON.

pub mod findings;
pub mod kept;
pub mod mutes;
pub mod plans;
pub mod witness;
