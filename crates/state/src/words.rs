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
    /// How an attempt ended.
    Outcome {
        /// Everything that was wanted is there.
        Imported = "imported",
        /// It was there before.
        AlreadyThere = "already-there",
        /// Nothing was to be imported: its repository was checked, or packed anew.
        Maintained = "maintained",
        /// Something was imported without its patches applied.
        UnappliedOnly = "unapplied-only",
        /// It failed.
        Failed = "failed",
        /// Its process or its lease was lost.
        Lost = "lost",
        /// It was ended on purpose: a run that had to stop.
        Cancelled = "cancelled",
        /// It waits for something that is out of reach.
        Parked = "parked",
        /// It waits for something that may come by itself, for a time.
        Waiting = "waiting",
    }
}

words! {
    /// What a package waits for, for a time, before it goes on without it.
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
    /// What an operator decided about a signature.
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
        /// Tried again soon.
        Retrying = "retrying",
        /// Tried again once a week, and whenever something changes.
        Failing = "failing",
        /// Needs a person's decision.
        Wedged = "wedged",
    }
}

words! {
    /// What packages are listed by: what their last import came to, or what is being done with them.
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
        /// What it needs is out of reach.
        Parked = "parked",
        /// An operator has taken it out of the queue.
        Held = "held",
    }
}

words! {
    /// What is known about a package's last import.
    Fact {
        /// Never imported.
        Never = "never",
        /// The last attempt succeeded.
        Current = "current",
        /// It failed and is tried again soon.
        Retrying = "retrying",
        /// It keeps failing.
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
        /// Is being done.
        Running = "running",
        /// Waits for something that is out of reach.
        Parked = "parked",
        /// Waits for its time.
        Retrying = "retrying",
    }
}

words! {
    /// The state of a host.
    HostState {
        /// It imports.
        Online = "online",
        /// It finishes what it does and takes nothing new.
        Quiescing = "quiescing",
        /// It does nothing.
        Offline = "offline",
    }
}

/// What a job is to do: a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tasks(pub i64);

impl Tasks {
    /// Import what is published.
    pub const IMPORT: Tasks = Tasks(1);
    /// Check the repository.
    pub const VERIFY: Tasks = Tasks(2);
    /// Pack the repository anew.
    pub const REPACK: Tasks = Tasks(4);
    /// Make or carry out plans of repair.
    pub const REPAIR: Tasks = Tasks(8);

    /// These and others.
    pub fn and(self, other: Tasks) -> Tasks {
        Tasks(self.0 | other.0)
    }

    /// Whether it has one of these.
    pub fn has(self, other: Tasks) -> bool {
        self.0 & other.0 != 0
    }
}
