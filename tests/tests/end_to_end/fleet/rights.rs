//! A right that is taken away in the middle of a run is said everywhere, and nothing is lost.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::queue::text;
use serde_json::Value;

use crate::fleet::world::{Fleet, Killed};

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Rights of a worker's role, from the catalogue: `REVOKE`s that take one away each.
fn rights(fleet: &mut Fleet) -> Vec<String> {
    let url = fleet.queue.postgres.clone().unwrap();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    // Whole tables, then single columns of those that are not given whole.
    let sql = "SELECT privilege_type, '', table_name FROM information_schema.role_table_grants
        WHERE grantee = 'package_import_worker' AND table_schema = current_schema()
            AND table_name NOT LIKE 'check%' AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        UNION ALL SELECT c.privilege_type, ' (' || string_agg(c.column_name, ', ') || ')', c.table_name
        FROM information_schema.role_column_grants c LEFT JOIN information_schema.role_table_grants t
            ON t.grantee = c.grantee AND t.table_schema = c.table_schema AND t.table_name = c.table_name
            AND t.privilege_type = c.privilege_type
        WHERE c.grantee = 'package_import_worker' AND c.table_schema = current_schema() AND t.grantee IS NULL
            AND c.table_name NOT LIKE 'check%' GROUP BY 1, 3 ORDER BY 3, 1";
    let all = client.query(sql, &[]).unwrap();
    let text = |row: &postgres::Row, at| row.get::<_, String>(at);
    all.iter().map(|row| format!("{}{} ON {}", text(row, 0), text(row, 1), text(row, 2))).collect()
}

fn host(fleet: &Fleet) -> Value {
    let url = fleet.queue.postgres.clone().unwrap();
    let output = fleet.run(&url, &["status", "--json"]);
    let status: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let hosts = status["hosts"].as_array().unwrap();
    hosts.iter().find(|it| it["host"] == "w1").cloned().unwrap_or(Value::Null)
}

/// Waits for a minute, as an operator would.
fn within_a_minute(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn each_right_that_is_revoked_is_said_and_nothing_is_lost() {
    let mut fleet = Fleet::new();
    let url = fleet.login(Some("worker"));
    let role = "package_import_worker";
    let mut all = rights(&mut fleet);
    assert!(all.len() > 30, "{all:?}");
    if !is_long() {
        all.retain(|it| ["INSERT ON version", "SELECT ON meta", "UPDATE ON host"].contains(&it.as_str()));
        assert_eq!(all.len(), 3);
    }
    let service = Killed(fleet.service(&url, "w1"));
    within_a_minute("the service works", || host(&fleet)["life"] == "alive");
    for (number, right) in all.iter().enumerate() {
        fleet.owner(&format!("REVOKE {right} FROM {role}"));
        fleet.enqueue(&format!("round{number}"), 2, &format!("1.0-{}", number + 1));
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let host = host(&fleet);
            if host["life"] == "troubled" && !host["trouble"].is_null() {
                break;
            }
            let log = || fs::read_to_string(fleet.log_of("w1")).unwrap();
            assert!(Instant::now() < end, "{right}: not said within a minute: {host}: {}", log());
            thread::sleep(Duration::from_millis(200));
        }
        let status = text(&fleet.run(fleet.queue.postgres.as_ref().unwrap(), &["status"]));
        assert!(status.contains("Host w1 has trouble"), "{right}: {status}");
        let said = fleet.check("workers");
        assert!(
            said.starts_with("IMPORT WORKERS CRITICAL") && said.contains("cannot record"),
            "{right}: {said}"
        );
        let (verb, table) = right.split_once(" ON ").unwrap();
        let verb = verb.split(" (").next().unwrap();
        within_a_minute("it stands in the log", || {
            let log = fs::read_to_string(fleet.log_of("w1")).unwrap();
            log.contains(&format!("{verb} on {table}")) || log.contains(&format!("for table {table}"))
        });
        fleet.owner(&format!("GRANT {right} TO {role}"));
        let wanted = i64::try_from(2 * (number + 1)).unwrap();
        within_a_minute("it heals by itself", || {
            let done = fleet.queue.number("SELECT COUNT(*) FROM version") == wanted;
            let host = host(&fleet);
            done && host["life"] == "alive" && host["trouble"].is_null()
        });
    }
    drop(service);
    assert_eq!(fleet.queue.number("SELECT COUNT(*) FROM attempt WHERE outcome = 'lost'"), 0);
    assert_eq!(fleet.queue.number("SELECT COUNT(*) FROM failure"), 0);
    let twice = "SELECT COUNT(*) FROM (SELECT package_id, version FROM version GROUP BY 1, 2 HAVING COUNT(*) > 1) AS t";
    assert_eq!(fleet.queue.number(twice), 0);
}

/// A worker that may do nothing at all any more cannot even say so in the state: it stays, its log says why, the others see
/// that it is silent, and it goes on by itself.
#[test]
fn a_worker_that_loses_everything_stays_and_goes_on() {
    let mut fleet = Fleet::new();
    let url = fleet.login(Some("worker"));
    let (schema, login) = (fleet.schema.clone(), format!("{}_worker", fleet.schema));
    let cases = [
        (
            format!("REVOKE USAGE ON SCHEMA {schema} FROM package_import_worker"),
            format!("GRANT USAGE ON SCHEMA {schema} TO package_import_worker"),
            format!("permission denied for schema {schema} (USAGE)"),
        ),
        (
            format!("REVOKE package_import_worker FROM {login}"),
            format!("GRANT package_import_worker TO {login}"),
            format!("login {login} has none of the roles"),
        ),
    ];
    let mut service = Killed(fleet.service(&url, "w1"));
    within_a_minute("the service works", || host(&fleet)["life"] == "alive");
    for (number, (revoke, grant, words)) in cases.iter().enumerate() {
        fleet.owner(revoke);
        fleet.enqueue(&format!("round{number}"), 2, &format!("1.0-{}", number + 1));
        within_a_minute(words, || fs::read_to_string(fleet.log_of("w1")).unwrap().contains(words));
        if is_long() {
            // A beat may just have gone out.
            let silent = Instant::now() + Duration::from_secs(75);
            while host(&fleet)["life"] != "silent" {
                assert!(Instant::now() < silent, "{revoke}: it is not said that w1 is silent");
                thread::sleep(Duration::from_millis(200));
            }
            let said = fleet.check("workers");
            assert!(said.starts_with("IMPORT WORKERS CRITICAL - w1 silent since"), "{revoke}: {said}");
        }
        fleet.owner(grant);
        let wanted = i64::try_from(2 * (number + 1)).unwrap();
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let (host, done) = (host(&fleet), fleet.queue.number("SELECT COUNT(*) FROM version"));
            if done == wanted && host["life"] == "alive" && host["trouble"].is_null() {
                break;
            }
            let log = || fs::read_to_string(fleet.log_of("w1")).unwrap();
            assert!(Instant::now() < end, "it does not heal by itself: {done} done, {host}: {}", log());
            thread::sleep(Duration::from_millis(200));
        }
        assert!(service.0.try_wait().unwrap().is_none(), "the service has ended");
    }
    assert_eq!(fleet.queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(fleet.queue.number("SELECT COUNT(*) FROM attempt WHERE outcome IN ('failed', 'lost')"), 0);
}
