//! One file for what belongs together.

pub mod baseline;
pub mod collision;
pub mod counters;
pub mod enqueue;
pub mod history;
pub mod hold;
pub mod hosts;
pub mod mute;
pub mod poll;
pub mod prune;
pub mod queue;
pub mod remotes;
pub mod repair;
pub mod samples;
pub mod settings;
pub mod signature;
pub mod suppress;
