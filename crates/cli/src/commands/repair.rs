mod shown;

use std::io::Write;

use anyhow::Error;
use clap::Subcommand;
use operations::actions::repair::{ApplyRepair, Begun, PlanRepair, UndoRepair, Which, carry_out, make_here};
use operations::questions::{self, PlanShown};
use operations::{Action, Names, Opened, Reason};
use shown::print;
use source_package::finding::Finding;

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count, paragraph, print_json, table};
use crate::show::Progress;
use crate::time::at;

/// Find out what is wrong with repositories, read what would mend it, do that, and take it back
///
/// `repair plan` changes nothing. Its steps: + makes something that is not there, ~ moves something forward, > sets something aside, !
/// replaces or removes something that others may have. `repair apply` does exactly that, or nothing if something has changed
/// meanwhile. What a step replaces is kept, so that `repair undo` can put it back.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import repair plan hello\n  package-import repair apply 7 --reason 'disk of host1 was full'\n  package-import repair plan --code tag-gone\n  package-import repair undo 7"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Plan(PlanArguments),
    Apply(ApplyArguments),
    Show(ShowArguments),
    Undo(UndoArguments),
    List(ListArguments),
}

/// Say what is wrong and what would mend it; nothing is changed
///
/// Without the repository at hand (a state in PostgreSQL), a worker makes the plan; `repair show` has it then.
///
/// Exit code 0: it is made. With --exit-code, 3: there are changes.
#[derive(clap::Args)]
struct PlanArguments {
    /// Source packages
    packages: Vec<String>,

    /// Those with a finding of this code, as the last look has left them
    #[arg(long, value_name = "CODE", conflicts_with_all = ["packages", "all"])]
    code: Option<Finding>,

    /// Those that fail with this signature
    #[arg(long, value_name = "ID", conflicts_with_all = ["packages", "all", "code"])]
    signature: Option<String>,

    /// All
    #[arg(long, conflicts_with = "packages")]
    all: bool,

    /// Build everything anew beside the repository, and plan the difference; none if the package is well
    #[arg(long)]
    rebuild: bool,

    /// Exit with 3 if there are changes
    #[arg(long)]
    exit_code: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Carry a plan out
///
/// Each package is looked at again first. Where something has changed, nothing is done, and what has changed is said. What cannot
/// be done here is left to a worker.
///
/// Exit code 0: it is done, or there was nothing to do. 1: of some packages it is not.
#[derive(clap::Args)]
struct ApplyArguments {
    /// The number of the plan
    plan: i64,

    /// So many packages first
    #[arg(long, default_value_t = 0, value_name = "N", hide_default_value = true)]
    canary: usize,

    /// Only ask for it: a worker does it
    #[arg(long)]
    later: bool,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show a plan, and what became of it
#[derive(clap::Args)]
struct ShowArguments {
    /// The number of the plan
    plan: i64,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Make the plan that takes one back; `repair apply` carries it out
#[derive(clap::Args)]
struct UndoArguments {
    /// The number of the plan that was carried out
    plan: i64,

    /// Why; it is kept
    #[arg(long, value_name = "WHY")]
    reason: Option<Reason>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List plans, newest first
#[derive(clap::Args)]
struct ListArguments {
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    match &arguments.verb {
        Verb::Plan(arguments) => plan(installation, arguments),
        Verb::Apply(arguments) => apply(installation, arguments),
        Verb::Show(arguments) => show(installation, arguments),
        Verb::Undo(arguments) => undo(installation, arguments),
        Verb::List(arguments) => list(installation, arguments),
    }
}

fn plan(installation: &Installation, arguments: &PlanArguments) -> Result<u8, Error> {
    let which = match (&arguments.code, &arguments.signature) {
        (Some(code), _) => Which::Code(*code),
        (None, Some(short)) => Which::Signature(short.clone()),
        (None, None) if arguments.all => Which::All,
        (None, None) if !arguments.packages.is_empty() => {
            Which::Names(Names::new(arguments.packages.clone())?)
        }
        (None, None) => {
            return Err(Usage("name packages, or give --code, --signature or --all".into()).into());
        }
    };
    let opened = installation.open()?;
    let action = PlanRepair { which, rebuild: arguments.rebuild, by_worker: false };
    let begun = action.perform(&opened, &caller(), None)?;
    let shown = made(installation, &opened, &begun, arguments.json)?;
    print(&shown, arguments.json)?;
    let has_changes = shown.summary().steps() > 0 || shown.count("asked") > 0;
    Ok(match (shown.count("failed"), arguments.exit_code && has_changes) {
        (0, true) => exit::CHANGES,
        (0, false) => exit::DONE,
        _ => exit::SOME_FAILED,
    })
}

/// Makes what can be made here.
fn made(installation: &Installation, opened: &Opened, begun: &Begun, json: bool) -> Result<PlanShown, Error> {
    let progress = Progress::long(json);
    make_here(installation, opened, begun, &caller(), |done, all| progress.at(done, all))?;
    progress.finish();
    Ok(questions::repair_plan(opened, begun.plan)?)
}

fn apply(installation: &Installation, arguments: &ApplyArguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let action = ApplyRepair { plan: arguments.plan, canary: arguments.canary };
    let wanted = action.perform(&opened, &caller(), arguments.reason.as_ref())?;
    let left = if arguments.later || wanted.is_empty() {
        Vec::new()
    } else {
        let progress = Progress::long(arguments.json);
        let left = carry_out(installation, &opened, &wanted, |done, all| progress.at(done, all))?;
        progress.finish();
        left
    };
    let shown = questions::repair_plan(&opened, arguments.plan)?;
    let of_wanted = |name: &str| wanted.iter().any(|(_, wanted)| wanted == name);
    let failed = shown
        .parts
        .iter()
        .filter(|(part, _)| of_wanted(&part.package) && matches!(part.state.as_str(), "stale" | "failed"));
    let code = if failed.count() > 0 { exit::SOME_FAILED } else { exit::DONE };
    if arguments.json {
        print_json(&shown.json())?;
        return Ok(code);
    }
    let mut stdout = screen::stdout();
    if wanted.is_empty() {
        writeln!(stdout, "plan {}: nothing is left to do", arguments.plan)?;
        return Ok(code);
    }
    for (part, plan) in shown.parts.iter().filter(|(part, _)| of_wanted(&part.package)) {
        let note = part.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        let steps = if part.state == "applied" {
            format!(", {}", count(plan.steps.len(), "step"))
        } else {
            String::new()
        };
        writeln!(stdout, "{}", paragraph(2, &format!("{}: {}{steps}{note}", part.package, part.state)))?;
    }
    for (package, why) in &left {
        writeln!(stdout, "{}", paragraph(2, &format!("{package}: left to a worker: {why}")))?;
    }
    let open = shown.count("planned");
    if open > 0 {
        writeln!(
            stdout,
            "{} left; Next: package-import repair apply {}",
            count(open, "package"),
            arguments.plan
        )?;
    }
    Ok(code)
}

fn show(installation: &Installation, arguments: &ShowArguments) -> Result<u8, Error> {
    print(&questions::repair_plan(&installation.open()?, arguments.plan)?, arguments.json)?;
    Ok(exit::DONE)
}

fn undo(installation: &Installation, arguments: &UndoArguments) -> Result<u8, Error> {
    let opened = installation.open()?;
    let action = UndoRepair { plan: arguments.plan, by_worker: false };
    let begun = action.perform(&opened, &caller(), arguments.reason.as_ref())?;
    let shown = made(installation, &opened, &begun, arguments.json)?;
    print(&shown, arguments.json)?;
    Ok(if shown.count("failed") > 0 { exit::SOME_FAILED } else { exit::DONE })
}

fn list(installation: &Installation, arguments: &ListArguments) -> Result<u8, Error> {
    let plans = questions::repair_plans(&installation.open()?, arguments.limit)?;
    if arguments.json {
        print_json(&serde_json::json!({ "plans": plans }))?;
        return Ok(exit::DONE);
    }
    if plans.is_empty() {
        writeln!(screen::stdout(), "there is no plan; `package-import repair plan PACKAGE` makes one")?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["PLAN", "MADE", "KIND", "BY", "PACKAGES"]).cut(4);
    for it in plans {
        let packages: Vec<String> =
            it.packages.iter().map(|(state, number)| format!("{number} {state}")).collect();
        let kind = it.plan.undoes.map_or(it.plan.kind.clone(), |undone| format!("undo {undone}"));
        rows.add_row([&it.plan.id.to_string(), &at(it.plan.made), &kind, &it.plan.by, &packages.join(", ")]);
    }
    screen::print(&rows)?;
    Ok(exit::DONE)
}
