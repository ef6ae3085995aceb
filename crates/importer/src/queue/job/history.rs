//! Old versions: before a package's first import its archive's history is asked for them, so that its repository has
//! all of them from the start. An unreachable history makes the package wait, for a limited time, and never fail.

use std::collections::BTreeMap;

use archive::history::{History, OldVersion};
use source_package::version::{PackageName, Version};
use state::publications::{self, NewPublication, Publication};
use state::waits::{self, Wait};
use state::words::{Class, Lane, WaitKind};
use state::{StateError, histories, queue};

use super::Work;
use crate::failure::{Code, Failure, Stage};
use crate::queue::archives::{Found, Missed, Stored};
use crate::queue::classify::class;

/// Old versions that are recorded in one transaction: each writes one row.
const CHUNK: usize = 100;

/// After this time a history that did not answer is asked again, in milliseconds, while its breaker is closed; after as
/// long as it was waited for, the next times.
const AGAIN: i64 = 60_000;

/// The longest time until it is asked again.
const LATEST: i64 = 6 * 3_600_000;

/// Codes of a `.dsc` without a trusted signature, beside those that are always permanent.
const NOT_VOUCHED_FOR: [Code; 2] = [Code::BadSignature, Code::TextAroundSignature];

/// Reason why the history was not read to its end.
enum Stopped {
    Missed(Box<Missed>),
    State(StateError),
    Cancelled,
}

impl From<StateError> for Stopped {
    fn from(error: StateError) -> Self {
        Stopped::State(error)
    }
}

impl Work<'_> {
    /// Adds the old versions to the missing ones, if this is the package's first import. `None` if they have to be
    /// waited for.
    pub(super) fn with_history(&mut self, open: Vec<Publication>) -> Option<Vec<Publication>> {
        let session = self.session;
        if !session.archives.have_histories() {
            return Some(open);
        }
        let mut archives: BTreeMap<String, String> = open
            .iter()
            .filter(|publication| session.archives.history(&publication.what.archive).is_some())
            .map(|publication| (publication.what.archive.clone(), publication.what.distro.clone()))
            .collect();
        // If all known versions are imported, the history may have more.
        let package = self.claim.package_id;
        let again = session.patiently("what is asked again", || {
            session.store.read(|tx| histories::wanted_again(tx, package))
        });
        for archive in again.unwrap_or_default() {
            let distro = session.archives.source(&archive).map(|(config, _)| config.distro.clone());
            if let Some(distro) = distro.filter(|_| session.archives.history(&archive).is_some()) {
                archives.insert(archive, distro);
            }
        }
        if archives.is_empty() {
            return Some(open);
        }
        for (archive, distro) in &archives {
            match self.ask(archive, distro, &open) {
                Ok(()) => {}
                Err(Stopped::Missed(missed)) => {
                    self.wait_for_history(*missed, archive);
                    return None;
                }
                Err(Stopped::State(error)) => {
                    self.fail(Failure::new(Stage::State, Code::Unreachable, error), None);
                    return None;
                }
                Err(Stopped::Cancelled) => {
                    self.cancelled = true;
                    return None;
                }
            }
            if self.parked_on.is_some() {
                return None;
            }
        }
        let package = self.claim.package_id;
        let again = session
            .patiently("what is published", || session.store.read(|tx| publications::open(tx, package)));
        Some(again.unwrap_or(open))
    }

    /// Asks one archive's history, unless that was done, or was waited for long enough.
    fn ask(&mut self, archive: &str, distro: &str, open: &[Publication]) -> Result<(), Stopped> {
        let (session, package) = (self.session, self.claim.package_id);
        let Some((_, history)) = session.archives.history(archive) else { return Ok(()) };
        let (wanted, over) = session.patiently("what is published", || {
            session.store.read(|tx| {
                let wanted = histories::is_wanted(tx, package, archive, distro)?;
                let now = tx.now()?;
                let wait = waits::get(tx, package)?.filter(|wait| wait.kind == WaitKind::History.as_str());
                Ok((wanted, wait.is_some_and(|wait| wait.until <= now)))
            })
        })?;
        // From here on the history is not waited for any longer: missing versions are left out.
        self.history_over |= over;
        if !wanted {
            return Ok(());
        }
        let need = session.archives.history_need(archive);
        if let Some(breaker) = need.as_ref().and_then(|need| session.outages.open(&need.name)) {
            if over {
                return Ok(self.give_up(archive, open)?);
            }
            self.park(breaker, Some(archive));
            return Ok(());
        }
        let (found, lacking) = match self.read_all(history, (archive, distro)) {
            Err(Stopped::Missed(missed)) if over => {
                self.log.line(&missed.failure.to_string());
                return Ok(self.give_up(archive, open)?);
            }
            other => other?,
        };
        need.iter().for_each(|need| session.outages.good(&need.name));
        let first = lacking.first().map(ToString::to_string).unwrap_or_default();
        let text = format!("the history of {archive} lists {first} and has no files of it");
        if !lacking.is_empty() && !over {
            let failure = Failure::new(Stage::Fetch, Code::UnknownVersion, text);
            return Err(Stopped::Missed(Box::new(Missed::from(failure))));
        }
        self.log.line(&format!("{found} old versions in the history of {archive}"));
        let note = match (found, lacking.len()) {
            (0, 0) => Some(format!("the history of {archive} knows no version")),
            (_, 0) => None,
            _ => Some(text),
        };
        session.patiently("the search for old versions", || {
            let counts = (found, lacking.len());
            session.store.write(|tx| histories::asked(tx, (package, archive), counts, note.as_deref()))
        })?;
        Ok(())
    }

    /// Records all old versions that a history has. Returns their number, and the versions that it lists without files.
    /// Versions that were recorded before an interruption are not asked for again.
    fn read_all(
        &self,
        history: &dyn History,
        (archive, distro): (&str, &str),
    ) -> Result<(usize, Vec<Version>), Stopped> {
        let (session, package) = (self.session, self.claim.package_id);
        let missed = |failed| Stopped::Missed(Box::new(session.archives.missed_history(&failed, archive)));
        let Ok(name) = PackageName::new(&self.claim.package) else { return Ok((0, Vec::new())) };
        let (recorded, open) = session.patiently("the wait for a history", || {
            session.store.read(|tx| {
                let recorded = histories::on_record(tx, package, archive, distro)?;
                Ok((recorded, publications::open(tx, package)?))
            })
        })?;
        let (mut found, mut rows, mut lacking) = (0, Vec::new(), Vec::new());
        for version in history.versions(&name).map_err(missed)? {
            if session.is_stopping() {
                return Err(Stopped::Cancelled);
            }
            if recorded.contains(version.as_str()) {
                found += 1;
                continue;
            }
            let some = match history.find(&name, &version) {
                Ok(some) => some,
                Err(failed) if failed.error.code() == Code::UnknownVersion => {
                    lacking.push(version);
                    continue;
                }
                Err(failed) => {
                    self.record(&mut rows)?;
                    return Err(missed(failed));
                }
            };
            let new = some.iter().filter(|old| !is_published(old, &open));
            rows.extend(new.map(|old| row(old, archive, distro)));
            found += some.len();
            if rows.len() >= CHUNK {
                self.record(&mut rows)?;
            }
        }
        self.record(&mut rows)?;
        Ok((found, lacking))
    }

    fn record(&self, rows: &mut Vec<NewPublication>) -> Result<(), StateError> {
        let (session, name) = (self.session, self.claim.package.as_str());
        for chunk in std::mem::take(rows).chunks(CHUNK) {
            session.patiently("old versions", || {
                session.store.write(|tx| {
                    let package = queue::package_id(tx, name)?;
                    chunk.iter().try_for_each(|new| publications::record(tx, package, new).map(drop))
                })
            })?;
        }
        Ok(())
    }

    /// Parks the job until a dependency can be reached again; for a history only as long as it is waited for.
    pub(super) fn park(&mut self, breaker: i64, history: Option<&str>) {
        self.parked_on = Some(breaker);
        if let Some(archive) = history {
            self.begin_wait(archive);
        }
    }

    /// The history does not answer, or not as it should.
    fn wait_for_history(&mut self, missed: Missed, archive: &str) {
        let session = self.session;
        self.log.line(&missed.failure.to_string());
        if class(&missed.failure) == Class::Infrastructure {
            return self.fail(missed.failure, None);
        }
        if let Some(need) = &missed.need
            && let Ok(Some(open)) = session.outages.bad(&session.store, &missed.failure, need, &session.rule)
        {
            self.parked_on = Some(open);
        }
        self.begin_wait(archive);
    }

    fn begin_wait(&mut self, archive: &str) {
        let (session, package) = (self.session, self.claim.package_id);
        let Some((config, history)) = session.archives.history(archive) else { return };
        let limit = i64::try_from(config.longest_wait.as_millis()).unwrap_or(i64::MAX);
        let known = session.patiently("what is known of old versions", || {
            session.store.read(|tx| {
                let before = waits::get(tx, package)?.filter(|wait| wait.kind == WaitKind::History.as_str());
                let now = tx.now()?;
                Ok((now, before.map_or(now, |wait| wait.since)))
            })
        });
        let Ok((now, since)) = known else { return };
        let until = since.saturating_add(limit);
        let reason = format!("its old versions, from the history of {archive} ({})", history.dependency());
        let again = until.min(now + (now - since).clamp(AGAIN, LATEST));
        self.wait = Some(Wait { kind: WaitKind::History, reason, until, again });
    }

    /// Goes on without old versions: those that were recorded are not asked for again.
    fn give_up(&mut self, archive: &str, open: &[Publication]) -> Result<(), StateError> {
        let (session, package) = (self.session, self.claim.package_id);
        let old: Vec<i64> = open
            .iter()
            .filter(|it| it.what.archive == archive && it.what.suite.is_empty())
            .map(|it| it.id)
            .collect();
        for chunk in old.chunks(CHUNK) {
            session.patiently("versions that are gone", || {
                session.store.write(|tx| publications::gone(tx, chunk))
            })?;
        }
        let what = format!("its old versions had not come from the history of {archive} in time");
        session.patiently("the search for old versions", || {
            session.store.write(|tx| histories::asked(tx, (package, archive), (0, 0), Some(&what)))
        })?;
        self.log.line(&what);
        self.say_went_on(&what)
    }

    /// Handles an old version that could not be fetched. A version without a trusted signature is left out; every other
    /// one is waited for, whatever the service answers, because its answer may change. After the longest wait it is
    /// left out, too, until `history ask` asks again.
    pub(super) fn miss_old(&mut self, missed: Missed, publication: &Publication) {
        let archive = &publication.what.archive;
        let class = class(&missed.failure);
        if class == Class::Infrastructure {
            return self.fail(missed.failure, Some(publication));
        }
        let is_nobodys =
            class == Class::Permanent || NOT_VOUCHED_FOR.iter().any(|code| missed.failure.code == *code);
        if !is_nobodys && !self.history_over {
            return self.wait_for_history(missed, archive);
        }
        self.leave_out(publication, &missed.failure.to_string());
    }

    /// Leaves an old version out, and says why.
    pub(super) fn leave_out(&mut self, publication: &Publication, why: &str) {
        let (archive, version) = (&publication.what.archive, &publication.what.version);
        self.log.line(&format!("{version} is left out: {why}"));
        self.gone.push(publication.id);
        let (session, package) = (self.session, self.claim.package_id);
        let note = format!("{version}: {why}");
        let noted = session.patiently("versions that are left out", || {
            session.store.write(|tx| histories::left_out(tx, (package, archive), 1, &note))
        });
        self.not_noted(noted.err());
    }

    /// Records the content of an old version's files. `None` if that cannot be recorded.
    pub(super) fn complete(&mut self, id: i64, found: &Found) -> Option<()> {
        let session = self.session;
        let trust = serde_json::to_string(&found.trust).unwrap_or_default();
        let noted = session.patiently("the files of an old version", || {
            session.store.write(|tx| publications::complete(tx, id, &found.dsc_sha256, &trust, &found.files))
        });
        noted.map_err(|error| self.fail(Failure::new(Stage::State, Code::Unreachable, error), None)).ok()
    }
}

/// True when a suite still has an old version: then it is imported from there.
fn is_published(old: &OldVersion, open: &[Publication]) -> bool {
    let same = |it: &Publication| {
        let name = it.what.dsc.rsplit('/').next().unwrap_or_default();
        it.what.version == old.version.as_str()
            && name == old.dsc.name
            && Stored::dsc_size(&it.what.files) == Some(old.dsc.size)
    };
    open.iter().filter(|it| !it.what.suite.is_empty()).any(same)
}

fn row(old: &OldVersion, archive: &str, distro: &str) -> NewPublication {
    NewPublication {
        archive: archive.to_owned(),
        distro: distro.to_owned(),
        suite: String::new(),
        component: String::new(),
        version: old.version.to_string(),
        dsc: old.dsc.name.clone(),
        // The SHA-256 is only known after fetching.
        dsc_sha256: format!("sha1:{}", old.dsc.checksums.sha1.as_deref().unwrap_or_default()),
        trust: String::new(),
        files: serde_json::to_string(&Stored::of_history(old)).unwrap_or_default(),
        published: old.first_seen.map(|seconds| seconds * 1000),
        lane: Lane::Rescan,
    }
}
