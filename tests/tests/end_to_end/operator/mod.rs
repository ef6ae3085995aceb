//! Screens and commands of an operator, on an incident that real imports have made.
//!
//! Each text is the program's output at 80 columns without a terminal. Only values that differ from day to day are
//! replaced.

mod blocks;
mod changing;
mod documents;
mod help;
mod incident;
mod install;
mod json;
mod looking_back;
mod metrics;
mod reading;
mod readme;
mod refusals;
mod screens;
mod shell;
mod snippets;
mod terminal;
