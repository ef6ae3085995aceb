//! The scripts: what happens in which minute.

use super::Scenario;
use super::player::{Beat, Night};

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
