//! The two databases, filled beside the store: no run would make transactions of this size.

use std::path::Path;

use postgres::{Client, NoTls};
use rusqlite::Connection;
use state::open::Location;

/// Rows of one statement.
const PIECE: i64 = 500_000;
/// The tables with most rows: their indexes are made again when all rows are there, which takes a fraction of the time.
const LARGE: &str = "('attempt', 'event', 'package_past')";

/// A database that is being filled.
pub enum Database {
    Sqlite(Connection),
    Postgres(Client),
}

impl Database {
    /// Makes the tables in a root.
    pub fn sqlite(root: &Path) -> Database {
        let path = root.join("state.db");
        drop(Location::Sqlite(path.clone()).open_or_make().unwrap());
        let database = Connection::open(path).unwrap();
        database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000").unwrap();
        Database::Sqlite(database)
    }

    /// Makes the tables in a server, and a root that names it.
    pub fn postgres(root: &Path, url: &str) -> Database {
        drop(Location::Postgres { url: url.to_owned(), passfile: None }.open_or_make().unwrap());
        std::fs::write(root.join("config.toml"), format!("[state]\nurl = \"{url}\"\n")).unwrap();
        let mut client = Client::connect(url, NoTls).unwrap();
        client.batch_execute("SET session_replication_role = replica; SET work_mem = '256MB'").unwrap();
        Database::Postgres(client)
    }

    /// Runs a statement.
    pub fn run(&mut self, sql: &str) {
        match self {
            Database::Sqlite(database) => database.execute_batch(sql).unwrap(),
            Database::Postgres(client) => client.batch_execute(sql).unwrap(),
        }
    }

    /// Puts rows 1 to `number` into a table, in pieces, made of the numbers `i`.
    pub fn rows(&mut self, number: i64, into: &str, select: &str) {
        for from in (0..number).step_by(usize::try_from(PIECE).unwrap()) {
            let (first, last) = (from + 1, (from + PIECE).min(number));
            let numbers = match self {
                Database::Sqlite(_) => format!(
                    "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT {select} FROM n"
                ),
                Database::Postgres(_) => {
                    format!("SELECT {select} FROM generate_series({first}::bigint, {last}::bigint) AS n(i)")
                }
            };
            self.run(&format!("INSERT INTO {into} {numbers}"));
        }
    }

    /// Drops the indexes of the large tables; returns what makes them again.
    pub fn without_indexes(&mut self) -> Vec<String> {
        let all: Vec<(String, String)> = match self {
            Database::Sqlite(database) => {
                let sql = format!(
                    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {LARGE}"
                );
                let mut asked = database.prepare(&sql).unwrap();
                let rows = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Database::Postgres(client) => {
                let sql = format!(
                    "SELECT c.relname, pg_get_indexdef(x.indexrelid) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
                     JOIN pg_class t ON t.oid = x.indrelid WHERE t.relname IN {LARGE}
                     AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid)"
                );
                client.query(sql.as_str(), &[]).unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        };
        all.iter().for_each(|(name, _)| self.run(&format!("DROP INDEX {name}")));
        all.into_iter().map(|(_, sql)| sql).collect()
    }

    /// Has it look at what it has, as it does by itself in time.
    pub fn settle(&mut self) {
        if let Database::Postgres(client) = self {
            client.batch_execute("VACUUM ANALYZE").unwrap();
        }
    }
}
