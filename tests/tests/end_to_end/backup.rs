//! Backups while imports run, restores, copies of roots, moves between databases: with the real program and Git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use package_import_tests::installation::binary;
use package_import_tests::queue::{Queue, name, text, wait_until, write_packages};
use rustix::process::{Pid, Signal, kill_process};

/// `STORM=long` makes the backups take longer than the imports beside them.
fn packages() -> usize {
    if std::env::var_os("STORM").is_some_and(|value| value == "long") { 40 } else { 12 }
}

/// The program for another root, with its state in `state` if that is given.
fn program(root: &Path, state: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("--root").arg(root).args(arguments);
    if let Some(url) = state {
        command.env("PACKAGE_IMPORT_STATE", url);
    }
    command.output().unwrap()
}

fn well(root: &Path, state: Option<&str>, arguments: &[&str]) -> String {
    let output = program(root, state, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.join("manifest.json").exists()).collect();
    found.sort();
    found
}

/// The refs of each repository below a root.
fn refs(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for prefix in fs::read_dir(root.join("repos")).unwrap() {
        for repository in fs::read_dir(prefix.unwrap().path()).unwrap() {
            let path = repository.unwrap().path();
            let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
            found.push((
                path.file_name().unwrap().to_string_lossy().into_owned(),
                read("packed-refs") + &read("HEAD"),
            ));
        }
    }
    found.sort();
    found
}

#[test]
fn backups_taken_while_imports_and_repacks_run_are_whole_and_can_be_brought_back() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let files = queue.installation.files();
        let below: [&[&str]; 3] = [&[], &["1.0-1"], &["1.0-2", "1.0-1"]];
        for (number, below) in below.iter().enumerate() {
            let folder = files.join(format!("{number}"));
            write_packages(&folder, packages(), &format!("1.0-{}", number + 1), below);
            queue.enqueue(&folder);
            if number == 0 {
                queue.well(&["run", "--jobs", "4"]);
            }
        }
        queue.installation.configure("[import]\nsuite = \"sid\"\n");
        let destination = files.join("backups");
        let to = destination.to_str().unwrap();
        let mut run = queue.start(&["--jobs", "4"]);
        let mut taken = 0;
        while run.try_wait().unwrap().is_none() || taken < 3 {
            queue.well(&["backup", "--keep", "0", to]);
            queue.well(&["repack", &name(taken % packages()), &name((taken * 7 + 3) % packages())]);
            taken += 1;
        }
        assert!(run.wait().unwrap().success());
        let all = backups(&destination);
        assert_eq!(all.len(), taken);
        for backup in &all {
            // Checksums, the state, and `git fsck`: no ref names what is not there.
            queue.well(&["backup", "--verify", backup.to_str().unwrap()]);
        }
        let sums =
            Command::new("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&all[0]).status();
        assert!(sums.unwrap().success());
        // One of the middle: what was not done then is done after it is brought back, and comes to the same.
        let root = files.join("restored");
        let other = queue.postgres.as_ref().map(|_| throwaway_postgres::schema());
        let said = well(&root, other.as_deref(), &["restore", all[taken / 2].to_str().unwrap()]);
        assert!(said.contains("epoch 2"), "{said}");
        well(&root, other.as_deref(), &["verify", "--state"]);
        well(&root, other.as_deref(), &["run", "--jobs", "4"]);
        assert_eq!(refs(&root), refs(&queue.installation.root()));
        well(&root, other.as_deref(), &["verify"]);
        well(&root, other.as_deref(), &["verify", "--state"]);
        assert!(root.join("config.toml").exists() && !root.join("restore.unfinished").exists());
        // Its age is known, for the check.
        assert!(queue.number("SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'last_backup'") > 0);
        let events = "SELECT COUNT(*) FROM event WHERE action = 'backup'";
        assert_eq!(queue.number(events), i64::try_from(taken).unwrap());
    }
}

#[test]
fn backups_share_what_has_not_changed_and_old_ones_go() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let destination = queue.installation.files().join("backups");
    let to = destination.to_str().unwrap();
    queue.well(&["backup", to]);
    let said = queue.well(&["backup", "--json", to]);
    assert!(said.contains("\"linked\":3") && said.contains("\"v\":1"), "a pack and its two indices: {said}");
    queue.well(&["backup", "--keep", "2", to]);
    assert_eq!(backups(&destination).len(), 2);
    queue.well(&["backup", "--verify", to]);
    fs::remove_dir_all(backups(&destination).remove(0)).unwrap();
    queue.well(&["backup", "--verify", to]);
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_overwritten() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let destination = queue.installation.files().join("backups");
    queue.well(&["backup", destination.to_str().unwrap()]);
    let backup = backups(&destination).remove(0);
    let source = backup.to_str().unwrap();
    let refused = queue.command(&["restore", source]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("is not empty"), "{}", text(&refused));
    let root = queue.installation.files().join("restored");
    fs::write(backup.join("repos/extra"), "x").unwrap();
    assert!(text(&program(&root, None, &["restore", source])).contains("does not belong"));
    fs::remove_file(backup.join("repos/extra")).unwrap();
    fs::write(backup.join("package-import-key"), "another").unwrap();
    let refused = program(&root, None, &["restore", source]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("damaged") && !root.exists(), "{}", text(&refused));
    let checked = program(&root, None, &["backup", "--verify", source]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
}

/// The repository of a package below a backup or a root.
fn repository(root: &Path, package: &str) -> PathBuf {
    root.join("repos").join("p").join(format!("{package}.git"))
}

/// A pack of a repository, one byte of it wrong.
fn rot(repository: &Path) {
    let packs = fs::read_dir(repository.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let pack = packs.into_iter().find(|path| path.extension().is_some_and(|it| it == "pack")).unwrap();
    let mut content = fs::read(&pack).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    // The backup before has the same file.
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, content).unwrap();
}

#[test]
fn repositories_that_are_damaged_in_a_backup_are_passed_over_and_come_from_another() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    write_packages(&files.join("first"), 4, "1.0-1", &[]);
    queue.enqueue(&files.join("first"));
    queue.well(&["run"]);
    let destination = files.join("backups");
    let to = destination.to_str().unwrap();
    queue.well(&["backup", to]);
    let old = backups(&destination).remove(0);
    write_packages(&files.join("second"), 4, "1.0-2", &["1.0-1"]);
    queue.enqueue(&files.join("second"));
    queue.well(&["run"]);
    let wanted = refs(&queue.installation.root());
    queue.well(&["backup", to]);
    let new = backups(&destination).remove(1);
    // Of four kinds: other content, a file too many, a file too few, nothing there at all.
    rot(&repository(&new, &name(0)));
    fs::write(repository(&new, &name(1)).join("extra"), "x").unwrap();
    fs::remove_file(repository(&new, &name(2)).join("HEAD")).unwrap();
    let root = files.join("restored");
    let restored = program(&root, None, &["restore", new.to_str().unwrap()]);
    assert_eq!(restored.status.code(), Some(1), "{}", text(&restored));
    let said = text(&restored);
    for (number, why) in [(0, "another content"), (1, "does not belong"), (2, "No such file")] {
        let line = format!("{}: damaged in the backup, not brought back: ", name(number));
        assert!(said.lines().any(|it| it.starts_with(&line) && it.contains(why)), "{line}{why}: {said}");
        assert!(!repository(&root, &name(number)).exists());
    }
    assert!(said.contains("3 repositories not brought back"), "{said}");
    let status = well(&root, None, &["status"]);
    assert!(status.contains("LOST: the repositories of 3 packages are not there"), "{status}");
    // The older backup has three of them whole; the newest versions are imported again.
    let packages: Vec<String> = (0..3).map(name).collect();
    let mut arguments = vec!["restore", old.to_str().unwrap(), "--package"];
    arguments.extend(packages.iter().map(String::as_str));
    let said = well(&root, None, &arguments);
    assert!(packages.iter().all(|name| said.contains(&format!("{name}: brought back"))), "{said}");
    well(&root, None, &["run"]);
    assert_eq!(refs(&root), wanted);
    well(&root, None, &["verify"]);
    let status = well(&root, None, &["status"]);
    assert!(!status.contains("LOST"), "{status}");
}

#[test]
fn single_repositories_are_brought_back_and_what_was_there_is_set_aside() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    write_packages(&files.join("first"), 2, "1.0-1", &[]);
    queue.enqueue(&files.join("first"));
    queue.well(&["run"]);
    let destination = files.join("backups");
    let to = destination.to_str().unwrap();
    queue.well(&["backup", to]);
    let root = queue.installation.root();
    let wanted = refs(&root);
    rot(&repository(&root, &name(0)));
    queue.well(&["restore", to, "--package", &name(0), "--reason", "a bad block"]);
    let aside = root.join("repos/p").join(format!(".{}.git.replaced-1", name(0)));
    assert!(aside.join("HEAD").exists(), "it is there still");
    queue.well(&["run"]);
    queue.well(&["verify"]);
    let now = refs(&root);
    assert_eq!(now.iter().filter(|(name, _)| !name.starts_with('.')).cloned().collect::<Vec<_>>(), wanted);
    assert!(queue.well(&["audit", &name(0)]).contains("a bad block"));
    // Each is brought back for itself: one that is not there, is damaged or locked keeps the others not back.
    let backup = backups(&destination).remove(0);
    rot(&repository(&backup, &name(1)));
    let some = queue.command(&["restore", to, "--package", "nosuch", &name(1), &name(0)]).output().unwrap();
    assert_eq!(some.status.code(), Some(1));
    let said = text(&some);
    assert!(
        said.contains("nosuch: not brought back") && said.contains("has no repository of nosuch"),
        "{said}"
    );
    assert!(said.contains(&format!("{}: not brought back", name(1))), "{said}");
    assert!(said.contains(&format!("{}: brought back", name(0))), "{said}");
    assert!(root.join("repos/p").join(format!(".{}.git.replaced-2", name(0))).exists());
}

/// A full disk for backups: the file is named, nothing half-done stays, and the backup before is as it was.
#[test]
fn a_backup_that_cannot_be_finished_leaves_nothing() {
    assert!(rustix::process::geteuid().is_root(), "this test makes a small file system and needs root");
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let destination = queue.installation.files().join("small");
    fs::create_dir(&destination).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        let status = command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&destination).status().unwrap();
        assert!(status.success(), "mount -o {options}");
    };
    mount("size=64m");
    let to = destination.to_str().unwrap();
    let backup = || {
        let output = queue.command(&["backup", to]).output().unwrap();
        (output.status.code(), text(&output))
    };
    let whole = backup();
    let filled = Command::new("dd")
        .arg("if=/dev/zero")
        .arg(format!("of={}", destination.join("full").display()))
        .args(["bs=4k"])
        .output()
        .unwrap();
    let full = backup();
    let left = destination.join(".unfinished").exists();
    let kept = backups(&destination).len();
    mount("remount,ro");
    let read_only = backup();
    let status = Command::new("umount").arg(&destination).status().unwrap();
    assert!(status.success() && !filled.status.success());
    assert_eq!(whole.0, Some(0), "{}", whole.1);
    assert_eq!((full.0, left, kept), (Some(1), false, 1), "{}", full.1);
    let is_named = full.1.contains("No space left") || full.1.contains("disk is full");
    assert!(is_named && full.1.contains(to), "{}", full.1);
    assert_eq!(read_only.0, Some(1));
    assert!(read_only.1.contains("Read-only file system") && read_only.1.contains(to), "{}", read_only.1);
}

#[test]
fn a_restore_that_was_cut_off_is_begun_anew() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let destination = queue.installation.files().join("backups");
    queue.well(&["backup", destination.to_str().unwrap()]);
    let root = queue.installation.files().join("restored");
    fs::create_dir_all(root.join("repos/half")).unwrap();
    fs::write(root.join("restore.unfinished"), "").unwrap();
    well(&root, None, &["restore", destination.to_str().unwrap()]);
    assert!(!root.join("repos/half").exists());
    assert_eq!(refs(&root), refs(&queue.installation.root()));
}

#[test]
fn an_older_state_learns_from_the_repositories() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    write_packages(&files.join("first"), 3, "1.0-1", &[]);
    queue.enqueue(&files.join("first"));
    queue.well(&["run"]);
    let destination = files.join("backups");
    queue.well(&["backup", destination.to_str().unwrap()]);
    write_packages(&files.join("second"), 3, "1.0-2", &["1.0-1"]);
    queue.enqueue(&files.join("second"));
    queue.well(&["run"]);
    // The disk with the state is lost, the repositories are not.
    let root = queue.installation.root();
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(root.join(format!("state.db{ending}")));
    }
    let said = queue.well(&["restore", "--state-only", destination.to_str().unwrap()]);
    assert!(said.contains("3 versions added"), "{said}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), 6);
    assert_eq!(
        queue.number("SELECT COUNT(*) FROM job WHERE lane = 4"),
        3,
        "they are looked at in lane verify"
    );
    let before = refs(&root);
    queue.well(&["run"]);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0);
    assert_eq!(refs(&root), before);
    queue.well(&["verify", "--state"]);
    // Workers can work: the new epoch is above the fences that stand in the repositories.
    write_packages(&files.join("third"), 3, "1.0-3", &["1.0-2", "1.0-1"]);
    queue.enqueue(&files.join("third"));
    queue.well(&["run"]);
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure"), 0);
}

#[test]
fn a_root_that_was_copied_while_it_ran_asks_to_be_adopted() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let copy = |to: &Path| {
        let from = queue.installation.root();
        assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    let stopped = queue.installation.files().join("stopped");
    copy(&stopped);
    well(&stopped, None, &["run"]);
    assert!(well(&stopped, None, &["audit"]).contains("moved"));
    let mut service = queue.start(&["--service"]);
    wait_until("the service has begun", || queue.number("SELECT COUNT(*) FROM run WHERE ended IS NULL") == 1);
    let running = queue.installation.files().join("running");
    copy(&running);
    let refused = program(&running, None, &["run"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
    assert!(text(&refused).contains("package-import adopt"), "{}", text(&refused));
    well(&running, None, &["adopt", "--reason", "the old disk is broken"]);
    well(&running, None, &["run"]);
    let pid = Pid::from_raw(i32::try_from(service.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(service.wait().unwrap().success());
}

#[test]
fn a_state_moves_to_postgresql_and_back() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    write_packages(&files.join("first"), 3, "1.0-1", &[]);
    queue.enqueue(&files.join("first"));
    queue.well(&["run"]);
    let url = throwaway_postgres::schema();
    let looked = queue.well(&["migrate", "--to", &url, "--dry-run"]);
    assert!(looked.contains("is empty"), "{looked}");
    let said = queue.well(&["migrate", "--to", &url]);
    assert!(said.contains("equal rows and checksums") && said.contains("[state]"), "{said}");
    let refused = queue.command(&["run"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
    // The hint is what config.toml takes.
    let hint: String =
        said.lines().skip_while(|line| *line != "[state]").take(2).collect::<Vec<_>>().join("\n");
    queue.installation.configure(&hint);
    write_packages(&files.join("second"), 3, "1.0-2", &["1.0-1"]);
    queue.enqueue(&files.join("second"));
    queue.well(&["run"]);
    queue.well(&["verify", "--state"]);
    queue.well(&["migrate", "--to", "sqlite:back.db"]);
    queue.installation.configure("[state]\nurl = \"sqlite:back.db\"\n");
    let said = queue.well(&["migrate"]);
    assert!(said.contains("nothing to do"), "{said}");
    queue.well(&["run"]);
    queue.well(&["verify", "--state"]);
    assert!(queue.well(&["prune", "--dry-run", "--days", "1"]).contains("attempt: 0"));
    queue.well(&["prune", "--days", "1"]);
}
