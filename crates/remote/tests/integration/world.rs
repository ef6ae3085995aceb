//! A repository to publish, a server to publish it on, and the work on them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use remote::ObjectId;
use remote::abilities::Abilities;
use remote::address::{Address, Template};
use remote::git::Git;
use remote::problem::Problem;
use remote::publish::{Desired, Foreign, Published, Publisher};
use remote::refs::Wanted;
use remote::secret::Secret;
use remote::ssh::Ssh as Entrance;
use remote::transport::{ByHistory, Entry, Transport};
use throwaway_git_servers::{Gitolite, PASSWORD, Recorder, Ssh, USER, Web, git};

pub const HEAD: &str = "refs/heads/debian/sid";

/// The servers that tests share which do not stop them.
pub fn ssh() -> &'static Ssh {
    static SERVER: OnceLock<Ssh> = OnceLock::new();
    SERVER.get_or_init(Ssh::start)
}

pub fn gitolite() -> &'static Gitolite {
    static SERVER: OnceLock<Gitolite> = OnceLock::new();
    SERVER.get_or_init(Gitolite::start)
}

pub fn web() -> &'static Web {
    static SERVER: OnceLock<Web> = OnceLock::new();
    SERVER.get_or_init(Web::start)
}

/// A small repository in the form in which an import leaves it.
pub struct Source {
    folder: tempfile::TempDir,
    versions: u32,
}

impl Source {
    pub fn make(versions: u32) -> Source {
        let folder = tempfile::tempdir().unwrap();
        git(&["init", "-q", "--bare", &folder.path().to_string_lossy()]);
        let mut source = Source { folder, versions: 0 };
        for _ in 0..versions {
            source.add();
        }
        source
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let path = self.path().to_string_lossy().into_owned();
        git(&[&["--git-dir", &path], arguments].concat())
    }

    /// Imports one more version: two branches, four tags and the `.dsc`.
    pub fn add(&mut self) {
        self.versions += 1;
        let n = self.versions;
        let commit = |branch: &str, tag: &str| {
            let blob = self.blob(&format!("{branch} {n}"));
            let mk = format!("100644 blob {blob}\tf\n");
            let tree = self.pipe(&["mktree"], &mk);
            let parent = self.at(&format!("refs/heads/{branch}"));
            let mut arguments = vec!["commit-tree", "-m", "v", &tree];
            if let Some(parent) = &parent {
                arguments.extend(["-p", parent.as_str()]);
            }
            let commit = self.git(&arguments);
            self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
            self.git(&["tag", "-a", "-m", "t", tag, &commit]);
        };
        commit("debian/sid", &format!("debian/1-{n}"));
        commit("applied/debian/sid", &format!("applied/debian/1-{n}"));
        if n == 1 {
            self.git(&["tag", "-a", "-m", "u", "upstream/1", HEAD]);
        }
        let dsc = self.blob(&format!("dsc {n}"));
        self.git(&["update-ref", &format!("refs/dsc/debian/1-{n}"), &dsc]);
    }

    fn blob(&self, text: &str) -> String {
        self.pipe(&["hash-object", "-w", "--stdin"], text)
    }

    fn pipe(&self, arguments: &[&str], input: &str) -> String {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(self.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn at(&self, name: &str) -> Option<String> {
        Recorder { path: self.path().to_owned() }.at(name)
    }

    pub fn refs(&self) -> Vec<(String, String)> {
        Recorder { path: self.path().to_owned() }.refs()
    }

    pub fn desired(&self) -> Desired {
        let text = self.git(&["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"]);
        let id = |text: &str| ObjectId::from_hex(text.as_bytes()).ok();
        let refs = text.lines().map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let peeled = fields.get(2).and_then(|it| id(it));
            Wanted { name: fields[0].into(), id: id(fields[1]).unwrap(), peeled }
        });
        Desired { refs: refs.collect(), head: Some(HEAD.into()) }
    }
}

/// A remote, as it is configured.
pub struct Remote {
    pub git: Git,
    pub entry: Entry,
    template: Template,
}

impl Remote {
    pub fn new(template: &str, entry: Entry) -> Remote {
        let entry = Entry { limit: Duration::from_secs(120), ..entry };
        Remote { git: Git::open().unwrap(), entry, template: Template::parse(template).unwrap() }
    }

    pub fn ssh(server: &Ssh) -> Remote {
        let entry = Entry {
            ssh: Some(Entrance::new(&server.key(), &server.known_hosts()).unwrap()),
            ..Entry::default()
        };
        Remote::new(&format!("{}{}/{{package}}.git", server.url(), server.folder().display()), entry)
    }

    pub fn gitolite(server: &Gitolite) -> Remote {
        let ssh = Entrance::new(&server.ssh.key(), &server.ssh.known_hosts()).unwrap();
        let entry = Entry { ssh: Some(ssh), ..Entry::default() };
        Remote::new(&format!("{}/imports/{{prefix}}/{{package}}", server.ssh.url()), entry)
    }

    pub fn web(server: &Web, place: &str) -> Remote {
        let entry = Entry {
            user: Some(USER.into()),
            password: Some(Secret::File(password(server.folder(), "password", PASSWORD))),
            authorities: Some(server.authority()),
            ..Entry::default()
        };
        Remote::new(&format!("{}/{place}/{{package}}.git", server.url()), entry)
    }

    pub fn address(&self, package: &str) -> Address {
        self.template.of(package, &package[..1])
    }
}

pub fn password(folder: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Result of publishing.
pub struct Done {
    pub result: Result<Published, Problem>,
    pub abilities: Abilities,
    /// Refs that were set aside, each with whether its objects were here then.
    pub aside: Vec<Foreign>,
}

impl Done {
    pub fn published(&self) -> &Published {
        self.result.as_ref().unwrap()
    }

    pub fn problem(&self) -> &Problem {
        self.result.as_ref().unwrap_err()
    }
}

pub fn publish(source: &Source, remote: &Remote, package: &str) -> Done {
    publish_knowing(source, remote, package, Abilities::default())
}

pub fn publish_knowing(source: &Source, remote: &Remote, package: &str, abilities: Abilities) -> Done {
    publish_at_most(4, source, remote, package, abilities)
}

/// With a largest number of refs in one push.
pub fn publish_at_most(
    most: usize,
    source: &Source,
    remote: &Remote,
    package: &str,
    abilities: Abilities,
) -> Done {
    let address = remote.address(package);
    let objects = source.path().join("objects");
    let server = Transport {
        git: &remote.git,
        entry: &remote.entry,
        address: &address,
        package,
        branch: "debian/sid",
        objects: &objects,
        refs: &source.path().join("packed-refs"),
        pace: &|| {},
    };
    let judge = ByHistory { git: &remote.git, objects: &objects };
    let publisher = Publisher { server: &server, judge: &judge, most };
    let (mut abilities, mut aside) = (abilities, Vec::new());
    let result = publisher.publish(&source.desired(), &mut abilities, &mut |foreign| {
        use remote::server::Server;
        let refs: Vec<_> = foreign.iter().map(|it| (it.name.clone(), it.theirs)).collect();
        server.fetch(&refs)?;
        for it in foreign {
            source.git(&["cat-file", "-e", &it.theirs.to_string()]);
        }
        aside.extend_from_slice(foreign);
        Ok(())
    });
    Done { result, abilities, aside }
}

/// A foreign commit on top of a branch, pushed from a clone of its own.
pub fn somebody_pushes(server: &Recorder, branch: &str, text: &str) -> String {
    let clone = tempfile::tempdir().unwrap();
    let path = clone.path().to_string_lossy().into_owned();
    git(&["clone", "-q", "-b", branch, &server.path.to_string_lossy(), &path]);
    std::fs::write(clone.path().join("theirs"), text).unwrap();
    git(&["-C", &path, "add", "theirs"]);
    git(&["-C", &path, "commit", "-q", "-m", text]);
    git(&["-C", &path, "push", "-q", "origin", branch]);
    git(&["-C", &path, "rev-parse", "HEAD"])
}

/// No push was forced.
pub fn assert_unforced(server: &Recorder) {
    let forced: Vec<String> = server.pushes().into_iter().filter(|it| it.starts_with("FORCED")).collect();
    assert_eq!(forced, Vec::<String>::new());
}
