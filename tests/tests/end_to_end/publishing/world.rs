//! An installation with a remote on a real server.

use std::path::PathBuf;

use package_import_tests::queue::Queue;
use package_import_tests::synthetic::package;
use throwaway_git_servers::{PASSWORD, Recorder, Ssh, USER, Web, git, git_says, template};

/// Way to reach the remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Folder,
    Ssh,
    Web,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Folder => "folder",
            Kind::Ssh => "ssh",
            Kind::Web => "web",
        }
    }
}

enum Server {
    Folder(tempfile::TempDir),
    Ssh(Ssh),
    Web(Web),
}

/// An installation, and where it publishes.
pub struct Site {
    pub queue: Queue,
    pub kind: Kind,
    server: Server,
}

/// One of each kind; PostgreSQL for one of them.
pub fn sites() -> [Site; 3] {
    [Kind::Folder, Kind::Ssh, Kind::Web].map(Site::new)
}

impl Site {
    pub fn new(kind: Kind) -> Site {
        let queue = if kind == Kind::Ssh { Queue::postgres() } else { Queue::sqlite() };
        let server = match kind {
            Kind::Folder => Server::Folder(tempfile::tempdir().unwrap()),
            Kind::Ssh => Server::Ssh(Ssh::start()),
            Kind::Web => Server::Web(Web::start()),
        };
        let site = Site { queue, kind, server };
        site.configure(&site.remote());
        site
    }

    /// Writes the configuration.
    pub fn configure(&self, more: &str) {
        let text = format!("[import]\ndefault_branch = 'debian/sid'\nrepack = false\n{more}");
        self.queue.installation.configure(&text);
    }

    /// `[[remotes]]` of this server.
    pub fn remote(&self) -> String {
        let head = "[[remotes]]\nname = 'git'\n";
        match &self.server {
            Server::Folder(folder) => format!("{head}url = '{}/{{package}}.git'\n", folder.path().display()),
            Server::Ssh(ssh) => format!(
                "{head}url = '{}{}/{{package}}.git'\nkey = '{}'\nknown_hosts = '{}'\n\
                 create = 'git init -q --bare --template={} --initial-branch={{branch}} {{path}}'\n",
                ssh.url(),
                ssh.folder().display(),
                ssh.key().display(),
                ssh.known_hosts().display(),
                template(ssh.folder()).display()
            ),
            Server::Web(web) => {
                let password = web.folder().join("password");
                std::fs::write(&password, PASSWORD).unwrap();
                std::os::unix::fs::chown(&password, None, None).unwrap();
                set_private(&password);
                format!(
                    "{head}url = '{}/git/{{package}}.git'\nuser = '{USER}'\npassword_file = '{}'\nca = '{}'\n\
                     create = 'git init -q --bare --template={} --initial-branch={{branch}} {}/{{package}}.git'\n",
                    web.url(),
                    password.display(),
                    web.authority().display(),
                    template(web.folder()).display(),
                    web.repositories().display()
                )
            }
        }
    }

    /// Path of a package's repository on the server.
    pub fn path(&self, package: &str) -> PathBuf {
        let name = format!("{package}.git");
        match &self.server {
            Server::Folder(folder) => folder.path().join(name),
            Server::Ssh(ssh) => ssh.folder().join(name),
            Server::Web(web) => web.repositories().join(name),
        }
    }

    pub fn server(&self, package: &str) -> Recorder {
        Recorder { path: self.path(package) }
    }

    /// Nobody answers any more.
    pub fn close(&mut self) {
        match &mut self.server {
            Server::Ssh(ssh) => ssh.close(),
            Server::Web(web) => web.close(),
            Server::Folder(_) => panic!("a folder is always there"),
        }
    }

    /// Makes the server answer again.
    pub fn open(&mut self) {
        match &mut self.server {
            Server::Ssh(ssh) => ssh.open(),
            Server::Web(web) => web.open(),
            Server::Folder(_) => panic!("a folder is always there"),
        }
    }

    pub fn server_log(&self) -> String {
        match &self.server {
            Server::Ssh(ssh) => ssh.log(),
            _ => String::new(),
        }
    }

    /// Imports revision `number` of a package by hand.
    pub fn import(&self, name: &str, number: usize) {
        let below: Vec<String> = (1..number).rev().map(|number| format!("1.0-{number}")).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        let folder = self.queue.installation.files().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let dsc = package(name, &format!("1.0-{number}")).below(&below).write(&folder);
        self.queue.well(&["import", "--allow-unsigned", dsc.to_str().unwrap()]);
    }

    /// All refs on the server.
    pub fn there(&self, package: &str) -> Vec<(String, String)> {
        self.server(package).refs()
    }

    /// All refs of ours.
    pub fn here(&self, package: &str) -> Vec<(String, String)> {
        self.own(package).refs()
    }

    pub fn own(&self, package: &str) -> Recorder {
        Recorder { path: self.queue.installation.repository(package) }
    }

    pub fn head(&self, package: &str) -> Option<String> {
        let path = self.path(package).to_string_lossy().into_owned();
        let output = git_says(&["--git-dir", &path, "symbolic-ref", "HEAD"]);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Pushes that were forced, as the server wrote them down. A folder has no server that could.
    pub fn forced(&self, package: &str) -> Vec<String> {
        let pushes = self.server(package).pushes();
        let is_recorded = self.path(package).join("hooks/pre-receive").exists();
        assert!(
            self.kind == Kind::Folder || (is_recorded && !pushes.is_empty()),
            "{package}: nothing is recorded"
        );
        pushes.into_iter().filter(|it| it.starts_with("FORCED")).collect()
    }

    /// Somebody else's commit on top of a branch, pushed from a clone of their own.
    pub fn somebody_pushes(&self, package: &str, branch: &str, text: &str) -> String {
        let clone = tempfile::tempdir().unwrap();
        let path = clone.path().to_string_lossy().into_owned();
        git(&["clone", "-q", "-b", branch, &self.path(package).to_string_lossy(), &path]);
        std::fs::write(clone.path().join("theirs"), text).unwrap();
        git(&["-C", &path, "add", "theirs"]);
        git(&["-C", &path, "commit", "-q", "-m", text]);
        git(&["-C", &path, "push", "-q", "origin", branch]);
        git(&["-C", &path, "rev-parse", "HEAD"])
    }
}

fn set_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
