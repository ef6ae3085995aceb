//! Time that passes in an installation while nothing happens: everything that is on record becomes older.

use state::open::Location;
use state::{Store, values};

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;

/// Numbers that are milliseconds since 1970 in this century.
const TIMES: std::ops::Range<i64> = 1_200_000_000_000..2_500_000_000_000;

/// Makes everything that a state of SQLite has on record older; by whole hours, because figures are kept by the hour. With a
/// negative number it comes from the future.
pub fn age(root: &std::path::Path, hours: i64) {
    let store = Location::new(root, None, None).open().unwrap();
    let by = hours * HOUR;
    let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND c.type LIKE 'BIGINT%'";
    for (table, column) in pairs(&store, sql) {
        let set = format!("UPDATE {table} SET {column} = {column} - ?1 WHERE {column} BETWEEN ?2 AND ?3 AND");
        in_parts(&store, &table, &set, values![by, TIMES.start, TIMES.end]);
    }
    let meta = "UPDATE meta SET value = CAST(CAST(value AS INTEGER) - ?1 AS TEXT)
        WHERE CAST(value AS INTEGER) BETWEEN ?2 AND ?3 AND";
    in_parts(&store, "meta", meta, values![by, TIMES.start, TIMES.end]);
    // Hours are keys: they must not meet while they move.
    let far = 10_000_000;
    for step in [far, -far - hours] {
        in_parts(
            &store,
            "sample",
            "UPDATE sample SET hour = hour + ?1 WHERE ?2 < ?3 AND",
            values![step, 0_i64, 1_i64],
        );
    }
    // The rule's memory has hours of its own: it is built again from the samples. A verdict has its own time.
    store.write(|tx| tx.execute("DELETE FROM meta WHERE name = 'baseline'", &[])).unwrap();
    for (figure, detail) in
        pairs(&store, "SELECT figure, COALESCE(detail, '') FROM verdict WHERE figure = 'failing'")
    {
        let Ok(mut verdict) = serde_json::from_str::<serde_json::Value>(&detail) else { continue };
        for field in ["time", "since"] {
            if let Some(time) = verdict[field].as_i64() {
                verdict[field] = (time - by / 1000).into();
            }
        }
        let change = "UPDATE verdict SET detail = ?2 WHERE figure = ?1";
        store.write(|tx| tx.execute(change, values![&figure, &verdict.to_string()])).unwrap();
    }
}

fn pairs(store: &Store, sql: &str) -> Vec<(String, String)> {
    let rows = store.read(|tx| tx.query(sql, &[])).unwrap();
    rows.iter().map(|row| (row.text(0), row.text(1))).collect()
}

/// Changes the rows of a table, not too many in one transaction. `sql` has three values and ends within its condition.
fn in_parts(store: &Store, table: &str, sql: &str, three: &[state::driver::Value]) {
    const PART: i64 = 150;
    let last =
        store.read(|tx| tx.first(&format!("SELECT COALESCE(MAX(rowid), 0) FROM {table}"), &[])).unwrap();
    let last = last.unwrap().int(0);
    for from in (0..=last).step_by(PART as usize) {
        let sql = format!("{sql} rowid > ?4 AND rowid <= ?5");
        let values = [three, values![from - 1, from + PART - 1]].concat();
        store.write(|tx| tx.execute(&sql, &values)).unwrap();
    }
}

/// Makes the jobs that run look as if they had been begun hours earlier, while their run is alive and holds them.
pub fn age_running(root: &std::path::Path, hours: i64) {
    let store = Location::new(root, None, None).open().unwrap();
    let sql = "UPDATE attempt SET started = started - ?1
        WHERE id IN (SELECT attempt_id FROM job WHERE state = 'running')";
    store.write(|tx| tx.execute(sql, values![hours * HOUR])).unwrap();
}

/// Puts attempts into every hour on record, as of an installation that is busy: without them nothing of new failures is
/// unusual, for they come with as many more attempts.
pub fn attempted(root: &std::path::Path, an_hour: i64) {
    let store = Location::new(root, None, None).open().unwrap();
    let sql = "UPDATE sample SET value = ?1 WHERE figure = 'attempted'";
    store.write(|tx| tx.execute(sql, values![an_hour])).unwrap();
}
