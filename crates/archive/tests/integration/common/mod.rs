//! Common parts of the tests of polling and fetching.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use archive::clock::{Clock, SystemClock};
use archive::config::Transfer;
use archive::failed::Failed;
use archive::location::Location;
use archive::poll::{Outcome, Polled, Remembered, Wanted, poll};
use archive::sources::{Entry, Publication};
use archive::transport::{Limits, Mirror, open};

/// Limits that end a test soon, and leave room for a machine that is busy with other tests.
pub fn transfer() -> Transfer {
    Transfer {
        stall_timeout: Duration::from_secs(20),
        rate_window: Duration::from_secs(2),
        ..Transfer::default()
    }
}

pub fn mirrors(locations: &[&str]) -> Vec<Box<dyn Mirror>> {
    let transfer = transfer();
    let limits = Limits::new(&transfer, Arc::new(SystemClock::default()));
    locations.iter().map(|text| open(&Location::parse(text).unwrap(), &transfer, &limits)).collect()
}

pub fn folder_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A poll of a test.
pub struct Poller {
    pub mirrors: Vec<Box<dyn Mirror>>,
    pub keyrings: Vec<PathBuf>,
    pub components: Vec<String>,
    pub suite: String,
    pub expect: Option<String>,
    pub end_of_life: bool,
    pub compare: bool,
    pub accept_older: bool,
    pub now: i64,
    pub scratch: tempfile::TempDir,
}

impl Poller {
    pub fn new(locations: &[&str], keyring: &Path, suite: &str) -> Poller {
        Poller {
            mirrors: mirrors(locations),
            keyrings: vec![keyring.to_owned()],
            components: Vec::new(),
            suite: suite.into(),
            expect: None,
            end_of_life: false,
            compare: false,
            accept_older: false,
            now: SystemClock::default().unix(),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    pub fn poll(&self, remembered: Option<&Remembered>) -> Result<Polled, Failed> {
        let wanted = Wanted {
            suite: &self.suite,
            components: &self.components,
            keyrings: &self.keyrings,
            expect: self.expect.as_deref(),
            end_of_life: self.end_of_life,
            compare: self.compare,
            accept_older: self.accept_older,
        };
        poll(&self.mirrors, &wanted, remembered, self.now, self.scratch.path())
    }

    /// Polls, and expects success.
    pub fn good(&self, remembered: Option<&Remembered>) -> Polled {
        self.poll(remembered).unwrap_or_else(|failed| panic!("{}: {failed}", failed.error.code()))
    }

    /// Polls, and expects an error; returns its code.
    pub fn code(&self) -> String {
        match self.poll(None) {
            Err(failed) => {
                assert!(failed.error.dependency.is_some(), "{failed}");
                format!("{}/{}", failed.error.stage.as_str(), failed.error.code())
            }
            Ok(polled) => match entries(polled) {
                Err(error) => format!("{}/{}", error.stage.as_str(), error.code()),
                Ok(entries) => panic!("it worked: {entries:?}"),
            },
        }
    }
}

pub fn entries(polled: Polled) -> Result<Vec<Entry>, archive::error::Error> {
    let Outcome::Changed(listing) = polled.outcome else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for component in listing.components {
        for entry in component.entries()? {
            all.push(entry?);
        }
    }
    Ok(all)
}

pub fn publications(polled: Polled) -> Vec<Publication> {
    let publication = |entry| match entry {
        Entry::Publication(publication) => publication,
        other => panic!("{other:?}"),
    };
    entries(polled).unwrap().into_iter().map(publication).collect()
}

/// Name, version and component of each.
pub fn names(polled: Polled) -> Vec<String> {
    let mut names: Vec<String> = publications(polled)
        .iter()
        .map(|it| format!("{} {} {}", it.package, it.version, it.component))
        .collect();
    names.sort();
    names
}
