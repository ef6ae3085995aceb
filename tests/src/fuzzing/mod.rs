//! Parsers of hostile input, each as a function of bytes that must not panic, hang, or take memory without end, with inputs
//! to begin with. `make fuzz` runs them guided by coverage (libFuzzer, `scripts/fuzz`); what it finds is kept as a test
//! beside the parser.

mod package;
mod served;

/// A parser, or several that read the same kind of input.
pub struct Target {
    /// The name, as `scripts/fuzz` takes it.
    pub name: &'static str,
    /// Reads an input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target { name: "dsc", run: package::dsc, seeds: package::dsc_seeds },
    Target { name: "tar", run: package::tar, seeds: package::tar_seeds },
    Target { name: "patch", run: package::apply, seeds: package::patch_seeds },
    Target { name: "changelog", run: package::read_changelog, seeds: package::changelog_seeds },
    Target { name: "version", run: package::version, seeds: package::version_seeds },
    Target { name: "release", run: served::release, seeds: served::release_seeds },
    Target { name: "sources", run: served::sources, seeds: served::sources_seeds },
    Target { name: "server", run: served::server, seeds: served::server_seeds },
    Target { name: "repository", run: served::repository, seeds: served::repository_seeds },
    Target { name: "manifest", run: served::manifest, seeds: served::manifest_seeds },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
