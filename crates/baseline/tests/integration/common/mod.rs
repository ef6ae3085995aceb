//! Generated histories, hour by hour, from a seed.
#![allow(dead_code)]

pub mod oracle;
pub mod peers;
pub mod random;
pub mod series;
pub mod trial;
pub mod world;
