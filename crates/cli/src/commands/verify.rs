use std::io::{self, Write};

use anyhow::Error;

use super::Installation;
use crate::exit;

/// Check repositories: objects, refs, tags against their manifests and .dsc files
///
/// Exit code 0: nothing is wrong. 1: something is; each problem is a line.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source packages [default: all]
    packages: Vec<String>,
    /// Print a JSON object for each package
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let packages = match arguments.packages.as_slice() {
        [] => importer::inspect::packages(&installation.root)?,
        named => named.to_vec(),
    };
    let mut wrong = 0;
    let mut stdout = io::stdout().lock();
    for package in &packages {
        let problems = importer::inspect::verify(&installation.root, package)?;
        wrong += usize::from(!problems.is_empty());
        if arguments.json {
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| serde_json::json!({"subject": problem.subject, "message": problem.message}))
                .collect();
            writeln!(stdout, "{}", serde_json::json!({"package": package, "problems": problems}))?;
        } else {
            for problem in problems {
                writeln!(stdout, "{package}: {}: {}", problem.subject, problem.message)?;
            }
        }
    }
    if !arguments.json {
        writeln!(stdout, "{} repositories checked, {wrong} with problems", packages.len())?;
    }
    Ok(if wrong == 0 { exit::DONE } else { exit::SOME_FAILED })
}
