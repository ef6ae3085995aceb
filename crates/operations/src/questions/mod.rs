//! Questions. Each answer is, as JSON, what `--json` of its command prints.

mod archives;
mod backup;
mod baseline;
mod collisions;
mod counters;
mod explain;
mod failures;
mod freshness;
mod incidents;
mod list;
mod log;
mod package;
mod place;
mod publishing;
mod records;
mod remotes;
mod repair;
mod users;
mod work;

pub use archives::{Archives, archives, explain_package};
pub use backup::{BackupChecked, check_backup};
pub use baseline::{Baselines, Explained, baselines};
pub(crate) use collisions::find as collision_row;
pub use collisions::{CollisionShown, Collisions, CollisionsWanted, collision, collisions};
pub use counters::differences;
pub use explain::{Explanation, codes, explain};
pub use failures::{Failures, FailuresWanted, Signatures, failures, signature, signatures};
pub use freshness::{Freshness, freshness, freshness_of};
pub use incidents::{
    Entry, Heading, Incident, IncidentKind, IncidentShown, Incidents, Late, Part, incident, incidents,
};
pub use list::{OfPackage, Packages, PackagesWanted, packages};
pub use log::{Log, LogWanted, Piece, follow, log, log_of, number, published_log};
pub use package::{Shown, show, show_at};
pub use publishing::publishing;
pub use records::{Audit, AuditWanted, History, HistoryWanted, audit, audit_of, batch, history, settings};
pub use remotes::{Remotes, remotes};
pub use repair::{
    Mutes, PlanBegin, PlanListed, PlanShown, Step as RepairStep, findings, mutes, repair_plan,
    repair_plan_begin, repair_plans,
};
pub use users::{User, Users, users};
pub use work::{Capacity, Queue, Workers, capacity, metrics, queue, status, tune, workers};
