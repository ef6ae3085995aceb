//! Sessions that keep others from writing, for those who wait and for `status`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

use super::Row;

/// A session that holds a lock of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The program, its command, its machine and its process, as far as they are known.
    pub holder: String,
    /// The login, if the database has logins.
    pub login: Option<String>,
    /// For how many milliseconds the transaction has been open; `None` if unknown.
    pub open_for: Option<i64>,
    /// Activity of the session: `idle in transaction`, `active`, `stopped`; `None` where that cannot be seen.
    pub activity: Option<String>,
    /// Session that waits for it; `None` if none was seen waiting.
    pub waiting: Option<String>,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.holder)?;
        if let Some(login) = &self.login {
            write!(f, " (login {login})")?;
        }
        f.write_str(" has a transaction open")?;
        if let Some(open_for) = self.open_for {
            write!(f, " for {} s", open_for / 1000)?;
        }
        match self.activity.as_deref() {
            Some("idle in transaction") => f.write_str(" and does nothing in it"),
            Some("stopped") => f.write_str("; its process is stopped"),
            _ => Ok(()),
        }
    }
}

/// Sessions that hold locks on tables of this state: first those that others wait for, then those with the oldest
/// transaction. PostgreSQL shows the activity of a session only to its own login and to members of `pg_read_all_stats`;
/// its name, login and locks are shown to everybody.
pub(super) const POSTGRES: &str = "
    WITH waits AS (
        SELECT unnest(pg_blocking_pids(w.pid)) AS pid, min(a.application_name) AS waiting
        FROM pg_locks w JOIN pg_stat_activity a ON a.pid = w.pid WHERE NOT w.granted GROUP BY 1)
    SELECT COALESCE(NULLIF(a.application_name, ''), 'process ' || a.pid), CAST(a.usename AS TEXT),
        CAST(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000 AS BIGINT), a.state, waits.waiting
    FROM pg_stat_activity a LEFT JOIN waits ON waits.pid = a.pid
    JOIN LATERAL (SELECT COALESCE(max(age(l.transactionid)), -1) AS oldest FROM pg_locks l
        LEFT JOIN pg_class c ON c.oid = l.relation AND c.relnamespace = CAST(current_schema() AS regnamespace)
        WHERE l.pid = a.pid AND l.granted
        HAVING bool_or(c.oid IS NOT NULL AND l.mode <> 'AccessShareLock')) AS locks ON true
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    ORDER BY waits.pid IS NULL, locks.oldest DESC, a.pid LIMIT 20";

/// One row of [`POSTGRES`].
pub(super) fn of_row(row: &Row) -> Held {
    Held {
        holder: row.text(0),
        login: row.opt_text(1),
        open_for: row.opt_int(2),
        activity: row.opt_text(3),
        waiting: row.opt_text(4),
    }
}

/// The byte of `-shm` that the writer of an SQLite file has locked.
const WRITER: u64 = 120;

/// The process that writes to an SQLite file at present. Read from the kernel's list: querying through a file
/// descriptor would release this process's own locks when it is closed.
pub(super) fn of_file(shm: &Path) -> Vec<Held> {
    let Ok(metadata) = fs::metadata(shm) else { return Vec::new() };
    let list = fs::read_to_string("/proc/locks").unwrap_or_default();
    let myself = std::process::id();
    let holds = |line: &str| -> Option<u32> {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A line that begins with `->` is a waiter, and has one word more.
        let [_, "POSIX", _, "WRITE", pid, file, from, to] = words.as_slice() else { return None };
        let inode: u64 = file.rsplit(':').next()?.parse().ok()?;
        let to: u64 = to.parse().unwrap_or(u64::MAX);
        let covers = from.parse::<u64>().ok()? <= WRITER && WRITER <= to;
        (inode == metadata.ino() && covers).then(|| pid.parse().ok()).flatten().filter(|pid| *pid != myself)
    };
    list.lines().filter_map(holds).map(of_process).collect()
}

fn of_process(pid: u32) -> Held {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    let command: String = command.trim().chars().take(80).collect();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_stopped = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['T', 't']));
    let name = if command.is_empty() { String::new() } else { format!(" ({command})") };
    Held {
        holder: format!("process {pid}{name}"),
        login: None,
        open_for: None,
        activity: is_stopped.then(|| "stopped".to_owned()),
        waiting: None,
    }
}
