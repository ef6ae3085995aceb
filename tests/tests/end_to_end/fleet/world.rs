//! A state whose owner has applied the grants, and a login for each role.

use std::fs;
use std::process::{Child, Command, Output, Stdio};

use package_import_tests::installation::binary;
use package_import_tests::programs::built;
use package_import_tests::queue::{Queue, text, write_packages};

pub const GRANTS: &str = include_str!("../../../../docs/examples/grants.sql");

/// An installation on PostgreSQL with a few packages, one of which fails, and logins.
pub struct Fleet {
    pub queue: Queue,
    pub schema: String,
    owner: postgres::Client,
}

impl Fleet {
    pub fn new() -> Fleet {
        let queue = Queue::postgres();
        drop(queue.store_or_make());
        let url = queue.postgres.clone().unwrap();
        let schema = url.split("search_path=").nth(1).unwrap().trim_end_matches('\'').to_owned();
        let mut owner = throwaway_postgres::shared().client();
        owner.batch_execute(&format!("SET search_path = {schema}")).unwrap();
        owner.batch_execute(GRANTS).unwrap();
        Fleet { queue, schema, owner }
    }

    /// Says something as the owner of the tables.
    pub fn owner(&mut self, sql: &str) {
        self.owner.batch_execute(sql).unwrap();
    }

    /// Makes a login with a role, or without any. Returns its connection string.
    pub fn login(&mut self, role: Option<&str>) -> String {
        let name = format!("{}_{}", self.schema, role.unwrap_or("nobody"));
        let member = role.map_or(String::new(), |role| format!("IN ROLE package_import_{role}"));
        self.owner(&format!("CREATE ROLE {name} LOGIN {member}"));
        self.queue.postgres.as_ref().unwrap().replace("user=postgres", &format!("user={name}"))
    }

    /// The program as a login.
    pub fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("--root").arg(self.queue.installation.root()).args(arguments);
        command.env("PACKAGE_IMPORT_STATE", url);
        command
    }

    pub fn run(&self, url: &str, arguments: &[&str]) -> Output {
        self.command(url, arguments).output().unwrap()
    }

    /// A service of a host, which writes its log into a file of the installation.
    pub fn service(&self, url: &str, host: &str) -> Child {
        let log = fs::File::create(self.log_of(host)).unwrap();
        self.command(url, &["run", "--service", "--jobs", "2"])
            .env("PACKAGE_IMPORT_HOST", host)
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap()
    }

    /// Answer of a check that reads the state as its owner.
    pub fn check(&self, name: &str) -> String {
        let url = self.queue.postgres.as_ref().unwrap();
        let config = self.queue.installation.files().join("checks.toml");
        fs::write(&config, format!("[checks]\nstate = '''{url}'''\n")).unwrap();
        let output = Command::new(built(&format!("check_import_{name}")))
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        text(&output)
    }

    pub fn log_of(&self, host: &str) -> std::path::PathBuf {
        self.queue.installation.files().join(format!("{host}.log"))
    }

    /// Puts so many small packages into the queue, as the owner.
    pub fn enqueue(&self, folder: &str, count: usize, version: &str) {
        let folder = self.queue.installation.files().join(folder);
        write_packages(&folder, count, version, &[]);
        let url = self.queue.postgres.clone().unwrap();
        let said = self.run(&url, &["enqueue", "--allow-unsigned", folder.to_str().unwrap()]);
        assert!(said.status.success(), "{}", text(&said));
    }
}

/// A child that is killed when the test ends, whatever it comes to.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
