//! Compares what the importer has made of a package with what dpkg-source makes of it.

use std::path::Path;

use crate::build::package::Built;
use crate::cases::{Case, Expect, newer, write};
use crate::engine::{Engine, Outcome, Package};
use crate::git;
use crate::listing::{Listing, compare, without_fifos};
use crate::oracle::{Dpkg, Question, Verdict, ask, ask_one, open_temp_dir};

/// The source package's name in every case.
const NAME: &str = crate::build::package::SOURCE;

/// So many differences of one tree are shown.
const SHOWN: usize = 6;

/// Asks dpkg-source about a case, imports it, and says everything that is wrong with either.
pub fn case(case: &Case) -> Vec<String> {
    let folder = open_temp_dir();
    let built = case.write(folder.path());
    let verdict = truth(&built);
    if std::env::var_os("PACKAGE_IMPORT_CASES").is_some() {
        println!("{}\n{}", case.name, verdict.shown());
    }
    // Expectations are about dpkg-source, so it must confirm them before anything is measured against them.
    let mut wrong: Vec<String> =
        case.check_oracle(&verdict).err().map(|said| format!("dpkg-source: {said}")).into_iter().collect();
    wrong.extend(compare_with_newest(case, &built, &verdict));
    wrong.extend(import(case, &built, folder.path(), &verdict));
    wrong
}

/// The dpkg-source of unstable makes the same of a case, unless it is listed as one on which it differs.
fn compare_with_newest(case: &Case, built: &Built, usual: &Verdict) -> Vec<String> {
    let newest = ask_one(Dpkg::Newest, &question(built));
    let mut found = changes("unapplied", &usual.unapplied, &newest.unapplied);
    found.extend(changes("applied", &usual.applied, &newest.applied));
    match (newer::why(case.name), found.is_empty()) {
        (None, false) => found,
        (Some(why), true) => vec![format!(
            "the dpkg-source of unstable makes the same of it, though it is listed ({why:?}, tests/src/cases/newer.rs)"
        )],
        _ => Vec::new(),
    }
}

fn changes(which: &str, usual: &Result<Listing, String>, newest: &Result<Listing, String>) -> Vec<String> {
    let which = format!("dpkg-source of unstable, {which}");
    match (usual, newest) {
        (Ok(usual), Ok(newest)) => differences(&which, usual, newest),
        (Ok(_), Err(complaint)) => vec![format!("{which}: refused ({complaint})")],
        (Err(complaint), Ok(_)) => vec![format!("{which}: taken, which was refused ({complaint})")],
        (Err(_), Err(_)) => Vec::new(),
    }
}

fn truth(built: &Built) -> Verdict {
    ask(&question(built))
}

fn question(built: &Built) -> Question<'_> {
    Question { dsc: &built.dsc, distro: &built.distro, no_check: built.no_check }
}

/// Imports a case and compares the result with what dpkg-source makes of it.
fn import(case: &Case, built: &Built, folder: &Path, verdict: &Verdict) -> Vec<String> {
    let root = folder.join("root");
    std::fs::create_dir(&root).unwrap();
    let engine = Engine::new(&root, &built.distro);
    let outcome = engine.import(std::slice::from_ref(&built.dsc));
    let package = engine.package(NAME, &built.version);
    match case.expect {
        Expect::Refused | Expect::RefusedThoughDpkgTakesIt(_) => check_refused(&package, &outcome),
        Expect::Same | Expect::UnappliedOnly => check_taken(&package, &outcome, verdict, built.escaped),
        Expect::Differs(_) => {
            let mut wrong = check_code(&outcome, 0);
            wrong.extend(git::fsck(&package.repo()).err());
            wrong
        }
        Expect::TakenThoughDpkgRefuses(_) => {
            let other = open_temp_dir();
            let twin = write(built.twin.expect("such a case has a twin"), other.path());
            let twins = ask(&Question { dsc: &twin.dsc, distro: &built.distro, no_check: built.no_check });
            check_taken(&package, &outcome, &twins, built.escaped)
        }
    }
}

fn check_refused(package: &Package<'_>, outcome: &Outcome) -> Vec<String> {
    let mut wrong = check_code(outcome, 1);
    if package.repo().exists() {
        match git::refs(&package.repo(), "refs/") {
            Ok(refs) if refs.is_empty() => {}
            Ok(refs) => wrong.push(format!("should be refused, but left {}", refs.join(", "))),
            Err(error) => wrong.push(error),
        }
        wrong.extend(git::fsck(&package.repo()).err());
    }
    wrong
}

fn check_taken(package: &Package<'_>, outcome: &Outcome, truth: &Verdict, escaped: bool) -> Vec<String> {
    let code = i32::from(truth.applied.is_err());
    let mut wrong = check_code(outcome, code);
    if !package.repo().exists() {
        wrong.push(format!("there is no repository; the importer said: {}", outcome.said));
        return wrong;
    }
    wrong.extend(check_package(package, truth, escaped));
    wrong.extend(git::fsck(&package.repo()).err());
    wrong
}

fn check_code(outcome: &Outcome, expected: i32) -> Vec<String> {
    if outcome.code == Some(expected) {
        return Vec::new();
    }
    vec![format!("exit code {:?} in place of {expected}: {}", outcome.code, outcome.said)]
}

/// Compares both trees of one version, in Git and exported.
pub fn check_package(package: &Package<'_>, truth: &Verdict, escaped: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    match &truth.unapplied {
        Ok(tree) => wrong.extend(check_tree(package, false, tree, escaped)),
        Err(complaint) => wrong.push(format!("dpkg-source refuses it: {complaint}")),
    }
    match &truth.applied {
        Ok(tree) => wrong.extend(check_tree(package, true, tree, escaped)),
        Err(_) => wrong.extend(check_no_applied_refs(package)),
    }
    wrong
}

/// A package whose patches were refused has no applied refs at all.
fn check_no_applied_refs(package: &Package<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for prefix in ["refs/tags/applied/", "refs/heads/applied/"] {
        match git::refs(&package.repo(), prefix) {
            Ok(refs) => wrong.extend(refs.into_iter().map(|name| format!("{name} should not be there"))),
            Err(error) => wrong.push(error),
        }
    }
    wrong
}

fn check_tree(package: &Package<'_>, applied: bool, truth: &Listing, escaped: bool) -> Vec<String> {
    let tag = package.tag(applied);
    let mut wrong = match git::read_tree(&package.repo(), &tag) {
        Ok(_) if escaped => Vec::new(),
        Ok(tree) => differences(&tag, &without_fifos(truth), &tree),
        Err(error) => vec![error],
    };
    let which = if applied { "export --applied" } else { "export" };
    match package.export(applied) {
        Ok(tree) => wrong.extend(differences(which, truth, &tree)),
        Err(error) => wrong.push(error),
    }
    wrong
}

fn differences(what: &str, expected: &Listing, actual: &Listing) -> Vec<String> {
    let all = compare(expected, actual);
    let mut shown: Vec<String> = all.iter().take(SHOWN).map(|one| format!("{what}: {one}")).collect();
    if all.len() > SHOWN {
        shown.push(format!("{what}: {} differences more", all.len() - SHOWN));
    }
    shown
}
