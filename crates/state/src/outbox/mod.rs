//! What is told to people: transitions ([`notices`]), written in the transaction that changes the fact; where they are told
//! ([`channels`]); and what each channel is told, put together once and sent until it was taken ([`messages`]).

pub mod channels;
pub mod messages;
pub mod notices;
mod sequence;
pub mod texts;
pub mod watch;
pub mod words;

pub use sequence::{last, sequence};
