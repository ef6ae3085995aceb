//! Reasons of actions.

use std::str::FromStr;

/// Reason of an action: a text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Reason, String> {
        if text.trim().is_empty() {
            return Err("the reason is empty: say why this is done".to_owned());
        }
        Ok(Reason(text.to_owned()))
    }
}
