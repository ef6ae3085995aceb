//! Every command as every role: what is allowed works, the rest is refused in words that say whose it is.

use package_import_tests::queue::text;
use package_import_tests::synthetic::package;

use crate::fleet::world::{Fleet, GRANTS};

/// Roles that may give a command: `o`perator, `w`orker; a worker holds and asks again by itself, so it may do so for a
/// person. `O`: an operator may, as far as it concerns existing publications. Monitors and logins without a role may
/// give none of them.
const COMMANDS: &[(&str, &[&str])] = &[
    ("ow", &["status"]),
    ("ow", &["status", "--json"]),
    ("ow", &["failures"]),
    ("ow", &["show", "pkg0000"]),
    ("ow", &["freshness"]),
    ("ow", &["history", "pkg0000"]),
    ("ow", &["log", "bad"]),
    ("ow", &["queue"]),
    ("ow", &["workers"]),
    ("ow", &["tune"]),
    ("ow", &["metrics", "--textfile", "@metrics"]),
    ("ow", &["audit"]),
    ("ow", &["baseline", "show"]),
    ("ow", &["signature", "list"]),
    ("ow", &["set"]),
    ("ow", &["verify", "--state"]),
    ("ow", &["list"]),
    ("ow", &["archives"]),
    ("ow", &["collisions"]),
    ("ow", &["incidents"]),
    ("ow", &["notify", "list"]),
    ("ow", &["repair", "list"]),
    ("ow", &["repair", "plan", "pkg0000"]),
    ("ow", &["mute"]),
    ("o", &["mute", "hooks-foreign", "--until", "2999-12-31", "--reason", "x"]),
    ("ow", &["unmute", "hooks-foreign"]),
    ("ow", &["backup", "@backup"]),
    ("ow", &["retry", "bad", "--reason", "x"]),
    ("ow", &["requeue", "pkg0001", "--reason", "x"]),
    ("ow", &["prioritize", "pkg0001"]),
    ("ow", &["hold", "pkg0002", "--reason", "x"]),
    ("ow", &["release", "pkg0002"]),
    ("ow", &["signature", "set", "@signature", "--policy", "retry", "--note", "x"]),
    ("o", &["suppress", "bad", "--until", "2999-12-31", "--reason", "x"]),
    ("ow", &["unsuppress", "bad"]),
    ("o", &["set", "jobs=2"]),
    ("o", &["set", "jobs="]),
    ("ow", &["quiesce", "--reason", "x", "@host"]),
    ("ow", &["resume", "@host"]),
    ("ow", &["prune"]),
    ("ow", &["verify", "--state", "--repair"]),
    ("Ow", &["enqueue", "--allow-unsigned", "@new"]),
    ("w", &["import", "--allow-unsigned", "--distro", "debian", "--suite", "sid", "@dsc"]),
    ("w", &["run"]),
];

#[test]
fn every_command_as_every_role() {
    let mut fleet = Fleet::new();
    let files = fleet.queue.installation.files();
    fleet.enqueue("first", 3, "1.0-1");
    let bad = files.join("bad");
    std::fs::create_dir(&bad).unwrap();
    package("bad", "1.0-1").write(&bad);
    std::fs::remove_file(bad.join("bad_1.0.orig.tar.gz")).unwrap();
    fleet.queue.enqueue(&bad);
    fleet.queue.well(&["run"]);
    fleet.queue.well(&["suppress", "bad", "--until", "2999-12-31", "--reason", "x"]);
    fleet.queue.well(&["mute", "hooks-foreign", "--until", "2999-12-31", "--reason", "x"]);
    let signature = fleet.queue.texts("SELECT short FROM signature").remove(0);
    let host = fleet.queue.texts("SELECT name FROM host").remove(0);
    let (new, metrics) = (files.join("new"), files.join("metrics.prom"));
    std::fs::create_dir(&new).unwrap();
    let dsc = package("new", "1.0-1").write(&new);
    let mut wrong = Vec::new();
    // The role without rights comes first: nothing may have changed by then.
    for (role, letter) in
        [(None, '?'), (Some("monitor"), '?'), (Some("worker"), 'w'), (Some("operator"), 'o')]
    {
        let url = fleet.login(role);
        let login = format!("{}_{}", fleet.schema, role.unwrap_or("nobody"));
        for (who, arguments) in COMMANDS {
            let backup = files.join(format!("backup-{login}"));
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|it| match *it {
                    "@backup" => backup.to_str().unwrap(),
                    "@signature" => &signature,
                    "@host" => &host,
                    "@metrics" => metrics.to_str().unwrap(),
                    "@new" => new.to_str().unwrap(),
                    "@dsc" => dsc.to_str().unwrap(),
                    it => it,
                })
                .collect();
            let output = fleet.run(&url, &arguments);
            let said = text(&output);
            let name = format!("{role:?}: {arguments:?}: {:?}\n{said}", output.status.code());
            if who.contains(letter) || (who.contains(letter.to_ascii_uppercase()) && output.status.success())
            {
                if !output.status.success() {
                    wrong.push(format!("is allowed: {name}"));
                }
                continue;
            }
            let names_it = said.contains(&format!("login {login} "));
            let is_of = match role {
                Some(role) => said.contains(&format!("role package_import_{role}, which")),
                None => said.contains("has none of the roles of docs/examples/grants.sql"),
            };
            let advises = said.contains("package_import_")
                && said.contains("Hint: ")
                && !said.contains("owns the root");
            if output.status.success() || !names_it || !is_of || !advises {
                wrong.push(format!("is refused: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words that an owner of a state reads who may not do all that the file does.
#[test]
fn grants_that_cannot_be_given_say_what_is_missing() {
    let cluster = throwaway_postgres::Cluster::start("");
    let mut admin = cluster.client();
    admin.batch_execute("CREATE ROLE importer LOGIN; CREATE ROLE stranger LOGIN; CREATE SCHEMA state AUTHORIZATION importer").unwrap();
    let connect = |user: &str| {
        let url = cluster.url().replace("user=postgres", &format!("user={user}"));
        postgres::Client::connect(&format!("{url} options='-c search_path=state'"), postgres::NoTls).unwrap()
    };
    let refused = |user: &str| {
        let error = connect(user).batch_execute(GRANTS).unwrap_err();
        let error = error.as_db_error().expect("an error of the server");
        format!("{} {}", error.message(), error.hint().unwrap_or_default())
    };
    assert!(
        refused("importer").contains("there are no tables of a state in schema state"),
        "{}",
        refused("importer")
    );
    connect("importer").batch_execute("CREATE TABLE job (x BIGINT)").unwrap();
    let said = refused("importer");
    assert!(
        said.contains("CREATEROLE is missing") && said.contains("ALTER ROLE importer CREATEROLE"),
        "{said}"
    );
    admin.batch_execute("GRANT USAGE ON SCHEMA state TO stranger").unwrap();
    assert!(refused("stranger").contains("stranger does not own the tables: apply this file as importer"));
}
