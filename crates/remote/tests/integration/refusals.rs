//! Errors as problems that an operator can act on.

use std::time::Duration;

use remote::problem::Problem;
use remote::secret::Secret;
use remote::ssh::Ssh as Entrance;
use remote::transport::Entry;
use throwaway_git_servers::{Recorder, Ssh};

use crate::world::*;

#[test]
fn a_lock_that_was_left_is_named() {
    let server = Recorder::make(&ssh().folder().join("locked.git"));
    let remote = Remote::ssh(ssh());
    let mut source = Source::make(1);
    publish(&source, &remote, "locked");
    let lock = server.path.join("refs/heads/applied/debian/sid.lock");
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    std::fs::write(&lock, "").unwrap();
    source.add();
    let before = server.pushes().len();
    let done = publish(&source, &remote, "locked");
    let Problem::StaleLock { lock: said } = done.problem() else { panic!("{}", done.problem()) };
    assert!(said.ends_with("refs/heads/applied/debian/sid.lock"), "{said}");
    assert_eq!(done.problem().code(), "stale-lock");
    assert!(server.pushes().len() - before < 30, "not tried for ever");
    std::fs::remove_file(lock).unwrap();
    assert!(publish(&source, &remote, "locked").published().is_complete());
    assert_eq!(server.refs(), source.refs());
}

#[test]
fn a_repository_that_is_missing() {
    let source = Source::make(1);
    for (remote, package) in [
        (Remote::ssh(ssh()), "absent"),
        (Remote::web(web(), "git"), "absent"),
        (Remote::web(web(), "elsewhere"), "x"),
    ] {
        let done = publish(&source, &remote, package);
        let Problem::Missing { address, .. } = done.problem() else { panic!("{:?}", done.result) };
        assert!(address.contains(package));
        assert_eq!(done.abilities.creates, Some(false));
    }
    // Gitolite does not tell whether it is missing or forbidden.
    let mut remote = Remote::gitolite(gitolite());
    let ssh = Entrance::new(&gitolite().ssh.key(), &gitolite().ssh.known_hosts()).unwrap();
    remote = Remote::new(
        &format!("{}/forbidden/{{package}}", gitolite().ssh.url()),
        Entry { ssh: Some(ssh), ..remote.entry },
    );
    let done = publish(&source, &remote, "x");
    assert!(
        matches!(done.problem(), Problem::Missing { said, .. } if said.contains("DENIED")),
        "{:?}",
        done.result
    );
}

#[test]
fn who_is_not_let_in_by_ssh() {
    let source = Source::make(1);
    let template = format!("{}{}/{{package}}.git", ssh().url(), ssh().folder().display());
    let nobody = ssh().folder().join("no-hosts");
    std::fs::write(&nobody, "").unwrap();
    for (key, hosts, says) in [
        (ssh().stranger(), ssh().known_hosts(), "Permission denied"),
        (ssh().key(), nobody, "Host key verification failed"),
    ] {
        let entry = Entry { ssh: Some(Entrance::new(&key, &hosts).unwrap()), ..Entry::default() };
        let done = publish(&source, &Remote::new(&template, entry), "x");
        assert!(matches!(done.problem(), Problem::NoEntry(said) if said.contains(says)), "{:?}", done.result);
        assert!(done.problem().is_of_remote());
    }
}

#[test]
fn who_is_not_let_in_by_http() {
    let source = Source::make(1);
    Recorder::make(&web().repositories().join("entry.git"));
    let mut remote = Remote::web(web(), "git");
    remote.entry.password = Some(Secret::File(password(web().folder(), "wrong", "wrong\n")));
    let done = publish(&source, &remote, "entry");
    assert!(matches!(done.problem(), Problem::NoEntry(_)), "{:?}", done.result);
    remote.entry.password = None;
    assert!(matches!(publish(&source, &remote, "entry").problem(), Problem::NoEntry(_)));
    let mut remote = Remote::web(web(), "git");
    remote.entry.authorities = None;
    let done = publish(&source, &remote, "entry");
    assert!(
        matches!(done.problem(), Problem::NoEntry(said) if said.contains("certificate")),
        "{:?}",
        done.result
    );
}

#[test]
fn a_server_that_is_away() {
    let source = Source::make(1);
    let mut server = Ssh::start();
    let remote = Remote::ssh(&server);
    Recorder::make(&server.folder().join("x.git"));
    server.close();
    let done = publish(&source, &remote, "x");
    assert!(matches!(done.problem(), Problem::Away(_)), "{:?}", done.result);
    server.open();
    assert!(publish(&source, &remote, "x").published().is_complete());
    let nowhere = Remote::new("https://127.0.0.1:1/{package}", Entry::default());
    assert!(matches!(publish(&source, &nowhere, "x").problem(), Problem::Away(_)));
    let nobody = Remote::new("https://no-such-host.invalid/{package}", Entry::default());
    assert!(matches!(publish(&source, &nobody, "x").problem(), Problem::Away(_)));
    assert!(matches!(publish(&source, &Remote::web(web(), "down"), "x").problem(), Problem::Away(_)));
}

#[test]
fn a_server_that_wants_to_be_left_alone() {
    let done = publish(&Source::make(1), &Remote::web(web(), "busy"), "x");
    assert!(
        matches!(done.problem(), Problem::Paced { after, .. } if *after == Some(Duration::from_secs(7))),
        "{:?}",
        done.result
    );
}

#[test]
fn a_server_that_has_moved_is_not_followed_with_a_password() {
    let done = publish(&Source::make(1), &Remote::web(web(), "moved"), "x");
    assert!(matches!(done.problem(), Problem::Refused(said) if said.contains("moved")), "{:?}", done.result);
}

#[test]
fn what_is_too_large_goes_in_pieces_and_what_does_not_fit_is_refused() {
    let server = Recorder::make(&ssh().folder().join("large.git"));
    server.git(&["config", "receive.maxInputSize", "20k"]);
    let remote = Remote::ssh(ssh());
    let source = Source::make(2);
    // Each of these fits alone; random bytes do not compress.
    for n in 0..6_u32 {
        let noise: String = (0..9000_u32)
            .map(|i| format!("{:x}", i.wrapping_mul(2_654_435_761).rotate_left(n) % 7919))
            .collect();
        let file = source.path().join("noise");
        std::fs::write(&file, &noise[..18_000]).unwrap();
        let blob = source.git(&["hash-object", "-w", &file.to_string_lossy()]);
        source.git(&["update-ref", &format!("refs/dsc/debian/noise-{n}"), &blob]);
    }
    let done = publish(&source, &remote, "large");
    assert!(done.published().is_complete(), "{:?}", done.result);
    assert_eq!(server.refs(), source.refs());
    let noise: String =
        (0..60_000_u32).map(|i| format!("{:x}", i.wrapping_mul(2_654_435_761) % 65_521)).collect();
    let file = source.path().join("noise");
    std::fs::write(&file, noise).unwrap();
    let blob = source.git(&["hash-object", "-w", &file.to_string_lossy()]);
    source.git(&["update-ref", "refs/tags/debian/too-large", &blob]);
    let done = publish(&source, &remote, "large");
    let refused: Vec<&String> = done.published().refused.iter().map(|(name, _)| name).collect();
    assert_eq!(refused, ["refs/tags/debian/too-large"]);
}
