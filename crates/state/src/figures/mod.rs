//! Figures: what is counted while it happens, counted again from the rows, and sampled by the hour.

pub mod latency;
pub mod recount;
pub mod sample;
