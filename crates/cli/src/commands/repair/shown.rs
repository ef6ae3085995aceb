//! A plan as a person reads it.

use std::io::{self, Write};

use operations::questions::PlanShown;
use packaging_repo::verify::Problem;
use repair::{Act, Mark, Plan, Step, Summary};
use source_package::finding::Healing;

use crate::screen::{self, count, paragraph, print_json, title};

/// Findings of a package that are shown one by one.
const SHOWN: usize = 20;

pub(super) fn print(shown: &PlanShown, json: bool) -> io::Result<()> {
    if json {
        return print_json(&shown.json());
    }
    let mut stdout = screen::stdout();
    let id = shown.plan.id;
    let what = shown.plan.undoes.map_or(String::new(), |undone| format!(" (undoes plan {undone})"));
    writeln!(stdout, "{}", title(&format!("Plan {id}{what}: {}", count(shown.parts.len(), "package"))))?;
    writeln!(stdout, "{}", paragraph(2, &line(&shown.summary())))?;
    if shown.parts.len() > 1 {
        dangers(&mut stdout, shown)?;
    }
    for (part, plan) in &shown.parts {
        let is_dull = part.state == "empty" && plan.findings.is_empty() && part.note.is_none();
        if !(is_dull && shown.parts.len() > 1) {
            package(&mut stdout, part, plan)?;
        }
    }
    let next =
        match (shown.count("planned") + shown.count("stale"), shown.count("asked"), shown.count("applied")) {
            (1.., ..) if shown.count("stale") == 0 => format!("Next: package-import repair apply {id}"),
            (1.., ..) if shown.plan.kind == "ancestors" => {
                "Next: package-import history ask PACKAGE makes a new plan".to_owned()
            }
            (1.., ..) => "Next: package-import repair plan PACKAGE makes a new plan".to_owned(),
            (0, 1.., _) => format!("Next: a worker makes it; package-import repair show {id}"),
            (0, 0, 1..) => format!("Next: package-import repair undo {id}, if it was wrong"),
            _ => return Ok(()),
        };
    writeln!(stdout, "{next}")
}

fn line(summary: &Summary) -> String {
    let all = summary.steps();
    let mut text = format!(
        "{}, {}: {} create (+), {} forward (~), {} set aside (>), {} replace (!)",
        count(summary.findings, "finding"),
        count(all, "step"),
        summary.create,
        summary.forward,
        summary.aside,
        summary.replace
    );
    if summary.for_good > 0 {
        text.push_str(&format!("; {} cannot be undone", summary.for_good));
    }
    if summary.imports > 0 {
        text.push_str(&format!("; {} imported again", count(summary.imports, "version")));
    }
    if summary.bytes > 0 {
        text.push_str(&format!("; at most {} fetched", size(summary.bytes)));
    }
    text
}

/// What others may notice, of all packages, before what is harmless.
fn dangers(stdout: &mut impl Write, shown: &PlanShown) -> io::Result<()> {
    let open = shown.parts.iter().filter(|(part, _)| part.state == "planned");
    let all: Vec<(&str, &Step)> = open
        .flat_map(|(part, plan)| plan.steps.iter().map(|step| (part.package.as_str(), step)))
        .filter(|(_, step)| step.is_dangerous())
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(stdout, "{}", paragraph(2, "Others may notice:"))?;
    for (package, it) in all.iter().take(SHOWN) {
        writeln!(stdout, "{}", paragraph(4, &format!("{package}: {}", step(it))))?;
    }
    if all.len() > SHOWN {
        writeln!(stdout, "    and {} more; --json has all", count(all.len() - SHOWN, "step"))?;
    }
    Ok(())
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

fn package(stdout: &mut impl Write, part: &state::repair::plans::Part, plan: &Plan) -> io::Result<()> {
    let note = part.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    let state = if part.state == "empty" { "nothing to do" } else { part.state.as_str() };
    writeln!(stdout, "{}", paragraph(2, &format!("{}: {state}{note}", part.package)))?;
    for it in plan.findings.iter().take(SHOWN) {
        writeln!(stdout, "{}", paragraph(4, &finding(it)))?;
    }
    if plan.findings.len() > SHOWN {
        writeln!(stdout, "    and {} more; --json has all", count(plan.findings.len() - SHOWN, "finding"))?;
    }
    for it in &plan.steps {
        writeln!(stdout, "{}", paragraph(4, &step(it)))?;
    }
    Ok(())
}

fn finding(it: &Problem) -> String {
    let next = match it.code.healing() {
        Healing::Person => format!(" [package-import explain {}]", it.code),
        _ => String::new(),
    };
    format!("{}: {}: {}{next}", it.code, it.subject, it.message)
}

fn step(it: &Step) -> String {
    let value = |value: &Option<String>| {
        value.as_deref().map_or("nothing".to_owned(), |text| short_id(text).to_owned())
    };
    let change = match it.act {
        Act::Rebuild | Act::Queue | Act::Publish => it.after.clone().unwrap_or_default(),
        _ => format!("{} -> {}", value(&it.before), value(&it.after)),
    };
    let kept = match (it.reversible, it.mark) {
        (false, Mark::Replace | Mark::Aside) => "; cannot be undone",
        _ => "",
    };
    let fetched = if it.bytes > 0 { format!("; at most {} fetched", size(it.bytes)) } else { String::new() };
    format!("{} {} {}: {change} ({}{kept}{fetched})", it.mark.sign(), it.act, it.subject, it.reason)
}

/// An object's id in a few digits; anything else as it is.
fn short_id(text: &str) -> &str {
    let is_id = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { text.get(..12).unwrap_or(text) } else { text }
}
