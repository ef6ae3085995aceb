//! A plan is data: what was found, and the steps that would mend it.

use packaging_repo::verify::Problem;
use serde::{Deserialize, Serialize};
use source_package::words;

words! {
    /// The effect of a step on what others may have.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Mark {
        /// Makes something that is not there.
        Create = "create",
        /// Moves something forward, or makes it what it says to be: whoever has the old one loses nothing.
        Forward = "forward",
        /// Sets something of others aside.
        Aside = "aside",
        /// Replaces or removes something that others may have.
        Replace = "replace",
    }
}

impl Mark {
    /// The mark as one character.
    pub fn sign(self) -> char {
        match self {
            Mark::Create => '+',
            Mark::Forward => '~',
            Mark::Aside => '>',
            Mark::Replace => '!',
        }
    }
}

words! {
    /// The kinds of steps, in the order in which they are taken.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Act {
        /// A folder of the repository.
        Folder = "folder",
        /// The mode of a file or folder.
        Mode = "mode",
        /// The owner of a file.
        Owner = "owner",
        /// An abandoned lock of Git.
        Lock = "lock",
        /// The index of a pack.
        PackIndex = "pack-index",
        /// A list of places from which objects are borrowed.
        Alternates = "alternates",
        /// A program that Git runs.
        Hook = "hook",
        /// Git's configuration of the repository.
        Config = "config",
        /// The file of a ref that names nothing.
        LooseRef = "loose-ref",
        /// The file of all refs.
        PackedRefs = "packed-refs",
        /// An invalid `HEAD`.
        Head = "head",
        /// A pack that is not whole.
        Pack = "pack",
        /// All versions are imported again beside the repository, and what it lacks is brought in.
        Rebuild = "rebuild",
        /// The importer's record.
        Record = "record",
        /// A ref.
        Ref = "ref",
        /// A version that the repository has is put on record in the state.
        Version = "version",
        /// The package is put into the queue.
        Queue = "queue",
        /// The package is asked for on a remote.
        Publish = "publish",
    }
}

impl Act {
    /// True if the state is changed, not the repository.
    pub fn is_of_state(self) -> bool {
        matches!(self, Act::Version | Act::Queue | Act::Publish)
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The kind of step.
    pub act: Act,
    /// Its effect on what others may have.
    pub mark: Mark,
    /// The ref, or the file by its path in the repository.
    pub subject: String,
    /// The present value: an object, or the fingerprint of a file.
    pub before: Option<String>,
    /// The value afterwards.
    pub after: Option<String>,
    /// The reason.
    pub reason: String,
    /// True if it can be undone.
    pub reversible: bool,
    /// True if it is done automatically: nothing that others may have is replaced.
    pub automatic: bool,
    /// Bytes that are fetched for it, where that is known.
    #[serde(default)]
    pub bytes: u64,
    /// Versions that are imported again for it.
    #[serde(default)]
    pub imports: u64,
}

impl Step {
    /// One that is reversible, automatic, and costs nothing.
    pub fn new(act: Act, mark: Mark, subject: impl Into<String>, reason: impl Into<String>) -> Step {
        Step {
            act,
            mark,
            subject: subject.into(),
            before: None,
            after: None,
            reason: reason.into(),
            reversible: true,
            automatic: true,
            bytes: 0,
            imports: 0,
        }
    }

    /// Sets the present value and the value afterwards.
    pub fn moving(self, before: Option<String>, after: Option<String>) -> Step {
        Step { before, after, ..self }
    }

    /// One that a person has to want.
    pub fn by_person(self) -> Step {
        Step { automatic: false, ..self }
    }

    /// One that cannot be undone.
    pub fn for_good(self) -> Step {
        Step { reversible: false, ..self }
    }

    /// True if others may notice, or something of theirs cannot be put back: read first.
    pub fn is_dangerous(&self) -> bool {
        self.mark == Mark::Replace || (self.mark == Mark::Aside && !self.reversible)
    }

    /// True if more can be read, and said of the refs, after the step.
    pub fn reveals_more(&self) -> bool {
        matches!(self.act, Act::PackIndex | Act::Pack | Act::Rebuild | Act::Mode | Act::Folder)
    }

    /// True if two steps do the same; the reason does not matter.
    pub fn does_the_same(&self, other: &Step) -> bool {
        (self.act, &self.subject, &self.before, &self.after)
            == (other.act, &other.subject, &other.before, &other.after)
    }

    /// The change, for a text.
    pub fn change(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        format!("{} from {} to {}", self.subject, shown(&self.before), shown(&self.after))
    }
}

/// The findings of one package, and the steps that would mend them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The source package.
    pub package: String,
    /// The findings.
    pub findings: Vec<Problem>,
    /// The steps, dangerous ones first.
    pub steps: Vec<Step>,
    /// The plan that it undoes.
    #[serde(default)]
    pub undoes: Option<i64>,
    /// True if it was made automatically, of automatic steps.
    #[serde(default)]
    pub automatic: bool,
    /// True if it was compared with a repository that was built anew: that is done again when it is carried out.
    #[serde(default)]
    pub rebuild: bool,
    /// True if refs move to what a rebuild gives: versions get ancestors that came late.
    #[serde(default)]
    pub ancestors: bool,
}

/// The number of steps of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Findings.
    pub findings: u64,
    /// `+`.
    pub create: u64,
    /// `~`.
    pub forward: u64,
    /// `>`.
    pub aside: u64,
    /// `!`.
    pub replace: u64,
    /// Steps that cannot be undone.
    pub for_good: u64,
    /// Bytes that are fetched.
    pub bytes: u64,
    /// Versions that are imported again.
    pub imports: u64,
}

impl Summary {
    /// Takes those of another package.
    pub fn add(&mut self, other: Summary) {
        self.findings += other.findings;
        self.create += other.create;
        self.forward += other.forward;
        self.aside += other.aside;
        self.replace += other.replace;
        self.for_good += other.for_good;
        self.bytes += other.bytes;
        self.imports += other.imports;
    }

    /// All steps.
    pub fn steps(&self) -> u64 {
        self.create + self.forward + self.aside + self.replace
    }
}

impl Plan {
    /// The number of steps of each kind.
    pub fn summary(&self) -> Summary {
        let of = |mark: Mark| self.steps.iter().filter(|step| step.mark == mark).count() as u64;
        Summary {
            findings: self.findings.len() as u64,
            create: of(Mark::Create),
            forward: of(Mark::Forward),
            aside: of(Mark::Aside),
            replace: of(Mark::Replace),
            for_good: self.steps.iter().filter(|step| !step.reversible).count() as u64,
            bytes: self.steps.iter().map(|step| step.bytes).sum(),
            imports: self.steps.iter().map(|step| step.imports).sum(),
        }
    }

    /// The plan with its automatic steps only.
    pub fn automatic_part(&self) -> Plan {
        let steps = self.steps.iter().filter(|step| step.automatic).cloned().collect();
        Plan { steps, automatic: true, ..self.clone() }
    }

    /// Sorts steps for whoever reads them: dangerous ones first, else in the order in which they are taken.
    pub(crate) fn sort(steps: &mut [Step]) {
        steps.sort_by(|a, b| {
            let key = |step: &Step| (!step.is_dangerous(), step.act, step.mark);
            key(a).cmp(&key(b)).then_with(|| a.subject.cmp(&b.subject))
        });
    }

    /// True if a step is one of the plan's. `begun` tells that the plan was begun before: `HEAD` may have got a value that is
    /// to be replaced, because Git takes a folder without it for no repository.
    pub fn has(&self, step: &Step, begun: bool) -> bool {
        let is_head =
            |it: &&Step| begun && step.act == Act::Head && it.act == Act::Head && it.after == step.after;
        self.steps.iter().any(|it| it.does_the_same(step) || is_head(&it))
    }

    /// The differences from the steps that are found now, one per line; empty if the plan still
    /// holds.
    ///
    /// `begun` tells that its steps were begun before: finished steps are then no difference. Neither are those that only show
    /// because objects are there again.
    pub fn outdated_by(&self, now: &[Step], begun: bool) -> Vec<String> {
        let mine = self.steps.iter().filter(|step| !step.act.is_of_state());
        let mut changed: Vec<String> = Vec::new();
        for step in mine {
            if begun || now.iter().any(|it| it.does_the_same(step)) {
                continue;
            }
            let same_subject = now.iter().find(|it| (it.act, &it.subject) == (step.act, &step.subject));
            changed.push(match same_subject {
                Some(it) => format!("the plan moves {}; now it would be {}", step.change(), it.change()),
                None => format!("the plan moves {}; nothing of that is to be done any more", step.change()),
            });
        }
        let is_revealed = begun && self.steps.iter().any(Step::reveals_more);
        if !self.automatic && !is_revealed {
            let is_mine = |it: &&Step| self.has(it, begun);
            let more = now.iter().filter(|it| !it.act.is_of_state() && !is_mine(it));
            changed.extend(
                more.filter(|it| !begun || it.act != Act::PackedRefs)
                    .map(|it| format!("{} would be moved now, which the plan does not say", it.change())),
            );
        }
        changed.sort();
        changed.dedup();
        changed
    }
}
