//! Behaviour of Git servers, one by one.

use remote::abilities::Abilities;
use throwaway_git_servers::Recorder;

use crate::world::*;

/// Once without known abilities, once with those that were found; each time with one version more.
fn twice(package: &str, set_up: impl Fn(&Recorder), check: impl Fn(&Recorder, &Source, &Done)) -> Abilities {
    let server = Recorder::make(&ssh().folder().join(format!("{package}.git")));
    let remote = Remote::ssh(ssh());
    let mut source = Source::make(2);
    set_up(&server);
    let mut abilities = Abilities::default();
    for _ in 0..2 {
        let done = publish_knowing(&source, &remote, package, abilities);
        check(&server, &source, &done);
        assert_unforced(&server);
        abilities = done.abilities;
        source.add();
    }
    abilities
}

/// All refs but those of a folder are there.
fn all_but(folder: &str) -> impl Fn(&Recorder, &Source, &Done) {
    move |server, source, done| {
        let mut wanted = source.refs();
        wanted.retain(|(name, _)| !name.starts_with(folder));
        assert_eq!(server.refs(), wanted, "{:?}", done.result);
        assert!(done.published().is_complete(), "{:?}", done.published());
    }
}

#[test]
fn a_server_that_cannot_move_all_or_none() {
    let set_up = |server: &Recorder| {
        server.git(&["config", "receive.advertiseAtomic", "false"]);
    };
    let abilities = twice("no-atomic", set_up, all_but("none"));
    assert_eq!(abilities.atomic, Some(false));
}

#[test]
fn a_server_that_hides_what_only_the_importer_needs() {
    let set_up = |server: &Recorder| {
        server.git(&["config", "transfer.hideRefs", "refs/dsc"]);
    };
    let abilities = twice("hidden", set_up, all_but("refs/dsc/"));
    assert_eq!((abilities.atomic, abilities.refuses.len()), (Some(true), 1));
}

#[test]
fn a_server_that_refuses_what_only_the_importer_needs() {
    let hook = "#!/bin/sh\ncase $1 in refs/dsc/*) echo not here >&2; exit 1;; esac\n";
    let abilities = twice("no-dsc", |server| server.hook("update", hook), all_but("refs/dsc/"));
    assert_eq!(abilities.refuses.keys().collect::<Vec<_>>(), ["refs/dsc/"]);
}

#[test]
fn a_branch_that_is_protected_keeps_nothing_else_back() {
    let protected = "refs/heads/applied/debian/sid";
    // As gitolite and Gerrit do, ref by ref; and as GitLab does, which sees the whole push.
    let one = format!("#!/bin/sh\ncase $1 in {protected}) exit 1;; esac\n");
    let whole =
        format!("#!/bin/sh\nwhile read -r a b ref; do case $ref in {protected}) exit 1;; esac; done\n");
    for (package, name, hook) in [("protected", "update", &one), ("protected-whole", "pre-receive", &whole)] {
        let check = |server: &Recorder, source: &Source, done: &Done| {
            let mut wanted = source.refs();
            wanted.retain(|(name, _)| name != protected);
            assert_eq!(server.refs(), wanted);
            let refused: Vec<&String> = done.published().refused.iter().map(|(name, _)| name).collect();
            assert_eq!(refused, [protected]);
        };
        twice(package, |server| server.hook(name, hook), check);
    }
}

#[test]
fn a_server_that_takes_nothing_is_asked_a_bounded_number_of_times() {
    let check = |server: &Recorder, source: &Source, done: &Done| {
        assert_eq!(server.refs(), []);
        assert_eq!(done.published().refused.len() + done.published().kept, source.refs().len());
        let asked = std::fs::read_to_string(server.path.join("asked")).unwrap().lines().count();
        assert!(asked < 100, "{asked}");
    };
    let hook = "#!/bin/sh\necho >> asked\nexit 1\n";
    twice("nothing", |server| server.hook("pre-receive", hook), check);
}

#[test]
fn a_branch_where_a_folder_has_to_be() {
    let server = Recorder::make(&ssh().folder().join("folder.git"));
    let remote = Remote::ssh(ssh());
    let source = Source::make(1);
    let id =
        source.git(&["push", "-q", &server.path.to_string_lossy(), &format!("{HEAD}:refs/heads/debian")]);
    assert_eq!(id, "");
    let done = publish(&source, &remote, "folder");
    assert_eq!(done.published().blocked, [(HEAD.to_owned(), "refs/heads/debian".to_owned())]);
    assert_eq!(server.at("refs/heads/debian"), source.at(HEAD));
    assert_eq!(server.at("refs/tags/debian/1-1"), source.at("refs/tags/debian/1-1"));
}

#[test]
fn no_branch_is_seen_without_its_tag() {
    let hook = "#!/bin/sh\nfor b in debian/sid applied/debian/sid; do\n\
        tip=$(git rev-parse -q --verify refs/heads/$b) || continue\n\
        git for-each-ref --points-at $tip refs/tags/${b%/sid} | grep -q . || echo $b >> naked\ndone\n";
    for atomic in ["true", "false"] {
        let set_up = |server: &Recorder| {
            server.git(&["config", "receive.advertiseAtomic", atomic]);
            // Asked before each push, and after it.
            for name in ["update", "post-receive"] {
                server.hook(name, hook);
            }
        };
        let check = |server: &Recorder, source: &Source, _: &Done| {
            assert_eq!(server.refs(), source.refs());
            assert!(!server.path.join("naked").exists(), "{atomic}");
        };
        twice(&format!("naked-{atomic}"), set_up, check);
    }
}
