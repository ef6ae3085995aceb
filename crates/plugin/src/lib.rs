//! The kit of the checks: everything that a plugin for Nagios, NRPE and Icinga needs, so that a check only contains
//! its question and its judgement. `docs/writing-a-check.md` builds a whole check with it.
//!
//! A check implements [`Check`] and calls [`main`]. The kit parses the options, has a child do the reading
//! (`guard`), finds the configuration (`config`) and the database (`database`), opens it so that nothing is changed
//! (`sqlite`, `postgres`), hands it to the check, turns the [`Report`] into one line within its limits (`output`),
//! prints it once and exits with the status.
//!
//! `views` and `time` know the product; the rest would do for a check of any program.

pub mod alive;
mod check;
mod config;
mod database;
mod guard;
mod limits;
mod metric;
mod options;
mod output;
#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod report;
mod rights;
mod sqlite;
mod status;
mod stdout;
mod text;
mod threshold;
pub mod time;
mod trouble;
pub mod views;

pub use check::{Check, Settings, main};
pub use database::{Database, Parameter, Row, Value};
pub use limits::{LimitTexts, Limits};
pub use metric::Unit;
pub use options::{Common, NoOptions};
pub use report::Report;
pub use status::Status;
pub use threshold::{Threshold, ThresholdError};
pub use time::Span;
pub use trouble::Trouble;
