use std::io::{self, Write};

use anyhow::{Context, Error};
use importer::queue::session;
use state::open::Location;
use state::{Store, transfer};

use super::{Installation, actor};
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
    let config = installation.config()?;
    let root = std::path::absolute(&installation.root).context("cannot find the current folder")?;
    let store = config.state.location(&root).connect(false)?;
    if arguments.undo {
        transfer::stay(&store, &actor(), "migrate --undo")?;
        writeln!(screen::stdout(), "{} is in use again", store.name())?;
        return Ok(exit::DONE);
    }
    let Some(url) = &arguments.to else { return schema(&store, arguments) };
    let to = Location::new(&root, Some(url), config.state.passfile.as_deref());
    carry(&store, &to, url, arguments)
}

fn schema(store: &Store, arguments: &Arguments) -> Result<u8, Error> {
    let (from, to) =
        if arguments.dry_run { (store.schema()?, state::schema::CURRENT) } else { store.migrate()? };
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

fn carry(store: &Store, to: &Location, url: &str, arguments: &Arguments) -> Result<u8, Error> {
    // A run that was killed is no open run.
    session::take_back(store, &importer::root::host_name())?;
    transfer::check_idle(store)?;
    let target = to.connect(true)?;
    if arguments.dry_run {
        return look(store, &target, arguments.json);
    }
    target.migrate()?;
    let actor = actor();
    transfer::leave(store, &actor, url)?;
    let progress = Progress::long(arguments.json);
    let carried = transfer::carry(store, &target, |table, rows| progress.reading(&format!("{table} {rows}")));
    progress.finish();
    let carried = match carried {
        Ok(carried) => carried,
        Err(error) => {
            // Nothing has moved: the old one stays in use.
            transfer::stay(store, &actor, "it could not be carried")?;
            return Err(error.into());
        }
    };
    let epoch = transfer::arrive(&target, &actor, "migrate", store.name())?;
    if arguments.json {
        let tables: Vec<_> = carried
            .iter()
            .map(|it| serde_json::json!({"table": it.table, "rows": it.rows, "checksum": it.checksum}))
            .collect();
        screen::print_json(&serde_json::json!({"to": url, "epoch": epoch, "tables": tables}))?;
        return Ok(exit::DONE);
    }
    show(&carried)?;
    writeln!(
        screen::stdout(),
        "\nEverything is in {url}, with equal rows and checksums. Now put this into config.toml of every host:\n\n\
         [state]\nurl = {}\n\n{} is kept and refuses to be used.",
        toml_text(url),
        store.name()
    )?;
    Ok(exit::DONE)
}

fn look(store: &Store, target: &Store, json: bool) -> Result<u8, Error> {
    let is_empty = target.schema()? == 0 || transfer::is_empty(target)?;
    let found = transfer::checksums(store)?;
    if json {
        let tables: Vec<_> =
            found.iter().map(|it| serde_json::json!({"table": it.table, "rows": it.rows})).collect();
        screen::print_json(&serde_json::json!({"target_is_empty": is_empty, "tables": tables}))?;
    } else {
        show(&found)?;
        let fit = if is_empty { "is empty" } else { "is not empty: it would be refused" };
        writeln!(screen::stdout(), "\n{} {fit}", target.name())?;
    }
    Ok(if is_empty { exit::DONE } else { exit::SOME_FAILED })
}

fn show(carried: &[transfer::Carried]) -> io::Result<()> {
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
