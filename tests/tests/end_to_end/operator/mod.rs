//! What an operator sees and does, on an incident that real imports have made.
//!
//! Each text is what the program prints at 80 columns without a terminal. Only what differs from day to day is replaced.

mod blocks;
mod changing;
mod documents;
mod help;
mod incident;
mod install;
mod json;
mod metrics;
mod reading;
mod readme;
mod refusals;
mod screens;
mod shell;
mod snippets;
mod terminal;
