//! The truth: what the real dpkg-source makes of a package, as an unprivileged user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::listing::{Entry, Listing, read_folder};
use crate::programs::need;

mod dpkg;

pub use dpkg::Dpkg;

/// Result of dpkg-source for one package.
#[derive(Debug)]
pub struct Verdict {
    /// The tree without its patches, or why there is none.
    pub unapplied: Result<Listing, String>,
    /// The tree with its patches, or why there is none.
    pub applied: Result<Listing, String>,
}

impl Verdict {
    /// Both trees, entry by entry, for reading single cases.
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

/// Question to dpkg-source.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The `.dsc`, with its files beside it.
    pub dsc: &'a Path,
    /// The distribution, which decides on the series file.
    pub distro: &'a str,
    /// True when checksums and traversals are not checked.
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
    ask_one(Dpkg::Usual, question)
}

/// The same with one or another dpkg-source.
pub fn ask_one(dpkg: Dpkg, question: &Question<'_>) -> Verdict {
    need("patch", "patch");
    let unapplied = unpack(dpkg, question, &["--skip-patches"]);
    let mut applied = unpack(dpkg, question, &[]);
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

fn unpack(dpkg: Dpkg, question: &Question<'_>, options: &[&str]) -> Result<Listing, String> {
    let folder = open_temp_dir();
    let work = folder.path().join("work");
    let errors = folder.path().join("errors");
    fs::create_dir(&work).unwrap();
    fs::write(&errors, "").unwrap();
    for open in [&work, &errors] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut arguments: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    arguments.extend(question.no_check.then(|| "--no-check".to_owned()));
    arguments.extend(["--no-copy".into(), "-x".into(), text(&within_reach(question.dsc, folder.path()))]);
    arguments.push("tree".into());
    let environment = [
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".into()),
        ("HOME", "/nonexistent".into()),
        ("LC_ALL", "C.UTF-8".into()),
        ("TZ", "UTC".into()),
        ("TMPDIR", text(&work)),
        ("DEB_VENDOR", question.distro.to_owned()),
    ];
    let call =
        dpkg::Call { folder: &work, errors: &errors, environment: &environment, arguments: &arguments };
    let listing = if dpkg.call(&call) {
        read_folder(&work.join("tree")).map_err(|error| error.to_string())
    } else {
        Err(complaint(&fs::read(&errors).unwrap()))
    };
    clear(&work);
    listing
}

/// Path at which the unprivileged user can read a `.dsc`: its own, or, if that is in a folder such as root's, that of a
/// copy.
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

/// True when the tests run as root.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
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

/// True when a listing has an entry of this kind at a path.
pub fn holds(listing: &Listing, path: &str, wanted: impl Fn(&Entry) -> bool) -> bool {
    listing.get(path.as_bytes()).is_some_and(wanted)
}
