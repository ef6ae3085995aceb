//! Gathers the input of the child: the files of each version, from any source.

use std::path::PathBuf;

use state::publications::{LOCAL, Publication};
use state::waits::Wait;
use state::words::{Class, WaitKind};

use super::Work;
use crate::failure::{Code, Failure, Stage};
use crate::protocol::{Trust, VersionRequest};
use crate::queue::archives::{Got, Missed};
use crate::queue::classify::class;
use crate::queue::requests;

impl Work<'_> {
    /// Requests to the child. A publication that cannot even be requested fails.
    pub(super) fn requests(&mut self, open: &[Publication], all: bool) -> (Vec<i64>, Vec<VersionRequest>) {
        let (mut ids, mut wanted) = (Vec::new(), Vec::new());
        let built_on = self.learn_bases(open);
        for publication in open {
            self.cancelled |= self.session.is_stopping();
            // Nothing is imported of a plan that is not whole, so nothing more has to be fetched for it now.
            if !self.is_ready() {
                break;
            }
            let Some((dsc, trust)) = self.files(publication, all) else { continue };
            let trust = self.trust(publication, trust);
            match trust.and_then(|trust| requests::request(publication, dsc, trust)) {
                Ok(mut request) => {
                    request.allow_weak_checksums = self.session.archives.allows_weak_checksums(publication);
                    request.base = built_on.get(&publication.id).cloned();
                    ids.push(publication.id);
                    wanted.push(request);
                }
                Err(failure) => self.fail(failure, Some(publication)),
            }
        }
        (ids, wanted)
    }

    /// Trust in the content of a publication: by the configuration, never by its own row. `fetched` is the result of
    /// checks during fetching.
    fn trust(&self, publication: &Publication, fetched: Option<Trust>) -> Result<Trust, Failure> {
        let (session, what) = (self.session, &publication.what);
        if what.archive == LOCAL {
            let key = requests::key(&session.root)?;
            let sealed = requests::sealed_trust(&key, &self.claim.package, what);
            return Ok(sealed.unwrap_or_else(|| session.config.import.trust()));
        }
        let Some((archive, _)) = session.archives.source(&what.archive) else {
            return Err(requests::bad_row(publication, "its archive is not configured"));
        };
        if archive.distro != what.distro {
            let message = format!("{} is of {}, not of {}", what.archive, archive.distro, what.distro);
            return Err(requests::bad_row(publication, message));
        }
        Ok(fetched.unwrap_or_else(|| Trust::Index(what.dsc_sha256.clone())))
    }

    /// Path of a publication's files, fetched if they are elsewhere, and the trust in them if that is new.
    fn files(&mut self, publication: &Publication, all: bool) -> Option<(PathBuf, Option<Trust>)> {
        let archive = &publication.what.archive;
        if archive == LOCAL {
            return Some((PathBuf::from(&publication.what.dsc), None));
        }
        let session = self.session;
        let is_old = publication.what.suite.is_empty();
        let need =
            if is_old { session.archives.history_need(archive) } else { session.archives.need(archive) };
        // A dependency that is known to be unreachable is not tried by every job.
        if let Some(open) = need.as_ref().and_then(|need| session.outages.open(&need.name)) {
            if is_old && self.history_over {
                self.leave_out(publication, "its history is out of reach, and was waited for long enough");
            } else {
                let name = need.as_ref().map_or(archive.as_str(), |need| need.name.as_str());
                self.log.line(&format!(
                    "parked: {name} is out of reach; {} was not asked for",
                    publication.what.version
                ));
                self.park(open, is_old.then_some(archive));
            }
            return None;
        }
        let package = (session.root.as_path(), self.claim.package.as_str());
        let got = session.archives.fetch(publication, package, self.claim.attempt, all);
        if let (Ok(_), Some(need)) = (&got, &need) {
            session.outages.good(&need.name);
        }
        match got {
            Ok(Got::Here(dsc, bytes)) => {
                self.log.line(&format!("{bytes} bytes fetched for {}", publication.what.version));
                Some((dsc, None))
            }
            Ok(Got::Old(dsc, bytes, found)) => {
                self.log.line(&format!("{bytes} bytes fetched for {}", publication.what.version));
                self.complete(publication.id, &found)?;
                Some((dsc, Some(found.trust)))
            }
            Ok(Got::Weak(dsc, bytes, trust)) => {
                self.log.line(&format!("{bytes} bytes fetched for {}", publication.what.version));
                Some((dsc, Some(trust)))
            }
            Ok(Got::Missing(file)) if is_old => {
                let text = format!("the history of {archive} does not have {file}");
                self.miss_old(Missed::from(Failure::new(Stage::Fetch, Code::NotFound, text)), publication);
                None
            }
            Ok(Got::Missing(file)) => {
                self.not_there(publication, &file);
                None
            }
            Err(missed) if is_old => {
                self.miss_old(missed, publication);
                None
            }
            Err(missed) => {
                self.miss(missed, publication);
                None
            }
        }
    }

    /// No mirror has a file. If the last accepted index lists its version no more, it is gone. Otherwise that is not
    /// certain: the mirrors may be in the middle of an update, or a disk is not mounted. The version is waited for.
    fn not_there(&mut self, publication: &Publication, file: &str) {
        let version = &publication.what.version;
        if publication.unlisted.is_some() {
            self.log.line(&format!("{version} is listed no more, and {file} is on no mirror: gone"));
            self.gone.push(publication.id);
            return;
        }
        let text = format!("{file} of {version}, which {} lists and no mirror has", publication.what.archive);
        self.log.line(&text);
        let waited = self.waited_for(publication);
        self.wait_for_file(text, waited);
    }

    /// An outage parks the job once its breaker is open; until then it is a failure like others.
    fn miss(&mut self, missed: Missed, publication: &Publication) {
        let session = self.session;
        if let Some(need) = &missed.need
            && let Ok(Some(open)) = session.outages.bad(&session.store, &missed.failure, need, &session.rule)
        {
            self.log.line(&missed.failure.to_string());
            self.park(open, None);
            return;
        }
        // An unlisted publication is tried as long as only the way to it is out of order.
        if publication.unlisted.is_some() && class(&missed.failure) != Class::Transient {
            self.log.line(&format!("{} is listed no more: {}", publication.what.version, missed.failure));
            self.gone.push(publication.id);
            return;
        }
        self.fail(missed.failure, Some(publication));
    }

    /// Milliseconds since a publication was first seen.
    fn waited_for(&self, publication: &Publication) -> i64 {
        let now = self.session.store.read(|tx| tx.now()).unwrap_or(publication.first_seen);
        now.saturating_sub(publication.first_seen).max(0)
    }

    /// Looks again after as long as it has waited already: 5 minutes at least, 6 hours at most. A poll looks sooner.
    fn wait_for_file(&mut self, reason: String, waited: i64) {
        const SOON: i64 = 5 * 60_000;
        const LATE: i64 = 6 * 3_600_000;
        let now = self.session.store.read(|tx| tx.now()).unwrap_or(0);
        let again = now + waited.clamp(SOON, LATE);
        // It ends when the file is there, or is listed no more.
        let wait = Wait { kind: WaitKind::Pool, reason, until: state::waits::NEVER, again };
        if self.wait.as_ref().is_none_or(|other| other.kind == WaitKind::Pool) {
            self.wait = Some(wait);
        }
    }
}
