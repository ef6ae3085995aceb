//! Refs as Git reads them, and moves them at the same time.

use std::fs;
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;

use crate::common::{Scratch, edit, git, objects, scratch, transact};
use packaging_repo::{Error, ObjectId};

/// No lock, no second name of one, no empty folder below `refs`.
fn assert_tidy(scratch: &Scratch) {
    let loose: Vec<String> = files(scratch, "refs");
    assert!(loose.is_empty(), "{loose:?}");
    let others = ["packed-refs.lock", "package-import.packed-refs"];
    assert!(others.iter().all(|name| !scratch.path().join(name).exists()));
}

/// Everything below a folder but `refs/heads` and `refs/tags` themselves.
fn files(scratch: &Scratch, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(scratch.path().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            let below = files(scratch, &name);
            if below.is_empty() && !matches!(name.as_str(), "refs/heads" | "refs/tags") {
                found.push(name);
            }
            found.extend(below);
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn git_sees_what_was_moved() {
    let scratch = scratch();
    let (commits, tag) = objects(&scratch, 2);
    let edits = [
        edit("refs/heads/debian/sid", None, commits[0], None),
        edit("refs/heads/applied/debian/sid", None, commits[1], None),
        edit("refs/tags/debian/1%2_3.#", None, tag, Some(commits[0])),
    ];
    transact(&scratch, &edits).unwrap();
    let expected = format!(
        "{} refs/heads/applied/debian/sid\n{} refs/heads/debian/sid\n{tag} refs/tags/debian/1%2_3.#\n{} refs/tags/debian/1%2_3.#^{{}}\n",
        commits[1], commits[0], commits[0]
    );
    assert_eq!(scratch.git(&["show-ref", "-d"]), expected);
    transact(&scratch, &[edit("refs/heads/debian/sid", Some(commits[0]), commits[1], None)]).unwrap();
    assert_eq!(scratch.git(&["rev-parse", "refs/heads/debian/sid"]).trim(), commits[1].to_string());
    let listed = scratch.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
    let read = scratch.repository.refs().unwrap();
    let ours: String = read.iter().map(|(name, value)| format!("{} {name}\n", value.id)).collect();
    assert_eq!(listed, ours);
    assert_tidy(&scratch);
    scratch.assert_clean();
}

#[test]
fn a_transaction_that_meets_the_unexpected_moves_nothing() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 3);
    transact(&scratch, &[edit("refs/heads/a", None, commits[0], None)]).unwrap();
    let before = fs::read(scratch.path().join("packed-refs")).unwrap();
    for wrong in [
        edit("refs/heads/a", None, commits[1], None),
        edit("refs/heads/a", Some(commits[1]), commits[2], None),
        edit("refs/heads/z", Some(commits[1]), commits[2], None),
    ] {
        let edits = [edit("refs/heads/b", None, commits[1], None), wrong];
        assert!(matches!(transact(&scratch, &edits), Err(Error::RefMoved { .. })));
    }
    for name in ["refs/heads/a/b", "refs/heads/a/b/c"] {
        let refused = transact(&scratch, &[edit(name, None, commits[1], None)]);
        assert!(matches!(refused, Err(Error::NameConflict { .. })), "{name}: {refused:?}");
    }
    assert_eq!(fs::read(scratch.path().join("packed-refs")).unwrap(), before);
    assert_tidy(&scratch);
}

#[test]
fn a_tag_that_exists_is_never_written() {
    let scratch = scratch();
    let (commits, tag) = objects(&scratch, 2);
    for (name, theirs) in [("refs/tags/debian/1", commits[1]), ("refs/dsc/debian/1", commits[0])] {
        scratch.git(&["update-ref", name, &theirs.to_string()]);
        for expected in [None, Some(theirs)] {
            let edits =
                [edit("refs/heads/new", None, commits[0], None), edit(name, expected, tag, Some(commits[0]))];
            assert!(matches!(transact(&scratch, &edits), Err(Error::TagExists { .. })), "{name}");
        }
        transact(&scratch, &[edit(name, None, theirs, None)]).unwrap();
        assert_eq!(scratch.git(&["rev-parse", name]).trim(), theirs.to_string());
    }
    assert!(!scratch.repository.refs().unwrap().contains_key("refs/heads/new"), "nothing moved");
    assert_tidy(&scratch);
}

#[test]
fn a_name_that_is_none_is_refused_before_a_file_is_touched() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 1);
    let long = format!("refs/heads/debian/{}", "x".repeat(255));
    let bad = [
        "refs/heads/../../hooks/post-update",
        "refs/heads/debian/a b",
        "refs/heads/debian/foo..bar",
        "refs/heads/debian/x.lock",
        "refs/heads/debian/x/",
        "refs/heads/debian/@{1}",
        "refs/heads/debian/a\nb",
        "refs/heads",
        "HEAD",
        &long,
    ];
    let before = files(&scratch, ".");
    for name in bad {
        let edits = [edit("refs/heads/new", None, commits[0], None), edit(name, None, commits[0], None)];
        assert!(matches!(transact(&scratch, &edits), Err(Error::BadRefName(_))), "{name}");
        let guard = scratch.repository.lock_idle().unwrap();
        let published = scratch.repository.publish(&guard, &edits, None, None);
        assert!(matches!(published, Err(Error::BadRefName(_))), "{name}");
    }
    assert_eq!(files(&scratch, "."), before);
    assert!(scratch.repository.refs().unwrap().is_empty());
}

#[test]
fn loose_refs_of_others_are_packed_with_what_their_tags_name() {
    let scratch = scratch();
    let (commits, tag) = objects(&scratch, 2);
    let who = "A <a@example.org> 1 +0000";
    let outer = format!("object {tag}\ntype tag\ntag outer\ntagger {who}\n\nx\n");
    let outer = scratch.git_with(&["hash-object", "-w", "-t", "tag", "--stdin"], outer.as_bytes());
    let blob = scratch.git_with(&["hash-object", "-w", "--stdin"], b"x");
    for (name, id) in [
        ("refs/heads/mine/a", commits[1].to_string()),
        ("refs/tags/mine/1", tag.to_string()),
        ("refs/tags/mine/outer", outer.trim().to_owned()),
        ("refs/tags/mine/blob", blob.trim().to_owned()),
        ("refs/notes/x", commits[0].to_string()),
    ] {
        scratch.git(&["update-ref", name, &id]);
    }
    let seen = scratch.git(&["show-ref", "-d"]);
    transact(&scratch, &[]).unwrap();
    assert_eq!(scratch.git(&["show-ref", "-d"]), seen);
    assert_tidy(&scratch);
    let packed = fs::read_to_string(scratch.path().join("packed-refs")).unwrap();
    fs::remove_file(scratch.path().join("packed-refs")).unwrap();
    for line in seen.lines().filter(|line| !line.ends_with("^{}")) {
        let (id, name) = line.split_once(' ').unwrap();
        scratch.git(&["update-ref", name, id]);
    }
    scratch.git(&["pack-refs", "--all"]);
    assert_eq!(fs::read_to_string(scratch.path().join("packed-refs")).unwrap(), packed, "as Git packs them");
}

#[test]
fn symbolic_and_broken_refs_are_left_to_whoever_made_them() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 2);
    transact(&scratch, &[edit("refs/heads/a", None, commits[0], None)]).unwrap();
    scratch.git(&["symbolic-ref", "refs/heads/symbolic", "refs/heads/a"]);
    fs::write(scratch.path().join("refs/heads/broken"), "x\n").unwrap();
    fs::write(scratch.path().join("refs/heads/missing"), format!("{}\n", "1".repeat(40))).unwrap();
    transact(&scratch, &[edit("refs/heads/b", None, commits[1], None)]).unwrap();
    let left = ["refs/heads/broken", "refs/heads/missing", "refs/heads/symbolic"];
    assert_eq!(files(&scratch, "refs"), left);
    let packed = fs::read_to_string(scratch.path().join("packed-refs")).unwrap();
    assert_eq!(packed.lines().count(), 3, "{packed}");
    // A value of ours would be hidden behind the existing one.
    for name in ["refs/heads/symbolic", "refs/heads/broken"] {
        let refused = transact(&scratch, &[edit(name, None, commits[1], None)]);
        assert!(matches!(refused, Err(Error::StrangeRef(_))), "{refused:?}");
    }
    assert_eq!(files(&scratch, "refs"), left);
}

#[test]
fn locks_of_a_dead_importer_are_removed_and_those_of_others_are_not() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 1);
    let path = |name: &str| scratch.path().join(name);
    fs::create_dir_all(path("refs/heads/debian")).unwrap();
    for (own, lock) in [
        ("package-import.packed-refs", "packed-refs.lock"),
        ("refs/heads/debian/.package-import-sid.lock", "refs/heads/debian/sid.lock"),
    ] {
        fs::write(path(own), "").unwrap();
        fs::hard_link(path(own), path(lock)).unwrap();
    }
    // Killed before it had the lock, which somebody else took.
    fs::write(path("refs/heads/.package-import-foreign.lock"), "").unwrap();
    fs::write(path("refs/heads/foreign.lock"), "").unwrap();
    transact(&scratch, &[edit("refs/heads/debian/sid", None, commits[0], None)]).unwrap();
    assert_eq!(files(&scratch, "refs"), ["refs/heads/foreign.lock"]);
    let refused = transact(&scratch, &[edit("refs/heads/foreign", None, commits[0], None)]);
    assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");
    fs::remove_file(path("refs/heads/foreign.lock")).unwrap();
    assert_tidy(&scratch);
}

#[test]
fn a_lock_of_packed_refs_that_somebody_else_holds_is_respected() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 1);
    let lock = scratch.path().join("packed-refs.lock");
    fs::write(&lock, "").unwrap();
    let refused = transact(&scratch, &[edit("refs/heads/b", None, commits[0], None)]);
    assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");
    fs::remove_file(&lock).unwrap();
    assert_tidy(&scratch);
}

/// Two sides move the same branch along the same chain of commits, each only from the commit before. If one of them
/// were told that it had succeeded although its move was lost, the chain would be walked in more steps than it has.
#[test]
fn nobody_loses_a_move_of_a_branch_that_git_moves_at_the_same_time() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 61);
    let name = "refs/heads/debian/sid";
    transact(&scratch, &[edit(name, None, commits[0], None)]).unwrap();
    let barrier = Barrier::new(2);
    let theirs = |from: ObjectId, to: ObjectId| {
        let mut command = git(scratch.path());
        command.args(["update-ref", name, &to.to_string(), &from.to_string()]).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    let ours = |from: ObjectId, to: ObjectId| match transact(&scratch, &[edit(name, Some(from), to, None)]) {
        Ok(()) => true,
        Err(Error::RefMoved { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    let race = |attempt: &(dyn Fn(ObjectId, ObjectId) -> bool + Sync)| {
        let wins = commits.windows(2).map(|pair| {
            barrier.wait();
            let won = attempt(pair[0], pair[1]);
            // The next step begins where this one ended, whichever side won.
            barrier.wait();
            usize::from(won)
        });
        wins.sum::<usize>()
    };
    let (their_wins, our_wins) = thread::scope(|scope| {
        let them = scope.spawn(|| race(&theirs));
        let us = race(&ours);
        (them.join().unwrap(), us)
    });
    assert_eq!(scratch.git(&["rev-parse", name]).trim(), commits[60].to_string());
    assert_eq!(their_wins + our_wins, 60, "Git moved it {their_wins} times, we {our_wins} times");
    transact(&scratch, &[]).unwrap();
    // Git leaves the empty folder of a lock that it gave up.
    assert!(files(&scratch, "refs").iter().all(|name| scratch.path().join(name).is_dir()));
    scratch.assert_clean();
}

/// Others make and move refs of their own while transactions fold them: all of them are there in the end.
#[test]
fn refs_that_git_moves_during_transactions_keep_their_last_value() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 30);
    thread::scope(|scope| {
        let them = scope.spawn(|| {
            for (step, commit) in commits.iter().enumerate() {
                for name in ["refs/heads/mine".to_owned(), format!("refs/heads/m/{step}")] {
                    let status =
                        git(scratch.path()).args(["update-ref", &name, &commit.to_string()]).status();
                    assert!(status.unwrap().success(), "{name}");
                }
            }
        });
        let mut last = None;
        for commit in commits.iter().cycle().take(60) {
            transact(&scratch, &[edit("refs/heads/ours", last, *commit, None)]).unwrap();
            last = Some(*commit);
        }
        them.join().unwrap();
    });
    transact(&scratch, &[]).unwrap();
    let refs = scratch.repository.refs().unwrap();
    assert_eq!(refs["refs/heads/mine"].id, commits[29]);
    for (step, commit) in commits.iter().enumerate() {
        assert_eq!(refs[&format!("refs/heads/m/{step}")].id, *commit);
    }
    assert_tidy(&scratch);
}
