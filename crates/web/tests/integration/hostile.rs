//! Every text of the state is hostile: none controls a page, and none turns or hides the text around it.

use source_package::printable::is_hidden;

use crate::pages::{ANSWERS, all};
use crate::site::Site;
use crate::world;

const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>]]>&lt;\u{1b}[31m\u{202e}\u{200b}\u{9b}\u{7}javascript:alert(3)";

/// Words of the program that must not be replaced, or nothing would be shown.
const WORDS: [(&str, &str); 12] = [
    ("package", "name"),
    ("signature", "short"),
    ("meta", "name"),
    ("meta", "value"),
    ("counter", "name"),
    ("sample", "figure"),
    ("job", "state"),
    ("event", "action"),
    ("dependency", "state"),
    ("repair_part", "plan"),
    ("past", "kind"),
    ("past", "value"),
];

#[test]
fn nothing_of_it_is_obeyed() {
    let world = world::small();
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    for (table, column) in world::texts(&world) {
        if WORDS.contains(&(&table, &column)) || table == "sqlite_sequence" {
            continue;
        }
        // Some are unique: the row's number makes them so.
        let sql = format!("UPDATE OR IGNORE \"{table}\" SET \"{column}\" = ?1 || rowid");
        connection.execute(&sql, [HOSTILE]).unwrap();
    }
    let name = HOSTILE.replace('/', "%");
    connection.execute("UPDATE package SET name = ?1 WHERE name = 'zlib'", [&name]).unwrap();
    connection.execute("UPDATE signature SET short = ?1 WHERE short = 'bbbbbbb'", [HOSTILE]).unwrap();
    let said = serde_json::json!({"state": "WARNING", "since": 1, "value": 9, "text": HOSTILE}).to_string();
    connection.execute("UPDATE past SET value = ?1", [said]).unwrap();
    connection.execute("UPDATE repair_part SET plan = ?1", [world::plan(HOSTILE)]).unwrap();
    drop(connection);
    for user in ["viewer", "olga"] {
        let site = Site::with_user(world.root(), user);
        for path in all(&site) {
            let got = site.get(&path);
            // The remote has another name now.
            assert_eq!(got.status, if path == "/remotes/git" { 404 } else { 200 }, "{path}: {}", got.text);
            if path.ends_with("/markdown") {
                assert_eq!(got.header("content-type"), "text/plain; charset=utf-8");
                assert!(
                    !got.text.contains(is_hidden_in_lines) && !got.text.contains(" <img"),
                    "{}",
                    got.text
                );
            } else {
                inert(&path, &got.text);
            }
        }
        let links: Vec<String> = site
            .get("/queue")
            .text
            .split("href=\"")
            .filter_map(|it| it.split('"').next())
            .map(str::to_owned)
            .collect();
        let hostile: Vec<&String> = links.iter().filter(|link| link.contains("%3C")).collect();
        assert!(!hostile.is_empty(), "the page of the package with that name is reached");
        hostile.iter().for_each(|link| {
            let got = site.get(link);
            assert_eq!(got.status, 200, "{link}: {}", got.text);
            inert(link, &got.text);
        });
        for path in ANSWERS.into_iter().filter(|path| path.starts_with("/api/")) {
            let got = site.get(path);
            assert!(serde_json::from_str::<serde_json::Value>(&got.text).is_ok(), "{path}");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
        }
    }
}

#[test]
fn what_is_asked_for_is_not_obeyed_either() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let word = axum::http::Uri::try_from(format!(
        "/?q={}",
        form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect::<String>()
    ))
    .unwrap();
    let word = word.query().unwrap();
    for path in ["/search", "/audit", "/packages/x", "/nowhere", "/", "/signatures/x"] {
        inert(path, &site.get(&format!("{path}?{word}&{}", word.replacen("q=", "subject=", 1))).text);
    }
    let escaped: String = form_urlencoded::byte_serialize(HOSTILE.replace('/', "").as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    for folder in ["packages", "signatures", "attempts"] {
        inert(folder, &site.get(&format!("/{folder}/{escaped}")).text);
    }
    let got = site.post("/act", &[("action", "retry"), ("subject", HOSTILE), ("back", "//evil.example/")]);
    inert("/act", &got.text);
    let got = site.post("/act", &[("action", HOSTILE), ("subject", "bash")]);
    inert("/act", &got.text);
}

/// Line ends are allowed.
fn is_hidden_in_lines(c: char) -> bool {
    c != '\n' && is_hidden(c)
}

fn inert(path: &str, text: &str) {
    let lower = text.to_lowercase();
    for obeyed in ["<img", "<script>", "onerror=alert(1)>", "href=\"javascript:", "]]>"] {
        assert!(!lower.contains(obeyed), "{path}: {obeyed} in\n{text}");
    }
    // A script of ours alone.
    assert!(lower.matches("<script").count() <= 1, "{path}");
    let hidden = text.chars().find(|c| is_hidden(*c));
    assert!(hidden.is_none(), "{path}: {hidden:?}");
}
