//! The scripts: what happens in which minute.

use super::Scenario;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The mirror is out of reach,
    MirrorGoes,
    /// and can be reached again.
    MirrorComes,
    /// The disk is full,
    DiskFills,
    /// and has room again.
    DiskHasRoom,
    /// This number of packages is imported again by a faulty release, and fails.
    ReleaseBreaks(usize),
    /// The next release has no such fault.
    ReleaseIsMended,
    /// Somebody moves so many branches.
    Collide(usize),
    /// A person decides about all collisions, with a reason.
    Settle(String),
    /// A person suppresses the newest signature, with a reason.
    Suppress(String),
    /// A person tries all failing packages again, with a reason.
    Retry(String),
    /// A person holds the first packages, with a reason.
    Hold(usize, String),
    /// A person lets them go.
    Release(usize),
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// The events, each with its minute.
    pub beats: Vec<(i64, Beat)>,
    /// The length, in minutes.
    pub minutes: i64,
}

/// The night of a scenario.
pub fn night(scenario: Scenario) -> Night {
    let beats = match scenario {
        Scenario::Outage => vec![
            (15, Beat::MirrorGoes),
            (40, Beat::Hold(1, "its upload waits for a decision".into())),
            (105, Beat::MirrorComes),
            (110, Beat::Release(1)),
        ],
        Scenario::FullDisk => vec![(15, Beat::DiskFills), (75, Beat::DiskHasRoom)],
        Scenario::BadRelease => vec![
            (20, Beat::ReleaseBreaks(40)),
            (60, Beat::Suppress("the fault is found; the next release mends it".into())),
            (120, Beat::ReleaseIsMended),
            (121, Beat::Retry("the new release is installed".into())),
        ],
        Scenario::CollisionWave => {
            vec![(20, Beat::Collide(12)), (90, Beat::Settle("rejected by the team".into()))]
        }
        Scenario::DamagedDatabase => Vec::new(),
    };
    Night { beats, minutes: 180 }
}
