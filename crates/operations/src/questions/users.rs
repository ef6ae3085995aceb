//! Accounts of the pages.

use serde::Serialize;

use crate::accounts::Accounts;
use crate::error::Error;
use crate::installation::Installation;
use crate::role::Role;

/// All accounts.
#[derive(Clone, Debug, Serialize)]
pub struct Users {
    /// The users, by name.
    pub users: Vec<User>,
}

/// An account, without its password.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    /// Name of the user.
    pub name: String,
    /// Role of the user.
    pub role: Role,
}

/// All accounts of the pages.
///
/// # Errors
/// The file of the accounts cannot be read.
pub fn users(at: &Installation) -> Result<Users, Error> {
    let accounts = Accounts::of(&at.absolute_root()?)?.list();
    Ok(Users { users: accounts.into_iter().map(|it| User { name: it.name, role: it.role }).collect() })
}
