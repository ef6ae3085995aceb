//! Publishing: repositories go to remotes in a pool of its own, beside imports. No import waits for a remote, and none fails
//! because of one.
//!
//! [`config`] is the section of the configuration, [`entrance`] a remote that is ready to be used, [`folder`] one that
//! is a folder of this machine, [`job`] one package on one remote, [`cache`] one whose
//! repository is a cache of the remote's, [`pool`] all of them during a run, [`journal`] what came of each.

pub mod by_hand;
pub mod cache;
pub mod config;
pub mod entrance;
mod folder;
pub mod job;
pub mod journal;
pub mod perform;
pub mod pool;
mod trouble;
