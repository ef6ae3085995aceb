//! Accessibility, judged by axe-core in a real browser, and pages at 200 % for those who need large letters.

use std::io::Read as _;

use serde_json::Value;

use crate::browser::Browser;
use crate::pages::{PAGES, incident};
use crate::site::Site;
use crate::wire::Serving;
use crate::world;

/// The text of axe-core: `tests/axe/README.md`.
fn axe() -> String {
    let packed: &[u8] = include_bytes!("../axe/axe.min.js.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

/// What is wrong with the page that is open, serious or critical.
const LOOK: &str = "return axe.run(document, { preload: false, resultTypes: ['violations'] }).then((found) => found.violations
    .filter((it) => ['serious', 'critical'].includes(it.impact))
    .map((it) => it.id + ': ' + it.nodes.slice(0, 3).map((node) => node.html + ' ' + node.any.map((one) => one.message).join('; ')).join(' | ')));";

const PROXY: &str = "[web]\npublic = true\n";

#[test]
fn axe_finds_nothing_serious() {
    let world = world::small();
    let found = incident(&Site::of(world.root(), PROXY).get("/incidents").text, "");
    web::Accounts::of(world.root())
        .unwrap()
        .put("olga", Some(operations::Role::Operate), "a long password", true)
        .unwrap();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(true);
    browser.resize(1280, 1000);
    let at = |path: &str| format!("http://{}{path}", serving.address());
    let axe = axe();
    // It does find something where there is something.
    browser.go("data:text/html,<html><body><img src=x><input><p style='color:%23ccc;background:%23fff'>words without contrast</p>");
    browser.run(&axe);
    let found_there = browser.run(LOOK).to_string();
    for wrong in ["image-alt", "color-contrast", "label"] {
        assert!(found_there.contains(wrong), "{found_there}");
    }
    browser.complaints();
    let judge = |path: &str, scheme: &str| {
        browser.prefers(scheme);
        browser.go(&at(path));
        browser.run(&axe);
        let said = browser.run(LOOK);
        assert_eq!(said, Value::Array(Vec::new()), "{path}, {scheme}");
    };
    for scheme in ["light", "dark"] {
        judge("/sign-in", scheme);
    }
    browser.write("#name", "olga");
    browser.write("#password", "a long password");
    browser.click(".sign-in button");
    browser.arrives("Alarm");
    for scheme in ["light", "dark"] {
        for path in PAGES.into_iter().chain([found.as_str(), "/?at=1h+ago", "/packages/nobody"]) {
            judge(path, scheme);
        }
    }
    // A preview, with its question for the reason.
    browser.go(&at("/packages/bash"));
    browser.click("form:has(input[value=hold]) button");
    browser.arrives("Hold");
    browser.run(&axe);
    assert_eq!(browser.run(LOOK), Value::Array(Vec::new()), "a preview");
}

#[test]
fn letters_of_twice_the_size_fit() {
    let world = world::small();
    let found = incident(&Site::of(world.root(), PROXY).get("/incidents").text, "");
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(true);
    browser.resize(1280, 1000);
    for path in PAGES.into_iter().chain([found.as_str(), "/?at=1h+ago"]) {
        browser.go(&format!("http://{}{path}", serving.address()));
        let fits = browser.run(
            "document.documentElement.style.fontSize = '200%';
             return document.documentElement.scrollWidth <= document.documentElement.clientWidth",
        );
        assert_eq!(fits, true, "{path} scrolls sideways with letters of twice the size");
    }
}
