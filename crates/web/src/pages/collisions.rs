//! Collisions: refs of the importer that somebody else made or moved, and what would be lost without the foreign ones.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use operations::questions::CollisionShown;
use state::publication::collisions::Collision;

use super::{Page, Part, act, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{clean, count, short, since, time};

/// Lines of a difference that are shown, of all files; and characters of a line.
const LINES: usize = 600;
const LONGEST: usize = 300;
/// Files whose lines are shown.
const FILES: usize = 60;

/// Shows those that wait, and the last that have ended.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.app.reader.collisions().await?;
    let found = &*answer.value;
    let (ended, open): (Vec<&Collision>, Vec<&Collision>) =
        found.all.iter().partition(|it| it.ended.is_some());
    let shown = vec![
        Part::live(
            "open",
            html! {
                h2 { "What waits for a decision" }
                @if open.is_empty() { p { "Nothing waits." } } @else { (table(&asked, found.now, "Collisions that wait", &open)) }
            },
        ),
        Part::live(
            "ended",
            html! {
                h2 { "What has ended" }
                @if ended.is_empty() { p { "Nothing is on record." } } @else { (table(&asked, found.now, "Collisions that have ended", &ended)) }
            },
        ),
    ];
    Ok(Page::of("Collisions", &answer, shown))
}

/// Collisions as a table.
pub fn table(asked: &Asked, now: i64, caption: &str, rows: &[&Collision]) -> Markup {
    let rows = html! {
        @for it in rows {
            tr {
                td { a href=(parts::to(asked, "collisions", &it.id.to_string())) { (it.id) } }
                td { (parts::package(asked, &it.package)) }
                td.wide { (clean(&it.name)) }
                td { (clean(&it.kind)) }
                td { (it.who.as_deref().map(|who| short(who, 80)).unwrap_or_default()) }
                td { @match it.ended { Some(ended) => { (time(ended)) ": " (clean(it.ending.as_deref().unwrap_or_default())) }, None => (since(now, it.since)) } }
            }
        }
    };
    parts::table(caption, &["Number", "Package", "Ref", "Kind", "Made by", "Since, or end"], &rows)
}

/// Shows one.
pub async fn one(asked: Asked, Path(id): Path<String>) -> Result<Page, Problem> {
    asked.private()?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no collision {id:?}"));
    let number: i64 = id.parse().map_err(|_| unknown())?;
    let answer = asked.app.reader.collision(number).await?;
    let it = &answer.value.collision;
    let mut shown = vec![Part::live("facts", facts(&asked, it))];
    if act::may(&asked) && it.ended.is_none() {
        shown.push(Part::still("acts", acts(&asked, it)));
    }
    shown.push(Part::still("difference", difference(&answer.value)));
    Ok(Page::of(format!("Collision {}", it.id), &answer, shown))
}

fn facts(asked: &Asked, it: &Collision) -> Markup {
    let object =
        |id: &Option<String>| html! { span.code { (id.as_deref().map_or("nothing".to_owned(), clean)) } };
    let mut facts = vec![
        ("package", parts::package(asked, &it.package)),
        ("ref", html! { (clean(&it.name)) }),
        ("kind", html! { (clean(&it.kind)) }),
        (
            "made by",
            html! { (it.who.as_deref().map_or("somebody who is not named".to_owned(), clean)) @if let Some(made) = it.made { ", " (time(made)) } },
        ),
        ("found", time(it.since)),
        ("ours", object(&it.ours)),
        ("theirs", object(&it.theirs)),
    ];
    facts.extend(it.aside.as_deref().map(|aside| ("set aside as", html! { (clean(aside)) })));
    facts.extend(it.offer.as_deref().map(|offer| ("merged with the version", html! { (clean(offer)) })));
    if let Some(decision) = &it.decision {
        let by = it.decided_by.as_deref().map_or("somebody".to_owned(), clean);
        facts.push(("decided", html! { (clean(decision)) " by " (by) @if let Some(reason) = &it.reason { " " q { (short(reason, 300)) } } }));
    }
    facts.extend(
        it.trouble.as_deref().map(|trouble| ("that cannot be done", html! { (short(trouble, 300)) })),
    );
    facts.extend(it.ended.map(|ended| {
        ("ended", html! { (time(ended)) ": " (clean(it.ending.as_deref().unwrap_or_default())) })
    }));
    parts::facts(&facts)
}

/// The decisions that a kind allows.
fn acts(asked: &Asked, it: &Collision) -> Markup {
    let words: &[&str] = match it.kind.as_str() {
        "tag-differs" => &["keep", "take-tag"],
        "blocked" => &["drop"],
        _ => &["drop", "keep"],
    };
    let decision =
        html! { label { "Decision " select name="decision" { @for word in words { option { (word) } } } } };
    html! {
        h2 { "Do something" }
        div.acts { (act::button(asked, "resolve", &it.id.to_string(), "Decide", &decision)) }
    }
}

/// A file that differs, as it is shown.
struct Shown {
    path: String,
    what: &'static str,
    remark: Option<String>,
    /// The class of each line, and the line.
    lines: Vec<(&'static str, String)>,
    /// Lines that are left out.
    hidden: i64,
}

/// The two trees, file by file.
fn difference(shown: &CollisionShown) -> Markup {
    let difference = match &shown.difference {
        Ok(Some(difference)) => difference,
        Ok(None) => return html! { h2 { "What would be lost" } p { "Nothing: the ref was removed." } },
        Err(error) => {
            return html! { h2 { "What would be lost" } p { "It cannot be shown here: " (short(error, 300)) } };
        }
    };
    let mut left = LINES;
    let files: Vec<Shown> = (difference.files.iter())
        .take(FILES)
        .map(|file| {
            let text = String::from_utf8_lossy(&file.lines).into_owned();
            let all: Vec<&str> = text.lines().collect();
            let kept = all.len().min(left);
            left -= kept;
            Shown {
                path: clean(&String::from_utf8_lossy(&file.path)),
                what: file.what,
                remark: file.remark.as_deref().map(clean),
                lines: all.iter().take(kept).map(|line| (class(line), line_of(line))).collect(),
                hidden: i64::try_from(all.len() - kept).unwrap_or(i64::MAX),
            }
        })
        .collect();
    let all = i64::try_from(difference.files.len()).unwrap_or(i64::MAX);
    html! {
        h2 { "What would be lost" }
        p { "From " (clean(&difference.from.what)) " to " (clean(&difference.to.what)) ": " (count(all, "file")) "." }
        @for file in &files {
            h3.file {
                (file.path) " " span.tag { (file.what) }
                @if let Some(remark) = &file.remark { " " span.dim { (remark) } }
            }
            @if !file.lines.is_empty() {
                div.log tabindex="0" role="region" aria-label={ "What differs in " (file.path) } {
                    @for (class, line) in &file.lines { span.(class) { (line) } "\n" }
                }
            }
            @if file.hidden > 0 { p.dim { "and " (count(file.hidden, "line")) " more; look at the branch itself" } }
        }
        (parts::more(files.len(), all))
    }
}

/// A line of a difference, with its spaces.
fn line_of(line: &str) -> String {
    let cut: String = line.chars().take(LONGEST).collect();
    crate::shown::lines(cut.trim_end_matches('\r'))
}

/// Lines tell by their first character what they are; the colour says it again.
fn class(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'+') => "plus",
        Some(b'-') => "minus",
        Some(b'@') => "dim",
        _ => "same",
    }
}
