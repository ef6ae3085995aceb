//! Headers of the patches of real packages, compared with what `git am` makes of them: one of six, or all of them with
//! `STORM=long`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use package_import_tests::real;
use source_package::patch_header::PatchHeader;

#[test]
fn headers_of_real_patches_are_read_as_git_am_reads_them() {
    let scratch = tempfile::tempdir().unwrap();
    let (mut compared, mut different) = (0, Vec::new());
    let step = if real::is_long() { 1 } else { 6 };
    for dsc in real::fetch().into_iter().flat_map(|(_, dscs)| dscs) {
        for patch in patches(&dsc).into_iter().filter(|patch| is_mail(patch)).step_by(step) {
            let (ours, theirs) = (ours(&patch), git_am(&patch, scratch.path()));
            compared += 1;
            if ours != theirs {
                different.push(format!("{}:\n  ours {ours:?}\n  git  {theirs:?}", dsc.display()));
            }
        }
    }
    println!("{compared} compared");
    assert!(compared >= 20, "apt delivered only {compared} patches that are mails");
    assert!(different.is_empty(), "{} of {compared}:\n{}", different.len(), different.join("\n"));
}

fn is_mail(patch: &[u8]) -> bool {
    patch.starts_with(b"From") && patch.windows(9).any(|window| window == b"\nSubject:")
}

/// The files in `debian/patches` of a package.
fn patches(dsc: &Path) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let listed = fs::read_to_string(dsc).unwrap();
    let name = listed
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .find(|name| name.contains(".debian.tar."));
    let Some(name) = name else { return Vec::new() };
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(dsc.with_file_name(name)).arg("-C").arg(folder.path());
    assert!(tar.status().unwrap().success(), "{tar:?}");
    let mut files = Vec::new();
    files_below(&folder.path().join("debian/patches"), &mut files);
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_below(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

/// Author, address and subject.
fn ours(patch: &[u8]) -> [String; 3] {
    let header = PatchHeader::parse(patch);
    let (name, email) =
        header.author.map(|author| (author.name().to_owned(), author.email().to_owned())).unwrap_or_default();
    [name, email, header.subject.unwrap_or_default()]
}

fn git_am(patch: &[u8], scratch: &Path) -> [String; 3] {
    fs::write(scratch.join("patch"), patch).unwrap();
    let output = Command::new("git")
        .args(["mailinfo", "-u", "message", "diff"])
        .current_dir(scratch)
        .stdin(Stdio::from(fs::File::open(scratch.join("patch")).unwrap()))
        .output()
        .unwrap();
    let info = String::from_utf8_lossy(&output.stdout).into_owned();
    ["Author: ", "Email: ", "Subject: "]
        .map(|name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned())
}
