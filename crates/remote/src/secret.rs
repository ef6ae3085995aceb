//! Passwords. They are in a file, or among the credentials that systemd gives to a service, and reach Git through a pipe:
//! no argument, no environment and no file of ours ever has one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::problem::Problem;

/// Place of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a file that not everybody can read.
    File(PathBuf),
    /// Among the credentials of a service (`LoadCredential=`, systemd.exec(5)).
    Credential(String),
}

/// A password longer than this is none.
const LONGEST: u64 = 64 << 10;

impl Secret {
    fn path(&self) -> Result<PathBuf, Problem> {
        match self {
            Secret::File(path) => Ok(path.clone()),
            Secret::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(folder) => Ok(Path::new(&folder).join(name)),
                None => Err(Problem::NoEntry(format!(
                    "the credential {name} is not there: $CREDENTIALS_DIRECTORY is not set; give it to the service by \
                     LoadCredential={name}:FILE"
                ))),
            },
        }
    }

    /// Reads it: the first line.
    fn read(&self) -> Result<String, Problem> {
        let path = self.path()?;
        let cannot = |error: io::Error| {
            Problem::NoEntry(format!("cannot read the password in {}: {error}", path.display()))
        };
        let is_open = fs::metadata(&path).map_err(cannot)?.mode() & 0o007 != 0;
        if is_open {
            let path = path.display();
            return Err(Problem::NoEntry(format!(
                "everybody can read the password in {path}: `chmod 600 {path}`"
            )));
        }
        let text = bounded::file::read_text(&path, LONGEST).map_err(cannot)?;
        let line = text.lines().next().unwrap_or_default().to_owned();
        if line.is_empty() {
            return Err(Problem::NoEntry(format!("there is no password in {}", path.display())));
        }
        Ok(line)
    }

    /// A pipe below `folder` out of which the password can be read as long as the result lives.
    pub(crate) fn offer(&self, folder: &Path, number: u64) -> Result<Offered, Problem> {
        let password = self.read()?;
        let path = folder.join(format!("password-{number}"));
        let cannot =
            |error: io::Error| Problem::Local(format!("cannot make the pipe {}: {error}", path.display()));
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .map_err(|error| cannot(error.into()))?;
        let mut options = fs::OpenOptions::new();
        // With both ends open nobody waits for the other.
        let pipe = options
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(&path);
        let mut pipe = pipe.map_err(cannot)?;
        // Git asks once for each connection, and again after a refusal.
        for _ in 0..ASKED {
            match pipe.write(format!("{password}\n").as_bytes()) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(cannot(error)),
            }
        }
        Ok(Offered { path, _pipe: pipe })
    }
}

/// Number of times that it can be read.
const ASKED: usize = 4;

/// A password in a pipe.
pub(crate) struct Offered {
    path: PathBuf,
    _pipe: File,
}

impl Offered {
    /// Credential helper for Git (gitcredentials(7)): it prints the user's name, and the content of the pipe.
    pub(crate) fn helper(&self, user: &str) -> String {
        format!(
            "!f() {{ test \"$1\" = get || exit 0; IFS= read -r p < {} && printf 'username=%s\\npassword=%s\\n' {} \"$p\"; }}; f",
            quoted(&self.path.to_string_lossy()),
            quoted(user)
        )
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_password_goes_through_a_pipe_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "pa'ss \\w$ord\nrest\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let offered = Secret::File(file.clone()).offer(folder.path(), 1).unwrap();
        for _ in 0..2 {
            let script = format!("{} get", offered.helper("me").trim_start_matches('!'));
            let said = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout), "username=me\npassword=pa'ss \\w$ord\n");
        }
        drop(offered);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Secret::File(file).offer(folder.path(), 2).err().unwrap().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }
}
