//! The least that a check has to do: open SQLite, read one row, print it. What the kit costs is measured against it.
use rusqlite::{Connection, OpenFlags};

fn main() -> rusqlite::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "state.db".into());
    let uri = format!("file:{path}?mode=ro&readonly_shm=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    let failing: i64 = connection.query_row("SELECT failing FROM check_v1_example", [], |row| row.get(0))?;
    println!("{failing}");
    Ok(())
}
