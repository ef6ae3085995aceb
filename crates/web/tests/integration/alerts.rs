//! A real Prometheus with the rules of `docs/examples` reads the metrics of the pages, and a real Alertmanager tells who is to know.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

use crate::wire::Serving;
use crate::world;

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(name: &str, arguments: &[String], folder: &Path) -> Program {
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(name);
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(log);
        let started = command.spawn();
        Program(started.unwrap_or_else(|error| panic!("{name}: {error}: scripts/install-tools test")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Who is to know: what Alertmanager sends there.
fn on_call() -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if tell.send(request(&stream)).is_err() {
                return;
            }
            let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (address, told)
}

fn request(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Waits for a message about an alert with a status.
fn heard(told: &Receiver<Value>, folder: &Path, name: &str, status: &str) -> Value {
    loop {
        let message = told.recv_timeout(Duration::from_secs(90)).unwrap_or_else(|error| {
            let log = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            panic!(
                "{name} {status}: {error}\n{}\n{}",
                log("prometheus.log"),
                log("prometheus-alertmanager.log")
            )
        });
        let alerts = message["alerts"].as_array().unwrap();
        let found = alerts.iter().find(|it| it["labels"]["alertname"] == name && it["status"] == status);
        if let Some(alert) = found {
            return alert.clone();
        }
    }
}

#[test]
fn an_alert_gets_to_whoever_is_on_call_and_ends() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let folder = tempfile::tempdir().unwrap();
    let (receiver, told) = on_call();
    let (manager, prometheus) = (free(), free());
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/prometheus-rules.yml");
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{manager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: imports, static_configs: [{{targets: ['{}']}}]}}]\n",
        rules.display(),
        serving.address()
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let config = format!(
        "route: {{receiver: on-call, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers: [{{name: on-call, webhook_configs: [{{url: 'http://{receiver}/'}}]}}]\n"
    );
    std::fs::write(folder.path().join("alertmanager.yml"), config).unwrap();
    let _manager = Program::start(
        "prometheus-alertmanager",
        &[
            "--config.file=alertmanager.yml".to_owned(),
            "--storage.path=alerts".to_owned(),
            "--cluster.listen-address=".to_owned(),
            format!("--web.listen-address={manager}"),
        ],
        folder.path(),
    );
    let _prometheus = Program::start(
        "prometheus",
        &[
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=series".to_owned(),
            format!("--web.listen-address={prometheus}"),
        ],
        folder.path(),
    );
    // The state of the world has a verdict that alerts.
    let alert = heard(&told, folder.path(), "PackageImportFailures", "firing");
    assert_eq!(alert["labels"]["severity"], "warning");
    assert_eq!(alert["labels"]["figure"], "failing");
    assert_eq!(alert["annotations"]["command"], "package-import failures");
    world.store.write(|tx| tx.execute("UPDATE verdict SET state = 'OK'", &[])).unwrap();
    heard(&told, folder.path(), "PackageImportFailures", "resolved");
}
