//! Places of the configuration and of the state database, found without arguments.
//!
//! A check reads the same `config.toml` as the importer, but only `[checks]` and, if that does not name a database,
//! `[state]`. Other sections may be newer than the check, so they are not read, except to find a misspelt
//! `[checks]`.

use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::guard;
use crate::options::Common;
use crate::rights;
use crate::trouble::Trouble;

/// No configuration is larger.
const LARGEST: u64 = 4 << 20;

const SYSTEM_CONFIG: &str = "/etc/package-import/config.toml";
const SYSTEM_ROOT: &str = "/var/lib/package-import";
const CONFIG: &str = "config.toml";

/// Place of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file, and how to name another one, for messages.
    Sqlite { path: PathBuf, elsewhere: String },
    /// A connection string without a password, and the pass file.
    Postgres { target: String, passfile: Option<PathBuf> },
}

/// Sections of the file that a check reads.
#[derive(Debug, Default)]
struct File {
    checks: toml::Table,
    /// Value of `url` in `[state]`.
    url: Option<String>,
}

/// The part of the configuration that a check may use.
#[derive(Debug)]
pub(crate) struct Config {
    file: File,
    /// Path of the file, for messages.
    path: Option<PathBuf>,
    root: PathBuf,
}

/// The root of the installation that is checked. Unlike the importer, a check never takes its caller's own state
/// folder: it would look at an installation that does not exist.
fn root() -> PathBuf {
    let set = env::var_os("PACKAGE_IMPORT_ROOT").filter(|root| !root.is_empty());
    set.map_or_else(|| SYSTEM_ROOT.into(), PathBuf::from)
}

impl Config {
    /// Reads the given file; else the `config.toml` beside the database that `--state` names, else that of the root,
    /// else that in `/etc`; without any there are only defaults.
    pub(crate) fn load(common: &Common) -> Result<Config, Trouble> {
        if let Some(path) = &common.config {
            return match read(path)? {
                Some(file) => Ok(Config { file, path: Some(path.clone()), root: root() }),
                None => Err(Trouble::unusable(format!("there is no {}", path.display()))),
            };
        }
        // The policy of an installation stands beside its database, wherever that is.
        let named = common.state.as_deref().and_then(folder_of);
        let mut denied = None;
        for folder in named.into_iter().chain([root()]) {
            let path = folder.join(CONFIG);
            match read(&path) {
                Ok(Some(file)) => return Ok(Config { file, path: Some(path), root: folder }),
                Ok(None) => {}
                // The importer's own may be closed to the monitor, if there is one in /etc for it.
                Err(trouble) => denied = denied.or(Some(trouble)),
            }
        }
        match (read(Path::new(SYSTEM_CONFIG)), denied) {
            (Ok(Some(file)), _) => Ok(Config { file, path: Some(SYSTEM_CONFIG.into()), root: root() }),
            (_, Some(trouble)) | (Err(trouble), None) => Err(trouble),
            (Ok(None), None) => Ok(Config { file: File::default(), path: None, root: root() }),
        }
    }

    /// Refuses names that no check reads: their values would have no effect. Every check refuses them, because none
    /// can know whose they were to be. `section` is that of the check that asks.
    pub(crate) fn refuse_unknown(&self, section: &str) -> Result<(), Trouble> {
        check_sections::names(&self.file.checks, Some(section))
            .map_err(|wrong| self.wrong(&wrong.to_string()))
    }

    /// The policy of one check: `[checks.SECTION]`.
    pub(crate) fn policy<P: DeserializeOwned + Default>(&self, section: &str) -> Result<P, Trouble> {
        let Some(value) = self.file.checks.get(section) else { return Ok(P::default()) };
        value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| self.wrong(&format!("[checks.{section}] {error}")))
    }

    /// Adds to a threshold that cannot be meant in which section and under which key it stands: nobody needs to know
    /// that while all is well, so it is looked for by its text.
    pub(crate) fn placed(&self, section: &str, trouble: Trouble) -> Trouble {
        let Trouble::Threshold { key, error } = &trouble else { return trouble };
        let is_it = |figure: &toml::Value| match figure.get(key) {
            Some(toml::Value::String(text)) => text.trim() == error.text,
            Some(number) => number.to_string() == error.text,
            None => false,
        };
        let figures = self.file.checks.get(section).and_then(toml::Value::as_table).into_iter().flatten();
        let places: Vec<String> = figures
            .filter(|(_, figure)| is_it(figure))
            .map(|(figure, _)| format!("[checks.{section}.{figure}] {key}"))
            .collect();
        self.wrong(&format!("{}: {error}", places.join(" or ")))
    }

    /// The root of the installation.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The database: an option, else `[checks] state`, else that of the importer.
    pub(crate) fn location(&self, common: &Common) -> Result<Location, Trouble> {
        let named = self.named()?;
        let passfile = named.passfile.map(PathBuf::from);
        if let Some(text) = &common.state {
            return Self::place(text, passfile, (Path::new(""), "correct --state".into()));
        }
        let config = self.path.as_deref().unwrap_or(Path::new(SYSTEM_CONFIG)).display();
        let elsewhere = format!("set [checks] state in {config}");
        if let Some(text) = &named.state {
            return Self::place(text, passfile, (&self.root, elsewhere));
        }
        match &self.file.url {
            // The importer's connection needs a worker's secret, which a monitor must not have.
            Some(url) if is_postgres(url) => Err(self.wrong(
                "the importer uses PostgreSQL: set [checks] state to a URL with user=monitor, and passfile",
            )),
            Some(url) => Self::place(url, None, (&self.root, elsewhere)),
            None => Ok(Location::Sqlite { path: self.root.join("state.db"), elsewhere }),
        }
    }

    /// Keys directly in `[checks]`, without the sections of checks.
    fn named(&self) -> Result<Named, Trouble> {
        let keys = self.file.checks.iter().filter(|(_, value)| !value.is_table());
        let keys: toml::Table = keys.map(|(key, value)| (key.clone(), value.clone())).collect();
        keys.try_into().map_err(|error: toml::de::Error| self.wrong(&format!("[checks] {error}")))
    }

    fn place(
        text: &str,
        passfile: Option<PathBuf>,
        (base, elsewhere): (&Path, String),
    ) -> Result<Location, Trouble> {
        if is_postgres(text) {
            return Ok(Location::Postgres { target: text.to_owned(), passfile });
        }
        if text.contains("://") {
            let what = "the state database must be a path or postgresql://...";
            return Err(Trouble::unusable(format!("{what}: {elsewhere}")));
        }
        Ok(Location::Sqlite { path: base.join(file_name(text)), elsewhere })
    }

    fn wrong(&self, what: &str) -> Trouble {
        match &self.path {
            Some(path) => Trouble::unusable(format!("{}: {what}", path.display())),
            None => Trouble::unusable(what),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    state: Option<String>,
    passfile: Option<String>,
}

/// The path in the name of a file.
fn file_name(text: &str) -> &Path {
    Path::new(text.strip_prefix("sqlite:").unwrap_or(text))
}

/// The folder of a database that is a file.
fn folder_of(text: &str) -> Option<PathBuf> {
    let file = std::path::absolute(file_name(text)).ok().filter(|_| !is_postgres(text));
    file.and_then(|file| file.parent().map(Path::to_owned))
}

/// A URL, or words as `psql` takes them.
fn is_postgres(text: &str) -> bool {
    let names_one = |word: &str| ["host=", "hostaddr=", "dbname="].iter().any(|key| word.starts_with(key));
    text.starts_with("postgresql:") || text.starts_with("postgres:") || text.split_whitespace().any(names_one)
}

/// The file, if it is there.
fn read(path: &Path) -> Result<Option<File>, Trouble> {
    guard::stage(&format!("reading {}", path.display()));
    let text = match bounded::file::read_text(path, LARGEST) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(rights::denied(path));
        }
        Err(error) => {
            return Err(Trouble::unusable(format!("cannot read {}: {error}", path.display())));
        }
    };
    let table = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let at = error.span().and_then(|span| text.get(..span.start));
        let line = at.map_or(1, |before| before.matches('\n').count() + 1);
        Trouble::unusable(format!("{} line {line}: {}", path.display(), error.message()))
    })?;
    file(table).map(Some).map_err(|what| Trouble::unusable(format!("{}: {what}", path.display())))
}

/// Takes the checks' sections from the file.
fn file(mut table: toml::Table) -> Result<File, String> {
    check_sections::parent(table.keys().map(String::as_str)).map_err(|wrong| wrong.to_string())?;
    let checks = match table.remove("checks") {
        None => toml::Table::new(),
        Some(toml::Value::Table(checks)) => checks,
        Some(_) => return Err("checks must be a section".into()),
    };
    let url = match table.get("state").map(|state| state.get("url")) {
        None | Some(None) => None,
        Some(Some(toml::Value::String(url))) => Some(url.clone()),
        Some(Some(_)) => return Err("[state] url must be a text".into()),
    };
    Ok(File { checks, url })
}
