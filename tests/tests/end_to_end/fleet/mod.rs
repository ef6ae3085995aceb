//! Many machines on one PostgreSQL: what each login may do, a right that is taken away in the middle of a run, hosts that
//! are frozen, and what an idle service costs.

mod frozen;
mod hour;
mod idle;
mod rights;
mod roles;
pub mod world;
