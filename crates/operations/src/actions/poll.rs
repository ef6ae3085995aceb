//! Polls of archives on request.

use std::path::absolute;
use std::sync::Arc;

use importer::config::Config;
use importer::polling::{Accepted, Poller, Progress, Report};
use importer::queue::archives::Archives;
use state::audit;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// Polls archives, and queues new publications. On record: `accept-older` and `accept-removals`, an entry an archive,
/// if the operator accepts that risk.
pub struct Poll<'a> {
    archives: Arc<Archives>,
    names: Vec<String>,
    accepted: Accepted,
    progress: Arc<Progress>,
    watch: &'a dyn Fn(Step<'_>),
}

/// Step of a poll, for display.
pub enum Step<'a> {
    /// An archive comes next.
    Begins(&'a str),
    /// A suite was polled, or could not be.
    Done(&'a Report),
}

/// Checks that archives can be polled with these options.
///
/// # Errors
///
/// None is configured, or something is accepted without the name of an archive.
pub fn check(config: &Config, names: &[String], accepted: Accepted) -> Result<(), Error> {
    if config.archives.is_empty() {
        return Err(Error::Usage("config.toml has no [[archives]]; docs/archives.md has examples".into()));
    }
    if accepted != Accepted::default() && names.is_empty() {
        let message = "--accept-older and --accept-removals need the name of an archive";
        return Err(Error::Usage(message.into()));
    }
    Ok(())
}

/// The archives of the configuration, with the cache.
///
/// # Errors
/// The cache cannot be opened.
pub fn archives(at: &Opened) -> Result<Arc<Archives>, Error> {
    let file = |what: &str, error| Error::File { what: what.to_owned(), error };
    let root = absolute(&at.root).map_err(|error| file("cannot find the current folder", error))?;
    let opened = Archives::open(&at.config, &root, "poll");
    opened.map(Arc::new).map_err(|error| file("cannot open the cache", error))
}

/// Those that are named, or all.
pub fn named(archives: &Archives, names: &[String]) -> Vec<String> {
    if names.is_empty() { archives.names() } else { names.to_vec() }
}

impl<'a> Poll<'a> {
    /// Of the archives that are named, or of all.
    ///
    /// # Errors
    ///
    /// See [`check`]; or the cache cannot be opened.
    pub fn new(
        at: &Opened,
        names: &[String],
        accepted: Accepted,
        watch: &'a dyn Fn(Step<'_>),
    ) -> Result<Poll<'a>, Error> {
        check(&at.config, names, accepted)?;
        let archives = archives(at)?;
        let names = named(&archives, names);
        Ok(Poll { archives, names, accepted, progress: Arc::default(), watch })
    }

    /// The archives, and how far a poll of them is.
    pub fn progress(&self) -> (Arc<Archives>, Arc<Progress>) {
        (Arc::clone(&self.archives), Arc::clone(&self.progress))
    }

    /// Risks that are accepted for archives, as the audit trail records them.
    fn acceptances(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let Accepted { older, removals } = self.accepted;
        let actions = [(older, "accept-older"), (removals, "accept-removals")];
        let given = actions.into_iter().filter(|(given, _)| *given);
        given.flat_map(|(_, action)| self.names.iter().map(move |name| (action, name)))
    }

    fn poll(&self, at: &Opened, dry_run: bool, mut told: impl FnMut(&Report)) -> Result<(), Error> {
        let poller = Poller {
            store: &at.store,
            archives: &self.archives,
            dry_run,
            due: None,
            by_hand: true,
            accepted: self.accepted,
            progress: Arc::clone(&self.progress),
            about: None,
        };
        for name in &self.names {
            (self.watch)(Step::Begins(name));
            poller.archive(name, |report| {
                (self.watch)(Step::Done(report));
                told(report);
            })?;
        }
        Ok(())
    }
}

fn change(report: &Report) -> Change {
    let change = Change::new(Kind::Suite, format!("{} {}", report.archive, report.suite));
    match &report.result {
        Ok(found) => {
            let lane = found.lane.map_or(String::new(), |lane| format!(" in lane {lane}"));
            let what = format!("{} new{lane}, {} vanished", found.new, found.vanished);
            change.number_of(found.new as u64).after(what)
        }
        Err(failure) => change.number_of(0).after(failure.to_string()),
    }
}

impl Action for Poll<'_> {
    const NAME: &'static str = "poll";
    const ROLE: Role = Role::Admin;
    /// True when all archives were polled.
    type Done = bool;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let mut changes: Vec<Change> = self
            .acceptances()
            .map(|(action, name)| Change::new(Kind::Archive, name).after(action.to_owned()))
            .collect();
        self.poll(at, true, |report| changes.push(change(report)))?;
        Ok(Preview::of(changes))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<bool, Error> {
        let by = permit.by();
        for (action, name) in self.acceptances() {
            at.store.write(|tx| audit::record(tx, by.actor, action, name, by.reason, None, None))?;
        }
        let mut all_well = true;
        self.poll(at, false, |report| all_well &= report.result.is_ok())?;
        Ok(all_well)
    }
}
