//! A message on its way.

use state::outbox::messages::Message;

use crate::text::Text;

/// A message, as it is sent.
pub struct Outgoing<'a> {
    /// What it says.
    pub message: &'a Message,
    /// The same as text.
    pub text: &'a Text,
    /// What it calls the installation.
    pub name: &'a str,
    /// Where its pages are.
    pub url: Option<&'a str>,
}
