//! An incident as the first draft of its post-mortem.

use std::fmt::Write;

use baseline::time::Millis;

use super::{Heading, IncidentShown};

impl IncidentShown {
    /// As Markdown: what happened, when, how far it went, what people did, and what is still to be written.
    pub fn markdown(&self) -> String {
        let it = &self.incident;
        let mut text = String::new();
        let mut line = |words: String| {
            let _ = writeln!(text, "{words}");
        };
        line(format!("# {}: {}\n", Millis(it.began), plain(&it.title())));
        line("| | |\n| --- | --- |".to_owned());
        line(format!("| incident | `{}`, {} |", it.id, it.kind.as_str()));
        line(format!("| began | {} |", Millis(it.began)));
        line(match it.ended {
            Some(ended) => format!("| ended | {}, after {} |", Millis(ended), span(ended - it.began)),
            None => format!("| ended | not yet, after {} |", span(self.now - it.began)),
        });
        line(format!("| cause | {} |", cell(it.cause.as_deref().unwrap_or("not known"))));
        line(format!("| extent | {} |", cell(&self.extent())));
        line(format!("| late | {} |", cell(&self.lateness())));
        if !it.examples.is_empty() {
            let more = it.packages - i64::try_from(it.examples.len()).unwrap_or(0);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            line(format!("| packages | {}{more} |", cell(&it.examples.join(", "))));
        }
        line("\n## Timeline\n".to_owned());
        line("| UTC | | |\n| --- | --- | --- |".to_owned());
        for entry in &self.timeline {
            let who = entry.who.as_ref().map_or(String::new(), |who| format!("{who}: "));
            let (at, kind) = (seconds(entry.at), entry.kind.as_str());
            line(format!("| {at} | {kind} | {} |", cell(&format!("{who}{}", entry.text))));
        }
        line("\n## What people did\n".to_owned());
        let mut done = self.timeline.iter().filter(|entry| entry.kind == Heading::Done).peekable();
        if done.peek().is_none() {
            line("Nothing: it ended by itself, or lasts.".to_owned());
        }
        for entry in done {
            let who = entry.who.as_deref().unwrap_or_default();
            line(format!("- {} {}: {}", seconds(entry.at), plain(who), plain(&entry.text)));
        }
        line(
            "\n## Why it happened\n\n(to be written)\n\n## What will be changed\n\n(to be written)"
                .to_owned(),
        );
        text
    }

    fn extent(&self) -> String {
        let it = &self.incident;
        match (it.packages, it.back) {
            (0, _) => "no package".to_owned(),
            (all, back) if back == all => format!("{all} packages, all of them well again"),
            (all, back) => format!("{all} packages, {back} of them well again, {} not", all - back),
        }
    }

    fn lateness(&self) -> String {
        let late = &self.incident.late;
        match (late.median, late.worst, &late.worst_package) {
            (Some(median), Some(worst), Some(package)) => {
                format!("half of them no more than {}; the last {} ({package})", span(median), span(worst))
            }
            _ => "not known".to_owned(),
        }
    }
}

/// `2026-11-24 08:32:05Z`.
fn seconds(at: i64) -> String {
    let minute = Millis(at).to_string();
    let second = at.div_euclid(1000).rem_euclid(60);
    minute.strip_suffix('Z').map_or(minute.clone(), |minute| format!("{minute}:{second:02}Z"))
}

/// A span by its two largest units.
fn span(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A text of somebody else's within Markdown: one line, and none of its marks means anything.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => plain.push(' '),
            c if c.is_control() => plain.push('\u{fffd}'),
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '!' => {
                plain.push('\\');
                plain.push(c);
            }
            c => plain.push(c),
        }
    }
    plain
}

/// The same within a table.
fn cell(text: &str) -> String {
    plain(text)
}
