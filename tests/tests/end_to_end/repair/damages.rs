//! The damages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One way to damage a repository.
pub struct Damage {
    /// The package that it is done to.
    pub package: &'static str,
    /// The code of a finding that says so.
    pub code: &'static str,
    /// Does it.
    pub inflict: fn(&Path),
    /// True if `verify` finds nothing after an apply.
    pub heals: bool,
}

const fn damage(package: &'static str, code: &'static str, inflict: fn(&Path)) -> Damage {
    Damage { package, code, inflict, heals: true }
}

/// One after which ours has another name, and somebody decides about theirs.
const fn replaced(package: &'static str, code: &'static str, inflict: fn(&Path)) -> Damage {
    Damage { package, code, inflict, heals: false }
}

/// All that are about a repository by itself.
pub const DAMAGES: &[Damage] = &[
    damage("branch-deleted", "ref-gone", |it| remove(it, "refs/heads/debian/sid")),
    damage("applied-branch-deleted", "ref-gone", |it| remove(it, "refs/heads/applied/debian/sid")),
    damage("branch-rewound", "branch-behind", |it| {
        let old = git(it, &["rev-parse", "debian/1.0-1^{commit}"]);
        git(it, &["update-ref", "refs/heads/debian/sid", &old]);
    }),
    damage("branch-replaced", "branch-moved", |it| {
        let commit = foreign_commit(it);
        git(it, &["update-ref", "refs/heads/debian/sid", &commit]);
    }),
    damage("tag-deleted", "tag-gone", |it| remove(it, "refs/tags/debian/1.0-1")),
    damage("applied-tag-deleted", "applied-gone", |it| remove(it, "refs/tags/applied/debian/1.0-2")),
    damage("upstream-tag-deleted", "upstream-gone", |it| remove(it, "refs/tags/upstream/1.0")),
    damage("dsc-deleted", "dsc-gone", |it| remove(it, "refs/dsc/debian/1.0-1")),
    damage("all-tags-deleted", "tag-gone", |it| {
        for name in git(it, &["for-each-ref", "--format=%(refname)", "refs/tags"]).lines() {
            remove(it, name);
        }
    }),
    damage("packed-refs-gone", "tag-gone", |it| fs::remove_file(it.join("packed-refs")).unwrap()),
    damage("packed-refs-garbage", "packed-refs-broken", |it| {
        edit(it, "packed-refs", |text| text + "not a ref\n")
    }),
    damage("packed-refs-crlf", "packed-refs-broken", |it| {
        edit(it, "packed-refs", |text| text.replace('\n', "\r\n"))
    }),
    damage("packed-refs-cut", "packed-refs-broken", |it| {
        edit(it, "packed-refs", |text| text[..text.len() - 30].to_owned());
    }),
    damage("packed-refs-unsorted", "packed-refs-broken", |it| {
        edit(it, "packed-refs", |text| {
            let (head, rest) = text.split_once('\n').unwrap();
            let mut refs: Vec<&str> = rest.lines().filter(|line| !line.starts_with('^')).collect();
            refs.reverse();
            format!("{head}\n{}\n", refs.join("\n"))
        });
    }),
    damage("peeled-wrong", "peeled-wrong", |it| {
        let other = git(it, &["rev-parse", "debian/1.0-2^{commit}"]);
        edit(it, "packed-refs", |text| {
            let mut is_next = false;
            let change = |line: &str| {
                let changed = if is_next { format!("^{other}") } else { line.to_owned() };
                is_next = line.ends_with(" refs/tags/debian/1.0-1");
                changed
            };
            text.lines().map(change).collect::<Vec<_>>().join("\n") + "\n"
        });
    }),
    damage("loose-empty", "ref-unreadable", |it| loose(it, "refs/heads/debian/sid", "")),
    damage("loose-garbage", "ref-unreadable", |it| loose(it, "refs/tags/debian/1.0-1", "\0\0\0\0\n")),
    damage("others-lost", "objects-missing", |it| {
        loose(it, "refs/heads/topic", &format!("{}\n", "1".repeat(40)))
    }),
    damage("head-gone", "head-missing", |it| fs::remove_file(it.join("HEAD")).unwrap()),
    damage("head-garbage", "head-missing", |it| fs::write(it.join("HEAD"), "\0\0\0").unwrap()),
    damage("head-nowhere", "head-wrong", |it| {
        fs::write(it.join("HEAD"), "ref: refs/heads/master\n").unwrap()
    }),
    damage("lock-left", "lock-left", |it| left(it, "packed-refs.lock")),
    damage("branch-lock-left", "lock-left", |it| left(it, "refs/heads/debian/sid.lock")),
    damage("hook", "hooks-foreign", |it| {
        fs::create_dir_all(it.join("hooks")).unwrap();
        let path = it.join("hooks/post-update");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }),
    damage("alternates", "alternates-foreign", |it| {
        fs::create_dir_all(it.join("objects/info")).unwrap();
        fs::write(it.join("objects/info/alternates"), "/nonexistent/objects\n").unwrap();
    }),
    damage("config-gone", "config-changed", |it| fs::remove_file(it.join("config")).unwrap()),
    damage("config-hooks", "config-changed", |it| {
        edit(it, "config", |text| text.replace("[core]\n", "[core]\n\thooksPath = /tmp\n"));
    }),
    damage("record-gone", "record-gone", |it| fs::remove_file(it.join("package-import-record")).unwrap()),
    damage("record-broken", "record-broken", |it| {
        edit(it, "package-import-record", |text| text.replacen("refs/tags", "refs/tagz", 1));
    }),
    damage("refs-folder-gone", "folder-gone", |it| fs::remove_dir_all(it.join("refs")).unwrap()),
    damage("index-gone", "pack-index-gone", |it| each_pack(it, "idx", |path| fs::remove_file(path).unwrap())),
    damage("pack-cut", "pack-torn", |it| each_pack(it, "pack", cut)),
    damage("pack-flipped", "objects-missing", |it| each_pack(it, "pack", flip)),
    damage("packs-gone", "pack-gone", |it| each_pack(it, "pack", |path| fs::remove_file(path).unwrap())),
    damage("objects-gone", "objects-missing", |it| {
        each_pack(it, "idx", |path| fs::remove_file(path).unwrap());
        each_pack(it, "rev", |path| fs::remove_file(path).unwrap());
        each_pack(it, "pack", |path| fs::remove_file(path).unwrap());
    }),
    damage("mode", "mode-wrong", |it| {
        fs::set_permissions(it.join("packed-refs"), fs::Permissions::from_mode(0o000)).unwrap();
    }),
    damage("owner", "owner-wrong", |it| {
        std::os::unix::fs::chown(it.join("packed-refs"), Some(1234), None).unwrap();
        each_pack(it, "pack", |path| std::os::unix::fs::chown(path, Some(1234), None).unwrap());
    }),
    replaced("tag-replaced", "ref-replaced", |it| replace(it, "refs/tags/debian/1.0-1")),
    replaced("applied-tag-replaced", "ref-replaced", |it| replace(it, "refs/tags/applied/debian/1.0-2")),
    replaced("upstream-tag-replaced", "ref-replaced", |it| replace(it, "refs/tags/upstream/1.0")),
    damage("applied-branch-rewound", "branch-behind", |it| {
        let old = git(it, &["rev-parse", "applied/debian/1.0-1^{commit}"]);
        git(it, &["update-ref", "refs/heads/applied/debian/sid", &old]);
    }),
    damage("all-branches-deleted", "ref-gone", |it| {
        for name in git(it, &["for-each-ref", "--format=%(refname)", "refs/heads"]).lines() {
            remove(it, name);
        }
    }),
    damage("packed-refs-empty", "tag-gone", |it| fs::write(it.join("packed-refs"), "").unwrap()),
    damage("pack-folder-gone", "folder-gone", |it| fs::remove_dir_all(it.join("objects/pack")).unwrap()),
    damage("pack-mode", "mode-wrong", |it| {
        each_pack(it, "pack", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap());
    }),
    damage("config-lock", "lock-left", |it| left(it, "config.lock")),
    damage("config-garbage", "config-changed", |it| fs::write(it.join("config"), "[core\n\0").unwrap()),
    damage("record-cut", "record-broken", |it| cut(&it.join("package-import-record"))),
    damage("several", "head-missing", |it| {
        fs::remove_file(it.join("HEAD")).unwrap();
        edit(it, "packed-refs", |text| text.replacen("refs/heads/debian/sid", "refs/heads/debian/..", 1));
        left(it, "HEAD.lock");
        loose(it, "refs/tags/debian/1.0-2", "");
        fs::set_permissions(it.join("config"), fs::Permissions::from_mode(0o200)).unwrap();
    }),
];

/// Those that only the long form tries: they are like others of the list.
pub const LONG: [&str; 10] = [
    "applied-tag-replaced",
    "upstream-tag-replaced",
    "applied-branch-rewound",
    "all-branches-deleted",
    "packed-refs-empty",
    "pack-folder-gone",
    "pack-mode",
    "config-lock",
    "config-garbage",
    "record-cut",
];

pub fn git(repository: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(["-c", "safe.directory=*", "-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn foreign_commit(repository: &Path) -> String {
    let tree = git(repository, &["rev-parse", "debian/1.0-1^{tree}"]);
    git(repository, &["commit-tree", &tree, "-m", "mine"])
}

/// A commit of somebody else's under a name of ours.
fn replace(repository: &Path, name: &str) {
    let commit = foreign_commit(repository);
    git(repository, &["update-ref", name, &commit]);
}

fn remove(repository: &Path, name: &str) {
    git(repository, &["update-ref", "-d", name]);
}

pub fn edit(repository: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = repository.join(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(text)).unwrap();
}

fn loose(repository: &Path, name: &str, text: &str) {
    let path = repository.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A lock that was left two hours ago.
fn left(repository: &Path, name: &str) {
    loose(repository, name, "");
    let file = fs::File::options().write(true).open(repository.join(name)).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(7200)).unwrap();
}

fn each_pack(repository: &Path, ending: &str, change: impl Fn(&Path)) {
    let entries = fs::read_dir(repository.join("objects/pack")).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == ending)) {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o644));
        change(path);
    }
}

fn cut(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    fs::File::options().write(true).open(path).unwrap().set_len(length / 2).unwrap();
}

fn flip(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0x55;
    fs::write(path, content).unwrap();
}
