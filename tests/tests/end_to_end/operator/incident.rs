//! One night: eleven uploads were imported, some failed for good reasons, and somebody has already begun to act.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use importer::queue::logs::day_before;
use package_import_tests::queue::Queue;
use package_import_tests::synthetic::package;
use state::tx::Tx;
use state::{breaker, values};

use crate::operator::terminal::{command, show};

const HOUR: i64 = 3_600_000;

/// Everything was imported more than three hours ago. Halves of hours keep what is shown from depending on how long a
/// test takes.
const AGE: i64 = 3 * HOUR + HOUR / 2;

/// Packages that can be imported.
const GOOD: [&str; 3] = ["acl", "hello", "zlib"];
/// Packages whose tarball is not the one that their `.dsc` lists.
pub const DAMAGED: [&str; 3] = ["bash", "curl", "dash"];
/// Packages whose upstream tarball is not there.
pub const INCOMPLETE: [&str; 2] = ["jq", "perl"];

/// The incident on SQLite.
pub fn sqlite() -> Queue {
    begin(Queue::sqlite())
}

/// The incident on PostgreSQL.
pub fn postgres() -> Queue {
    begin(Queue::postgres())
}

fn begin(queue: Queue) -> Queue {
    let files = queue.installation.files();
    write(&files.join("night"));
    enqueue(&queue, "night", "upload");
    run(&queue);
    show(&queue, &["hold", "perl", "--reason", "upload is broken, bug 123", "--until", "2999-12-31"]);
    show(
        &queue,
        &["suppress", &signature(&queue, "unsupported-format"), "--reason", "known", "--until", "2999-12-31"],
    );
    age(&queue);
    queue
}

/// The short id of the signature with a code.
pub fn signature(queue: &Queue, code: &str) -> String {
    queue.texts(&format!("SELECT short FROM signature WHERE code = '{code}'")).remove(0)
}

/// Puts the packages of a folder into the queue.
pub fn enqueue(queue: &Queue, folder: &str, lane: &str) {
    let folder = queue.installation.files().join(folder);
    show(queue, &["enqueue", "--allow-unsigned", "--lane", lane, folder.to_str().unwrap()]);
}

/// Works through the queue, one after the other: attempts have the numbers of their places.
pub fn run(queue: &Queue) {
    let output = command(queue, &["run", "--jobs", "1"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// Writes the packages of the night.
fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for name in GOOD {
        package(name, "1.0-1").write(folder);
    }
    for name in DAMAGED {
        package(name, "5.2-1").write(folder);
        damage(&folder.join(format!("{name}_5.2.orig.tar.gz")));
    }
    for name in INCOMPLETE {
        package(name, "1.7-1").write(folder);
        fs::remove_file(folder.join(format!("{name}_1.7.orig.tar.gz"))).unwrap();
    }
    // Its patch does not apply: it is imported without.
    package("openssh", "9.2-1").patch("port.diff", "line 70", "line seventy").write(folder);
    let dsc = package("tzdata", "2024a-1").write(folder);
    let text = fs::read_to_string(&dsc).unwrap();
    fs::write(&dsc, text.replace("3.0 (quilt)", "3.0 (git)")).unwrap();
}

/// Changes a byte.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Writes the mended files of packages, and leaves the rest as it is.
pub fn mend(queue: &Queue, names: &[&str], version: &str) {
    for name in names {
        package(name, version).write(&queue.installation.files().join("night"));
    }
}

/// Lets everything have happened a while ago, each attempt in 40 milliseconds.
pub fn age(queue: &Queue) {
    let columns = [
        ("attempt", "started"),
        ("attempt", "ended"),
        ("failure", "since"),
        ("failure", "last"),
        ("signature", "first_seen"),
        ("signature", "last_seen"),
        ("publication", "first_seen"),
        ("package", "last_success"),
        ("package", "held_at"),
        ("run", "started"),
        ("run", "ended"),
        ("host", "heartbeat"),
        ("event", "at"),
    ];
    wait(queue);
    let store = queue.store();
    store
        .write(|tx| {
            for (table, column) in columns {
                tx.execute(&format!("UPDATE {table} SET {column} = {column} - ?1"), values![AGE])?;
            }
            tx.execute("UPDATE attempt SET wall_ms = 40", &[])?;
            tx.execute("UPDATE package SET wall_ms = 40 WHERE wall_ms IS NOT NULL", &[]).map(drop)
        })
        .unwrap();
    age_logs(queue);
}

/// Puts each attempt's log into the folder of the day on which it now began: a while ago may have been yesterday.
fn age_logs(queue: &Queue) {
    let logs = queue.installation.root().join("logs");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for attempt in queue.store().read(|tx| tx.query("SELECT id, started FROM attempt", &[])).unwrap() {
        let name = format!("{}.log", attempt.int(0));
        let began = Duration::from_millis(attempt.int(1).try_into().unwrap());
        let folder = logs.join(day_before(now.saturating_sub(began)));
        let days = fs::read_dir(&logs).unwrap().map(|day| day.unwrap().path());
        if let Some(log) = days.map(|day| day.join(&name)).find(|log| log.exists()) {
            fs::create_dir_all(&folder).unwrap();
            fs::rename(log, folder.join(name)).unwrap();
        }
    }
}

/// Lets all that wait for their time wait for more than two hours.
pub fn wait(queue: &Queue) {
    let sql = "UPDATE job SET due = ?1 WHERE state = 'retrying'";
    let later = |tx: &mut Tx<'_>| {
        let now = tx.now()?;
        tx.execute(sql, values![now + 5 * HOUR / 2])
    };
    queue.store().write(later).unwrap();
}

/// Uploads that came and were not imported yet: one an hour ago, one that an operator asked for.
pub fn uploads(queue: &Queue) {
    let files = queue.installation.files();
    for (folder, name, lane) in [("late", "nano", "upload"), ("asked", "vim", "operator")] {
        fs::create_dir_all(files.join(folder)).unwrap();
        package(name, "7.2-1").write(&files.join(folder));
        enqueue(queue, folder, lane);
    }
    let entered = "UPDATE job SET entered = entered - ?1 WHERE state = 'pending'";
    let seen = "UPDATE publication SET first_seen = first_seen - ?1 WHERE tries = 0";
    let mut both = |tx: &mut Tx<'_>| {
        tx.execute(entered, values![AGE])?;
        tx.execute(seen, values![AGE])
    };
    queue.store().write(&mut both).unwrap();
}

/// An archive that is out of reach.
pub fn outage(queue: &Queue) {
    let rule = breaker::Rule::default();
    let cause = "fetch/connect: deb.example.org: connection refused";
    queue
        .store()
        .write(|tx| {
            breaker::note(tx, "deb.example.org", (0, rule.least), Some(cause), None, &rule)?;
            let later = "UPDATE dependency SET since = since - ?1, next_probe = next_probe + ?2, probes = 44";
            tx.execute(later, values![AGE, 5 * HOUR / 2]).map(drop)
        })
        .unwrap();
}
