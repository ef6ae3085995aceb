//! The proxy of the environment.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::mirrors;
use archive::transport::Request;
use package_import_tests::web::Server;

const URL: &str = "ARCHIVE_TEST_URL";

/// Program that runs with a proxy in its environment: this same test binary.
#[test]
fn through_proxy() {
    let Ok(url) = std::env::var(URL) else { return };
    match mirrors(&[&url])[0].read(&Request::whole("file"), 100) {
        Ok(Some((bytes, _))) => println!("GOT {}", String::from_utf8(bytes).unwrap()),
        Ok(None) => println!("GOT nothing"),
        Err(error) => println!("GOT {} of {}", error.code(), error.dependency.unwrap()),
    }
}

/// Result of the request for a file, with these variables.
fn get(server: &Server, variables: &[(&str, String)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "proxy::through_proxy", "--nocapture"]).env(URL, server.url());
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "HTTPS_PROXY", "NO_PROXY"]
    {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().cloned()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split("GOT ").nth(1).unwrap_or_else(|| panic!("{text}")).lines().next().unwrap().to_owned()
}

/// A proxy that fetches any address, and makes no tunnels. Returns its address and the requests.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        let target = first.split(' ').nth(1).unwrap().to_owned();
        log.lock().unwrap().push(first.trim_end().to_owned());
        let rest = target.strip_prefix("http://").unwrap();
        let (server, path) = rest.split_at(rest.find('/').unwrap());
        let mut server = TcpStream::connect(server).unwrap();
        write!(server, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let _ = std::io::copy(&mut server, &mut client);
    });
    (host, asked)
}

#[test]
fn the_environment_names_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "content").unwrap();
    let server = Server::new(folder.path());
    assert_eq!(get(&server, &[]), "content");
    let (host, asked) = proxy();
    assert_eq!(get(&server, &[("http_proxy", format!("http://{host}"))]), "content");
    assert_eq!(*asked.lock().unwrap(), [format!("GET {}/file HTTP/1.1", server.url())]);

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let dead = format!("http://{closed}");
    assert_eq!(get(&server, &[("http_proxy", dead.clone())]), format!("connect of {closed}"));
    assert_eq!(get(&server, &[("ALL_PROXY", dead.clone())]), format!("connect of {closed}"));
    assert_eq!(get(&server, &[("https_proxy", dead.clone())]), "content", "not for this kind of address");
    let socks = format!("socks5h://{closed}");
    assert_eq!(get(&server, &[("all_proxy", socks)]), format!("connect of {closed}"));
    for exception in [server.host(), "127.0.0.0/8".into(), "*".into()] {
        assert_eq!(get(&server, &[("http_proxy", dead.clone()), ("no_proxy", exception)]), "content");
    }
    let not_here = ("no_proxy", "example.org, 127.0.0.1".to_owned());
    assert_eq!(get(&server, &[("http_proxy", dead), not_here]), "content");
}
