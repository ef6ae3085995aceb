//! The words of the state: lanes, results, outcomes, classes. Each is one word in rows, in JSON and on the screen.

use source_package::words;

pub use source_package::code::Class;

words! {
    /// A priority class of the queue, highest first.
    Lane {
        /// An operator asked for it: next.
        Operator = "operator",
        /// A fresh upload.
        Upload = "upload",
        /// A failure that is tried again.
        Retry = "retry",
        /// One of very many: a series opened, a bug of the importer is mended.
        Rescan = "rescan",
        /// A repository that is checked.
        Verify = "verify",
        /// A repository that is packed anew.
        Maintain = "maintain",
    }
}

impl Lane {
    /// Its place: 0 is the highest.
    pub fn place(self) -> i64 {
        self as i64
    }

    /// The lane at a place.
    pub fn at(place: i64) -> Lane {
        let last = Lane::Maintain;
        usize::try_from(place).ok().and_then(|place| Lane::ALL.get(place).copied()).unwrap_or(last)
    }
}

words! {
    /// Outcome of an attempt.
    Outcome {
        /// Everything that was wanted is there.
        Imported = "imported",
        /// It was there before.
        AlreadyThere = "already-there",
        /// Nothing was to be imported: its repository was checked, or packed anew.
        Maintained = "maintained",
        /// Something was imported without its patches applied.
        UnappliedOnly = "unapplied-only",
        /// The import failed.
        Failed = "failed",
        /// Its process or its lease was lost.
        Lost = "lost",
        /// It was ended on purpose: a run that had to stop.
        Cancelled = "cancelled",
        /// It waits for a dependency that cannot be reached.
        Parked = "parked",
        /// It waits for something that may come by itself, for a time.
        Waiting = "waiting",
    }
}

words! {
    /// Kind of thing that a package waits for, for a limited time.
    WaitKind {
        /// Its old versions, before its first import.
        History = "history",
        /// The version of another distro that one of its versions was built on.
        Base = "base",
        /// A file that an index lists and no mirror has: nothing goes on without that.
        Pool = "pool",
    }
}

words! {
    /// Policy that an operator sets for a signature.
    Policy {
        /// As if it were transient.
        Retry = "retry",
        /// As if it were permanent.
        Fail = "fail",
        /// Take packages with it out of the queue.
        Hold = "hold",
    }
}

words! {
    /// The state of a package's failure.
    FailureState {
        /// It is tried again soon.
        Retrying = "retrying",
        /// Tried again once a week, and whenever something changes.
        Failing = "failing",
        /// Needs a person's decision.
        Wedged = "wedged",
    }
}

words! {
    /// Conditions by which packages are listed: the result of their last import, or their present work.
    Condition {
        /// Not imported, and not failed either.
        Never = "never",
        /// The last import succeeded.
        Current = "current",
        /// It failed, and is tried again soon.
        Retrying = "retrying",
        /// It keeps failing, and is tried again once a week.
        Failing = "failing",
        /// It needs a person's decision.
        Wedged = "wedged",
        /// It waits for a worker.
        Queued = "queued",
        /// It is imported now.
        Running = "running",
        /// A dependency that it needs cannot be reached.
        Parked = "parked",
        /// An operator has taken it out of the queue.
        Held = "held",
    }
}

words! {
    /// Result of a package's last import.
    Fact {
        /// The package was never imported.
        Never = "never",
        /// The last attempt succeeded.
        Current = "current",
        /// It failed and is tried again soon.
        Retrying = "retrying",
        /// Its import keeps failing.
        Failing = "failing",
        /// It needs a person's decision.
        Wedged = "wedged",
    }
}

words! {
    /// The state of a job.
    JobState {
        /// Waits for a worker.
        Pending = "pending",
        /// An attempt is running.
        Running = "running",
        /// Waits for a dependency that cannot be reached.
        Parked = "parked",
        /// Waits for its time.
        Retrying = "retrying",
    }
}

words! {
    /// The state of a host.
    HostState {
        /// The host imports.
        Online = "online",
        /// It finishes its running jobs and claims no new ones.
        Quiescing = "quiescing",
        /// The host does nothing.
        Offline = "offline",
    }
}

/// Set of tasks of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tasks(pub i64);

impl Tasks {
    /// Import the publications.
    pub const IMPORT: Tasks = Tasks(1);
    /// Check the repository.
    pub const VERIFY: Tasks = Tasks(2);
    /// Pack the repository anew.
    pub const REPACK: Tasks = Tasks(4);
    /// Make or carry out plans of repair.
    pub const REPAIR: Tasks = Tasks(8);

    /// Union of both sets.
    pub fn and(self, other: Tasks) -> Tasks {
        Tasks(self.0 | other.0)
    }

    /// True when the sets have a task in common.
    pub fn has(self, other: Tasks) -> bool {
        self.0 & other.0 != 0
    }
}
