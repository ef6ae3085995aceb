//! The machine's apt as a source: apt checks the indices, fetches, and checks the files.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bounded::file::open_regular;
use source_package::checksum::{Hashing, ListedFile, sha256_hex};
use source_package::dsc::Dsc;

use super::{Apt, AptError};
use crate::config::Archive;
use crate::error::{Error, Stage, disk};
use crate::failed::Failed;
use crate::fetch::{Fetched, FetchedFile, Known, Outcome, agree, failed, read_dsc_text};
use crate::pattern::matches;
use crate::poll::{ComponentList, Listing, Mark, Outcome as Found, Polled, Remembered};
use crate::problem::Problem;
use crate::source::{Followed, Manner, Source, Suites};
use crate::sources::Publication;

/// The sources of apt whose origin is one distro.
pub struct AptSource {
    apt: Apt,
    archive: Archive,
    scratch: PathBuf,
    /// Messages of apt about indices that it could not fetch, from its last try.
    troubles: Mutex<Vec<String>>,
}

/// One list that apt has.
struct List {
    /// Name of the repository in apt's messages: with a slash before the suite, or a space.
    repository: [String; 2],
    file: PathBuf,
    suite: String,
    component: String,
    codename: Option<String>,
    distro: String,
}

impl AptSource {
    /// apt with a private state in `folder`.
    pub fn new(archive: &Archive, folder: &Path, scratch: &Path) -> Result<AptSource, AptError> {
        let (archive, scratch) = (archive.clone(), scratch.to_owned());
        Ok(AptSource { apt: Apt::prepare(folder)?, archive, scratch, troubles: Mutex::default() })
    }

    /// The lists that belong to the archive's distro and to a suite that it follows.
    fn lists(&self) -> Result<Vec<List>, AptError> {
        let format = "$(FILENAME)|$(CODENAME)|$(SUITE)|$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)";
        let arguments = ["indextargets", "--format", format, "Created-By: Sources"];
        let (text, _) = self.apt.run("apt-get", &arguments, &self.apt.folder)?;
        let follows = |list: &List| {
            let suites = &self.archive.suites;
            let suite = suites.is_empty() || suites.iter().any(|entry| matches(&entry.name, &list.suite));
            let components = &self.archive.components;
            suite
                && list.distro == self.archive.distro
                && (components.is_empty() || components.contains(&list.component))
        };
        Ok(text.lines().filter_map(List::parse).filter(follows).collect())
    }

    /// One list as plain text, in a file without a name, with its mark.
    fn open(&self, list: &List) -> Result<(File, Mark), Error> {
        let store = |error| disk(Stage::Poll, "keep a list of source packages", error);
        let mut file = tempfile::tempfile_in(&self.scratch).map_err(store)?;
        let mut command = self.apt.command("/usr/lib/apt/apt-helper");
        command.arg("cat-file").arg(&list.file);
        let (text, _) =
            super::output("apt-helper cat-file", command).map_err(|error| Error::new(Stage::Poll, error))?;
        file.write_all(&text).map_err(store)?;
        file.seek(SeekFrom::Start(0)).map_err(store)?;
        let found = Hashing::new(&mut file).finish("Sources").map_err(store)?;
        file.seek(SeekFrom::Start(0)).map_err(store)?;
        Ok((file, Mark { size: found.size, sha256: found.checksums.sha256.unwrap_or_default() }))
    }

    fn listing(
        &self,
        suite: &Followed,
        remembered: Option<&Remembered>,
    ) -> Result<(Listing, Remembered), Error> {
        let lists = self.lists().map_err(|error| Error::new(Stage::Poll, error))?;
        let mut listing = Listing { components: Vec::new(), date: 0 };
        let mut remember = Remembered { suite: Some(suite.name.clone()), ..Remembered::default() };
        for list in lists.iter().filter(|list| list.suite == suite.name) {
            if let Some(trouble) = self.trouble(list, &lists) {
                return Err(Error::new(Stage::Poll, not_fetched(trouble)));
            }
            let (file, mark) = self.open(list)?;
            let known = remembered.and_then(|known| known.lists.get(&list.component));
            let changed = (known != Some(&mark)).then_some((file, mark.size));
            listing.components.push(ComponentList::plain(&list.component, changed));
            remember.codename = list.codename.clone();
            remember.lists.insert(list.component.clone(), mark);
        }
        if listing.components.is_empty() {
            return Err(Error::new(Stage::Poll, Problem::NoSuite(suite.name.clone())));
        }
        // apt has no index to compare: the hash over the lists takes its place.
        let marks: String =
            remember.lists.iter().map(|(name, mark)| format!("{name} {}\n", mark.sha256)).collect();
        remember.sha256 = sha256_hex(marks.as_bytes());
        Ok((listing, remember))
    }

    /// Message of apt about the repository of a list, if it could not fetch the index. apt goes on with the old one
    /// then, and reports success.
    fn trouble(&self, list: &List, all: &[List]) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let is_about =
            |list: &List, line: &str| list.repository.iter().any(|name| line.contains(name.as_str()));
        let own = troubles.iter().find(|line| is_about(list, line));
        // A message that names none of the repositories may be about any of them.
        own.or_else(|| troubles.iter().find(|line| !all.iter().any(|other| is_about(other, line)))).cloned()
    }

    /// Gets one file by apt's own means. `None` if the server has it no more.
    fn download(&self, uri: &str, file: &ListedFile, into: &Path) -> Result<Option<PathBuf>, Error> {
        let place = into.join(&file.name);
        let mut command = self.apt.command("/usr/lib/apt/apt-helper");
        command.arg("download-file").arg(uri).arg(&place);
        if let Some(sha256) = &file.checksums.sha256 {
            command.arg(format!("SHA256:{sha256}"));
        }
        match super::output("apt-helper download-file", command) {
            Ok(_) => Ok(Some(place)),
            Err(AptError::Failed { output, .. }) if is_missing(&output, uri) => Ok(None),
            Err(error) => Err(Error::new(Stage::Fetch, error)),
        }
    }

    fn files(&self, publication: &Publication, known: Known<'_>, into: &Path) -> Result<Outcome, Error> {
        let name = format!("{}={}", publication.package, publication.version);
        let arguments = ["source", "-qq", "--print-uris", "--only-source", &name];
        let empty = self.apt.folder.join("packages");
        let text = match self.apt.run("apt-get", &arguments, &empty) {
            Ok((text, _)) => text,
            // The lists have another version by now.
            Err(AptError::Failed { output, .. }) if is_unknown(&output) => {
                return Ok(Outcome::Gone { file: publication.dsc.name.clone() });
            }
            Err(error) => return Err(Error::new(Stage::Fetch, error)),
        };
        let uri = |file: &ListedFile| {
            let line = text.lines().find(|line| line.split(' ').nth(1) == Some(&file.name));
            let uri = line.and_then(|line| line.split('\'').nth(1));
            uri.ok_or_else(|| {
                Error::new(Stage::Fetch, Problem::DscDisagrees(format!("apt knows no {}", file.name)))
            })
        };
        let dsc = &publication.dsc;
        let Some(place) = self.download(uri(dsc)?, dsc, into)? else {
            return Ok(Outcome::Gone { file: dsc.name.clone() });
        };
        checked(&place, dsc)?;
        let parsed = Dsc::parse(&read_dsc_text(&place)?)
            .map_err(|error| Error::new(Stage::Fetch, Problem::BadDsc(error)))?;
        let listed = agree(publication, parsed).map_err(|problem| Error::new(Stage::Fetch, problem))?;
        let (mut files, mut transferred) = (Vec::new(), dsc.size);
        for file in listed {
            if known(&file) {
                files.push(FetchedFile { file, path: None });
                continue;
            }
            let Some(path) = self.download(uri(&file)?, &file, into)? else {
                return Ok(Outcome::Gone { file: file.name });
            };
            transferred += file.size;
            files.push(FetchedFile { file: checked(&path, &file)?, path: Some(path) });
        }
        Ok(Outcome::Fetched(Fetched { dsc: place, files, transferred }))
    }
}

impl List {
    fn parse(line: &str) -> Option<List> {
        let mut parts = line.split('|');
        let mut next = || Some(parts.next()?.to_owned()).filter(|text| !text.starts_with("$("));
        let (file, codename, suite, origin) = (next()?, next(), next(), next()?);
        let (component, uri, release) = (next().unwrap_or_default(), next(), next());
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (codename, suite) = (given(codename), given(suite));
        // Ubuntu's pockets share a codename, Debian's aliases move from one to the next.
        let name = match (&codename, &suite) {
            (Some(codename), Some(suite)) if suite.starts_with(codename.as_str()) => suite.clone(),
            (Some(codename), _) => codename.clone(),
            (None, suite) => suite.clone()?,
        };
        let distro = origin.to_lowercase().replace(' ', "-");
        let (uri, release) = (uri.unwrap_or_default(), release.unwrap_or_default());
        let (base, folder) = (uri.trim_end_matches('/'), release.trim_end_matches('/'));
        let repository = [format!("{base}/dists/{folder}/"), format!("{base} {folder} ")];
        Some(List { repository, file: file.into(), suite: name, component, codename, distro })
    }
}

/// An index that apt could not fetch.
fn not_fetched(line: String) -> AptError {
    AptError::Failed {
        program: "apt-get update".to_owned(),
        status: "it goes on with the old index".to_owned(),
        output: line,
    }
}

/// True when the server answered 404 or 410, which apt prints behind the address.
fn is_missing(output: &str, uri: &str) -> bool {
    output.lines().any(|line| {
        let behind = line.split_once(uri).map_or(line, |(_, behind)| behind).trim_start();
        ["404 ", "410 "].iter().any(|status| behind.starts_with(status))
    })
}

/// Errors of apt, and its warnings that an index stays old.
fn troubles(warnings: &str) -> Vec<String> {
    let telling = [
        "Failed to fetch",
        "GPG error",
        "is not signed",
        "not available",
        "no longer has",
        "expired",
        "not valid yet",
        "changed its",
    ];
    let line = |line: &str| match line.split_once(": ") {
        Some(("E", text)) if !text.starts_with(SUMMARY) => Some(text.to_owned()),
        Some(("W", text)) if telling.iter().any(|word| text.contains(word)) => Some(text.to_owned()),
        _ => None,
    };
    warnings.lines().filter_map(line).collect()
}

/// Beginning of the last line of an `apt-get update` that could not fetch some index; the lines before it name which.
const SUMMARY: &str = "Some index files failed to download";

/// True when apt knows no such version.
fn is_unknown(output: &str) -> bool {
    output.contains("Unable to find a source package") || output.contains("Can not find version")
}

/// Checks a file against the listed checksums and size.
fn checked(path: &Path, file: &ListedFile) -> Result<ListedFile, Error> {
    let read = |error| disk(Stage::Fetch, "read a fetched file", error);
    let found = Hashing::new(open_regular(path).map_err(read)?).finish(&file.name).map_err(read)?;
    match file.check(&found) {
        Ok(()) => Ok(found),
        Err(mismatch) => Err(Error::new(Stage::Fetch, Problem::ChecksumMismatch(mismatch))),
    }
}

/// apt does not report which server failed.
fn by_apt(error: Error) -> Failed {
    failed(error.about("apt", "apt"))
}

impl Source for AptSource {
    fn suites(&self, known: &[String]) -> Result<Suites, Failed> {
        let poll = |error: AptError| by_apt(Error::new(Stage::Poll, error));
        let updated = self.apt.update().map_err(poll)?;
        let found = troubles(&updated.messages);
        // An error without a reason leaves all indices as they were: that is no success.
        if let Some(error) = updated.failed
            && found.is_empty()
        {
            return Err(poll(error));
        }
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found);
        let mut suites = Suites::default();
        let entry = |name: &str| {
            let entry = self.archive.suites.iter().find(|entry| matches(&entry.name, name)).cloned();
            entry.unwrap_or_else(|| crate::config::Suite::named(name))
        };
        for list in self.lists().map_err(poll)? {
            if !suites.followed.iter().any(|other| other.name == list.suite) {
                let (entry, name) = (entry(&list.suite), list.suite);
                suites.followed.push(Followed { name, entry, unlisted: false });
            }
        }
        let is_known = |entry: &crate::config::Suite, name: &str| matches(&entry.name, name);
        let (own, is_any) = (&self.archive.suites, self.archive.suites.is_empty());
        for name in known.iter().filter(|name| is_any || own.iter().any(|entry| is_known(entry, name))) {
            if !suites.followed.iter().any(|other| other.name == *name) {
                suites.followed.push(Followed { name: name.clone(), entry: entry(name), unlisted: true });
            }
        }
        let is_matched =
            |entry: &&crate::config::Suite| suites.followed.iter().any(|suite| is_known(entry, &suite.name));
        suites.unmatched = own.iter().filter(|entry| !is_matched(entry)).cloned().collect();
        if suites.followed.is_empty() {
            let error = match found.into_iter().next() {
                Some(line) => Error::new(Stage::Poll, not_fetched(line)),
                None => Error::new(Stage::Poll, Problem::NoMatch(format!("Origin: {}", self.archive.distro))),
            };
            return Err(by_apt(error));
        }
        Ok(suites)
    }

    fn poll(&self, suite: &Followed, remembered: Option<&Remembered>, _: Manner) -> Result<Polled, Failed> {
        let (listing, mut remember) = self.listing(suite, remembered).map_err(by_apt)?;
        let changed = remembered.is_none_or(|known| known.sha256 != remember.sha256);
        if let Some(known) = remembered {
            remember.read.clone_from(&known.read);
        }
        let outcome = if changed { Found::Changed(listing) } else { Found::Unchanged };
        let (skipped, remarks) = (Vec::new(), Vec::new());
        Ok(Polled { outcome, remember, mirror: "apt".to_owned(), skipped, remarks })
    }

    fn fetch(
        &self,
        publication: &Publication,
        _listed: Option<i64>,
        known: Known<'_>,
        into: &Path,
    ) -> Result<Outcome, Failed> {
        self.files(publication, known, into).map_err(by_apt)
    }
}
