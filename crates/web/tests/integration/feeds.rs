//! Atom feeds: what is in them, and that readers can read it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::site::Site;
use crate::world;

/// Reads a feed as a feed reader does: the feed's id, then id, title, time, links and text of each entry.
const READER: &str = r#"
import sys, xml.etree.ElementTree as tree
atom = "{http://www.w3.org/2005/Atom}"
feed = tree.fromstring(sys.stdin.buffer.read())
assert feed.tag == atom + "feed", feed.tag
def of(it, name):
    found = it.find(atom + name)
    return "" if found is None else (found.text or "")
for name in ("id", "title", "updated"):
    assert of(feed, name), name
print(of(feed, "id"))
for entry in feed.findall(atom + "entry"):
    links = " ".join(link.get("href") for link in entry.findall(atom + "link"))
    print(" | ".join([of(entry, "id"), of(entry, "title"), of(entry, "updated"), links, of(entry, "content").replace("\n", " ")]))
"#;

fn read(feed: &str) -> Vec<String> {
    let started =
        Command::new("python3").args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.unwrap();
    child.stdin.take().unwrap().write_all(feed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{feed}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn feeds_have_what_is_new() {
    let world = world::small();
    let site = Site::of(world.root(), "[notify]\nurl = 'https://imports.example.org/x'\n");
    for (path, said) in [
        (
            "/feeds/failures",
            &["aaaaaaa patch/fails: it does not apply", "https://imports.example.org/x/signatures/aaaaaaa"][..],
        ),
        (
            "/feeds/packages/bash",
            &["bash failed: fetch/checksum-mismatch", "https://imports.example.org/x/packages/bash"],
        ),
        (
            "/feeds/collisions",
            &[
                "bash: unmerged refs/heads/debian/sid by Mallory",
                "https://imports.example.org/x/collisions/1",
                "ended: keep",
            ],
        ),
    ] {
        let got = site.get(path);
        assert_eq!(got.header("content-type"), "application/atom+xml; charset=utf-8");
        let lines = read(&got.text);
        for wanted in said {
            assert!(
                lines[1..].iter().any(|line| line.contains(wanted)),
                "{path}: {wanted:?} in\n{}",
                lines.join("\n")
            );
        }
        // Readers know by the id what they have had; the newest comes first.
        assert_eq!(lines, read(&site.get(path).text), "{path}");
        let mut ids: Vec<&str> = lines.iter().map(|line| line.split(" | ").next().unwrap()).collect();
        let all = ids.len();
        assert!(ids.iter().all(|id| id.starts_with("urn:package-import:")), "{ids:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{path}: each id is there once");
    }
    assert_eq!(site.get("/feeds/packages/nobody").status, 404);
    assert_eq!(site.get("/feeds/nothing").status, 404);
}

#[test]
fn a_feed_of_hostile_texts_can_be_read() {
    let world = world::small();
    let hostile = "]]><entry>&amp;<title>x</title>\u{1b}[31m\u{202e}\u{fffe}\"'";
    let site = Site::of(world.root(), "");
    for sql in [
        "UPDATE notice SET line = ?1, items = ?2",
        "UPDATE collision SET name = ?1 || id, who = ?2",
        "UPDATE attempt SET message = ?1, code = ?2",
    ] {
        let items = serde_json::json!([hostile]).to_string();
        world.store.write(|tx| tx.execute(sql, &[hostile.into(), items.as_str().into()])).unwrap();
    }
    for path in ["/feeds/failures", "/feeds/packages/bash", "/feeds/collisions"] {
        let feed = site.get(path).text;
        let lines = read(&feed);
        assert_eq!(lines.len() - 1, feed.matches("<entry>").count(), "{path}: no entry comes from a text");
        assert!(!feed.contains(['\u{1b}', '\u{202e}', '\u{fffe}']), "{path}");
    }
}
