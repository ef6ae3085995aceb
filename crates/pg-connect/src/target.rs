//! Place of a database, and the way to reach it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::TargetError;
use crate::{settings, text};

/// Least TLS that a connection must have. The words and their meaning are those of `libpq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS if the server supports it; nothing is verified.
    Prefer,
    /// Always TLS; verified as by `verify-ca` if root certificates are given.
    Require,
    /// Always TLS, and the certificate must come from a trusted authority.
    VerifyCa,
    /// As `verify-ca`, and it must be the certificate of this host.
    VerifyFull,
}

impl SslMode {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

/// One address at which the database may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, an address, or the folder of a socket (it begins with `/`).
    pub host: String,
    /// The address to use, instead of asking for the name's.
    pub address: Option<IpAddr>,
    /// Port of the server.
    pub port: u16,
}

impl Server {
    /// True when it is reached by a socket in the file system.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A database and how to reach it, without any secret: it may be shown and logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Tried in this order; never empty.
    pub servers: Vec<Server>,
    /// The user, if given.
    pub user: Option<String>,
    /// The database; that of the user's name, if not given.
    pub dbname: Option<String>,
    /// The pass file; `PGPASSFILE`, then `~/.pgpass`, if not given.
    pub passfile: Option<PathBuf>,
    /// Least TLS of the connection.
    pub ssl_mode: SslMode,
    /// Trusted certificates: a PEM file, or `system`.
    pub root_certificates: Option<PathBuf>,
    /// True when a login must be bound to its TLS channel; `None` for the default.
    pub channel_binding: Option<bool>,
    /// Time limit of connecting to one server, logging in included.
    pub connect_timeout: Duration,
    /// Time limit of a statement; the server ends it.
    pub statement_timeout: Option<Duration>,
    /// Limits of a transaction; shorter limits of the server's own stay.
    pub transaction_limits: Option<TransactionLimits>,
    /// Name that `pg_stat_activity` shows.
    pub application_name: Option<String>,
    /// Options for the server process.
    pub options: Option<String>,
    /// Keepalives that find a dead peer.
    pub keepalive: Keepalive,
    /// Longest time that sent data may stay without acknowledgement.
    pub tcp_user_timeout: Duration,
    /// True when the server must be writable, false when it must not be.
    pub writable: Option<bool>,
}

/// Longest time that a transaction may wait for others, and make others wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLimits {
    /// Longest wait of a statement for a lock (`lock_timeout`).
    pub lock: Duration,
    /// Longest time that a transaction may be open while its client sends nothing
    /// (`idle_in_transaction_session_timeout`). Then the server ends the session, and the locks of a frozen client are
    /// free.
    pub idle: Duration,
}

/// TCP keepalives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// True when they are sent.
    pub on: bool,
    /// Silence after which the first is sent.
    pub idle: Duration,
    /// Again after this time.
    pub interval: Duration,
    /// Number of unanswered ones after which the peer counts as dead.
    pub count: u32,
}

impl Default for Target {
    /// The database of this process's user behind the system's own socket.
    fn default() -> Self {
        Target {
            servers: vec![Server { host: SYSTEM_SOCKETS.into(), address: None, port: DEFAULT_PORT }],
            user: None,
            dbname: None,
            passfile: None,
            ssl_mode: SslMode::Prefer,
            root_certificates: None,
            channel_binding: None,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: None,
            transaction_limits: None,
            application_name: None,
            options: None,
            keepalive: Keepalive {
                on: true,
                idle: Duration::from_secs(30),
                interval: Duration::from_secs(10),
                count: 3,
            },
            tcp_user_timeout: Duration::from_secs(60),
            writable: None,
        }
    }
}

/// Folder of the sockets of Debian's PostgreSQL. A pass file calls this place `localhost`.
pub(crate) const SYSTEM_SOCKETS: &str = "/var/run/postgresql";
pub(crate) const DEFAULT_PORT: u16 = 5432;

impl Target {
    /// True when a text looks like a database of this kind, and not like the path of a file.
    pub fn is_meant_by(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with("postgresql:") || text.starts_with("postgres:")
    }

    /// Reads a URL (`postgresql://...`) or `key=value` words. A password in it is an error.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        settings::target(&text::pairs(text)?)
    }

    /// Uses this pass file, if one is given, instead of the one named in the text.
    pub fn with_passfile(mut self, path: Option<PathBuf>) -> Target {
        self.passfile = path.or(self.passfile);
        self
    }

    /// Makes the server end every statement after this time.
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Target {
        self.statement_timeout = Some(timeout);
        self
    }

    /// Makes the server limit how long a transaction waits for a lock, and for its client.
    pub fn with_transaction_limits(mut self, limits: TransactionLimits) -> Target {
        self.transaction_limits = Some(limits);
        self
    }

    /// Limits the time to connect to one server, whatever the text says.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Target {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the name that `pg_stat_activity` shows, unless the text has one.
    pub fn with_application_name(mut self, name: &str) -> Target {
        self.application_name.get_or_insert_with(|| name.to_owned());
        self
    }
}
