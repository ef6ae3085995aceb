//! Which histories imports make.

mod descent;
mod function;
mod report;
mod repository;
mod same;
