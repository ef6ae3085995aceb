//! Cause that keeps a host from recording its work, for operators and checks.

use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::past::things::Kind;
use crate::store::Store;
use crate::values;

/// Before the name of a host in `meta`.
const TROUBLE: &str = "trouble:";

/// Sets or ends the trouble of a host. A login that lost its rights on the table of hosts may still have those on another:
/// there it is kept meanwhile.
pub fn set(store: &Store, host: &str, text: Option<&str>) -> Result<(), StateError> {
    match store.write(|tx| in_host(tx, host, text)) {
        Err(error) if error.is_denial() => store.write(|tx| in_meta(tx, host, text)),
        Ok(()) if store.read(|tx| meta::get(tx, &name(host)))?.is_some() => {
            store.write(|tx| in_meta(tx, host, None))
        }
        other => other,
    }
}

fn in_host(tx: &mut Tx<'_>, host: &str, text: Option<&str>) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.touch_thing(Kind::Host, host);
    tx.execute(
        "UPDATE host SET trouble_since = CASE WHEN CAST(?2 AS TEXT) IS NULL THEN NULL ELSE COALESCE(trouble_since, ?3) END, trouble = ?2
         WHERE name = ?1",
        values![host, text, now],
    )?;
    Ok(())
}

fn in_meta(tx: &mut Tx<'_>, host: &str, text: Option<&str>) -> Result<(), StateError> {
    match text {
        Some(text) => meta::set(tx, &name(host), text),
        None => meta::remove(tx, &name(host)),
    }
}

fn name(host: &str) -> String {
    format!("{TROUBLE}{host}")
}
