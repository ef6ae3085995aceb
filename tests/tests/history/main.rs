//! Which histories imports make.
#![allow(clippy::unwrap_used)]

mod descent;
mod function;
mod report;
mod repository;
mod same;
