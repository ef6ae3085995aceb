//! Load of an idle service on a server.

use std::thread;
use std::time::Duration;

use package_import_tests::queue::{Queue, wait_until};
use rustix::process::{Pid, Signal};

use crate::fleet::world::Killed;

#[test]
fn an_idle_service_commits_at_most_once_a_second() {
    let cluster = throwaway_postgres::Cluster::start("autovacuum=off\n");
    let queue = Queue { postgres: Some(cluster.schema()), ..Queue::postgres() };
    queue.enqueue_one();
    let mut service = Killed(queue.start(&["--service", "--jobs", "2"]));
    wait_until("the queue is empty", || queue.number("SELECT COUNT(*) FROM job") == 0);
    let mut client = cluster.client();
    // The server reports commits with a delay of a second or two.
    thread::sleep(Duration::from_secs(3));
    let mut look = || -> (i64, f64) {
        let sql = "SELECT xact_commit, CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)
            FROM pg_stat_database WHERE datname = 'postgres'";
        let row = client.query_one(sql, &[]).unwrap();
        (row.get(0), row.get(1))
    };
    let (before, from) = look();
    thread::sleep(Duration::from_secs(20));
    let (after, to) = look();
    // Our own looks, and the server's own work.
    let commits = (after - before - 4) as f64;
    let looks = "SELECT string_agg(left(query, 60), '; ') FROM pg_stat_activity WHERE application_name LIKE 'package%'";
    let looks: Option<String> = client.query_one(looks, &[]).unwrap().get(0);
    assert!(commits <= to - from, "{commits} commits in {} s: {looks:?}", to - from);
    assert!(service.0.try_wait().unwrap().is_none());
    package_import_tests::queue::signal(Pid::from_child(&service.0), Signal::TERM);
    assert!(service.0.wait().unwrap().success());
}
