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

/// What a worker's role has been given, as it stands in the catalogue: `REVOKE`s that take one away each.
fn rights(fleet: &mut Fleet) -> Vec<String> {
    let url = fleet.queue.postgres.clone().unwrap();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    let sql = "SELECT privilege_type, table_name FROM information_schema.role_table_grants
        WHERE grantee = 'package_import_worker' AND table_schema = current_schema()
            AND table_name NOT LIKE 'check%' AND privilege_type <> 'SELECT' ORDER BY 2, 1";
    let all = client.query(sql, &[]).unwrap();
    all.iter().map(|row| format!("{} ON {}", row.get::<_, String>(0), row.get::<_, String>(1))).collect()
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
        all.retain(|it| ["INSERT ON version", "UPDATE ON host", "UPDATE ON job"].contains(&it.as_str()));
        assert_eq!(all.len(), 3);
    }
    let service = Killed(fleet.service(&url, "w1"));
    within_a_minute("the service works", || host(&fleet)["life"] == "alive");
    for (number, right) in all.iter().enumerate() {
        fleet.owner(&format!("REVOKE {right} FROM {role}"));
        fleet.enqueue(&format!("round{number}"), 2, &format!("1.0-{}", number + 1));
        within_a_minute(right, || {
            let host = host(&fleet);
            host["life"] == "troubled" && !host["trouble"].is_null()
        });
        let status = text(&fleet.run(fleet.queue.postgres.as_ref().unwrap(), &["status"]));
        assert!(status.contains("Host w1 has trouble"), "{right}: {status}");
        let (verb, table) = right.split_once(" ON ").unwrap();
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
