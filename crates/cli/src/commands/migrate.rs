use std::io::{self, Write};

use anyhow::Error;
use operations::Action;
use operations::actions::migrate::{Migrate, Migrated, MoveState, UndoMove};
use state::transfer::Carried;

use super::{Installation, caller};
use crate::exit;
use crate::screen;
use crate::show::Progress;

/// Bring the state's schema up to this program's, or move the state into another database
///
/// Without --to: the schema. With --to: everything is carried, in either direction between SQLite and PostgreSQL, and
/// rows and checksums of each table are compared on both sides. No run may be open. From then on the old database refuses
/// to be used. A move that was interrupted is started again by the same command.
///
/// Exit code 0: done. 1: not done; the reason is said. 2: the command line or the configuration cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import migrate\n  package-import migrate --to 'postgresql://worker@db.example.org/imports?sslmode=verify-full'"
)]
pub struct Arguments {
    /// The other database: a PostgreSQL URL or key=value list without a password, or the path of an SQLite file
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Go on with the old database after a move; what was done in the new one since is not brought back
    #[arg(long, conflicts_with_all = ["to", "dry_run"])]
    undo: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    if arguments.undo {
        let name = UndoMove.perform(installation, &caller(), None)?;
        writeln!(screen::stdout(), "{name} is in use again")?;
        return Ok(exit::DONE);
    }
    match &arguments.to {
        None => schema(installation, arguments),
        Some(url) if arguments.dry_run => look(installation, url, arguments.json),
        Some(url) => carry(installation, url, arguments.json),
    }
}

fn schema(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Migrated { from, to } = match arguments.dry_run {
        true => Migrate::foreseen(installation)?,
        false => Migrate.perform(installation, &caller(), None)?,
    };
    if arguments.json {
        screen::print_json(&serde_json::json!({"from": from, "to": to, "done": !arguments.dry_run}))?;
        return Ok(exit::DONE);
    }
    let line = match (from == to, arguments.dry_run) {
        (true, _) => format!("schema {to}: nothing to do"),
        (false, true) => format!("schema {from} would become {to}"),
        (false, false) => format!("schema {from} is {to} now"),
    };
    writeln!(screen::stdout(), "{line}")?;
    Ok(exit::DONE)
}

fn carry(installation: &Installation, url: &str, json: bool) -> Result<u8, Error> {
    let progress = Progress::long(json);
    let watch = |table: &str, rows: u64| progress.reading(&format!("{table} {rows}"));
    let moved = MoveState { url: url.to_owned(), watch: &watch }.perform(installation, &caller(), None);
    progress.finish();
    let moved = moved?;
    if json {
        let tables: Vec<_> = (moved.tables.iter())
            .map(|it| serde_json::json!({"table": it.table, "rows": it.rows, "checksum": it.checksum}))
            .collect();
        screen::print_json(&serde_json::json!({"to": url, "epoch": moved.epoch, "tables": tables}))?;
        return Ok(exit::DONE);
    }
    show(&moved.tables)?;
    writeln!(
        screen::stdout(),
        "\nEverything is in {url}, with equal rows and checksums. Now put this into config.toml of every host:\n\n\
         [state]\nurl = {}\n\n{} is kept and refuses to be used.",
        toml_text(url),
        moved.left
    )?;
    Ok(exit::DONE)
}

fn look(installation: &Installation, url: &str, json: bool) -> Result<u8, Error> {
    let found = MoveState { url: url.to_owned(), watch: &|_, _| () }.foreseen(installation)?;
    if json {
        let tables: Vec<_> =
            (found.tables.iter()).map(|it| serde_json::json!({"table": it.table, "rows": it.rows})).collect();
        screen::print_json(&serde_json::json!({"target_is_empty": found.is_empty, "tables": tables}))?;
    } else {
        show(&found.tables)?;
        let fit = if found.is_empty { "is empty" } else { "is not empty: it would be refused" };
        writeln!(screen::stdout(), "\n{} {fit}", found.target)?;
    }
    Ok(if found.is_empty { exit::DONE } else { exit::SOME_FAILED })
}

fn show(carried: &[Carried]) -> io::Result<()> {
    let mut table = screen::table(&["TABLE", "ROWS", "CHECKSUM"]);
    for it in carried {
        let checksum = it.checksum.get(..16).unwrap_or(&it.checksum);
        table.add_row([it.table.as_str(), &it.rows.to_string(), checksum]);
    }
    screen::print(&table)
}

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
