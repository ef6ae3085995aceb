//! Buttons: a preview and a reason first; then the action is performed and recorded.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use operations::{Actor, Preview, Reason, Role};

use super::{Page, Part, parts};
use crate::act::{Fields, Wanted};
use crate::answers::{form, see_other};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::reader::Trouble;
use crate::shown::{clean, grouped, short};

/// Changes that are shown one by one.
const SHOWN: usize = 100;

/// True when the user may act here.
pub fn may(asked: &Asked) -> bool {
    asked.viewer.role >= Role::Operate && asked.viewer.name.is_some() && asked.then.is_none()
}

/// Actor for the records.
fn actor(asked: &Asked) -> Result<Actor, Problem> {
    let may_not =
        || Problem::new(StatusCode::FORBIDDEN, "your role only allows to look: this needs the role operate");
    let name = asked.viewer.name.as_deref().filter(|_| may(asked)).ok_or_else(may_not)?;
    Ok(Actor::new(format!("{name}@web"), asked.viewer.role))
}

/// A button that first shows a preview.
pub fn button(asked: &Asked, action: &str, subject: &str, label: &str, more: &Markup) -> Markup {
    // A name that cannot be shown as it is cannot be confirmed either.
    if clean(subject) != subject {
        return html! {};
    }
    html! {
        form.inline method="post" action={ (asked.app.prefix.as_str()) "/act" } {
            input type="hidden" name="action" value=(action);
            input type="hidden" name="subject" value=(subject);
            input type="hidden" name="back" value=(asked.path);
            (more)
            button { (label) }
        }
    }
}

/// A field of a button.
pub fn field(name: &str, label: &str, value: &str) -> Markup {
    html! { label { (label) " " input name=(name) value=(value) size="8" maxlength="40"; } }
}

/// Preview of a form; nothing is changed.
pub async fn preview(asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let actor = actor(&asked)?;
    let fields = form(&body);
    let wanted = Wanted::read(&fields).map_err(Problem::usage)?;
    let (looked, who) = (wanted.clone(), actor.clone());
    let preview = asked.app.reader.once(move |at| looked.preview(at, &who)).await?;
    let back = back(&asked, &fields);
    if preview.is_empty() {
        let html = html! { p { "Nothing would change." } p { a href=(back) { "Back" } } };
        return Ok(Page::still(wanted.title(), vec![Part::still("act", html)]).into_response());
    }
    let token = asked.app.pending.keep(fields, &preview, actor.name());
    let token = token.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let html = html! {
        (changes(&preview))
        form.act method="post" action={ (asked.app.prefix.as_str()) "/act/confirmed" } {
            input type="hidden" name="shown" value=(token);
            label for="reason" { "Why? It goes on record, with your name" }
            input id="reason" name="reason" required maxlength="500" autofocus;
            button { (wanted.title()) }
        }
        p { a href=(back) { "Back, without doing it" } }
    };
    Ok(Page::still(wanted.title(), vec![Part::still("act", html)]).into_response())
}

fn changes(preview: &Preview) -> Markup {
    let rows = html! {
        @for change in preview.changes.iter().take(SHOWN) {
            tr {
                td { (clean(&change.subject)) }
                td { (change.before.as_deref().map(|it| short(it, 200)).unwrap_or_default()) }
                td { (change.after.as_deref().map(|it| short(it, 200)).unwrap_or_default()) }
            }
        }
    };
    let all = i64::try_from(preview.count()).unwrap_or(i64::MAX);
    html! {
        p.figures { strong { (grouped(all)) } @if all == 1 { " change" } @else { " changes" } }
        (parts::table("What would change", &["To what", "Is", "Becomes"], &rows))
        (parts::more(preview.changes.len().min(SHOWN), all))
    }
}

/// Performs the action of a preview.
pub async fn confirmed(asked: Asked, body: Bytes) -> Result<Response, Problem> {
    let actor = actor(&asked)?;
    let fields = form(&body);
    let reason = fields.get("reason").map(String::as_str).unwrap_or_default();
    let reason: Reason = reason.parse().map_err(Problem::usage)?;
    let token = fields.get("shown").map(String::as_str).unwrap_or_default();
    let shown = asked.app.pending.take(token, actor.name());
    let shown = shown.ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "this was confirmed already, or was shown too long ago: look again",
        )
    })?;
    let mut done = shown.fields.clone();
    done.insert("reason".into(), reason.as_str().to_owned());
    let wanted = Wanted::read(&done).map_err(Problem::usage)?;
    let back = back(&asked, &shown.fields);
    let performed =
        asked.app.writer.at_length(move |at| wanted.perform(at, &actor, &reason, &shown.subjects)).await;
    asked.app.reader.forget();
    match performed {
        Ok(None) => Ok(see_other(&back)),
        Ok(Some(page)) => Ok(see_other(&format!("{}{page}", asked.app.prefix.as_str()))),
        Err(Trouble::Away(cause)) => {
            let text = format!("it is not known whether this was done ({cause}): look at the audit trail");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, text))
        }
        Err(Trouble::Usage(text)) => Err(Problem::new(StatusCode::CONFLICT, text)),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Page of the form: a path of this server, whatever was sent.
fn back(asked: &Asked, fields: &Fields) -> String {
    let path = fields.get("back").map(String::as_str).unwrap_or("/");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-_.~+%".contains(c);
    let is_ours = path.starts_with('/') && !path.starts_with("//") && path.chars().all(allowed);
    format!("{}{}", asked.app.prefix.as_str(), if is_ours { path } else { "/" })
}
