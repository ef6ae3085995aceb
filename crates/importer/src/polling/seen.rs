//! A recorded publication beside the lists of its suite.

use archive::sources::Publication;
use state::publication::listing::{Place, Recorded};

use crate::queue::archives::Stored;

/// A recorded publication, and the places where the lists have it.
pub(super) struct Seen {
    pub(super) recorded: Recorded,
    /// True when the place that it is fetched from is listed.
    pub(super) listed: bool,
    /// The same for each further place, in their order.
    pub(super) listed_also: Vec<bool>,
    /// New places where it is listed, with its files as they are stored.
    pub(super) added: Vec<(Place, String)>,
    /// Its files at the place that it is fetched from, if the list has other sizes or hashes of them now.
    pub(super) corrected: Option<String>,
}

impl Seen {
    pub(super) fn new(recorded: Recorded) -> Seen {
        let listed_also = vec![false; recorded.also.len()];
        Seen { recorded, listed: false, listed_also, added: Vec::new(), corrected: None }
    }

    /// Notes a place where a list has it. False if the lists have had it there before.
    pub(super) fn is_news(
        &mut self,
        place: &Place,
        publication: &Publication,
        stored: impl Fn() -> String,
    ) -> bool {
        let Seen { recorded, listed, listed_also, added, corrected } = self;
        let is_first = recorded.place == *place;
        let at = |also: &[Place]| also.iter().position(|own| own == place);
        let noted = match is_first {
            true => Some(listed),
            false => at(&recorded.also).and_then(|at| listed_also.get_mut(at)),
        };
        match noted {
            Some(true) => return false,
            Some(listed) => {
                *listed = true;
                let is_other = |files: &String| Stored::is_corrected(files, publication);
                if is_first && recorded.tried.as_ref().is_some_and(is_other) {
                    *corrected = Some(stored());
                }
            }
            None if added.iter().any(|(own, _)| own == place) => return false,
            None => added.push((place.clone(), stored())),
        }
        true
    }
}
