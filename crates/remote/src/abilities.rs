//! Abilities of a server, found out once and remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Facts about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// True when it moves refs all or none; `None` before the first push.
    pub atomic: Option<bool>,
    /// Folders of refs that it does not accept, with its message.
    pub refuses: BTreeMap<String, String>,
    /// Folders of optional refs of which it has accepted at least one.
    pub accepts: BTreeSet<String>,
    /// True when it creates repositories at the first push.
    pub creates: Option<bool>,
}

/// Folders of refs that a server may accept or not, as a whole: no other ref depends on them.
const OPTIONAL: [&str; 1] = ["refs/dsc/"];

/// The folder of a ref that is optional: the rest is published without it.
pub fn optional_folder(name: &str) -> Option<&'static str> {
    OPTIONAL.into_iter().find(|folder| name.starts_with(folder))
}

impl Abilities {
    /// Records the answer about a ref, if refs of its folder are optional.
    pub fn learn(&mut self, name: &str, refusal: Option<&str>) {
        let Some(folder) = optional_folder(name) else { return };
        match refusal {
            None => {
                self.accepts.insert(folder.to_owned());
            }
            Some(why) => {
                self.accepts.remove(folder);
                self.refuses.insert(folder.to_owned(), why.to_owned());
            }
        }
    }

    /// True when the server is known to move such refs with others, all or none.
    pub fn takes_together<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        let is_accepted = |name| optional_folder(name).is_none_or(|folder| self.accepts.contains(folder));
        self.atomic == Some(true) && names.all(is_accepted)
    }

    /// Reason why a ref is not offered to the server at all.
    pub fn refusal(&self, name: &str) -> Option<&str> {
        let known = self.refuses.iter().find(|(folder, _)| name.starts_with(folder.as_str()));
        known.map(|(_, why)| why.as_str())
    }
}
