//! The log of an attempt.

use axum::extract::Path;
use maud::html;

use super::{Page, Part};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::lines;

/// Bytes of a log that are shown: its end, which contains the cause.
const SHOWN: usize = 64 * 1024;

/// Shows the log.
pub async fn page(asked: Asked, Path(id): Path<String>) -> Result<Page, Problem> {
    asked.private()?;
    let id: i64 = id.parse().map_err(|_| Problem::usage("attempts have numbers"))?;
    let answer = asked.app.reader.log(id).await?;
    let text = &*answer.value;
    let mut from = text.len().saturating_sub(SHOWN);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let html = html! {
        @if from > 0 { p.dim { "The last " (SHOWN / 1024) " KiB of " (text.len() / 1024) "." } }
        pre.log tabindex="0" { (lines(text.get(from..).unwrap_or_default())) }
    };
    Ok(Page::of(format!("Log of attempt {id}"), &answer, vec![Part::still("log", html)]))
}
