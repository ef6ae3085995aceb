//! One file a subcommand.

pub mod adopt;
pub mod archives;
pub mod audit;
pub mod backup;
pub mod baseline;
pub mod clone;
pub mod collision;
pub mod collisions;
pub mod completions;
pub mod enqueue;
pub mod explain;
pub mod export;
pub mod failures;
pub mod feeds;
pub mod freshness;
pub mod history;
pub mod hold;
pub mod import;
pub mod import_package;
pub mod incident;
pub mod incidents;
pub mod list;
pub mod log;
pub mod man;
pub mod metrics;
pub mod migrate;
pub mod mute;
pub mod notify;
pub mod poll;
pub mod prioritize;
pub mod prune;
pub mod publish;
pub mod queue;
pub mod quiesce;
pub mod rehearse;
pub mod release;
pub mod remotes;
pub mod repack;
pub mod repair;
pub mod requeue;
pub mod restore;
pub mod resume;
pub mod retry;
pub mod run;
pub mod samples;
pub mod serve;
pub mod set;
pub mod show;
pub mod signature;
pub mod status;
pub mod suppress;
pub mod tune;
pub mod unmute;
pub mod unsuppress;
pub mod user;
pub mod verify;
pub mod workers;

use std::env;

use operations::{Actor, Opened, Role};

pub use operations::Installation;

/// Leaves an installation open when the program ends: to free the memory of its connection piece by piece would only take
/// time. It is closed if that does more.
pub fn leave(opened: Opened) {
    if opened.store.may_be_left() {
        std::mem::forget(opened);
    }
}

/// Actor of a command. A user who may use the root and the database may do everything that these allow.
pub fn caller() -> Actor {
    Actor::new(actor(), Role::Admin)
}

/// Name of the actor for the records: the person behind `sudo`, not root.
fn actor() -> String {
    let set = |name: &str| env::var(name).ok().filter(|user| !user.is_empty());
    let user = set("SUDO_USER").or_else(importer::root::user_name);
    let user = user.unwrap_or_else(|| importer::root::user_id().to_string());
    format!("{user}@{}", importer::root::host_name())
}
