//! Frame of every page: head, navigation, user, and age of the data.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::parts;
use crate::asked::Asked;
use crate::reader::{Answer, now};
use crate::shown::{ago, clean, span, stamp, time};
use crate::who::By;
use crate::{assets, then};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Content of a page.
pub struct Page {
    /// Title of the page.
    pub title: String,
    /// Parts of the page.
    pub parts: Vec<Part>,
    /// Unix milliseconds at which its data were read.
    pub read: Option<i64>,
    /// Reason why its data are not newer.
    pub away: Option<String>,
}

/// A part of a page.
pub struct Part {
    /// Its name in the page.
    pub id: &'static str,
    /// True when it is refreshed while the page is open.
    pub is_live: bool,
    /// True when it may be placed beside another part where there is room.
    pub is_narrow: bool,
    /// Content of the part.
    pub html: Markup,
}

impl Part {
    /// A page that is refreshed while it is open.
    pub fn live(id: &'static str, html: Markup) -> Part {
        Part { id, is_live: true, is_narrow: false, html }
    }

    /// A page that is not refreshed, because somebody may be typing in it.
    pub fn still(id: &'static str, html: Markup) -> Part {
        Part { id, is_live: false, is_narrow: false, html }
    }

    /// It may stand beside another one.
    pub fn narrow(self) -> Part {
        Part { is_narrow: true, ..self }
    }
}

impl Page {
    /// Page of an answer.
    pub fn of<T>(title: impl Into<String>, answer: &Answer<T>, parts: Vec<Part>) -> Page {
        Page { title: title.into(), parts, read: Some(answer.read), away: answer.away.clone() }
    }

    /// Of nothing that was asked.
    pub fn still(title: impl Into<String>, parts: Vec<Part>) -> Page {
        Page { title: title.into(), parts, read: None, away: None }
    }
}

/// The page is rendered once its user is known.
impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut answer = Response::new(Body::empty());
        answer.extensions_mut().insert(Arc::new(self));
        answer
    }
}

/// The pages of the menu; whether they are public.
const PAGES: [(&str, &str, bool); 11] = [
    ("/", "Overview", true),
    ("/failures", "Failures", true),
    ("/incidents", "Incidents", true),
    ("/queue", "Queue", true),
    ("/freshness", "Freshness", true),
    ("/archives", "Archives", true),
    ("/remotes", "Remotes", false),
    ("/collisions", "Collisions", false),
    ("/plans", "Repair", false),
    ("/hosts", "Hosts", false),
    ("/audit", "Audit", false),
];

/// Frame of a page.
pub struct Shell<'a> {
    asked: &'a Asked,
}

impl<'a> Shell<'a> {
    /// Frame for a request.
    pub fn new(asked: &'a Asked) -> Shell<'a> {
        Shell { asked }
    }

    /// A page without data of the state.
    pub fn page(&self, title: &str, parts: Vec<Part>) -> Response {
        self.show(&Page::still(title, parts))
    }

    /// The page; or only its live parts, if the script asks.
    pub fn show(&self, page: &Page) -> Response {
        let (kind, text) = if self.asked.is_script {
            ("text/javascript; charset=utf-8", self.refresh(page))
        } else {
            ("text/html; charset=utf-8", self.whole(page).into_string())
        };
        let answer = Response::builder().status(StatusCode::OK).header("content-type", kind);
        answer.body(Body::from(text)).unwrap_or_default()
    }

    fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.asked.app.prefix.as_str())
    }

    fn asset(&self, name: &str) -> String {
        self.path(&format!("/static/{}/{name}", assets::stamp()))
    }

    /// Live parts by their names: a call of a function of the page's script. Nothing in it can end the script.
    fn refresh(&self, page: &Page) -> String {
        let mut parts = serde_json::Map::new();
        parts.insert("age".into(), self.age(page).into_string().into());
        for part in page.parts.iter().filter(|part| part.is_live) {
            parts.insert(part.id.into(), part.html.clone().into_string().into());
        }
        let text = serde_json::Value::Object(parts).to_string();
        let text = text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        format!("packageImport({text});\n")
    }

    fn whole(&self, page: &Page) -> Markup {
        let title = clean(&page.title);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " - package-import" }
                    link rel="stylesheet" href=(self.asset("style.css"));
                    link rel="icon" type="image/svg+xml" href=(self.asset("icon.svg"));
                    script src=(self.asset("script.js")) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.head())
                    main id="main" {
                        h1 { (title) }
                        @if let Some(then) = self.asked.then { (self.then(then)) }
                        div id="age" { (self.age(page)) }
                        div.parts {
                            @for part in &page.parts {
                                section.part.narrow[part.is_narrow] id=(part.id) data-live[part.is_live && self.asked.then.is_none()] { (part.html) }
                            }
                        }
                    }
                    (self.foot(page))
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let viewer = &self.asked.viewer;
        let here = |path: &str| (self.asked.path == path).then_some("page");
        html! {
            header {
                a.home href=(self.path("/")) { "package-import" }
                nav aria-label="Pages" {
                    @for (path, name, is_public) in PAGES {
                        @if is_public || !viewer.is_public {
                            a href=(parts::menu(self.asked, path)) aria-current=[here(path)] { (name) }
                        }
                    }
                }
                form.search role="search" action=(self.path("/search")) {
                    label.hidden for="q" { "Search for a package or a signature" }
                    input id="q" name="q" type="search" maxlength="200" placeholder="package or signature"
                        value=[self.asked.query.get("q").filter(|_| self.asked.path == "/search").map(|q| clean(q))];
                    button { "Search" }
                }
            }
        }
    }

    /// The notice that a page shows how it was.
    fn then(&self, then: i64) -> Markup {
        let path = self.here();
        html! {
            p.away.then role="status" {
                strong { "As it was at " (time(then)) } " (" (ago(now(), then)) "). "
                a href=(parts::at(&path, Some(then - HOUR))) { "An hour before" } ", "
                @if then + HOUR < now() { a href=(parts::at(&path, Some(then + HOUR))) { "an hour after" } ", " }
                a href=(path) { "now" } "."
            }
        }
    }

    /// The path of this page.
    fn here(&self) -> String {
        self.path(&self.asked.path)
    }

    /// The form that shows how it was.
    fn look_back(&self) -> Markup {
        html! {
            @if then::is_possible(&self.asked.path) {
                form.inline action=(self.here()) {
                    label for="at" { "As it was at" }
                    input id="at" name="at" size="14" maxlength="40" placeholder="08:32, 2h ago" required
                        value=[self.asked.then.map(stamp)];
                    button { "Show" }
                }
            }
        }
    }

    fn foot(&self, page: &Page) -> Markup {
        let viewer = &self.asked.viewer;
        html! {
            footer {
                p {
                    @if let Some(read) = page.read { "Read " (time(read)) ". " }
                    "Times are UTC"
                    span.zone {}
                    "."
                }
                (self.look_back())
                @match (&viewer.name, viewer.by) {
                    (Some(name), By::Account) => form method="post" action=(self.path("/sign-out")) {
                        (clean(name)) " (" (viewer.role.as_str()) ") "
                        button { "Sign out" }
                    },
                    (Some(name), _) => p { (clean(name)) " (" (viewer.role.as_str()) ")" },
                    (None, _) => @if !self.asked.app.gate.accounts.is_empty() {
                        p { a href=(self.path("/sign-in")) { "Sign in" } }
                    },
                }
            }
        }
    }

    /// The notice that the page is out of date, if it is.
    fn age(&self, page: &Page) -> Markup {
        match (&page.away, page.read) {
            (Some(cause), Some(read)) => html! {
                p.away role="status" {
                    strong { "The database is away" } ": " (clean(self.asked.cause(cause))) ". This is what was known at " (time(read)) ", "
                    (span(now().saturating_sub(read))) " ago."
                }
            },
            _ => PreEscaped(String::new()),
        }
    }
}
