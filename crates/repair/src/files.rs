//! Steps about files of a repository: what they find, and what they do.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use packaging_repo::verify::Problem;
use packaging_repo::{Error, mend};
use source_package::checksum::sha256_hex;
use source_package::finding::Finding;

use crate::owner;
use crate::plan::{Act, Mark, Step};

/// The age at which an unchanged lock counts as abandoned: no Git command takes that long over one.
const STALE: Duration = Duration::from_secs(3600);
/// No file that is set aside is larger.
pub(crate) const LARGEST: u64 = 64 << 20;

/// The steps that findings about files ask for.
pub(crate) fn steps(root: &Path, problems: &[Problem], now: SystemTime) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut modes = false;
    for it in problems {
        let (subject, reason) = (it.subject.as_str(), it.code.as_str());
        let before = || digest(&root.join(subject));
        let aside = |act| Step::new(act, Mark::Aside, subject, reason).moving(before(), None);
        match it.code {
            Finding::FolderGone => steps.push(
                Step::new(Act::Folder, Mark::Create, subject, reason)
                    .moving(None, Some("folder".into()))
                    .for_good(),
            ),
            Finding::ModeWrong => modes = true,
            Finding::OwnerWrong => steps.extend(owner::steps(root)),
            Finding::LockLeft => {
                let step = aside(Act::Lock);
                steps.push(if is_stale(&root.join(subject), now) { step } else { step.by_person() });
            }
            Finding::PackIndexGone => steps.push(
                Step::new(Act::PackIndex, Mark::Create, subject, reason)
                    .moving(None, Some("an index".into()))
                    .for_good(),
            ),
            Finding::AlternatesForeign => steps.push(aside(Act::Alternates).by_person()),
            Finding::HooksForeign => steps.push(aside(Act::Hook).by_person()),
            Finding::ConfigChanged => {
                let after = sha256_of(config(root).as_bytes());
                let step =
                    Step::new(Act::Config, Mark::Forward, subject, reason).moving(before(), Some(after));
                steps.push(if step.before.is_none() { step } else { step.by_person() });
            }
            Finding::RefUnreadable => {
                let is_empty = says_nothing(&root.join(subject));
                let step = aside(Act::LooseRef);
                steps.push(if is_empty { step } else { step.by_person() });
            }
            _ => {}
        }
    }
    if modes {
        steps.extend(closed(root));
    }
    let is_packed = |it: &&Problem| matches!(it.code, Finding::PackedRefsBroken | Finding::PeeledWrong);
    if let Some(it) = problems.iter().find(is_packed) {
        let step = Step::new(Act::PackedRefs, Mark::Forward, "packed-refs", it.code.as_str());
        let after = "the refs of it that can be read".to_owned();
        steps.push(step.moving(digest(&root.join("packed-refs")), Some(after)).for_good());
    }
    steps
}

/// A fingerprint of a file: its size and content. `None` if it does not exist.
pub(crate) fn digest(path: &Path) -> Option<String> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if metadata.is_symlink() {
        return Some(format!("a link to {}", fs::read_link(path).ok()?.display()));
    }
    if metadata.len() > LARGEST {
        return Some(format!("{} bytes, inode {}", metadata.len(), metadata.ino()));
    }
    bounded::file::read(path, LARGEST).ok().map(|content| sha256_of(&content))
}

fn sha256_of(content: &[u8]) -> String {
    let sha256 = sha256_hex(content);
    format!("{} bytes, sha256 {}", content.len(), sha256.get(..16).unwrap_or(&sha256))
}

fn is_stale(path: &Path, now: SystemTime) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|it| it.modified());
    changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age >= STALE))
}

/// Files and folders that their owner cannot use, each with the mode that it needs.
fn closed(root: &Path) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut folders = vec![root.to_owned()];
    let owner = fs::metadata(root).map(|it| it.uid()).unwrap_or(0);
    while let Some(folder) = folders.pop() {
        // A folder that is closed is looked into once it is open: its step comes first.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(it) = fs::symlink_metadata(&path) else { continue };
            let wanted = if it.is_dir() { 0o700 } else { 0o400 };
            let mode = it.mode() & 0o7777;
            if it.is_dir() {
                folders.push(path.clone());
            }
            if it.is_symlink() || it.uid() != owner || mode & wanted == wanted {
                continue;
            }
            let subject = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let octal = |mode: u32| Some(format!("{mode:04o}"));
            let step = Step::new(Act::Mode, Mark::Forward, subject, Finding::ModeWrong.as_str());
            steps.push(step.moving(octal(mode), octal(mode | wanted)));
        }
    }
    steps
}

/// The configuration as it should be: ours, with what others have added that harms nothing.
fn config(root: &Path) -> String {
    let mut text = mend::new_config().to_owned();
    let old = bounded::file::read_text(&root.join("config"), LARGEST).unwrap_or_default();
    let mut is_kept = false;
    for line in old.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix('[') {
            let section = name.split([']', ' ', '.']).next().unwrap_or_default().to_lowercase();
            let is_ours =
                matches!(section.as_str(), "core" | "gc" | "transfer" | "extensions" | "uploadpack");
            is_kept = !is_ours && !section.starts_with("include");
        }
        if is_kept {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Takes a step about a file. `aside` is where files go that are set aside.
pub(crate) fn take(
    repository: &packaging_repo::repository::Repository,
    guard: &packaging_repo::Guard,
    step: &Step,
    aside: &Path,
) -> Result<(), Error> {
    let root = repository.path();
    let path = root.join(&step.subject);
    match step.act {
        Act::Folder => named("create", &path, fs::create_dir_all(&path)),
        Act::Mode => set_mode(&path, step.after.as_deref()),
        Act::Owner => named("copy", &path, owner::take(&path)),
        Act::Lock | Act::Alternates | Act::Hook | Act::LooseRef => {
            move_aside(&path, &kept_at(aside, &step.subject))
        }
        Act::PackIndex => mend::index_pack(repository, &path),
        Act::Config => {
            let text = config(root);
            copy_aside(&path, &kept_at(aside, &step.subject))?;
            mend::replace(repository, guard, "config", text.as_bytes())
        }
        Act::PackedRefs => {
            copy_aside(&path, &kept_at(aside, &step.subject))?;
            mend::rewrite_packed_refs(repository, guard)
        }
        _ => Ok(()),
    }
}

/// Takes it back. What it had set aside is put back where it was, unless there is something else now.
pub(crate) fn take_back(step: &Step, root: &Path, aside: &Path) -> Result<(), Error> {
    let path = root.join(&step.subject);
    let kept = kept_at(aside, &step.subject);
    match step.act {
        Act::Mode => set_mode(&path, step.after.as_deref()),
        Act::Lock | Act::Alternates | Act::Hook | Act::LooseRef | Act::Config if kept.exists() => {
            let folder = path.parent().unwrap_or(root);
            named("create", folder, fs::create_dir_all(folder))?;
            named("put back", &path, fs::rename(&kept, &path))
        }
        Act::Config => named("remove", &path, fs::remove_file(&path)),
        _ => Ok(()),
    }
}

/// True for the file of a ref as a power failure leaves it: without a byte, or of zeros.
fn says_nothing(path: &Path) -> bool {
    bounded::file::read(path, 4096).is_ok_and(|content| content.iter().all(|byte| *byte == 0))
}

/// The present value of a step's subject.
pub(crate) fn now(step: &Step, root: &Path) -> Option<String> {
    let path = root.join(&step.subject);
    match step.act {
        Act::Mode => fs::symlink_metadata(&path).ok().map(|it| format!("{:04o}", it.mode() & 0o7777)),
        Act::Folder => path.is_dir().then(|| "folder".into()),
        Act::PackIndex => path.with_extension("idx").exists().then(|| "an index".into()),
        Act::Head => head(root),
        _ => digest(&path),
    }
}

/// The content of `HEAD`.
pub(crate) fn head(root: &Path) -> Option<String> {
    let text = bounded::file::read(&root.join("HEAD"), LARGEST).ok()?;
    let text = String::from_utf8_lossy(text.get(..4096).unwrap_or(&text)).trim_end().to_owned();
    Some(text.strip_prefix("ref: ").map_or(text.clone(), str::to_owned))
}

/// Path of a file that was set aside. Its ending is not that of a lock or a pack.
pub(crate) fn kept_at(aside: &Path, subject: &str) -> PathBuf {
    aside.join(format!("{}.kept", subject.replace('%', "%25").replace('/', "%2F")))
}

fn set_mode(path: &Path, mode: Option<&str>) -> Result<(), Error> {
    let Some(mode) = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok()) else { return Ok(()) };
    named("change the mode of", path, fs::set_permissions(path, fs::Permissions::from_mode(mode)))
}

fn move_aside(path: &Path, kept: &Path) -> Result<(), Error> {
    match fs::rename(path, kept) {
        // Done before a kill.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => named("set aside", path, other),
    }
}

fn copy_aside(path: &Path, kept: &Path) -> Result<(), Error> {
    if kept.exists() {
        return Ok(());
    }
    match bounded::file::read(path, LARGEST) {
        Ok(content) => named("keep", kept, write(kept, &content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => named("read", path, Err(error)),
    }
}

/// Writes a file that is whole or not there.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let begun = path.with_extension("new");
    let mut file = fs::File::create(&begun)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&begun, path)?;
    path.parent().map_or(Ok(()), bounded::file::sync_folder)
}

pub(crate) fn named(action: &'static str, path: &Path, result: io::Result<()>) -> Result<(), Error> {
    result.map_err(|error| Error::File { action, path: path.to_owned(), error })
}
