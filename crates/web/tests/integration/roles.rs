//! Roles and trusted proxies.

use axum::body::Body;
use axum::http::Request;
use web::{Accounts, Peer};

use crate::acts::{BUTTONS, token};
use crate::pages::{ANSWERS, all};
use crate::site::{HEADER, PROXY, Site};
use crate::world;

#[test]
fn a_name_is_believed_from_the_proxy_alone() {
    let world = world::small();
    let mut site = Site::of(world.root(), PROXY);
    let as_olga = |site: &Site| {
        let request = Request::get("/packages/bash").header(HEADER, "olga").body(Body::empty()).unwrap();
        site.ask(request)
    };
    for (peer, is_believed) in [
        (Peer::Tcp([127, 0, 0, 1].into()), false),
        (Peer::Tcp([10, 1, 1, 2].into()), false),
        (Peer::Tcp([10, 1, 1, 1].into()), true),
        (Peer::Tcp("::ffff:10.1.1.1".parse().unwrap()), true),
        (Peer::Unix, true),
    ] {
        site.peer = peer;
        let got = as_olga(&site);
        assert_eq!(got.status == 200, is_believed, "{peer:?}");
        assert_eq!(got.text.contains("Try again"), is_believed, "{peer:?}");
    }
    site.peer = Peer::Unix;
    let twice = Request::get("/").header(HEADER, "ivan").header(HEADER, "olga").body(Body::empty()).unwrap();
    assert_eq!(site.ask(twice).status, 401);
    for name in ["", " ", "a b", "<img>", "\u{1}"] {
        let Ok(request) = Request::get("/").header(HEADER, name).body(Body::empty()) else { continue };
        assert_eq!(site.ask(request).status, 401, "{name:?}");
    }
}

#[test]
fn roles_see_what_they_may_do() {
    let world = world::small();
    let viewer = Site::with_user(world.root(), "ivan");
    assert!(!viewer.get("/packages/bash").text.contains("Try again"));
    let before = world.events();
    for action in ["retry", "hold", "release", "prioritize", "requeue", "suppress"] {
        let got = viewer.post("/act", &[("action", action), ("subject", "bash"), ("until", "3d")]);
        assert_eq!(got.status, 403, "{action}");
        assert_eq!(viewer.post("/act/confirmed", &[("shown", "x"), ("reason", "y")]).status, 403);
    }
    assert_eq!(world.events(), before);
}

#[test]
fn in_public_there_are_neither_hosts_nor_paths_nor_logs_nor_people() {
    let world = world::small();
    let site = Site::of(world.root(), "[web]\npublic = true\n");
    for path in all(&site).into_iter().chain(ANSWERS.into_iter().map(str::to_owned)) {
        let got = site.get(&path);
        let is_private = [
            "/attempts",
            "/hosts",
            "/audit",
            "/collisions",
            "/remotes",
            "/plans",
            "/api/v1/plans",
            "/feeds/collisions",
            "/api/v1/workers",
            "/api/v1/audit",
            "/api/v1/collisions",
            "/api/v1/remotes",
        ]
        .iter()
        .any(|it| path.starts_with(it))
            || path.ends_with("/markdown");
        assert_eq!(got.status, if is_private { 403 } else { 200 }, "{path}");
        for hidden in [
            "worker1",
            "worker2",
            "olga",
            "/var/lib",
            "the end of a log",
            "upstream moves",
            "Mallory",
            "git.example.org",
            "no right to push",
        ] {
            assert!(!got.text.contains(hidden), "{path}: {hidden} in\n{}", got.text);
        }
    }
}

#[test]
fn accounts_sign_in_and_out() {
    let world = world::small();
    let accounts = Accounts::of(world.root()).unwrap();
    accounts.put("olga", Some(operations::Role::Operate), "a long password", true).unwrap();
    let mut site = Site::of(world.root(), "");
    assert_eq!((site.get("/").status.as_u16(), site.get("/").header("location")), (303, "/sign-in"));
    assert_eq!(site.get("/api/v1/status").status, 401);
    assert_eq!(site.get("/metrics").status, 401);
    assert_eq!(site.get("/healthz").status, 200);
    assert_eq!(site.post("/sign-in", &[("name", "olga"), ("password", "wrong")]).status, 401);
    let got = site.post("/sign-in", &[("name", "olga"), ("password", "a long password")]);
    assert_eq!((got.status.as_u16(), got.header("location")), (303, "/"));
    let cookie = got.header("set-cookie").to_owned();
    for said in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(said), "{cookie}");
    }
    site.cookie = cookie.split(';').next().map(str::to_owned);
    let page = site.get("/packages/bash").text;
    assert!(page.contains("olga (operate)") && page.contains("Sign out") && page.contains("Try again"));
    assert!(site.post("/sign-out", &[]).header("set-cookie").contains("Max-Age=0"));
    accounts.remove("olga").unwrap();
    accounts.put("ivan", None, "a long password", true).unwrap();
    assert_eq!(site.get("/").status, 303);
}

#[test]
fn a_cookie_that_was_changed_is_nobodys() {
    let world = world::small();
    let accounts = Accounts::of(world.root()).unwrap();
    accounts.put("olga", Some(operations::Role::Operate), "a long password", true).unwrap();
    accounts.put("ivan", Some(operations::Role::View), "a long password", true).unwrap();
    let mut site = Site::of(world.root(), "");
    let got = site.post("/sign-in", &[("name", "ivan"), ("password", "a long password")]);
    let cookie = got.header("set-cookie").split(';').next().unwrap().to_owned();
    site.cookie = Some(cookie.clone());
    assert_eq!(site.get("/queue").status, 200);
    let begin = cookie.find('=').unwrap() + 1;
    for at in begin..cookie.len() {
        for other in ['0', 'f', '.', '9'] {
            let mut changed = cookie.clone().into_bytes();
            if changed[at] == other as u8 {
                continue;
            }
            changed[at] = other as u8;
            site.cookie = Some(String::from_utf8(changed).unwrap());
            assert_eq!(site.get("/queue").status, 303, "{:?}", site.cookie);
        }
    }
    // The name of somebody with another role, with the seal of this one.
    let hex = |name: &str| name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    site.cookie = Some(cookie.replace(&hex("ivan"), &hex("olga")));
    assert_eq!(site.get("/queue").status, 303);
    site.cookie = Some(format!("a=b; {cookie}; c=d"));
    assert_eq!(site.get("/queue").status, 200);
}

#[test]
fn wrong_passwords_are_bounded() {
    let world = world::small();
    Accounts::of(world.root()).unwrap().put("olga", None, "a long password", true).unwrap();
    let site = Site::of(world.root(), "");
    let said: Vec<u16> = (0..7)
        .map(|_| site.post("/sign-in", &[("name", "olga"), ("password", "wrong")]).status.as_u16())
        .collect();
    assert_eq!(said, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(site.post("/sign-in", &[("name", "olga"), ("password", "a long password")]).status, 429);
}

/// All come through one socket: whoever guesses from elsewhere keeps nobody else out. Only the last entry is the proxy's.
#[test]
fn wrong_passwords_behind_a_proxy_count_for_who_sent_them() {
    let world = world::small();
    Accounts::of(world.root()).unwrap().put("olga", None, "a long password", true).unwrap();
    let site = Site { peer: web::Peer::Unix, ..Site::of(world.root(), "") };
    let sign_in = |from: &str, name: &str, password: &str| {
        let request =
            Request::post("/sign-in").header("sec-fetch-site", "same-origin").header("x-forwarded-for", from);
        let body = format!("name={name}&password={password}");
        site.ask(request.body(Body::from(body)).unwrap()).status.as_u16()
    };
    for (number, from) in ["10.0.0.1, 192.0.2.7", "192.0.2.7"].iter().cycle().take(7).enumerate() {
        let said = sign_in(from, &format!("guess{number}"), "wrong");
        assert_eq!(said, if number < 5 { 401 } else { 429 });
    }
    assert_eq!(sign_in("192.0.2.8", "olga", "a+long+password"), 303);
    for number in 0..6 {
        let said = sign_in(&format!("2001:db8::{number}"), &format!("other{number}"), "wrong");
        assert_eq!(said, if number < 5 { 401 } else { 429 }, "one network");
    }
}

#[test]
fn posts_from_elsewhere_are_refused() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    for headers in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.example")], &[]] {
        for path in ["/act", "/act/confirmed", "/sign-in", "/sign-out", "/nowhere"] {
            let mut request = Request::post(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let got = site.ask(request.body(Body::from("action=retry&subject=bash")).unwrap());
            assert_eq!(got.status, 403, "{path} {headers:?}");
        }
    }
}

#[test]
fn a_name_that_a_stranger_has_led_here_is_not_heard() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    let to = |host: &str| {
        site.ask(Request::get("/").header("host", host).body(Body::empty()).unwrap()).status.as_u16()
    };
    assert_eq!(
        [
            to("localhost:8420"),
            to("127.0.0.1:8420"),
            to("[::1]:8420"),
            to("evil.example"),
            to("evil.example:8420")
        ],
        [200, 200, 200, 421, 421]
    );
    let site = Site::of(world.root(), "[web]\nnames = ['imports.example.org']\n");
    let to = |host: &str| {
        site.ask(Request::get("/").header("host", host).body(Body::empty()).unwrap()).status.as_u16()
    };
    assert_eq!(
        [to("imports.example.org"), to("Imports.Example.org:443"), to("evil.example")],
        [200, 200, 421]
    );
}

const GRANTS: &str = include_str!("../../../../docs/examples/grants.sql");

/// In PostgreSQL the role of the pages is enough for each page and each button, and for nothing else.
#[test]
fn the_role_of_the_pages_is_enough() {
    let (world, url) = world::postgres();
    let mut owner = throwaway_postgres::shared().client();
    let schema = url.split("search_path=").nth(1).unwrap().trim_end_matches('\'');
    owner.batch_execute(&format!("SET search_path = {schema}")).unwrap();
    owner.batch_execute(GRANTS).unwrap();
    owner.batch_execute(&format!("CREATE ROLE {schema}_web LOGIN IN ROLE package_import_web")).unwrap();
    let url = url.replace("user=postgres", &format!("user={schema}_web"));
    let site = Site::of(world.root(), &format!("{PROXY}[state]\nurl = \"{url}\"\n"));
    let site = Site { peer: Peer::Tcp([10, 1, 1, 1].into()), user: Some("olga"), ..site };
    for path in all(&site).into_iter().chain(ANSWERS.into_iter().map(str::to_owned)) {
        let got = site.get_known(&path);
        assert_eq!(got.status, 200, "{path}: {}", got.text);
    }
    for fields in BUTTONS {
        let before = world.events();
        let shown = site.post("/act", fields);
        let done = site.post("/act/confirmed", &[("shown", &token(&shown)), ("reason", "a test")]);
        assert_eq!((done.status.as_u16(), world.events()), (303, before + 1), "{fields:?}: {}", done.text);
    }
    let location = state::open::Location::Postgres { url, passfile: None };
    let store = location.open().unwrap();
    for sql in [
        "DELETE FROM event",
        "UPDATE event SET actor = 'nobody'",
        "INSERT INTO setting (name, value) VALUES ('jobs', '99')",
        "DELETE FROM attempt",
        "DELETE FROM job",
        "UPDATE publication SET dsc_sha256 = ''",
        "INSERT INTO version SELECT * FROM version",
        "DELETE FROM sample",
        "CREATE TABLE mine (id BIGINT)",
    ] {
        let said = store.write(|tx| tx.execute(sql, &[])).expect_err(sql).to_string();
        assert!(said.contains("permission denied"), "{sql}: {said}");
    }
}
