//! A working copy for a packager: a clone of a package's repository in which the tools of packagers work without options.
//! Nothing is added to the tree.

mod tarballs;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use archive::location::Location;
use packaging_repo::manifest::Manifest;
use packaging_repo::refs::refname;
use packaging_repo::repository::Repository;
use remote::address::Template;
use source_package::version::{PackageName, Version};

use crate::config::Config;
pub use tarballs::{Missing, Sources};

/// As many joins are looked through for the version that a branch shows.
const JOINS: usize = 1000;

/// Why there is no working copy.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// A folder is in the way.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// Git.
    #[error("git {command}: {said}")]
    Git {
        /// Arguments of the command.
        command: String,
        /// Output of the command.
        said: String,
    },
    /// It cannot be run.
    #[error("cannot run git: {0}; is it installed?")]
    NoGit(io::Error),
    /// A file.
    #[error("cannot write {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A name or an option cannot be understood.
    #[error("{0}")]
    Unclear(String),
    /// The clone has no branch of the importer.
    #[error("{0} is no branch of a suite (DISTRO/SUITE): name one with --branch")]
    NoSuite(String),
}

/// Package and branch to clone.
pub struct CloneOptions<'a> {
    /// Where from, as Git takes it.
    pub url: String,
    /// Where to: a folder that is not there yet.
    pub folder: &'a Path,
    /// The branch, `DISTRO/SUITE`; that of the repository if not said.
    pub branch: Option<&'a str>,
    /// Where tarballs may be.
    pub sources: Sources,
}

/// Where a package's repository is: `from`, else the first remote, else this installation.
///
/// # Errors
/// [`CloneError::Unclear`] if it is no template of addresses.
pub fn address(
    config: &Config,
    root: &Path,
    package: &PackageName,
    from: Option<&str>,
) -> Result<String, CloneError> {
    let Some(text) = from.or(config.remotes.first().map(|it| it.url.as_str())) else {
        return Ok(Repository::place(&root.join("repos"), package).to_string_lossy().into_owned());
    };
    let template = Template::parse(text).map_err(|error| CloneError::Unclear(error.to_string()))?;
    Ok(template.of(package.as_str(), package.pool_prefix()).url().to_owned())
}

/// Where tarballs may be: `mirrors`, else those of the archives that are followed.
///
/// # Errors
/// [`CloneError::Unclear`] if one is no address.
pub fn sources(config: &Config, mirrors: &[String]) -> Result<Sources, CloneError> {
    let given = mirrors.iter().map(|text| {
        let text = if text.starts_with('/') { format!("file://{text}") } else { text.clone() };
        let location = Location::parse(&text).map_err(|error| CloneError::Unclear(error.to_string()))?;
        Ok((None, location))
    });
    let given = given.collect::<Result<Vec<_>, CloneError>>()?;
    if !given.is_empty() {
        return Ok(Sources { mirrors: given });
    }
    let of = |archive: &archive::config::Archive| {
        let distro = archive.distro.clone();
        archive.mirrors.clone().into_iter().map(move |mirror| (Some(distro.clone()), mirror))
    };
    Ok(Sources { mirrors: config.archives.iter().flat_map(of).collect() })
}

/// A working copy.
#[derive(Debug)]
pub struct Cloned {
    /// The branch.
    pub branch: String,
    /// The version that it shows, if it is known.
    pub version: Option<String>,
    /// Where the packagers work, by their own word.
    pub vcs: Option<String>,
    /// Original tarballs beside it, by name.
    pub tarballs: Vec<String>,
    /// Those that could not be had.
    pub missing: Vec<Missing>,
}

/// Attributes of files in the tree would have Git write other files than the source has.
const ATTRIBUTES: &str =
    "* -text -eol -crlf -ident -filter -working-tree-encoding -export-subst -export-ignore\n";

/// Files that builds leave, which are no change of the source.
const EXCLUDED: &str = "/.pc/\n/debian/files\n/debian/.debhelper/\n/debian/*.debhelper\n/debian/*.debhelper.log\n/debian/*.substvars\n";

/// Clones, prepares, and puts the original tarballs beside it.
///
/// # Errors
/// Git, or the files. A tarball that cannot be had is no error.
pub fn clone(wanted: &CloneOptions<'_>) -> Result<Cloned, CloneError> {
    if wanted.folder.exists() {
        return Err(CloneError::Exists(wanted.folder.to_owned()));
    }
    let folder = wanted.folder;
    let mut arguments: Vec<&OsStr> =
        ["clone", "--no-checkout", "--config", "core.autocrlf=false"].map(OsStr::new).to_vec();
    if let Some(branch) = wanted.branch {
        arguments.extend([OsStr::new("--branch"), OsStr::new(branch)]);
    }
    arguments.extend([OsStr::new("--"), OsStr::new(&wanted.url), folder.as_os_str()]);
    git(None, &arguments)?;
    let copy = Copy { folder };
    let branch = copy.git(&["symbolic-ref", "--short", "HEAD"])?;
    let (distro, _) = branch.split_once('/').ok_or_else(|| CloneError::NoSuite(branch.clone()))?;
    copy.write("info/attributes", ATTRIBUTES)?;
    copy.write("info/exclude", EXCLUDED)?;
    copy.write("gbp.conf", &configuration(&branch, distro))?;
    copy.git(&["checkout", "--quiet", &branch, "--"])?;
    let vcs = copy.vcs();
    if let Some(url) = &vcs {
        copy.git(&["remote", "add", "--", "vcs", url])?;
    }
    let mut cloned =
        Cloned { version: None, vcs, tarballs: Vec::new(), missing: Vec::new(), branch: branch.clone() };
    if let Some((version, manifest)) = copy.manifest(distro)? {
        let beside = folder.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (tarballs, missing) = wanted.sources.put(&manifest, distro, beside);
        (cloned.version, cloned.tarballs, cloned.missing) = (Some(version), tarballs, missing);
    }
    Ok(cloned)
}

/// Settings that git-buildpackage needs. Else it refuses the branch, makes another original tarball than the archive has, and
/// leaves out of the source package what its `debuild -i -I` leaves out (dpkg-source(1), default patterns): `.gitignore` and
/// others, which the archive's may have.
fn configuration(branch: &str, distro: &str) -> String {
    format!(
        "[DEFAULT]\ndebian-branch = {branch}\nignore-branch = True\ndebian-tag = {distro}/%(version)s\n\
         upstream-tag = upstream/%(version)s\npristine-tar = False\n\n\
         [buildpackage]\n# The archive's original tarballs lie beside this folder. None is made: it would be another.\n\
         no-create-orig = True\n\
         # Everything but .git belongs to the source: without patterns dpkg-source leaves out .gitignore and others.\n\
         builder = debuild '-i(?:^|/)[.]git(?:/|$)' -I.git\n"
    )
}

/// A clone.
struct Copy<'a> {
    folder: &'a Path,
}

impl Copy<'_> {
    fn git(&self, arguments: &[&str]) -> Result<String, CloneError> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        git(Some(self.folder), &arguments)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), CloneError> {
        let path = self.folder.join(".git").join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text)).map_err(|error| CloneError::File { path, error })
    }

    /// `Vcs-Git` of the source, without its branch and folder.
    fn vcs(&self) -> Option<String> {
        let text = self.git(&["show", "HEAD:debian/control"]).ok()?;
        let source: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).collect();
        let value = source.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("vcs-git").then(|| value.trim())
        })?;
        let url = value.split_whitespace().next()?;
        let schemes = ["https://", "http://", "git://", "ssh://"];
        schemes.iter().any(|scheme| url.starts_with(scheme)).then(|| url.to_owned())
    }

    /// The version that the branch shows, and what its tag lists.
    fn manifest(&self, distro: &str) -> Result<Option<(String, Manifest)>, CloneError> {
        let mut at = "HEAD".to_owned();
        for _ in 0..JOINS {
            let format = "--format=%(trailers:key=Version,valueonly)%x00%(trailers:key=Join,valueonly)%x00";
            let said = self.git(&["log", "-1", format, &at])?;
            let mut parts = said.split('\0').map(str::trim);
            let (version, join) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if !join.is_empty() {
                at.push_str("^2");
                continue;
            }
            return Ok(Version::new(version).ok().and_then(|version| self.tag(distro, &version)));
        }
        Ok(None)
    }

    fn tag(&self, distro: &str, version: &Version) -> Option<(String, Manifest)> {
        let name = refname::version_tag(distro, version.as_str());
        let message = self.git(&["for-each-ref", "--format=%(contents)", &name]).ok()?;
        let manifest = Manifest::parse(message.as_bytes()).ok()?;
        (manifest.version == version.as_str()).then(|| (version.to_string(), manifest))
    }
}

/// Runs Git as the packager would: with the user's own configuration and keys.
fn git(folder: Option<&Path>, arguments: &[&OsStr]) -> Result<String, CloneError> {
    let mut command = Command::new("git");
    if let Some(folder) = folder {
        command.arg("-C").arg(folder);
    }
    let output = command.args(arguments).stdin(Stdio::inherit()).output().map_err(CloneError::NoGit)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let command = arguments.first().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    Err(CloneError::Git { command, said: remote::problem::said(&String::from_utf8_lossy(&output.stderr)) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn gbp_is_told_the_branch_and_makes_no_tarball() {
        let text = super::configuration("ubuntu/noble", "ubuntu");
        assert!(
            text.contains("debian-branch = ubuntu/noble\n")
                && text.contains("debian-tag = ubuntu/%(version)s\n")
        );
        assert!(text.contains("no-create-orig = True\n"));
    }
}
