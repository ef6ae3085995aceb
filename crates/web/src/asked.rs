//! What is known of a request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::app::App;
use crate::problem::Problem;
use crate::who::{Peer, Viewer};

/// What is known of a request, for whoever answers it.
#[derive(Clone)]
pub struct Asked {
    /// The server.
    pub app: Arc<App>,
    /// Who asks.
    pub viewer: Viewer,
    /// The path below the prefix.
    pub path: String,
    /// What stands behind the question mark, the last of each name.
    pub query: HashMap<String, String>,
    /// Where the request comes from.
    pub peer: Peer,
    /// Whether a page of ours wants its live parts anew, as a script.
    pub is_script: bool,
}

impl Asked {
    /// Refuses what is not for everybody.
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
