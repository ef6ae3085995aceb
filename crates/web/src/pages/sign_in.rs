//! Signing in and out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::html;

use super::{Page, Part};
use crate::answers::{form, see_other};
use crate::app::App;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::reader::now;
use crate::who::session::COOKIE;
use crate::who::{Account, origin};

/// Shows the form.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    if asked.app.gate.accounts.is_empty() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "there are no accounts here: `package-import user add` makes one",
        ));
    }
    Ok(shown(&asked, None))
}

fn shown(asked: &Asked, wrong: Option<&str>) -> Page {
    let html = html! {
        form.sign-in method="post" action={ (asked.app.prefix.as_str()) "/sign-in" } {
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            label for="name" { "Name" }
            input id="name" name="name" autocomplete="username" required maxlength="64";
            label for="password" { "Password" }
            input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024";
            button { "Sign in" }
        }
    };
    Page::still("Sign in", vec![Part::still("sign-in", html)])
}

/// Handles the form.
pub async fn sign_in(asked: Asked, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let fields = form(&body);
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let (name, password) = (field("name"), field("password"));
    let from = origin(&asked.app.gate.web, &headers, asked.peer);
    let who = [format!("name {}", name.chars().take(64).collect::<String>()), format!("from {from}")];
    if !asked.app.gate.attempts.may(&who) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong attempts: wait a minute"));
    }
    let Some(account) = verified(&asked.app, name, password).await? else {
        asked.app.gate.attempts.failed(&who);
        let mut answer =
            shown(&asked, Some("There is no such account, or the password is wrong.")).into_response();
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(answer);
    };
    asked.app.gate.attempts.succeeded(&who);
    let token = asked.app.gate.sessions.token(&account, now());
    Ok(with_cookie(&asked, &format!("{COOKIE}={token}")))
}

/// Account with this name and password. It is verified in a thread, because it takes a tenth of a second, and one at a
/// time, because it takes memory.
async fn verified(app: &Arc<App>, name: String, password: String) -> Result<Option<Account>, Problem> {
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "others are signing in: try again");
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(5), app.gate.verifying.acquire()).await;
    let _permit = waiting.map_err(|_| busy())?.map_err(|_| busy())?;
    let app = Arc::clone(app);
    tokio::task::spawn_blocking(move || app.gate.accounts.verify(&name, &password)).await.map_err(|_| busy())
}

/// Ends the session.
pub async fn sign_out(asked: Asked) -> Response {
    with_cookie(&asked, &format!("{COOKIE}=; Max-Age=0"))
}

fn with_cookie(asked: &Asked, cookie: &str) -> Response {
    let mut answer = see_other(&format!("{}/", asked.app.prefix.as_str()));
    let text = format!("{cookie}; Path={}/; HttpOnly; Secure; SameSite=Lax", asked.app.prefix.as_str());
    if let Ok(value) = text.parse() {
        answer.headers_mut().insert("set-cookie", value);
    }
    answer
}
