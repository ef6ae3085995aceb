//! Errors in place of a page.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::reader::Trouble;

/// What everybody may know of a database that is away.
const AWAY: &str = "the database is away, and nothing is known yet that could be shown";

/// Error in place of a page.
pub struct Problem {
    /// Status code.
    pub status: StatusCode,
    /// Text of the error.
    pub text: String,
    /// Text for those who may not know more.
    pub public: Option<&'static str>,
}

impl Problem {
    /// Of a code and a text.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Problem {
        Problem { status, text: text.into(), public: None }
    }

    /// Error of a request that cannot be used.
    pub fn usage(text: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, text)
    }
}

/// The error is rendered once its user is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = self.status;
        answer.extensions_mut().insert(Arc::new(self));
        answer
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Problem {
        match trouble {
            Trouble::Unknown(text) => Problem::new(StatusCode::NOT_FOUND, text),
            Trouble::Usage(text) => Problem::usage(text),
            Trouble::Refused(text) => Problem::new(StatusCode::FORBIDDEN, text),
            Trouble::Away(cause) => {
                let text =
                    format!("the database is away ({cause}), and nothing is known yet that could be shown");
                Problem { public: Some(AWAY), ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, text) }
            }
        }
    }
}
