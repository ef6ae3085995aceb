//! Facts about a request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::app::App;
use crate::problem::Problem;
use crate::reader::Reader;
use crate::who::{Peer, Viewer};

/// Facts about a request, for the function that answers it.
#[derive(Clone)]
pub struct Asked {
    /// State of the server.
    pub app: Arc<App>,
    /// User of the request.
    pub viewer: Viewer,
    /// The path below the prefix.
    pub path: String,
    /// Parameters of the query, the last of each name.
    pub query: HashMap<String, String>,
    /// Origin of the connection.
    pub peer: Peer,
    /// The time that is looked back to, in Unix milliseconds.
    pub then: Option<i64>,
    /// True when a script of one of our pages asks for its live parts.
    pub is_script: bool,
}

impl Asked {
    /// The thread that answers.
    pub fn reader(&self) -> &Reader {
        if self.then.is_some() { &self.app.past } else { &self.app.reader }
    }

    /// Why the database is away, as far as this user may know: the cause names hosts and paths.
    pub fn cause<'a>(&self, cause: &'a str) -> &'a str {
        if self.viewer.is_public { "it does not answer" } else { cause }
    }

    /// Refuses users who may only see the public part of the pages.
    pub fn private(&self) -> Result<(), Problem> {
        if self.viewer.is_public {
            return Err(Problem::new(StatusCode::FORBIDDEN, "this page is not public: sign in to see it"));
        }
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, StatusCode> {
        parts.extensions.get().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
