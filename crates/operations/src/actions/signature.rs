//! Deciding about a cause of failures.

use state::operate::{self, Decision};
use state::policy::Retries;
use state::reclassify;
use state::words::Policy;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::reason::Reason;
use crate::role::{Permit, Role};

/// Decides about a signature; failures that have it are judged again. On record: `signature`, one entry.
#[derive(Clone, Debug)]
pub struct Decide {
    signature: String,
    policy: Option<Option<Policy>>,
    note: Option<Reason>,
    bug: Option<String>,
}

impl Decide {
    /// Decision about the signature of a short id: a policy (the inner `None` removes it), a note, the address of the
    /// bug report.
    ///
    /// # Errors
    ///
    /// No decision is given, or a policy without a note, which is its reason.
    pub fn new(
        signature: &str,
        policy: Option<Option<Policy>>,
        note: Option<Reason>,
        bug: Option<String>,
    ) -> Result<Decide, Error> {
        if policy.is_some() && note.is_none() {
            return Err(Error::Usage("a policy needs its reason: --note".into()));
        }
        if policy.is_none() && note.is_none() && bug.is_none() {
            return Err(Error::Usage("nothing is decided: give --policy, --note or --bug".into()));
        }
        Ok(Decide { signature: signature.to_owned(), policy, note, bug })
    }

    /// Short id of the signature.
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

fn policy(policy: Option<&str>) -> String {
    format!("policy {}", policy.unwrap_or("none"))
}

impl Action for Decide {
    const NAME: &'static str = "signature";
    const ROLE: Role = Role::Operate;
    /// Failures that are judged differently now.
    type Done = i64;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let group = crate::questions::signature(at, &self.signature)?;
        let before = group.policy.as_deref();
        let after = self.policy.map_or(before, |policy| policy.map(Policy::as_str));
        let failures = u64::try_from(group.packages).unwrap_or(0);
        let change = Change::new(Kind::Signature, &self.signature).number_of(failures);
        Ok(Preview::of([change.before(policy(before)).after(policy(after))]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<i64, Error> {
        let note = self.note.as_ref().map(Reason::as_str);
        let by = operate::By { reason: permit.by().reason.or(note), ..permit.by() };
        let decision = Decision { policy: self.policy, note, bug: self.bug.as_deref() };
        let signature = at.store.write(|tx| operate::decide(tx, &self.signature, &decision, by))?;
        match self.policy {
            Some(_) => Ok(reclassify::signature(&at.store, signature, &Retries::default())?),
            None => Ok(0),
        }
    }
}
