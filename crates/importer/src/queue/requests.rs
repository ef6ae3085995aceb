//! Publications in the form of the state, and in the form of a request.
//!
//! A row is no reason to trust anything: others can write rows. Publications of archives are trusted by this host's
//! configuration. The trust in a file that was given by hand is in its row, with a seal that needs the installation's
//! key; without a valid seal, the keyrings of the configuration decide.

use std::path::{Path, PathBuf};

use packaging_repo::seal::Key;
use serde::{Deserialize, Serialize};
use source_package::limits::DscLimits;
use state::publications::{LOCAL, NewPublication, Publication};
use state::words::Lane;

use crate::dsc_arguments::{ClaimedDsc, Item};
use crate::failure::{Code, Failure, Stage};
use crate::names;
use crate::protocol::{Trust, VersionRequest};

/// Trust in a file, with its seal, as it is stored in the row.
#[derive(Serialize, Deserialize)]
struct SealedTrust {
    trust: Trust,
    seal: String,
}

/// Sealed words: all fields of the row that an import uses.
fn sealed_words<'a>(package: &'a str, what: &'a NewPublication, trust: &'a str) -> [&'a str; 7] {
    ["publication", package, &what.distro, &what.suite, &what.version, &what.dsc_sha256, trust]
}

fn seal(key: &Key, package: &str, what: &NewPublication, trust: &Trust) -> String {
    let text = serde_json::to_string(trust).unwrap_or_default();
    let seal = key.seal(&sealed_words(package, what, &text));
    serde_json::to_string(&SealedTrust { trust: trust.clone(), seal }).unwrap_or_default()
}

/// Trust in a file that was given by hand; `None` if the row has no valid seal.
pub fn sealed_trust(key: &Key, package: &str, what: &NewPublication) -> Option<Trust> {
    let said: SealedTrust = serde_json::from_str(&what.trust).ok()?;
    let text = serde_json::to_string(&said.trust).ok()?;
    key.is_sealed(&sealed_words(package, what, &text), &said.seal).then_some(said.trust)
}

/// Key with which an installation seals facts that it has checked.
pub fn key(root: &Path) -> Result<Key, Failure> {
    Ok(Key::open_or_make(&root.join("repos"))?)
}

/// Package that a `.dsc` claims to be of, and its publication. The claim is checked again by the import, against the
/// signed text.
pub fn from_file(item: &Item, limits: &DscLimits, key: &Key) -> Result<(String, NewPublication), Failure> {
    let ClaimedDsc { package, version, sha256, .. } = ClaimedDsc::read(&item.dsc, limits)?;
    let absolute = std::path::absolute(&item.dsc).unwrap_or_else(|_| item.dsc.clone());
    let dsc = absolute.to_str().ok_or_else(|| {
        let message =
            format!("{} is a name that is no UTF-8: rename the folder or the file", item.dsc.display());
        Failure::new(Stage::Fetch, Code::UnreadableFile, message)
    })?;
    let mut publication = NewPublication {
        archive: LOCAL.into(),
        distro: item.distro.clone(),
        suite: item.suite.clone().unwrap_or_default(),
        component: String::new(),
        version: version.unwrap_or_default(),
        dsc: dsc.to_owned(),
        dsc_sha256: sha256,
        trust: String::new(),
        files: String::new(),
        published: None,
        lane: Lane::Upload,
    };
    publication.trust = seal(key, &package, &publication, &item.trust);
    Ok((package, publication))
}

/// Request for a publication whose files are at hand. Names that become refs are checked here already, so that a bad
/// row is reported by its number.
///
/// # Errors
/// [`Failure`] with the number of the row, for names that cannot be refs.
pub fn request(publication: &Publication, dsc: PathBuf, trust: Trust) -> Result<VersionRequest, Failure> {
    let what = &publication.what;
    let suite = (!what.suite.is_empty()).then(|| what.suite.clone());
    names::check(&what.distro, suite.as_deref()).map_err(|error| bad_row(publication, error))?;
    Ok(VersionRequest {
        dsc,
        distro: what.distro.clone(),
        suite,
        trust,
        allow_weak_checksums: false,
        base: None,
    })
}

/// Failure for a row that no honest writer would have written.
pub fn bad_row(publication: &Publication, what: impl std::fmt::Display) -> Failure {
    let message = format!("publication {} has a row that is not believed: {what}", publication.id);
    Failure::new(Stage::State, Code::BadRow, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_who_has_the_key_can_say_that_a_file_needs_no_signature() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = key(own.path()).unwrap();
        let dsc = own.path().join("a0_1.0-1.dsc");
        std::fs::write(&dsc, "Format: 1.0\nSource: a0\nVersion: 1.0-1\n").unwrap();
        let item = Item { dsc, distro: "debian".into(), suite: Some("sid".into()), trust: Trust::Unsigned };
        let (package, row) = from_file(&item, &DscLimits::default(), &key).unwrap();
        assert_eq!(sealed_trust(&key, &package, &row), Some(Trust::Unsigned));
        let changed = |change: fn(&mut NewPublication)| {
            let mut row = row.clone();
            change(&mut row);
            sealed_trust(&key, &package, &row)
        };
        assert_eq!(changed(|row| row.distro = "ubuntu".into()), None);
        assert_eq!(changed(|row| row.suite = "bookworm".into()), None);
        assert_eq!(changed(|row| row.version = "1.0-2".into()), None);
        assert_eq!(changed(|row| row.dsc_sha256 = "0".repeat(64)), None);
        assert_eq!(changed(|row| row.trust = "\"unsigned\"".into()), None);
        assert_eq!(changed(|row| row.trust = "{\"trust\":\"unsigned\",\"seal\":\"\"}".into()), None);
        assert_eq!(sealed_trust(&key, "b0", &row), None);
        assert_eq!(sealed_trust(&super::key(other.path()).unwrap(), &package, &row), None);
    }
}
