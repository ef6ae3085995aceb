//! A password appears nowhere but in the pipe.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use throwaway_git_servers::{PASSWORD, Recorder};

use crate::world::*;

/// All readable arguments and environments of processes.
fn processes() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        for name in ["cmdline", "environ"] {
            let path = entry.path().join(name);
            if let Ok(text) = fs::read(&path) {
                all.push((path.display().to_string(), text));
            }
        }
    }
    all
}

#[test]
fn a_password_stands_in_no_process_and_in_no_file() {
    let server = Recorder::make(&web().repositories().join("secret.git"));
    // The server is slow, so that there is something to look at.
    server.hook("pre-receive", "#!/bin/sh\ntouch waiting; while ! test -e looked; do sleep 0.01; done\n");
    let remote = Remote::web(web(), "git");
    let source = Source::make(1);
    let marker = PASSWORD.as_bytes();
    let has = |text: &[u8]| text.windows(marker.len()).any(|part| part == marker);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !server.path.join("waiting").exists() {
                std::thread::yield_now();
            }
            let seen = processes();
            assert!(seen.iter().any(|(_, text)| text.windows(4).any(|it| it == b"push")), "nobody pushes");
            let found: Vec<&String> =
                seen.iter().filter(|(_, text)| has(text)).map(|(name, _)| name).collect();
            assert_eq!(found, Vec::<&String>::new());
            for entry in fs::read_dir(remote.git.folder()).unwrap().flatten() {
                if entry.file_type().unwrap().is_file() {
                    assert!(!has(&fs::read(entry.path()).unwrap_or_default()), "{:?}", entry.path());
                }
            }
            is_over.store(true, Ordering::SeqCst);
            fs::write(server.path.join("looked"), "").unwrap();
        });
        let done = publish(&source, &remote, "secret");
        assert!(is_over.load(Ordering::SeqCst) && done.published().is_complete());
    });
    assert_eq!(server.refs(), source.refs());
}
