use std::io::{self, Write};

use ::baseline::{Judged, Verdict as Whole};
use anyhow::{Error, bail};
use operations::questions::{self, Explained};

use super::Installation;
use crate::exit;
use crate::screen::{self, paragraph, print, print_json, table, title};
use crate::time::{ago, at};

/// What is thought of each figure, and what is normal for it
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import baseline show\n  package-import baseline show failing --explain"
)]
pub struct Arguments {
    /// failing, failed or signature:ID [default: all but signatures that are as usual]
    figure: Option<String>,

    /// Why: five sentences, then the numbers that they rest on
    #[arg(long)]
    explain: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let figure = arguments.figure.as_deref();
    let answer = questions::baselines(&installation.open()?, figure, arguments.explain)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    if answer.verdicts.is_empty() {
        let what = arguments.figure.as_deref().unwrap_or("anything");
        bail!("nothing was said about {what} yet: runs do that, at their end and every hour");
    }
    if arguments.explain {
        answer.verdicts.iter().try_for_each(|it| explain(it, answer.now))?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["FIGURE", "STATE", "SINCE", "WARNING", "CRITICAL", "WHAT WAS SAID"]);
    for Explained { verdict, .. } in &answer.verdicts {
        let number = |limit: Option<i64>| limit.map_or(String::new(), |limit| limit.to_string());
        let since = verdict.since.map_or(String::new(), at);
        let (warning, critical) = (number(verdict.warning), number(verdict.critical));
        rows.add_row([&verdict.figure, &verdict.state, &since, &warning, &critical, &verdict.text]);
    }
    print(&rows)?;
    Ok(exit::DONE)
}

fn explain(it: &Explained, now: i64) -> io::Result<()> {
    let verdict = &it.verdict;
    let mut stdout = screen::stdout();
    writeln!(stdout, "{}", title(&format!("{}: {}", verdict.figure, verdict.state)))?;
    let said = format!("{} (at {}, {})", verdict.text, at(verdict.at), ago(now, verdict.at));
    writeln!(stdout, "{}", paragraph(2, &said))?;
    if let Ok(whole) = serde_json::from_value::<Whole>(verdict.detail.clone()) {
        for sentence in whole.sentences() {
            writeln!(stdout, "{}", paragraph(2, &sentence))?;
        }
        if let Some(stock) = &whole.stock {
            judged(&mut stdout, stock)?;
        }
        if let Some(leading) = &whole.signature {
            let share = whole.share.map_or(String::new(), |share| format!(", {share} % of what is new"));
            let (id, value, normal) = (&leading.id, leading.value, leading.normal);
            writeln!(stdout, "  signature {id}: {value:.0}, normally {normal:.0}{share}")?;
        }
    } else if let Ok(flow) = serde_json::from_value::<Judged>(verdict.detail.clone()) {
        judged(&mut stdout, &flow)?;
    }
    let samples: Vec<String> =
        it.samples.iter().map(|sample| format!("{} {}", at(sample.hour), sample.value)).collect();
    if !samples.is_empty() {
        writeln!(stdout, "{}", paragraph(2, &format!("samples: {}", samples.join(", "))))?;
    }
    Ok(())
}

fn judged(stdout: &mut impl Write, judged: &Judged) -> io::Result<()> {
    let how = if judged.set { "set or accepted" } else { "learned" };
    let (hours, value, expected) = judged.window;
    let (level_days, days) = judged.days;
    writeln!(stdout, "  E = {:.1} ({how}), s = {:.3}", judged.normal, judged.spread)?;
    writeln!(
        stdout,
        "  z = {:.2} of {:.2} needed: the last {hours} h have {value:.1}, expected {expected:.1}",
        judged.score, judged.needed
    )?;
    writeln!(stdout, "  level of {level_days} days, noise of {days} days with samples")?;
    let limit = |limit: Option<u64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    let limits = &judged.limits;
    let (warning, critical) = (limit(limits.warning), limit(limits.critical));
    writeln!(
        stdout,
        "  limits: WARNING {warning}, CRITICAL {critical}, over below {}, outage from {} parked",
        limit(limits.clear),
        limit(limits.parked)
    )
}
