//! Interface of a server for the publisher. There are two: Git's transports, and a folder of this machine.

use crate::ObjectId;
use crate::porcelain::Told;
use crate::problem::Problem;
use crate::refs::Advertised;

/// A move of a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Full name of the ref.
    pub name: String,
    /// Object that it was seen at.
    pub old: Option<ObjectId>,
    /// New object.
    pub new: ObjectId,
    /// Object behind the new one, if that is an annotated tag.
    pub peeled: Option<ObjectId>,
}

/// Result of the creation of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// Nothing is there to create it with: it may come with the first push.
    No,
    /// It was created. Perhaps a clone checks out the branch that is pushed first.
    Yes,
    /// It was created by a command that was told which branch a clone checks out.
    WithHead,
}

/// The repository of one package on a remote.
pub trait Server {
    /// Refs of the server.
    fn read(&self) -> Result<Advertised, Problem>;

    /// Moves refs with all objects that they need; with `atomic`, all or none. Returns the result of each.
    fn push(&self, moves: &[Move], atomic: bool) -> Result<Vec<Told>, Problem>;

    /// Fetches objects of refs, durably, without creating a ref.
    fn fetch(&self, refs: &[(String, ObjectId)]) -> Result<(), Problem>;

    /// Creates the repository, if that is possible before the first push.
    fn create(&self) -> Result<Created, Problem>;

    /// Sets the branch that a clone checks out. Returns true when the server accepts that.
    fn set_head(&self, branch: &str) -> Result<bool, Problem>;

    /// True when everything goes in one transaction, of any size.
    fn is_whole(&self) -> bool;
}
