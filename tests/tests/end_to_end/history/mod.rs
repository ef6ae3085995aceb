//! Histories that imports make.

mod descent;
mod files;
mod function;
mod report;
mod repository;
mod same;
