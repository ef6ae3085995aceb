//! Choice of the dpkg-source that is asked. It is kept loaded from one question to the next.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{is_root, open_temp_dir};

/// A dpkg-source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dpkg {
    /// That of Debian bookworm, whose rules are the importer's.
    Usual,
    /// That of Debian unstable.
    Newest,
}

/// The series whose rules are the importer's.
const SERIES: &str = "1.21.";
/// Separator of the fields of a question.
const FIELD: char = '\x1f';

/// A question, and where its answer goes.
pub(super) struct Call<'a> {
    /// The folder to work in.
    pub(super) folder: &'a Path,
    /// A file for what it says.
    pub(super) errors: &'a Path,
    /// Environment of the call.
    pub(super) environment: &'a [(&'a str, String)],
    /// Arguments of the call.
    pub(super) arguments: &'a [String],
}

impl Dpkg {
    /// Version of dpkg.
    pub fn version(self) -> String {
        let (script, modules) = self.place();
        let mut command = Command::new("perl");
        command.arg("-I").arg(modules).arg(script).arg("--version").env("LC_ALL", "C");
        version_in(&command.output().unwrap().stdout)
    }

    /// The script and its modules.
    fn place(self) -> (PathBuf, PathBuf) {
        static USUAL: OnceLock<PathBuf> = OnceLock::new();
        static NEWEST: OnceLock<PathBuf> = OnceLock::new();
        let folder = match self {
            Dpkg::Usual => USUAL.get_or_init(|| {
                let said = Command::new("dpkg-source").arg("--version").env("LC_ALL", "C").output();
                let is_here = said.is_ok_and(|it| version_in(&it.stdout).starts_with(SERIES));
                if is_here { PathBuf::from("/") } else { fetched("bookworm") }
            }),
            Dpkg::Newest => NEWEST.get_or_init(|| fetched("sid")),
        };
        (folder.join("usr/bin/dpkg-source"), folder.join("usr/share/perl5"))
    }

    /// Asks; whether it succeeded.
    pub(super) fn call(self, call: &Call<'_>) -> bool {
        thread_local! {
            static KEPT: RefCell<BTreeMap<Dpkg, Kept>> = const { RefCell::new(BTreeMap::new()) };
        }
        KEPT.with_borrow_mut(|kept| kept.entry(self).or_insert_with(|| Kept::start(self)).ask(call))
    }
}

fn version_in(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let word = text.lines().next().and_then(|line| line.split("version ").nth(1));
    word.unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Folder of the files of a release, which are fetched if they are missing.
fn fetched(release: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(root.join("scripts/fetch-dpkg")).arg(release).output().unwrap();
    assert!(
        output.status.success(),
        "these tests compare with the dpkg-source of Debian {release}, which cannot be had; `scripts/fetch-dpkg {release}` \
         gets it: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    root.join("target/dpkg").join(release).canonicalize().unwrap()
}

/// A process that has dpkg-source loaded.
struct Kept {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _origins: TempDir,
}

impl Kept {
    fn start(dpkg: Dpkg) -> Kept {
        let (script, modules) = dpkg.place();
        let mut command = Command::new("perl");
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/src/oracle/kept.pl");
        command.arg("-I").arg(&modules).arg(program).arg(script).arg(&modules);
        if is_root() {
            command.args(["65534", "65534"]);
        }
        // Vendors are looked up when the modules are loaded: not those of this machine.
        let origins = open_temp_dir();
        fs::write(origins.path().join("debian"), "Vendor: Debian\n").unwrap();
        fs::write(origins.path().join("ubuntu"), "Vendor: Ubuntu\nParent: Debian\n").unwrap();
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("DPKG_ORIGINS_DIR", origins.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Kept { child, questions, answers, _origins: origins }
    }

    fn ask(&mut self, call: &Call<'_>) -> bool {
        let mut line = format!("{}{FIELD}{}", call.folder.display(), call.errors.display());
        write!(line, "{FIELD}{}", call.environment.len()).unwrap();
        call.environment.iter().for_each(|(name, value)| write!(line, "{FIELD}{name}={value}").unwrap());
        call.arguments.iter().for_each(|argument| write!(line, "{FIELD}{argument}").unwrap());
        assert!(!line.contains('\n'), "{line:?}");
        writeln!(self.questions.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let status: i32 =
            answer.trim().parse().unwrap_or_else(|_| panic!("dpkg-source has died: {answer:?}"));
        status == 0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
