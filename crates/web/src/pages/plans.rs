//! Repair: what is wrong with repositories, and the plans that would mend it.

use maud::{Markup, html};
use operations::codes;
use operations::questions::PlanListed;

use super::{Page, Part, act, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::Repairs;
use crate::shown::{clean, count, grouped, since, time};

/// Shows findings by their codes, mutes, and the newest plans.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.app.reader.repairs().await?;
    let it = &*answer.value;
    let mut shown = vec![Part::still("findings", findings(&asked, it))];
    if !it.mutes.is_empty() {
        shown.push(Part::still("mutes", mutes(&asked, it)));
    }
    shown.push(Part::live("plans", plans(&asked, it)));
    Ok(Page::of("Repair", &answer, shown))
}

fn findings(asked: &Asked, it: &Repairs) -> Markup {
    let may = act::may(asked);
    let rows = html! {
        @for one in &it.findings {
            tr {
                td { span.code { (clean(&one.code)) } }
                td.wide { (meaning(&one.code)) }
                td.number { (grouped(one.findings)) }
                td.number { (grouped(one.packages)) }
                td.number { (grouped(one.muted)) }
                td { (since(it.now, one.since)) }
                @if may {
                    td {
                        div.acts {
                            (act::button(asked, "repair-plan-code", &one.code, "Plan", &html! {}))
                            (act::button(asked, "mute", &one.code, "Mute", &act::field("until", "until", "3d")))
                        }
                    }
                }
            }
        }
    };
    let heads: &[&str] =
        &["Finding", "What it means", "Findings", "Packages", "Muted", "Since", "Do something"];
    html! {
        h2 { "What is wrong with repositories" }
        @if it.findings.is_empty() {
            p { "Nothing was found when they were last looked at." }
        } @else {
            (parts::table("Findings by their codes", if may { heads } else { &heads[..6] }, &rows))
        }
        @if may {
            form.inline method="post" action={ (asked.app.prefix.as_str()) "/act" } {
                input type="hidden" name="action" value="repair-plan";
                input type="hidden" name="back" value="/plans";
                label { "Package " input name="subject" required maxlength="200"; }
                button { "Look, and plan" }
            }
        }
    }
}

/// Meaning of a finding's code, as `docs/repair.md` has it.
pub fn meaning(code: &str) -> String {
    codes::of(None, code).into_iter().next().map(|it| it.meaning).unwrap_or_default()
}

fn mutes(asked: &Asked, it: &Repairs) -> Markup {
    let rows = html! {
        @for one in &it.mutes {
            tr {
                td { span.code { (clean(&one.code)) } }
                td { @match &one.package { Some(package) => (parts::package(asked, package)), None => "all" } }
                td { (time(one.until)) }
                td { (clean(&one.by)) }
                td.wide { (crate::shown::short(&one.reason, 300)) }
                td { @if act::may(asked) && one.package.is_none() { (act::button(asked, "unmute", &one.code, "Let it count", &html! {})) } }
            }
        }
    };
    html! {
        h2 { "Muted" }
        (parts::table("Muted findings", &["Finding", "Package", "Until", "By", "Why", ""], &rows))
    }
}

fn plans(asked: &Asked, it: &Repairs) -> Markup {
    let rows = html! { @for plan in &it.plans { (row(asked, plan)) } };
    html! {
        h2 { "Plans" }
        @if it.plans.is_empty() {
            p { "There is no plan." }
        } @else {
            (parts::table("Plans of repair, the newest first", &["Plan", "Kind", "Made", "By", "Packages"], &rows))
            p.dim { "The newest " (it.plans.len()) "." }
        }
    }
}

fn row(asked: &Asked, it: &PlanListed) -> Markup {
    html! {
        tr {
            td { a href=(parts::to(asked, "plans", &it.plan.id.to_string())) { (it.plan.id) } }
            td { (clean(&it.plan.kind)) @if let Some(undone) = it.plan.undoes { " of " (undone) } }
            td { (time(it.plan.made)) }
            td { (clean(&it.plan.by)) }
            td { (states(&it.packages)) }
        }
    }
}

/// The number of packages in each state of a plan.
pub fn states(packages: &[(String, i64)]) -> Markup {
    html! {
        @for (place, (state, number)) in packages.iter().enumerate() { @if place > 0 { ", " } (grouped(*number)) " " (parts::state(state)) }
        @if packages.is_empty() { (count(0, "package")) }
    }
}
