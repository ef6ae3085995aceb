//! Tests of `serve` and `user` as commands. The pages themselves are tested in `crates/web`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use package_import_tests::installation::{Installation, binary};
use rustix::process::{Pid, Signal, kill_process};

fn command(installation: &Installation, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("--root").arg(installation.root()).args(arguments);
    command
}

fn run(installation: &Installation, arguments: &[&str], input: &str) -> Output {
    let mut command = command(installation, arguments);
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server, its address, and what it says of who may look, if it says so.
fn serve(installation: &Installation, is_open: bool) -> (Child, String, String) {
    let mut command = command(installation, &["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let address = first.trim_start_matches("serving on http://").trim_end_matches('/').to_owned();
    let second = if is_open { lines.next().unwrap_or_default() } else { String::new() };
    (child, address, second)
}

/// Whoever has started it may not read what it says, or not all of it.
#[test]
fn it_serves_when_nobody_reads_what_it_says() {
    let installation = installation();
    let socket = installation.root().join("web.sock");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(&installation, &["serve", "--listen", socket.to_str().unwrap()]);
    let mut child = command.stdout(writer).spawn().unwrap();
    let mut stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(_) => assert_eq!(child.try_wait().unwrap(), None, "it has ended"),
        }
        std::thread::yield_now();
    };
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(end(child), Some(0));
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn end(mut child: Child) -> Option<i32> {
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap().code()
}

/// A database is made by the first run.
fn installation() -> Installation {
    let installation = Installation::new();
    assert!(command(&installation, &["run"]).output().unwrap().status.success());
    installation
}

#[test]
fn it_serves_what_commands_print_and_ends_when_it_is_told() {
    let installation = installation();
    let (child, address, said) = serve(&installation, true);
    assert!(said.contains("whoever is on this machine may look"), "{said}");
    assert!(get(&address, "/").contains("HTTP/1.1 200 OK"));
    assert_eq!(get(&address, "/healthz").lines().last(), Some("ok"));
    for (path, arguments) in [
        ("/api/v1/queue", &["queue", "--json"][..]),
        ("/api/v1/archives", &["archives", "--json"]),
        ("/api/v1/audit", &["audit", "--json"]),
        ("/metrics", &["metrics", "--textfile", "-"]),
    ] {
        let printed = text(&command(&installation, arguments).output().unwrap().stdout);
        let got = get(&address, path);
        let body = got.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(steady(body), steady(&printed), "{path}");
    }
    assert_eq!(end(child), Some(0));
}

/// Without the times, which go on between two questions.
fn steady(text: &str) -> String {
    let is_number = |word: &&str| !word.contains(|c: char| c.is_ascii_digit());
    text.split([' ', ',', ':', '{', '}', '\n']).filter(is_number).collect::<Vec<_>>().join(" ")
}

#[test]
fn accounts_are_made_with_a_password_from_the_input_and_are_on_record() {
    let installation = installation();
    let done = run(&installation, &["user", "add", "olga", "--role", "operate"], "a long password\n");
    assert_eq!(text(&done.stdout), "olga may sign in, role operate\n", "{}", text(&done.stderr));
    for (arguments, input, said) in [
        (&["user", "add", "olga"][..], "a long password\n", "has an account"),
        (&["user", "add", "ivan"], "short\n", "from 10"),
        (&["user", "add", "a b"], "a long password\n", "cannot be a name"),
        (&["user", "remove", "ivan"], "", "has no account"),
        (&["user", "add", "x", "--role", "root"], "", "none of view, operate, admin"),
    ] {
        let refused = run(&installation, arguments, input);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(said),
            "{arguments:?}: {}",
            text(&refused.stderr)
        );
    }
    let listed = command(&installation, &["user", "list"]).output().unwrap();
    assert!(text(&listed.stdout).contains("olga") && text(&listed.stdout).contains("operate"));
    let audit = text(&command(&installation, &["audit"]).output().unwrap().stdout);
    assert!(audit.contains("user-add olga") && !audit.contains("a long password"), "{audit}");
    let (child, address, _) = serve(&installation, false);
    assert!(get(&address, "/").contains("location: /sign-in"));
    assert_eq!(end(child), Some(0));
    assert!(run(&installation, &["user", "remove", "olga"], "").status.success());
}

#[test]
fn what_cannot_be_served_is_said_with_exit_code_2() {
    let installation = installation();
    for (config, arguments, said) in [
        ("", &["serve", "--listen", "0.0.0.0:0"][..], "nobody is told from anybody"),
        ("", &["serve", "--listen", "nonsense"], "neither ADDRESS:PORT"),
        ("", &["serve", "--prefix", "a b"], "is no path"),
        ("[web]\nuser_header = \"X-Remote-User\"\n", &["serve"], "nobody may do anything"),
        ("[web]\npubic = true\n", &["serve"], "unknown field"),
    ] {
        installation.configure(config);
        let refused = command(&installation, arguments).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(said), "{arguments:?}: {}", text(&refused.stderr));
    }
}

/// Whoever restores an installation has its accounts, and a new key: who was signed in signs in again.
#[test]
fn backups_have_the_accounts_and_not_the_key_of_sessions() {
    let installation = installation();
    assert!(
        run(&installation, &["user", "add", "olga", "--role", "operate"], "a long password\n")
            .status
            .success()
    );
    let (child, address, _) = serve(&installation, false);
    assert!(get(&address, "/").contains("location: /sign-in"));
    assert_eq!(end(child), Some(0));
    let backups = installation.files().join("backups");
    let taken = run(&installation, &["backup", backups.to_str().unwrap()], "");
    assert!(taken.status.success(), "{}", text(&taken.stderr));
    let all = std::fs::read_dir(&backups).unwrap().map(|it| it.unwrap().path());
    let backup = all.into_iter().find(|path| path.join("manifest.json").exists()).unwrap();
    assert!(backup.join("web-accounts").exists() && !backup.join("web-key").exists());
    assert!(installation.root().join("web-key").exists());
    let other = Installation::new();
    let restored = run(&other, &["restore", backup.to_str().unwrap()], "");
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let listed = text(&run(&other, &["user", "list"], "").stdout);
    assert!(listed.contains("olga") && listed.contains("operate"), "{listed}");
    let mode =
        std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(other.root().join("web-accounts")).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let (child, address, _) = serve(&other, false);
    let form = "name=olga&password=a+long+password";
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /sign-in HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("set-cookie: package-import="), "{answer}");
    assert_eq!(end(child), Some(0));
}

/// Feeds as files are those of the server.
#[test]
fn feeds_are_written_as_they_are_served() {
    let installation = installation();
    let to = installation.files().join("feeds");
    std::fs::create_dir_all(&to).unwrap();
    let written = run(&installation, &["feeds", "--to", to.to_str().unwrap()], "");
    assert!(written.status.success(), "{}", text(&written.stderr));
    let (child, address, _) = serve(&installation, true);
    for name in ["failures", "collisions"] {
        let file = std::fs::read_dir(&to).unwrap().map(|it| it.unwrap().path());
        let file = file.into_iter().find(|path| path.to_str().unwrap().contains(name)).unwrap();
        let got = get(&address, &format!("/feeds/{name}"));
        let body = got.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(steady(body), steady(&std::fs::read_to_string(file).unwrap()), "{name}");
    }
    assert_eq!(end(child), Some(0));
}
