//! Icinga 2 with the shipped commands and services.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::graphite::Graphite;
use super::pages::{Machine, Pager, Settled, hurried};
use super::said::Arrived;
use super::site::Site;
use super::users::User;
use super::{Daemon, free_address, listens, shipped, tls};
use crate::programs::need;

const PORT: u16 = 5665;

/// A running daemon.
pub struct Icinga {
    daemon: Daemon,
    folder: PathBuf,
    address: String,
    /// Receiver of its performance data.
    pub graphite: Graphite,
    /// Pages that it has sent.
    pub pager: Pager,
}

/// The shipped services of a setup in which a team is paged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `icinga2-nrpe.conf`.
    Nrpe,
    /// `icinga2-commands.conf` with `icinga2-services.conf`.
    Itself,
}

impl Icinga {
    /// Starts one for the checks of an installation; `more` are further definitions.
    pub fn start(site: &Site, more: &str) -> Icinga {
        let files = ["icinga2-commands.conf", "icinga2-services.conf"];
        let files = files.map(|name| (name, shipped(&format!("docs/examples/{name}"))));
        Icinga::with(site, &files, "check_command = \"dummy\"", more)
    }

    /// Starts one that asks whether a machine is alive, asks its checks, and pages. A minute is two seconds.
    pub fn paging(site: &Site, machine: &Machine, by: By) -> Icinga {
        let names: &[&str] = match by {
            By::Nrpe => &["icinga2-nrpe.conf"],
            By::Itself => &["icinga2-commands.conf", "icinga2-services.conf"],
        };
        for plugin in ["check_nrpe", "check_tcp"] {
            let _ = symlink(format!("/usr/lib/nagios/plugins/{plugin}"), site.plugins().join(plugin));
        }
        let files: Vec<(&str, String)> = names
            .iter()
            .map(|name| (*name, hurried(&shipped(&format!("docs/examples/{name}")), two_seconds)))
            .collect();
        let host = format!(
            "check_command = \"tcp\"\n  address = \"{}\"\n  vars.tcp_port = {}\n  check_interval = 2s\n  \
             retry_interval = 2s",
            machine.address,
            machine.port()
        );
        let pager = Pager::new(&site.path("icinga"));
        Icinga::with(site, &files, &host, &notifications(&pager))
    }

    fn with(site: &Site, files: &[(&str, String)], host: &str, more: &str) -> Icinga {
        need("icinga2", "icinga2-bin");
        let (folder, address, graphite) = (site.path("icinga"), free_address(PORT), Graphite::new());
        for name in ["conf/conf.d", "data/certs", "log", "cache", "spool", "run"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        tls::certify(&folder.join("data/certs"), "importer");
        let conf = folder.join("conf/conf.d");
        for (name, text) in files {
            fs::write(conf.join(name), text).unwrap();
        }
        fs::write(conf.join("more.conf"), more).unwrap();
        let text = configuration(site, &folder, &address, graphite.port, host);
        fs::write(folder.join("conf/icinga2.conf"), text).unwrap();
        assert!(Command::new("chown").args(["-R", "nagios:nagios"]).arg(&folder).status().unwrap().success());
        let verified = command(&folder).arg("-C").output().unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success() && !said.contains("warning/"), "{said}");
        let mut daemon = Daemon::start(command(&folder), &folder);
        daemon.wait_until("Icinga listens", || listens(&address, PORT));
        let pager = Pager::new(&folder);
        Icinga { daemon, folder, address, graphite, pager }
    }

    /// Has all services asked now, and waits; what arrived.
    pub fn ask_all(&mut self) -> BTreeMap<String, Arrived> {
        let asked = self.results();
        let (folder, address) = (self.folder.clone(), self.address.clone());
        let force = r#"{"type":"Service","filter":"true","force":true}"#;
        let answer = request(&folder, &address, "POST /v1/actions/reschedule-check", force);
        assert!(answer["results"].as_array().is_some_and(|all| !all.is_empty()), "{answer}");
        let mut found = BTreeMap::new();
        self.daemon.wait_until("Icinga has asked all services", || {
            found = results(&folder, &address);
            found.iter().all(|(name, (time, _))| *time > asked.get(name).map_or(0.0, |(time, _)| *time))
        });
        found.into_iter().map(|(name, (_, arrived))| (name, arrived)).collect()
    }

    /// Waits until it is connected to Graphite, ten seconds after its start. Figures from before are not sent.
    pub fn wait_for_graphite(&mut self) {
        let log = self.folder.join("log/icinga2.log");
        let connected =
            || fs::read_to_string(&log).is_ok_and(|log| log.contains("Finished reconnecting to Graphite"));
        self.daemon.wait_until("Icinga sends figures", connected);
    }

    /// Waits until something is so.
    pub fn wait_until(&mut self, what: &str, is_so: impl FnMut(&Graphite) -> bool) {
        let mut is_so = is_so;
        self.daemon.wait_until(what, || is_so(&self.graphite));
    }

    /// Waits until the state of each service is what it should be for good, with a result from after a time.
    pub fn wait_until_all(&mut self, what: &str, is_so: impl Fn(&str, &Settled) -> bool) {
        let (folder, address) = (self.folder.clone(), self.address.clone());
        self.daemon.wait_until(what, || {
            let found = settled(&folder, &address);
            !found.is_empty() && found.iter().all(|(name, one)| is_so(name, one))
        });
    }

    /// Content of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log/icinga2.log")).unwrap_or_default()
    }

    fn results(&self) -> BTreeMap<String, (f64, Arrived)> {
        results(&self.folder, &self.address)
    }
}

/// The line of an interval, with two seconds in place of a minute; longer ones are made three minutes.
fn two_seconds(line: &str) -> Option<String> {
    let (name, value) = line.trim().split_once(" = ").filter(|(name, _)| name.ends_with("_interval"))?;
    Some(format!("  {name} = {}", if value == "1m" { "2s" } else { "6s" }))
}

/// A user who is paged, for all states of the host and of all services, once each.
fn notifications(pager: &Pager) -> String {
    let command = pager.command("$0", "$1");
    let each = ["Host", "Service"].map(|kind| {
        format!(
            "apply Notification \"page\" to {kind} {{\n  command = \"page-{kind}\"\n  users = [ \"admin\" ]\n  interval = 0\n  \
             types = [ Problem, Recovery ]\n  assign where true\n}}\n\
             object NotificationCommand \"page-{kind}\" {{\n  command = [ \"/bin/sh\", \"-c\", \"{command}\", \
             \"$notification.type$\", \"{}\" ]\n}}\n",
            if kind == "Host" { "host" } else { "$service.name$" }
        )
    });
    let shell = each.concat().replace("$0", "$$0").replace("$1", "$$1");
    format!("{shell}object User \"admin\" {{ }}\nobject NotificationComponent \"notification\" {{ }}\n")
}

fn configuration(site: &Site, folder: &Path, address: &str, graphite: u16, host: &str) -> String {
    format!(
        r#"
const PluginDir = "{plugins}"
const NodeName = "importer"
const ZoneName = NodeName
object Endpoint NodeName {{ }}
object Zone ZoneName {{ endpoints = [ NodeName ] }}
include <itl>
include <plugins>
object IcingaApplication "app" {{ }}
object CheckerComponent "checker" {{ }}
object FileLogger "main-log" {{
  severity = "information"
  path = "{folder}/log/icinga2.log"
}}
object ApiListener "api" {{
  bind_host = "{address}"
  bind_port = {PORT}
}}
object ApiUser "test" {{
  password = "test"
  permissions = [ "*" ]
}}
object GraphiteWriter "graphite" {{
  host = "127.0.0.1"
  port = {graphite}
  enable_send_thresholds = true
}}
object Host "importer" {{
  {host}
  vars.package_import = true
}}
include "conf.d/*.conf"
"#,
        plugins = site.plugins().display(),
        folder = folder.display(),
    )
}

fn command(folder: &Path) -> Command {
    let mut command = User::monitor().command("icinga2");
    command.arg("daemon").arg("-c").arg(folder.join("conf/icinga2.conf"));
    for (name, path) in [
        ("ConfigDir", "conf"),
        ("DataDir", "data"),
        ("LogDir", "log"),
        ("CacheDir", "cache"),
        ("SpoolDir", "spool"),
        ("InitRunDir", "run"),
        ("PidPath", "run/icinga2.pid"),
        ("VarsPath", "cache/icinga2.vars"),
        ("StatePath", "data/icinga2.state"),
        ("ObjectsPath", "cache/icinga2.debug"),
        ("ModAttrPath", "data/modified-attributes.conf"),
    ] {
        command.arg(format!("-D{name}={}", folder.join(path).display()));
    }
    command
}

/// One request to the API; its certificate has to be the one that was made for it.
fn request(folder: &Path, address: &str, what: &str, body: &str) -> Value {
    // The user is test, the password test.
    let text = format!(
        "{what} HTTP/1.1\r\nHost: importer\r\nAuthorization: Basic dGVzdDp0ZXN0\r\nAccept: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "importer"]);
    client
        .arg("-connect")
        .arg(format!("{address}:{PORT}"))
        .arg("-CAfile")
        .arg(folder.join("data/certs/ca.crt"));
    let mut client =
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str(body)
        .unwrap_or_else(|error| panic!("{error}: {answer} {}", String::from_utf8_lossy(&output.stderr)))
}

/// The last result of each service, and when it came; 0 for one that was not asked yet.
fn results(folder: &Path, address: &str) -> BTreeMap<String, (f64, Arrived)> {
    let what = "GET /v1/objects/services?attrs=name&attrs=state&attrs=last_check_result";
    let answer = request(folder, address, what, "");
    let mut found = BTreeMap::new();
    for service in answer["results"].as_array().unwrap() {
        let (attrs, last) = (&service["attrs"], &service["attrs"]["last_check_result"]);
        let words = last["performance_data"].as_array().cloned().unwrap_or_default();
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let arrived = Arrived {
            code: attrs["state"].as_f64().unwrap() as i32,
            text: last["output"].as_str().unwrap_or_default().trim().into(),
            perfdata: words.join(" "),
        };
        let time = last["execution_end"].as_f64().unwrap_or(0.0);
        found.insert(attrs["name"].as_str().unwrap().to_owned(), (time, arrived));
    }
    found
}

/// The state of each service.
fn settled(folder: &Path, address: &str) -> BTreeMap<String, Settled> {
    let what = "GET /v1/objects/services?attrs=name&attrs=state&attrs=state_type&attrs=last_check";
    let answer = request(folder, address, what, "");
    let each = answer["results"].as_array().unwrap().iter().map(|service| &service["attrs"]);
    each.map(|attrs| {
        let number = |name: &str| attrs[name].as_f64().unwrap_or(0.0);
        let (code, is_hard) = (number("state") as i32, number("state_type") > 0.0);
        (attrs["name"].as_str().unwrap().to_owned(), Settled { code, is_hard, asked: number("last_check") })
    })
    .collect()
}
