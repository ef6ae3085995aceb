//! Answers other than pages, and the data of forms.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

/// Another page, to be got.
pub fn see_other(target: &str) -> Response {
    let answer = Response::builder().status(StatusCode::SEE_OTHER).header("location", target);
    answer.body(Body::empty()).unwrap_or_default()
}

/// Answer of plain text.
pub fn plain(status: StatusCode, text: &str) -> Response {
    let answer = Response::builder().status(status).header("content-type", "text/plain; charset=utf-8");
    answer.body(Body::from(text.to_owned())).unwrap_or_default()
}

/// JSON with a code.
pub fn json(status: StatusCode, value: &Value) -> Response {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Body::from(format!("{value}\n"))).unwrap_or_default()
}

/// Parameters of the query, the last of each name.
pub fn query(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().take(32).collect()
}

/// The fields of a form.
pub fn form(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body).into_owned().take(64).collect()
}
