//! The users of a real installation: who imports, and who watches.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::oracle::is_root;

/// A user and its first group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
}

impl User {
    /// The one with this name.
    pub fn named(name: &str) -> User {
        assert!(is_root(), "this test works as several users: run it as root");
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("there is no user {name}: run scripts/install-tools test"));
        let number = |field| line.split(':').nth(field).unwrap().parse().unwrap();
        User { uid: number(2), gid: number(3) }
    }

    /// User of the monitoring system.
    pub fn monitor() -> User {
        User::named("nagios")
    }

    /// User of the importer: a user of the system that every Debian has, and that has nothing to do with monitoring.
    pub fn importer() -> User {
        User::named("daemon")
    }

    /// A program that this user starts, without further groups.
    pub fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.uid(self.uid).gid(self.gid).env_clear().current_dir("/");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        command
    }
}
