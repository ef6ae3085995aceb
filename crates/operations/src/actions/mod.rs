//! One file for what belongs together.

pub mod accounts;
pub mod backup;
pub mod baseline;
pub mod channels;
pub mod collision;
pub mod counters;
pub mod enqueue;
pub mod history;
pub mod hold;
pub mod hosts;
pub mod import;
pub mod migrate;
pub mod mute;
pub mod poll;
pub mod prune;
pub mod publish;
pub mod queue;
pub mod remotes;
pub mod repack;
pub mod repair;
pub mod run;
pub mod samples;
pub mod settings;
pub mod signature;
pub mod suppress;
pub mod verify;
