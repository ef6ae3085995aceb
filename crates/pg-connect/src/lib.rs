//! Opens PostgreSQL connections the way an administrator of PostgreSQL expects, and safely by default.
//!
//! A [`Target`] says where a database is and how to reach it. It is parsed from what `psql` takes: a URL or
//! `key=value` words. It never holds a password: one that stands in the text is refused, because such texts end up in
//! configuration files, process lists and logs. Passwords come from a pass file, as `libpq` reads it.
//!
//! ```no_run
//! # use std::time::Duration;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "postgresql://worker@db.example.org/import?sslmode=verify-full&sslrootcert=/etc/ssl/import-ca.pem";
//! let target = pg_connect::Target::parse(url)?
//!     .with_passfile(Some("/etc/package-import/pgpass".into()))
//!     .with_statement_timeout(Duration::from_secs(30))
//!     .with_application_name("package-import run");
//! let mut client = target.connect()?;
//! let row = client.query_one("SELECT 1", &[])?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is understood
//!
//! `host`, `hostaddr` and `port` (lists too), `dbname`, `user`, `passfile`, `sslmode` (`disable`, `prefer`, `require`,
//! `verify-ca`, `verify-full`), `sslrootcert` (a PEM file, or `system`), `channel_binding`, `connect_timeout`,
//! `application_name`, `options`, `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_count`,
//! `tcp_user_timeout` and `target_session_attrs` (`any`, `read-write`, `read-only`). Everything else is refused by its
//! name, so that a misspelt `sslmode` is not a connection without TLS.
//!
//! Missing, and refused: client certificates (`sslcert`, `sslkey`), revocation lists, GSSAPI, service files.
//!
//! # How it differs from `libpq`
//!
//! - Of the environment only `PGPASSFILE`, `PGUSER` and `HOME` count: which database an installation uses must not
//!   depend on the shell that a command is run from.
//! - `connect_timeout` is 10 s if not given, cannot be switched off, and covers everything until the connection can be used.
//! - Dead peers are found: keepalives after 30 s, `tcp_user_timeout` 60 s, if not given.
//! - A server's name is compared with the names in its certificate's `subjectAltName` only, never with its common name.
//! - A pass file that others can read is ignored as there, and named in the error if a password was needed.

mod connect;
mod encrypted;
mod error;
mod passfile;
mod provider;
mod settings;
mod target;
mod text;
mod tls;
mod within;

pub use connect::Environment;
pub use error::{ConnectError, Failure, TargetError, describe};
pub use postgres;
pub use target::{Keepalive, Server, SslMode, Target, TransactionLimits};
