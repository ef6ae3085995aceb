//! Mail: by a real server of Debian (python3-aiosmtpd), and by a program in the place of sendmail.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use notify::Round;

use crate::world::{MINUTE, World};

/// A server that writes each message into a folder, with its envelope before it. It says its port when it listens.
const SERVER: &str = r#"
import asyncio, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

class Keep:
    count = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if os.path.exists(sys.argv[1] + "/full"):
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = "%s/%03d" % (sys.argv[1], self.count)
        with open(path + ".new", "wb") as out:
            out.write(("%s > %s\n" % (envelope.mail_from, " ".join(envelope.rcpt_tos))).encode())
            out.write(envelope.content)
        os.rename(path + ".new", path)
        return "250 kept"

def login(server, session, envelope, mechanism, data):
    # Not handled: the server itself answers.
    return AuthResult(success=(data.login, data.password) == (b"olga", b"s3cret"), handled=False)

# plain, starttls or tls, the last two with a login and the certificate server.pem of the folder.
async def main():
    loop = asyncio.get_running_loop()
    keep, kind = Keep(), sys.argv[3]
    options, wrapped = {}, None
    if kind != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1] + "/server.pem")
        options = dict(authenticator=login, auth_required=True, auth_require_tls=kind == "starttls")
        if kind == "starttls":
            options.update(tls_context=context, require_starttls=True)
        else:
            wrapped = context
    server = await loop.create_server(lambda: SMTP(keep, enable_SMTPUTF8=True, **options), "127.0.0.1", int(sys.argv[2]), ssl=wrapped)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(1000000)

asyncio.run(main())
"#;

pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    fn start(folder: &Path, port: u16) -> Server {
        Server::of_kind(folder, port, "plain")
    }

    /// `plain`; or `starttls` or `tls`, with a login.
    pub fn of_kind(folder: &Path, port: u16, kind: &str) -> Server {
        let started = Command::new("/usr/bin/python3")
            .args(["-c", SERVER])
            .arg(folder)
            .arg(port.to_string())
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.expect("this test needs python3-aiosmtpd: scripts/install-tools test");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("this test needs python3-aiosmtpd: scripts/install-tools test");
        Server { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The accepted mails, in their order.
pub fn taken(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_str().unwrap().parse::<u32>().is_ok());
    names.sort();
    names.iter().map(|path| fs::read_to_string(path).unwrap().replace("\r\n", "\n")).collect()
}

fn config(port: u16) -> String {
    format!(
        "name = 'imports.example.org'\n[[mail]]\nname = 'team'\nfrom = 'Imports <imports@example.org>'\n\
         to = ['team@example.org', 'Olga <olga@example.net>']\nsmtp = 'smtp://127.0.0.1:{port}'\n"
    )
}

#[test]
fn a_real_server_takes_it() {
    let mails = tempfile::tempdir().unwrap();
    let server = Server::start(mails.path(), 0);
    let world = World::new(&config(server.port));
    world.begin(
        "surge:abcdefg",
        "abcdefg: 60 packages fail with it, normally 2: verify/checksum-mismatch: caf\u{e9} \r\nBcc: x@y",
    );
    assert_eq!(world.round().sent, ["team"]);
    let all = taken(mails.path());
    let (envelope, mail) = all[0].split_once('\n').unwrap();
    assert_eq!(envelope, "imports@example.org > team@example.org olga@example.net");
    let (head, body) = mail.split_once("\n\n").unwrap();
    for wanted in [
        "From: Imports <imports@example.org>",
        "To: team@example.org, Olga <olga@example.net>",
        "Auto-Submitted: auto-generated",
        "Message-ID: <",
        "References: <thread.",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");
    assert!(body.starts_with("WARNING - abcdefg: 60 packages fail with it"), "{body}");
    assert!(body.trim_end().ends_with("Next:\n  package-import failures --signature abcdefg"), "{body}");
    assert!(body.lines().all(|line| line.chars().count() <= 76), "{body}");
    assert_eq!(world.round(), Round::default());
}

/// The server is away for a day: nothing is lost, and what has ended meanwhile is one message with what had begun.
#[test]
fn a_server_that_was_away_gets_all_of_it() {
    let mails = tempfile::tempdir().unwrap();
    let port = {
        let server = Server::start(mails.path(), 0);
        server.port
    };
    let world = World::new(&config(port));
    world.begin("surge:aaaaaaa", "first");
    let round = world.round();
    assert!(round.sent.is_empty() && round.failed[0].1.0.contains(&format!("127.0.0.1:{port}")), "{round:?}");
    for hour in 0..24 {
        if hour % 6 == 0 {
            world.begin(&format!("surge:b{hour:06}"), &format!("of hour {hour}"));
        }
        world.advance(58 * MINUTE);
        assert!(world.round().sent.is_empty());
    }
    assert!(world.channel("team").failing.is_some_and(|since| since < 1_790_000_000_000 + 3 * MINUTE));
    let server = Server::start(mails.path(), port);
    // It lives, and does not take it yet.
    fs::write(mails.path().join("full"), "").unwrap();
    world.advance(30 * MINUTE);
    assert!(world.round().failed[0].1.0.contains("452"), "{:?}", world.channel("team"));
    fs::remove_file(mails.path().join("full")).unwrap();
    world.advance(30 * MINUTE);
    while !world.round().sent.is_empty() {
        world.advance(5 * MINUTE);
    }
    let all = taken(mails.path());
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].contains("first") && !all[0].contains("of hour"));
    for hour in [0, 6, 12, 18] {
        assert!(all[1].contains(&format!("of hour {hour}")), "{}", all[1]);
    }
    assert!(world.channel("team").failing.is_none());
    drop(server);
}

#[test]
fn the_machines_own_program_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = (folder.path().join("sendmail"), folder.path().join("001"));
    let script = |end: &str| {
        let text =
            format!("#!/bin/sh\nprintf '%s ' \"$@\" > {out}.args\ncat > {out}\n{end}\n", out = out.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    };
    script("echo 'queue is full\u{1b}[31m' >&2; exit 75");
    let config = format!(
        "[[mail]]\nname = 'team'\nfrom = '-x@example.org'\nto = ['team@example.org', '-froot@example.org']\nsendmail = '{}'\n",
        program.display()
    );
    let world = World::new(&config);
    world.begin("surge:aaaaaaa", "first");
    let failed = world.round().failed;
    assert!(failed[0].1.0.contains("queue is full\\u{1b}[31m"), "{failed:?}");
    script("exit 0");
    world.advance(MINUTE);
    assert_eq!(world.round().sent, ["team"]);
    let arguments = fs::read_to_string(folder.path().join("001.args")).unwrap();
    assert_eq!(arguments, "-i -f -x@example.org -- team@example.org -froot@example.org ");
    let mail = fs::read_to_string(&out).unwrap();
    assert!(mail.contains("Subject: [host1] WARNING - first\n") && !mail.contains('\r'), "{mail}");
}
