//! Every hard case: what dpkg-source makes of it, and what the importer makes of it.

use package_import_tests::cases::{self, Case};
use package_import_tests::{parallel, verify};

/// dpkg-source and the importer must both do with every case what is expected of them, and make the same trees. Each case
/// is put together and given to dpkg-source once.
#[test]
fn dpkg_source_and_the_importer_agree_on_every_case() {
    let cases = cases::selected();
    let failures: Vec<String> = parallel::map(&cases, mistakes).into_iter().flatten().collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn mistakes(case: &Case) -> Option<String> {
    let mistakes = verify::case(case);
    (!mistakes.is_empty()).then(|| format!("{} ({}):\n    {}", case.name, case.why, mistakes.join("\n    ")))
}

/// So that a word about a newer dpkg is about a case that there is.
#[test]
fn what_a_newer_dpkg_does_otherwise_is_about_cases() {
    let all: Vec<&str> = cases::all().iter().map(|case| case.name).collect();
    let unknown: Vec<&str> = cases::newer::names().filter(|name| !all.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
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
