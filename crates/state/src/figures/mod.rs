//! Figures: counters, the same numbers counted again from the rows, and samples by the hour.

pub mod latency;
pub mod recount;
pub mod sample;
