//! An archive on a web server, and an installation that follows it.

use std::fs;

use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::queue::{Queue, text};
use package_import_tests::synthetic::package;
use package_import_tests::web::Server;
use serde_json::Value;

/// An archive on a web server, and an installation that follows it.
pub struct World {
    pub archive: TestArchive,
    pub server: Server,
    pub queue: Queue,
    pub suite: Suite,
}

impl World {
    pub fn new(components: &[&str]) -> World {
        let archive = TestArchive::new();
        let suite = Suite { components: components.iter().map(|it| (*it).into()).collect(), ..suite("sid") };
        for component in components {
            fs::create_dir_all(archive.root().join("pool").join(component)).unwrap();
        }
        let server = Server::new(archive.root());
        let world = World { archive, server, queue: Queue::sqlite(), suite };
        world
            .configure(&format!("mirrors = ['{}']", world.server.url()), "[[archives.suites]]\nname = 'sid'");
        world
    }

    pub fn configure(&self, mirrors: &str, suites: &str) {
        let keyring = self.archive.signer.keyring.display();
        self.queue.installation.configure(&format!(
            "[import]\nrepack = false\n[[archives]]\nname = 'a'\ndistro = 'debian'\n{mirrors}\nkeyrings = ['{keyring}']\n{suites}\n"
        ));
    }

    pub fn publish(&self) {
        self.archive.publish(&self.suite);
    }

    pub fn add(&self, component: &str, name: &str, version: &str) {
        self.archive.add(component, name, &package(name, version));
    }

    /// Output of a poll that may fail.
    pub fn poll(&self, arguments: &[&str]) -> String {
        text(&self.queue.command(&[&["poll"], arguments].concat()).output().unwrap())
    }

    pub fn imported(&self) -> Vec<String> {
        let sql =
            "SELECT DISTINCT p.name || ' ' || v.version FROM version v JOIN package p ON p.id = v.package_id
            ORDER BY 1";
        self.queue.texts(sql)
    }

    /// Recorded listed publications, with their component.
    pub fn listed(&self) -> Vec<String> {
        let sql = "SELECT p.name || ' ' || u.version || ' ' || u.component FROM publication u
            JOIN package p ON p.id = u.package_id WHERE u.gone IS NULL AND u.unlisted IS NULL ORDER BY 1";
        self.queue.texts(sql)
    }

    pub fn freshness(&self, name: &str) -> Value {
        serde_json::from_str(&self.queue.well(&["freshness", name, "--json"])).unwrap()
    }

    pub fn verdict(&self) -> Value {
        let answer: Value = serde_json::from_str(&self.queue.well(&["archives", "--json"])).unwrap();
        answer["suites"][0].clone()
    }

    /// Something that is in `config.toml` beside mirrors and suites.
    pub fn with(&self, more: &str) {
        let more = format!("mirrors = ['{}']\n{more}", self.server.url());
        self.configure(&more, "[[archives.suites]]\nname = 'sid'");
    }

    /// Writes a list that is not what apt-ftparchive would write, and signs it.
    pub fn edit(&self, change: impl Fn(String) -> String, index: impl FnOnce(String) -> String) {
        let folder = self.archive.root().join("dists").join(&self.suite.name);
        let source = folder.join("main/source");
        let list = source.join("Sources.xz");
        let output = std::process::Command::new("xz").arg("-dc").arg(list).output().unwrap();
        let text = change(String::from_utf8(output.stdout).unwrap());
        self.archive.lists(&source, text.as_bytes(), &self.suite);
        self.archive.sign(&folder, &self.suite, index);
    }

    /// State and line of a check of this installation.
    pub fn check(&self, name: &str) -> (i32, String) {
        let mut command = std::process::Command::new(package_import_tests::daemons::plugins::path(name));
        let output =
            command.arg("-v").env("PACKAGE_IMPORT_ROOT", self.queue.installation.root()).output().unwrap();
        (output.status.code().unwrap_or(-1), text(&output))
    }

    /// Output of `poll --explain`.
    pub fn explain(&self, name: &str) -> Value {
        let output = self.queue.command(&["poll", "--explain", name, "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    }

    /// Tags of a package's repository, without those of applied patches.
    pub fn tags(&self, name: &str) -> Vec<String> {
        let text = self.queue.installation.git(name, &["tag", "--list"]);
        let own = text.lines().filter(|tag| !tag.starts_with("applied/") && !tag.starts_with("upstream/"));
        own.map(str::to_owned).collect()
    }
}

/// The path of the file of the pool that ends like this.
pub fn pool(world: &World, ending: &str) -> String {
    world.archive.pool().into_iter().find(|path| path.ends_with(ending)).unwrap()
}
