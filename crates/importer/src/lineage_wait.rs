//! Base of a derivative's version: a version of another distro, which may not be imported yet.

use archive::pattern;
use packaging_repo::refs::refname;
use packaging_repo::view::View;
use source_package::version::Version;

use crate::protocol::Base;

/// True when the repository has a version, of any distro.
pub fn is_imported(view: &View, version: &Version) -> bool {
    let has = |distro: &String| view.get(&refname::version_tag(distro, version.as_str())).is_some();
    view.distros().iter().any(has)
}

/// Base of a version, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
pub enum BaseFound {
    /// It is here: the one at this place below the top of the changelog.
    Here(usize),
    /// It is not here and may still come.
    Missing(String),
    /// It will not come any more, or the version has no base.
    None,
}

/// Searches the changelog, from a place below its top, for the newest version that is not the derivative's own.
/// Versions that the base has passed over will not come any more.
pub fn find(below: &[Version], from: usize, base: &Base, is_here: &dyn Fn(&Version) -> bool) -> BaseFound {
    for (place, version) in below.iter().enumerate().skip(from) {
        if is_here(version) {
            return BaseFound::Here(place);
        }
        if base.own.iter().any(|own| pattern::matches(own, version.as_str())) {
            continue;
        }
        let is_open = base.open.contains(version.as_str());
        let highest = base.highest.as_deref().and_then(|highest| Version::new(highest).ok());
        let may_come = is_open || highest.is_none_or(|highest| *version > highest);
        return if may_come {
            BaseFound::Missing(format!("{} {version}", base.distro))
        } else {
            BaseFound::None
        };
    }
    BaseFound::None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lacks(below: &[&str], here: &[&str], highest: Option<&str>, open: &[&str]) -> Option<String> {
        let version = |text: &&str| Version::new(text).unwrap();
        let below: Vec<Version> = below.iter().map(version).collect();
        let here: Vec<Version> = here.iter().map(version).collect();
        let base = Base {
            distro: "debian".into(),
            highest: highest.map(str::to_owned),
            open: open.iter().map(|text| (*text).to_owned()).collect(),
            own: vec!["*ubuntu*".into(), "*build[0-9]*".into()],
        };
        match find(&below, 0, &base, &|version| here.contains(version)) {
            BaseFound::Missing(missing) => Some(missing),
            BaseFound::Here(_) | BaseFound::None => None,
        }
    }

    #[test]
    fn what_it_is_built_on_may_still_come() {
        let merge = ["1.3-1", "1.2-3ubuntu2", "1.2-3"];
        assert_eq!(lacks(&merge, &["1.2-3ubuntu2"], Some("1.2-3"), &[]).as_deref(), Some("debian 1.3-1"));
        assert_eq!(lacks(&merge, &[], None, &[]).as_deref(), Some("debian 1.3-1"), "nothing of it is known");
        assert_eq!(lacks(&merge, &["1.3-1"], Some("1.3-1"), &[]), None);
        assert_eq!(lacks(&merge, &[], Some("1.3-1"), &["1.3-1"]).as_deref(), Some("debian 1.3-1"));
    }

    #[test]
    fn what_the_base_has_passed_over_does_not_come() {
        assert_eq!(lacks(&["1.2-3"], &[], Some("1.3-1"), &[]), None);
        assert_eq!(lacks(&["1.2-3"], &[], Some("1.2-3"), &[]), None, "it was imported, or is gone");
    }

    #[test]
    fn versions_of_its_own_are_passed_over() {
        let below = ["1.3-1ubuntu1", "1.3-1build1", "1.3-1"];
        assert_eq!(lacks(&below, &[], Some("1.2-3"), &[]).as_deref(), Some("debian 1.3-1"));
        assert_eq!(lacks(&below, &["1.3-1ubuntu1"], Some("1.2-3"), &[]), None, "the parent is there");
        assert_eq!(lacks(&[], &[], None, &[]), None);
    }
}
