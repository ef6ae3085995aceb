//! `/api/v1`: the output of commands with `--json`, as documented in `docs/json.md`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use operations::questions::{self, CollisionsWanted, FailuresWanted};
use operations::{Error, Opened};
use serde::Serialize;
use serde_json::Value;

use crate::answers;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::{PARTS, ROWS};
use crate::veil::Veil;

/// JSON of an answer: the same as `--json`.
const VERSION: u32 = 1;
/// Rows of an answer.
const LIMIT: u32 = ROWS as u32;

/// Question to an installation.
type Ask = Box<dyn FnOnce(&Opened) -> Result<Value, Error> + Send>;

/// A question without an object.
pub async fn question(asked: Asked, Path(question): Path<String>) -> Result<Response, Problem> {
    let subject = asked.query.get("subject").cloned();
    let signature = asked.query.get("signature").cloned();
    let of = |ask: Ask| ask;
    let ask = match question.as_str() {
        "status" => of(Box::new(|at| json(questions::status(at)))),
        "failures" => of(Box::new(move |at| {
            let wanted = FailuresWanted { signature, limit: LIMIT, ..FailuresWanted::default() };
            json(questions::failures(at, &wanted))
        })),
        "signatures" => of(Box::new(|at| json(questions::signatures(at)))),
        "queue" => of(Box::new(|at| json(questions::queue(at, None, LIMIT)))),
        "freshness" => of(Box::new(|at| json(questions::freshness(at, LIMIT)))),
        "archives" => of(Box::new(|at| json(questions::archives(at, &[])))),
        "baseline" => of(Box::new(|at| json(questions::baselines(at, None, false)))),
        "collisions" => {
            asked.private()?;
            of(Box::new(|at| {
                let wanted = CollisionsWanted { package: None, kind: None, all: false, limit: LIMIT };
                json(questions::collisions(at, &wanted))
            }))
        }
        "incidents" => of(Box::new(|at| json(questions::incidents(at, None)))),
        "plans" => {
            asked.private()?;
            of(Box::new(|at| {
                let plans = questions::repair_plans(at, LIMIT)?;
                Ok(serde_json::json!({ "plans": plans, "findings": questions::findings(at)? }))
            }))
        }
        "remotes" => {
            asked.private()?;
            of(Box::new(|at| json(questions::remotes(at, None, LIMIT))))
        }
        "workers" => {
            asked.private()?;
            of(Box::new(|at| json(questions::workers(at))))
        }
        "audit" => {
            asked.private()?;
            of(Box::new(move |at| json(questions::audit(at, subject.as_deref(), LIMIT))))
        }
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, format!("there is no question {question:?}"))),
    };
    let key = format!("{question} {:?} {:?}", asked.query.get("subject"), asked.query.get("signature"));
    told(&asked, key, ask).await
}

/// A package, as recorded in the state.
pub async fn package(asked: Asked, Path(name): Path<String>) -> Result<Response, Problem> {
    let key = format!("package {name}");
    told(&asked, key, Box::new(move |at| json(crate::questions::package_json(at, &name)))).await
}

/// Answers with a signature.
pub async fn signature(asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    let key = format!("signature {id}");
    told(&asked, key, Box::new(move |at| json(questions::signature(at, &id)))).await
}

/// An incident with its timeline. What people did, and why, is not public.
pub async fn incident(asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    asked.private()?;
    told(&asked, format!("incident {id}"), Box::new(move |at| json(questions::incident(at, &id)))).await
}

/// A plan of repair, with the first of its packages.
pub async fn plan(asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    asked.private()?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no plan {id:?}"));
    let number: i64 = id.parse().map_err(|_| unknown())?;
    let ask = move |at: &Opened| Ok(questions::repair_plan_begin(at, number, PARTS)?.shown.json());
    told(&asked, format!("plan {number}"), Box::new(ask)).await
}

async fn told(asked: &Asked, key: String, ask: Ask) -> Result<Response, Problem> {
    // A past time is read by a thread of its own.
    let reader = if key.starts_with("incident") { &asked.app.past } else { asked.reader() };
    let found = reader.json(key, asked.then, ask).await?;
    let mut value = (*found.value).clone();
    if let Some(object) = value.as_object_mut() {
        object.insert("v".into(), VERSION.into());
        if let Some(away) = &found.away {
            object.insert("away".into(), asked.cause(away).into());
            object.insert("read".into(), found.read.into());
        }
    }
    Veil::of(asked).await?.json(&mut value);
    Ok(answers::json(StatusCode::OK, &value))
}

fn json<T: Serialize>(found: Result<T, Error>) -> Result<Value, Error> {
    serde_json::to_value(found?).map_err(|error| Error::Failed(error.to_string()))
}
