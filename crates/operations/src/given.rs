//! Files and packages that are named by hand: what they are, and why they may be trusted.

use std::io::Read;
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
use importer::apt;
use importer::config::Config;
use importer::dsc_arguments::{self, Item};
use importer::failure::Failure;
use importer::names;
use importer::protocol::Trust;
use importer::signature;

use crate::error::Error;

/// Beginning of a keyring that gpgv does not read.
const ARMOR: &[u8] = b"-----BEGIN PGP";

/// A package that apt has fetched, or its name with the failure.
pub type Fetched = Result<Item, (String, Failure)>;

/// Options of files that are named by hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Distro that they were published in; that of the configuration by default.
    pub distro: Option<&'a str>,
    /// Suite that they were published in; that of the configuration by default.
    pub suite: Option<&'a str>,
    /// Keyrings with the accepted keys; those of the configuration, or of the system, by default.
    pub keyrings: &'a [PathBuf],
    /// True when files without an accepted signature are imported, too.
    pub allow_unsigned: bool,
}

impl Given<'_> {
    /// The `.dsc` files that are named, and those in folders that are named.
    ///
    /// # Errors
    /// A keyring or a path cannot be used.
    pub fn files(&self, named: &[PathBuf], config: &Config) -> Result<Vec<Item>, Error> {
        let distro = self.distro.unwrap_or(&config.import.distro);
        let suite = self.suite.unwrap_or(&config.import.suite);
        let trust = self.trust(config)?;
        let found = dsc_arguments::find(named).map_err(|failure| Error::Usage(failure.message))?;
        let item = |dsc| Item {
            dsc,
            distro: distro.to_owned(),
            suite: Some(suite.to_owned()),
            trust: trust.clone(),
        };
        Ok(found.into_iter().map(item).collect())
    }

    /// Files that this machine's apt fetches, by names of source packages, `NAME` or `NAME=VERSION`. Apt has checked them
    /// against a signed index: they need no other signature. A name that apt cannot fetch comes back with its failure.
    ///
    /// # Errors
    /// The current folder cannot be found.
    pub fn from_apt(
        &self,
        names: &[String],
        root: &Path,
        note: impl FnMut(&str),
    ) -> Result<Vec<Fetched>, Error> {
        let root = absolute(root)?;
        let published = |mut item: Item| {
            item.distro = self.distro.map_or(item.distro, str::to_owned);
            item.suite = self.suite.map(str::to_owned).or(item.suite);
            item
        };
        Ok(apt::fetch(&root, names, note).into_iter().map(|fetched| fetched.map(published)).collect())
    }

    fn trust(&self, config: &Config) -> Result<Trust, Error> {
        self.keyrings.iter().try_for_each(|keyring| check_keyring(keyring))?;
        if self.allow_unsigned {
            return Ok(Trust::Unsigned);
        }
        let given =
            [self.keyrings, &config.import.keyrings].into_iter().find(|keyrings| !keyrings.is_empty());
        let keyrings = given.map_or_else(signature::system_keyrings, <[PathBuf]>::to_vec);
        // A worker that imports later has another current folder.
        Ok(Trust::Keyrings(keyrings.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?))
    }
}

/// Refuses names that cannot become branches, before anything is done.
///
/// # Errors
/// A distro or a suite is no part of a branch's name, or a branch stands in the way.
pub fn check_names(root: &Path, items: &[Item]) -> Result<(), Error> {
    names::check_items(root, items).map_err(|error| Error::Usage(error.to_string()))
}

/// A path that holds in every current folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::file("cannot find the current folder"))
}

/// gpgv prints nothing about a keyring that it cannot read: its keys would only seem to be unknown.
fn check_keyring(keyring: &Path) -> Result<(), Error> {
    let mut start = Vec::new();
    open_regular(keyring)
        .and_then(|file| file.take(ARMOR.len() as u64).read_to_end(&mut start))
        .map_err(|error| Error::Usage(format!("cannot read the keyring {}: {error}", keyring.display())))?;
    if start == ARMOR {
        let keyring = keyring.display();
        let message = format!("{keyring} is armored, which gpgv does not read; `gpg --dearmor` unpacks it");
        return Err(Error::Usage(message));
    }
    Ok(())
}
