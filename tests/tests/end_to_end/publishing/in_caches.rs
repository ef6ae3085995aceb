//! Repositories as a cache of a remote's: a ref in the way there, and what a person sees of the copy here.

use std::fs;

use package_import_tests::queue::{name, text};
use throwaway_git_servers::Recorder;

use super::hosts::Hosts;

/// A branch `debian` in a repository on the server, where the importer needs a folder.
fn block(hosts: &Hosts) -> (Recorder, String) {
    let server = Recorder::make(&hosts.path(&name(0)));
    let tree = server.git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let theirs = server.git(&["commit-tree", "-m", "theirs", &tree]);
    server.git(&["update-ref", "refs/heads/debian", &theirs]);
    (server, theirs)
}

#[test]
fn a_ref_in_the_way_on_the_server_wedges_until_it_is_gone_there() {
    let hosts = Hosts::new(2, 1, false, "");
    let (server, theirs) = block(&hosts);
    hosts.run(&[0]);
    let wedged = "SELECT COUNT(*) FROM failure WHERE state = 'wedged'";
    assert_eq!(hosts.queue.number(wedged), 1);
    let ids =
        hosts.queue.texts("SELECT CAST(id AS TEXT) FROM collision WHERE kind = 'blocked' AND ended IS NULL");
    assert_eq!(ids.len(), 1);
    let show = hosts.well(0, &["show", &name(0)]);
    let show = show.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(show.contains("refs/heads/debian") && show.contains("package-import publish"), "{show}");
    // A decision would come back with the next fetch: the command says what to do.
    let output =
        hosts.command(1, &["collision", "resolve", &ids[0], "--drop", "--reason", "x"]).output().unwrap();
    let said = text(&output);
    assert!(output.status.code() == Some(2) && said.contains("git push origin"), "{said}");
    assert!(said.contains(&theirs), "{said}");
    // Still there: nothing changes, and it is said.
    let said = hosts.well(0, &["publish", &name(0)]);
    assert!(said.contains("1 ref of somebody else left alone"), "{said}");
    let said = hosts.well(0, &["remotes", "git"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("refs/heads/debian keeps what is to be imported from being made"), "{said}");
    assert_eq!(hosts.queue.number(wedged), 1);
    // Gone: the next look imports it, on another host as well.
    server.git(&["update-ref", "refs/heads/kept/debian", &theirs]);
    server.git(&["update-ref", "-d", "refs/heads/debian"]);
    hosts.well(1, &["publish", &name(0)]);
    assert_eq!(hosts.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert!(server.at("refs/heads/debian/sid").is_some());
    assert_eq!(hosts.queue.texts("SELECT ending FROM collision"), ["gone"]);
    assert_eq!(server.at("refs/heads/kept/debian"), Some(theirs), "no other ref is touched");
}

#[test]
fn a_ref_in_the_way_that_is_gone_is_found_by_the_next_try() {
    let hosts = Hosts::new(1, 1, false, "");
    let (server, _) = block(&hosts);
    hosts.run(&[0]);
    server.git(&["update-ref", "-d", "refs/heads/debian"]);
    // Within six hours and a fifth, nobody has to ask.
    hosts.queue.let_pass(8 * 3_600_000);
    hosts.run(&[0]);
    assert_eq!(hosts.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(hosts.queue.number("SELECT COUNT(*) FROM version"), 1);
}

#[test]
fn what_is_shown_and_verified_by_hand_is_what_the_remote_has() {
    let hosts = Hosts::new(2, 2, false, "");
    hosts.run(&[0]);
    let show = hosts.well(1, &["show", &name(0)]);
    assert!(show.contains("not in the cache of this machine"), "{show}");
    let said = hosts.well(1, &["verify", &name(0)]);
    assert!(said.contains("1 repository checked, 0 with problems"), "{said}");
    let show = hosts.well(1, &["show", &name(0)]);
    assert!(show.contains("debian/1.0-1") && !show.contains("brings it here"), "{show}");
    // Another host has imported since.
    hosts.enqueue(2);
    hosts.run(&[0]);
    let show = hosts.well(1, &["show", &name(0)]);
    let show = show.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(show.contains("is not what the remote has"), "{show}");
    let said = hosts.well(1, &["verify"]);
    assert!(said.contains("0 of 2 are here") && said.contains("0 with problems"), "{said}");
    hosts.well(1, &["verify", &name(0)]);
    assert!(hosts.well(1, &["show", &name(0)]).contains("debian/1.0-2"));
    let said = hosts.well(1, &["verify"]);
    assert!(said.contains("1 of 2 are here") && said.contains("1 repository checked"), "{said}");
    let _ = fs::remove_dir_all(hosts.repos(1));
}
