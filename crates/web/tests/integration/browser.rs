//! Chromium, by WebDriver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// The key under which WebDriver returns elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The program itself: `/usr/bin/chromium-headless-shell` is a script that starts it, and a driver that ends a session ends the
/// script alone.
const BINARY: &str = "/usr/lib/chromium/chromium-headless-shell";

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one; with or without JavaScript.
    pub fn start(has_scripts: bool) -> Browser {
        let mut command = Command::new("chromedriver");
        // A group of its own, so that it can be ended with all that it has started.
        command.arg("--port=0").process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn();
        let mut driver = started.expect(
            "these tests need chromium-driver and chromium-headless-shell: scripts/install-tools test",
        );
        let out = BufReader::new(driver.stdout.take().unwrap());
        let port = out.lines().map(Result::unwrap).find_map(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")
                .map(|it| it.trim_end_matches('.').parse().unwrap())
        });
        let mut browser =
            Browser { driver, port: port.expect("chromedriver says its port"), session: String::new() };
        let mut arguments = vec![
            "--no-sandbox",
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        if !has_scripts {
            arguments.push("--blink-settings=scriptEnabled=false");
        }
        let options = json!({ "binary": BINARY, "args": arguments });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let session = browser.http("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// The group of the driver and of all that it has started.
    pub fn group(&self) -> Pid {
        Pid::from_child(&self.driver)
    }

    fn http(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let answer = answered(stream);
        let body = answer.as_str();
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
        assert!(answer["value"]["error"].is_null(), "{method} {path}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.http("POST", &format!("/session/{}/{path}", self.session), body)
    }

    pub fn go(&self, address: &str) {
        self.post("url", &json!({ "url": address }));
    }

    fn title(&self) -> String {
        self.http("GET", &format!("/session/{}/title", self.session), &Value::Null)
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits for a page whose title begins so: a click does not wait for its target.
    pub fn arrives(&self, title: &str) {
        let began = Instant::now();
        while !self.title().starts_with(title) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{title:?} was never reached, but {:?}",
                self.title()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    pub fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", &json!({ "width": width, "height": height }));
    }

    /// Has pages be shown as somebody wants them who has set the system to light or dark.
    pub fn prefers(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.tell("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// A command of the browser's own protocol.
    pub fn tell(&self, command: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Complaints of the browser since the last call: errors of scripts, violations of the policy, missing files.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.post("se/log", &json!({ "type": "browser" }));
        entries.as_array().unwrap().iter().map(ToString::to_string).collect()
    }

    /// Waits until a script says true.
    pub fn until(&self, script: &str) {
        let began = Instant::now();
        while self.run(script) != Value::Bool(true) {
            assert!(began.elapsed() < Duration::from_secs(60), "{script} never held");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The processes of a group that live.
pub fn members(group: Pid) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let text = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // The name, in brackets, may have anything in it.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let (state, of) = (fields.next()?, fields.nth(1)?.parse::<i32>().ok()?);
        (of == group.as_raw_nonzero().get() && state != "Z").then(|| text.clone())
    });
    processes.collect()
}

/// The body of an answer: the driver keeps connections open.
fn answered(stream: TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap()
            }
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.http("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let group = Pid::from_child(&self.driver);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.driver.wait();
        let began = Instant::now();
        while !members(group).is_empty() && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
