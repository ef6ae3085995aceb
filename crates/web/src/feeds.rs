//! `/feeds/`: what is new, as Atom.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use operations::feeds::{Feed, Which};

use crate::asked::Asked;
use crate::problem::Problem;
use crate::veil::Veil;

/// `failures` and `collisions`.
pub async fn of_all(asked: Asked, Path(name): Path<String>) -> Result<Response, Problem> {
    match name.as_str() {
        "failures" => answer(asked, Which::Failures).await,
        "collisions" => {
            asked.private()?;
            answer(asked, Which::Collisions).await
        }
        _ => Err(Problem::new(StatusCode::NOT_FOUND, format!("there is no feed {name:?}"))),
    }
}

/// A package's.
pub async fn of_package(asked: Asked, Path(name): Path<String>) -> Result<Response, Problem> {
    answer(asked, Which::Package(name)).await
}

async fn answer(asked: Asked, which: Which) -> Result<Response, Problem> {
    let found = asked.app.reader.feed(which).await?;
    if let Some(cause) = &found.away {
        // Readers take an old answer for a new one.
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the database is away: {}", asked.cause(cause)),
        ));
    }
    let veil = Veil::of(&asked).await?;
    let mut feed = Feed::clone(&found.value);
    for entry in &mut feed.entries {
        entry.title = veil.text(&entry.title);
        entry.lines = entry.lines.iter().map(|line| veil.text(line)).collect();
    }
    let answer = Response::builder().header("content-type", "application/atom+xml; charset=utf-8");
    Ok(answer.body(Body::from(feed.render())).unwrap_or_default())
}
