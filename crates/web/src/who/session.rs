//! Sessions: a cookie that says who signed in and until when, sealed with a key of the root. Nothing is kept of them here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::accounts::{Account, Accounts};

/// Name of the cookie.
pub const COOKIE: &str = "package-import";
/// Lifetime of a session in milliseconds.
const LIFE: i64 = 12 * 3_600_000;
/// The key's name in the root.
const FILE: &str = "web-key";
/// Its length in bytes.
const LENGTH: usize = 32;

/// Key that seals sessions.
pub struct Sessions([u8; LENGTH]);

impl Sessions {
    /// With the key of a root, made if there is none.
    ///
    /// # Errors
    ///
    /// It can neither be read nor made.
    pub fn of(root: &Path) -> io::Result<Sessions> {
        let path = root.join(FILE);
        match bounded::file::read(&path, 1024) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
            Err(error) => Err(error),
            Ok(bytes) => match bytes.try_into() {
                Ok(key) => Ok(Sessions(key)),
                Err(_) => {
                    let text = "it is no key; remove it, and everybody signs in again";
                    Err(io::Error::new(io::ErrorKind::InvalidData, text))
                }
            },
        }
    }

    /// Cookie of a user who has signed in now.
    pub fn token(&self, account: &Account, now: i64) -> String {
        let end = now.saturating_add(LIFE);
        format!("{end}.{}.{}", hex(account.name.as_bytes()), self.seal(account, end))
    }

    /// Account of a valid cookie.
    pub fn account(&self, token: &str, accounts: &Accounts, now: i64) -> Option<Account> {
        if token.len() > 400 {
            return None;
        }
        let mut parts = token.split('.');
        let (end, name, seal, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
            return None;
        };
        let end: i64 = end.parse().ok()?;
        let account = accounts.get(&String::from_utf8(unhex(name)?).ok()?)?;
        let is_good = self.mac(&account, end)?.verify_slice(&unhex(seal)?).is_ok();
        (is_good && now < end).then_some(account)
    }

    fn mac(&self, account: &Account, end: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("session {end} {} {}", account.name, account.stamp()).as_bytes());
        Some(mac)
    }

    fn seal(&self, account: &Account, end: i64) -> String {
        self.mac(account, end).map_or(String::new(), |mac| hex(&mac.finalize().into_bytes()))
    }
}

/// Under a name of its own first: of two servers that begin at once, one makes it.
fn make(path: &Path) -> io::Result<Sessions> {
    let mut key = [0; LENGTH];
    crate::random::fill(&mut key)?;
    let own = path.with_extension(format!("new.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own)?;
    let linked = file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&own, path));
    fs::remove_file(&own)?;
    match linked {
        Ok(()) => Ok(Sessions(key)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = bounded::file::read(path, 1024)?.try_into();
            found.map(Sessions).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no key"))
        }
        Err(error) => Err(error),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use operations::Role;

    use super::*;

    #[test]
    fn a_cookie_is_good_until_its_end_or_another_password() {
        let root = tempfile::tempdir().unwrap();
        let accounts = Accounts::of(root.path()).unwrap();
        accounts.put("olga", Some(Role::Operate), "a long password", true).unwrap();
        let sessions = Sessions::of(root.path()).unwrap();
        let token = sessions.token(&accounts.get("olga").unwrap(), 1000);
        let who = |token: &str, now| sessions.account(token, &accounts, now).map(|account| account.name);
        assert_eq!(who(&token, 2000).as_deref(), Some("olga"));
        assert_eq!(who(&token, 1000 + LIFE), None);
        assert_eq!(Sessions::of(root.path()).unwrap().account(&token, &accounts, 2000).unwrap().name, "olga");
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'1' { b'2' } else { b'1' };
            assert_eq!(who(&String::from_utf8(other).unwrap(), 2000), None, "{at}");
        }
        for wrong in ["", ".", "..", "...", "1.61.zz", "\u{e9}", &"a".repeat(500)] {
            assert_eq!(who(wrong, 0), None, "{wrong}");
        }
        accounts.put("olga", None, "another password", false).unwrap();
        assert_eq!(who(&token, 2000), None);
    }
}
