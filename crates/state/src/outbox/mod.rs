//! Messages to people: transitions ([`notices`]), written in the transaction that changes the fact; the channels
//! ([`channels`]); and the messages of each channel, composed once and sent until accepted ([`messages`]).

pub mod channels;
pub mod messages;
pub mod notices;
mod sequence;
pub mod texts;
pub mod watch;
pub mod words;

pub use sequence::{last, sequence};
