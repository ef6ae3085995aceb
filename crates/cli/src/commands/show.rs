use std::io::{self, Write};

use anyhow::Error;
use comfy_table::{Table, presets};

use super::Installation;
use crate::exit;

/// Show what the repository of a package has: versions, commits, branches
///
/// A version is late if it came after its successor: it has its tag, and no branch leads to it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source package
    package: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let shown = importer::inspect::show(&installation.root, &arguments.package)?;
    let mut stdout = io::stdout().lock();
    if arguments.json {
        let versions: Vec<_> = shown
            .versions
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "distro": entry.distro, "version": entry.version, "tag": entry.tag,
                    "commit": entry.commit.to_string(),
                    "applied_commit": entry.applied.map(|id| id.to_string()),
                    "branches": entry.branches, "late": entry.late,
                })
            })
            .collect();
        let object = serde_json::json!({
            "package": arguments.package, "repository": shown.repository, "head": shown.head, "versions": versions,
        });
        writeln!(stdout, "{object}")?;
        return Ok(exit::DONE);
    }
    writeln!(stdout, "{}\nHEAD: {}\n", shown.repository.display(), shown.head)?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["TAG", "COMMIT", "APPLIED", "BRANCHES"]);
    for entry in &shown.versions {
        let applied =
            entry.applied.map_or_else(|| "not applied".to_owned(), |id| id.to_hex_with_len(10).to_string());
        let branches = if entry.late { "late".to_owned() } else { entry.branches.join(" ") };
        table.add_row([entry.tag.clone(), entry.commit.to_hex_with_len(10).to_string(), applied, branches]);
    }
    for line in table.lines() {
        writeln!(stdout, "{}", line.trim())?;
    }
    Ok(exit::DONE)
}
