use std::io::{self, Write};

use anyhow::{Context, Error};
use web::{Listen, Prefix, ServeError, Server};

use super::Installation;
use crate::exit::{self, Usage};
use crate::screen;

/// Serve pages about this installation, JSON and metrics, until SIGTERM
///
/// Who may look, and who may do something, stands in [web] of config.toml and in the accounts of `user`; without either,
/// whoever is on this machine may look.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import serve\n  package-import serve --listen /run/package-import/web.sock --prefix /imports"
)]
pub struct Arguments {
    /// ADDRESS:PORT, or the path of a Unix socket
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "WHERE")]
    listen: Listen,

    /// The path below which the pages are, as a proxy passes it on
    #[arg(long, default_value = "/", value_name = "PATH")]
    prefix: Prefix,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let server = Server::bind(installation, &arguments.listen, arguments.prefix.clone()).map_err(usage)?;
    // A server does not end because nobody reads what it says at its start.
    let _ = greet(&server, arguments.prefix.as_str());
    web::serve(server).context("the server has ended")?;
    Ok(exit::DONE)
}

/// Where it serves, and who may do what there.
fn greet(server: &Server, prefix: &str) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let who = match &server.listen {
        Listen::Tcp(_) => {
            writeln!(stdout, "serving on {}{prefix}/", server.listen)?;
            "whoever is on this machine may look"
        }
        Listen::Unix(_) => {
            writeln!(stdout, "serving on {}, below {prefix}/", server.listen)?;
            "whoever reaches the socket may look, also everybody whom a web server lets through"
        }
    };
    if server.is_open() {
        writeln!(
            stdout,
            "there are no accounts and no proxy that names anybody: {who}, nobody may change anything"
        )?;
    }
    stdout.flush()
}

/// Errors of the configuration become errors of usage.
fn usage(error: ServeError) -> Error {
    match error {
        ServeError::Open(_) | ServeError::Clear(_) | ServeError::NoRoot(_) => Usage(error.to_string()).into(),
        ServeError::Installation(error) => error.into(),
        error => error.into(),
    }
}
