//! The superuser in another user's root becomes that user: links and files of the owner lead no further than the owner
//! could go alone, and new files belong to the owner.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::Error;
use rustix::fs::{Gid, Mode, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::exit::Usage;

/// User that this process was made to work as.
static BECOME: OnceLock<String> = OnceLock::new();

/// Keeps others from writing to files that this process and its children make, whatever the umask was that it was
/// started with: content of a repository that anybody can change proves nothing. What the umask grants to the group stays.
pub fn keep_others_out() {
    let others = Mode::WOTH;
    let given = rustix::process::umask(others);
    rustix::process::umask(given | others);
}

/// User that this process has changed to, if root has started it in a root of that user.
pub fn changed() -> Option<&'static str> {
    BECOME.get().map(String::as_str)
}

/// If this process is root's, becomes the owner of `root` (for a new root: of the folder in which it is created). To be
/// called while there is one thread.
pub fn become_owner(root: &Path) -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Some(found) = root.ancestors().find_map(|folder| fs::metadata(folder).ok()) else { return Ok(()) };
    if found.uid() == 0 {
        return Ok(());
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = passwd.lines().find_map(|line| User::parse(line).filter(|user| user.uid == found.uid()));
    let user =
        user.unwrap_or_else(|| User { name: found.uid().to_string(), uid: found.uid(), gid: found.gid() });
    let groups = groups_of(&user.name, &fs::read_to_string("/etc/group").unwrap_or_default());
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    // In this order: each step takes away the right to the one before.
    let changed = set_thread_groups(&groups)
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_gid(gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid));
    changed.map_err(|error| {
        let (root, name) = (root.display(), &user.name);
        Usage(format!(
            "{root} belongs to {name}, whom this process cannot become ({error}): run it as that user, `sudo -u {name} \
             package-import ...`"
        ))
    })?;
    let _ = BECOME.set(user.name);
    Ok(())
}

struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl User {
    /// A line of passwd(5).
    fn parse(line: &str) -> Option<User> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        Some(User { name, uid, gid: fields.next()?.parse().ok()? })
    }
}

/// The groups that have a user as a member, as group(5) has it.
fn groups_of(name: &str, text: &str) -> Vec<Gid> {
    let one = |line: &str| {
        let mut fields = line.split(':');
        let id: u32 = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then(|| Gid::from_raw(id))
    };
    text.lines().filter_map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups() {
        let user = User::parse("a-b:x:107:65534:,,,:/srv:/usr/sbin/nologin").unwrap();
        assert_eq!((&user.name[..], user.uid, user.gid), ("a-b", 107, 65534));
        assert!(User::parse("+").is_none() && User::parse("").is_none());
        let groups = groups_of("a-b", "x:x:5:c,a-b\ny:x:6:a\nz:x:7:a-b,d\nbad\n");
        assert_eq!(groups, [Gid::from_raw(5), Gid::from_raw(7)]);
    }
}
