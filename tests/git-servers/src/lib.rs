//! Git servers that live as long as the test process: [`Ssh`] with plain repositories, [`Gitolite`], and [`Web`], which is
//! nginx with git-http-backend, a password and a certificate of its own authority.
//!
//! A shell holds the reading end of a pipe and stops a server when the other end closes: however the test process ends,
//! no server is left.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod gitolite;
mod keeper;
mod recorder;
mod ssh;
mod web;

pub use gitolite::Gitolite;
pub use recorder::{Recorder, git, git_says, template};
pub use ssh::Ssh;
pub use web::{PASSWORD, USER, Web};
