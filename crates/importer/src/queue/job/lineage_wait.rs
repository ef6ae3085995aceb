//! Bases of a derivative's versions: waiting for them, and the message when one did not come.

use std::collections::BTreeMap;

use source_package::version::Version;
use state::publications::{self, Publication};
use state::read::package::WENT_ON;
use state::waits::Wait;
use state::words::WaitKind;
use state::{StateError, events};

use super::Work;
use crate::protocol::{Base, BuiltOn, Outcome as Became, Report};

impl Work<'_> {
    /// Facts about the distros that publications build on, read and kept once for each distro, however many versions are
    /// built on it. Returns which publications may wait for their base.
    pub(super) fn learn_bases(&mut self, open: &[Publication]) -> BTreeMap<i64, BuiltOn> {
        let session = self.session;
        self.bases.clear();
        let mut found = BTreeMap::new();
        let mut of_distros: BTreeMap<String, (i64, Base)> = BTreeMap::new();
        for publication in open.iter().filter(|publication| !publication.what.suite.is_empty()) {
            let archive = &publication.what.archive;
            let Some((config, own)) = session.archives.base(archive) else { continue };
            if !of_distros.contains_key(&config.distro) {
                let Ok(known) = self.known_of(&config.distro) else { continue };
                of_distros.insert(config.distro.clone(), known);
            }
            let Some((now, base)) = of_distros.get(&config.distro) else { continue };
            let limit = i64::try_from(config.longest_wait.as_millis()).unwrap_or(i64::MAX);
            let may_wait = *now < publication.first_seen.saturating_add(limit);
            found.insert(publication.id, BuiltOn { base: archive.clone(), may_wait });
            if !self.bases.contains_key(archive) {
                self.bases.insert(archive.clone(), Base { own, ..base.clone() });
            }
        }
        found
    }

    /// What is on record of the package in another distro, and the time of that.
    fn known_of(&self, distro: &str) -> Result<(i64, Base), StateError> {
        let session = self.session;
        let (now, versions) = session.patiently("the versions of another distro", || {
            session.store.read(|tx| {
                let versions = publications::versions_of(tx, self.claim.package_id, distro)?;
                Ok((tx.now()?, versions))
            })
        })?;
        let highest = versions.iter().filter_map(|(version, _)| Version::new(version).ok()).max();
        let base = Base {
            distro: distro.to_owned(),
            highest: highest.map(|version| version.to_string()),
            open: versions.into_iter().filter(|(_, open)| *open).map(|(version, _)| version).collect(),
            own: Vec::new(),
        };
        Ok((now, base))
    }

    /// Leaves a version for later, because its base is not imported.
    pub(super) fn wait_for_base(&mut self, id: i64, report: &Report) {
        let Some(publication) = self.named.get(&id) else { return };
        let limit = self.session.archives.base(&publication.archive).map(|(base, _)| base.longest_wait);
        let limit = limit.and_then(|limit| i64::try_from(limit.as_millis()).ok()).unwrap_or(0);
        let until = publication.first_seen.saturating_add(limit);
        if self.wait.as_ref().is_some_and(|wait| wait.until <= until) {
            return;
        }
        let lacks = report.lacks.as_deref().unwrap_or("another version");
        let reason = format!("{lacks}, on which {} {} is built", publication.distro, publication.version);
        self.wait = Some(Wait { kind: WaitKind::Base, reason, until, again: until });
    }

    /// Records for each version whose wait has ended which base it was imported without: its parents stay as they are.
    pub(super) fn say_what_is_lacking(&mut self) {
        for (_, report) in &self.reports.clone() {
            let is_there = matches!(report.outcome, Became::Imported | Became::UnappliedOnly);
            let (Some(lacks), Some(version), true) = (&report.lacks, &report.version, is_there) else {
                continue;
            };
            let what = format!(
                "{} {version} was imported without {lacks}, on which it is built: that had not come in time",
                report.distro
            );
            let said = self.say_went_on(&what);
            self.not_noted(said.err());
        }
    }

    /// An entry in the audit trail: the package did not wait any longer.
    pub(super) fn say_went_on(&self, what: &str) -> Result<(), StateError> {
        let (session, package) = (self.session, self.claim.package.as_str());
        session.patiently("what a version was imported without", || {
            session
                .store
                .write(|tx| events::record(tx, "package-import", WENT_ON, package, Some(what), None, None))
        })
    }
}
