//! Gitolite, which makes repositories at the first push.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ssh::Ssh;

/// A running gitolite.
pub struct Gitolite {
    /// The sshd in front of it.
    pub ssh: Ssh,
    home: tempfile::TempDir,
}

/// Rules: the holder of the key may create `imports/...` and may not rewind there; nothing else is allowed.
const RULES: &str =
    "repo gitolite-admin\n    RW+ = admin\nrepo imports/..*\n    C = publisher\n    RW = publisher\n";

impl Gitolite {
    /// Starts a gitolite.
    pub fn start() -> Gitolite {
        let home = tempfile::Builder::new().prefix("gitolite-").tempdir_in("/tmp").unwrap();
        let shown = home.path().display().to_string();
        let shell = "/usr/share/gitolite3/gitolite-shell";
        let ssh = Ssh::with(&format!("command=\"env HOME={shown} {shell} publisher\",no-pty"));
        let admin = home.path().join("admin.pub");
        fs::copy(ssh.folder().join("stranger.pub"), &admin).unwrap();
        let run = |arguments: &[&str]| {
            let output = Command::new("gitolite")
                .args(arguments)
                .env("HOME", home.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env_remove("GL_BINDIR")
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(&["setup", "-pk", &admin.to_string_lossy()]);
        fs::write(home.path().join(".gitolite/conf/gitolite.conf"), RULES).unwrap();
        run(&["compile"]);
        run(&["trigger", "POST_COMPILE"]);
        Gitolite { ssh, home }
    }

    /// Folder of its repositories.
    pub fn repositories(&self) -> PathBuf {
        self.home.path().join("repositories")
    }

    /// Home of its user.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}
