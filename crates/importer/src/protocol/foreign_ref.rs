//! A foreign ref, as a child reports it.

use packaging_repo::ObjectId;
use packaging_repo::collision::Collision;
use packaging_repo::foreign::Foreign;
use serde::{Deserialize, Serialize};

/// A foreign ref.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRef {
    /// Full name of the ref.
    pub name: String,
    /// Kind of the foreign ref: a word of [`packaging_repo::foreign::Kind`].
    pub kind: String,
    /// Object that the importer has put the ref to, if it has.
    pub ours: Option<String>,
    /// Object that the ref points to, if it exists.
    pub theirs: Option<String>,
    /// Kind of its content: a word of [`packaging_repo::collision::Kind`].
    #[serde(default)]
    pub content: Option<String>,
}

impl ForeignRef {
    /// A ref, and the kind of its content.
    pub fn judged(it: &Foreign, judged: Option<&Collision>) -> ForeignRef {
        let content = judged.map(|judged| judged.kind.as_str().to_owned());
        ForeignRef { content, ..ForeignRef::from(it) }
    }

    /// True when nobody needs to be told of it: its content is ours.
    pub fn is_quiet(&self) -> bool {
        matches!(self.content.as_deref(), Some("adopted" | "contained" | "noise"))
    }
}

impl From<&Foreign> for ForeignRef {
    fn from(it: &Foreign) -> Self {
        let text = |id: Option<ObjectId>| id.map(|id| id.to_string());
        ForeignRef {
            name: it.name.clone(),
            kind: it.kind.as_str().to_owned(),
            ours: text(it.ours),
            theirs: text(it.theirs),
            content: None,
        }
    }
}
