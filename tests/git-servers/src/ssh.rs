//! An sshd of our own, with a host key and a user's key that nobody else has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::keeper::{Keeper, free_port, wait_for_port};

/// A running sshd. Whoever has [`Ssh::key`] gets in as the user that runs the tests.
pub struct Ssh {
    folder: tempfile::TempDir,
    port: u16,
    keeper: Option<Keeper>,
}

impl Ssh {
    /// Starts one that gives a shell.
    pub fn start() -> Ssh {
        Ssh::with("")
    }

    /// Starts one where the key gets in with these options (sshd(8), `AUTHORIZED_KEYS FILE FORMAT`).
    pub fn with(options: &str) -> Ssh {
        let folder = tempfile::Builder::new().prefix("sshd-").tempdir_in("/tmp").unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["host", "key", "stranger"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(at(name))
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let public = fs::read_to_string(at("key.pub")).unwrap();
        fs::write(at("authorized"), format!("{options} {public}")).unwrap();
        let port = free_port();
        let host = fs::read_to_string(at("host.pub")).unwrap();
        let host: Vec<&str> = host.split(' ').take(2).collect();
        fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {}\n", host.join(" "))).unwrap();
        let shown = folder.path().display();
        // With a level of its own, the shell of a login reads no ~/.bashrc: what a developer has there may take longer than Git.
        let text = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {shown}/host\nPidFile {shown}/pid\nAuthorizedKeysFile {shown}/authorized\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             MaxStartups 200\nMaxSessions 100\nLogLevel VERBOSE\nAcceptEnv GIT_PROTOCOL\nSetEnv SHLVL=1\n"
        );
        fs::write(at("config"), text).unwrap();
        // sshd of Debian wants it, and makes it only where it is started as a service.
        let _ = fs::create_dir_all("/run/sshd");
        let mut ssh = Ssh { folder, port, keeper: None };
        ssh.open();
        ssh
    }

    /// Starts it again.
    pub fn open(&mut self) {
        let config = self.path("config").display().to_string();
        self.keeper = Some(Keeper::start("/usr/sbin/sshd", &["-D", "-e", "-f", &config], &self.path("log")));
        wait_for_port(self.port);
    }

    /// Stops it: nobody listens any more. Connections that are open stay.
    pub fn close(&mut self) {
        self.keeper = None;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Folder in which repositories may be made.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The key that gets in.
    pub fn key(&self) -> PathBuf {
        self.path("key")
    }

    /// A key that nobody knows.
    pub fn stranger(&self) -> PathBuf {
        self.path("stranger")
    }

    /// File with its host key.
    pub fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    /// Address, as `ssh://USER@HOST:PORT`.
    pub fn url(&self) -> String {
        let user = Command::new("id").arg("-un").output().unwrap();
        format!("ssh://{}@127.0.0.1:{}", String::from_utf8_lossy(&user.stdout).trim(), self.port)
    }

    /// Content of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}
