//! The roles of docs/examples/grants.sql: the rights that each has, and those that it lacks.

use state::open::Location;
use state::operate::{self, By, Decision};
use state::publication::collisions;
use state::words::{Class, Lane, Outcome, Policy, Tasks};
use state::{Store, batch, counters, events, finish, hold, meta, queue, retention, runs, samples, settings};

use crate::common::{LEASE, World, failure, finished, postgres, process};

const GRANTS: &str = include_str!("../../../../docs/examples/grants.sql");

/// A state with the grants applied, and a login for each role.
fn granted() -> (World, [String; 3]) {
    let world = postgres();
    let Location::Postgres { url, .. } = &world.location else { panic!("no PostgreSQL") };
    let mut owner = throwaway_postgres::shared().client();
    let schema = url.split("search_path=").nth(1).unwrap().trim_end_matches('\'');
    owner.batch_execute(&format!("SET search_path = {schema}")).unwrap();
    // Twice: it can be run as often as wanted.
    owner.batch_execute(GRANTS).unwrap();
    owner.batch_execute(GRANTS).unwrap();
    let logins = ["operator", "worker", "monitor"].map(|role| {
        let login = format!("{schema}_{role}");
        owner.batch_execute(&format!("CREATE ROLE {login} LOGIN IN ROLE package_import_{role}")).unwrap();
        url.replace("user=postgres", &format!("user={login}"))
    });
    (world, logins)
}

fn open(url: &str) -> Store {
    Location::Postgres { url: url.to_owned(), passfile: None }.open().unwrap()
}

/// Each is refused for want of a privilege, and for nothing else.
fn refused(store: &Store, statements: &[&str]) {
    for sql in statements {
        let said = store.write(|tx| tx.execute(sql, &[])).expect_err(sql).to_string();
        assert!(said.contains("permission denied") || said.contains("must be owner"), "{sql}: {said}");
    }
}

#[test]
fn a_worker_imports_and_cannot_rewrite_history() {
    let (world, [_, worker, _]) = granted();
    let store = open(&worker);
    let process = process();
    let new = runs::NewRun { host: "w", mode: "service", process: &process, version: "0.1", jobs: 1 };
    let run = store
        .write(|tx| {
            runs::lock_host(tx, "w")?;
            runs::begin(tx, &new)
        })
        .unwrap();
    for (outcome, cause) in
        [(Outcome::Failed, failure(Class::Transient, "refused")), (Outcome::Imported, None)]
    {
        let claim = store
            .write(|tx| {
                let id = queue::package_id(tx, "hello")?;
                queue::enqueue(tx, id, Lane::Upload, Tasks::IMPORT)?;
                let wish = queue::Wish { run, lease: LEASE, importer: "0.1", ..queue::Wish::default() };
                queue::claim(tx, &wish)
            })
            .unwrap()
            .unwrap();
        store.write(|tx| runs::beat(tx, run, LEASE)).unwrap();
        let done = finished(&claim, outcome, cause);
        store.write(|tx| finish::finish(tx, &done, &state::policy::Retries::default())).unwrap();
    }
    store
        .write(|tx| state::breaker::note(tx, "m", (1, 0), None, None, &state::breaker::Rule::default()))
        .unwrap();
    samples::take(&store).unwrap();
    while store.write(|tx| retention::step(tx, &retention::Rule::default())).unwrap() {}
    store
        .write(|tx| {
            meta::set(tx, meta::LAST_BACKUP, "1")?;
            batch::advance(tx, 10)?;
            hold::expire(tx, 10)?;
            state::breaker::unpark(tx, 10)?;
            events::record(tx, "w", "backup", "state", None, None, None)?;
            runs::end(tx, run, "empty", None)
        })
        .unwrap();
    // Old events stay: they are not a worker's to remove.
    world.advance(3000 * crate::common::DAY);
    let late = open(&worker).with_clock(std::sync::Arc::clone(&world.clock));
    while late.write(|tx| retention::step(tx, &retention::Rule::default())).unwrap() {}
    assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE action = 'backup'"), 1);
    refused(
        &store,
        &[
            "DELETE FROM event",
            "UPDATE event SET actor = 'nobody'",
            "DELETE FROM package",
            "DELETE FROM publication",
            "DELETE FROM version",
            "INSERT INTO setting (name, value) VALUES ('jobs', '99')",
            "DROP TABLE job",
            "ALTER TABLE job ADD COLUMN x TEXT",
            "CREATE TABLE mine (id BIGINT)",
        ],
    );
}

#[test]
fn an_operator_decides_and_imports_nothing() {
    let (world, [operator, ..]) = granted();
    let run = world.run();
    let collision = world.store.write(|tx| {
        let package = queue::package_id(tx, "a")?;
        let found = collisions::Found { waits: true, theirs: Some("1".into()), ..Default::default() };
        collisions::settle(tx, package, &[found], &[])?;
        Ok(collisions::of_package(tx, package)?[0].id)
    });
    let collision = collision.unwrap();
    for package in ["a", "b"] {
        world.enqueue(package, Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Transient, "refused")).unwrap();
    }
    let short = world.text("SELECT short FROM signature");
    let store = open(&operator);
    let by = By { actor: "op", reason: Some("because") };
    let decision = Decision { policy: Some(Some(Policy::Fail)), ..Decision::default() };
    let signature = store.write(|tx| operate::decide(tx, &short, &decision, by)).unwrap();
    state::reclassify::signature(&store, signature, &state::policy::Retries::default()).unwrap();
    store
        .write(|tx| {
            let id = queue::package_id(tx, "a")?;
            hold::hold(tx, id, "op", "why not", None)?;
            hold::release(tx, id)?;
            queue::enqueue(tx, id, Lane::Operator, Tasks::IMPORT)?;
            settings::set(tx, "jobs", Some("2"))?;
            settings::set(tx, "jobs", None)?;
            operate::suppress(tx, &short, i64::MAX, by)?;
            operate::unsuppress(tx, &short, by)?;
            collisions::decide(tx, collision, "keep", by)?;
            let id = batch::begin(tx, "op", "all", None, 1)?;
            batch::add(tx, id, &[1, 2])?;
            batch::release(tx, id, 1, Lane::Retry)?;
            tx.counter("failing", 5);
            Ok(())
        })
        .unwrap();
    assert_eq!(store.write(|tx| counters::repair(tx, "op")).unwrap().len(), 1);
    while store.write(|tx| retention::step(tx, &retention::Rule::default())).unwrap() {}
    refused(
        &store,
        &[
            "DELETE FROM event",
            "UPDATE event SET actor = 'nobody'",
            "INSERT INTO attempt (package_id, run_id, lane, tasks, started, importer) VALUES (1, 1, 1, 1, 1, 'x')",
            "INSERT INTO version (package_id, distro, version, commit_id, tree_id, tag, rules, importer, imported)
             VALUES (1, 'd', '1', 'c', 't', 't', 1, 'x', 1)",
            "UPDATE version SET commit_id = 'x'",
            "DELETE FROM job",
            "DELETE FROM failure",
            "DELETE FROM publication",
            "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files,
                published, first_seen) VALUES (1, 'local', 'debian', 'sid', '', '1', '/x', 'x', '\"unsigned\"', '', 1, 1)",
            "UPDATE publication SET trust = '\"unsigned\"'",
            "UPDATE publication SET dsc = '/x'",
            "UPDATE publication SET distro = '../../hooks'",
            "DELETE FROM foreign_ref",
            "UPDATE collision SET ended = 1",
            "INSERT INTO collision (package_id, name, kind, since, paths) VALUES (1, 'x', 'conflict', 1, '[]')",
            "UPDATE suite SET suite = 'x'",
            "DROP TABLE job",
        ],
    );
}

#[test]
fn a_monitor_sees_the_checks_views_and_nothing_else() {
    let (world, [.., monitor]) = granted();
    world.enqueue("hello", Lane::Upload);
    let mut client = postgres_client(&monitor);
    let views = client
        .query(
            "SELECT viewname FROM pg_views WHERE schemaname = current_schema() AND viewname LIKE 'check%'",
            &[],
        )
        .unwrap();
    assert!(!views.is_empty());
    for view in &views {
        let name: String = view.get(0);
        client.query(&format!("SELECT * FROM {name}"), &[]).unwrap();
    }
    let tables = world
        .store
        .read(|tx| tx.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", &[]))
        .unwrap();
    assert!(tables.len() > 15);
    for table in &tables {
        let sql = format!("SELECT * FROM {}", table.text(0));
        let said = client.query(&sql, &[]).unwrap_err();
        assert_eq!(said.code().unwrap().code(), "42501", "{sql}");
    }
    let said =
        client.batch_execute("INSERT INTO event (at, actor, action, subject) VALUES (1, 'm', 'x', 'y')");
    assert_eq!(said.unwrap_err().code().unwrap().code(), "42501");
}

fn postgres_client(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}
