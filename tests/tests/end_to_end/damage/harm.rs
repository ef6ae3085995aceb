//! What can stand in the place of a file or a folder, and how its place is restored.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use package_import_tests::oracle::is_root;

/// Another user, as every Debian has one: whom no mode keeps out cannot meet a file without rights.
pub const OWNER: u32 = 65534;

/// Numbers that are the same for the same beginning.
pub struct Dice(u64);

impl Dice {
    pub fn of(number: u64) -> Dice {
        let mut dice = Dice(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            let _ = dice.below(2);
        }
        dice
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// What is done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Flip,
    Cut,
    Empty,
    Garbage,
    Lengthen,
    Sparse,
    NoRights,
    Remove,
    IntoFolder,
    IntoFile,
    IntoBrokenLink,
    IntoCircle,
    IntoZero,
    IntoPipe,
    IntoSocket,
}

pub const HARMS: [Harm; 15] = [
    Harm::Flip,
    Harm::Cut,
    Harm::Empty,
    Harm::Garbage,
    Harm::Lengthen,
    Harm::Sparse,
    Harm::NoRights,
    Harm::Remove,
    Harm::IntoFolder,
    Harm::IntoFile,
    Harm::IntoBrokenLink,
    Harm::IntoCircle,
    Harm::IntoZero,
    Harm::IntoPipe,
    Harm::IntoSocket,
];

/// A file this large can neither be read into memory nor be looked through in a test's time.
const HUGE: u64 = 1 << 40;
/// Packs are looked through as a whole, and that takes its time.
const LARGE: u64 = 64 << 20;

/// Does harm to a place; what was there may have gone by itself meanwhile. `aside` is a name for what was there.
pub fn harm(path: &Path, harm: Harm, aside: &Path, dice: &mut Dice) {
    let Ok(before) = fs::symlink_metadata(path) else { return };
    let bytes = if before.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
    if harm == Harm::NoRights {
        let _ = fs::set_permissions(path, Permissions::from_mode(0o000));
        return;
    }
    if fs::rename(path, aside).is_err() {
        return;
    }
    let content = changed(bytes, harm, dice);
    match harm {
        Harm::Remove | Harm::NoRights => {}
        Harm::IntoFolder => drop(fs::create_dir(path)),
        Harm::IntoBrokenLink => drop(symlink("/nonexistent/elsewhere", path)),
        Harm::IntoCircle => drop(symlink(path, path)),
        Harm::IntoZero => drop(symlink("/dev/zero", path)),
        Harm::IntoPipe => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            let _ = rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0);
        }
        Harm::IntoSocket => bind(path),
        Harm::Sparse => {
            let is_pack = path.components().any(|part| part.as_os_str() == "objects");
            let file = fs::write(path, content).and_then(|()| File::options().write(true).open(path));
            let _ = file.and_then(|file| file.set_len(if is_pack { LARGE } else { HUGE }));
        }
        _ => drop(fs::write(path, content)),
    }
    own(path);
    if before.is_file() && path.is_file() && !path.is_symlink() {
        let _ = fs::set_permissions(path, before.permissions());
    }
}

fn changed(mut bytes: Vec<u8>, harm: Harm, dice: &mut Dice) -> Vec<u8> {
    let place = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    match harm {
        Harm::Flip if !bytes.is_empty() => bytes[place] ^= 1 << dice.below(8),
        Harm::Cut => bytes.truncate(place),
        Harm::Empty | Harm::IntoFile => bytes.clear(),
        Harm::Garbage => bytes.iter_mut().for_each(|byte| *byte = dice.below(256) as u8),
        Harm::Lengthen => bytes.extend_from_slice(b"\nmore\0than there was\n"),
        _ => {}
    }
    bytes
}

/// The path of a socket may not be long.
fn bind(path: &Path) {
    let short = tempfile::tempdir().unwrap();
    let made = short.path().join("s");
    drop(UnixListener::bind(&made));
    let _ = fs::rename(&made, path);
}

/// Gives a place back what it had.
pub fn restore(path: &Path, aside: &Path, mode: u32) {
    if fs::symlink_metadata(aside).is_ok() {
        remove(path);
        fs::rename(aside, path).unwrap();
    }
    if !path.is_symlink() {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode));
    }
}

pub fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Makes it the owner's of the root.
pub fn own(path: &Path) {
    if is_root() {
        let _ = std::os::unix::fs::lchown(path, Some(OWNER), Some(OWNER));
    }
}

pub fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "cp -a {} {}", from.display(), to.display());
}

/// Everything below a folder that is a file or a folder, with the folder itself.
pub fn places(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(places(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}
