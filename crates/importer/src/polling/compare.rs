//! Comparison of a suite's lists with the recorded publications: new ones, moved ones, vanished ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archive::config::Archive;
use archive::poll::{Listing, Reading, Remembered};
use archive::sources::{BadStanza, Entry, Publication};
use source_package::checksum::Checksums;
use state::StateError;
use state::publication::listing::{self, Key, Move, Place, Recorded};
use state::publication::rows::NewPublication;
use state::publication::suites;
use state::words::Lane;

use super::marks::Sum;
use super::said::{About, Listed};
use super::seen::{News, Seen};
use super::{Found, Poller, Progress};
use crate::failure::Failure;
use crate::protocol::Trust;
use crate::queue::archives::Stored;

/// Number of new publications in one poll above which a series has opened: fresh uploads go before them.
const MANY: usize = 500;

/// Number of removals at once below which they are never too many.
const FEW: usize = 10;

/// Largest number of bad stanzas of one list that are reported one by one.
const TOLD: usize = 10;

/// Sides of the comparison.
pub(super) struct Comparison<'a> {
    pub(super) poller: &'a Poller<'a>,
    pub(super) archive: &'a Archive,
    pub(super) branch: &'a str,
    /// The date of the index, in seconds since 1970; 0 if it has none.
    pub(super) date: i64,
    /// True when the branch was never polled before.
    pub(super) is_first: bool,
    /// Another index before this one has listed too few as well.
    pub(super) agreed: bool,
    /// The last poll was of the same branch.
    pub(super) was_of_this_branch: bool,
}

/// Result of the comparison.
pub(super) struct Compared {
    pub(super) found: Found,
    /// Publications that are not listed any more, and not marked for it.
    pub(super) withheld: usize,
}

/// Content of the lists.
#[derive(Default)]
struct Lists {
    known: HashMap<Key, Seen>,
    new: BTreeMap<Key, NewPublication>,
    /// Further places of new publications.
    also: BTreeMap<Key, Vec<Place>>,
    /// Packages with a stanza that cannot be used, by component: their records stay.
    bad: BTreeSet<(String, String)>,
    /// Components that were read, and those that were not because they are as they were.
    read: BTreeMap<String, Reading>,
    unread: BTreeSet<String>,
    /// Entries about the package that is asked about.
    about: Option<About>,
    /// Identity and place of the stanza that is looked at: of nearly all, they are on record already.
    texts: Texts,
}

/// Texts that are written anew for each stanza.
#[derive(Default)]
struct Texts {
    key: String,
    place: String,
}

impl Comparison<'_> {
    pub(super) fn run(
        &self,
        listing: Listing,
        remember: &mut Remembered,
    ) -> Result<Result<Compared, Failure>, StateError> {
        let (store, name, distro) = (self.poller.store, &self.archive.name, &self.archive.distro);
        let known = listing::recorded(store, name, distro, self.branch, Seen::new)?;
        let about = self.poller.about.as_ref().map(|_| self.about());
        let mut lists = Lists { known, about, ..Lists::default() };
        for component in listing.components {
            let name = component.component.clone();
            if !component.is_changed() {
                lists.unread.insert(name);
                continue;
            }
            let entries = match component.entries() {
                Ok(entries) => entries,
                Err(error) => return Ok(Err(Failure::from(&error))),
            };
            let (mut sum, mut bad) = (Sum::default(), Vec::new());
            for entry in entries {
                match entry {
                    Ok(Entry::Publication(publication)) => {
                        Progress::add(&self.poller.progress.packages, 1);
                        if let Some(reason) = self.sort_in(publication, &mut lists, &mut sum) {
                            bad.push(reason);
                        }
                    }
                    Ok(Entry::ExtraOnly) => {}
                    Ok(Entry::Bad(stanza)) => bad.push(stanza),
                    Err(error) => return Ok(Err(Failure::from(&error))),
                }
            }
            self.note_bad(&name, &bad, &mut lists);
            for name_of_bad in bad.iter().filter_map(|stanza| stanza.name.clone()) {
                lists.bad.insert((name.clone(), name_of_bad));
            }
            let count = bad.len() as u64;
            let told = bad.iter().take(TOLD).map(ToString::to_string).collect();
            lists.read.insert(name, sum.reading(told, count));
        }
        remember.read.retain(|component, _| lists.unread.contains(component));
        remember.read.extend(std::mem::take(&mut lists.read));
        self.take_over(lists).map(Ok)
    }

    /// Takes over a stanza: a known publication stays or moves, another is new. Returns the reason if it cannot be
    /// used.
    fn sort_in(&self, publication: Publication, lists: &mut Lists, sum: &mut Sum) -> Option<BadStanza> {
        let sums = &publication.dsc.checksums;
        let Some(hash) = self.hash(sums) else {
            return Some(BadStanza {
                number: 0,
                name: Some(publication.package.to_string()),
                reason: format!(
                    "{} has no SHA-256; `allow_weak_checksums = true` of archive {} would take it",
                    publication.dsc.name, self.archive.name
                ),
            });
        };
        let texts = std::mem::take(&mut lists.texts).of(&publication, &hash);
        self.note_listed(&publication, &texts, lists);
        if self.is_another(&publication, &texts, lists) {
            sum.add(&texts.key, &texts.place);
        }
        lists.texts = texts;
        None
    }

    /// Notes an entry. False if the lists have had the same before.
    fn is_another(&self, publication: &Publication, texts: &Texts, lists: &mut Lists) -> bool {
        if let Some(seen) = lists.known.get_mut(texts.key.as_str()) {
            return seen.is_news(&texts.place, publication, || self.stored(publication));
        }
        let place = Place::of_text(&texts.place);
        match lists.new.get(texts.key.as_str()) {
            Some(new) if new.component == place.component() && new.dsc == place.path() => false,
            Some(_) => {
                let also = lists.also.entry(Key::of_text(&texts.key)).or_default();
                let is_another = !also.contains(&place);
                if is_another {
                    also.push(place);
                }
                is_another
            }
            None => {
                let key = Key::of_text(&texts.key);
                let row = self.row(publication, &key, &place);
                lists.new.insert(key, row);
                true
            }
        }
    }

    /// Facts about the package that is asked about, before any list is read.
    pub(super) fn about(&self) -> About {
        let (distro, branch) = (self.archive.distro.clone(), self.branch.to_owned());
        About { distro, branch, date: self.date, ..About::default() }
    }

    fn note_listed(&self, publication: &Publication, texts: &Texts, lists: &mut Lists) {
        let is_asked = self.poller.about.as_deref() == Some(publication.package.as_str());
        if let Some(about) = lists.about.as_mut().filter(|_| is_asked) {
            let (key, place) = (Key::of_text(&texts.key), Place::of_text(&texts.place));
            let listed = Listed {
                version: key.version().to_owned(),
                component: place.component().to_owned(),
                path: place.path().to_owned(),
                content: key.hash().to_owned(),
            };
            if !about.listed.contains(&listed) {
                about.listed.push(listed);
            }
        }
    }

    fn note_bad(&self, component: &str, bad: &[BadStanza], lists: &mut Lists) {
        let Some(about) = &mut lists.about else { return };
        let own = bad.iter().filter(|stanza| stanza.name == self.poller.about);
        about.bad.extend(own.map(|stanza| (component.to_owned(), stanza.reason.clone())));
    }

    /// Hash that identifies the `.dsc`: its SHA-256, or where weaker ones are allowed the best that is listed.
    fn hash(&self, sums: &Checksums) -> Option<String> {
        let weak = || {
            let sha1 = sums.sha1.as_ref().map(|sum| format!("sha1:{sum}"));
            sha1.or_else(|| sums.md5.as_ref().map(|sum| format!("md5:{sum}")))
        };
        sums.sha256.clone().or_else(|| weak().filter(|_| self.archive.allow_weak_checksums))
    }

    fn stored(&self, publication: &Publication) -> String {
        serde_json::to_string(&Stored::new(publication, self.date)).unwrap_or_default()
    }

    fn row(&self, publication: &Publication, key: &Key, place: &Place) -> NewPublication {
        // Without SHA-256 the content is only known once the files are fetched.
        let trust = publication.dsc.checksums.sha256.clone().map(Trust::Index);
        NewPublication {
            archive: self.archive.name.clone(),
            distro: self.archive.distro.clone(),
            suite: self.branch.to_owned(),
            component: place.component().to_owned(),
            version: key.version().to_owned(),
            dsc: place.path().to_owned(),
            dsc_sha256: key.hash().to_owned(),
            trust: trust.map_or(String::new(), |trust| serde_json::to_string(&trust).unwrap_or_default()),
            files: self.stored(publication),
            // An index without a date does not tell when it was made.
            published: (self.date > 0).then_some(self.date * 1000),
            lane: Lane::Upload,
        }
    }

    fn take_over(&self, mut lists: Lists) -> Result<Compared, StateError> {
        let total = lists.known.len();
        let (moves, vanished) = self.sort_out(&mut lists)?;
        let withheld = if self.is_mass(vanished.len(), total) { vanished.len() } else { 0 };
        let lane = if lists.new.len() > MANY { Lane::Rescan } else { Lane::Upload };
        let found = Found {
            new: lists.new.len(),
            moved: moves.iter().filter(|one| one.to.is_some()).count(),
            vanished: if withheld > 0 { 0 } else { vanished.len() },
            withheld,
            lane: (!lists.new.is_empty()).then_some(lane),
            about: lists.about.take().map(|about| About { unread: lists.unread.clone(), ..about }),
            ..Found::default()
        };
        if self.poller.dry_run {
            return Ok(Compared { found, withheld });
        }
        let store = self.poller.store;
        // Publications from before the first poll tell nothing about the latency of uploads.
        let measured = if self.is_first { Lane::Rescan } else { lane };
        let new: Vec<(String, NewPublication)> = lists
            .new
            .into_iter()
            .map(|(key, publication)| {
                (key.package().to_owned(), NewPublication { lane: measured, ..publication })
            })
            .collect();
        suites::take_over(store, &new, lane, &|count| Progress::add(&self.poller.progress.taken, count))?;
        listing::follow_moves(store, &moves)?;
        let mut further = Vec::new();
        for (key, also) in lists.also {
            if let Some(id) = listing::id_of(store, (&self.archive.distro, self.branch), &key)? {
                further.push(Move { id, to: None, also: Some(also) });
            }
        }
        listing::follow_moves(store, &further)?;
        if withheld == 0 {
            listing::unlist(store, &vanished)?;
        }
        Ok(Compared { found, withheld })
    }

    /// Publications that have moved, and those that are listed nowhere any more.
    fn sort_out(&self, lists: &mut Lists) -> Result<(Vec<Move>, Vec<i64>), StateError> {
        let (mut moves, mut vanished) = (Vec::new(), Vec::new());
        let known = std::mem::take(&mut lists.known);
        for (key, seen) in known {
            let Some(News { recorded, listed, added, corrected }) = seen.news() else { continue };
            let stays = |place: &&Place| {
                let is_bad = || lists.bad.contains(&(place.component().to_owned(), key.package().to_owned()));
                listed.contains(place) || lists.unread.contains(place.component()) || is_bad()
            };
            let left: Vec<Place> = recorded.places().filter(stays).cloned().collect();
            if left.len() == recorded.places().count() && added.is_empty() {
                moves.extend(corrected.map(|files| {
                    let to = Some((recorded.place.clone(), files));
                    Move { id: recorded.id, to, also: None }
                }));
                continue;
            }
            if left.is_empty() && added.is_empty() {
                vanished.push(recorded.id);
                continue;
            }
            moves.push(self.to_where(recorded, left, added)?);
        }
        Ok((moves, vanished))
    }

    /// New place from which a publication is fetched, and the other places where it is listed.
    fn to_where(
        &self,
        recorded: Recorded,
        left: Vec<Place>,
        mut added: Vec<(Place, String)>,
    ) -> Result<Move, StateError> {
        let id = recorded.id;
        let to = if left.contains(&recorded.place) {
            None
        } else if !added.is_empty() {
            Some(added.remove(0))
        } else {
            // Its stanza is in a list that was not read this time. Only the folder is another.
            let place = left.first().cloned().unwrap_or_else(|| recorded.place.clone());
            let files = listing::files_of(self.poller.store, id)?.unwrap_or_default();
            Some((place.clone(), Stored::moved(&files, place.path())))
        };
        let primary = to.as_ref().map_or(recorded.place.clone(), |(place, _)| place.clone());
        let also: Vec<Place> = left
            .into_iter()
            .chain(added.into_iter().map(|(place, _)| place))
            .filter(|place| *place != primary)
            .collect();
        Ok(Move { id, to, also: (also != recorded.also()).then_some(also) })
    }

    /// True when there are so many removals that another index must confirm them.
    fn is_mass(&self, vanished: usize, total: usize) -> bool {
        let many = vanished >= FEW && vanished.saturating_mul(10) > total;
        many && self.was_of_this_branch && !self.agreed && !self.poller.accepted.removals
    }
}

impl Texts {
    fn of(mut self, publication: &Publication, hash: &str) -> Texts {
        Key::write(&mut self.key, publication.package.as_str(), publication.version.as_str(), hash);
        let folder = publication.directory.as_str();
        let between = if folder.is_empty() { "" } else { "/" };
        Place::write(&mut self.place, &publication.component, &[folder, between, &publication.dsc.name]);
        self
    }
}
