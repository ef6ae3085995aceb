//! First pushes, later ones, and those with nothing to do.

use throwaway_git_servers::{Recorder, Ssh, git};

use crate::world::*;

fn first_and_next(remote: &Remote, server: &Recorder, package: &str) {
    let mut source = Source::make(3);
    let first = publish(&source, remote, package);
    let done = first.published();
    assert!(done.is_complete(), "{done:?}");
    assert_eq!(server.refs(), source.refs());
    assert_eq!(done.fingerprint, source.desired().fingerprint());
    assert_eq!(done.moved.len(), source.refs().len());
    // Nothing to do: the refs are read once, and nothing is pushed.
    let pushes = server.pushes().len();
    assert_eq!(publish(&source, remote, package).published().moved.len(), 0);
    assert_eq!(server.pushes().len(), pushes);
    source.add();
    let next = publish(&source, remote, package);
    assert_eq!((next.published().moved.len(), next.published().is_complete()), (5, true));
    assert_eq!(server.refs(), source.refs());
    assert_unforced(server);
}

/// The branches of the first push with any.
fn first_branches(server: &Recorder) -> Vec<String> {
    let pushes = server.pushes();
    let branch =
        |line: &String| line.split(' ').nth(3).filter(|it| it.starts_with("refs/heads/")).map(str::to_owned);
    pushes.iter().filter_map(branch).take(1).collect()
}

#[test]
fn a_plain_repository_over_ssh() {
    let server = Recorder::make(&ssh().folder().join("plain.git"));
    let remote = Remote::ssh(ssh());
    first_and_next(&remote, &server, "plain");
    assert_eq!(first_branches(&server), [HEAD], "a server shows what it gets first");
}

#[test]
fn a_repository_over_http() {
    let server = Recorder::make(&web().repositories().join("plain.git"));
    first_and_next(&Remote::web(web(), "git"), &server, "plain");
}

#[test]
fn gitolite_makes_the_repository() {
    let path = gitolite().repositories().join("imports/m/made.git");
    let remote = Remote::gitolite(gitolite());
    let mut source = Source::make(2);
    let first = publish(&source, &remote, "made");
    assert!(first.published().is_complete(), "{:?}", first.published());
    let server = Recorder { path };
    assert_eq!(server.refs(), source.refs());
    source.add();
    assert_eq!(publish(&source, &remote, "made").published().moved.len(), 5);
    assert_eq!(server.refs(), source.refs());
}

#[test]
fn a_command_makes_the_repository_and_its_head() {
    let folder = ssh().folder().join("by command");
    let mut remote = Remote::ssh(ssh());
    remote.entry.create = Some(format!(
        "git init -q --bare --initial-branch={{branch}} {{path}} && touch '{}'/{{package}}",
        folder.display()
    ));
    std::fs::create_dir(&folder).unwrap();
    let source = Source::make(2);
    let done = publish(&source, &remote, "commanded");
    assert!(done.published().is_complete() && done.published().created);
    assert_eq!(done.published().wrong_head, None);
    assert!(folder.join("commanded").exists());
    let server = Recorder { path: ssh().folder().join("commanded.git") };
    assert_eq!(server.git(&["symbolic-ref", "HEAD"]), HEAD);
    let clone = tempfile::tempdir().unwrap();
    git(&["clone", "-q", &server.path.to_string_lossy(), &clone.path().to_string_lossy()]);
    assert!(clone.path().join("f").exists(), "a clone checks something out");
}

/// Number of pushes that a repository has taken.
fn taken(folder: &std::path::Path, package: &str) -> usize {
    let path = folder.join(format!("{package}.git/taken"));
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn what_is_known_of_a_server_saves_pushes() {
    let folder = ssh().folder().join("knowing");
    let template = Recorder { path: folder.join("template") };
    template.hook("post-receive", "#!/bin/sh\necho push >> \"$GIT_DIR/taken\"\n");
    let mut remote = Remote::ssh(ssh());
    let template = template.path.display();
    remote.entry.create =
        Some(format!("git init -q --bare --template='{template}' --initial-branch={{branch}} {{path}}"));
    let place = ssh().folder();
    let mut source = Source::make(1);
    let publish =
        |source: &Source, package: &str, abilities| publish_at_most(100, source, &remote, package, abilities);
    // What only the importer needs goes first and alone, as long as nobody knows whether the server takes it.
    let first = publish(&source, "knowing-first", Default::default());
    assert!(first.published().is_complete());
    assert_eq!(taken(place, "knowing-first"), 2);
    let second = publish(&source, "knowing-second", first.abilities);
    assert!(second.published().is_complete() && second.published().wrong_head.is_none());
    assert_eq!(taken(place, "knowing-second"), 1);
    source.add();
    let next = publish(&source, "knowing-first", second.abilities);
    assert_eq!((next.published().moved.len(), taken(place, "knowing-first")), (5, 3));
    // One that has changed its mind is asked piece by piece again.
    let server = Recorder { path: place.join("knowing-second.git") };
    server.hook("update", "#!/bin/sh\ncase $1 in refs/dsc/*) echo not here >&2; exit 1;; esac\n");
    let refused = publish(&source, "knowing-second", next.abilities);
    assert!(refused.published().is_complete(), "{:?}", refused.published());
    assert_eq!(refused.published().kept, 1);
    assert_eq!(server.at("refs/heads/debian/sid"), source.at("refs/heads/debian/sid"));
    assert!(!refused.abilities.accepts.contains("refs/dsc/"));
}

#[test]
fn a_head_that_points_nowhere_is_said_or_set() {
    let server = Recorder::make(&ssh().folder().join("head.git"));
    let mut remote = Remote::ssh(ssh());
    let source = Source::make(1);
    let done = publish(&source, &remote, "head");
    assert_eq!(done.published().wrong_head, Some(None));
    remote.entry.head = Some("git --git-dir {path} symbolic-ref HEAD refs/heads/{branch}".into());
    assert_eq!(publish(&source, &remote, "head").published().wrong_head, None);
    assert_eq!(server.git(&["symbolic-ref", "HEAD"]), HEAD);
}

#[test]
fn one_connection_serves_all() {
    let server = Recorder::make(&ssh().folder().join("shared.git"));
    let before = ssh().log().matches("Accepted publickey").count();
    let remote = Remote::ssh(ssh());
    let source = Source::make(2);
    publish(&source, &remote, "shared");
    publish(&source, &remote, "shared");
    assert_eq!(server.refs(), source.refs());
    // Other tests connect at the same time; this one would have made eight.
    let sessions = ssh().log().matches("Starting session").count();
    let connections = ssh().log().matches("Accepted publickey").count() - before;
    assert!(sessions > connections, "{sessions} {connections}");
}

#[test]
fn those_who_begin_together_connect_once() {
    let own = Ssh::start();
    let remote = Remote::ssh(&own);
    let source = Source::make(1);
    let packages: Vec<String> = (0..6).map(|number| format!("together-{number}")).collect();
    for package in &packages {
        Recorder::make(&own.folder().join(format!("{package}.git")));
    }
    std::thread::scope(|scope| {
        for package in &packages {
            scope.spawn(|| assert!(publish(&source, &remote, package).published().is_complete()));
        }
    });
    assert_eq!(own.log().matches("Accepted publickey").count(), 1);
}
