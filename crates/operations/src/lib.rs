//! Everything that can be asked of an installation, or done with it. Whoever shows it (the command line, a page) has no
//! logic of its own: it reads arguments, calls this, and prints what comes back.
//!
//! An [`Installation`] is where one is; [`Opened`] has its state at hand. A question is a function of [`questions`], whose
//! answer is, as JSON, what `--json` prints. Whoever may see anything may ask all of them.
//!
//! An [`Action`] is a type whose fields are its arguments, in types that cannot hold a wrong value. [`Action::preview`] says
//! what would change and changes nothing; [`Action::perform`] does it, and records in the same transaction who did it and why.
//! Both take an [`Actor`], and refuse one whose [`Role`] may not. [`ACTIONS`] lists them; `docs/architecture.md` has the same
//! list for people.
//!
//! Nothing here prints, ends the process or knows a command line. An [`Error`] has a [`Class`].

mod action;
pub mod actions;
pub mod codes;
mod error;
mod installation;
pub mod moment;
mod packages;
mod past;
pub mod questions;
mod reason;
mod role;
pub mod telling;

pub use action::{Action, Change, Kind, Preview};
pub use error::{Class, Error};
pub use installation::{Installation, Opened};
pub use packages::{Comparison, Failing, Imported, Names};
pub use past::Past;
pub use reason::Reason;
pub use role::{Actor, Permit, Role};

/// What stands in the list of actions of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its word.
    pub name: &'static str,
    /// Who may.
    pub role: Role,
    /// Whether it is done only with a reason.
    pub needs_reason: bool,
}

const fn listed<A: Action>() -> Listed {
    Listed { name: A::NAME, role: A::ROLE, needs_reason: A::NEEDS_REASON }
}

/// Every action.
pub const ACTIONS: &[Listed] = &[
    listed::<actions::hold::Hold>(),
    listed::<actions::hold::Release>(),
    listed::<actions::queue::Retry>(),
    listed::<actions::queue::Requeue>(),
    listed::<actions::queue::Prioritize>(),
    listed::<actions::enqueue::Enqueue>(),
    listed::<actions::enqueue::EnqueueFiles>(),
    listed::<actions::history::AskHistory>(),
    listed::<actions::collision::Resolve>(),
    listed::<actions::poll::Poll<'_>>(),
    listed::<actions::suppress::Suppress>(),
    listed::<actions::suppress::Unsuppress>(),
    listed::<actions::signature::Decide>(),
    listed::<actions::baseline::AcceptBaseline>(),
    listed::<actions::baseline::SetBaseline>(),
    listed::<actions::baseline::UnsetBaseline>(),
    listed::<actions::samples::DropSamples>(),
    listed::<actions::settings::Set>(),
    listed::<actions::hosts::Quiesce>(),
    listed::<actions::hosts::Resume>(),
    listed::<actions::remotes::LeaveRemote>(),
    listed::<actions::counters::RepairCounters>(),
    listed::<actions::prune::Prune>(),
];
