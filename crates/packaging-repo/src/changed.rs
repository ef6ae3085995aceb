//! Changed files as they are now, whole: the next patch often changes the same file, and would have to be told what it
//! is by the deltas of all that came before.

use std::collections::HashMap;

use crate::ObjectId;

/// So many bytes are kept at most.
const KEPT: usize = 4 << 20;

/// The contents of changed files, as many as there is room for.
#[derive(Default)]
pub(crate) struct Changed {
    files: HashMap<ObjectId, Vec<u8>>,
    bytes: usize,
}

impl Changed {
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&[u8]> {
        self.files.get(id).map(Vec::as_slice)
    }

    /// Keeps a file in place of what it was before.
    pub(crate) fn keep(&mut self, id: ObjectId, content: &[u8], before: &ObjectId) {
        let mut kept = self.files.remove(before).unwrap_or_default();
        self.bytes -= kept.len();
        if self.bytes + content.len() > KEPT {
            self.files.clear();
            self.bytes = 0;
        }
        kept.clear();
        kept.extend_from_slice(content);
        self.bytes += kept.len();
        if let Some(same) = self.files.insert(id, kept) {
            self.bytes -= same.len();
        }
    }
}
