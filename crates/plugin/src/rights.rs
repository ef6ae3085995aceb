//! Search for the folder or file that refuses a reader, and for the one command that helps.
//!
//! All of this is looked up only after something could not be read. A monitoring system gives no environment and its
//! user has no shell, so an operator cannot easily try by himself.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid, getgroups};

use crate::trouble::Trouble;

/// No list of users is read that is larger.
const LARGEST: u64 = 16 << 20;

/// No more links are followed, so that a circle ends.
const LINKS: u32 = 8;

/// That a file may not be read, and what to do.
pub(crate) fn denied(path: &Path) -> Trouble {
    let found = absolute(path).ok().and_then(|path| refusing(&path, LINKS));
    let advice = match found {
        Some((part, meta, right)) => advice(&part, &meta, right),
        None => "no file mode forbids it: look at access lists and security modules".to_owned(),
    };
    Trouble::unusable(format!("cannot read {}: permission denied: {advice}", path.display()))
}

/// True when this process may not read an existing file.
pub(crate) fn is_unreadable(path: &Path) -> bool {
    refuses(path, Access::READ_OK)
}

fn refuses(path: &Path, access: Access) -> bool {
    matches!(accessat(CWD, path, access, AtFlags::EACCESS), Err(Errno::ACCESS))
}

/// The first part of a path that refuses, and which right to it is missing.
fn refusing(path: &Path, links: u32) -> Option<(PathBuf, Metadata, char)> {
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let folder = folders.into_iter().find(|folder| refuses(folder, Access::EXEC_OK));
    let (part, right) = match folder {
        Some(folder) => (folder, 'x'),
        None if is_unreadable(path) => (path, 'r'),
        None => return None,
    };
    match (fs::metadata(part), links) {
        (Ok(meta), _) => Some((part.to_owned(), meta, right)),
        // A link: what refuses is on the way to where it leads.
        (Err(_), 1..) => refusing(&part.parent()?.join(fs::read_link(part).ok()?), links - 1),
        (Err(_), 0) => None,
    }
}

fn advice(part: &Path, meta: &Metadata, right: char) -> String {
    let bit = if right == 'x' { 0o010 } else { 0o040 };
    let is_open = meta.mode() & bit != 0;
    let part = part.display();
    let user = geteuid().as_raw();
    if meta.uid() == user {
        return format!("chmod u+{right} {part}");
    }
    let is_member = getegid().as_raw() == meta.gid()
        || getgroups().unwrap_or_default().iter().any(|group| group.as_raw() == meta.gid());
    if is_member && is_open {
        return format!("the mode of {part} allows it: look at access lists and security modules");
    }
    if is_member {
        return format!("chmod g+{right} {part}");
    }
    let (user, _) = entry("/etc/passwd", user);
    let (group, members) = entry("/etc/group", meta.gid());
    if meta.gid() == 0 {
        return format!("chgrp {part} to a group of {user}, and chmod g+{right} {part}");
    }
    let first = if is_open { String::new() } else { format!("chmod g+{right} {part}, and ") };
    if members.contains(&user) {
        return format!("{first}restart the daemon: it began before {user} was in the group {group}");
    }
    format!("{first}usermod -aG {group} {user}, then restart the daemon")
}

/// Name for a number, and the members of a group. A number that is not in the file is its own name.
fn entry(file: &str, number: u32) -> (String, Vec<String>) {
    let text = bounded::file::read_text(Path::new(file), LARGEST).unwrap_or_default();
    let number = number.to_string();
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = fields.into_iter().find(|fields| fields.get(2) == Some(&number.as_str()));
    let field = |at: usize| found.as_ref().and_then(|fields| fields.get(at)).copied();
    let members = field(3).unwrap_or_default().split(',').map(str::to_owned).collect();
    (field(0).map_or(number.clone(), str::to_owned), members)
}
