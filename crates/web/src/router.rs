//! Way from a request to an answer: choice of the page, check of the user, headers of every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use maud::html;
use operations::Role;

use crate::answers::{plain, query, see_other};
use crate::app::App;
use crate::asked::Asked;
use crate::guard::{self, Unheard};
use crate::pages::{self, Page, Part, Shell};
use crate::problem::Problem;
use crate::shown::clean;
use crate::who::{By, Peer, Viewer};
use crate::{answers, api, assets, feeds, metrics, then};

/// A request is answered by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that a form may have.
pub const FORM: usize = 16 * 1024;

/// Routes of all pages.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(pages::front::page))
        .route("/failures", get(pages::failures::page))
        .route("/signatures/{id}", get(pages::signature::page))
        .route("/packages/{name}", get(pages::package::page))
        .route("/attempts/{id}/log", get(pages::log::page))
        .route("/queue", get(pages::queue::page))
        .route("/hosts", get(pages::hosts::page))
        .route("/archives", get(pages::archives::page))
        .route("/audit", get(pages::audit::page))
        .route("/collisions", get(pages::collisions::page))
        .route("/collisions/{id}", get(pages::collisions::one))
        .route("/freshness", get(pages::freshness::page))
        .route("/incidents", get(pages::incidents::page))
        .route("/incidents/{id}", get(pages::incidents::one))
        .route("/incidents/{id}/markdown", get(pages::incidents::markdown))
        .route("/plans", get(pages::plans::page))
        .route("/plans/{id}", get(pages::plan::page))
        .route("/remotes", get(pages::remotes::page))
        .route("/remotes/{name}", get(pages::remotes::one))
        .route("/feeds/{name}", get(feeds::of_all))
        .route("/feeds/packages/{name}", get(feeds::of_package))
        .route("/search", get(pages::search::page))
        .route("/sign-in", get(pages::sign_in::page).post(pages::sign_in::sign_in))
        .route("/sign-out", post(pages::sign_in::sign_out))
        .route("/act", post(pages::act::preview))
        .route("/act/confirmed", post(pages::act::confirmed))
        .route("/metrics", get(metrics::answer))
        .route("/api/v1/{question}", get(api::question))
        .route("/api/v1/packages/{name}", get(api::package))
        .route("/api/v1/signatures/{id}", get(api::signature))
        .route("/api/v1/incidents/{id}", get(api::incident))
        .route("/api/v1/plans/{id}", get(api::plan))
        .layer(DefaultBodyLimit::max(FORM))
}

/// Answers a request.
pub async fn answer(app: &Arc<App>, peer: Peer, request: Request) -> Response {
    let answered = tokio::time::timeout(PATIENCE, answer_in_time(app, peer, request)).await;
    let mut answer = answered.unwrap_or_else(|_| {
        let mut late = Response::new(Body::from("the answer took too long\n"));
        *late.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        late
    });
    guard::protect(answer.headers_mut());
    answer
}

/// Answer to a request that is not even examined.
pub fn refused(status: StatusCode) -> Response {
    let mut answer = plain(status, &format!("{}\n", words(status)));
    guard::protect(answer.headers_mut());
    answer
}

async fn answer_in_time(app: &Arc<App>, peer: Peer, request: Request) -> Response {
    let uri = request.uri().clone();
    let Some(rest) = app.prefix.strip(uri.path()) else { return plain(StatusCode::NOT_FOUND, "not here\n") };
    let path = if rest.is_empty() { "/" } else { rest }.to_owned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if path == "/healthz" && is_read {
        return healthz(app);
    }
    if let Err(unheard) = guard::examine(app, request.method(), request.headers()) {
        return match unheard {
            Unheard::Elsewhere(why) => plain(StatusCode::FORBIDDEN, &format!("refused: {why}\n")),
            Unheard::Name(why) => plain(StatusCode::MISDIRECTED_REQUEST, &format!("{why}\n")),
        };
    }
    if let Some(asset) = path.strip_prefix("/static/").and_then(|it| it.split_once('/')) {
        let found = assets::get(asset.1).filter(|_| is_read);
        return found.unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "no such file\n"));
    }
    let viewer = app.gate.identify(request.headers(), peer);
    let query = query(uri.query().unwrap_or_default());
    let (viewer, is_known) = match viewer {
        Some(viewer) => (viewer, true),
        None => (Viewer { name: None, role: Role::View, is_public: true, by: By::Nothing }, false),
    };
    let is_script = query.contains_key("refresh") && is_script(request.headers());
    let asked =
        Asked { app: Arc::clone(app), viewer, path: path.clone(), query, peer, then: None, is_script };
    if !is_known && path != "/sign-in" {
        return stranger(&asked, is_read);
    }
    let asked = match then::of(&asked) {
        Ok(then) => Asked { then, ..asked },
        Err(problem) => return said(&asked, &problem),
    };
    let answer = route(request, &path, &uri, asked.clone()).await;
    shown(&asked, answer)
}

/// True when a script of our own page asks: the browser tells by headers that no page can set.
fn is_script(headers: &axum::http::HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    is("sec-fetch-site", "same-origin") && is("sec-fetch-dest", "script")
}

/// Has the page answer.
async fn route(mut request: Request, path: &str, uri: &Uri, asked: Asked) -> Response {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let Ok(target) = PathAndQuery::try_from(target) else {
        return Problem::usage("this path cannot be read").into_response();
    };
    *request.uri_mut() = Uri::from(target);
    request.extensions_mut().insert(asked);
    match TowerToHyperService::new(routes()).call(request).await {
        Ok(answer) => answer,
        Err(impossible) => match impossible {},
    }
}

/// Rendering of an answer for its user: pages get their frame, errors their text.
fn shown(asked: &Asked, mut answer: Response) -> Response {
    let shell = Shell::new(asked);
    if let Some(page) = answer.extensions_mut().remove::<Arc<Page>>() {
        let mut shown = shell.show(&page);
        *shown.status_mut() = answer.status();
        return shown;
    }
    let problem = answer.extensions_mut().remove::<Arc<Problem>>();
    let status = answer.status();
    let problem = match problem {
        Some(problem) => Problem { text: problem.text.clone(), ..*problem },
        // An answer that already has a text of its own stays.
        None if status.is_client_error() && !answer.headers().contains_key("content-type") => {
            Problem::new(status, words(status))
        }
        None if status.is_client_error() && !asked.path.starts_with("/metrics") => {
            Problem::new(status, words(status))
        }
        None => return answer,
    };
    said(asked, &problem)
}

/// A problem: for programs as JSON, for people as a page.
fn said(asked: &Asked, problem: &Problem) -> Response {
    let text = problem.public.filter(|_| asked.viewer.is_public).unwrap_or(&problem.text);
    if asked.path.starts_with("/api/") {
        return answers::json(problem.status, &serde_json::json!({ "v": 1, "error": text }));
    }
    let title = problem.status.canonical_reason().unwrap_or("Error");
    let part = Part::still("problem", html! { p { (clean(text)) } });
    let mut answer = Shell::new(asked).page(title, vec![part]);
    *answer.status_mut() = problem.status;
    answer
}

/// Texts for answers of the router.
fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "there is no such page",
        StatusCode::METHOD_NOT_ALLOWED => "this page cannot be asked in this way",
        StatusCode::PAYLOAD_TOO_LARGE => "the form is too large",
        StatusCode::REQUEST_TIMEOUT => "the request took too long",
        StatusCode::BAD_REQUEST => "the request cannot be read",
        _ => "the request cannot be answered",
    }
}

/// Answer for a user who may not even look.
fn stranger(asked: &Asked, is_read: bool) -> Response {
    let is_page = is_read && !asked.path.starts_with("/api/") && asked.path != "/metrics";
    if is_page && !asked.app.gate.accounts.is_empty() {
        return see_other(&format!("{}/sign-in", asked.app.prefix.as_str()));
    }
    let text = match (asked.app.gate.accounts.is_empty(), asked.app.gate.web.has_proxy()) {
        (true, true) => "the proxy in front of this server names no user who may look",
        _ => "sign in to look",
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, text);
    said(asked, &problem)
}

/// Answer to a health check: the server is alive; the text says whether its database can be reached.
fn healthz(app: &App) -> Response {
    let text = match app.reader.away() {
        None => "ok\n".to_owned(),
        Some((since, _)) => {
            format!(
                "ok, but the database is away for {}\n",
                crate::shown::span(crate::reader::now().saturating_sub(since))
            )
        }
    };
    plain(StatusCode::OK, &text)
}
