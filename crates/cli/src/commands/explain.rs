use std::io::{self, Write};

use anyhow::Error;
use operations::codes::Explained;
use operations::questions::{self, Explanation};

use super::Installation;
use crate::exit;
use crate::screen::{self, count, paragraph, print, print_json, short, table, title};
use crate::time::at;

/// What a failure means, whether it is tried again by itself, and what to do
///
/// Of a stage and code as screens have them (verify/unsigned), of a code alone, or of a signature by its short id. Without
/// any: all codes.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import explain verify/checksum-mismatch\n  package-import explain k3v9q2m"
)]
pub struct Arguments {
    /// STAGE/CODE, a code, or the short id of a signature
    #[arg(value_name = "STAGE/CODE|ID")]
    what: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = match &arguments.what {
        Some(what) => questions::explain(installation, what)?,
        None => Explanation { signature: None, policy: None, codes: questions::codes() },
    };
    if arguments.json {
        print_json(&answer)?;
    } else if arguments.what.is_none() {
        screen::page();
        all(&answer.codes)?;
    } else {
        one(&answer)?;
    }
    Ok(exit::DONE)
}

fn all(codes: &[Explained]) -> io::Result<()> {
    let mut rows = table(&["CODE", "CLASS", "MEANING"]);
    for code in codes {
        let name = match &code.stages[..] {
            [stage] => format!("{stage}/{}", code.code),
            _ => code.code.clone(),
        };
        rows.add_row([&name, code.class.as_deref().unwrap_or("none"), &code.meaning]);
    }
    print(&rows)
}

fn one(answer: &Explanation) -> io::Result<()> {
    let mut stdout = screen::stdout();
    if let Some(group) = &answer.signature {
        writeln!(stdout, "{}", title(&format!("{}: {}/{}", group.signature, group.stage, group.code)))?;
        writeln!(stdout, "{}", paragraph(2, &short(&group.text, LONGEST)))?;
        let packages = count(group.packages, "package");
        writeln!(stdout, "  {packages}; seen from {} to {}", at(group.since), at(group.last))?;
        if let (Some(policy), Some(does)) = (&group.policy, &answer.policy) {
            writeln!(stdout, "{}", paragraph(2, &format!("an operator decided: {policy}, {does}")))?;
        }
        for (what, text) in [("note", &group.note), ("bug", &group.bug)] {
            if let Some(text) = text {
                writeln!(stdout, "{}", paragraph(2, &format!("{what}: {}", short(text, LONGEST))))?;
            }
        }
    }
    for code in &answer.codes {
        explained(code)?;
    }
    if let Some(group) = &answer.signature {
        writeln!(stdout, "Next:\n  package-import failures --signature {}", group.signature)?;
    }
    Ok(())
}

fn explained(code: &Explained) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let class = code.class.as_ref().map_or(String::new(), |class| format!(": {class}"));
    writeln!(stdout, "{}{class}", title(&code.name()))?;
    writeln!(stdout, "{}", paragraph(2, &code.meaning))?;
    if let Some(retry) = &code.retry {
        writeln!(stdout, "{}", paragraph(2, &format!("by itself: {retry}")))?;
    }
    let advice = if code.advice.is_empty() { "nothing" } else { &code.advice };
    writeln!(stdout, "{}", paragraph(2, &format!("what to do: {advice}")))?;
    writeln!(stdout, "  more: {}", code.document)
}
