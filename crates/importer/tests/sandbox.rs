//! The walls hold, where the kernel can build them.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;

use importer::sandbox::{Needs, Wall, Walls, enter};
use tempfile::TempDir;

const WIDE: Walls = Walls { memory: 8 << 30, seconds: 100_000, file_size: 8 << 30 };

/// Attempts of a hostile package on a file and a folder that are not its own.
fn attempts(victim: &Path, folder: &Path, own: &Path) -> Vec<(&'static str, io::Result<()>)> {
    vec![
        ("create", File::create_new(folder.join("new")).map(drop)),
        ("overwrite", OpenOptions::new().write(true).open(victim).map(drop)),
        ("append", OpenOptions::new().append(true).open(victim).map(drop)),
        ("truncate", OpenOptions::new().write(true).truncate(true).open(victim).map(drop)),
        ("remove", fs::remove_file(victim)),
        ("rename", fs::rename(victim, folder.join("renamed"))),
        ("take", fs::rename(victim, own.join("taken"))),
        ("give", fs::rename(own.join("mine"), folder.join("given"))),
        ("link", fs::hard_link(own.join("mine"), folder.join("linked"))),
        ("symlink", symlink("x", folder.join("symlink"))),
        ("folder", fs::create_dir(folder.join("sub"))),
        ("remove folder", fs::remove_dir(folder.join("empty"))),
        ("through a symlink", File::create(own.join("out/new")).map(drop)),
    ]
}

fn within_walls(own: &Path, folder: &Path, victim: &Path) {
    let needs = Needs { repository: own.to_owned(), readable: Vec::new(), programs: &["sh"] };
    if enter(&WIDE, &needs).unwrap().contains(&Wall::Files) {
        println!("this kernel has no landlock");
        return;
    }
    for (what, result) in attempts(victim, folder, own) {
        let kind = result.map_err(|error| error.kind());
        let refused = matches!(kind, Err(ErrorKind::PermissionDenied | ErrorKind::CrossesDevices));
        assert!(refused, "{what}: {kind:?}");
    }
    let mut started = Command::new("sh");
    started.arg("-c").arg("echo x > \"$0\"").arg(folder.join("new"));
    assert!(!started.output().unwrap().status.success());
    fs::write(own.join("new"), "x").unwrap();
    fs::create_dir(own.join("sub")).unwrap();
    fs::hard_link(own.join("new"), own.join("sub/linked")).unwrap();
    fs::rename(own.join("new"), own.join("sub/renamed")).unwrap();
    fs::remove_dir_all(own.join("sub")).unwrap();
}

#[test]
fn nothing_outside_of_the_own_folder_can_be_written() {
    let scratch = TempDir::new().unwrap();
    let (own, folder) = (scratch.path().join("own"), scratch.path().join("other"));
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::create_dir(&own).unwrap();
    fs::write(own.join("mine"), "x").unwrap();
    symlink(&folder, own.join("out")).unwrap();
    let victim = folder.join("victim");
    fs::write(&victim, "x").unwrap();
    // The walls are those of a thread and of its children.
    thread::scope(|scope| {
        scope.spawn(|| within_walls(&own, &folder, &victim));
    });
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "x");
}
