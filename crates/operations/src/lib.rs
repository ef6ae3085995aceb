//! All questions to an installation, and all actions on it. The interfaces (the command line, the pages) have no logic
//! of their own: they read arguments, call this crate, and print the result.
//!
//! An [`Installation`] is the place of one; [`Opened`] has its state open. A question is a function of [`questions`],
//! whose answer is, as JSON, what `--json` prints. Every role may ask all of them.
//!
//! Some work needs the files of this machine, or comes before there is a state: it takes the [`Installation`] itself, and
//! reports its progress to a callback. [`copies`] are what people take away.
//!
//! An [`Action`] is a type whose fields are its arguments, in types that cannot hold a wrong value. [`Action::preview`]
//! lists the changes and makes none; [`Action::perform`] makes them, and records actor and reason in the same
//! transaction. Both take an [`Actor`], and refuse one whose [`Role`] is not enough. [`ACTIONS`] lists them;
//! `docs/architecture.md` has the same list for people.
//!
//! Nothing here prints, ends the process or knows a command line. An [`Error`] has a [`Class`].

pub mod accounts;
mod action;
pub mod actions;
pub mod codes;
pub mod copies;
mod error;
pub mod feeds;
pub mod given;
pub mod in_cache;
mod installation;
mod looking_back;
pub mod moment;
mod packages;
mod past;
pub mod questions;
mod reason;
pub mod rehearsal;
mod role;
pub mod telling;

pub use action::{Action, Change, Kind, Preview};
pub use error::{Class, Error};
pub use installation::{Installation, Opened};
pub use looking_back::LookBack;
pub use packages::{Comparison, Failing, Imported, Names};
pub use past::Past;
pub use reason::Reason;
pub use role::{Actor, Permit, Role};

/// Entry of an action in the list of all actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name of the action.
    pub name: &'static str,
    /// Role that is needed.
    pub role: Role,
    /// True when a reason is required.
    pub needs_reason: bool,
    /// True when it works on the [`Installation`] of this machine: on files, repositories, or a state that is not open.
    pub of_machine: bool,
}

const fn listed<A: Action>() -> Listed {
    Listed { name: A::NAME, role: A::ROLE, needs_reason: A::NEEDS_REASON, of_machine: false }
}

const fn of_machine<A: Action<Installation>>() -> Listed {
    Listed { name: A::NAME, role: A::ROLE, needs_reason: A::NEEDS_REASON, of_machine: true }
}

/// All actions: those on the open state first, then those on the [`Installation`] of this machine.
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
    listed::<actions::repair::PlanRepair>(),
    listed::<actions::repair::ApplyRepair>(),
    listed::<actions::repair::UndoRepair>(),
    listed::<actions::mute::Mute>(),
    listed::<actions::mute::Unmute>(),
    listed::<actions::prune::Prune>(),
    listed::<actions::channels::SendDue>(),
    listed::<actions::channels::TestChannel>(),
    of_machine::<actions::import::Import<'_>>(),
    of_machine::<actions::run::Run>(),
    of_machine::<actions::publish::Publish<'_>>(),
    of_machine::<actions::verify::Verify<'_>>(),
    of_machine::<actions::repack::Repack<'_>>(),
    of_machine::<actions::backup::Backup<'_>>(),
    of_machine::<actions::backup::Restore<'_>>(),
    of_machine::<actions::backup::RestorePackages>(),
    of_machine::<actions::backup::Adopt<'_>>(),
    of_machine::<actions::migrate::Migrate>(),
    of_machine::<actions::migrate::MoveState<'_>>(),
    of_machine::<actions::migrate::UndoMove>(),
    of_machine::<actions::accounts::AddUser>(),
    of_machine::<actions::accounts::ChangePassword>(),
    of_machine::<actions::accounts::RemoveUser>(),
];
