//! The words of what is told.

use std::fmt;
use std::str::FromStr;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something that imports cannot do without is out of reach.
    Outage,
    /// More fails than normally does.
    Alert,
    /// Far more fails with one signature than usual.
    Surge,
    /// An index lists far less than before.
    Removals,
    /// No backup was taken for too long.
    Backup,
    /// What is imported does not get to a remote.
    Remote,
    /// A ref of ours that somebody else has moved waits for a decision.
    Collision,
    /// A package waits for a decision.
    Wedged,
    /// Something fails in a way that was never seen before.
    Signature,
    /// A repair was applied.
    Repair,
}

impl Kind {
    /// All, the most urgent first.
    pub const ALL: [Kind; 10] = [
        Kind::Outage,
        Kind::Alert,
        Kind::Surge,
        Kind::Removals,
        Kind::Backup,
        Kind::Remote,
        Kind::Collision,
        Kind::Wedged,
        Kind::Signature,
        Kind::Repair,
    ];

    /// Those that are told at once, if nothing else was said: what begins and ends.
    pub const URGENT: [Kind; 6] =
        [Kind::Outage, Kind::Alert, Kind::Surge, Kind::Removals, Kind::Backup, Kind::Remote];

    /// The kind as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Outage => "outage",
            Kind::Alert => "alert",
            Kind::Surge => "surge",
            Kind::Removals => "removals",
            Kind::Backup => "backup",
            Kind::Remote => "remote",
            Kind::Collision => "collision",
            Kind::Wedged => "wedged",
            Kind::Signature => "signature",
            Kind::Repair => "repair",
        }
    }

    /// What several of them are, as a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Kind::Outage => "Outages",
            Kind::Alert => "Alerts",
            Kind::Surge => "Signatures that rise",
            Kind::Removals => "Removals that are not believed",
            Kind::Backup => "Backups",
            Kind::Remote => "Remotes",
            Kind::Collision => "Collisions that wait for a decision",
            Kind::Wedged => "Packages that wait for a decision",
            Kind::Signature => "New signatures",
            Kind::Repair => "Repairs",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Kind, String> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("{word:?} is none of {}", all.join(", "))
        })
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is well again, or good to know.
    Ok,
    /// Somebody should look.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Level {
    /// The level as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Critical => "critical",
        }
    }

    /// Of a word; what is not known is a warning.
    pub fn of(word: &str) -> Level {
        match word {
            "ok" => Level::Ok,
            "critical" => Level::Critical,
            _ => Level::Warning,
        }
    }
}
