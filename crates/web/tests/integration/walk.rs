//! A real browser does the usual tasks, with scripts and without: no errors, nothing that scrolls sideways at 320
//! px.

use operations::Role;

use crate::browser::{Browser, members};
use crate::pages::PAGES;
use crate::wire::Serving;
use crate::world;

fn at(serving: &Serving, path: &str) -> String {
    format!("http://{}{path}", serving.address())
}

fn quiet(browser: &Browser, path: &str) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{path}: {complaints:?}");
}

fn sign_in(browser: &Browser, serving: &Serving) {
    browser.go(&at(serving, "/"));
    browser.write("#name", "olga");
    browser.write("#password", "a long password");
    browser.click(".sign-in button");
    browser.arrives("Alarm");
}

fn walk(has_scripts: bool) {
    let world = world::small();
    web::Accounts::of(world.root())
        .unwrap()
        .put("olga", Some(Role::Operate), "a long password", true)
        .unwrap();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(has_scripts);
    sign_in(&browser, &serving);
    quiet(&browser, "signing in");
    // Search a package, hold it, and find that in the audit trail.
    browser.write("#q", "bash");
    browser.click(".search button");
    browser.arrives("bash");
    browser.click("form:has(input[value=hold]) button");
    browser.arrives("Hold");
    let before = world.events();
    browser.write("#reason", "a walk");
    browser.click(".act button");
    browser.arrives("bash");
    assert_eq!(world.events(), before + 1);
    assert_eq!(browser.run("return document.querySelector('#facts').innerText.includes('a walk')"), true);
    quiet(&browser, "holding a package");
    for width in [320, 640, 1280] {
        browser.resize(width, 900);
        browser.go(&at(&serving, "/incidents"));
        let found = browser.run("return new URL(document.querySelector('#incidents a').href).pathname");
        let found = found.as_str().unwrap().to_owned();
        for path in PAGES.into_iter().chain(["/?at=1h+ago", found.as_str()]) {
            browser.go(&at(&serving, path));
            let fits = browser
                .run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth");
            assert_eq!(fits, true, "{path} at {width} px scrolls sideways");
            let is_named = browser.run(
                "return document.querySelectorAll('h1').length === 1 && [...document.querySelectorAll('input:not([type=hidden]), select')]
                    .every((it) => it.labels.length > 0) && [...document.querySelectorAll('a, button')].every((it) => it.textContent.trim() !== '')
                    && [...document.querySelectorAll('svg')].every((it) => it.querySelector('title')) && document.documentElement.lang === 'en'
                    && new Set([...document.querySelectorAll('[id]')].map((it) => it.id)).size === document.querySelectorAll('[id]').length",
            );
            assert_eq!(
                is_named, true,
                "{path}: one headline, labels, texts, titles, ids that are there once"
            );
            quiet(&browser, path);
        }
    }
    browser.click("footer button");
    browser.arrives("Sign in");
}

#[test]
fn with_scripts() {
    walk(true);
}

#[test]
fn without_scripts() {
    walk(false);
}

#[test]
fn a_browser_leaves_nothing_behind() {
    let browser = Browser::start(true);
    browser.go("data:text/html,hello");
    let group = browser.group();
    assert!(members(group).len() > 2, "the driver, the browser and what that has started");
    drop(browser);
    assert_eq!(members(group), Vec::<String>::new());
}

#[test]
fn live_parts_follow_the_state() {
    let world = world::small();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(true);
    browser.go(&at(&serving, "/"));
    world.store.write(|tx| tx.execute("UPDATE counter SET value = 77 WHERE name = 'failing'", &[])).unwrap();
    // Like somebody who comes back to the window.
    browser.until(
        "document.dispatchEvent(new Event('visibilitychange'));
         return document.querySelector('#verdict').innerText.includes('77 of 9 packages')",
    );
    quiet(&browser, "a refresh");
}

#[test]
fn hostile_texts_run_nothing() {
    let world = world::small();
    let hostile = "<img src=x onerror=\"window.obeyed=1\"><script>window.obeyed=1</script>\u{202e}";
    world.store.write(|tx| tx.execute("UPDATE failure SET message = ?1", &[hostile.into()])).unwrap();
    world
        .store
        .write(|tx| {
            tx.execute(
                "UPDATE signature SET text = ?1, bug = 'javascript:window.obeyed=1'",
                &[hostile.into()],
            )
        })
        .unwrap();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(true);
    for path in PAGES {
        browser.go(&at(&serving, path));
        assert_eq!(
            browser
                .run("return window.obeyed === undefined && document.querySelectorAll('img').length === 0"),
            true,
            "{path}"
        );
        quiet(&browser, path);
    }
}
