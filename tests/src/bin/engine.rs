//! Imports one `.dsc` as a job does, in a child with all its walls, but without the records of the queue: what the
//! engine alone costs, in two processes.
//!
//! Usage: `engine PACKAGE-IMPORT ROOT FILE.dsc`

use std::env;
use std::path::{Path, PathBuf};

use importer::child;
use importer::config::LimitsConfig;
use importer::dsc_arguments::read_dsc;
use importer::protocol::{Outcome, Request, Trust, VersionRequest};
use source_package::control::Stanza;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args_os().skip(1);
    let mut next = || arguments.next().map(PathBuf::from).ok_or("usage: engine PACKAGE-IMPORT ROOT FILE.dsc");
    let (program, root, dsc) = (next()?, next()?, next()?);
    let request = request(root, &dsc)?;
    let ended = child::run(&program, &request, |_| (), |_| ()).map_err(|failure| failure.to_string())?;
    match ended.reports.into_iter().next().flatten() {
        Some(report) if report.outcome == Outcome::Imported => Ok(()),
        report => Err(format!("{}: {report:?} {:?}", dsc.display(), ended.failure).into()),
    }
}

fn request(root: PathBuf, dsc: &Path) -> Result<Request, Box<dyn std::error::Error>> {
    let text = read_dsc(dsc, &LimitsConfig::default().dsc()).map_err(|failure| failure.to_string())?;
    let stanza = Stanza::parse(&text)?;
    let version = VersionRequest {
        dsc: dsc.to_owned(),
        distro: "debian".into(),
        suite: Some("sid".into()),
        trust: Trust::Unsigned,
        allow_weak_checksums: false,
        base: None,
    };
    Ok(Request {
        root,
        package: stanza.get("Source").unwrap_or_default().to_owned(),
        default_branch: None,
        versions: vec![version],
        bases: Default::default(),
        allow_weak_checksums: false,
        limits: LimitsConfig::default(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        parent: std::process::id(),
        fence: Some((1, 1)),
        distros: vec!["debian".into()],
        collisions: Default::default(),
        settle: false,
        word: None,
        stands: None,
        task: importer::protocol::Task::Import,
    })
}
