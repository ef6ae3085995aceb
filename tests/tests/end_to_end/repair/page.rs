//! From a page: somebody without a login on the machine has a damage looked at, mended and taken back; a worker does it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::World;
use super::damages::git;

/// A server behind a proxy that says who asks.
struct Pages {
    child: Child,
    address: String,
}

impl Pages {
    fn of(world: &World) -> Pages {
        let mut command = world.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("serving on http://").trim_end_matches('/').to_owned();
        Pages { child, address }
    }

    fn ask(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nX-Remote-User: olga\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Presses a button, and gives a reason. Returns the page of what has come of it.
    fn press(&self, fields: &str) -> String {
        let shown = self.ask("POST /act", fields);
        let name = shown.split("name=\"shown\" value=\"").nth(1).unwrap_or_else(|| panic!("{shown}"));
        let name = name.split('"').next().unwrap();
        let done = self.ask("POST /act/confirmed", &format!("shown={name}&reason=the+disk+was+full"));
        let to = done.split("location: ").nth(1).unwrap_or_else(|| panic!("{done}"));
        to.lines().next().unwrap().trim().to_owned()
    }

    /// The page as soon as a text is in it: an answer is kept for a second.
    fn page(&self, path: &str, text: &str) -> String {
        let began = Instant::now();
        loop {
            let page = self.ask(&format!("GET {path}"), "");
            assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
            if page.contains(text) {
                return page;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{path}: {text:?} is not in {page}");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_damage_is_mended_and_taken_back_from_pages_alone() {
    let world = World::with(&["hello"]);
    let config = "[import]\nrepack = false\n[repair]\nautomatic = false\n[web]\nuser_header = 'X-Remote-User'\n\
                  proxies = ['127.0.0.1']\nview = ['*']\noperate = ['olga']\n";
    world.it.configure(config);
    let whole = world.refs("hello");
    git(&world.repository("hello"), &["update-ref", "-d", "refs/tags/debian/1.0-1"]);
    let damaged = world.refs("hello");
    let pages = Pages::of(&world);
    let run = || assert!(world.output(&["run", "--until-empty"]).status.success());
    let plan = pages.press("action=repair-plan&subject=hello&back=/packages/hello");
    // A worker is to make it; the server touches no repository.
    pages.page(&plan, ">asked<");
    assert_eq!(world.refs("hello"), damaged);
    run();
    let page = pages.page(&plan, ">planned<");
    assert!(page.contains("refs/tags/debian/1.0-1"), "{page}");
    pages.page("/packages/hello", &format!("href=\"{plan}\""));
    pages.page("/plans", "1 <span class=\"state plain\">planned");
    let id = plan.rsplit('/').next().unwrap();
    assert_eq!(pages.press(&format!("action=repair-apply&subject={id}&back={plan}")), plan);
    assert_eq!(world.refs("hello"), damaged);
    run();
    pages.page(&plan, ">applied<");
    assert_eq!(world.refs("hello")["refs/tags/debian/1.0-1"], whole["refs/tags/debian/1.0-1"]);
    let undo = pages.press(&format!("action=repair-undo&subject={id}&back={plan}"));
    assert_ne!(undo, plan);
    run();
    pages.page(&undo, &format!("href=\"{plan}\""));
    let audit = pages.page("/audit", "repair-undo");
    for done in ["repair-plan", "repair-apply", "olga@web", "the disk was full"] {
        assert!(audit.contains(done), "{done}");
    }
}
