//! Refs that somebody else has pushed stay.

use remote::plan::Kin;
use remote::problem::Problem;
use throwaway_git_servers::Recorder;

use crate::world::*;

#[test]
fn a_branch_that_somebody_has_gone_on_with_stays() {
    for (place, server, remote) in [
        ("ssh", Recorder::make(&ssh().folder().join("ahead.git")), Remote::ssh(ssh())),
        ("web", Recorder::make(&web().repositories().join("ahead.git")), Remote::web(web(), "git")),
    ] {
        let mut source = Source::make(2);
        publish(&source, &remote, "ahead");
        let theirs = somebody_pushes(&server, "debian/sid", "theirs");
        source.add();
        let done = publish(&source, &remote, "ahead");
        let published = done.published();
        assert_eq!(published.foreign.len(), 1, "{place}");
        let foreign = &published.foreign[0];
        assert_eq!(
            (foreign.name.as_str(), foreign.theirs.to_string(), foreign.kin),
            (HEAD, theirs.clone(), Kin::Other)
        );
        assert_eq!(done.aside, published.foreign);
        assert_eq!(server.at(HEAD), Some(theirs.clone()));
        // All others have moved.
        assert_eq!(server.at("refs/tags/debian/1-3"), source.at("refs/tags/debian/1-3"));
        assert_eq!(server.at("refs/heads/applied/debian/sid"), source.at("refs/heads/applied/debian/sid"));
        // The foreign commit is known here now: it is on top of ours.
        let again = publish(&source, &remote, "ahead");
        assert_eq!((again.published().moved.len(), again.published().foreign.len()), (0, 1));
        assert_unforced(&server);
    }
}

#[test]
fn a_tag_of_theirs_keeps_its_name() {
    let server = Recorder::make(&ssh().folder().join("tag.git"));
    let remote = Remote::ssh(ssh());
    let mut source = Source::make(1);
    publish(&source, &remote, "tag");
    server.git(&["tag", "-a", "-m", "theirs", "debian/1-2", HEAD]);
    let theirs = server.at("refs/tags/debian/1-2");
    source.add();
    let done = publish(&source, &remote, "tag");
    assert_eq!(done.published().foreign[0].name, "refs/tags/debian/1-2");
    assert_eq!(server.at("refs/tags/debian/1-2"), theirs);
    assert_eq!(server.at(HEAD), source.at(HEAD));
    assert_unforced(&server);
}

#[test]
fn a_branch_that_was_removed_or_set_back_is_put_forward_again() {
    let server = Recorder::make(&ssh().folder().join("back.git"));
    let remote = Remote::ssh(ssh());
    let source = Source::make(3);
    publish(&source, &remote, "back");
    server.git(&["update-ref", HEAD, &format!("{HEAD}~2")]);
    server.git(&["update-ref", "-d", "refs/heads/applied/debian/sid"]);
    server.git(&["update-ref", "-d", "refs/tags/debian/1-1"]);
    let done = publish(&source, &remote, "back");
    assert!(done.published().is_complete());
    assert_eq!(server.refs(), source.refs());
    assert_unforced(&server);
}

#[test]
fn refs_outside_of_what_is_wanted_are_left_alone() {
    let server = Recorder::make(&ssh().folder().join("outside.git"));
    let remote = Remote::ssh(ssh());
    let mut source = Source::make(1);
    publish(&source, &remote, "outside");
    for name in ["refs/heads/main", "refs/heads/debian/theirs", "refs/notes/x", "refs/merge-requests/1/head"]
    {
        server.git(&["update-ref", name, HEAD]);
    }
    source.add();
    assert!(publish(&source, &remote, "outside").published().is_complete());
    assert_eq!(server.refs().len(), source.refs().len() + 4);
}

/// A ref is moved between the moment at which the server lists its refs and the moment of the push.
fn racing(package: &str, always: bool, atomic: bool) {
    let server = Recorder::make(&ssh().folder().join(format!("{package}.git")));
    let remote = Remote::ssh(ssh());
    let mut source = Source::make(1);
    publish(&source, &remote, package);
    if !atomic {
        server.git(&["config", "receive.advertiseAtomic", "false"]);
    }
    source.add();
    let once = if always { "" } else { "test -e raced && exit 0; touch raced;" };
    let script = format!(
        "#!/bin/sh\nread -r old new ref\n{once}unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x\n\
         tip=$(git rev-parse {HEAD})\nnext=$(git commit-tree -m theirs -p $tip $tip^{{tree}})\n\
         git update-ref {HEAD} $next $tip\necho $next >> theirs\nexit 0\n"
    );
    server.hook("pre-receive", &script);
    let done = publish(&source, &remote, package);
    // The foreign commit is never lost: the branch is at it, or at the one that we had pushed before.
    let theirs = std::fs::read_to_string(server.path.join("theirs")).unwrap();
    let tip = server.at(HEAD).unwrap();
    for id in theirs.lines() {
        server.git(&["merge-base", "--is-ancestor", id, &tip]);
    }
    match &done.result {
        Ok(published) => assert_eq!(published.foreign.len(), 1),
        Err(problem) => assert!(matches!(problem, Problem::Raced(_)), "{problem}"),
    }
}

#[test]
fn who_is_faster_once_keeps_what_he_pushed() {
    racing("race-once", false, true);
    racing("race-once-plain", false, false);
}

#[test]
fn who_is_faster_always_is_not_raced_for_ever() {
    racing("race-always", true, true);
    racing("race-always-plain", true, false);
}
