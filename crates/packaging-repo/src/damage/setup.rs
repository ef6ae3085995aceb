//! What others have put beside the objects and refs: hooks, borrowed objects, a configuration that changes what Git does here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use source_package::finding::Finding;

use crate::mend::FOLDERS;
use crate::verify::Problem;

/// Words of a configuration that make Git look elsewhere, or run programs. Their sections are cut off.
const STRANGE: [&str; 8] = [
    "hookspath",
    "worktree",
    "alternaterefscommand",
    "alternaterefsprefixes",
    "fsmonitor",
    "sshcommand",
    "packobjectshook",
    "attributesfile",
];

/// Looks at them.
pub(super) fn find(root: &Path) -> Vec<Problem> {
    let mut problems: Vec<Problem> = folders(root).collect();
    problems.extend(hooks(root));
    problems.extend(alternates(root));
    problems.extend(config(root));
    problems
}

fn folders(root: &Path) -> impl Iterator<Item = Problem> {
    let gone = FOLDERS.into_iter().filter(|folder| !root.join(folder).is_dir());
    gone.map(|folder| {
        Problem::new(
            Finding::FolderGone,
            folder,
            "is gone: Git takes the folder for no repository without it",
        )
    })
}

fn hooks(root: &Path) -> Vec<Problem> {
    let entries = fs::read_dir(root.join("hooks")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| {
            let runs = fs::metadata(entry.path())
                .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
            runs && !entry.file_name().to_string_lossy().ends_with(".sample")
        })
        .map(|entry| format!("hooks/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    let message =
        "is a program that Git runs when somebody pushes or fetches here; no import has put it there";
    names.into_iter().map(|name| Problem::new(Finding::HooksForeign, name, message)).collect()
}

fn alternates(root: &Path) -> Vec<Problem> {
    let names = ["objects/info/alternates", "objects/info/http-alternates"];
    let found = names.into_iter().filter(|name| fs::symlink_metadata(root.join(name)).is_ok());
    let message = "objects are borrowed from elsewhere: if they go there, this repository is damaged; no import has written it";
    found.map(|name| Problem::new(Finding::AlternatesForeign, name, message)).collect()
}

fn config(root: &Path) -> Option<Problem> {
    let told = |message: String| Some(Problem::new(Finding::ConfigChanged, "config", message));
    let text = match bounded::file::read_text(&root.join("config"), 1 << 20) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return told("is gone: Git has to guess what the folder is".into());
        }
        Err(error) => return told(format!("cannot be read: {error}")),
    };
    let mut is_bare = false;
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.split([']', ' ', '.']).next().unwrap_or_default().to_lowercase();
            if section.starts_with("include") {
                return told(format!("has a section that no import has written: {line}"));
            }
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.rsplit(']').next().unwrap_or(key).trim().to_lowercase(), value.trim());
        is_bare |= section == "core" && key == "bare" && value == "true";
        let is_format = key == "repositoryformatversion" && value != "0";
        if STRANGE.contains(&key.as_str()) || is_format || section == "extensions" {
            return told(format!(
                "has a line that no import has written, and that changes what Git does here: {line}"
            ));
        }
    }
    if is_bare { None } else { told("does not say that the repository is bare".into()) }
}
