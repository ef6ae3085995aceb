//! Commands that end a failure where trying again does not.

use source_package::code::Code;

/// The command that ends failures with a code; none if they are tried again. `which` names the packages, as `repair plan` takes
/// them.
pub fn of(code: &str, which: &str) -> Option<String> {
    let is = |it: Code| code == it.as_str();
    if is(Code::OlderThanRepositories) {
        Some("package-import adopt".to_owned())
    } else if is(Code::RepositoryDamaged) || is(Code::Repository) || is(Code::BrokenRecord) {
        Some(format!("package-import repair plan {which}"))
    } else {
        None
    }
}
