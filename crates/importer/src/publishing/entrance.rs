//! Remotes that are ready to be used.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use remote::abilities::Abilities;
use remote::address::{Address, Scheme, Template};
use remote::git::Git;
use remote::problem::Problem;
use remote::secret::Secret;
use remote::ssh::Ssh;
use remote::transport::Entry;
use source_package::version::PackageName;

use super::config::RemoteConfig;

/// A remote: its credentials, and the facts about its server.
pub struct Entrance {
    /// As it is configured.
    pub config: RemoteConfig,
    /// Addresses of its repositories.
    pub template: Template,
    /// Credentials of the server.
    pub entry: Entry,
    /// Git commands that do the work.
    pub git: Arc<Git>,
    pace: Mutex<Option<Instant>>,
    abilities: Mutex<Abilities>,
}

impl Entrance {
    /// Makes one ready. `root` is the installation's.
    ///
    /// # Errors
    /// Something of this machine: a folder for Git.
    pub fn open(config: &RemoteConfig, root: &Path, git: &Arc<Git>) -> Result<Entrance, Problem> {
        let template = config.template().map_err(|error| Problem::Local(error.to_string()))?;
        let ssh = match (template.scheme(), &config.key) {
            (Scheme::Ssh, Some(key)) => {
                let hosts = config.known_hosts.clone().unwrap_or_else(|| root.join("known_hosts"));
                Some(Ssh::new(key, &hosts)?)
            }
            _ => None,
        };
        let file = config.password_file.clone().map(Secret::File);
        let entry = Entry {
            ssh,
            user: config.user.clone(),
            password: file.or_else(|| config.credential.clone().map(Secret::Credential)),
            authorities: config.ca.clone(),
            proxy: config.proxy.clone(),
            create: config.create.clone(),
            head: config.head.clone(),
            limit: Duration::from_millis(config.timeout),
        };
        Ok(Entrance {
            config: config.clone(),
            template,
            entry,
            git: Arc::clone(git),
            pace: Mutex::default(),
            abilities: Mutex::default(),
        })
    }

    /// Address of a package's repository.
    pub fn address(&self, package: &PackageName) -> Address {
        self.template.of(package.as_str(), package.pool_prefix())
    }

    /// Abilities of the server, as far as they are known.
    pub fn abilities(&self) -> Abilities {
        lock(&self.abilities).clone()
    }

    /// Remembers facts about the server; returns true when they are new.
    pub fn learn(&self, abilities: &Abilities) -> bool {
        let mut known = lock(&self.abilities);
        let is_news = *known != *abilities;
        *known = abilities.clone();
        is_news
    }

    /// Waits until the next request may be made.
    pub fn pace(&self) {
        if self.config.pace == 0 {
            return;
        }
        let step = Duration::from_millis(self.config.pace);
        let now = Instant::now();
        let mine = {
            let mut next = lock(&self.pace);
            let mine = next.map_or(now, |next| next.max(now));
            *next = Some(mine + step);
            mine
        };
        thread::sleep(mine.saturating_duration_since(now));
    }
}

/// The remotes of an installation, ready to be used.
pub struct Remotes {
    /// The remotes.
    pub all: Vec<Entrance>,
    git: Arc<Git>,
}

impl Remotes {
    /// Makes those of a configuration ready.
    ///
    /// # Errors
    /// Something of this machine.
    pub fn open(configured: &[RemoteConfig], root: &Path) -> Result<Remotes, Problem> {
        let git = Arc::new(Git::open()?);
        let open = |it| Entrance::open(it, root, &git);
        let all = configured.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Remotes { all, git })
    }

    /// The one of a name.
    pub fn named(&self, name: &str) -> Option<&Entrance> {
        self.all.iter().find(|it| it.config.name == name)
    }

    /// Ends all that runs.
    pub fn stop(&self) {
        self.git.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
