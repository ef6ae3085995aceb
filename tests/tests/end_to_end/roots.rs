//! Owners of a root, and its names: links of its owner that root meets, and suites that cannot be branches.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use package_import_tests::installation::{binary, copy_binary};
use package_import_tests::oracle::is_root;
use package_import_tests::queue::{Queue, text};
use package_import_tests::synthetic::package;

/// Another user, as every Debian has one.
const NOBODY: u32 = 65534;

/// The binary, where other users can run it.
fn for_everybody(folder: &Path) -> PathBuf {
    let copy = folder.join("package-import");
    copy_binary(&copy);
    copy
}

fn own(path: &Path) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            own(&path);
        }
        let _ = std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY));
    }
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
}

/// Everything below a folder: name, mode, owner, content.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let it = fs::symlink_metadata(&path).unwrap();
        let content = if it.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
        found.push(format!("{} {:o} {} {content}", path.display(), it.mode(), it.uid()));
        if it.is_dir() {
            found.extend(listing(&path));
        }
    }
    found.sort();
    found
}

/// Whatever the owner of a root has put there, root that works in it changes and reads nothing elsewhere.
#[test]
fn root_in_the_root_of_somebody_else_is_led_nowhere() {
    assert!(is_root(), "this test works as two users and needs root");
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = for_everybody(folder.path());
    let (root, precious) = (folder.path().join("root"), folder.path().join("precious"));
    let files = folder.path().join("files");
    for folder in [&root, &precious, &files, &precious.join("folder")] {
        fs::create_dir(folder).unwrap();
    }
    for name in ["file", "folder/file"] {
        fs::write(precious.join(name), "precious").unwrap();
        fs::set_permissions(precious.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let first = package("hello", "1.0-1").write(&files);
    let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&files);
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(&program);
        command.arg("--root").arg(&root).args(arguments).output().unwrap()
    };
    let import = |dsc: &Path| run(&["import", "--allow-unsigned", dsc.to_str().unwrap()]);
    own(&root);
    let good = import(&first);
    assert!(good.status.success(), "{}", text(&good));
    for path in [root.join("state.db"), root.join("repos/h/hello.git/HEAD"), root.join("logs")] {
        assert_eq!(fs::metadata(&path).unwrap().uid(), NOBODY, "{} belongs to the owner", path.display());
    }
    let before = listing(&precious);
    let day = fs::read_dir(root.join("logs")).unwrap().next().unwrap().unwrap().path();
    let repository = root.join("repos/h/hello.git");
    let places = [
        (repository.join("package-import.flock"), "file"),
        (repository.join("packed-refs"), "file"),
        (repository.join("HEAD"), "file"),
        (repository.join("package-import"), "folder"),
        (repository.join("objects/pack"), "folder"),
        (day, "folder"),
        (root.join("logs"), "folder"),
        (root.join("cache"), "folder"),
        (root.join("config.toml"), "file"),
        (root.join("state.db"), "file"),
        (root.join("state.db-wal"), "file"),
        (root.join("repos"), "folder"),
    ];
    let out = folder.path().join("out");
    let commands: [&[&str]; 9] = [
        &["import", "--allow-unsigned", second.to_str().unwrap()],
        &["run"],
        &["status"],
        &["show", "hello"],
        &["log", "hello"],
        &["verify"],
        &["repack"],
        &["prune"],
        &["backup", out.to_str().unwrap()],
    ];
    for (place, target) in places {
        let aside = place.with_extension("aside");
        let was_there = fs::rename(&place, &aside).is_ok();
        symlink(precious.join(target), &place).unwrap();
        std::os::unix::fs::lchown(&place, Some(NOBODY), Some(NOBODY)).unwrap();
        for arguments in commands {
            let output = run(arguments);
            assert!(output.status.code().is_some(), "{arguments:?}");
            assert!(!text(&output).contains("precious\n"), "{arguments:?}: {}", text(&output));
            assert_eq!(listing(&precious), before, "{} -> {target}: {arguments:?}", place.display());
        }
        let _ = fs::remove_file(&place);
        if was_there {
            let _ = fs::remove_dir_all(&place);
            fs::rename(&aside, &place).unwrap();
        }
    }
    let good = import(&second);
    assert!(good.status.success(), "{}", text(&good));
}

fn suite(queue: &Queue, command: &str, suite: &str, dsc: &Path) -> (i32, String) {
    let arguments = [command, "--allow-unsigned", "--suite", suite, dsc.to_str().unwrap()];
    let output = queue.command(&arguments).output().unwrap();
    (output.status.code().unwrap(), text(&output))
}

#[test]
fn a_suite_that_cannot_be_a_branch_is_refused_at_once() {
    let queue = Queue::sqlite();
    let dsc = package("hello", "1.0-1").write(&queue.installation.files());
    for name in
        ["x".repeat(300), "x".repeat(201), "a/".repeat(600) + "a", "a..b".into(), "a b".into(), "a/".into()]
    {
        for command in ["import", "enqueue"] {
            let (code, said) = suite(&queue, command, &name, &dsc);
            assert_eq!(code, 2, "{command} {name}: {said}");
            assert!(said.contains("branch's name") && !said.contains("os error"), "{said}");
        }
        queue.installation.configure(&format!("[import]\nsuite = {name:?}\n"));
        let output = queue.command(&["import", "--allow-unsigned", dsc.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        queue.installation.configure("");
    }
    assert!(!queue.installation.root().join("repos").exists());
}

#[test]
fn a_suite_below_another_is_refused_with_the_remedy() {
    for (first, second, remedy) in [
        ("buster", "buster/updates", "--suite buster-updates"),
        ("buster/updates", "buster", "another name"),
        ("a/b", "a/b/c", "--suite a-b-c"),
    ] {
        let queue = Queue::sqlite();
        let dsc = package("hello", "1.0-1").write(&queue.installation.files());
        let other = package("other", "1.0-1").write(&queue.installation.files());
        assert_eq!(suite(&queue, "import", first, &dsc).0, 0);
        let before = queue.number("SELECT count(*) FROM attempt");
        for command in ["import", "enqueue"] {
            let (code, said) = suite(&queue, command, second, &dsc);
            assert_eq!(code, 2, "{said}");
            assert!(said.contains("hello has the branch debian/") && said.contains(remedy), "{said}");
        }
        assert_eq!(queue.number("SELECT count(*) FROM attempt"), before);
        assert_eq!(suite(&queue, "import", second, &other).0, 0, "another package has room for it");
    }
}

#[test]
fn suites_of_the_configuration_that_exclude_each_other_are_refused() {
    let queue = Queue::sqlite();
    let archive = |name: &str, suites: &str| {
        format!(
            "[[archives]]\nname = '{name}'\ndistro = 'debian'\nmirrors = ['file:///m']\nkeyrings = ['/k']\n{suites}"
        )
    };
    let of =
        |name: &str, branch: &str| format!("[[archives.suites]]\nname = '{name}'\nbranch = '{branch}'\n");
    for (suites, word) in [
        (of("buster", "buster") + &of("buster/updates", "buster/updates"), "another `branch`"),
        (of("buster", "a b"), "git-check-ref-format"),
        (of("buster", "../../x"), "git-check-ref-format"),
        (of("buster", &"x".repeat(300)), "too long"),
    ] {
        queue.installation.configure(&archive("a", &suites));
        let output = queue.command(&["poll"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(word), "{}", text(&output));
    }
    let two = archive("a", &of("buster", "buster")) + &archive("b", &of("x", "buster/updates"));
    queue.installation.configure(&two);
    assert_eq!(queue.command(&["poll"]).output().unwrap().status.code(), Some(2));
}

fn said(queue: &Queue, arguments: &[&str]) -> (i32, String) {
    let output = queue.command(arguments).output().unwrap();
    (output.status.code().unwrap(), text(&output))
}

fn imported(queue: &Queue, name: &str, version: &str, below: &[&str]) -> PathBuf {
    let dsc = package(name, version).below(below).write(&queue.installation.files());
    queue.installation.import_well("debian", "sid", &[&dsc]);
    dsc
}

/// The state's files, moved away.
fn lose_state(queue: &Queue) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(queue.installation.root().join(format!("state.db{ending}")));
    }
}

#[test]
fn a_state_that_knows_nothing_of_its_repositories_is_refused() {
    for is_there in [false, true] {
        let queue = Queue::sqlite();
        imported(&queue, "hello", "1.0-1", &[]);
        let refs = queue.refs();
        lose_state(&queue);
        if is_there {
            fs::write(queue.installation.root().join("state.db"), "").unwrap();
        }
        let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&queue.installation.files());
        let second = second.to_str().unwrap();
        let archive = "[[archives]]\nname = \"debian\"\ndistro = \"debian\"\nmirrors = [\"file:///nonexistent\"]\n\
            keyrings = [\"/usr/share/keyrings/debian-archive-keyring.gpg\"]\nsuites = [{ name = \"sid\" }]\n";
        fs::write(queue.installation.root().join("config.toml"), archive).unwrap();
        let commands: [&[&str]; 9] = [
            // A poll fills an empty state, and what has packages is refused no more.
            &["poll"],
            &["status"],
            &["run"],
            &["queue"],
            &["failures"],
            &["workers"],
            &["import", "--allow-unsigned", second],
            &["enqueue", "--allow-unsigned", second],
            &["tune"],
        ];
        for arguments in commands {
            let (code, said) = said(&queue, arguments);
            assert_ne!(code, 0, "{arguments:?}: {said}");
            assert!(said.contains("package-import adopt") && said.contains("restore --state-only"), "{said}");
        }
        assert_eq!(queue.refs(), refs);
        let (code, said) = said(&queue, &["adopt", "--reason", "state lost"]);
        assert_eq!((code, said.contains("1 versions added")), (0, true), "{said}");
        queue.well(&["status"]);
        queue.well(&["import", "--allow-unsigned", second]);
        assert_eq!(queue.number("SELECT count(*) FROM version"), 2);
        queue.installation.assert_clean("hello");
    }
}

#[test]
fn a_state_that_is_older_than_its_repositories_says_so_and_is_adopted() {
    let queue = Queue::sqlite();
    let root = queue.installation.root();
    imported(&queue, "hello", "1.0-1", &[]);
    queue.well(&["run"]);
    let old = queue.installation.files().join("old.db");
    assert!(Command::new("cp").arg(root.join("state.db")).arg(&old).status().unwrap().success());
    let wal = queue.installation.files().join("old.db-wal");
    let _ = fs::copy(root.join("state.db-wal"), &wal);
    for (version, below) in [("1.1-1", &["1.0-1"][..]), ("1.2-1", &["1.1-1", "1.0-1"])] {
        imported(&queue, "hello", version, below);
    }
    lose_state(&queue);
    fs::copy(&old, root.join("state.db")).unwrap();
    let _ = fs::copy(&wal, root.join("state.db-wal"));
    let third =
        package("hello", "1.3-1").below(&["1.2-1", "1.1-1", "1.0-1"]).write(&queue.installation.files());
    let arguments = ["import", "--allow-unsigned", third.to_str().unwrap()];
    let (code, text) = said(&queue, &arguments);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("state/older-than-repositories") && text.contains("package-import adopt"),
        "{text}"
    );
    let (code, text) = said(&queue, &["adopt"]);
    assert_eq!((code, text.contains("2 versions added")), (0, true), "{text}");
    queue.well(&arguments);
    assert_eq!(queue.number("SELECT count(*) FROM version"), 4);
    queue.installation.assert_clean("hello");
}

#[test]
fn a_lost_repository_begins_no_other_history() {
    let queue = Queue::sqlite();
    imported(&queue, "hello", "1.0-1", &[]);
    imported(&queue, "hello", "1.1-1", &["1.0-1"]);
    let refs = queue.refs();
    let repository = queue.installation.repository("hello");
    fs::remove_dir_all(&repository).unwrap();
    let third = package("hello", "1.2-1").below(&["1.1-1", "1.0-1"]).write(&queue.installation.files());
    let import = ["import", "--allow-unsigned", third.to_str().unwrap()];
    let (code, text) = said(&queue, &import);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("publish/repository-lost") && text.contains("requeue hello"), "{text}");
    assert_eq!(queue.texts("SELECT class FROM failure"), ["infrastructure"]);
    assert!(!repository.join("HEAD").exists(), "nothing has begun");
    queue.well(&["requeue", "hello"]);
    queue.well(&["run"]);
    let again = queue.refs();
    let tags = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("refs/tags/debian/1.")).map(str::to_owned).collect()
    };
    let (before, after) = (tags(&refs["hello.git"]), tags(&again["hello.git"]));
    assert!(!before.is_empty() && before.iter().all(|line| after.contains(line)), "{before:?} {after:?}");
    assert_eq!(after.len(), 3, "and the third: {after:?}");
    assert_eq!(queue.number("SELECT count(*) FROM failure"), 0);
}

#[test]
fn a_state_is_brought_back_beside_damaged_repositories() {
    let queue = Queue::sqlite();
    for name in ["aa", "bb", "cc"] {
        imported(&queue, name, "1.0-1", &[]);
    }
    let backups = queue.installation.files().join("backups");
    queue.well(&["backup", backups.to_str().unwrap()]);
    imported(&queue, "cc", "1.1-1", &["1.0-1"]);
    fs::write(queue.installation.repository("aa").join("packed-refs"), "nonsense\n").unwrap();
    fs::remove_dir_all(queue.installation.repository("bb").join("objects/pack")).unwrap();
    lose_state(&queue);
    let restore = ["restore", "--state-only", backups.to_str().unwrap()];
    let (code, text) = said(&queue, &restore);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("aa: damaged") && text.contains("bb: damaged"), "{text}");
    assert!(text.contains("1 versions added to the records"), "{text}");
    queue.well(&["status"]);
    assert_eq!(queue.number("SELECT count(*) FROM version WHERE version = '1.1-1'"), 1);
    queue.well(&["run"]);
    assert_eq!(
        queue.texts("SELECT p.name FROM failure f JOIN package p ON p.id = f.package_id ORDER BY 1"),
        // `aa` was mended: its record has everything that it had written.
        ["bb"]
    );
    // One that was cut off is begun anew by the same command; one that is complete is not overwritten.
    let (code, text) = said(&queue, &restore);
    assert_eq!((code, text.contains("is not empty")), (1, true), "{text}");
    let incoming = "INSERT INTO meta (name, value) VALUES ('incoming', 'x')";
    queue.store().write(|tx| tx.execute(incoming, &[]).map(drop)).unwrap();
    assert_ne!(said(&queue, &["status"]).0, 0);
    let (code, text) = said(&queue, &restore);
    assert_eq!(code, 0, "{text}");
    queue.well(&["status"]);
}

/// A disk that takes nothing any more is a reason to make a backup, not one to refuse it.
#[test]
fn a_backup_of_a_root_that_cannot_be_written() {
    assert!(is_root(), "this test makes a file system read-only and needs root");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let mount = |options: &str| {
        let status =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&root).status().unwrap();
        assert!(status.success(), "mount -o {options}");
    };
    mount("size=160m");
    let run = |arguments: &[&str]| {
        let output = Command::new(binary()).arg("--root").arg(&root).args(arguments).output().unwrap();
        (output.status.code(), text(&output))
    };
    let dsc = package("hello", "1.0-1").write(folder.path());
    let backups = folder.path().join("backups");
    let backups = backups.to_str().unwrap();
    let imported = run(&["import", "--allow-unsigned", dsc.to_str().unwrap()]);
    mount("remount,ro");
    let read_only = run(&["backup", backups]);
    mount("remount,rw,size=160m");
    let _ = Command::new("dd")
        .arg("if=/dev/zero")
        .arg(format!("of={}", root.join("full").display()))
        .args(["bs=64k"])
        .output();
    let full = run(&["backup", backups]);
    let status = Command::new("umount").arg(&root).status().unwrap();
    assert!(status.success());
    assert_eq!(imported.0, Some(0), "{}", imported.1);
    for (code, said) in [read_only, full] {
        assert!(code == Some(0) || said.contains("state.db"), "{said}");
        assert!(said.contains("1 repositories"), "{said}");
    }
}

#[test]
fn verify_names_what_keeps_an_import_out() {
    let queue = Queue::sqlite();
    imported(&queue, "hello", "1.0-1", &[]);
    let repository = queue.installation.repository("hello");
    assert_eq!(said(&queue, &["verify", "hello"]).0, 0);
    let pack = fs::read_dir(repository.join("objects/pack")).unwrap().flatten().map(|it| it.path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|it| it == "pack")).unwrap();
    let whole = fs::read(&pack).unwrap();
    let packed = repository.join("packed-refs");
    let refs = fs::read(&packed).unwrap();
    type Damage<'a> = (&'a str, Box<dyn Fn() + 'a>, Box<dyn Fn() + 'a>, &'a [&'a str]);
    let lock = repository.join("HEAD.lock");
    let loose = repository.join("refs/heads/debian/sid.lock");
    let damages: [Damage<'_>; 5] = [
        (
            "a lock",
            Box::new(|| fs::write(&lock, "").unwrap()),
            Box::new(|| fs::remove_file(&lock).unwrap()),
            &["HEAD.lock", "rm "],
        ),
        (
            "the lock of a branch",
            Box::new(|| {
                fs::create_dir_all(loose.parent().unwrap()).unwrap();
                fs::write(&loose, "").unwrap();
            }),
            Box::new(|| fs::remove_file(&loose).unwrap()),
            &["refs/heads/debian/sid.lock", "rm "],
        ),
        (
            "a pack that is gone",
            Box::new(|| fs::remove_file(&pack).unwrap()),
            Box::new(|| fs::write(&pack, &whole).unwrap()),
            &["its pack is gone", ".idx"],
        ),
        (
            "a torn pack",
            Box::new(|| {
                let _ = fs::remove_file(&pack);
                fs::write(&pack, &whole[..20]).unwrap();
            }),
            Box::new(|| fs::write(&pack, &whole).unwrap()),
            &["is cut off", ".pack"],
        ),
        (
            "a bad line",
            Box::new(|| fs::write(&packed, [&refs[..], b"nonsense\n"].concat()).unwrap()),
            Box::new(|| fs::write(&packed, &refs).unwrap()),
            &["packed-refs:", "repair plan hello"],
        ),
    ];
    for (what, damage, mend, words) in damages {
        damage();
        let (code, text) = said(&queue, &["verify", "hello"]);
        assert_eq!(code, 1, "{what}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{what}: {text}");
        assert!(!text.contains("run `package-import verify`"), "{what}: {text}");
        let (_, shown) = said(&queue, &["show", "hello"]);
        assert!(shown.contains("hello: current"), "{what}: what the state knows is shown: {shown}");
        mend();
        let (code, text) = said(&queue, &["verify", "hello"]);
        assert_eq!(code, 0, "{what}: {text}");
    }
    // The advice works.
    fs::write(&packed, [&refs[..], b"nonsense\n"].concat()).unwrap();
    let (_, text) = said(&queue, &["verify", "hello"]);
    assert!(text.contains("Next: package-import repair plan hello"), "{text}");
    assert_eq!(said(&queue, &["repair", "plan", "hello"]).0, 0);
    assert_eq!(said(&queue, &["repair", "apply", "1", "--reason", "a bad line"]).0, 0);
    assert_eq!(said(&queue, &["verify", "hello"]).0, 0);
}

#[test]
fn a_setting_has_bounds() {
    let queue = Queue::sqlite();
    imported(&queue, "hello", "1.0-1", &[]);
    for value in ["100000", "1025", "0", "-1", "x"] {
        let (code, text) = said(&queue, &["set", &format!("jobs={value}")]);
        assert_eq!((code, text.contains("from 1 to 1024")), (2, true), "{text}");
    }
    assert_eq!(said(&queue, &["set", "jobs=1024"]).0, 0);
    let text = queue.well(&["tune"]);
    let advised = text.split("set jobs=").nth(1).unwrap();
    let advised: usize = advised.trim_end().trim_end_matches('`').parse().unwrap();
    assert!(advised <= std::thread::available_parallelism().unwrap().get(), "{text}");
}
