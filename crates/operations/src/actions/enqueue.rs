//! Putting packages into the queue.

use importer::dsc_arguments::Item;
use importer::queue::requests;
use state::publications::{self, NewPublication};
use state::words::{Lane, Tasks};
use state::{events, operate, queue};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::packages::Names;
use crate::role::{Permit, Role};

/// Asks for everything that is known to be published of packages and is not imported; in lane `verify` for a check of their
/// repositories, too. On record: `enqueue`, an entry for each package.
#[derive(Clone, Debug)]
pub struct Enqueue {
    /// Packages to queue.
    pub packages: Names,
    /// Lane of the jobs.
    pub lane: Lane,
}

/// Queues `.dsc` files that are given by hand, with the decision to trust them. On record: the publication of each,
/// with a sealed reason of the trust; no entry in the audit trail.
#[derive(Clone, Debug)]
pub struct EnqueueFiles {
    /// The files, with the suite that each is published in and why it may be trusted.
    pub items: Vec<Item>,
    /// Lane of the jobs.
    pub lane: Lane,
}

/// Result of queueing.
#[derive(Debug, Default)]
pub struct Enqueued {
    /// Number of packages that are in the queue.
    pub queued: usize,
    /// Reasons why others are not, a line for each.
    pub refused: Vec<String>,
}

/// Files that are recorded in one transaction: each writes up to four rows.
const RECORDED: usize = 40;

/// In lane `verify` the repository is checked, too, once its publications are imported.
fn tasks(lane: Lane) -> Tasks {
    if lane == Lane::Verify { Tasks::IMPORT.and(Tasks::VERIFY) } else { Tasks::IMPORT }
}

fn into_lane(kind: Kind, subject: &str, lane: Lane) -> Change {
    Change::new(kind, subject).after(format!("queued in lane {lane}"))
}

impl Action for Enqueue {
    const NAME: &'static str = "enqueue";
    const ROLE: Role = Role::Operate;
    type Done = Enqueued;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let mut changes = Vec::new();
        for name in self.packages.as_slice() {
            if at.store.read(|tx| state::read::package::id(tx, name))?.is_some() {
                changes.push(into_lane(Kind::Package, name, self.lane));
            }
        }
        Ok(Preview::of(changes))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Enqueued, Error> {
        let (by, lane, mut done) = (permit.by(), self.lane, Enqueued::default());
        for name in self.packages.as_slice() {
            let queued = at.store.write(|tx| {
                let package = operate::known(tx, name)?;
                queue::enqueue(tx, package, lane, tasks(lane))?;
                events::record(tx, by.actor, "enqueue", name, by.reason, None, Some(lane.as_str()))
            });
            match queued {
                Ok(()) => done.queued += 1,
                Err(error) => done.refused.push(error.to_string()),
            }
        }
        Ok(done)
    }
}

impl EnqueueFiles {
    /// Records of the files that can be queued, and the reasons why others cannot.
    fn known(&self, at: &Opened) -> Result<(Vec<Wanted>, Vec<String>), Error> {
        let key = requests::key(&at.root).map_err(|failure| Error::Failed(failure.to_string()))?;
        let (mut known, mut refused) = (Vec::new(), Vec::new());
        for item in &self.items {
            match requests::from_file(item, &at.config.limits.dsc(), &key) {
                Ok((package, publication)) => {
                    known.push((package, NewPublication { lane: self.lane, ..publication }));
                }
                Err(failure) => refused.push(format!("{}: {failure}", item.dsc.display())),
            }
        }
        Ok((known, refused))
    }
}

/// A package, and one of its publications.
type Wanted = (String, NewPublication);

impl Action for EnqueueFiles {
    const NAME: &'static str = "enqueue-files";
    const ROLE: Role = Role::Admin;
    type Done = Enqueued;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let (known, _) = self.known(at)?;
        let change = |(package, what): &Wanted| {
            into_lane(Kind::Publication, &format!("{package} {}", what.version), self.lane)
        };
        Ok(Preview::of(known.iter().map(change)))
    }

    fn act(&self, at: &Opened, _: &Permit<'_>) -> Result<Enqueued, Error> {
        let (known, refused) = self.known(at)?;
        for chunk in known.chunks(RECORDED) {
            at.store.write(|tx| {
                for (package, publication) in chunk {
                    let id = queue::package_id(tx, package)?;
                    publications::record(tx, id, publication)?;
                    queue::enqueue(tx, id, self.lane, tasks(self.lane))?;
                }
                Ok(())
            })?;
        }
        Ok(Enqueued { queued: known.len(), refused })
    }
}
