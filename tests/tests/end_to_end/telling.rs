//! What people are told, by the program itself: beside a run, from cron, and when it is killed between sending and noting that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use package_import_tests::queue::Queue;
use state::breaker;
use state::outbox::notices;
use state::outbox::texts;

/// Takes mail in the place of the machine's mail server: each into a file of its own.
const SENDMAIL: &str = "#!/bin/sh\n[ ! -e \"$0.away\" ] || { echo 'server is away' >&2; exit 75; }\ncat > \"$(mktemp \"$0.mail.XXXXXX\")\"\n";

struct Told {
    queue: Queue,
    program: PathBuf,
}

impl Told {
    fn new(queue: Queue) -> Told {
        queue.enqueue_one();
        let root = queue.installation.root();
        let program = root.join("sendmail");
        fs::write(&program, SENDMAIL).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let config = root.join("config.toml");
        let before = fs::read_to_string(&config).unwrap_or_default();
        let channel = format!(
            "{before}\n[[notify.mail]]\nname = 'team'\nfrom = 'imports@example.org'\nto = ['team@example.org']\nsendmail = '{}'\npace = '0s'\n",
            program.display()
        );
        fs::write(config, channel).unwrap();
        let told = Told { queue, program };
        assert_eq!(told.queue.well(&["notify"]), "");
        told
    }

    /// Something is out of reach, and it is time to say so.
    fn outage(&self, name: &str) {
        let rule = breaker::Rule::default();
        let store = self.queue.store();
        let cause = Some("fetch/connect: connection refused");
        store.write(|tx| breaker::note(tx, name, (0, rule.least), cause, None, &rule)).unwrap();
        store.write(|tx| tx.execute("UPDATE notice SET due = at", &[])).unwrap();
    }

    /// A signature rises, and it is time to say so. No run finds out that it is otherwise.
    fn surge(&self) {
        let store = self.queue.store();
        store.write(|tx| notices::begin(tx, &texts::surge("abcdefg", "60 packages fail with it"))).unwrap();
        store.write(|tx| tx.execute("UPDATE notice SET due = at", &[])).unwrap();
    }

    /// The mails that were taken: subject and name of each, sorted.
    fn mails(&self) -> Vec<(String, String)> {
        let folder = self.program.parent().unwrap();
        let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let mut mails: Vec<_> = names
            .filter(|path| path.to_str().unwrap().contains("sendmail.mail."))
            .map(|path| {
                let text = fs::read_to_string(path).unwrap();
                let header = |name: &str| {
                    let line = text.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_else(|| panic!("{name} in {text}")).trim().to_owned()
                };
                (header("Subject:"), header("Message-ID:"))
            })
            .collect();
        mails.sort();
        mails
    }
}

fn killed_between_sending_and_noting(queue: Queue) {
    let told = Told::new(queue);
    told.outage("deb.example.org");
    let mut command = told.queue.command(&["notify"]);
    let output = command.env("PACKAGE_IMPORT_KILL_AT", "notify/sent:1").output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    assert_eq!(told.mails().len(), 1);
    // Nobody else takes it while it might still be sent.
    assert_eq!(told.queue.well(&["notify"]), "");
    told.queue.store().write(|tx| tx.execute("UPDATE message SET lease_until = 1", &[])).unwrap();
    assert_eq!(told.queue.well(&["notify"]), "told team\n");
    let mails = told.mails();
    assert_eq!(mails.len(), 2, "at least once");
    assert_eq!(mails[0], mails[1], "by the same name");
    assert!(
        mails[0].0.contains("CRITICAL - deb.example.org is out of reach: connection refused"),
        "{mails:?}"
    );
    assert_eq!(told.queue.well(&["notify"]), "");
}

#[test]
fn a_sender_that_is_killed_is_followed_by_another_on_sqlite() {
    killed_between_sending_and_noting(Queue::sqlite());
}

#[test]
fn a_sender_that_is_killed_is_followed_by_another_on_postgresql() {
    killed_between_sending_and_noting(Queue::postgres());
}

#[test]
fn a_run_tells_and_a_channel_that_fails_is_said() {
    let told = Told::new(Queue::sqlite());
    told.surge();
    told.queue.well(&["run"]);
    assert_eq!(told.mails().len(), 1, "a run tells beside its imports");
    let away = PathBuf::from(format!("{}.away", told.program.display()));
    fs::write(&away, "").unwrap();
    let store = told.queue.store();
    store.write(|tx| notices::end(tx, &texts::surge_topic("abcdefg"), &[], |_| "it is back".into())).unwrap();
    store.write(|tx| tx.execute("UPDATE notice SET due = at", &[])).unwrap();
    let output = told.queue.command(&["notify"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("channel team: ") && said.contains("server is away"), "{said}");
    let status = told.queue.well(&["status"]);
    assert!(status.contains("Messages do not get to team (mail) since"), "{status}");
    assert!(status.contains("package-import notify test team"), "{status}");
    let list = told.queue.well(&["notify", "list"]);
    assert!(list.contains("team") && list.contains("fails since"), "{list}");
    // A trial says the same, and is on record.
    let trial = told.queue.command(&["notify", "test", "team"]).output().unwrap();
    assert_eq!(trial.status.code(), Some(1));
    fs::remove_file(&away).unwrap();
    assert_eq!(told.queue.well(&["notify", "test", "team"]), "channel team has taken it\n");
    assert_eq!(told.queue.number("SELECT COUNT(*) FROM event WHERE action = 'notify-test'"), 2);
    // It works, so what waits is tried at once.
    assert_eq!(told.queue.well(&["notify"]), "told team\n");
    assert_eq!(told.mails().len(), 3);
    let other = told.queue.command(&["notify", "test", "nobody"]).output().unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(said.contains("there is no channel \"nobody\": team"), "{said}");
}

#[test]
fn what_cannot_be_meant_is_refused_by_every_command() {
    let told = Told::new(Queue::sqlite());
    let config = told.queue.installation.root().join("config.toml");
    fs::write(&config, "[[notify.mial]]\nname = 'team'\n").unwrap();
    for arguments in [&["status"][..], &["run"], &["notify"]] {
        let output = told.queue.command(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("config.toml: [notify]: unknown field `mial`"), "{said}");
    }
}
