//! Page of the audit trail.

use maud::html;

use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::ROWS;
use crate::shown::clean;

/// Shows it, of one subject or of all.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let subject = asked.query.get("subject").map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let answer = asked.reader().audit(subject.clone(), asked.then).await?;
    let form = html! {
        form.filter action={ (asked.app.prefix.as_str()) "/audit" } {
            label for="subject" { "Of a package, signature, host or setting" }
            input id="subject" name="subject" maxlength="200" value=[subject.as_deref().map(clean)];
            button { "Show" }
        }
    };
    let events = html! {
        @if answer.value.is_empty() { p { "Nothing is on record." } } @else { (parts::events(&answer.value)) p.dim { "The newest " (ROWS) " at most." } }
    };
    Ok(Page::of("Audit trail", &answer, vec![Part::still("of", form), Part::live("events", events)]))
}
