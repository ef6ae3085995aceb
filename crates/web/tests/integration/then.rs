//! Pages as they were at a time.

use crate::pages::all;
use crate::site::{Site, text};
use crate::world;

/// The path of a page an hour or more ago.
fn page(site: &Site, path: &str) -> String {
    let got = site.get(path);
    assert_eq!(got.status, 200, "{path}: {}", got.text);
    got.text
}

#[test]
fn a_page_shows_how_it_was() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    // Four fail now; two days and a half ago nothing did, a day and a half ago two packages.
    assert!(text(&page(&site, "/")).contains("4 of 9 packages fail"));
    assert!(text(&page(&site, "/?at=60h+ago")).contains("0 of 9 packages fail"));
    let then = page(&site, "/?at=36h+ago");
    assert!(text(&then).contains("2 of 9 packages fail"), "{}", text(&then));
    assert!(
        text(&then).contains("As it was at ")
            && !then.contains("<section class=\"part\" id=\"verdict\" data-live")
    );
    assert!(
        text(&page(&site, "/?at=1h+ago")).contains("9 packages fail (normally 3)"),
        "the alert that was on"
    );
    assert!(!text(&page(&site, "/?at=6h+ago")).contains("normally 3"), "and was not before");
    assert!(!text(&page(&site, "/packages/held?at=36h+ago")).contains("by olga@ops: upstream moves"));
    assert!(text(&page(&site, "/packages/held?at=1h+ago")).contains("by olga@ops: upstream moves"));
    // Links keep the time, where there is something to be seen of it.
    let link = then.split("/signatures/aaaaaaa?at=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(text(&page(&site, &format!("/signatures/aaaaaaa?at={link}"))).contains("2 packages"));
    for kept in ["/queue?at=", "/freshness?at=", "/failures?at=", "href=\"/collisions\""] {
        assert!(then.contains(kept), "{kept}");
    }
}

#[test]
fn nothing_can_be_done_at_a_time_that_is_over() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    for path in all(&site).iter().filter(|path| path.contains("?at=")) {
        let page = page(&site, path);
        assert!(!page.contains("action=\"/act\""), "{path}");
        assert!(!page.contains("data-live"), "{path}: it does not change");
    }
}

#[test]
fn a_time_that_is_not_known_is_refused() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    for (path, said) in [
        ("/?at=soon", "no time that is over"),
        ("/?at=2999-01-01", "still to come"),
        ("/?at=1999-01-01", "is kept since"),
        ("/api/v1/status?at=1999-01-01", "is kept since"),
        ("/plans?at=2h", "cannot show"),
        ("/api/v1/workers?at=2h", "cannot show"),
    ] {
        let got = site.get(path);
        assert!(got.status == 400 && got.text.contains(said), "{path}: {} {}", got.status, got.text);
    }
    assert_eq!(site.get("/?at=").status, 200);
}

#[test]
fn json_of_a_time_is_that_of_the_command() {
    let world = world::small();
    let site = Site::of(world.root(), "");
    let of = |path: &str| -> serde_json::Value { serde_json::from_str(&site.get(path).text).unwrap() };
    assert_eq!(of("/api/v1/status?at=36h+ago")["failing"], 2);
    assert_eq!(of("/api/v1/status?at=60h+ago")["failing"], 0);
    assert_eq!(of("/api/v1/status")["failing"], 4);
    assert_eq!(of("/api/v1/packages/held?at=36h+ago")["state"]["held"], serde_json::Value::Null);
    assert_eq!(of("/api/v1/packages/held?at=1h+ago")["state"]["held"]["by"], "olga@ops");
}
