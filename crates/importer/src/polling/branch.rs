//! Branch that a suite feeds: an alias becomes another release, two names may be one suite, and no two suites have one
//! branch.

use archive::poll::{Outcome, Polled};
use archive::source::Manner;
use state::publication::{listing, suites};
use state::{StateError, audit};

use super::suite::{Work, sentences};
use super::{Found, marks};
use crate::failure::{Code, Failure, Stage};

impl Work<'_> {
    /// An alias that is of another release now needs all lists, also those that are as they were.
    pub(super) fn of_another_branch(
        &self,
        polled: Polled,
        known: &suites::Suite,
    ) -> Result<Polled, archive::failed::Failed> {
        let branch = self.suite.branch(&polled.remember);
        let is_known = known.branch.as_deref() == Some(branch.as_str()) || known.polled.is_none();
        let is_whole = match &polled.outcome {
            Outcome::Unchanged => false,
            Outcome::Changed(listing) => listing.components.iter().all(|it| it.is_changed()),
        };
        if is_known || is_whole {
            return Ok(polled);
        }
        let manner = Manner { compare: false, accept_older: self.poller.accepted.older };
        self.source.poll(self.suite, Some(&polled.remember.anew()), manner)
    }

    /// Two suites cannot have one branch: each would take the other's publications for vanished.
    pub(super) fn same_branch(&self, branch: &str, (archive, suite): &(String, String)) -> Failure {
        let (own, distro) = (&self.suite.name, &self.config.distro);
        let text = format!(
            "archive {}: suite {own} would be the branch {distro}/{branch}, which is that of suite {suite} of archive \
             {archive}; give one of them another `branch` in config.toml, or follow one of them only",
            self.config.name
        );
        Failure::new(Stage::Poll, Code::SameBranch, text)
    }

    /// A suite that a pattern found, and that is another name of one that is followed: nothing is taken from it.
    pub(super) fn another_name(
        &self,
        polled: Polled,
        (archive, suite): &(String, String),
    ) -> Result<Found, StateError> {
        let remark =
            format!("it is another name of suite {suite} of archive {archive}, from which all is taken");
        let found = Found { unchanged: true, remarks: vec![remark], ..Found::default() };
        if !self.poller.dry_run {
            let mut remember = polled.remember;
            let date = remember.date * 1000;
            remember.used_for = marks::used_for(self.config, self.suite);
            remember.read.clear();
            let (remembered, remarks) =
                (serde_json::to_string(&remember).unwrap_or_default(), sentences(&found.remarks));
            let poll = suites::Polled {
                remembered: &remembered,
                release_date: date,
                distro: &self.config.distro,
                mirror: &polled.mirror,
                remarks: &remarks,
                ..suites::Polled::default()
            };
            self.poller.store.write(|tx| suites::polled(tx, &self.config.name, &self.suite.name, &poll))?;
        }
        Ok(found)
    }

    /// Marks the publications of a suite's old branch as unlisted, unless another suite is that branch now.
    pub(super) fn leave(&self, known: &suites::Suite, branch: &str) -> Result<(), StateError> {
        let (Some(old), Some(distro)) = (&known.branch, &known.distro) else { return Ok(()) };
        if old.is_empty() || (old == branch && *distro == self.config.distro) {
            return Ok(());
        }
        let own = (self.config.name.as_str(), self.suite.name.as_str());
        if self.poller.store.read(|tx| suites::owner(tx, (distro, old), own))?.is_some() {
            return Ok(());
        }
        let rows = listing::recorded(self.poller.store, own.0, distro, old, |it| it)?;
        let ids: Vec<i64> = rows.values().map(|row| row.id).collect();
        listing::unlist(self.poller.store, &ids)?;
        let subject = format!("{}/{}", own.0, own.1);
        let (before, after) = (format!("{distro}/{old}"), format!("{}/{branch}", self.config.distro));
        self.poller.store.write(|tx| {
            audit::record(tx, "package-import", "branch", &subject, None, Some(&before), Some(&after))
        })
    }
}
