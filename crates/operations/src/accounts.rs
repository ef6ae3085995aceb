//! Accounts of an installation: a file in its root, `web-accounts`, which only its owner may read. A line for each:
//! name, role, and the argon2id hash of the password.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::Role;

/// Its name in the root.
const FILE: &str = "web-accounts";
/// The maximum size of the file.
const LARGEST: u64 = 1 << 20;
/// The minimum length of a password, and the maximum.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=1024;
/// Cost of a guess (argon2id): 19 MiB, two passes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Name of the account.
    pub name: String,
    /// Role of the user.
    pub role: Role,
    /// Hash of the password by argon2id.
    hash: String,
}

/// Reason why accounts cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Error of the file.
    #[error("{}: {error}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
    /// A line of the file.
    #[error("{}: line {line} is no account; `package-import user` writes this file", path.display())]
    Line {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line.
        line: usize,
    },
    /// A name that nobody can have.
    #[error("{0:?} cannot be a name: letters, digits and - _ . @ +, at most 64 bytes")]
    Name(String),
    /// A password that is too short, or too long.
    #[error("a password has from {} to {} characters", LENGTH.start(), LENGTH.end())]
    Password,
    /// There is one already.
    #[error("{0} has an account; `package-import user remove {0}` first, or `user password {0}`")]
    Exists(String),
    /// There is no such account.
    #[error("{0} has no account; `package-import user list` lists them")]
    Unknown(String),
    /// argon2id failed.
    #[error("cannot make a hash of the password: {0}")]
    Hash(String),
}

/// True when a text can be the name of a user, in records and on pages.
pub fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

impl Account {
    /// Value that changes with the password: a cookie that was sealed with another one is not accepted any more.
    pub fn stamp(&self) -> &str {
        self.hash.get(self.hash.len().saturating_sub(16)..).unwrap_or_default()
    }
}

/// The accounts of a root. The file is read each time: it is small, and its modification time does not distinguish two
/// changes that follow each other within a tick of the kernel's clock.
pub struct Accounts {
    path: PathBuf,
}

impl Accounts {
    /// The accounts of a root.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn of(root: &Path) -> Result<Accounts, AccountError> {
        let path = root.join(FILE);
        load(&path)?;
        Ok(Accounts { path })
    }

    /// True when there is no account.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// The account of a name.
    pub fn get(&self, name: &str) -> Option<Account> {
        self.list().into_iter().find(|account| account.name == name)
    }

    /// All accounts. A file that cannot be read lets nobody in; the error is reported when the server starts.
    pub fn list(&self) -> Vec<Account> {
        load(&self.path).unwrap_or_default()
    }

    /// Account of a name and a password. It takes equally long if there is no such account.
    pub fn verify(&self, name: &str, password: &str) -> Option<Account> {
        let account = self.get(name);
        let hash = account.as_ref().map_or(NOBODY, |account| account.hash.as_str());
        let parsed = PasswordHash::new(hash).ok()?;
        let is_right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        account.filter(|_| is_right)
    }

    /// Makes an account, or changes the password or role of one.
    ///
    /// # Errors
    /// The name or the password is not allowed, the account exists and was not to be changed, or the file cannot be
    /// written.
    pub fn put(
        &self,
        name: &str,
        role: Option<Role>,
        password: &str,
        is_new: bool,
    ) -> Result<(), AccountError> {
        if !is_name(name) {
            return Err(AccountError::Name(name.to_owned()));
        }
        if !LENGTH.contains(&password.chars().count()) {
            return Err(AccountError::Password);
        }
        let mut accounts = load(&self.path)?;
        let found = accounts.iter().position(|account| account.name == name);
        let role = match (found.and_then(|at| accounts.get(at)), is_new) {
            (Some(_), true) => return Err(AccountError::Exists(name.to_owned())),
            (None, false) => return Err(AccountError::Unknown(name.to_owned())),
            (Some(account), false) => role.unwrap_or(account.role),
            (None, true) => role.unwrap_or(Role::View),
        };
        accounts.retain(|account| account.name != name);
        accounts.push(Account { name: name.to_owned(), role, hash: hashed(password)? });
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        self.write(&accounts)
    }

    /// Removes an account.
    ///
    /// # Errors
    /// The account does not exist, or the file cannot be written.
    pub fn remove(&self, name: &str) -> Result<(), AccountError> {
        let mut accounts = load(&self.path)?;
        let before = accounts.len();
        accounts.retain(|account| account.name != name);
        if accounts.len() == before {
            return Err(AccountError::Unknown(name.to_owned()));
        }
        self.write(&accounts)
    }

    /// Written beside its place, then renamed: nobody reads half of it.
    fn write(&self, accounts: &[Account]) -> Result<(), AccountError> {
        let text: String =
            accounts.iter().map(|it| format!("{} {} {}\n", it.name, it.role, it.hash)).collect();
        let beside = self.path.with_extension(format!("new.{}", std::process::id()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        })();
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            AccountError::File { path: self.path.clone(), error }
        })
    }
}

/// Hash to compare with if there is no such account.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn load(path: &Path) -> Result<Vec<Account>, AccountError> {
    let failed = |error| AccountError::File { path: path.to_owned(), error };
    let text = match bounded::file::read_text(path, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let account = |(number, line): (usize, &str)| {
        let mut words = line.split(' ');
        let (name, role, hash, rest) = (words.next(), words.next(), words.next(), words.next());
        match (name, role.map(str::parse::<Role>), hash, rest) {
            (Some(name), Some(Ok(role)), Some(hash), None)
                if is_name(name) && PasswordHash::new(hash).is_ok() =>
            {
                Ok(Account { name: name.to_owned(), role, hash: hash.to_owned() })
            }
            _ => Err(AccountError::Line { path: path.to_owned(), line: number + 1 }),
        }
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(account).collect()
}

fn hashed(password: &str) -> Result<String, AccountError> {
    let failed = |error: &dyn std::fmt::Display| AccountError::Hash(error.to_string());
    let mut salt = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut salt))
        .map_err(|error| failed(&error))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| failed(&error))?;
    let (memory, times, lanes) = COST;
    let params = Params::new(memory, times, lanes, None).map_err(|error| failed(&error))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon.hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_made_changed_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let accounts = Accounts::of(root.path()).unwrap();
        assert!(accounts.is_empty());
        accounts.put("olga", Some(Role::Operate), "a long password", true).unwrap();
        assert_eq!(accounts.get("olga").unwrap().role, Role::Operate);
        assert!(accounts.verify("olga", "a long password").is_some());
        assert!(accounts.verify("olga", "another password").is_none());
        assert!(accounts.verify("ivan", "a long password").is_none());
        let stamp = accounts.get("olga").unwrap().stamp().to_owned();
        accounts.put("olga", None, "another password", false).unwrap();
        let olga = accounts.get("olga").unwrap();
        assert!(olga.role == Role::Operate && olga.stamp() != stamp);
        for (name, password) in [("a b", "long enough it is"), ("", "long enough it is"), ("x", "short")] {
            assert!(accounts.put(name, None, password, true).is_err(), "{name:?}");
        }
        assert!(accounts.put("olga", None, "a long password", true).is_err());
        assert!(accounts.put("ivan", None, "a long password", false).is_err());
        accounts.remove("olga").unwrap();
        assert!(accounts.is_empty() && accounts.remove("olga").is_err());
    }

    #[test]
    fn its_owner_alone_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        Accounts::of(root.path()).unwrap().put("olga", None, "a long password", true).unwrap();
        let file = root.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "olga admin nonsense\n").unwrap();
        let said = Accounts::of(root.path()).err().unwrap().to_string();
        assert!(said.contains("line 1"), "{said}");
    }
}
