//! Errors on the way to a server, or on the way back.

use std::io;

use crate::problem::Problem;

pub(super) fn problem(error: &ureq::Error) -> Problem {
    use ureq::{Error, Timeout};
    match error {
        Error::HostNotFound => Problem::UnknownHost,
        Error::ConnectionFailed | Error::ConnectProxyFailed(_) => Problem::Connect(error.to_string()),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Problem::Timeout("connection"),
        Error::Timeout(Timeout::PerRead | Timeout::RecvBody) => Problem::Timeout("more bytes"),
        Error::Timeout(_) => Problem::Timeout("answer"),
        Error::Tls(text) => Problem::Tls((*text).to_owned()),
        Error::Rustls(error) => Problem::Tls(error.to_string()),
        Error::Io(error) => io_problem(error),
        other => Problem::BadHttp(other.to_string()),
    }
}

fn io_problem(error: &io::Error) -> Problem {
    use io::ErrorKind as Kind;
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Problem::Tls(inner.to_string());
    }
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable => Problem::Connect(error.to_string()),
        Kind::TimedOut => Problem::Timeout("answer"),
        _ => Problem::Broken(error.to_string()),
    }
}

/// An error in the middle of a file; ureq wraps its own into that of the standard library.
pub(super) fn explain_read(error: &io::Error) -> Problem {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(inner) => problem(inner),
        None => io_problem(error),
    }
}
