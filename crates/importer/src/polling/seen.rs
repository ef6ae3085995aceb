//! A recorded publication beside the lists of its suite.

use archive::sources::Publication;
use state::publication::listing::{Place, Recorded};

use crate::queue::archives::Stored;

/// A recorded publication, and the places where the lists have it. All of a suite are in memory at once: what few have is
/// apart.
pub(super) struct Seen {
    pub(super) recorded: Recorded,
    /// True when the place that it is fetched from is listed.
    listed: bool,
    more: Option<Box<More>>,
}

/// Entries of the lists about a publication that has other places, or gets them.
#[derive(Default)]
struct More {
    /// The further places on record that are listed.
    also: Vec<Place>,
    /// New places where it is listed, with its files as they are stored.
    added: Vec<(Place, String)>,
    /// Its files at the place that it is fetched from, if the list has other sizes or hashes of them now.
    corrected: Option<String>,
}

/// Differences between a record and the lists.
pub(super) struct News {
    pub(super) recorded: Recorded,
    /// Places on record that are listed.
    pub(super) listed: Vec<Place>,
    pub(super) added: Vec<(Place, String)>,
    pub(super) corrected: Option<String>,
}

impl Seen {
    pub(super) fn new(recorded: Recorded) -> Seen {
        Seen { recorded, listed: false, more: None }
    }

    /// Notes a place where a list has it, by its text. False if the lists have had it there before.
    pub(super) fn is_news(
        &mut self,
        place: &str,
        publication: &Publication,
        stored: impl Fn() -> String,
    ) -> bool {
        if self.recorded.place.as_str() == place {
            return self.is_listed_now(publication, stored);
        }
        let more = self.more.get_or_insert_default();
        let mut known = more.also.iter().chain(more.added.iter().map(|(own, _)| own));
        if known.any(|own| own.as_str() == place) {
            return false;
        }
        let place = Place::of_text(place);
        match self.recorded.also().contains(&place) {
            true => more.also.push(place),
            false => more.added.push((place, stored())),
        }
        true
    }

    fn is_listed_now(&mut self, publication: &Publication, stored: impl Fn() -> String) -> bool {
        if std::mem::replace(&mut self.listed, true) {
            return false;
        }
        if self.recorded.tried().is_some_and(|files| Stored::is_corrected(files, publication)) {
            self.more.get_or_insert_default().corrected = Some(stored());
        }
        true
    }

    /// The differences; `None` if the lists have it where the record does.
    pub(super) fn news(self) -> Option<News> {
        let Seen { recorded, listed, more } = self;
        if listed && more.is_none() && recorded.also().is_empty() {
            return None;
        }
        let More { also, added, corrected } = more.map_or_else(More::default, |more| *more);
        let listed = listed.then(|| recorded.place.clone()).into_iter().chain(also).collect();
        Some(News { recorded, listed, added, corrected })
    }
}
