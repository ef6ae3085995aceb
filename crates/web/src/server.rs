//! The server: connections, their limits, and shutdown.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use operations::{Installation, Opened};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::act::Pending;
use crate::app::App;
use crate::listen::{Listen, Prefix};
use crate::reader::{LENGTH, PATIENCE, Reader};
use crate::router::{self, FORM};
use crate::seats::{Seat, Seats};
use crate::who::accounts::AccountError;
use crate::who::attempts::Attempts;
use crate::who::session::Sessions;
use crate::who::{Accounts, Gate, Peer};

/// The time limit for the head of a request, also of the next one on a connection, and for its body.
const HEAD: Duration = Duration::from_secs(10);
/// The maximum size of a request's head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Lines that it may have.
const HEAD_LINES: usize = 64;
/// A connection older than this is not used again; one older by [`GRACE`] is closed.
const LIFE: Duration = Duration::from_secs(120);
/// Time to finish answers when the server ends.
const GRACE: Duration = Duration::from_secs(10);

/// A listening server, ready to answer.
pub struct Server {
    /// Address that it listens on, with the real port if any port was allowed.
    pub listen: Listen,
    app: Arc<App>,
    socket: Socket,
}

enum Socket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

/// Reason why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address or the socket.
    #[error("cannot listen on {listen}: {error}")]
    Listen {
        /// Address to listen on.
        listen: Listen,
        /// Error of the system.
        error: io::Error,
    },
    /// Everybody would be let in.
    #[error(
        "{0} is reached from other machines, and nobody is told from anybody: make accounts (`package-import user add`), name \
         a proxy in [web] user_header, set [web] public = true, or listen on 127.0.0.1 (docs/web.md)"
    )]
    Open(Listen),
    /// Passwords would travel in the clear.
    #[error(
        "{0} is reached from other machines, and passwords would travel in the clear: put a proxy with TLS before it (docs/web.md)"
    )]
    Clear(Listen),
    /// There is no installation.
    #[error("there is no installation at {}: --root names it, and the first `package-import run` makes it", .0.display())]
    NoRoot(PathBuf),
    /// Error of the accounts.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// Error of the configuration or of the installation.
    #[error(transparent)]
    Installation(#[from] operations::Error),
    /// A file of the root, or the machine.
    #[error("{what}: {error}")]
    Machine {
        /// Description of what was tried.
        what: &'static str,
        /// Error of the system.
        error: io::Error,
    },
}

impl Server {
    /// Begins to listen. The state need not be reachable.
    ///
    /// # Errors
    /// The address cannot be used, or the configuration would let everybody in.
    pub fn bind(installation: &Installation, listen: &Listen, prefix: Prefix) -> Result<Server, ServeError> {
        let root = installation.absolute_root()?;
        if !root.is_dir() {
            return Err(ServeError::NoRoot(root));
        }
        let config = installation.config().map_err(operations::Error::from)?;
        let accounts = Accounts::of(&root)?;
        let web = config.web.clone();
        if !listen.is_local() {
            let has_accounts = !accounts.is_empty();
            match (web.public || web.has_proxy(), has_accounts) {
                (_, true) => return Err(ServeError::Clear(listen.clone())),
                (false, false) => return Err(ServeError::Open(listen.clone())),
                (true, false) => {}
            }
        }
        let failed = |error| ServeError::Listen { listen: listen.clone(), error };
        let (socket, listen) = bind(listen).map_err(failed)?;
        let machine = |what| move |error| ServeError::Machine { what, error };
        let sessions = Sessions::of(&root)
            .map_err(machine("cannot read or make the key of sessions, web-key in the root"))?;
        let started = machine("cannot start a thread");
        let reader = Reader::start(opening(&root, &config, false), PATIENCE).map_err(&started)?;
        let past = Reader::start(opening(&root, &config, false), LENGTH).map_err(&started)?;
        let writer = Reader::start(opening(&root, &config, true), PATIENCE).map_err(&started)?;
        let (attempts, verifying, is_local) = (Attempts::default(), Semaphore::new(1), listen.is_local());
        let gate = Gate { web, accounts, sessions, attempts, verifying, is_local };
        let app =
            App { gate, listen: listen.clone(), prefix, reader, past, writer, pending: Pending::default() };
        Ok(Server { listen, app: Arc::new(app), socket })
    }

    /// Answers one request, as if it had come from this address.
    pub async fn answer(&self, peer: Peer, request: Request) -> axum::response::Response {
        router::answer(&self.app, peer, request).await
    }

    /// True when everybody may look, because users cannot be distinguished.
    pub fn is_open(&self) -> bool {
        self.app.gate.is_open()
    }
}

fn opening(root: &Path, config: &importer::config::Config, to_write: bool) -> crate::reader::Open {
    let (root, config) = (root.to_owned(), config.clone());
    let location = config.state.location(&root);
    Box::new(move || {
        let store = if to_write { location.open()? } else { location.open_to_read()? };
        Ok(Opened { root: root.clone(), config: config.clone(), store })
    })
}

fn bind(listen: &Listen) -> io::Result<(Socket, Listen)> {
    match listen {
        Listen::Tcp(address) => {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((Socket::Tcp(listener), Listen::Tcp(address)))
        }
        Listen::Unix(path) => {
            // A file left by a killed server; a living server answers, and a file of another program stays.
            if std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
                && std::os::unix::net::UnixStream::connect(path)
                    .is_err_and(|it| it.kind() == io::ErrorKind::ConnectionRefused)
            {
                std::fs::remove_file(path)?;
            }
            let listener = std::os::unix::net::UnixListener::bind(path)?;
            // Owner and group of the socket, such as a proxy, may connect and are trusted to name the user.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
            listener.set_nonblocking(true)?;
            Ok((Socket::Unix(listener, path.clone()), listen.clone()))
        }
    }
}

/// Answers until SIGTERM, SIGINT or SIGHUP; requests that are under way then are finished.
///
/// # Errors
/// The system refuses a thread, a socket or a signal handler.
pub fn serve(server: Server) -> Result<(), ServeError> {
    block_on(async {
        let mut signals = Vec::new();
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            signals.push(signal(kind)?);
        }
        let stop = std::future::poll_fn(move |context| {
            let is_told = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if is_told { Poll::Ready(()) } else { Poll::Pending }
        });
        run(server, stop).await
    })
}

/// Answers until something else has happened.
///
/// # Errors
/// The system refuses a thread, a socket or a signal handler.
pub fn serve_until(server: Server, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    block_on(run(server, stop))
}

fn block_on(serving: impl Future<Output = io::Result<()>>) -> Result<(), ServeError> {
    let machine = |error| ServeError::Machine { what: "cannot serve", error };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(machine)?;
    let served = runtime.block_on(serving).map_err(machine);
    // A thread that waits for a database is not waited for.
    runtime.shutdown_background();
    served
}

async fn run(server: Server, stop: impl Future<Output = ()>) -> io::Result<()> {
    let (ending, ended) = watch::channel(false);
    let app = server.app;
    let seats = Seats::new(app.gate.web.connections);
    let (listener, path) = match server.socket {
        Socket::Tcp(listener) => (Listener::Tcp(TcpListener::from_std(listener)?), None),
        Socket::Unix(listener, path) => (Listener::Unix(UnixListener::from_std(listener)?), Some(path)),
    };
    tokio::select! {
        () = accept(&app, &listener, &seats, &ended) => {}
        () = stop => {}
    }
    drop(listener);
    if let Some(path) = path {
        let _ = std::fs::remove_file(path);
    }
    let _ = ending.send(true);
    let _ = tokio::time::timeout(GRACE, seats.all_free(app.gate.web.connections)).await;
    Ok(())
}

/// Accepts connections. Each has a seat; when all are taken, one that waits for its client is given up.
async fn accept(app: &Arc<App>, listener: &Listener, seats: &Arc<Seats>, ended: &watch::Receiver<bool>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(taken) = seats.take().await else { return };
                let (app, ended) = (Arc::clone(app), ended.clone());
                tokio::spawn(async move {
                    let seat = Arc::clone(&taken.seat);
                    tokio::select! {
                        () = connection(app, stream, peer, Arc::clone(&seat), ended) => {}
                        () = seat.is_needed() => {}
                    }
                    drop(taken);
                });
            }
            // Out of file descriptors, most likely: the other connections end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Tcp(address.ip())))
            }
            Listener::Unix(listener) => Ok((Box::new(listener.accept().await?.0), Peer::Unix)),
        }
    }
}

/// A request with its whole body, which no page waits for.
async fn whole(request: Request<Incoming>) -> Result<Request, StatusCode> {
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > FORM as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match tokio::time::timeout(HEAD, to_bytes(Body::new(body), FORM)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(head, Body::from(bytes))),
        Ok(Err(error)) if error.to_string().contains("length limit") => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn connection(
    app: Arc<App>,
    stream: Box<dyn Stream>,
    peer: Peer,
    seat: Arc<Seat>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, seat) = (Arc::clone(&app), Arc::clone(&seat));
        async move {
            let answer = match whole(request).await {
                Ok(request) => {
                    seat.answers();
                    router::answer(&app, peer, request).await
                }
                Err(status) => router::refused(status),
            };
            seat.answered();
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES);
    let mut answering = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let is_over = tokio::select! {
        _ = answering.as_mut() => true,
        _ = tokio::time::sleep(LIFE) => false,
        _ = stopped.wait_for(|stopped| *stopped) => false,
    };
    if !is_over {
        answering.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(GRACE, answering).await;
    }
}
