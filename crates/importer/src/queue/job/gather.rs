//! Gathers what the child is to read: the files of each version, from wherever they are.

use std::path::PathBuf;

use state::publications::{LOCAL, Publication};

use super::Work;
use crate::failure::Failure;
use crate::protocol::{Trust, VersionRequest};
use crate::queue::archives::{Got, Missed};
use crate::queue::requests;

impl Work<'_> {
    /// What the child is asked for; what cannot even be asked for fails.
    pub(super) fn requests(&mut self, open: &[Publication], all: bool) -> (Vec<i64>, Vec<VersionRequest>) {
        let (mut ids, mut wanted) = (Vec::new(), Vec::new());
        let bases = self.bases(open);
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
                    request.base = bases.get(&publication.id).cloned();
                    ids.push(publication.id);
                    wanted.push(request);
                }
                Err(failure) => self.fail(failure, Some(publication)),
            }
        }
        (ids, wanted)
    }

    /// Why the content of a publication may be trusted: by our own configuration, never by what its row says of itself.
    /// `fetched` is what was found out when it was fetched.
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

    /// Where the files of a publication are, fetched if they are elsewhere, and why they are trusted if that is new.
    fn files(&mut self, publication: &Publication, all: bool) -> Option<(PathBuf, Option<Trust>)> {
        let archive = &publication.what.archive;
        if archive == LOCAL {
            return Some((PathBuf::from(&publication.what.dsc), None));
        }
        let session = self.session;
        let is_old = publication.what.suite.is_empty();
        let need =
            if is_old { session.archives.history_need(archive) } else { session.archives.need(archive) };
        // What is known to be out of reach is not tried by everybody.
        if let Some(open) = need.as_ref().and_then(|need| session.outages.open(&need.name)) {
            self.park(open, is_old.then_some(archive));
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
            Ok(Got::Gone(file)) => {
                self.log.line(&format!("{file} is on no mirror any more: superseded"));
                self.gone.push(publication.id);
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
        self.fail(missed.failure, Some(publication));
    }
}
