//! Histories in trouble: packages wait and are said, and nothing is lost for good.

use std::collections::HashMap;
use std::fs;

use archive::answers::{ANSWERS, Answer as Row};
use package_import_tests::archive::suite;
use package_import_tests::build::dsc::hex;
use package_import_tests::parallel;
use package_import_tests::queue::text;
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use serde_json::Value;
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
    let older = |number: usize| OLD[..number].iter().rev().copied().collect::<Vec<_>>();
    world.archive.add("main", "aa", &package("aa", "1:2.0-1").below(&older(3)));
    world.archive.publish(&suite("sid"));
    let root = world.archive.extra("service");
    fs::create_dir_all(root.join("file")).unwrap();
    let server = Server::new(&root);
    let (mut files, mut good) = (Vec::new(), HashMap::new());
    for (at, version) in OLD.into_iter().enumerate() {
        let folder = world.archive.extra(&format!("old-{}", version.replace(':', "-")));
        package("aa", version).below(&older(at)).write(&folder);
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
    world.queue.run_until_parked(world.queue.command(&["run", "--poll"]));
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

/// A package that was imported while its service knew nothing: its first commit is a root.
fn with_a_root() -> Service {
    let service = service();
    service.server.on(VERSIONS, Answer::Status(404, vec![], vec![]));
    service.world.queue.well(&["run", "--poll"]);
    assert_eq!(ancestry(&service.world), ["debian/1%2.0-1"]);
    service.server.on(VERSIONS, service.good[VERSIONS].clone());
    service
}

/// Tags of the commits behind the branch, newest first.
fn ancestry(world: &World) -> Vec<String> {
    let log = world.queue.installation.git("aa", &["log", "--format=%H", "debian/sid"]);
    let tag = |commit: &str| {
        let all = world.queue.installation.git("aa", &["tag", "--points-at", commit, "--list", "debian/*"]);
        all.lines().next().map(str::to_owned)
    };
    log.lines().filter_map(tag).collect()
}

/// The number of the plan that `history ask` has begun, once a run has made it.
fn plan(world: &World) -> (String, Value) {
    let said = world.queue.well(&["history", "ask"]);
    let id = said.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    world.queue.well(&["run"]);
    assert_eq!(world.imported(), all(), "late versions come without any plan");
    let shown: Value = serde_json::from_str(&world.queue.well(&["repair", "show", &id, "--json"])).unwrap();
    (id, shown["packages"][0].clone())
}

fn refs(world: &World) -> String {
    world.queue.installation.git("aa", &["show-ref"])
}

#[test]
fn a_rebuild_by_a_plan_gives_versions_the_ancestors_that_came_late() {
    let service = with_a_root();
    let world = &service.world;
    let (id, part) = plan(world);
    assert_eq!(part["state"], "planned", "{part:#}");
    assert_eq!(ancestry(world), ["debian/1%2.0-1"], "a plan changes nothing");
    let before = refs(world);
    let steps = part["steps"].as_array().unwrap();
    for step in steps.iter().filter(|step| step["act"] == "ref") {
        let line = format!("{} {}", step["before"].as_str().unwrap(), step["subject"].as_str().unwrap());
        assert!(before.contains(&line), "{step}");
    }
    world.queue.well(&["repair", "apply", &id, "--reason", "nobody has cloned it"]);
    let newest_first = ["debian/1%2.0-1", "debian/1%1.1-1", "debian/1%1.0+dfsg-1", "debian/1%0.9_rc1-1"];
    assert_eq!(ancestry(world), newest_first);
    world.queue.well(&["verify", "aa"]);
    // It is what a first import with the history makes.
    let other = self::service();
    other.world.queue.well(&["run", "--poll"]);
    let own = |refs: String| -> Vec<String> {
        refs.lines().filter(|line| !line.contains("package-import/repair")).map(str::to_owned).collect()
    };
    assert_eq!(own(refs(world)), own(refs(&other.world)));
    // What was replaced is there still, the state knows the new commits, and uploads go on from them.
    let kept = format!("refs/package-import/repair/{id}/heads/debian/sid");
    assert!(refs(world).contains(&kept), "{}", refs(world));
    let commits = world.queue.texts("SELECT commit_id FROM version ORDER BY version");
    let tagged = world.queue.installation.git("aa", &["rev-parse", "debian/1%2.0-1^{commit}"]);
    assert!(commits.contains(&tagged.trim().to_owned()), "{commits:?}");
    world.archive.add("main", "aa", &package("aa", "1:2.0-2").below(&["1:2.0-1"]));
    world.archive.publish(&suite("sid"));
    world.queue.well(&["run", "--poll"]);
    assert_eq!(ancestry(world).len(), 5);
    world.queue.well(&["verify", "aa"]);
    // There is nothing left to plan.
    world.queue.well(&["history", "ask", "aa"]);
    world.queue.well(&["run"]);
    let again: i64 = id.parse::<i64>().unwrap() + 1;
    let again = world.queue.well(&["repair", "show", &again.to_string()]);
    assert!(again.contains("aa: nothing to do"), "{again}");
}

#[test]
fn such_a_rebuild_can_be_taken_back() {
    let service = with_a_root();
    let world = &service.world;
    let (id, _) = plan(world);
    let (before, versions) = (refs(world), "SELECT version || ' ' || commit_id FROM version ORDER BY 1");
    let commits = world.queue.texts(versions);
    world.queue.well(&["repair", "apply", &id, "--reason", "a test"]);
    assert_ne!(world.queue.texts(versions), commits);
    let undo: Value = serde_json::from_str(&world.queue.well(&["repair", "undo", &id, "--json"])).unwrap();
    world.queue.well(&["repair", "apply", &undo["plan"]["id"].to_string(), "--reason", "back"]);
    let own: Vec<String> = refs(world)
        .lines()
        .filter(|line| !line.contains("package-import/repair"))
        .map(str::to_owned)
        .collect();
    assert_eq!(own, before.lines().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(world.queue.texts(versions), commits);
    world.queue.well(&["verify", "aa"]);
}

#[test]
fn what_others_have_is_not_rebuilt() {
    // Somebody has pushed.
    let pushed = with_a_root();
    let tip = pushed.world.queue.installation.git("aa", &["rev-parse", "debian/sid"]);
    pushed.world.queue.installation.git("aa", &["branch", "fix", tip.trim()]);
    // It is published, or was.
    let published = with_a_root();
    let rows = "INSERT INTO remote (name, url, filled) VALUES ('salsa', 'https://example.org/{package}', 0);
        INSERT INTO publish (package_id, remote_id, lane, state, wanted, entered, here) SELECT p.id, r.id, 1, 'done', 1, 1, 'x'
            FROM package p, remote r";
    for sql in rows.split(';') {
        published.world.queue.store().write(|tx| tx.execute(sql, &[])).unwrap();
    }
    // A version whose files are nowhere.
    let lost = with_a_root();
    for (service, why) in [(&pushed, "of somebody else"), (&published, "published on salsa")] {
        let world = &service.world;
        let (id, part) = plan(world);
        assert_eq!(part["state"], "empty", "{part:#}");
        assert!(part["note"].as_str().unwrap().contains(why), "{part:#}");
        world.queue.well(&["repair", "apply", &id]);
        assert_eq!(ancestry(world), ["debian/1%2.0-1"]);
    }
    let world = &lost.world;
    let files = world.archive.pool();
    files.iter().for_each(|path| world.server.on(path, Answer::Status(404, vec![], vec![])));
    fs::remove_dir_all(world.queue.installation.root().join("cache")).unwrap();
    let (_, part) = plan(world);
    assert_eq!(part["state"], "failed", "{part:#}");
    assert!(part["note"].as_str().unwrap().contains("1:2.0-1 cannot be imported again"), "{part:#}");
    assert_eq!(ancestry(world), ["debian/1%2.0-1"]);
}

#[test]
fn a_plan_of_a_rebuild_holds_for_what_it_was_made_of() {
    let service = with_a_root();
    let world = &service.world;
    let (id, _) = plan(world);
    world.archive.add("main", "aa", &package("aa", "1:2.0-2").below(&["1:2.0-1"]));
    world.archive.publish(&suite("sid"));
    world.queue.well(&["run", "--poll"]);
    let before = refs(world);
    let output = world.queue.command(&["repair", "apply", &id, "--reason", "too late"]).output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stale") && said.contains("history ask"), "{said}");
    assert_eq!(refs(world), before);
}

/// A rebuild that is killed leaves every ref old or new, all of them alike; the same command goes on.
#[test]
fn such_a_rebuild_that_is_killed_goes_on() {
    let service = with_a_root();
    let world = &service.world;
    let (id, _) = plan(world);
    let own = |refs: &str| -> Vec<String> {
        refs.lines().filter(|line| !line.contains("package-import/repair")).map(str::to_owned).collect()
    };
    let (root, before) = (world.queue.installation.root(), own(&refs(world)));
    let kept = root.with_extension("kept");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let _ = fs::remove_dir_all(to);
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    copy(&root, &kept);
    let points = ["repair::begun:1", "repair::step:1", "repo::refs-written:1", "repo::record-renamed:1"];
    let points = points.into_iter().chain(["repo::refs-renamed:1", "repair::refs:1", "repair::ended:1"]);
    let (mut killed, mut ends) = (0, Vec::new());
    for point in points {
        copy(&kept, &root);
        let mut command = world.queue.command(&["repair", "apply", &id, "--reason", "a test"]);
        let said = text(&command.env("PACKAGE_IMPORT_KILL_AT", point).output().unwrap());
        killed += usize::from(!said.contains("applied"));
        let now = own(&refs(world));
        let moved = now.iter().filter(|line| !before.contains(line)).count();
        world.queue.well(&["repair", "apply", &id, "--reason", "again"]);
        let after = own(&refs(world));
        assert!(now == before || now == after, "{point}: {moved} refs had moved: {now:#?}");
        assert_eq!(ancestry(world).len(), 4, "{point}");
        world.queue.installation.assert_clean("aa");
        world.queue.well(&["verify", "aa"]);
        ends.push((after, world.queue.texts("SELECT version || ' ' || commit_id FROM version ORDER BY 1")));
    }
    assert!(killed >= 5, "{killed}");
    ends.dedup();
    assert_eq!(ends.len(), 1, "{ends:#?}");
}
