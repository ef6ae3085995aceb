//! An installation as in production: the importer has a user of its own, the monitoring system's user may read.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::plugins::{CHECKS, copy, install, program};
use super::said::Said;
use super::users::User;
use crate::installation::binary;

/// An installation and its checks.
pub struct Site {
    folder: TempDir,
}

impl Default for Site {
    fn default() -> Self {
        Site::new()
    }
}

impl Site {
    /// One where nothing has run yet: the root is the importer's, of mode 2750, with the group of the monitor.
    pub fn new() -> Site {
        let folder = tempfile::Builder::new().prefix("site-").tempdir_in("/tmp").unwrap();
        let (importer, monitor) = (User::importer(), User::monitor());
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let site = Site { folder };
        for (name, owner, group, mode) in [
            ("root", importer.uid, monitor.gid, 0o2750),
            ("files", 0, 0, 0o755),
            ("bin", 0, 0, 0o755),
            ("plugins", 0, 0, 0o755),
            ("said", monitor.uid, monitor.gid, 0o755),
        ] {
            fs::create_dir(site.path(name)).unwrap();
            chown(site.path(name), Some(owner), Some(group)).unwrap();
            fs::set_permissions(site.path(name), Permissions::from_mode(mode)).unwrap();
        }
        copy(binary(), &site.path("bin"));
        install(&site.path("bin"));
        CHECKS.iter().for_each(|check| site.write_wrapper(check));
        site
    }

    /// Something in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Root of the importer.
    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Folder for packages.
    pub fn files(&self) -> PathBuf {
        self.path("files")
    }

    /// Folder in place of `/usr/lib/nagios/plugins`: each check with this root as the usual one; every answer is
    /// kept as it was printed.
    pub fn plugins(&self) -> PathBuf {
        self.path("plugins")
    }

    fn write_wrapper(&self, check: &str) {
        let (root, said, bin) = (self.root(), self.path("said"), self.path("bin"));
        let program = program(check);
        let script = format!(
            "#!/bin/sh\nkept={said}/{check}.$$\nPACKAGE_IMPORT_ROOT={root} {bin}/{program} \"$@\" >$kept.out 2>$kept.err\n\
             code=$?\ncat $kept.out\ncat $kept.err >&2\necho $code >$kept.part\nmv $kept.part $kept.code\nexit $code\n",
            said = said.display(),
            root = root.display(),
            bin = bin.display()
        );
        let path = self.plugins().join(program);
        let mut made = Command::new("sh");
        made.args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).stdin(Stdio::piped());
        let mut shell = made.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }

    /// All answers of a check that was called by its wrapper.
    pub fn printed(&self, check: &str) -> Vec<Said> {
        let mut printed = Vec::new();
        for entry in fs::read_dir(self.path("said")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with(&format!("{check}.")) && name.ends_with(".code") {
                let code = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
                // One that was running when all was forgotten has lost what it had printed before.
                let read = |ending| fs::read(path.with_extension(ending));
                if let (Ok(out), Ok(err)) = (read("out"), read("err")) {
                    printed.push(Said { code, out, err });
                }
            }
        }
        printed
    }

    /// Forgets what was printed.
    pub fn forget(&self) {
        for entry in fs::read_dir(self.path("said")).unwrap() {
            let _ = fs::remove_file(entry.unwrap().path());
        }
    }

    /// Writes the configuration, readable for the monitor.
    pub fn configure(&self, text: &str) {
        let path = self.root().join("config.toml");
        let options = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&path);
        options.unwrap().write_all(text.as_bytes()).unwrap();
        chown(path, Some(User::importer().uid), Some(User::monitor().gid)).unwrap();
    }

    /// The importer, started by its own user, whose umask is as tight as an administrator may have set it.
    pub fn importer(&self, arguments: &[&str]) -> Command {
        let mut command = User::importer().command("sh");
        command.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(self.path("bin/package-import"));
        command.args(arguments).env("PACKAGE_IMPORT_ROOT", self.root()).env("HOME", "/nonexistent");
        command.stdin(Stdio::null());
        command
    }

    /// Runs the importer, which has to succeed and to complain about nothing.
    pub fn well(&self, arguments: &[&str]) -> String {
        let output = self.importer(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        said
    }

    /// Puts everything in a folder into the queue.
    pub fn enqueue(&self, folder: &Path) {
        self.well(&["enqueue", "--allow-unsigned", folder.to_str().unwrap()]);
    }

    /// A check as the monitor starts it: no arguments but those given, next to no environment.
    pub fn command(&self, check: &str, arguments: &[&str]) -> Command {
        let mut command = User::monitor().command(self.path("bin").join(program(check)));
        command.args(arguments).env("PACKAGE_IMPORT_ROOT", self.root()).stdin(Stdio::null());
        command
    }

    /// Answer of a check.
    pub fn check(&self, check: &str, arguments: &[&str]) -> Said {
        self.command(check, arguments).output().unwrap().into()
    }

    /// Names, sizes, owners, rights and times of everything in the root.
    pub fn listing(&self) -> Vec<String> {
        let mut listing = Vec::new();
        list(&self.root(), &mut listing);
        listing.sort();
        listing
    }
}

fn list(path: &Path, listing: &mut Vec<String>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let of = (meta.ino(), meta.size(), meta.uid(), meta.gid(), format!("{:o}", meta.mode()));
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    listing.push(format!("{} {of:?} {times:?}", path.display()));
    if meta.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| list(&entry.unwrap().path(), listing));
    }
}
