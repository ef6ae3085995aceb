//! What is said when a page cannot be shown.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use crate::pages::{Part, Shell};
use crate::reader::Trouble;
use crate::shown::clean;

/// Why there is no page.
pub struct Problem {
    /// Its code.
    pub status: StatusCode,
    /// What happened.
    pub text: String,
}

impl Problem {
    /// Of a code and a text.
    pub fn new(status: StatusCode, text: impl Into<String>) -> Problem {
        Problem { status, text: text.into() }
    }

    /// What is asked for makes no sense.
    pub fn usage(text: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, text)
    }

    /// There is no such page.
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is no such page")
    }

    /// As a page.
    pub fn page(&self, shell: &Shell<'_>) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let part = Part::still("problem", html! { p.verdict { (clean(&self.text)) } });
        let mut answer = shell.page(title, vec![part]);
        *answer.status_mut() = self.status;
        answer
    }

    /// As JSON.
    pub fn json(&self) -> Response {
        let value = serde_json::json!({ "v": 1, "error": self.text });
        crate::api::answer(self.status, &value)
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Problem {
        match trouble {
            Trouble::Unknown(text) => Problem::new(StatusCode::NOT_FOUND, text),
            Trouble::Usage(text) => Problem::usage(text),
            Trouble::Refused(text) => Problem::new(StatusCode::FORBIDDEN, text),
            Trouble::Away(cause) => {
                let text = format!("the database is away ({cause}), and nothing is known yet that could be shown");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }
}
