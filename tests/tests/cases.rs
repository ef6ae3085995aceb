//! Every hard case: what dpkg-source makes of it, and what the importer makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use package_import_tests::cases::{self, Case};
use package_import_tests::oracle::{Question, Verdict, ask, open_temp_dir};
use package_import_tests::{listing, parallel, verify};

/// The expectations are about dpkg-source, so it must confirm them before anything is measured against them.
#[test]
fn oracle_agrees_with_expectations() {
    let cases = cases::selected();
    let failures: Vec<String> = parallel::map(&cases, disagreement).into_iter().flatten().collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn disagreement(case: &Case) -> Option<String> {
    let folder = open_temp_dir();
    let built = case.write(folder.path());
    let verdict = ask(&Question { dsc: &built.dsc, distro: &built.distro, no_check: built.no_check });
    if std::env::var_os("PACKAGE_IMPORT_CASES").is_some() {
        println!("{}", shown(case, &verdict));
    }
    let disagreement = case.check_oracle(&verdict).err()?;
    Some(format!("{}: {disagreement}", case.name))
}

/// What dpkg-source made of a case, for those who look at single cases.
fn shown(case: &Case, verdict: &Verdict) -> String {
    let list = |result: &Result<listing::Listing, String>| match result {
        Ok(listing) => {
            let lines = listing.iter().map(|(path, entry)| format!("    {} {entry}\n", path.escape_ascii()));
            lines.collect()
        }
        Err(complaint) => format!("    {complaint}\n"),
    };
    format!("{}\n  unapplied\n{}  applied\n{}", case.name, list(&verdict.unapplied), list(&verdict.applied))
}

/// The importer must do with every case what is expected of it.
#[test]
fn importer_agrees_with_dpkg_source() {
    let cases = cases::selected();
    let failures: Vec<String> = parallel::map(&cases, mistakes).into_iter().flatten().collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn mistakes(case: &Case) -> Option<String> {
    let mistakes = verify::case(case);
    (!mistakes.is_empty()).then(|| format!("{} ({}):\n    {}", case.name, case.why, mistakes.join("\n    ")))
}

/// A case is asked for by its name, so no two may share one.
#[test]
fn names_are_unique() {
    let mut names: Vec<_> = cases::all().iter().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
