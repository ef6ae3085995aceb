//! Asking the histories of archives again.

use state::repair::plans::{self, PartState, PlanKind};
use state::words::{Lane, Tasks};
use state::{events, histories, operate, queue};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::packages::Names;
use crate::role::{Permit, Role};

/// Asks the histories of archives again for old versions, and queues the packages: what comes is imported late, and a plan of
/// repair has the refs that would move if it had been there from the start. On record: `history-ask`, an entry for
/// each package and archive.
#[derive(Clone, Debug)]
pub struct AskHistory {
    /// Packages to ask for; by default all that lack a version which was left out.
    pub packages: Option<Names>,
}

/// A history that is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Name of the package.
    pub package: String,
    /// The archive whose history it is.
    pub archive: String,
    /// Versions that had been left out until now.
    pub left_out: i64,
}

/// The histories that are asked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedHistories {
    /// The plan that gives versions the ancestors that came late; workers make it, once these are imported. `None` if no history
    /// is asked.
    pub plan: Option<i64>,
    /// Each package and archive.
    pub asked: Vec<Asked>,
}

impl AskHistory {
    /// Each package, with the archive whose history is asked for it.
    fn pairs(&self, at: &Opened) -> Result<Vec<(String, String)>, Error> {
        let with_history = at.config.archives.iter().filter(|archive| archive.history.is_some());
        let archives: Vec<&str> = with_history.map(|archive| archive.name.as_str()).collect();
        if archives.is_empty() {
            return Err(Error::Usage("no archive of config.toml has a [archives.history]".into()));
        }
        let mut pairs = Vec::new();
        for archive in archives {
            let packages = match &self.packages {
                None => at.store.read(|tx| histories::incomplete(tx, archive))?,
                Some(names) => names.as_slice().to_vec(),
            };
            pairs.extend(packages.into_iter().map(|package| (package, archive.to_owned())));
        }
        Ok(pairs)
    }
}

fn of_archive(archive: &str) -> String {
    format!("the history of {archive}")
}

impl Action for AskHistory {
    const NAME: &'static str = "history-ask";
    const ROLE: Role = Role::Operate;
    type Done = AskedHistories;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let pairs = self.pairs(at)?;
        at.store
            .read(|tx| pairs.iter().try_for_each(|(package, _)| operate::known(tx, package).map(drop)))?;
        let change = |(package, archive): (String, String)| {
            Change::new(Kind::Package, package).after(format!("asks {}", of_archive(&archive)))
        };
        Ok(Preview::of(pairs.into_iter().map(change)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<AskedHistories, Error> {
        let (by, pairs) = (permit.by(), self.pairs(at)?);
        if pairs.is_empty() {
            return Ok(AskedHistories::default());
        }
        for (package, _) in &pairs {
            at.store.read(|tx| operate::known(tx, package).map(drop))?;
        }
        let plan = at.store.write(|tx| plans::begin(tx, PlanKind::Ancestors, None, by))?;
        let one = |(package, archive): (String, String)| {
            let left_out = at.store.write(|tx| {
                let id = operate::known(tx, &package)?;
                let left_out = histories::ask_again(tx, id, &archive)?;
                plans::put(tx, (plan, id), PartState::Asked, None, None, by)?;
                queue::enqueue(tx, id, Lane::Operator, Tasks::IMPORT.and(Tasks::REPAIR))?;
                let what = of_archive(&archive);
                events::record(tx, by.actor, "history-ask", &package, by.reason, None, Some(&what))?;
                Ok(left_out)
            })?;
            Ok(Asked { package, archive, left_out })
        };
        let asked = pairs.into_iter().map(one).collect::<Result<_, Error>>()?;
        Ok(AskedHistories { plan: Some(plan), asked })
    }
}
