//! What a server does for the publisher. There are two: Git's transports, and a folder of this machine.

use crate::ObjectId;
use crate::porcelain::Told;
use crate::problem::Problem;
use crate::refs::Advertised;

/// A ref that shall move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its full name.
    pub name: String,
    /// Where it was seen.
    pub old: Option<ObjectId>,
    /// Where it shall point.
    pub new: ObjectId,
    /// What is behind that, if it is an annotated tag.
    pub peeled: Option<ObjectId>,
}

/// The repository of one package on a remote.
pub trait Server {
    /// What it has.
    fn read(&self) -> Result<Advertised, Problem>;

    /// Moves refs with all that they need; with `atomic`, all or none. Returns what became of each.
    fn push(&self, moves: &[Move], atomic: bool) -> Result<Vec<Told>, Problem>;

    /// Brings objects of refs here, durable, without a ref of ours.
    fn fetch(&self, refs: &[(String, ObjectId)]) -> Result<(), Problem>;

    /// Makes the repository, if that can be done before anything is pushed. Returns whether it was.
    fn create(&self) -> Result<bool, Problem>;

    /// Has a clone check out a branch. Returns whether that could be said to the server.
    fn set_head(&self, branch: &str) -> Result<bool, Problem>;

    /// Whether everything goes in one transaction, however much it is.
    fn is_whole(&self) -> bool;
}
