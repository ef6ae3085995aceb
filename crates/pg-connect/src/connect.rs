//! Connecting, within a time limit that holds for the whole of it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use postgres::config::{ChannelBinding, SslMode as Wanted, TargetSessionAttrs};
use postgres::{Client, Config, NoTls};

use crate::encrypted::Encrypt;
use crate::error::{ConnectError, Failure};
use crate::passfile::{self, Login, Lookup};
use crate::target::{SYSTEM_SOCKETS, Server, SslMode, Target};
use crate::tls;
use crate::within::within;

/// Variables of the process's environment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Value of `PGPASSFILE`.
    pub passfile: Option<PathBuf>,
    /// Value of `HOME`, for `~/.pgpass`.
    pub home: Option<PathBuf>,
    /// `PGUSER`, else the name of the process's user.
    pub user: Option<String>,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Environment {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let user = set("PGUSER").and_then(|user: OsString| user.into_string().ok());
        Environment {
            passfile: set("PGPASSFILE").map(PathBuf::from),
            home: set("HOME").map(PathBuf::from),
            user: user.or_else(|| whoami::username().ok()),
        }
    }
}

impl Target {
    /// Connects to the first of the servers that lets us in.
    pub fn connect(&self) -> Result<Client, ConnectError> {
        self.connect_from(&Environment::of_process())
    }

    /// The same from a given environment.
    pub fn connect_from(&self, environment: &Environment) -> Result<Client, ConnectError> {
        let mut attempts = Vec::new();
        for server in &self.servers {
            let failure = match self.try_server(server, environment) {
                Ok(client) => return Ok(client),
                Err(failure) => failure,
            };
            // As with libpq, a login that was refused is not tried at the next server: it would be refused there too.
            let last = is_login(&failure);
            attempts.push((server.to_string(), failure));
            if last {
                break;
            }
        }
        Err(ConnectError { attempts })
    }

    fn try_server(&self, server: &Server, environment: &Environment) -> Result<Client, Failure> {
        let user = self.user.as_deref().or(environment.user.as_deref()).ok_or(Failure::NoUser)?;
        let dbname = self.dbname.as_deref().unwrap_or(user);
        let mut config = self.config(server);
        config.user(user).dbname(dbname);
        let host = if server.host == SYSTEM_SOCKETS { "localhost" } else { &server.host };
        let note = match self.look_up(environment, Login { host, port: server.port, dbname, user }) {
            Lookup::Found(password) => {
                config.password(password);
                None
            }
            Lookup::Missing(reason) => Some(reason),
        };
        let tls = if server.is_socket() { None } else { tls::connector(self)? };
        let set = self.session_settings();
        within(self.connect_timeout, move || open(&config, tls, set.as_deref()))?
            .map_err(|source| Failure::Refused { note: note.filter(|_| wants_password(&source)), source })
    }

    /// Statements that limit this session, if it has limits.
    fn session_settings(&self) -> Option<String> {
        let milliseconds = |time: Duration| time.as_millis().clamp(1, i32::MAX as u128);
        let mut set = Vec::new();
        if let Some(timeout) = self.statement_timeout {
            set.push(format!("SET statement_timeout = {}", milliseconds(timeout)));
        }
        if let Some(limits) = self.transaction_limits {
            // Only longer limits are replaced: 0 means no limit.
            set.push(format!(
                "SELECT set_config(s.name, w.value, false) FROM pg_catalog.pg_settings s
                 JOIN (VALUES ('lock_timeout', '{}'), ('idle_in_transaction_session_timeout', '{}')) AS w (name, value)
                    ON s.name = w.name WHERE s.setting::bigint NOT BETWEEN 1 AND w.value::bigint",
                milliseconds(limits.lock),
                milliseconds(limits.idle)
            ));
        }
        (!set.is_empty()).then(|| set.join("; "))
    }

    fn look_up(&self, environment: &Environment, login: Login<'_>) -> Lookup {
        let home = || environment.home.as_ref().map(|home| home.join(".pgpass"));
        match self.passfile.clone().or_else(|| environment.passfile.clone()).or_else(home) {
            Some(path) => passfile::look_up(&path, login),
            None => Lookup::Missing("no pass file is configured".into()),
        }
    }

    fn config(&self, server: &Server) -> Config {
        let mut config = Config::new();
        config.host(&server.host).port(server.port);
        if let Some(address) = server.address.filter(|_| !server.is_socket()) {
            config.hostaddr(address);
        }
        config.ssl_mode(match self.ssl_mode {
            _ if server.is_socket() => Wanted::Disable,
            SslMode::Disable => Wanted::Disable,
            SslMode::Prefer => Wanted::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Wanted::Require,
        });
        config.channel_binding(match self.channel_binding {
            None => ChannelBinding::Prefer,
            Some(false) => ChannelBinding::Disable,
            Some(true) => ChannelBinding::Require,
        });
        config.target_session_attrs(match self.writable {
            None => TargetSessionAttrs::Any,
            Some(true) => TargetSessionAttrs::ReadWrite,
            Some(false) => TargetSessionAttrs::ReadOnly,
        });
        config
            .connect_timeout(self.connect_timeout)
            .tcp_user_timeout(self.tcp_user_timeout)
            .keepalives(self.keepalive.on)
            .keepalives_idle(self.keepalive.idle)
            .keepalives_interval(self.keepalive.interval)
            .keepalives_retries(self.keepalive.count);
        if let Some(name) = &self.application_name {
            config.application_name(name);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
    }
}

fn open(config: &Config, tls: Option<Encrypt>, set: Option<&str>) -> Result<Client, postgres::Error> {
    let mut client = match tls {
        Some(tls) => config.connect(tls)?,
        None => config.connect(NoTls)?,
    };
    // By a statement and not among the options of the start, which poolers refuse.
    if let Some(set) = set {
        client.batch_execute(set)?;
    }
    Ok(client)
}

fn is_login(failure: &Failure) -> bool {
    match failure {
        Failure::Refused { source, .. } => {
            wants_password(source) || source.code().is_some_and(|code| code.code().starts_with("28"))
        }
        _ => false,
    }
}

/// True when it failed for want of a (right) password. The client library has no kind of its own for "password
/// missing".
fn wants_password(error: &postgres::Error) -> bool {
    crate::error::describe(error).contains("password missing")
}
