//! Moves of the state: to this program's schema, or into another database.

use importer::queue::session;
use importer::root::host_name;
use state::open::Location;
use state::transfer::{self, Carried};
use state::{StateError, Store, meta, schema};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Installation;
use crate::role::{Permit, Role};

/// Brings the schema of the state up to that of this program. On record: the steps, in the table of the schema; no entry in
/// the audit trail.
#[derive(Clone, Copy, Debug)]
pub struct Migrate;

/// Numbers of a schema before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Number of the schema before.
    pub from: i64,
    /// Number of the schema afterwards.
    pub to: i64,
}

/// The state as it is, whatever its schema and its marks.
fn connect(at: &Installation) -> Result<Store, Error> {
    Ok(at.config()?.state.location(&at.absolute_root()?).connect(false)?)
}

impl Migrate {
    /// Numbers of the schema before and after a migration. Nothing is changed.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn foreseen(at: &Installation) -> Result<Migrated, Error> {
        Ok(Migrated { from: connect(at)?.schema()?, to: schema::CURRENT })
    }
}

impl Action<Installation> for Migrate {
    const NAME: &'static str = "migrate";
    const ROLE: Role = Role::Admin;
    type Done = Migrated;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let Migrated { from, to } = Migrate::foreseen(at)?;
        let change = Change::new(Kind::State, "schema").before(from.to_string()).after(to.to_string());
        Ok(Preview::of((from != to).then_some(change)))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<Migrated, Error> {
        let (from, to) = connect(at)?.migrate()?;
        Ok(Migrated { from, to })
    }
}

/// Moves the state into another database, which has to be empty; the old one refuses to be used from then on. Runs of this
/// host that were killed are closed first. On record: `migrate`, one entry in each database.
pub struct MoveState<'a> {
    /// URL or key=value list of a PostgreSQL database, without a password, or the path of an SQLite file.
    pub url: String,
    /// Called with the name of a table and the number of its rows that are carried.
    pub watch: &'a dyn Fn(&str, u64),
}

/// Result of a move.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Name of the old database.
    pub left: String,
    /// The epoch that has begun.
    pub epoch: i64,
    /// The tables, with rows and checksums that are equal on both sides.
    pub tables: Vec<Carried>,
}

/// Preview of a move.
#[derive(Clone, Debug)]
pub struct MoveForeseen {
    /// Name of the new database.
    pub target: String,
    /// False when the new database is refused, because it has rows.
    pub is_empty: bool,
    /// The tables that would be carried.
    pub tables: Vec<Carried>,
}

impl MoveState<'_> {
    /// The old database, which no run uses, and the place of the new one.
    fn databases(&self, at: &Installation) -> Result<(Store, Location), Error> {
        let (config, root) = (at.config()?, at.absolute_root()?);
        let store = config.state.location(&root).connect(false)?;
        let to = Location::new(&root, Some(&self.url), config.state.passfile.as_deref());
        session::take_back(&store, &host_name())?;
        transfer::check_idle(&store)?;
        Ok((store, to))
    }

    /// Tables that would be carried. Nothing is carried, and nothing is written into the new database.
    ///
    /// # Errors
    /// A run is open, or a database cannot be used.
    pub fn foreseen(&self, at: &Installation) -> Result<MoveForeseen, Error> {
        let (store, to) = self.databases(at)?;
        let (target, is_empty) = match to.connect(false) {
            Ok(target) => {
                let is_empty = target.schema()? == 0 || transfer::is_empty(&target)?;
                (target.name().to_owned(), is_empty)
            }
            // A file that is made by the move.
            Err(StateError::Missing(path)) => (path.display().to_string(), true),
            Err(error) => return Err(error.into()),
        };
        Ok(MoveForeseen { target, is_empty, tables: transfer::checksums(&store)? })
    }
}

impl Action<Installation> for MoveState<'_> {
    const NAME: &'static str = "move-state";
    const ROLE: Role = Role::Admin;
    type Done = Moved;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let change = |it: Carried| {
            Change::new(Kind::Rows, it.table).number_of(it.rows).after(format!("carried to {}", self.url))
        };
        Ok(Preview::of(self.foreseen(at)?.tables.into_iter().map(change)))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<Moved, Error> {
        let (store, to) = self.databases(at)?;
        let target = to.connect(true)?;
        target.migrate()?;
        let actor = permit.by().actor;
        transfer::leave(&store, actor, &self.url)?;
        let tables = match transfer::carry(&store, &target, self.watch) {
            Ok(tables) => tables,
            Err(error) => {
                // Nothing has moved: the old one stays in use.
                transfer::stay(&store, actor, "it could not be carried")?;
                return Err(error.into());
            }
        };
        let epoch = transfer::arrive(&target, actor, "migrate", store.name())?;
        Ok(Moved { left: store.name().to_owned(), epoch, tables })
    }
}

/// Goes on with the old database after a move. Rows of the new one are not brought back. On record: `stay`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct UndoMove;

impl Action<Installation> for UndoMove {
    const NAME: &'static str = "undo-move";
    const ROLE: Role = Role::Admin;
    /// Name of the database.
    type Done = String;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let store = connect(at)?;
        let target = store.read(|tx| meta::get(tx, meta::MOVED_TO))?;
        let change = |to: String| Change::new(Kind::State, store.name()).before(format!("moved to {to}"));
        Ok(Preview::of(target.map(|to| change(to).after("in use".to_owned()))))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<String, Error> {
        let (store, by) = (connect(at)?, permit.by());
        transfer::stay(&store, by.actor, by.reason.unwrap_or("migrate --undo"))?;
        Ok(store.name().to_owned())
    }
}
