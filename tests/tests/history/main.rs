//! Which histories imports make.
#![allow(clippy::unwrap_used)]

mod descent;
mod files;
mod function;
mod report;
mod repository;
mod same;
