//! Settings that can be changed while the program runs.

use state::{events, settings};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// A setting that exists, for all hosts or for one, with a value that it can have, or without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    name: String,
    value: Option<String>,
}

impl Setting {
    /// Reads `NAME=VALUE`, `NAME@HOST=VALUE` or `NAME=`.
    ///
    /// # Errors
    ///
    /// It is none of them, there is no setting of that name, or it cannot have that value.
    pub fn new(text: &str) -> Result<Setting, Error> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Error::Usage(format!("{text:?} is not NAME=VALUE")));
        };
        let value = Some(value).filter(|value| !value.is_empty());
        settings::check(name, value).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Setting { name: name.to_owned(), value: value.map(str::to_owned) })
    }

    /// Its name, with its host if it is for one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value; none takes it away.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

/// Changes a setting; runs follow within a second or two. On record: `set`, one entry.
#[derive(Clone, Debug)]
pub struct Set {
    /// The setting, and its new value.
    pub setting: Setting,
}

impl Action for Set {
    const NAME: &'static str = "set";
    const ROLE: Role = Role::Operate;
    /// Value before.
    type Done = Option<String>;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let Setting { name, value } = &self.setting;
        let before = at.store.read(|tx| settings::get(tx, name))?;
        Ok(Preview::of([Change::new(Kind::Setting, name).before(before).after(value.clone())]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Option<String>, Error> {
        let (name, value, by) = (self.setting.name(), self.setting.value(), permit.by());
        Ok(at.store.write(|tx| {
            let before = settings::set(tx, name, value)?;
            events::record(tx, by.actor, "set", name, by.reason, before.as_deref(), value)?;
            Ok(before)
        })?)
    }
}
