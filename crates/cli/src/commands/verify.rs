use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::ControlFlow;

use anyhow::Error;
use operations::actions::counters::RepairCounters;
use operations::actions::verify::{Verified, Verify, VerifyCount};
use operations::{Action, questions};
use packaging_repo::verify::Problem;
use state::counters::Difference;

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Check repositories: objects, refs, tags against their manifests, .dsc files and the state; or the state
///
/// With --state: every number that is kept while things happen is counted again from the rows.
///
/// Exit code 0: nothing is wrong. 1: something is; each problem is a line.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source packages [default: all]
    packages: Vec<String>,
    /// Check the state instead
    #[arg(long, conflicts_with = "packages")]
    state: bool,
    /// Mend what is wrong in the state
    #[arg(long, requires = "state")]
    repair: bool,
    /// Print a JSON object for each package
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.state {
        return state(installation, arguments);
    }
    let written = RefCell::new(Ok(()));
    let watch = |found: &Verified| {
        let shown = show(found, arguments.json);
        let is_over = shown.is_err();
        *written.borrow_mut() = shown;
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let verify = Verify { packages: arguments.packages.clone(), watch: &watch };
    let count = verify.perform(installation, &caller(), None)?;
    written.into_inner()?;
    if let Some(left_out) = &count.left_out {
        writeln!(io::stderr(), "{}", screen::paragraph(0, left_out))?;
    }
    if !arguments.json {
        total(&count)?;
    }
    Ok(if count.wrong == 0 { exit::DONE } else { exit::SOME_FAILED })
}

fn show(found: &Verified, json: bool) -> io::Result<()> {
    let package = &found.package;
    for remark in &found.remarks {
        writeln!(io::stderr(), "{package}: {remark}")?;
    }
    if json {
        let problems: Vec<_> = (found.problems.iter())
            .map(|problem| {
                let Problem { code, subject, message } = problem;
                serde_json::json!({"code": code, "subject": subject, "message": message})
            })
            .collect();
        return screen::print_json(&serde_json::json!({"package": package, "problems": problems}));
    }
    let mut stdout = screen::stdout();
    let mut problems = found.problems.iter();
    problems.try_for_each(|it| writeln!(stdout, "{package}: {}: {}", it.subject, it.message))
}

/// The number of problems of each kind, and the next command.
fn total(count: &VerifyCount) -> io::Result<()> {
    let VerifyCount { packages, wrong, codes, waiting, .. } = count;
    let mut stdout = screen::stdout();
    writeln!(stdout, "{} checked, {wrong} with problems", screen::count(packages.len(), "repository"))?;
    if *wrong == 0 {
        let all = waiting.join(" ");
        return if all.is_empty() { Ok(()) } else { writeln!(stdout, "Next: package-import retry {all}") };
    }
    let each: Vec<String> = codes.iter().map(|(code, number)| format!("{number} {code}")).collect();
    let which = match packages.as_slice() {
        [package] => package.clone(),
        _ => "--all".to_owned(),
    };
    writeln!(stdout, "{}", screen::paragraph(0, &each.join(", ")))?;
    writeln!(stdout, "Next: package-import repair plan {which}")
}

fn state(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let at = installation.open()?;
    let wrong = match arguments.repair {
        true => RepairCounters.perform(&at, &caller(), None)?,
        false => questions::differences(&at)?,
    };
    show_differences(&wrong, arguments)?;
    Ok(if wrong.is_empty() || arguments.repair { exit::DONE } else { exit::SOME_FAILED })
}

fn show_differences(wrong: &[Difference], arguments: &Arguments) -> io::Result<()> {
    if arguments.json {
        let list: Vec<_> = wrong
            .iter()
            .map(|it| {
                serde_json::json!({"subject": it.place.to_string(), "kept": it.kept, "counted": it.counted})
            })
            .collect();
        return screen::print_json(&serde_json::json!({"differences": list, "repaired": arguments.repair}));
    }
    let mut stdout = screen::stdout();
    for it in wrong {
        writeln!(stdout, "{}: {} is kept, {} are there", it.place, it.kept, it.counted)?;
    }
    let end = if arguments.repair { "repaired" } else { "wrong; --repair repairs them" };
    match wrong.len() {
        0 => writeln!(stdout, "the state is sound"),
        count => writeln!(stdout, "{count} numbers {end}"),
    }
}
