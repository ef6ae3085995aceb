//! What the end-to-end tests share.

pub mod installation;
pub mod synthetic;
