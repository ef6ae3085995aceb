//! A real web server on loopback.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::programs::need;

/// nginx in the foreground, with a folder of its own.
pub struct Nginx {
    child: Child,
    port: u16,
    log: PathBuf,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Path as the client wrote it.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub bytes: u64,
}

impl Nginx {
    /// Serves a folder; `prefix` is a folder for its own files.
    pub fn start(prefix: &Path, root: &Path) -> Nginx {
        Nginx::with(prefix, root, "", "")
    }

    /// The same with lines of configuration more: for all servers, and for this one.
    pub fn with(prefix: &Path, root: &Path, common: &str, own: &str) -> Nginx {
        need("nginx", "nginx-light");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", prefix.display()))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {p}/pid; error_log stderr notice;\nevents {{}}\n\
             http {{ log_format short '$status $body_bytes_sent $request_uri'; access_log {p}/access.log short; {temp}{common}\n\
             server {{ listen 127.0.0.1:{port}; root {}; autoindex on; {own} }} }}\n",
            root.display(),
            p = prefix.display()
        );
        fs::write(prefix.join("nginx.conf"), config).unwrap();
        let mut child = Command::new("nginx")
            .arg("-p")
            .arg(prefix)
            .arg("-c")
            .arg(prefix.join("nginx.conf"))
            .args(["-e", "stderr"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It listens before it logs anything about its events; an earlier connection is refused by the kernel.
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            said.clear();
            assert!(lines.read_line(&mut said).unwrap() > 0, "nginx ended");
        }
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Nginx { child, port, log: prefix.join("access.log") }
    }

    /// Address of the server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests that it has answered so far, as it wrote them down.
    pub fn served(&self) -> Vec<Served> {
        let text = fs::read_to_string(&self.log).unwrap();
        let parse = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let mut next = || words.next().unwrap().to_owned();
            let (status, bytes) = (next().parse().unwrap(), next().parse().unwrap());
            Served { status, bytes, path: next() }
        };
        text.lines().map(parse).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
