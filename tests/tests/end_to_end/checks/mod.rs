//! Answers of the checks in each state that an importer can be in. The names of the tests begin with the number of
//! the requirement that they show. Records are made by the state's own functions, at a time that stands still.

mod absence;
mod clocks;
mod cost;
mod every;
mod failures;
mod hostile;
mod lines;
mod policy;
mod schema;
mod states;
mod world;
