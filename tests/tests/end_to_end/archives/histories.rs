//! Histories in trouble: packages wait and are said, and nothing is lost for good.

use std::collections::HashMap;
use std::fs;

use archive::answers::{ANSWERS, Answer as Row};
use package_import_tests::archive::suite;
use package_import_tests::build::dsc::hex;
use package_import_tests::parallel;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use sha1::{Digest, Sha1};

use super::faults::answer;
use super::world::World;

const OLD: [&str; 3] = ["1:0.9~rc1-1", "1:1.0+dfsg-1", "1:1.1-1"];
const VERSIONS: &str = "/mr/package/aa/";

/// An archive with the newest version, and a service that has all.
struct Service {
    world: World,
    server: Server,
    /// The path of a file of each old version.
    files: Vec<String>,
    /// Answers without a fault.
    good: HashMap<String, Answer>,
}

fn srcfiles(version: &str) -> String {
    format!("/mr/package/aa/{version}/srcfiles?fileinfo=1")
}

fn service() -> Service {
    let world = World::new(&["main"]);
    world.archive.add("main", "aa", &package("aa", "1:2.0-1"));
    world.archive.publish(&suite("sid"));
    let root = world.archive.extra("service");
    fs::create_dir_all(root.join("file")).unwrap();
    let server = Server::new(&root);
    let (mut files, mut good) = (Vec::new(), HashMap::new());
    for version in OLD {
        let folder = world.archive.extra(&format!("old-{}", version.replace(':', "-")));
        package("aa", version).write(&folder);
        let mut info = serde_json::Map::new();
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let bytes = fs::read(entry.path()).unwrap();
            let (sha1, name) = (hex(&Sha1::digest(&bytes)), entry.file_name().into_string().unwrap());
            fs::write(root.join("file").join(&sha1), &bytes).unwrap();
            if name.ends_with(".debian.tar.gz") {
                files.push(format!("/file/{sha1}"));
            }
            let one = serde_json::json!([{"archive_name": "debian", "first_seen": "20200101T000000Z", "name": name,
                "path": "/pool", "size": bytes.len()}]);
            info.insert(sha1, one);
        }
        let json = serde_json::json!({"fileinfo": info, "result": []}).to_string();
        good.insert(srcfiles(version), Answer::Status(200, vec![], json.into_bytes()));
    }
    let list: Vec<_> = OLD.iter().map(|version| serde_json::json!({"version": version})).collect();
    let list = serde_json::json!({ "result": list }).to_string();
    good.insert(VERSIONS.to_owned(), Answer::Status(200, vec![], list.into_bytes()));
    good.iter().for_each(|(path, answer)| server.on(path, answer.clone()));
    let history =
        format!("[archives.history]\nurl = '{}'\ntrust = 'served'\nrequest_interval = '0s'", server.url());
    let mirrors = format!("mirrors = ['{}']", world.server.url());
    world.configure(&mirrors, &format!("[[archives.suites]]\nname = 'sid'\n{history}"));
    Service { world, server, files, good }
}

fn all() -> Vec<String> {
    let mut all: Vec<String> =
        OLD.iter().chain(&["1:2.0-1"]).map(|version| format!("aa {version}")).collect();
    all.sort();
    all
}

/// Path of a service that has a fault.
type Path = fn(&Service) -> String;

/// Fault of a service: the path, and the wrong answer.
struct Fault {
    what: String,
    path: Path,
    answer: Answer,
    /// It does not know the package: that is noted, and nobody waits.
    is_unknown: bool,
}

/// Faults of a service beside the rows of the table.
fn odd_ones() -> Vec<Fault> {
    let body = |text: &str| Answer::Status(200, vec![], text.as_bytes().to_vec());
    let odd =
        |what: &str, path: Path, answer: Answer| Fault { what: what.into(), path, answer, is_unknown: false };
    vec![
        odd("no fileinfo", |_| srcfiles(OLD[2]), body(r#"{"_api":"0.3"}"#)),
        odd("a time", |it| it.files[2].clone(), Answer::Status(429, vec!["Retry-After: 1".into()], vec![])),
        odd("no result", |_| VERSIONS.into(), body(r#"{"_comment":"x"}"#)),
        odd("nothing", |_| srcfiles(OLD[0]), body("")),
    ]
}

/// Each row of the table, for each kind of what a service is asked for.
fn of_the_table() -> Vec<Fault> {
    let paths: [Path; 3] = [|_| VERSIONS.into(), |_| srcfiles(OLD[1]), |service| service.files[0].clone()];
    let rows = ANSWERS.iter().filter(|row| !matches!(row, Row::Unmounted | Row::Machine | Row::NotAccepted));
    let one = |(row, (at, path)): (&Row, (usize, Path))| Fault {
        what: format!("{row:?} of {at}"),
        path,
        answer: answer(*row),
        is_unknown: *row == Row::Missing && at == 0,
    };
    rows.flat_map(|row| paths.into_iter().enumerate().map(move |it| (row, it))).map(one).collect()
}

fn play(fault: &Fault) {
    let (service, what) = (service(), &fault.what);
    let path = (fault.path)(&service);
    let before = service.good.get(&path).cloned().unwrap_or(Answer::File);
    service.server.on(&path, fault.answer.clone());
    let world = &service.world;
    world.queue.well(&["run", "--poll", "--max-duration", "20s"]);
    if fault.is_unknown {
        assert_eq!(world.imported(), ["aa 1:2.0-1"], "{what}");
        assert!(world.queue.well(&["archives"]).contains("1 package without all old versions"), "{what}");
        return;
    }
    assert!(world.imported().is_empty(), "{what}: the first commit would be a root: {:?}", world.imported());
    let why = world.freshness("aa")["why"].as_str().unwrap().to_owned();
    assert!(["waiting", "parked"].contains(&why.as_str()), "{what}: {why}");
    for command in ["archives", "status"] {
        let said = world.queue.well(&[command]);
        assert!(said.contains("1 package waits for its old versions"), "{what}: {command}: {said}");
    }
    assert!(world.explain("aa")["next"].as_str().unwrap().contains("history of a"), "{what}");
    let (_, line) = world.check("archive");
    assert!(line.contains("1 package waits for their history"), "{what}: {line}");
    service.server.on(&path, before);
    world.queue.well(&["requeue", "aa"]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), all(), "{what}");
}

#[test]
fn whatever_it_answers_packages_wait_and_nothing_is_lost() {
    let mut faults = of_the_table();
    if std::env::var_os("STORM").is_none() {
        faults =
            faults.into_iter().enumerate().filter(|(at, _)| at % 7 == 0).map(|(_, fault)| fault).collect();
    }
    faults.extend(odd_ones());
    parallel::map(&faults, play);
}

#[test]
fn what_was_left_out_is_said_and_comes_when_it_is_asked_again() {
    let service = service();
    let (world, versions) = (&service.world, service.good[VERSIONS].clone());
    // The service lags behind, and knows nothing of the package.
    service.server.on(VERSIONS, Answer::Status(404, vec![], vec![]));
    world.queue.well(&["run", "--poll"]);
    assert_eq!(world.imported(), ["aa 1:2.0-1"]);
    assert!(world.queue.well(&["archives"]).contains("1 package without all old versions"));
    assert!(world.check("archive").1.contains("1 packages without all their old versions"));
    service.server.on(VERSIONS, versions);
    world.queue.well(&["history", "ask"]);
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), all());
    assert!(!world.queue.well(&["archives"]).contains("without all old versions"));
}
