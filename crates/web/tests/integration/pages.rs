//! Texts of pages.

use crate::site::{Site, text};
use crate::world;

/// Every page that can be read.
pub const PAGES: [&str; 20] = [
    "/",
    "/failures",
    "/signatures/aaaaaaa",
    "/packages/bash",
    "/packages/held",
    "/packages/hello",
    "/attempts/1/log",
    "/queue",
    "/hosts",
    "/archives",
    "/collisions",
    "/collisions/1",
    "/remotes",
    "/remotes/git",
    "/freshness",
    "/incidents",
    "/plans",
    "/plans/1",
    "/audit",
    "/search?q=a",
];
/// Pages as they were.
const PAST: [&str; 9] = [
    "/?at=1h+ago",
    "/failures?at=1h+ago",
    "/signatures/aaaaaaa?at=1h+ago",
    "/packages/bash?at=1h+ago",
    "/queue?at=1h+ago",
    "/freshness?at=1h+ago",
    "/hosts?at=1h+ago",
    "/archives?at=1h+ago",
    "/audit?at=1h+ago",
];

/// The first incident that a page links to, behind a prefix.
pub fn incident(page: &str, prefix: &str) -> String {
    let link = format!("href=\"{prefix}/incidents/");
    let id = page.split(&link).nth(1).and_then(|it| it.split('"').next());
    format!("/incidents/{}", id.expect("an incident"))
}

/// Every page, an incident, and pages as they were.
pub fn all(site: &Site) -> Vec<String> {
    let found = incident(&site.get("/incidents").text, "");
    let known = PAGES.into_iter().chain(PAST).map(str::to_owned);
    known.chain([found.clone(), format!("{found}/markdown")]).collect()
}
/// Every answer for programs.
pub const ANSWERS: [&str; 21] = [
    "/api/v1/status",
    "/api/v1/failures",
    "/api/v1/signatures",
    "/api/v1/queue",
    "/api/v1/freshness",
    "/api/v1/archives",
    "/api/v1/baseline",
    "/api/v1/workers",
    "/api/v1/audit",
    "/api/v1/packages/bash",
    "/api/v1/signatures/aaaaaaa",
    "/api/v1/collisions",
    "/api/v1/remotes",
    "/api/v1/incidents",
    "/api/v1/plans",
    "/api/v1/plans/1",
    "/api/v1/status?at=1h+ago",
    "/feeds/failures",
    "/feeds/collisions",
    "/feeds/packages/bash",
    "/metrics",
];

/// Times differ from run to run.
fn steady(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_inclusive([' ', '\n', '(', ')']) {
        let core = word.trim_end_matches([' ', '\n', ')', ',', '.', ';', ':']);
        let is_day = core.len() == 10 && core.chars().filter(|c| *c == '-').count() == 2;
        let is_hour = core.len() == 6 && core.ends_with('Z') && core.contains(':');
        let is_span = core.strip_suffix(['s', 'm', 'h', 'd']).is_some_and(|it| it.parse::<u32>().is_ok());
        match (is_day, is_hour || is_span) {
            (true, _) => shown.push_str(&word.replacen(core, "DAY", 1)),
            (_, true) => shown.push_str(&word.replacen(core, "TIME", 1)),
            _ => shown.push_str(word),
        }
    }
    shown
}

#[test]
fn each_page_says_what_the_state_knows() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    let mut all = String::new();
    for path in [
        "/failures",
        "/signatures/aaaaaaa",
        "/packages/bash",
        "/packages/held",
        "/queue",
        "/hosts",
        "/archives",
        "/collisions",
        "/collisions/1",
        "/remotes",
        "/remotes/git",
        "/freshness",
        "/incidents",
        incident(&site.get("/incidents").text, "").as_str(),
        "/plans",
        "/plans/1",
        "/plans/2",
        "/audit",
    ] {
        let got = site.get(path);
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        let without_chart = text(&got.text).replace(world.root().to_str().unwrap(), "ROOT");
        let path = if path.starts_with("/incidents/") { "/incidents/ID" } else { path };
        all.push_str(&format!("== {path}\n{}\n", steady(&without_chart)));
    }
    // The days of the chart end today.
    let all: String = all
        .lines()
        .filter(|line| !line.contains("The same as a table") && !is_day_row(line))
        .map(|it| format!("{it}\n"))
        .collect();
    insta::assert_snapshot!(all);
}

fn is_day_row(line: &str) -> bool {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    months.iter().any(|month| line.contains(&format!(" {month} "))) || line.starts_with("Now ")
}

#[test]
fn the_front_page_says_how_it_is() {
    let world = world::small();
    let page = text(&Site::of(world.root(), "").get("/").text);
    for said in [
        "Alarm",
        "4 of 9 packages fail",
        "4 packages fail (normally 3)",
        "deb.debian.org is out of reach",
        "12 jobs parked",
        "Host worker2 is silent",
        "Archive debian, suite sid: failing",
        "1 package waits for a decision",
        "aaaaaaa",
        "bbbbbbb",
        "median: 9m",
        "95 of 100: 45m",
        "running",
        "normal 3",
        "warning 5",
    ] {
        assert!(page.contains(said), "{said:?} is missing in\n{page}");
    }
}

#[test]
fn an_empty_installation_says_so() {
    let world = world::small();
    for (table, _) in world::texts(&world) {
        if table != "meta" {
            let connection = rusqlite::Connection::open(world.database()).unwrap();
            connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; DELETE FROM \"{table}\"; DELETE FROM failure; DELETE FROM job; DELETE FROM sample; DELETE FROM version; DELETE FROM wait; DELETE FROM attempt; DELETE FROM counter;")).unwrap();
        }
    }
    let site = Site::of(world.root(), "");
    let page = text(&site.get("/").text);
    assert!(
        page.contains("It is not known whether all is well") && page.contains("No host has worked here yet"),
        "{page}"
    );
    for path in ["/failures", "/queue", "/hosts", "/archives", "/audit", "/search?q=x"] {
        assert_eq!(site.get(path).status, 200, "{path}");
    }
}

#[test]
fn every_answer_has_the_headers_of_protection() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    let others = ["/healthz", "/nowhere", "/static/x/style.css", "/search?q=bash", "/packages/nobody"];
    for path in all(&site).into_iter().chain(ANSWERS.into_iter().chain(others).map(str::to_owned)) {
        let got = site.get(&path);
        assert_eq!(
            got.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(!got.text.contains(" style=\"") && !got.text.contains("onclick"), "{path}");
    }
    assert_eq!(site.get("/packages/nobody").status, 404);
    assert!(site.get("/packages/bsh").text.contains("did you mean bash"));
}

#[test]
fn json_is_what_commands_print() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    for path in ANSWERS.into_iter().filter(|path| path.starts_with("/api/")) {
        let got = site.get(path);
        assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "application/json"), "{path}");
        let value: serde_json::Value = serde_json::from_str(&got.text).unwrap();
        assert_eq!(value["v"], 1, "{path}");
    }
    let status: serde_json::Value = serde_json::from_str(&site.get("/api/v1/status").text).unwrap();
    assert_eq!((&status["failing"], &status["packages"]), (&4.into(), &9.into()));
    let got = site.get("/api/v1/packages/nobody");
    assert_eq!(got.status, 404);
    assert!(got.text.starts_with("{\"error\":"), "{}", got.text);
    assert!(site.get("/metrics").text.contains("package_import_failing_packages 4\n"));
}

#[test]
fn pages_are_below_their_prefix_alone() {
    let world = world::small();
    let site = Site::at(world.root(), "", "/imports");
    assert_eq!(site.get("/").status, 404);
    assert_eq!(site.get("/importsx/").status, 404);
    assert_eq!(site.get("/imports/healthz").text, "ok\n");
    let found = incident(&site.get("/imports/incidents").text, "/imports");
    for path in PAGES.into_iter().chain(PAST).chain([found.as_str()]) {
        let got = site.get(&format!("/imports{path}"));
        assert_eq!(got.status, 200, "{path}");
        for target in got
            .text
            .split("href=\"")
            .chain(got.text.split("action=\""))
            .skip(1)
            .filter_map(|it| it.split('"').next())
        {
            let is_ours = target.starts_with("/imports/")
                || target.starts_with('#')
                || target.starts_with("https://bugs.example.org");
            assert!(is_ours || target.starts_with("<!DOCTYPE"), "{path}: {target}");
        }
    }
}

#[test]
fn live_parts_are_given_to_scripts_of_our_own_pages_alone() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    let ask = |site_of: &str, dest: &str| {
        let request = axum::http::Request::get("/?refresh=1")
            .header("sec-fetch-site", site_of)
            .header("sec-fetch-dest", dest);
        site.ask(request.body(axum::body::Body::empty()).unwrap())
    };
    let got = ask("same-origin", "script");
    assert!(
        got.header("content-type").starts_with("text/javascript") && got.text.starts_with("packageImport({")
    );
    assert!(!got.text.contains('<'), "nothing ends a script");
    for (from, dest) in [("cross-site", "script"), ("same-site", "script"), ("same-origin", "document")] {
        assert!(ask(from, dest).header("content-type").starts_with("text/html"), "{from} {dest}");
    }
}

#[test]
fn search_leads_to_the_one_thing_that_was_meant() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    for (word, to) in
        [("bash", "/packages/bash"), ("ze", ""), ("zl", "/packages/zlib"), ("aaaaaaa", "/signatures/aaaaaaa")]
    {
        let got = site.get(&format!("/search?q={word}"));
        assert_eq!(
            (got.header("location"), got.status.as_u16()),
            (to, if to.is_empty() { 200 } else { 303 }),
            "{word}"
        );
    }
}

#[test]
fn pages_of_postgresql_are_the_same() {
    let (world, url) = world::postgres();
    let site = Site::of(world.root(), &format!("[state]\nurl = \"{url}\"\n"));
    for path in all(&site).into_iter().chain(ANSWERS.into_iter().map(str::to_owned)) {
        let got = site.get_known(&path);
        assert_eq!(got.status, 200, "{path}: {}", got.text);
    }
}
