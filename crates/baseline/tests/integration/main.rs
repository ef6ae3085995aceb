//! The rule on histories: those of scenarios, and those that are generated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backtest;
mod common;
mod days;
mod earned;
mod exemptions;
mod family;
mod lives;
mod properties;
mod scenarios;
mod unseen;
mod years;
