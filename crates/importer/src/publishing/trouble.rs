//! Meaning of a remote's problem for the next try.

use packaging_repo::Error;
use remote::problem::Problem;
use state::publishing::ends::{Next, Trouble};

/// Time of the next try, code and message of a problem.
pub(super) fn of(problem: &Problem) -> Trouble {
    let next = match problem {
        Problem::Away(_) | Problem::NoEntry(_) | Problem::Paced { .. } => Next::Remote,
        Problem::Missing { .. } | Problem::Refused(_) | Problem::TooLarge(_) | Problem::StaleLock { .. } => {
            Next::Person
        }
        Problem::Raced(_)
        | Problem::NotAtomic
        | Problem::Late(_)
        | Problem::Local(_)
        | Problem::Failed(_) => Next::Later,
    };
    Trouble { code: problem.code().to_owned(), message: problem.to_string(), next }
}

/// A problem of a folder of this machine, or of our own repository.
pub(super) fn of_repository(error: Error) -> Problem {
    let text = error.to_string();
    match error {
        Error::Locked(path) => Problem::StaleLock { lock: path.display().to_string() },
        Error::NoRepository(path) => {
            Problem::Missing { address: path.display().to_string(), said: "there is no such folder".into() }
        }
        Error::Unsuitable { .. } | Error::StrangeRef(_) | Error::BadRefName(_) => Problem::Refused(text),
        Error::File { error, .. } if is_full(&error) => Problem::Away(text),
        Error::File { error, .. } if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Problem::Refused(text)
        }
        _ => Problem::Local(text),
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}
