//! Buttons: a preview first, with a reason, one entry in the audit trail.

use crate::site::{Got, Site};
use crate::world;

/// The name of a preview.
pub fn token(got: &Got) -> String {
    let behind = got
        .text
        .split("name=\"shown\" value=\"")
        .nth(1)
        .unwrap_or_else(|| panic!("{}: {}", got.status, got.text));
    behind.split('"').next().unwrap().to_owned()
}

/// Every button, in an order in which each changes something.
pub const BUTTONS: [&[(&str, &str)]; 19] = [
    &[("action", "retry"), ("subject", "bash")],
    &[("action", "retry-signature"), ("subject", "aaaaaaa"), ("canary", "1")],
    &[("action", "hold"), ("subject", "bash"), ("until", "3d")],
    &[("action", "release"), ("subject", "bash")],
    &[("action", "prioritize"), ("subject", "hello")],
    &[("action", "requeue"), ("subject", "hello")],
    &[("action", "suppress"), ("subject", "aaaaaaa"), ("until", "3d")],
    &[("action", "unsuppress"), ("subject", "aaaaaaa")],
    &[("action", "policy"), ("subject", "aaaaaaa"), ("policy", "hold")],
    &[("action", "baseline-accept"), ("subject", "failing")],
    &[("action", "resolve"), ("subject", "1"), ("decision", "keep")],
    &[("action", "quiesce"), ("subject", "worker1")],
    &[("action", "resume"), ("subject", "worker1")],
    &[("action", "repair-plan"), ("subject", "bash")],
    &[("action", "repair-plan-code"), ("subject", "tag-gone")],
    &[("action", "repair-apply"), ("subject", "1"), ("canary", "5")],
    &[("action", "repair-undo"), ("subject", "1")],
    &[("action", "mute"), ("subject", "tag-gone"), ("until", "3d")],
    &[("action", "unmute"), ("subject", "tag-gone")],
];

#[test]
fn every_button_shows_first_and_leaves_one_entry() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    for fields in BUTTONS {
        let before = world.events();
        let mut fields = fields.to_vec();
        fields.push(("back", "/queue"));
        let shown = site.post("/act", &fields);
        assert_eq!(shown.status, 200, "{fields:?}: {}", shown.text);
        assert_eq!(world.events(), before, "{fields:?}: nothing is changed by showing it");
        let token = token(&shown);
        assert_eq!(
            site.post("/act/confirmed", &[("shown", &token), ("reason", " ")]).status,
            400,
            "it needs a reason"
        );
        let done = site.post("/act/confirmed", &[("shown", &token), ("reason", "a test")]);
        let to = done.header("location").to_owned();
        let is_plan = matches!(fields[0].1, "repair-plan" | "repair-plan-code" | "repair-undo");
        assert!(if is_plan { to.starts_with("/plans/") } else { to == "/queue" }, "{fields:?}: {to}");
        assert_eq!(
            (done.status.as_u16(), site.get(&to).status.as_u16()),
            (303, 200),
            "{fields:?}: {}",
            done.text
        );
        assert_eq!(world.events(), before + 1, "{fields:?}");
        let newest = world.store.read(|tx| state::events::list(tx, None, 1)).unwrap().remove(0);
        assert_eq!(
            (newest.actor.as_str(), newest.reason.as_deref()),
            ("olga@web", Some("a test")),
            "{fields:?}"
        );
        let again = site.post("/act/confirmed", &[("shown", &token), ("reason", "a test")]);
        assert_eq!((again.status.as_u16(), world.events()), (409, before + 1), "{fields:?}: once");
    }
}

#[test]
fn nothing_is_done_to_what_was_not_shown() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let shown = token(&site.post("/act", &[("action", "retry-signature"), ("subject", "aaaaaaa")]));
    world
        .store
        .write(|tx| tx.execute("UPDATE failure SET signature_id = 1 WHERE package_id = 3", &[]))
        .unwrap();
    let before = world.events();
    let got = site.post("/act/confirmed", &[("shown", &shown), ("reason", "a test")]);
    assert!(got.status == 409 && got.text.contains("dash has come in"), "{}", got.text);
    assert_eq!(world.events(), before);
    // A package that was cured meanwhile is no reason to refuse.
    let shown = token(&site.post("/act", &[("action", "retry-signature"), ("subject", "aaaaaaa")]));
    world.store.write(|tx| tx.execute("DELETE FROM failure WHERE package_id = 3", &[])).unwrap();
    assert_eq!(site.post("/act/confirmed", &[("shown", &shown), ("reason", "a test")]).status, 303);
}

#[test]
fn what_would_change_nothing_is_said() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let got = site.post("/act", &[("action", "release"), ("subject", "bash")]);
    assert!(got.status == 200 && got.text.contains("Nothing would change"), "{}", got.text);
    assert_eq!(site.post("/act", &[("action", "retry"), ("subject", "nobody")]).status, 404);
    assert_eq!(site.post("/act", &[("action", "nothing")]).status, 400);
}

#[test]
fn somebody_else_cannot_confirm_it() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let shown = token(&site.post("/act", &[("action", "retry"), ("subject", "bash")]));
    let other = Site { user: Some("petra"), ..site };
    assert_eq!(other.post("/act/confirmed", &[("shown", &shown), ("reason", "x")]).status, 409);
}
