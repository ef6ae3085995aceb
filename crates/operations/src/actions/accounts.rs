//! Changes of the accounts of the pages.

use state::audit;

use crate::accounts::{AccountError, Accounts};
use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Installation;
use crate::role::{Permit, Role};

/// Makes an account. On record, if there is a state: `user-add`, one entry.
#[derive(Clone)]
pub struct AddUser {
    /// Name of the user.
    pub name: String,
    /// Role of the user.
    pub role: Role,
    /// Password in plain text.
    pub password: String,
}

/// Gives an account another password, and another role if one is named; its sessions end. On record, if there is a state:
/// `user-password`, one entry.
#[derive(Clone)]
pub struct ChangePassword {
    /// Name of the user.
    pub name: String,
    /// New role; `None` keeps the present one.
    pub role: Option<Role>,
    /// New password in plain text.
    pub password: String,
}

/// Removes an account; its sessions end. On record, if there is a state: `user-remove`, one entry.
#[derive(Clone, Debug)]
pub struct RemoveUser {
    /// Name of the user.
    pub name: String,
}

fn accounts(at: &Installation) -> Result<Accounts, Error> {
    Ok(Accounts::of(&at.absolute_root()?)?)
}

/// Change of an account, whose present role is shown.
fn change(at: &Installation, name: &str, after: String) -> Result<Preview, Error> {
    let before = accounts(at)?.get(name).map(|it| it.role.to_string());
    Ok(Preview::of([Change::new(Kind::Account, name).before(before).after(after)]))
}

/// An account that exists.
fn known(at: &Installation, name: &str) -> Result<(), Error> {
    match accounts(at)?.get(name) {
        Some(_) => Ok(()),
        None => Err(AccountError::Unknown(name.to_owned()).into()),
    }
}

fn record(
    at: &Installation,
    permit: &Permit<'_>,
    action: &str,
    name: &str,
    role: Option<Role>,
) -> Result<(), Error> {
    let (Some(store), by) = (at.state_if_any()?, permit.by()) else { return Ok(()) };
    let after = role.map(Role::as_str);
    Ok(store.write(|tx| audit::record(tx, by.actor, action, name, by.reason, None, after))?)
}

impl Action<Installation> for AddUser {
    const NAME: &'static str = "user-add";
    const ROLE: Role = Role::Admin;
    type Done = ();

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        change(at, &self.name, self.role.to_string())
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<(), Error> {
        accounts(at)?.put(&self.name, Some(self.role), &self.password, true)?;
        record(at, permit, Self::NAME, &self.name, Some(self.role))
    }
}

impl Action<Installation> for ChangePassword {
    const NAME: &'static str = "user-password";
    const ROLE: Role = Role::Admin;
    type Done = ();

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        known(at, &self.name)?;
        let role = self.role.map_or(String::new(), |role| format!(", and the role {role}"));
        change(at, &self.name, format!("another password{role}"))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<(), Error> {
        accounts(at)?.put(&self.name, self.role, &self.password, false)?;
        record(at, permit, Self::NAME, &self.name, self.role)
    }
}

impl Action<Installation> for RemoveUser {
    const NAME: &'static str = "user-remove";
    const ROLE: Role = Role::Admin;
    type Done = ();

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        known(at, &self.name)?;
        change(at, &self.name, "no account".to_owned())
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<(), Error> {
        accounts(at)?.remove(&self.name)?;
        record(at, permit, Self::NAME, &self.name, None)
    }
}
