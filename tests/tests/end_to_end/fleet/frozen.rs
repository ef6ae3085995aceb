//! Three services on one queue: one is frozen within a transaction, and a server does not answer.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use package_import_tests::queue::{children, signal, text, wait_until};
use rustix::process::{Pid, Signal};

use crate::fleet::world::{Fleet, Killed};

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

/// Sessions of a host that are within a transaction which has written.
fn inside(fleet: &Fleet, host: &str) -> bool {
    let sql = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name LIKE 'package-import run {host}:%'
         AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
    );
    fleet.queue.number(&sql) > 0
}

#[test]
fn three_services_of_which_one_is_frozen() {
    let given = std::env::var("FREEZES").ok().and_then(|text| text.parse().ok());
    let freezes = given.unwrap_or(if is_long() { 200 } else { 1 });
    let mut fleet = Fleet::new();
    let url = fleet.login(Some("worker"));
    let hosts = ["h1", "h2", "h3"];
    let mut services: Vec<Killed> = hosts.iter().map(|host| Killed(fleet.service(&url, host))).collect();
    let (mut total, mut was_inside) = (0, 0);
    let (mut longest, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for round in 0..freezes {
        // So many that the host is in the midst of it.
        let count = 40;
        fleet.enqueue(&format!("round{round}"), count, &format!("1.0-{}", round + 1));
        total += i64::try_from(count).unwrap();
        let frozen = Pid::from_child(&services[0].0);
        // Every second time within a transaction, else wherever it is; every third time its imports stand still, too.
        for attempt in 0..200 {
            signal(frozen, Signal::STOP);
            thread::sleep(Duration::from_millis(2));
            if inside(&fleet, "h1") || (round % 2 == 1 && attempt == round % 23) {
                break;
            }
            signal(frozen, Signal::CONT);
            thread::sleep(Duration::from_millis(3));
        }
        signal(frozen, Signal::STOP);
        was_inside += usize::from(inside(&fleet, "h1"));
        let stopped = if round % 3 == 2 { children(services[0].0.id()) } else { Vec::new() };
        stopped.iter().for_each(|child| signal(*child, Signal::STOP));
        // An operator's command is executed at once, or it tells what it waits for.
        let began = Instant::now();
        let said =
            fleet.run(fleet.queue.postgres.as_ref().unwrap(), &["requeue", "pkg0000", "--reason", "x"]);
        let said = text(&said);
        assert!(began.elapsed() < Duration::from_secs(10) || said.contains("waiting for"), "{said}");
        longest = longest.max(began.elapsed());
        assert!(said.contains("1 package"), "{said}");
        // The others do everything but what the frozen one holds by lease.
        let mine = "SELECT COUNT(*) FROM job j JOIN run r ON r.id = j.run_id JOIN host h ON h.id = r.host_id
            WHERE j.state = 'running' AND h.name = 'h1'";
        let left = "SELECT COUNT(*) FROM job WHERE state = 'pending' OR state = 'running'";
        let began = Instant::now();
        wait_until("the others go on", || fleet.queue.number(left) <= fleet.queue.number(mine));
        slowest = slowest.max(began.elapsed());
        signal(frozen, Signal::CONT);
        stopped.iter().for_each(|child| signal(*child, Signal::CONT));
        wait_until("everything is imported", || fleet.queue.number("SELECT COUNT(*) FROM version") == total);
        for (service, host) in services.iter_mut().zip(hosts) {
            let log = fs::read_to_string(fleet.log_of(host)).unwrap();
            assert!(service.0.try_wait().unwrap().is_none(), "{host} has ended: {log}");
        }
    }
    eprintln!(
        "{freezes} freezes, {was_inside} of them within a transaction, {total} uploads: an operator waited {longest:?} at most, the other hosts had done all after {slowest:?} at most"
    );
    let doubled = "SELECT COUNT(*) FROM (SELECT package_id, version FROM version GROUP BY 1, 2 HAVING COUNT(*) > 1) AS t";
    assert_eq!(fleet.queue.number(doubled), 0);
    assert_eq!(fleet.queue.store().read(state::counters::verify).unwrap(), []);
    fleet.queue.installation.assert_clean("pkg0000");
}

#[test]
fn a_service_outlasts_a_server_that_is_away() {
    let cluster = throwaway_postgres::Cluster::start("");
    let url = cluster.schema();
    let fleet = Fleet::new();
    let postmaster = Pid::from_raw(cluster.pid()).unwrap();
    drop(state::open::Location::Postgres { url: url.clone(), passfile: None }.open_or_make().unwrap());
    // It accepts (the kernel does that) and does not answer.
    signal(postmaster, Signal::STOP);
    let short = format!("{url} connect_timeout=1");
    let mut service = Killed(fleet.service(&short, "h1"));
    wait_until("it says that it waits", || {
        fs::read_to_string(fleet.log_of("h1")).unwrap().contains("waiting for it")
    });
    assert!(service.0.try_wait().unwrap().is_none());
    signal(postmaster, Signal::CONT);
    let count = || {
        let store = state::open::Location::Postgres { url: url.clone(), passfile: None }.open().unwrap();
        store
            .read(|tx| tx.first("SELECT COUNT(*) FROM run WHERE ended IS NULL", &[]))
            .unwrap()
            .unwrap()
            .int(0)
    };
    wait_until("it begins", || count() == 1);
    // A crash of the server in the midst of it.
    cluster.restart();
    thread::sleep(Duration::from_secs(2));
    assert!(service.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(fleet.log_of("h1")).unwrap());
    signal(Pid::from_child(&service.0), Signal::TERM);
    assert!(service.0.wait().unwrap().success(), "{}", fs::read_to_string(fleet.log_of("h1")).unwrap());
}
