//! A repository that Git reaches, by ssh or HTTP.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ObjectId;
use crate::address::{Address, Scheme};
use crate::create::{self, Told as ToldCommand};
use crate::git::{Call, Git, Ran, why, words};
use crate::plan::{Judge, Kin};
use crate::porcelain::{self, Told};
use crate::problem::{Problem, classify};
use crate::refs::{self, Advertised};
use crate::secret::{Offered, Secret};
use crate::server::{Created, Move, Server};
use crate::ssh::Ssh;

/// Time for a server to list its refs.
const READING: Duration = Duration::from_secs(180);
/// The most bytes that a fetch may transfer.
const FETCHED: u64 = 64 << 30;

/// Credentials and settings of a server.
#[derive(Debug, Default)]
pub struct Entry {
    /// Credentials for ssh.
    pub ssh: Option<Ssh>,
    /// The user's name, for HTTP.
    pub user: Option<String>,
    /// The password, for HTTP.
    pub password: Option<Secret>,
    /// Certificates of the authorities that vouch for the server, in place of those of the machine.
    pub authorities: Option<PathBuf>,
    /// A proxy, for HTTP.
    pub proxy: Option<String>,
    /// A command that makes a repository.
    pub create: Option<String>,
    /// A command that has a clone check out a branch.
    pub head: Option<String>,
    /// Time limit of a push.
    pub limit: Duration,
}

/// The repository of a package on a server.
pub struct Transport<'a> {
    /// Git commands that do the work.
    pub git: &'a Git,
    /// Credentials of the server.
    pub entry: &'a Entry,
    /// Address of the repository.
    pub address: &'a Address,
    /// Name of the package.
    pub package: &'a str,
    /// Branch that a clone checks out, as `DISTRO/SUITE`.
    pub branch: &'a str,
    /// Folder of the importer's objects.
    pub objects: &'a Path,
    /// Folder of the importer's refs.
    pub refs: &'a Path,
    /// Called before each exchange with the server, which may take long.
    pub pace: &'a dyn Fn(),
}

impl Transport<'_> {
    fn call(&self, arguments: Vec<OsString>) -> Result<(Call<'_>, Option<Offered>), Problem> {
        let mut call = Call { arguments, objects: Some(self.objects), ..Call::default() };
        let mut offered = None;
        match self.address.scheme() {
            Scheme::Path => call.configuration.push(("protocol.file.allow".into(), "always".into())),
            Scheme::Ssh => {
                call.configuration.push(("protocol.ssh.allow".into(), "always".into()));
                let ssh = self.entry.ssh.as_ref();
                let command =
                    ssh.map(Ssh::command).unwrap_or_else(|| "ssh -F /dev/null -o BatchMode=yes".into());
                call.environment.push(("GIT_SSH_COMMAND".into(), command.into()));
                call.environment.push(("GIT_SSH_VARIANT".into(), "ssh".into()));
            }
            Scheme::Http => offered = self.http(&mut call)?,
        }
        Ok((call, offered))
    }

    fn http(&self, call: &mut Call<'_>) -> Result<Option<Offered>, Problem> {
        call.is_http = true;
        let mut add = |key: &str, value: String| call.configuration.push((key.to_owned(), value));
        let (scheme, rest) = self.address.url().split_once("://").unwrap_or(("https", ""));
        add(&format!("protocol.{scheme}.allow"), "always".into());
        if let Some(path) = &self.entry.authorities {
            add("http.sslCAInfo", path.display().to_string());
        }
        if let Some(proxy) = &self.entry.proxy {
            add("http.proxy", proxy.clone());
        }
        let Some(password) = &self.entry.password else { return Ok(None) };
        let offered = password.offer(self.git.folder(), self.git.number())?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (named, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let user = self.entry.user.as_deref().or(named).unwrap_or("git");
        // Only this server gets the password.
        add(&format!("credential.{scheme}://{host}.helper"), offered.helper(user));
        Ok(Some(offered))
    }

    /// Runs Git for an exchange with the server.
    fn exchange(&self, arguments: Vec<OsString>, limit: Duration) -> Result<Ran, Problem> {
        let (call, offered) = self.call(arguments)?;
        let ran = self.run(&call, limit);
        drop(offered);
        ran
    }

    fn run(&self, call: &Call<'_>, limit: Duration) -> Result<Ran, Problem> {
        (self.pace)();
        let is_ssh = self.address.scheme() == Scheme::Ssh;
        let connecting = self.entry.ssh.as_ref().filter(|_| is_ssh).map(Ssh::before_call);
        let ran = self.git.run(call, limit);
        drop(connecting);
        ran
    }

    fn problem(&self, ran: &Ran) -> Problem {
        let text = if ran.stderr.trim().is_empty() { why(ran) } else { ran.stderr.clone() };
        classify(self.address.scheme(), self.address.url(), &text, ran.answer)
    }

    fn command(&self, command: &str) -> Result<(), Problem> {
        create::run(
            command,
            &ToldCommand { package: self.package, address: self.address, branch: self.branch },
        )
    }
}

impl Server for Transport<'_> {
    fn read(&self) -> Result<Advertised, Problem> {
        let arguments = words(["ls-remote", "--quiet", "--symref", "--", self.address.url()]);
        let ran = self.exchange(arguments, READING)?;
        match ran.status {
            Some(0) => Ok(refs::parse(&ran.stdout)),
            _ => Err(self.problem(&ran)),
        }
    }

    fn push(&self, moves: &[Move], atomic: bool) -> Result<Vec<Told>, Problem> {
        let mut arguments = words([
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
            "--no-signed",
        ]);
        if atomic {
            arguments.push("--atomic".into());
        }
        arguments.extend(words(["--", self.address.url()]));
        // Never a `+`: a move that is no fast-forward is refused, by Git here and by the old value on the server.
        arguments.extend(moves.iter().map(|it| format!("{}:{}", it.new, it.name).into()));
        let ran = self.exchange(arguments, self.entry.limit)?;
        let told = porcelain::parse(&ran.stdout);
        // A lock that stays is no race; an unreachable server tells nothing about any ref.
        match (told.is_empty(), ran.status, self.problem(&ran)) {
            (_, Some(0), _) => Ok(told),
            (_, _, lock @ Problem::StaleLock { .. }) => Err(lock),
            (_, _, large @ Problem::TooLarge(_)) => Err(large),
            (true, ..) if atomic && ran.stderr.contains("does not support --atomic") => {
                Err(Problem::NotAtomic)
            }
            (true, _, problem) => Err(problem),
            (false, ..) => Ok(told),
        }
    }

    fn fetch(&self, refs: &[(String, ObjectId)]) -> Result<(), Problem> {
        let mut arguments =
            words(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"]);
        arguments.extend(words(["--no-auto-maintenance", "--stdin", "--", self.address.url()]));
        let (mut call, offered) = self.call(arguments)?;
        call.input = Some(refs.iter().flat_map(|(name, _)| format!("{name}\n").into_bytes()).collect());
        call.refs = Some(self.refs);
        call.file_size = Some(FETCHED);
        let ran = self.run(&call, self.entry.limit);
        drop(offered);
        let ran = ran?;
        if ran.status != Some(0) {
            return Err(self.problem(&ran));
        }
        Ok(())
    }

    fn create(&self) -> Result<Created, Problem> {
        let Some(command) = &self.entry.create else { return Ok(Created::No) };
        let is_told = command.contains("{branch}");
        self.command(command).map(|()| if is_told { Created::WithHead } else { Created::Yes })
    }

    fn set_head(&self, _branch: &str) -> Result<bool, Problem> {
        let Some(command) = &self.entry.head else { return Ok(false) };
        self.command(command).map(|()| true)
    }

    fn is_whole(&self) -> bool {
        false
    }
}

/// Decides by the local history.
pub struct ByHistory<'a> {
    /// Git commands that do the work.
    pub git: &'a Git,
    /// Folder of the importer's objects.
    pub objects: &'a Path,
}

impl Judge for ByHistory<'_> {
    fn judge(&self, _name: &str, ours: ObjectId, theirs: ObjectId) -> Result<Kin, Problem> {
        Ok(match self.git.is_ancestor(self.objects, theirs, ours)? {
            Some(true) => Kin::Ancestor,
            None => Kin::Other,
            Some(false) => match self.git.is_ancestor(self.objects, ours, theirs)? {
                Some(true) => Kin::Ahead,
                _ => Kin::Other,
            },
        })
    }
}
