//! What can be asked. Each answer is, as JSON, what `--json` of its command prints.

mod archives;
mod baseline;
mod failures;
mod freshness;
mod package;
mod records;
mod remotes;
mod work;

pub use archives::{Archives, archives, explain_package};
pub use baseline::{Baselines, Explained, baselines};
pub use failures::{Failures, FailuresWanted, Signatures, failures, signature, signatures};
pub use freshness::{Freshness, freshness, freshness_of};
pub use package::{Shown, show};
pub use records::{Audit, History, LogWanted, audit, batch, history, log, settings};
pub use remotes::{Remotes, remotes};
pub use work::{Queue, Workers, metrics, queue, status, tune, workers};
