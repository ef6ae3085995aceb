//! Remotes: where repositories are published, and what is not there.

use axum::extract::Path;
use maud::html;
use state::publishing::read::{PackageStatus, RemoteStatus};

use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{clean, grouped, short, since, time, until};

/// Shows them.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.app.reader.remotes(None).await?;
    let found = &*answer.value;
    let rows = html! { @for it in &found.remotes { (row(&asked, found.now, it)) } };
    let html = html! {
        @if found.remotes.is_empty() {
            p { "Repositories are not published: [[remotes]] in config.toml." }
        } @else {
            (parts::table("Remotes", &HEADS, &rows))
        }
    };
    Ok(Page::of("Remotes", &answer, vec![Part::live("remotes", html)]))
}

const HEADS: [&str; 8] =
    ["Remote", "State", "Not there", "The oldest", "Failing", "Moved by others", "Refused", "Last published"];

fn row(asked: &Asked, now: i64, it: &RemoteStatus) -> maud::Markup {
    html! {
        tr {
            td { a href=(parts::to(asked, "remotes", &it.remote)) { (clean(&it.remote)) } }
            td.wide {
                (parts::state(word(&it.state)))
                @if let Some(at) = it.since { " " @if it.state == "paused" { "until " (time(at)) } @else { "since " (time(at)) } }
                @if let Some(cause) = &it.cause { ": " (short(cause, 200)) }
                @if let Some(next) = it.next_probe { ", looked for again " (until(now, next)) }
            }
            td.number { (grouped(it.unpublished)) }
            td {
                @if let (Some(package), Some(oldest)) = (&it.oldest_package, it.oldest) {
                    (parts::package(asked, package)) " " (since(now, oldest))
                    @if let Some(why) = &it.oldest_why { " " (short(why, 200)) }
                }
            }
            td.number { (grouped(it.failing)) }
            td.number { (grouped(it.foreign)) }
            td.number { (grouped(it.refused)) }
            td { @if let Some(published) = it.published { (since(now, published)) } @else { "never" } }
        }
    }
}

/// The word that has a mark.
fn word(state: &str) -> &str {
    match state {
        "open" => "ok",
        "away" => "silent",
        other => other,
    }
}

/// Shows one, with the packages that something is wrong with.
pub async fn one(asked: Asked, Path(name): Path<String>) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.app.reader.remotes(Some(name.clone())).await?;
    let found = &*answer.value;
    let rows = html! { @for it in &found.remotes { (row(&asked, found.now, it)) } };
    let packages = html! { @for it in &found.packages { (package(&asked, found.now, it)) } };
    let facts = html! {
        @for it in &found.remotes { p { "Addresses: " span.code { (clean(&it.url)) } } }
        (parts::table("Remote", &HEADS, &rows))
    };
    let odd = html! {
        h2 { "Packages that something is wrong with" }
        @if found.packages.is_empty() { p { "There are none." } } @else {
            (parts::table("Packages", &["Package", "State", "Since", "Next try", "Tries", "Moved by others", "Refused", "Why"], &packages))
        }
    };
    Ok(Page::of(
        format!("Remote {name}"),
        &answer,
        vec![Part::live("remote", facts), Part::live("packages", odd)],
    ))
}

fn package(asked: &Asked, now: i64, it: &PackageStatus) -> maud::Markup {
    html! {
        tr {
            td { (parts::package(asked, &it.package)) }
            td { (parts::state(&it.state)) }
            td { @if let Some(at) = it.since { (since(now, at)) } }
            td { @if let Some(due) = it.due { (until(now, due)) } }
            td.number { (grouped(it.failures)) }
            td.number { (grouped(it.foreign)) }
            td.number { (grouped(it.refused)) }
            td.wide { @if let (Some(code), Some(message)) = (&it.code, &it.message) { span.code { "publish/" (clean(code)) } " " (short(message, 300)) } }
        }
    }
}
