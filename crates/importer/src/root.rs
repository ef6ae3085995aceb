//! The root: the one folder of an installation.

use std::env;
use std::path::PathBuf;

/// Root of an installation: the given one, else `$PACKAGE_IMPORT_ROOT`, else `/var/lib/package-import` for root
/// and system users, else the user's state folder.
pub fn locate(given: Option<PathBuf>) -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = given.or_else(|| set("PACKAGE_IMPORT_ROOT")) {
        return root;
    }
    let home = set("HOME");
    match (rustix::process::getuid().as_raw() >= FIRST_PERSON, set("XDG_STATE_HOME"), home) {
        (true, Some(state), _) => state.join("package-import"),
        (true, None, Some(home)) => home.join(".local/state/package-import"),
        _ => PathBuf::from("/var/lib/package-import"),
    }
}

/// User ids below this belong to the system (Debian policy 9.2.2).
const FIRST_PERSON: u32 = 1000;

/// Number of the user.
pub fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The user's name, as the passwd file has it.
pub fn user_name() -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let id = user_id().to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}

/// This machine's name. `$PACKAGE_IMPORT_HOST` goes first, where one machine plays several.
pub fn host_name() -> String {
    let given = env::var("PACKAGE_IMPORT_HOST").ok().filter(|name| !name.is_empty());
    given.unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}
