//! Pages: each asks the state and renders the answer in parts. The [`Shell`] is the frame of all pages.

pub mod act;
pub mod archives;
pub mod audit;
pub mod chart;
pub mod collisions;
pub mod failures;
pub mod freshness;
pub mod front;
pub mod hosts;
pub mod incidents;
pub mod log;
pub mod package;
pub mod parts;
pub mod plan;
pub mod plans;
pub mod queue;
pub mod remotes;
pub mod search;
pub mod shell;
pub mod sign_in;
pub mod signature;
pub mod verdict;

pub use shell::{Page, Part, Shell};
