//! The style and the script, compiled in. Their names change with their content, so that a browser may cache them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;

/// The style sheet.
const STYLE: &str = include_str!("../assets/style.css");
/// The script.
const SCRIPT: &str = include_str!("../assets/script.js");
/// The picture beside the title of a window.
const ICON: &str = include_str!("../assets/icon.svg");

/// Part of the names of assets that changes with their content.
pub fn stamp() -> String {
    let mut hasher = DefaultHasher::new();
    (STYLE, SCRIPT, ICON).hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
}

/// An asset by its name, with any stamp: pages of an older server may still be open.
pub fn get(name: &str) -> Option<Response> {
    let (kind, text) = match name {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "script.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return None,
    };
    let answer = Response::builder()
        .status(StatusCode::OK)
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "public, max-age=31536000, immutable");
    answer.body(Body::from(text)).ok()
}
