use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error};
use operations::questions;

use super::Installation;
use crate::exit;

/// Write figures for Prometheus, in the format of node_exporter's textfile collector
///
/// The file is written beside its place and renamed: nobody reads half of it. Call it from cron, or after each run.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  package-import metrics --textfile /var/lib/prometheus/node-exporter/package_import.prom"
)]
pub struct Arguments {
    /// The file, whose name has to end in .prom; - is the standard output
    #[arg(long, value_name = "PATH")]
    textfile: PathBuf,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let metrics = questions::metrics(&installation.open()?)?;
    let text = web::render_metrics(&metrics, false);
    if arguments.textfile.as_os_str() == "-" {
        io::stdout().write_all(text.as_bytes())?;
    } else {
        let path = std::path::absolute(&arguments.textfile).context("cannot find the current folder")?;
        replace(&path, &text).with_context(|| exit::Unwritable(path))?;
    }
    Ok(exit::DONE)
}

/// Writes beside the file and renames. The collector, another user, has to be able to read it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(there) => Some(there.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A device, a pipe or a link is there on purpose, and is written to and not replaced.
    if kind.is_some_and(|kind| !kind.is_file()) {
        let message = "it is not a regular file, and only such a one is replaced; - is the standard output";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("/"));
    // The collector reads whatever ends in .prom.
    let mut beside =
        tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".new").tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(Permissions::from_mode(0o644))?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        replace(&place("new.prom"), "1").unwrap();
        replace(&place("new.prom"), "2").unwrap();
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::metadata(place("new.prom")).unwrap().permissions().mode() & 0o777, 0o644);
        symlink(place("new.prom"), place("link")).unwrap();
        symlink(place("nowhere"), place("dangling")).unwrap();
        fs::create_dir(place("folder")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        for name in ["link", "dangling", "folder", "pipe"] {
            let before = fs::symlink_metadata(place(name)).unwrap().file_type();
            assert!(replace(&place(name), "3").unwrap_err().to_string().contains("not a regular file"));
            assert_eq!(fs::symlink_metadata(place(name)).unwrap().file_type(), before, "{name}");
        }
        assert!(replace(Path::new("/dev/null"), "3").is_err());
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "nothing is left behind");
    }
}
