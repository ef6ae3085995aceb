//! Hard synthetic source packages: what the importer makes of each is what dpkg-source makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Mutex;
use std::thread;

use package_import_tests::build::Builder;
use package_import_tests::cases::{self, Case, Expect};
use package_import_tests::check::Imported;
use package_import_tests::oracle::{Question, Verdict, ask, open_temp_dir};
use package_import_tests::{engine, git};

#[test]
fn every_case_is_as_dpkg_source_has_it() {
    let cases = cases::all();
    assert!(cases.len() >= 90, "only {} cases", cases.len());
    let queue = Mutex::new(cases.into_iter());
    let failures = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { break };
                    let wrong = run(&case);
                    if !wrong.is_empty() {
                        let report = format!("{} ({}):\n    {}", case.name, case.why, wrong.join("\n    "));
                        failures.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn run(case: &Case) -> Vec<String> {
    let folder = open_temp_dir();
    let mut builder = Builder::default();
    (case.build)(&mut builder);
    let built = builder.write(folder.path());
    let question = Question { dsc: &built.dsc, distro: &built.distro, no_check: built.no_check };
    let truth = ask(&question);
    let mut wrong = about_dpkg(&case.expect, &truth);
    let root = folder.path().join("root");
    let output = engine::import(&root, &built.distro, "sid", std::slice::from_ref(&built.dsc));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let imported = Imported {
        root: &root,
        package: "case",
        version: &built.version,
        distro: &built.distro,
        escaped: built.escaped,
    };
    let code = output.status.code();
    match case.expect {
        Expect::Same => {
            if code != Some(0) {
                wrong.push(format!("the import ended with {code:?}: {said}"));
            } else {
                wrong.extend(imported.differences(&truth));
            }
        }
        Expect::UnappliedOnly => {
            if code != Some(1) {
                wrong.push(format!("the import ended with {code:?}, not 1: {said}"));
            }
            wrong.extend(imported.differences(&Verdict { applied: Err(String::new()), ..truth }));
            wrong.extend(
                unwanted_refs(&root, "refs/tags/applied")
                    .into_iter()
                    .chain(unwanted_refs(&root, "refs/heads/applied")),
            );
        }
        Expect::Refused | Expect::RefusedThoughDpkgTakesIt(_) => {
            if code != Some(1) {
                wrong.push(format!("the import ended with {code:?}, not 1"));
            }
            wrong.extend(unwanted_refs(&root, "refs"));
        }
        Expect::TakenThoughDpkgRefuses(_) => {
            let twin = twin_truth(built.twin.expect("such a case has a twin"));
            if code == Some(0) {
                wrong.extend(imported.differences(&twin));
            } else {
                wrong.push(format!("the import ended with {code:?}: {said}"));
            }
        }
    }
    wrong
}

/// What the case says of dpkg-source has to be true.
fn about_dpkg(expect: &Expect, truth: &Verdict) -> Vec<String> {
    let taken = (truth.unapplied.is_ok(), truth.applied.is_ok());
    let right = match expect {
        Expect::Same | Expect::RefusedThoughDpkgTakesIt(_) => taken == (true, true),
        Expect::UnappliedOnly => taken == (true, false),
        Expect::Refused | Expect::TakenThoughDpkgRefuses(_) => taken == (false, false),
    };
    let told =
        |result: &Result<_, String>| result.as_ref().err().cloned().unwrap_or_else(|| "takes it".into());
    if right {
        return Vec::new();
    }
    vec![format!("dpkg-source: unapplied: {}; applied: {}", told(&truth.unapplied), told(&truth.applied))]
}

fn twin_truth(build: fn(&mut Builder)) -> Verdict {
    let folder = open_temp_dir();
    let mut builder = Builder::default();
    build(&mut builder);
    let built = builder.write(folder.path());
    ask(&Question { dsc: &built.dsc, distro: &built.distro, no_check: built.no_check })
}

fn unwanted_refs(root: &Path, prefix: &str) -> Vec<String> {
    let repository = engine::repository(root, "case");
    if !repository.exists() {
        return Vec::new();
    }
    git::refs(&repository, prefix)
        .unwrap()
        .into_iter()
        .map(|name| format!("{name} should not be there"))
        .collect()
}
