//! Publishes repositories on Git servers: reads the server's refs, plans, pushes, reads back. It has no database and
//! does not know imports: a repository is a folder of objects and a list of wanted refs.
//!
//! From below: [`address`] knows where a repository is, [`secret`] and [`ssh`] how to get in, [`git`] runs Git without
//! anybody's configuration, [`problem`] has the errors. [`plan`] decides for each ref, [`publish`] carries it out on a
//! [`server::Server`]: [`transport`] is one that Git reaches; a folder of this machine is the caller's.
//!
//! Nothing here forces: no `+`, no `--mirror`, no lease. A ref that somebody else has moved is left where it is.

pub mod abilities;
pub mod address;
pub mod answers;
pub mod create;
pub mod git;
pub mod plan;
pub mod porcelain;
pub mod problem;
pub mod publish;
pub mod refs;
pub mod secret;
pub mod server;
pub mod ssh;
pub mod transport;

pub use gix_hash::ObjectId;
