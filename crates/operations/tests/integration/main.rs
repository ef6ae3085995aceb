//! Properties of all actions and all questions, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod actions;
mod answers;
mod attached;
mod machine;
mod nights;
mod roles;
mod world;
