//! Calls of ssh: without anybody's configuration, without questions, with host keys from a file of this installation,
//! and with one connection a server that all pushes share.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use bounded::Deadline;
use bounded::program::{self, Group};

use crate::problem::Problem;
use crate::secret::quoted;

/// A socket's path may not be longer than 108 bytes; ssh names it by 40 digits, and adds 17 bytes while creating it.
const LONGEST: usize = 108 - 40 - 17 - 2;
/// Seconds for which a connection is kept for the next push.
const KEPT: u32 = 60;
/// Pause between two looks for a connection that another call makes.
const LOOK: Duration = Duration::from_millis(5);
/// Time to wait for a connection to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Credentials of servers that are reached by ssh.
#[derive(Debug)]
pub struct Ssh {
    key: PathBuf,
    known_hosts: PathBuf,
    sockets: tempfile::TempDir,
    connecting: Mutex<()>,
}

impl Ssh {
    /// By a key, to hosts whose keys are in a file.
    pub fn new(key: &Path, known_hosts: &Path) -> Result<Ssh, Problem> {
        let cannot = |error: io::Error| Problem::Local(format!("cannot make a folder for ssh: {error}"));
        let sockets = tempfile::Builder::new().prefix("pi-ssh.").tempdir().map_err(cannot)?;
        Ok(Ssh {
            key: key.to_owned(),
            known_hosts: known_hosts.to_owned(),
            sockets,
            connecting: Mutex::new(()),
        })
    }

    /// True when calls share connections: the sockets' paths are short enough.
    fn is_shared(&self) -> bool {
        self.sockets.path().as_os_str().len() <= LONGEST
    }

    /// To be called before a call of ssh: without a connection to share, one call connects, and the others wait for its
    /// connection. Else each would connect, which costs more processor time than most calls, and a server refuses many
    /// connections at a time (`MaxStartups`, sshd_config(5)).
    pub fn before_call(&self) -> Option<MutexGuard<'_, ()>> {
        while self.is_shared() && !self.is_connected() {
            match self.connecting.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
            }
        }
        None
    }

    fn is_connected(&self) -> bool {
        fs::read_dir(self.sockets.path()).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// The command, as Git takes it.
    pub fn command(&self) -> String {
        let mut words =
            vec!["ssh".to_owned(), "-F".into(), "/dev/null".into(), "-T".into(), "-x".into(), "-a".into()];
        let mut options = vec![
            "BatchMode=yes".to_owned(),
            "IdentitiesOnly=yes".into(),
            "PreferredAuthentications=publickey".into(),
            "StrictHostKeyChecking=yes".into(),
            "UpdateHostKeys=no".into(),
            "GlobalKnownHostsFile=/dev/null".into(),
            "ConnectTimeout=20".into(),
            "ServerAliveInterval=15".into(),
            "ServerAliveCountMax=4".into(),
            "PermitLocalCommand=no".into(),
            "LogLevel=ERROR".into(),
            format!("UserKnownHostsFile={}", file(&self.known_hosts)),
            format!("IdentityFile={}", file(&self.key)),
        ];
        if self.is_shared() {
            options.push("ControlMaster=auto".into());
            options.push(format!("ControlPersist={KEPT}"));
            options.push(format!("ControlPath={}/%C", self.sockets.path().display()));
        }
        words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A file's name as ssh_config(5) takes it.
fn file(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

impl Drop for Ssh {
    /// Closes the connections. A connection that is left nevertheless ends by itself.
    fn drop(&mut self) {
        let sockets = fs::read_dir(self.sockets.path()).into_iter().flatten().flatten();
        for socket in sockets {
            let mut command = Command::new("ssh");
            let control = format!("ControlPath={}", socket.path().display());
            command.args(["-F", "/dev/null", "-o", &control, "-O", "exit", "none"]);
            let _ = program::output(
                &mut command,
                Group::Own,
                Some(Vec::new()),
                1,
                Deadline::after(CLOSING),
                |_| {},
            );
        }
    }
}
