//! Files that an import can reach, by landlock.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::{Needs, SandboxError};
use crate::protocol::{ExpectedContent, Request, Trust};
use crate::rederive::CACHED;

/// Folders of programs, their libraries and the loader; they may be executed and read where a child starts a program.
const PROGRAMS: &[&str] = &["/usr", "/bin", "/lib", "/lib64", "/lib32", "/nix/store", "/gnu/store"];
/// Files that such a program reads when it starts; they may be read.
const SYSTEM: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/gcrypt",
    "/etc/crypto-policies",
    "/proc/sys/crypto",
    "/dev/urandom",
    "/dev/random",
];
/// Figures of the child itself.
const ITSELF: &[&str] = &["/proc/self", "/sys/fs/cgroup"];
const NULL: &str = "/dev/null";

/// More combinations of folders and names are not looked up.
const COMBINED: usize = 4096;
/// More files than this no `.dsc` names.
const NAMES: usize = 1024;

/// Files that the child of a request has to reach: its repository, each `.dsc` and the files beside it, keyrings.
pub fn of_request(request: &Request, repository: &Path) -> Needs {
    let ours = request.root.join("cache");
    let mut readable = BTreeSet::new();
    let (mut folders, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut beside = Vec::new();
    for version in &request.versions {
        if let Trust::Keyrings(keyrings) = &version.trust {
            readable.extend(keyrings.iter().cloned());
        }
        let folder = version.dsc.parent().unwrap_or(Path::new("/"));
        // Fetched files are in a folder of their own. A file that is named by hand may be beside anything.
        if folder.starts_with(&ours) && folder != ours {
            readable.insert(folder.to_owned());
            continue;
        }
        readable.insert(version.dsc.clone());
        let named = names_in(&version.dsc, request.limits.dsc_bytes);
        beside.extend(named.iter().map(|name| folder.join(name)));
        names.extend(named);
        folders.insert(folder.to_owned());
    }
    readable.extend(beside);
    // A version may find its files beside another one of the same plan.
    if folders.len() > 1 && folders.len() * names.len() <= COMBINED {
        readable.extend(folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))));
    }
    let has_signatures = request.versions.iter().any(|it| matches!(it.trust, Trust::Keyrings(_)));
    Needs {
        repository: repository.to_owned(),
        readable: readable.into_iter().collect(),
        programs: if has_signatures { &["gpgv"] } else { &[] },
    }
}

/// Files that the child of a check has to reach: the repository, fetched files, and those beside each `.dsc` that was
/// given by hand.
pub fn of_check(request: &Request, wanted: &ExpectedContent, repository: &Path) -> Needs {
    let mut readable = BTreeSet::from([request.root.join(CACHED)]);
    for dsc in &wanted.dscs {
        let folder = dsc.parent().unwrap_or(Path::new("/"));
        readable.extend(names_in(dsc, request.limits.dsc_bytes).iter().map(|name| folder.join(name)));
    }
    Needs { repository: repository.to_owned(), readable: readable.into_iter().collect(), programs: &["git"] }
}

/// Names in the lists of files of a `.dsc`, without a full parser: the last word of each continuation line.
fn names_in(dsc: &Path, most: u64) -> BTreeSet<OsString> {
    let text = bounded::file::read(dsc, most).unwrap_or_default();
    let is_gone_on = |line: &&[u8]| line.first().is_some_and(|&first| first == b' ' || first == b'\t');
    let lines = text.split(|&byte| byte == b'\n').filter(is_gone_on);
    let words = lines.filter_map(|line| {
        line.split(u8::is_ascii_whitespace).rfind(|word| !word.is_empty()).filter(|word| word.len() <= 255)
    });
    let names = words.filter(|word| !word.contains(&b'/') && *word != b"." && *word != b"..");
    names.take(NAMES).map(|name| OsString::from_vec(name.to_owned())).collect()
}

/// Allows the needed files and nothing else. Returns the version of landlock that this kernel has, if any.
pub(super) fn confine(needs: &Needs) -> Result<Option<ABI>, SandboxError> {
    let every = AccessFs::from_all(ABI::V5);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = (AccessFs::from_write(ABI::V3) | read)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock | AccessFs::MakeFifo);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(every)?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    let fd = PathFd::new(&needs.repository)
        .map_err(|error| SandboxError::Open(needs.repository.clone(), error))?;
    rules = rules.add_rule(PathBeneath::new(fd, write))?;
    // A new repository is made durable by syncing the folder that it is in, which has to be opened.
    if let Some(folder) = needs.repository.parent() {
        rules = allow(rules, folder, AccessFs::ReadDir.into())?;
    }
    rules = allow(rules, Path::new(NULL), AccessFs::ReadFile | AccessFs::WriteFile)?;
    let mut system: Vec<&Path> = ITSELF.iter().map(Path::new).collect();
    if !needs.programs.is_empty() {
        let elsewhere: Vec<PathBuf> = needs.programs.iter().copied().filter_map(elsewhere).collect();
        for path in PROGRAMS.iter().map(Path::new).chain(elsewhere.iter().map(PathBuf::as_path)) {
            rules = allow(rules, path, read | AccessFs::Execute)?;
        }
        system.extend(SYSTEM.iter().map(Path::new));
    }
    for path in system.into_iter().chain(needs.readable.iter().map(PathBuf::as_path)) {
        rules = allow(rules, path, read)?;
    }
    let status = rules.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi),
        _ => None,
    })
}

/// Adds a rule for a path. A missing path needs none: looking for it stays possible.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, SandboxError> {
    let Ok(fd) = PathFd::new(path) else { return Ok(rules) };
    let is_folder = std::fs::metadata(path).is_ok_and(|it| it.is_dir());
    let access = if is_folder { access } else { access & AccessFs::from_file(ABI::V5) };
    Ok(rules.add_rule(PathBeneath::new(fd, access))?)
}

/// A program of the search path, if it is not where the system's programs are.
fn elsewhere(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())?;
    (!PROGRAMS.iter().any(|known| found.as_os_str().as_bytes().starts_with(known.as_bytes())))
        .then_some(found)
}
