//! Publications as the state keeps them, and as an import wants them.

use std::path::PathBuf;

use source_package::checksum::sha256_hex;
use source_package::limits::DscLimits;
use state::publications::{LOCAL, NewPublication, Publication};
use state::words::Lane;

use crate::failure::{Failure, Stage};
use crate::plan::{self, Claimed, Item};
use crate::protocol::{Trust, VersionRequest};

/// The package that a `.dsc` claims to be of, and what is to be remembered of it. The claim is checked again, against
/// what the signature covers, by whoever imports it.
pub fn from_file(item: &Item, limits: &DscLimits) -> Result<(String, NewPublication), Failure> {
    let Claimed { package, version, text } = plan::read_claimed(&item.dsc, limits)?;
    let absolute = std::path::absolute(&item.dsc).unwrap_or_else(|_| item.dsc.clone());
    let dsc = absolute.to_str().ok_or_else(|| {
        let message =
            format!("{} is a name that is no UTF-8: rename the folder or the file", item.dsc.display());
        Failure::new(Stage::Fetch, "unreadable-file", message)
    })?;
    Ok((
        package,
        NewPublication {
            archive: LOCAL.into(),
            distro: item.distro.clone(),
            suite: item.suite.clone().unwrap_or_default(),
            component: String::new(),
            version: version.unwrap_or_default(),
            dsc: dsc.to_owned(),
            dsc_sha256: sha256_hex(&text),
            trust: serde_json::to_string(&item.trust).unwrap_or_default(),
            files: String::new(),
            published: None,
            lane: Lane::Upload,
        },
    ))
}

/// What an import is asked for a publication whose files are at hand. `checked` says why they are trusted, if that is not
/// what the row says.
pub fn request(
    publication: &Publication,
    dsc: PathBuf,
    checked: Option<Trust>,
) -> Result<VersionRequest, Failure> {
    let what = &publication.what;
    let trust: Trust = match checked {
        Some(trust) => trust,
        None => serde_json::from_str(&what.trust).map_err(|error| {
            let message =
                format!("publication {} has a trust that is not understood: {error}", publication.id);
            Failure::new(Stage::State, "bad-row", message)
        })?,
    };
    let suite = (!what.suite.is_empty()).then(|| what.suite.clone());
    Ok(VersionRequest {
        dsc,
        distro: what.distro.clone(),
        suite,
        trust,
        allow_weak_checksums: false,
        base: None,
    })
}
