//! The least work of any check: open SQLite, read one row, print it. The cost of the kit is measured against it.
use rusqlite::{Connection, OpenFlags};

fn main() -> rusqlite::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "state.db".into());
    let sql = arguments.next().unwrap_or_else(|| "SELECT failing FROM check_v1_live".into());
    let uri = format!("file:{path}?mode=ro&readonly_shm=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    let found: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    println!("{found}");
    Ok(())
}
