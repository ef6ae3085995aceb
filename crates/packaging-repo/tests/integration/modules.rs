//! `.gitmodules` as `git fsck --strict` judges them: rejected ones are escaped, those of real packages are not.

use crate::common::scratch;
use packaging_repo::escape::{ContentRule, content_is_refused};
use packaging_repo::identity::importer;
use packaging_repo::object::{Commit, Kind};
use proptest::prelude::*;
use source_package::date::Date;
use source_package::store::ContentStore;
use source_package::tree::{Node, Tree};

/// Stores each content as the `.gitmodules` of a folder of its own; Git must have nothing to say.
fn assert_git_is_content(contents: &[String]) {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    let mut tree = Tree::default();
    for (place, content) in contents.iter().enumerate() {
        let content = store.put_bytes(content.as_bytes()).unwrap();
        let node = Node::File { content, executable: false };
        tree.put(format!("{place}/.gitmodules").as_bytes(), node, &mut store).unwrap();
    }
    let tree = store.write_tree(&mut tree).unwrap();
    let date = Date { seconds: 0, offset_minutes: 0 };
    let commit = Commit {
        tree,
        parents: Vec::new(),
        author: importer(),
        authored: date,
        committer: importer(),
        committed: date,
        message: "x\n".into(),
    };
    store.add(Kind::Commit, &commit.encode()).unwrap();
    store.finish().unwrap();
    scratch.assert_clean();
}

fn with_url(url: &str) -> String {
    format!("[submodule \"lib\"]\n\tpath = lib\n\turl = {url}\n")
}

#[test]
fn urls_that_git_rejects_are_escaped() {
    let urls = [
        "https://example.org/../../x",
        "https://example.org/a/../../x",
        "https://example.org/..",
        "https://",
        "https:///x",
        "https://h:0/x",
        "https://h:99999/x",
        "https://h:x/",
        "http::foo",
        "https::h",
        "ftp://",
        "ftps://:1/",
        "https://exa mple/x",
        "https://\u{e9}/x",
        "https:// # x",
        "https://;x",
        "../:x",
        "..//x",
        "-x",
        "\u{b}-x",
    ];
    assert_git_is_content(&urls.map(with_url));
}

#[test]
fn urls_of_real_packages_are_not() {
    let urls = [
        "https://github.com/a/b.git",
        "https://user@example.org:8443/a/b",
        "http://example.org",
        "https://example.org/",
        "https://example.org/a/../b.git",
        "https://example.org/~me/b_c-d.git",
        "https://[2001:db8::1]/x",
        "git://example.org/a.git",
        "git@github.com:a/b.git",
        "ssh://git@example.org:29418/a/b",
        "../b.git",
        "../../a/b",
        "./b",
        "file:///srv/git/b",
        "/srv/git/b",
        "https://example.org/a ; the one",
    ];
    let contents = urls.map(with_url);
    assert_git_is_content(&contents);
    for content in &contents {
        assert!(!content_is_refused(ContentRule::Modules, Some(content.as_bytes())), "{content}");
    }
    let other = "[submodule \"a.b/c d\"]\r\n\tpath = a b/c\r\n\turl = ../c\r\n\tbranch = .\r\n\tshallow = true\r\n\
        \tignore = dirty\r\n\tupdate = none\r\n\tfetchRecurseSubmodules = false\r\n";
    assert!(!content_is_refused(ContentRule::Modules, Some(other.as_bytes())));
}

fn line() -> impl Strategy<Value = String> {
    let url = prop::collection::vec(
        prop::sample::select(vec![
            "https",
            "http",
            "ftp",
            "git",
            "ssh",
            "HTTPS",
            "::",
            ":",
            "//",
            "/",
            "..",
            ".",
            "a",
            "example.org",
            "@",
            "[",
            "]",
            "-",
            "?",
            "#",
            ";",
            " ",
            "0",
            "99999",
            "8080",
            "~",
            "%41",
            "%0a",
            "\u{e9}",
            "\\",
            "\"",
            "\t",
            "_",
            "!",
            "'",
            "(",
            "\u{7f}",
            "\u{1}",
            "+",
            "|",
            "^",
            "{",
        ]),
        0..9,
    );
    let url = (prop::sample::select(vec!["", "https://", "http://h", "../", "ftp://h/"]), url);
    prop_oneof![
        4 => url.prop_map(|(start, rest)| format!("\turl = {start}{}", rest.concat())),
        1 => "\t(path|update|branch) ?= ?[-!a./ ]{0,6}",
        1 => "\\[submodule \"[a./ -]{0,5}\"\\]",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_they_say_git_is_content(
        contents in prop::collection::vec(prop::collection::vec(line(), 1..4), 1..100),
    ) {
        let contents: Vec<String> =
            contents.iter().map(|lines| format!("[submodule \"x\"]\n{}\n", lines.join("\n"))).collect();
        assert_git_is_content(&contents);
    }
}
