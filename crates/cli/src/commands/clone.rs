use std::io::Write;
use std::path::PathBuf;

use anyhow::Error;
use operations::copies::{self, WorkingCopy};

use super::Installation;
use crate::exit;
use crate::screen::{self, print_json};

/// Clone a package's repository for work with git-buildpackage
///
/// For packagers; no state is needed. The clone gets .git/gbp.conf (so that `gbp buildpackage` and `gbp pq` work without
/// options), attributes by which Git writes exactly the files of the source, the original tarballs beside it, each with the
/// hash that was imported, and a remote `vcs` for the Vcs-Git of debian/control. Nothing is added to the tree.
///
/// Exit code 1: a tarball could not be had. gbp then refuses to make another one.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import clone hello\n  package-import clone hello --from 'https://git.example.org/imports/{package}.git' --branch debian/bookworm"
)]
pub struct Arguments {
    /// The source package
    package: String,

    /// The folder to make [default: the package's name]
    folder: Option<PathBuf>,

    /// Where repositories are, with {package}, {prefix}, {slug} [default: the first of [[remotes]], else this installation]
    #[arg(long, value_name = "URL")]
    from: Option<String>,

    /// The branch to work on [default: that of the repository]
    #[arg(long, value_name = "DISTRO/SUITE")]
    branch: Option<String>,

    /// Where tarballs are: a mirror, or a folder [default: those of the archives, else deb.debian.org and snapshot.debian.org]
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let wanted = WorkingCopy {
        package: &arguments.package,
        folder: arguments.folder.as_deref(),
        from: arguments.from.as_deref(),
        branch: arguments.branch.as_deref(),
        mirrors: &arguments.mirror,
    };
    let (folder, cloned) = copies::clone(installation, &wanted)?;
    let code = if cloned.missing.is_empty() { exit::DONE } else { exit::SOME_FAILED };
    if arguments.json {
        let missing: Vec<_> = cloned
            .missing
            .iter()
            .map(|it| serde_json::json!({ "name": it.name, "message": it.why }))
            .collect();
        print_json(&serde_json::json!({
            "package": arguments.package, "folder": folder, "branch": cloned.branch, "version": cloned.version,
            "vcs": cloned.vcs, "tarballs": cloned.tarballs, "missing": missing,
        }))?;
        return Ok(code);
    }
    let mut stdout = screen::stdout();
    let version = cloned.version.as_deref().unwrap_or("no known version");
    writeln!(stdout, "{}: {} ({version})", folder.display(), cloned.branch)?;
    for name in &cloned.tarballs {
        writeln!(stdout, "  beside it: {name}")?;
    }
    if let Some(vcs) = &cloned.vcs {
        writeln!(stdout, "  remote vcs: {vcs}")?;
    }
    for it in &cloned.missing {
        writeln!(stdout, "  {} could not be had, and has to lie beside it: {}", it.name, it.why)?;
    }
    Ok(code)
}
