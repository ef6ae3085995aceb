//! All causes of failures.

use maud::html;

use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::ROWS;
use crate::shown::{count, verb};
use crate::veil::Veil;

/// Shows them, most packages first.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let answer = asked.reader().groups(asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let groups = &answer.value;
    let failing: i64 = groups.iter().map(|group| group.packages).sum();
    let html = html! {
        @if groups.is_empty() {
            p { "Nothing fails." }
        } @else {
            p { (count(failing, "package")) " " (verb(failing, "fail")) " in " (count(i64::try_from(groups.len()).unwrap_or(0), "way")) ". Held ones are left out." }
            (parts::groups(&asked, &veil, groups))
            @if i64::try_from(groups.len()).is_ok_and(|some| some >= ROWS) { p.dim { "Only the first " (ROWS) " are shown." } }
        }
    };
    Ok(Page::of("Failures by signature", &answer, vec![Part::live("failures", html)]))
}
