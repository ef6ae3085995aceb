//! Connections: clients that are slow, too large, too many, or still connected at shutdown.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use operations::Installation;
use tokio::sync::oneshot;
use web::{Listen, Prefix, Server};

use crate::world;

/// A server with a socket, until it is dropped.
pub struct Serving {
    pub listen: Listen,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    pub fn of(root: &Path, config: &str, listen: &str) -> Serving {
        std::fs::write(root.join("config.toml"), config).unwrap();
        let installation = Installation::new(Some(root.to_owned()), None);
        let server = Server::bind(&installation, &listen.parse().unwrap(), Prefix::default()).unwrap();
        let listen = server.listen.clone();
        let (stop, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || web::serve_until(server, until).unwrap());
        Serving { listen, stop: Some(stop), thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(address) => *address,
            Listen::Unix(path) => panic!("{} is no address", path.display()),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Tells it to end, and waits for that.
    fn end(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn answer(mut stream: impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn what_is_no_request_is_refused_or_closed() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let long = format!("GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "x-a: b\r\n".repeat(500));
    for (sent, said) in [
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400"),
        (&long, "4"),
        (&many, "431"),
        ("GET / HTTP/1.1\r\n\r\n", "200"),
        ("", ""),
    ] {
        let mut stream = serving.connect();
        let _ = stream.write_all(sent.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let got = answer(&stream);
        assert!(
            got.is_empty() || got.starts_with(&format!("HTTP/1.1 {said}")),
            "{:?}: {got}",
            &sent[..sent.len().min(40)]
        );
    }
    let mut stream = serving.connect();
    stream.write_all(GET).unwrap();
    assert!(answer(&stream).starts_with("HTTP/1.1 200 OK"));
}

/// What servers in a row read differently is read by none: a second request hidden in the first would be somebody else's.
#[test]
fn a_request_that_could_be_two_is_refused() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    for (lines, said) in [
        ("Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "400"),
        ("Host: localhost\r\nContent-Length: +5\r\n", "400"),
        ("Host: localhost\r\nContent-Length : 5\r\n", "400"),
        ("Host: localhost\r\nTransfer-Encoding: chunked, identity\r\n", "400"),
        ("Host: localhost\r\n X-Folded: a\r\n", "400"),
        ("Host: localhost\r\nHost: evil.example\r\n", "421"),
        ("Host: localhost\r\nX-Remote-User: a\0b\r\n", "400"),
    ] {
        let mut stream = serving.connect();
        let request = format!("GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let got = answer(&stream);
        assert!(got.starts_with(&format!("HTTP/1.1 {said}")), "{lines:?}: {got}");
        assert_eq!(got.matches("HTTP/1.1 ").count(), 1, "{lines:?}: one answer");
    }
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let mut stream = serving.connect();
    let head = "POST /act HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(&vec![b'a'; 200_000]);
    assert!(answer(&stream).starts_with("HTTP/1.1 413"));
}

/// Clients that keep a connection and never get anywhere, each in its way.
fn idle(serving: &Serving, way: usize) -> TcpStream {
    let mut stream = serving.connect();
    let head =
        "POST /act HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 9000\r\n";
    let sent = match way % 4 {
        0 => String::new(),
        1 => "GET / HTTP/1.1\r\nHost: ".to_owned(),
        2 => format!("{head}\r\nacti"),
        _ => format!("{head}Expect: 100-continue\r\n\r\n"),
    };
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

#[test]
fn whoever_holds_all_connections_gives_them_back() {
    let world = world::small();
    let serving = Serving::of(world.root(), "[web]\nconnections = 3\n", "127.0.0.1:0");
    let _idle: Vec<TcpStream> = (0..3).map(|way| idle(&serving, way)).collect();
    let mut late = serving.connect();
    late.write_all(GET).unwrap();
    assert!(answer(&late).starts_with("HTTP/1.1 200 OK"));
}

/// `STORM=long`: a thousand of them.
#[test]
fn silent_and_slow_clients_keep_nobody_out() {
    let is_long = std::env::var("STORM").is_ok_and(|it| it == "long");
    let many = if is_long { 1000 } else { 60 };
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: Some(4096), maximum: Some(4096) },
    );
    let world = world::small();
    let serving = Serving::of(world.root(), "[web]\nconnections = 20\n", "127.0.0.1:0");
    let idle: Vec<TcpStream> = (0..many).map(|way| idle(&serving, way)).collect();
    // A byte at a time, for as long as somebody listens.
    let slow = serving.connect();
    let dripping = std::thread::spawn(move || {
        let mut slow = slow;
        for byte in GET.iter().cycle() {
            std::thread::sleep(Duration::from_millis(20));
            if slow.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    for path in ["/", "/queue", "/healthz"] {
        let mut stream = serving.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        assert!(answer(&stream).starts_with("HTTP/1.1 200 OK"), "{path}");
    }
    drop(idle);
    drop(serving);
    dripping.join().unwrap();
}

#[test]
fn whoever_reads_no_answer_keeps_nobody_out() {
    let world = world::small();
    let serving = Serving::of(world.root(), "[web]\nconnections = 2\n", "127.0.0.1:0");
    let deaf: Vec<TcpStream> = (0..2).map(|_| serving.connect()).collect();
    let requests = b"GET /static/0/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    for mut stream in &deaf {
        stream.set_nonblocking(true).unwrap();
        // Until neither side takes any more.
        let mut stuck = 0;
        while stuck < 20 {
            match stream.write(&requests) {
                Ok(_) => stuck = 0,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stuck += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
                // Given up by now, for the other one.
                Err(_) => break,
            }
        }
    }
    let mut late = serving.connect();
    late.write_all(GET).unwrap();
    assert!(answer(&late).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_form_that_does_not_come_is_not_waited_for() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let stream = idle(&serving, 2);
    assert!(answer(&stream).starts_with("HTTP/1.1 408"));
}

#[test]
fn an_end_waits_for_what_is_being_answered_and_for_nobody_else() {
    let world = world::small();
    let mut serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let mut kept = serving.connect();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut some = [0; 15];
    kept.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
    let address = serving.address();
    serving.end();
    assert!(answer(&kept).ends_with("ok\n"), "the connection is closed");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_socket_is_for_its_owner_and_group_and_goes_with_the_server() {
    let world = world::small();
    let path = world.root().join("web.sock");
    let config = "[web]\nuser_header = 'X-Remote-User'\nview = ['*']\n";
    let mut serving = Serving::of(world.root(), config, path.to_str().unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let ask = |header: &str| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream
            .write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n").as_bytes())
            .unwrap();
        answer(&stream)
    };
    assert!(ask("X-Remote-User: ivan\r\n").starts_with("HTTP/1.1 200"));
    assert!(ask("").starts_with("HTTP/1.1 401"));
    serving.end();
    assert!(!path.exists());
    // The socket of a killed server is replaced; a file that is no socket stays.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(Serving::of(world.root(), config, path.to_str().unwrap()));
    std::fs::write(&path, "a file").unwrap();
    let installation = Installation::new(Some(world.root().to_owned()), None);
    assert!(Server::bind(&installation, &Listen::Unix(path.clone()), Prefix::default()).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a file");
}

#[test]
fn what_would_let_in_whoever_comes_is_refused() {
    let world = world::small();
    let bind = |config: &str| {
        std::fs::write(world.root().join("config.toml"), config).unwrap();
        let installation = Installation::new(Some(world.root().to_owned()), None);
        Server::bind(&installation, &"0.0.0.0:0".parse().unwrap(), Prefix::default())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let nowhere = Installation::new(Some(world.root().join("nowhere")), None);
    let said = Server::bind(&nowhere, &"127.0.0.1:0".parse().unwrap(), Prefix::default()).err().unwrap();
    assert!(said.to_string().contains("there is no installation at"), "{said}");
    assert!(bind("").unwrap_err().contains("nobody is told from anybody"));
    assert!(bind("[web]\npublic = true\n").is_ok());
    assert!(bind("[web]\nuser_header = 'X-Remote-User'\nproxies = ['10.0.0.1']\nview = ['*']\n").is_ok());
    assert!(bind("[web]\nuser_header = 'Cookie'\nview = ['*']\n").unwrap_err().contains("another meaning"));
    web::Accounts::of(world.root()).unwrap().put("olga", None, "a long password", true).unwrap();
    assert!(bind("").unwrap_err().contains("in the clear"));
}
