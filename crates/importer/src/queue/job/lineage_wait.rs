//! Bases of a derivative's versions: waiting for them, and the message when one did not come.

use std::collections::BTreeMap;

use source_package::version::Version;
use state::publications::{self, Publication};
use state::read::package::WENT_ON;
use state::waits::Wait;
use state::words::WaitKind;
use state::{StateError, events};

use super::Work;
use crate::protocol::{Base, Outcome as Became, Report};

impl Work<'_> {
    /// Facts about the distros that publications build on, by the publications' rows.
    pub(super) fn bases(&self, open: &[Publication]) -> BTreeMap<i64, Base> {
        let session = self.session;
        let mut bases = BTreeMap::new();
        // Of each distro it is asked once, however many versions are built on it.
        let mut of_distros: BTreeMap<String, (i64, Vec<(String, bool)>)> = BTreeMap::new();
        for publication in open.iter().filter(|publication| !publication.what.suite.is_empty()) {
            let Some((config, own)) = session.archives.base(&publication.what.archive) else { continue };
            let limit = i64::try_from(config.longest_wait.as_millis()).unwrap_or(i64::MAX);
            let until = publication.first_seen.saturating_add(limit);
            if !of_distros.contains_key(&config.distro) {
                let known = session.patiently("the versions of another distro", || {
                    session.store.read(|tx| {
                        let versions = publications::versions_of(tx, self.claim.package_id, &config.distro)?;
                        Ok((tx.now()?, versions))
                    })
                });
                let Ok(known) = known else { continue };
                of_distros.insert(config.distro.clone(), known);
            }
            let Some((now, versions)) = of_distros.get(&config.distro) else { continue };
            let highest = versions.iter().filter_map(|(version, _)| Version::new(version).ok()).max();
            let base = Base {
                distro: config.distro.clone(),
                highest: highest.map(|version| version.to_string()),
                open: versions.iter().filter(|(_, open)| *open).map(|(version, _)| version.clone()).collect(),
                own,
                may_wait: *now < until,
            };
            bases.insert(publication.id, base);
        }
        bases
    }

    /// Leaves a version for later, because its base is not imported.
    pub(super) fn wait_for_base(&mut self, id: i64, report: &Report) {
        let (session, package) = (self.session, self.claim.package_id);
        let open = session
            .patiently("what is published", || session.store.read(|tx| publications::open(tx, package)));
        let publication = open.ok().and_then(|open| open.into_iter().find(|it| it.id == id));
        let Some(publication) = publication else { return };
        let limit = session.archives.base(&publication.what.archive).map(|(base, _)| base.longest_wait);
        let limit = limit.and_then(|limit| i64::try_from(limit.as_millis()).ok()).unwrap_or(0);
        let until = publication.first_seen.saturating_add(limit);
        if self.wait.as_ref().is_some_and(|wait| wait.until <= until) {
            return;
        }
        let lacks = report.lacks.as_deref().unwrap_or("another version");
        let reason =
            format!("{lacks}, on which {} {} is built", publication.what.distro, publication.what.version);
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
