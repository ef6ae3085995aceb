//! Selections of packages.

use state::Store;
use state::operate::{self, Selection};
use state::words::Class;

use crate::error::Error;

/// A package's number and its name.
pub(crate) type Known = (i64, String);

/// Packages by their names: one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Of names, in the order in which they are given.
    ///
    /// # Errors
    ///
    /// There is none, or one is empty.
    pub fn new(names: Vec<String>) -> Result<Names, Error> {
        if names.is_empty() {
            return Err(Error::Usage("name a package".into()));
        }
        if names.iter().any(String::is_empty) {
            return Err(Error::Usage("an empty text is no name of a package".into()));
        }
        Ok(Names(names))
    }

    /// The names.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The packages; each has to be known.
    pub(crate) fn known(&self, store: &Store) -> Result<Vec<Known>, Error> {
        Ok(operate::select(store, &self.selection())?)
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection::Names(self.0.clone())
    }
}

/// Packages that fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failing {
    /// These, whether they fail or not.
    Names(Names),
    /// Those with a signature, by its short id.
    Signature(String),
    /// Those whose failure is of a class.
    Class(Class),
    /// All packages that fail.
    All,
}

impl Failing {
    pub(crate) fn selection(&self) -> Selection {
        match self {
            Failing::Names(names) => names.selection(),
            Failing::Signature(short) => Selection::Signature(short.clone()),
            Failing::Class(class) => Selection::Class(*class),
            Failing::All => Selection::Failing,
        }
    }
}

/// Packages by the results of their imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Packages of these names.
    Names(Names),
    /// Those whose last import was by such a version of this program.
    By(Comparison),
    /// All packages.
    All,
}

impl Imported {
    pub(crate) fn known(&self, store: &Store) -> Result<Vec<Known>, Error> {
        let selection = match self {
            Imported::Names(names) => names.selection(),
            Imported::All => Selection::All,
            Imported::By(comparison) => {
                let versions = operate::importers(store)?;
                Selection::ImportedBy(versions.into_iter().filter(|it| comparison.holds_for(it)).collect())
            }
        };
        Ok(operate::select(store, &selection)?)
    }
}

/// A comparison with a version of this program: `<0.3`, `<=0.2.1`, `=0.1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    sign: Sign,
    version: Numbers,
}

type Numbers = [u64; 3];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    AtMost,
    AtLeast,
    Below,
    Above,
    Equal,
}

impl Comparison {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn new(text: &str) -> Result<Comparison, Error> {
        let signs = [
            ("<=", Sign::AtMost),
            (">=", Sign::AtLeast),
            ("<", Sign::Below),
            (">", Sign::Above),
            ("=", Sign::Equal),
        ];
        let found = signs.iter().find_map(|(word, sign)| {
            let version = text.trim().strip_prefix(word)?.trim();
            let starts_well = version.starts_with(|c: char| c.is_ascii_digit());
            starts_well.then(|| Comparison { sign: *sign, version: numbers(version) })
        });
        found.ok_or_else(|| {
            Error::Usage(format!("{text:?} is no comparison with a version, such as <0.3 or =0.1.0"))
        })
    }

    fn holds_for(self, version: &str) -> bool {
        let (found, wanted) = (numbers(version), self.version);
        match self.sign {
            Sign::AtMost => found <= wanted,
            Sign::AtLeast => found >= wanted,
            Sign::Below => found < wanted,
            Sign::Above => found > wanted,
            Sign::Equal => found == wanted,
        }
    }
}

/// Version of this program as its numbers; a missing one is 0.
fn numbers(version: &str) -> Numbers {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let holds = |text: &str, version: &str| Comparison::new(text).unwrap().holds_for(version);
        assert!(holds("<0.3", "0.2.9") && !holds("<0.3", "0.3.0") && holds(" <= 0.3", "0.3.0"));
        assert!(holds(">0.9", "0.10.0") && holds(">=1", "1.0.0-rc1") && holds("=0.1", "0.1.0"));
        for wrong in ["", "0.3", "<", "<x", "!0.3", "=>0.3"] {
            assert!(Comparison::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_no_selection() {
        assert!(Names::new(Vec::new()).is_err() && Names::new(vec!["a".into(), String::new()]).is_err());
    }
}
