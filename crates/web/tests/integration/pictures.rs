//! Pictures of the main pages for `docs/pictures`: `PICTURES=FOLDER cargo test -p web pictures`, or `scripts/pictures`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::browser::Browser;
use crate::wire::Serving;
use crate::world;

/// Writes the whole page that is open.
fn picture(browser: &Browser, path: &Path) {
    let shot =
        browser.tell("Page.captureScreenshot", &json!({ "format": "png", "captureBeyondViewport": true }));
    let text = path.with_extension("base64");
    std::fs::write(&text, shot["data"].as_str().unwrap()).unwrap();
    let out = std::fs::File::create(path).unwrap();
    let decoded = Command::new("base64").arg("-d").arg(&text).stdout(Stdio::from(out)).status().unwrap();
    assert!(decoded.success());
    std::fs::remove_file(text).unwrap();
}

#[test]
fn pictures() {
    let Some(folder) = std::env::var_os("PICTURES") else { return };
    let world = world::small();
    web::Accounts::of(world.root())
        .unwrap()
        .put("olga", Some(operations::Role::Operate), "a long password", true)
        .unwrap();
    let serving = Serving::of(world.root(), "", "127.0.0.1:0");
    let browser = Browser::start(true);
    browser.go(&format!("http://{}/", serving.address()));
    browser.write("#name", "olga");
    browser.write("#password", "a long password");
    browser.click(".sign-in button");
    browser.arrives("Alarm");
    browser.go(&format!("http://{}/incidents", serving.address()));
    let found = browser.run(
        "return [...document.querySelectorAll('#incidents a')].find((it) => it.textContent.includes('out of reach')).pathname",
    );
    let outage = found.as_str().unwrap();
    for (name, path) in [
        ("front", "/"),
        ("signature", "/signatures/aaaaaaa"),
        ("package", "/packages/bash"),
        ("incident", outage),
        ("queue", "/queue"),
        ("plan", "/plans/1"),
    ] {
        for scheme in ["light", "dark"] {
            for width in [1280, 320] {
                browser.prefers(scheme);
                let metrics =
                    json!({ "width": width, "height": 400, "deviceScaleFactor": 1, "mobile": false });
                browser.tell("Emulation.setDeviceMetricsOverride", &metrics);
                browser.go(&format!("http://{}{path}", serving.address()));
                let path = Path::new(&folder).join(format!("{name}-{scheme}-{width}.png"));
                picture(&browser, &path);
            }
        }
    }
}
