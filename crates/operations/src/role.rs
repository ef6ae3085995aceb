//! Users and their roles.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use state::audit::By;

use crate::error::Error;
use crate::reason::Reason;

/// Role of a user, the least first: each role includes those before it.
///
/// With PostgreSQL the rights of the login decide as well (`docs/examples/grants.sql`): actions of
/// [`Role::Operate`] are those that `package_import_operator` may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything, changes nothing.
    View,
    /// Decides about existing publications: retries, holds, priorities, policies, settings.
    Operate,
    /// Decides about trust: files given by hand, indices that need an operator's consent.
    Admin,
}

impl Role {
    /// The role as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::View => "view",
            Role::Operate => "operate",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Role, String> {
        let all = [Role::View, Role::Operate, Role::Admin];
        let found = all.into_iter().find(|role| role.as_str() == word);
        found.ok_or_else(|| format!("{word:?} is none of view, operate, admin"))
    }
}

/// User who asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
    role: Role,
}

impl Actor {
    /// By the name that goes on record, such as `olga@host1`.
    pub fn new(name: impl Into<String>, role: Role) -> Actor {
        Actor { name: name.into(), role }
    }

    /// The name that goes on record.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Role of the user.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The permit for an action.
    ///
    /// # Errors
    ///
    /// The role may not do it.
    pub(crate) fn permit<'a>(
        &'a self,
        action: &'static str,
        needed: Role,
        reason: Option<&'a Reason>,
    ) -> Result<Permit<'a>, Error> {
        if self.role >= needed {
            return Ok(Permit { by: By { actor: &self.name, reason: reason.map(Reason::as_str) } });
        }
        Err(Error::Role { actor: self.name.clone(), action, needed, role: self.role })
    }
}

/// Proof that a role was checked. Only this crate makes one, so that no action goes without.
#[derive(Clone, Copy, Debug)]
pub struct Permit<'a> {
    by: By<'a>,
}

impl<'a> Permit<'a> {
    /// Actor and reason, as the audit trail records them.
    pub(crate) fn by(&self) -> By<'a> {
        self.by
    }
}
