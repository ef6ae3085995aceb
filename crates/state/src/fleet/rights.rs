//! Rights of a PostgreSQL login, by the roles of `docs/examples/grants.sql`: as a text for an operation that was
//! refused, and as the list of rights that a worker lacks.

use std::sync::OnceLock;

use crate::db::tx::Tx;
use crate::driver::{Driver, Kind};
use crate::error::{DbError, StateError};
use crate::values;

const GRANTS: &str = include_str!("../../../../docs/examples/grants.sql");

/// The role of the pages, which nobody else is advised to take.
const WEB: &str = "package_import_web";

/// The roles, with their purposes.
const ROLES: [(&str, &str); 4] = [
    (
        "package_import_operator",
        "reads everything and decides: retries, holds, priorities, policies, settings",
    ),
    ("package_import_worker", "imports and keeps the records of it: run, import, enqueue, poll, backup"),
    ("package_import_monitor", "reads the views of the checks and nothing else"),
    (WEB, "serves the pages: reads everything and does what their buttons do"),
];

/// A right to do something with a table, or with some of its columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub verb: String,
    /// Name of the table.
    pub table: String,
    /// The columns, if not all.
    pub columns: Vec<String>,
    /// The role that has it.
    pub role: String,
}

/// Rights that `docs/examples/grants.sql` grants, statement by statement, without the right of two roles to read all
/// tables.
fn granted() -> &'static [Right] {
    static GRANTED: OnceLock<Vec<Right>> = OnceLock::new();
    GRANTED.get_or_init(|| {
        let lines = GRANTS.lines().map(|line| line.split("--").next().unwrap_or_default());
        let text = lines.collect::<Vec<_>>().join(" ");
        // Text between dollar signs is a program (`DO $$ ... $$`), not a list of grants.
        let plain: String = text.split("$$").step_by(2).collect();
        plain
            .split(';')
            .filter_map(|statement| statement.trim().strip_prefix("GRANT "))
            .flat_map(rights)
            .collect()
    })
}

/// The rights of `INSERT, UPDATE (a, b) ON t, u TO r`.
fn rights(grant: &str) -> Vec<Right> {
    let Some((verbs, rest)) = grant.split_once(" ON ") else { return Vec::new() };
    let Some((tables, roles)) = rest.split_once(" TO ") else { return Vec::new() };
    let words = |text: &str| -> Vec<String> {
        text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    };
    let mut found = Vec::new();
    for (verb, columns) in split_verbs(verbs) {
        for table in words(tables.trim().trim_start_matches("TABLE ")) {
            for role in words(roles) {
                found.push(Right {
                    verb: verb.clone(),
                    table: table.clone(),
                    columns: words(&columns),
                    role,
                });
            }
        }
    }
    found
}

/// `INSERT, UPDATE (a, b)` as verbs with their columns.
fn split_verbs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        let end = rest.find([',', '(']).unwrap_or(rest.len());
        let (verb, after) = rest.split_at(end);
        let (columns, after) = match after.strip_prefix('(') {
            Some(inner) => inner.split_once(')').unwrap_or((inner, "")),
            None => ("", after),
        };
        found.push((verb.trim().to_owned(), columns.to_owned()));
        rest = after.trim_start().trim_start_matches(',');
    }
    found
}

/// Rights that a worker needs and this login lacks, as `INSERT on version`. Always empty with SQLite.
pub fn lacking(tx: &mut Tx<'_>) -> Result<Vec<String>, StateError> {
    if tx.kind() == Kind::Sqlite {
        return Ok(Vec::new());
    }
    let sql = "SELECT w.verb || ' on ' || w.tab FROM unnest(string_to_array(?1, ',')) AS w0 (pair)
        CROSS JOIN LATERAL (SELECT split_part(w0.pair, ' ', 1) AS verb, split_part(w0.pair, ' ', 2) AS tab) AS w
        WHERE to_regclass(quote_ident(w.tab)) IS NULL OR NOT CASE w.verb
            WHEN 'DELETE' THEN has_table_privilege(to_regclass(quote_ident(w.tab)), 'DELETE')
            ELSE has_any_column_privilege(to_regclass(quote_ident(w.tab)), w.verb) END";
    let mut pairs: Vec<String> = Vec::new();
    for right in granted().iter().filter(|right| right.role == "package_import_worker") {
        pairs.push(format!("{} {}", right.verb, right.table));
        pairs.push(format!("SELECT {}", right.table));
    }
    pairs.sort();
    pairs.dedup();
    let rows = tx.query(sql, values![pairs.join(",")])?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

/// Error with an explanation: a missing right gets the login and the advice how to grant it.
pub(crate) fn explained(driver: &mut dyn Driver, error: StateError) -> StateError {
    let StateError::Database(DbError::Denied(what)) = error else { return error };
    if driver.kind() == Kind::Sqlite {
        return StateError::Database(DbError::Denied(what));
    }
    let login = Login::of(driver).unwrap_or_default();
    let what = without_schema(driver).unwrap_or(None).unwrap_or(what);
    StateError::Denied { who: login.who(), advice: login.advice(&what), what }
}

/// Message for a login that sees no schema at all, for which all tables seem to be missing.
fn without_schema(driver: &mut dyn Driver) -> Result<Option<String>, DbError> {
    let rows = driver.query("SELECT current_schema(), current_setting('search_path')", &[])?;
    let Some(row) = rows.first().filter(|row| row.opt_text(0).is_none()) else { return Ok(None) };
    let path = row.text(1);
    Ok(Some(format!("permission denied for schema {path} (USAGE), or there is no such schema")))
}

/// The login of a connection.
#[derive(Default)]
struct Login {
    name: String,
    /// Roles of the login, as positions in [`ROLES`].
    roles: Vec<usize>,
}

impl Login {
    fn of(driver: &mut dyn Driver) -> Result<Login, DbError> {
        let mut login = Login::default();
        for (place, (role, _)) in ROLES.iter().enumerate() {
            let sql =
                "SELECT CAST(current_user AS TEXT), COALESCE((SELECT pg_has_role(current_user, oid, 'MEMBER')
                FROM pg_roles WHERE rolname = ?1 AND rolname <> current_user), current_user = ?1)";
            if let Some(row) = driver.query(sql, values![*role])?.first() {
                login.name = row.text(0);
                login.roles.extend(row.flag(1).then_some(place));
            }
        }
        Ok(login)
    }

    fn who(&self) -> String {
        let roles: Vec<String> = self
            .roles
            .iter()
            .filter_map(|at| ROLES.get(*at))
            .map(|(role, what)| format!("{role}, which {what}"))
            .collect();
        match roles.is_empty() {
            true => format!("login {} has none of the roles of docs/examples/grants.sql", self.name),
            false => format!("login {} has the role {}", self.name, roles.join("; and ")),
        }
    }

    fn advice(&self, what: &str) -> String {
        let mine: Vec<&str> =
            self.roles.iter().filter_map(|at| ROLES.get(*at)).map(|(role, _)| *role).collect();
        let given = given_to(what);
        if let Some(role) = mine.iter().find(|role| given.contains(role)) {
            return format!(
                "{role} has this right by docs/examples/grants.sql: let the owner of the tables apply that file again"
            );
        }
        let name = if self.name.is_empty() { "the login" } else { &self.name };
        let given: Vec<&str> = given.into_iter().filter(|role| *role != WEB).collect();
        match given.as_slice() {
            [] => "only the owner of the tables may do this".to_owned(),
            roles => format!(
                "use a login with the role {}, or let the owner of the tables say: GRANT {} TO {name} \
                 (docs/examples/grants.sql makes the roles)",
                roles.join(" or "),
                roles.first().copied().unwrap_or_default(),
            ),
        }
    }
}

/// Roles that have the refused right: `permission denied for table version (INSERT)`.
fn given_to(what: &str) -> Vec<&'static str> {
    let words: Vec<&str> = what.split(|at: char| !(at.is_alphanumeric() || at == '_')).collect();
    let after =
        |word: &str| words.iter().position(|it| *it == word).and_then(|at| words.get(at + 1)).copied();
    let verb = words.iter().rev().find(|it| !it.is_empty()).copied().unwrap_or_default();
    let (operator, worker) = (ROLES[0].0, ROLES[1].0);
    match after("table") {
        Some(_) if verb == "SELECT" => vec![operator, worker],
        Some(table) => {
            let has = |role: &str| {
                granted().iter().any(|it| it.role == role && it.verb == verb && it.table == table)
            };
            ROLES.iter().map(|(role, _)| *role).filter(|role| has(role)).collect()
        }
        // A schema, a sequence, a database, a table that cannot even be seen.
        None => vec![operator, worker],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_are_read_from_the_file_that_gives_them() {
        let has = |role: &str, verb: &str, table: &str| {
            granted().iter().any(|it| it.role == role && it.verb == verb && it.table == table)
        };
        assert!(has("package_import_worker", "INSERT", "version"));
        assert!(has("package_import_worker", "DELETE", "job"));
        assert!(has("package_import_operator", "UPDATE", "signature"));
        assert!(!has("package_import_operator", "INSERT", "version"));
        let ended = granted().iter().find(|it| it.table == "suppression" && it.role.ends_with("worker"));
        assert_eq!(ended.map(|it| it.columns.clone()), Some(vec!["ended".to_owned()]));
        assert!(
            granted().iter().all(|it| ["SELECT", "INSERT", "UPDATE", "DELETE"].contains(&it.verb.as_str()))
        );
    }

    /// The pages may do what an operator may, and no more.
    #[test]
    fn the_role_of_the_pages_is_part_of_an_operators() {
        let of = |role: &str| granted().iter().filter(|it| it.role == role).collect::<Vec<_>>();
        let operator = of("package_import_operator");
        let web = of(WEB);
        assert!(web.len() > 20 && web.len() < operator.len());
        for right in web {
            let may = operator.iter().any(|it| {
                (&it.verb, &it.table) == (&right.verb, &right.table)
                    && (it.columns.is_empty() || it.columns == right.columns)
            });
            assert!(may, "{right:?}");
        }
        for (verb, table) in [("INSERT", "setting"), ("DELETE", "attempt"), ("UPDATE", "remote")] {
            assert!(!of(WEB).iter().any(|it| it.verb == verb && it.table == table), "{verb} {table}");
        }
        let refused = "permission denied for table job (INSERT)";
        assert!(given_to(refused).contains(&WEB));
        let login = Login { name: "m".into(), roles: vec![2] };
        assert!(!login.advice(refused).contains(WEB), "{}", login.advice(refused));
    }

    #[test]
    fn who_was_refused_is_told_which_role_may() {
        let worker = "permission denied for table version (INSERT)";
        assert_eq!(given_to(worker), ["package_import_worker"]);
        assert_eq!(given_to("permission denied for table event (DELETE)"), [""; 0]);
        let operator = Login { name: "anna".into(), roles: vec![0] };
        assert!(
            operator.advice(worker).contains("package_import_worker TO anna"),
            "{}",
            operator.advice(worker)
        );
        let machine = Login { name: "w7".into(), roles: vec![1] };
        assert!(machine.advice(worker).contains("apply that file again"), "{}", machine.advice(worker));
    }
}
