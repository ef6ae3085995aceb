//! Search: a package by how its name begins, a signature by its id.

use axum::response::{IntoResponse as _, Response};
use maud::html;

use super::parts::{self, to};
use super::{Page, Part};
use crate::answers::see_other;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::Found;
use crate::shown::clean;

/// Largest number of characters of a search.
const LONGEST: usize = 200;

/// Shows the results; a single result is opened.
pub async fn page(asked: Asked) -> Result<Response, Problem> {
    let word: String =
        asked.query.get("q").map(String::as_str).unwrap_or_default().trim().chars().take(LONGEST).collect();
    if word.is_empty() {
        let html = html! { p { "Type how the name of a source package begins, or the id of a signature." } };
        return Ok(Page::still("Search", vec![Part::still("found", html)]).into_response());
    }
    let answer = asked.app.reader.search(word.clone()).await?;
    let found = &*answer.value;
    if let Some(only) = only(&asked, found, &word) {
        return Ok(see_other(&only));
    }
    let html = html! {
        @if found.packages.is_empty() && found.signature.is_none() {
            p { "Nothing begins with " q { (clean(&word)) } "." }
        }
        @if let Some(short) = &found.signature { p { "Signature " (parts::signature(&asked, short)) } }
        @if !found.packages.is_empty() {
            ul.names { @for name in &found.packages { li { (parts::package(&asked, name)) } } }
            @if found.packages.len() >= 50 { p.dim { "Only the first 50 are shown." } }
        }
    };
    Ok(Page::of(format!("Search: {word}"), &answer, vec![Part::still("found", html)]).into_response())
}

/// The one thing that was meant.
fn only(asked: &Asked, found: &Found, word: &str) -> Option<String> {
    match (&found.signature, found.packages.as_slice()) {
        (None, names) if names.iter().any(|name| name == word) => Some(to(asked, "packages", word)),
        (None, [name]) => Some(to(asked, "packages", name)),
        (Some(short), []) => Some(to(asked, "signatures", short)),
        _ => None,
    }
}
