//! Decisions about the norm.

use std::str::FromStr;

use baseline::{Figure, Verdict};
use state::verdicts::{self, Decision};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// A figure whose norm can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decidable {
    /// Packages that fail, with jobs that are parked.
    Failing,
    /// New failures a day.
    Failed,
}

impl Decidable {
    fn figure(self) -> Figure {
        match self {
            Decidable::Failing => Figure::Failing,
            Decidable::Failed => Figure::Failed,
        }
    }
}

impl FromStr for Decidable {
    type Err = String;

    fn from_str(name: &str) -> Result<Decidable, String> {
        match name {
            "failing" => Ok(Decidable::Failing),
            "failed" => Ok(Decidable::Failed),
            other => Err(format!("{other:?} is neither failing nor failed (new failures a day)")),
        }
    }
}

/// Takes today's level for normal at once. On record: `baseline-accept`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct AcceptBaseline {
    /// The figure.
    pub figure: Decidable,
}

/// Sets the norm, until it is unset. On record: `baseline-set`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct SetBaseline {
    /// The figure.
    pub figure: Decidable,
    /// Packages that fail, or new failures a day.
    pub value: u32,
}

/// Removes a norm that was set or accepted. On record: `baseline-unset`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct UnsetBaseline {
    /// The figure.
    pub figure: Decidable,
}

fn look(at: &Opened, figure: Decidable, decision: Decision) -> Result<Preview, Error> {
    let figure = figure.figure();
    let (before, after) = verdicts::foresee(&at.store, figure, decision)?;
    Ok(Preview::of([Change::new(Kind::Norm, figure.name()).before(before).after(after)]))
}

fn act(at: &Opened, figure: Decidable, decision: Decision, permit: &Permit<'_>) -> Result<Verdict, Error> {
    Ok(verdicts::decide(&at.store, figure.figure(), decision, permit.by())?)
}

impl Action for AcceptBaseline {
    const NAME: &'static str = "baseline-accept";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    /// The new verdict.
    type Done = Verdict;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        look(at, self.figure, Decision::Accept)
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Verdict, Error> {
        act(at, self.figure, Decision::Accept, permit)
    }
}

impl Action for SetBaseline {
    const NAME: &'static str = "baseline-set";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    /// The new verdict.
    type Done = Verdict;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        look(at, self.figure, Decision::Set(f64::from(self.value)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Verdict, Error> {
        act(at, self.figure, Decision::Set(f64::from(self.value)), permit)
    }
}

impl Action for UnsetBaseline {
    const NAME: &'static str = "baseline-unset";
    const ROLE: Role = Role::Operate;
    /// The new verdict.
    type Done = Verdict;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        look(at, self.figure, Decision::Unset)
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Verdict, Error> {
        act(at, self.figure, Decision::Unset, permit)
    }
}
