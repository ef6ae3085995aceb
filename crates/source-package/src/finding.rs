//! The codes of findings: what can be wrong with a repository, by itself and beside what the state, the archives and the
//! remotes say. An interface. `docs/repair.md` says what each means; a test compares it with this table.

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// The ways in which a finding ends.
    Healing {
        /// The next import, or the next check in the lane `verify`, mends it: nothing that others may have is replaced.
        Itself = "itself",
        /// A plan mends it, once a person has read it.
        Plan = "plan",
        /// A person decides.
        Person = "person",
    }
}

/// Makes the table: the code, its word, how it ends, and whether it says that something is damaged.
macro_rules! findings {
    ($($finding:ident = $word:literal $healing:ident $damage:literal,)*) => {
        words! {
            /// A word for the kind of a finding.
            #[derive(Serialize, Deserialize)]
            #[serde(rename_all = "kebab-case")]
            #[allow(missing_docs)] // docs/repair.md says what each means.
            Finding { $($finding = $word,)* }
        }

        impl Finding {
            /// The way in which it ends.
            pub fn healing(self) -> Healing {
                match self { $(Finding::$finding => Healing::$healing,)* }
            }

            /// True if something is damaged. Other findings are foreign refs, or differences that are harmless for
            /// clones.
            pub fn is_damage(self) -> bool {
                match self { $(Finding::$finding => $damage,)* }
            }
        }
    };
}

findings! {
    // Objects.
    ObjectsMissing = "objects-missing" Plan true,
    PackTorn = "pack-torn" Plan true,
    PackGone = "pack-gone" Plan true,
    PackIndexGone = "pack-index-gone" Itself true,
    // Refs.
    PackedRefsBroken = "packed-refs-broken" Itself true,
    PeeledWrong = "peeled-wrong" Itself true,
    RefGone = "ref-gone" Itself true,
    RefReplaced = "ref-replaced" Itself true,
    BranchMoved = "branch-moved" Itself false,
    BranchForeign = "branch-foreign" Person false,
    TagForeign = "tag-foreign" Person false,
    RefForeign = "ref-foreign" Person false,
    RefBlocked = "ref-blocked" Person false,
    RefUnreadable = "ref-unreadable" Plan true,
    HeadMissing = "head-missing" Itself true,
    HeadWrong = "head-wrong" Itself true,
    // Tags, and what they say.
    TagGone = "tag-gone" Plan true,
    TagDiffers = "tag-differs" Plan true,
    AppliedGone = "applied-gone" Plan true,
    AppliedDiffers = "applied-differs" Plan true,
    DscGone = "dsc-gone" Plan true,
    DscDiffers = "dsc-differs" Plan true,
    SignatureGone = "signature-gone" Plan true,
    UpstreamGone = "upstream-gone" Plan true,
    UpstreamDiffers = "upstream-differs" Person true,
    // Branches, by what the state says of them.
    BranchGone = "branch-gone" Plan true,
    BranchBehind = "branch-behind" Plan true,
    BranchDiffers = "branch-differs" Plan true,
    // The importer's record.
    RecordGone = "record-gone" Itself false,
    RecordBroken = "record-broken" Plan true,
    // Files.
    LockLeft = "lock-left" Itself true,
    FolderGone = "folder-gone" Itself true,
    FileStrange = "file-strange" Person true,
    OwnerWrong = "owner-wrong" Plan true,
    ModeWrong = "mode-wrong" Itself true,
    HooksForeign = "hooks-foreign" Plan true,
    AlternatesForeign = "alternates-foreign" Plan true,
    ConfigChanged = "config-changed" Plan true,
    // The state beside the repository.
    RepositoryGone = "repository-gone" Plan true,
    RepositoryUnknown = "repository-unknown" Itself true,
    VersionUnknown = "version-unknown" Itself true,
    // The archive's index, and remotes.
    ListedNotQueued = "listed-not-queued" Itself true,
    RemoteBehind = "remote-behind" Itself false,
    RemoteForeign = "remote-foreign" Person false,
    // Nothing could be looked at.
    Unreadable = "unreadable" Person true,
}
