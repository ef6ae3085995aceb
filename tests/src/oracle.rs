//! The truth: what the real dpkg-source makes of a package, as an unprivileged user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::listing::{Entry, Listing, read_folder};
use crate::programs::need;

/// What dpkg-source says about one package.
#[derive(Debug)]
pub struct Verdict {
    /// The tree without its patches, or why there is none.
    pub unapplied: Result<Listing, String>,
    /// The tree with its patches, or why there is none.
    pub applied: Result<Listing, String>,
}

impl Verdict {
    /// Both trees, entry by entry, for those who look at single cases.
    pub fn shown(&self) -> String {
        format!("  unapplied\n{}  applied\n{}", shown(&self.unapplied), shown(&self.applied))
    }
}

fn shown(tree: &Result<Listing, String>) -> String {
    match tree {
        Ok(listing) => {
            let lines = listing.iter().map(|(path, entry)| format!("    {} {entry}\n", path.escape_ascii()));
            lines.collect()
        }
        Err(complaint) => format!("    {complaint}\n"),
    }
}

/// How dpkg-source is to look at a package.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The `.dsc`, with its files beside it.
    pub dsc: &'a Path,
    /// The distribution, which decides on the series file.
    pub distro: &'a str,
    /// Whether checksums and traversals are left unchecked.
    pub no_check: bool,
}

/// A fresh folder that the unprivileged user may look into, in memory where that can be had: the tests write millions
/// of small files.
pub fn open_temp_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    let usable = memory.is_dir() && std::env::var_os("TMPDIR").is_none();
    let place = if usable { memory.to_owned() } else { std::env::temp_dir() };
    let folder = TempDir::with_prefix_in("package-import-test-", place).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Unpacks a package in both ways.
pub fn ask(question: &Question<'_>) -> Verdict {
    need("dpkg-source", "dpkg-dev");
    let unapplied = unpack(question, &["--skip-patches"]);
    let mut applied = unpack(question, &[]);
    if let (Ok(before), Ok(after)) = (&unapplied, &mut applied) {
        take_out_quilt_records(before, after);
    }
    Verdict { unapplied, applied }
}

/// `.pc` belongs to the applied tree only as far as the package itself brought it: what dpkg-source adds there
/// while patching is a record of the unpacking, not source, and so is the list of what was applied.
fn take_out_quilt_records(before: &Listing, after: &mut Listing) {
    const APPLIED: &[u8] = b".pc/applied-patches";
    let is_record = |path: &[u8]| path == b".pc" || path.starts_with(b".pc/");
    after.retain(|path, _| !is_record(path) || before.contains_key(path));
    if let Some(own) = before.get(APPLIED) {
        after.insert(APPLIED.to_vec(), own.clone());
    }
}

fn unpack(question: &Question<'_>, options: &[&str]) -> Result<Listing, String> {
    let folder = open_temp_dir();
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, fs::Permissions::from_mode(0o777)).unwrap();
    write_origins(&folder.path().join("origins"));
    let mut command = unprivileged("dpkg-source");
    command
        .args(options)
        .args(question.no_check.then_some("--no-check"))
        .args(["--no-copy", "-x"])
        .arg(within_reach(question.dsc, folder.path()))
        .arg("tree")
        .current_dir(&work)
        .stdin(Stdio::null())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("TMPDIR", &work)
        .env("DPKG_ORIGINS_DIR", folder.path().join("origins"))
        .env("DEB_VENDOR", question.distro);
    let output = command.output().unwrap();
    let listing = if output.status.success() {
        read_folder(&work.join("tree")).map_err(|error| error.to_string())
    } else {
        Err(complaint(&output.stderr))
    };
    clear(&work);
    listing
}

/// Where the unprivileged user can read a `.dsc`: where it is, or, if that is in a folder such as root's own, in a copy.
fn within_reach(dsc: &Path, folder: &Path) -> PathBuf {
    let dsc = dsc.canonicalize().unwrap();
    let is_open = |folder: &Path| fs::metadata(folder).unwrap().permissions().mode() & 0o001 != 0;
    if !is_root() || dsc.ancestors().skip(1).all(is_open) {
        return dsc;
    }
    let copy = folder.join("source");
    fs::create_dir(&copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(dsc.parent().unwrap()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            let to = copy.join(entry.file_name());
            fs::copy(entry.path(), &to).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    copy.join(dsc.file_name().unwrap())
}

/// Runs a program with umask 022, and not as root, whatever the test runs as.
fn unprivileged(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022; exec \"$@\"", "sh"]);
    if is_root() {
        command.args(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]);
    }
    command.arg(program);
    command
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn write_origins(folder: &Path) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("debian"), "Vendor: Debian\n").unwrap();
    fs::write(folder.join("ubuntu"), "Vendor: Ubuntu\nParent: Debian\n").unwrap();
}

/// The lines that say why, without the warnings before them.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().filter(|line| !line.contains("warning:")).collect();
    lines.join(" | ")
}

/// A failed unpacking can leave paths that are too long for a plain removal.
fn clear(folder: &Path) {
    let status = Command::new("rm").arg("-rf").arg("--").arg(folder).status().unwrap();
    assert!(status.success(), "cannot remove {}", folder.display());
}

/// Whether a listing has an entry of this kind at a path.
pub fn holds(listing: &Listing, path: &str, wanted: impl Fn(&Entry) -> bool) -> bool {
    listing.get(path.as_bytes()).is_some_and(wanted)
}
