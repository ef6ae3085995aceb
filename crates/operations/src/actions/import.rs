//! Imports on request: at once, beside a run if there is one.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use importer::dsc_arguments::Item;
use importer::queue::by_hand::{self, Step};
use importer::queue::session::Session;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::given;
use crate::installation::Installation;
use crate::role::{Permit, Role};

/// Imports `.dsc` files now, in a session of this process. On record: the publication of each, with a sealed reason of
/// the trust, and the attempts; no entry in the audit trail.
pub struct Import<'a> {
    /// The files, with the suite that each is published in and why it may be trusted.
    pub items: Vec<Item>,
    /// Packages at a time; as many as there are processors by default, and no more than there are files.
    pub jobs: Option<NonZeroUsize>,
    /// Called once, when the session has begun: from then on, requests to stop are for the session.
    pub begun: &'a dyn Fn(&Arc<Session>) -> io::Result<()>,
    /// Called as things happen: from several threads, but never from two at once.
    pub watch: &'a (dyn Fn(Step<'_>) + Sync),
}

/// End of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportEnd {
    /// Every file was tried.
    Done,
    /// The session was told to stop. What is not imported stays in the queue.
    Stopped,
}

impl Import<'_> {
    fn jobs(&self) -> usize {
        if self.items.len() <= 1 {
            return 1;
        }
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.map_or_else(cores, NonZeroUsize::get).min(self.items.len())
    }
}

impl Action<Installation> for Import<'_> {
    const NAME: &'static str = "import";
    const ROLE: Role = Role::Admin;
    type Done = ImportEnd;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        given::check_names(&at.root, &self.items)?;
        let change = |item: &Item| {
            let suite = item.suite.as_deref().unwrap_or("no suite");
            Change::new(Kind::Path, item.dsc.display().to_string())
                .after(format!("imported into {}/{suite}", item.distro))
        };
        Ok(Preview::of(self.items.iter().map(change)))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<ImportEnd, Error> {
        given::check_names(&at.root, &self.items)?;
        let session = at.begin(at.config()?, "import", self.jobs(), false)?;
        let pulse = at.pulse(&session)?;
        (self.begun)(&session).map_err(Error::file("cannot handle signals"))?;
        by_hand::import(&session, self.items.clone(), |step| (self.watch)(step));
        drop(pulse);
        let is_stopped = session.is_stopping();
        session.close(if is_stopped { "interrupted" } else { "done" }, None)?;
        Ok(if is_stopped { ImportEnd::Stopped } else { ImportEnd::Done })
    }
}
