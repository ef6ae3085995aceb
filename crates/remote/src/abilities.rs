//! Abilities of a server, found out once and remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Facts about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// True when it moves refs all or none; `None` before the first push.
    pub atomic: Option<bool>,
    /// Folders of refs that it does not accept, with its message.
    pub refuses: BTreeMap<String, String>,
    /// True when it creates repositories at the first push.
    pub creates: Option<bool>,
}

/// Folders of refs that a server may take or not, as a whole: nothing else depends on them.
const OPTIONAL: [&str; 1] = ["refs/dsc/"];

/// The folder of a ref without which the rest is published.
pub fn optional_folder(name: &str) -> Option<&'static str> {
    OPTIONAL.into_iter().find(|folder| name.starts_with(folder))
}

impl Abilities {
    /// Reason why a ref is not offered to the server at all.
    pub fn refusal(&self, name: &str) -> Option<&str> {
        let known = self.refuses.iter().find(|(folder, _)| name.starts_with(folder.as_str()));
        known.map(|(_, why)| why.as_str())
    }
}
