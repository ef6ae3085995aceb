//! A message on its way.

use state::outbox::messages::Message;

use crate::text::Text;

/// A message, as it is sent.
pub struct Outgoing<'a> {
    /// The message.
    pub message: &'a Message,
    /// The message as text.
    pub text: &'a Text,
    /// Name of the installation in it.
    pub name: &'a str,
    /// Address of the pages.
    pub url: Option<&'a str>,
}
