#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn v(text: &str) -> Version {
    Version::new(text).unwrap()
}

const HELLO: &str = "\
hello (2.10-2) unstable; urgency=Medium (security), binary-only=yes

  * Second.

\tTabbed.

 -- Santiago Vila <sanvila@debian.org>  Mon, 13 May 2019 14:11:00 +0200

hello (2.10-1) unstable stable; urgency=low

  * First.

 -- Santiago Vila <sanvila@debian.org>  Sun, 22 Mar 2015 11:56:00 +0100
";

#[test]
fn reads_a_plain_changelog() {
    let all: Vec<Entry> = entries(HELLO.as_bytes()).collect();
    assert_eq!(all.len(), 2);
    let heading = all[0].heading.as_ref().unwrap();
    assert_eq!((heading.source.as_str(), heading.version.as_str()), ("hello", "2.10-2"));
    assert_eq!(heading.urgency.as_deref(), Some("medium"));
    assert_eq!(all[1].heading.as_ref().unwrap().distributions, ["unstable", "stable"]);
    assert_eq!(all[0].body, "  * Second.\n\n\tTabbed.");
    let author = author(HELLO.as_bytes());
    assert_eq!(author.ident.unwrap().email(), "sanvila@debian.org");
    assert_eq!(author.date.unwrap().to_string(), "1557749460 +0200");
}

#[test]
fn gives_the_text_since_a_version() {
    let text = |base: Option<&str>| text_since(HELLO.as_bytes(), base.map(v).as_ref());
    assert_eq!(text(Some("2.10-1")), "  * Second.\n\n\tTabbed.");
    assert_eq!(text(None), text(Some("2.10-1")));
    assert_eq!(text(Some("2.9-1")), text(None));
    assert_eq!(text(Some("2.10-2")), "");
    let three = format!("hello (3) unstable; urgency=low\n\n  * Third.\n\n{HELLO}");
    let since = text_since(three.as_bytes(), Some(&v("0:2.10-1")));
    let headings = "hello (3) unstable; urgency=low\n\n  * Third.\n\nhello (2.10-2) unstable; urgency=Medium";
    assert!(since.starts_with(headings), "{since}");
}

fn below(versions: &[&str], own: &str) -> Vec<String> {
    let entry = |version: &&str| format!("a ({version}) x; urgency=low\n\n  * x\n\n -- A <a@x>  x\n\n");
    let changelog: String = versions.iter().map(entry).collect();
    versions_below(changelog.as_bytes(), &v(own)).iter().map(Version::to_string).collect()
}

#[test]
fn finds_the_versions_below() {
    assert_eq!(below(&["3", "2", "1"], "3"), ["2", "1"]);
    // A loop, a repetition, an invalid version.
    assert_eq!(below(&["3", "2", "3", "x", "2", "1"], "3"), ["2", "1"]);
    // The top entry differs from the version: a lower one is an ancestor, a higher one is the version under another
    // name.
    assert_eq!(below(&["2", "1"], "2.1"), ["2", "1"]);
    assert_eq!(below(&["9", "2", "1"], "2.1"), ["2", "1"]);
    assert_eq!(below(&["3", "9", "1"], "3"), ["9", "1"]);
    assert!(below(&["1:3"], "1:3").is_empty());
    assert!(below(&["0:3-1"], "3-1").is_empty());
}

fn top_of(body_and_trailer: &str) -> Entry {
    entries(format!("a (1) x; urgency=low\n{body_and_trailer}\n").as_bytes()).next().unwrap()
}

#[track_caller]
fn check_trailer(line: &str, name: &str, email: &str, date: &str) {
    let trailer = top_of(&format!("\n  * x\n\n{line}")).trailer.unwrap();
    let ident = trailer.ident.unwrap();
    assert_eq!((ident.name(), ident.email()), (name, email), "{line}");
    assert_eq!(trailer.date.map_or("none".into(), |date| date.to_string()), date, "{line}");
}

#[test]
fn mends_trailers() {
    let at = "1112428800 +0200";
    check_trailer(" -- A B <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer(" -- A B <a@x> Xyz, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer(" -- A B <a@x>   Sat,  2 Apr 05 10:00:00 +0200", "A B", "a@x", at);
    check_trailer(" --  <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "a", "a@x", at);
    check_trailer(" -- <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "a", "a@x", at);
    check_trailer(" --A B <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer("-- A B <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer("  -- A B <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer("\t-- A B <a@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A B", "a@x", at);
    check_trailer(" -- A B a@x  Sat, 02 Apr 2005 10:00:00 CEST", "A B", "a@x", at);
    check_trailer(" -- A B a@x Sat, 02 Apr 2005 10:00:00 CEST", "A B", "a@x", at);
    check_trailer(" -- A B  Sat, 02 Apr 2005 10:00:00 CEST", "A B", "", at);
    check_trailer(" -- A B Sat, 02 Apr 2005 10:00:00 CEST", "A B", "", at);
    check_trailer(" -- A B <a@x>", "A B", "a@x", "none");
    check_trailer(" -- A, B & C <a@x>  never", "A, B & C", "a@x", "none");
    check_trailer(" -- \"A, B\" <a@x>  Wed, 30 Feb 2005 10:00:00 +0200", "A, B", "a@x", "1109577600 +0200");
    check_trailer(" -- A <a@x>, B <b@x>  Sat, 02 Apr 2005 10:00:00 +0200", "A", "a@x", at);
}

#[test]
fn takes_a_missing_date_from_the_next_entry_and_a_missing_name_from_nobody() {
    let author = author(
        b"a (2) x; urgency=low\n\n  * x\n\na (1) x; urgency=low\n\n -- A <a@x>  2 Apr 2005 10:00:00 +0200\n",
    );
    assert_eq!(author.ident, None);
    assert_eq!(author.date.unwrap().to_string(), "1112428800 +0200");
    assert_eq!(super::author(b""), Author::default());
}

#[test]
fn decodes_each_line_for_itself() {
    let entry = entries(b"a (1) x; urgency=low\n\n  * J\xc3\xb6rg\n  * J\xf6rg\n\n -- J\xf6rg <j@x>  x\n")
        .next()
        .unwrap();
    assert_eq!(entry.body, "  * Jörg\n  * Jörg");
    assert_eq!(entry.trailer.unwrap().ident.unwrap().name(), "Jörg");
}

#[test]
fn stops_where_dpkg_stops() {
    let rest = "a (0.1) x; urgency=low\n\n  * y\n";
    for end in [
        "Local variables:",
        ";; Local Variables:",
        "vim: set ts=2",
        "Old Changelog:",
        "Mon Jan  2 15:04:05 MET 1995  A B <a@x>",
        "Mon Jan  2 15:04:05 1995  A B (a@x)",
        "Mon Jan 2, 1995  A B <a@x>",
        "a (0.1)",
        "a (0.1);",
        "a-0.1 Debian 2",
        "a 0.1 Debian 2",
        "Changes from version 1 to 2:",
        "Changes for a-0.1",
        "1:0.1-2:",
    ] {
        let changelog = format!("a (1) x; urgency=low\n\n  * x\n\n -- A <a@x>  x\n\n{end}\n{rest}");
        assert_eq!(entries(changelog.as_bytes()).count(), 1, "{end}");
    }
    for ignored in
        ["$Id: changelog $", "# comment", "/* comment */", "Some text.", "Mon Jan  2 1995", "a - b"]
    {
        let changelog = format!("a (1) x; urgency=low\n\n  * x\n\n -- A <a@x>  x\n\n{ignored}\n{rest}");
        assert_eq!(entries(changelog.as_bytes()).count(), 2, "{ignored}");
    }
}

#[test]
fn takes_a_changelog_of_a_thousand_entries_from_memory_in_no_time() {
    let changelog = HELLO.repeat(20_000);
    assert_eq!(entries(changelog.as_bytes()).count(), 40_000);
    assert_eq!(versions_below(changelog.as_bytes(), &v("2.10-2")), [v("2.10-1")]);
}

#[test]
fn hostile_lines_take_linear_time() {
    let long = |unit: &str| unit.repeat(2_000_000 / unit.len());
    for unit in ["<", "<>", " <", "-", " ", "a ", "=?", "1", "a-", "=?x?q?", "(", "\" ", "@ "] {
        for start in [" -- ", "  ", "", "a (1) x; ", "Mon Jan ", "Mon Jan  2 15:04:05 ", "a ("] {
            let changelog = format!("a (1) x; urgency=low\n{start}{}", long(unit));
            let _ = author(changelog.as_bytes());
        }
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = author(&bytes);
        let _ = text_since(&bytes, None);
    }

    #[test]
    fn near_misses_never_panic(lines in proptest::collection::vec(
        "(a \\(1\\) x;| -- A <|a@x>  |Mon, |2 Jan 2005 |10:00:00 |\\+0200|  \\* |\\t|é|<|>|-|=\\?|Debian |\\PC){0,8}", 0..12)) {
        let changelog = lines.join("\n");
        let author = author(changelog.as_bytes());
        prop_assert!(author.date.is_none_or(|date| date.seconds >= 0));
        let text = text_since(changelog.as_bytes(), None);
        prop_assert_eq!(text.trim_matches('\n'), text.as_str());
    }
}

fn changelog_of(entries: &[(&str, &str)]) -> Vec<u8> {
    let text: String = (entries.iter().enumerate())
        .map(|(number, (source, version))| {
            format!(
                "{source} ({version}) unstable; urgency=low\n\n  * About {version}.\n\n -- A <{version}@x>  Mon, {:02} Jan 2024 10:00:00 +0000\n\n",
                number + 1
            )
        })
        .collect();
    text.into_bytes()
}

/// Versions below, true when they differ from those by position, and the author of the top entry.
fn lineage_of(entries: &[(&str, &str)], own: &str) -> (Vec<String>, bool, Option<String>) {
    let text = changelog_of(entries);
    let found = lineage(&text, "aa", &v(own));
    let names = |versions: &[Version]| versions.iter().map(|version| version.to_string()).collect::<Vec<_>>();
    let author = found.order.as_ref().map(|order| author_in(&text, order).ident.unwrap().email().to_owned());
    if let Some(by_position) = &found.by_position {
        assert_ne!(*by_position, found.below);
    }
    (names(&found.below), found.by_position.is_some(), author)
}

#[test]
fn the_entry_of_the_version_is_the_top() {
    let aa = |versions: &[&'static str]| versions.iter().map(|version| ("aa", *version)).collect::<Vec<_>>();
    let below = |versions: &[&str]| versions.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
    // As it is nearly always.
    assert_eq!(lineage_of(&aa(&["3", "2", "1"]), "3"), (below(&["2", "1"]), false, None));
    assert_eq!(lineage_of(&aa(&["2~bpo", "2", "1"]), "2~bpo"), (below(&["2", "1"]), false, None));
    // Entries above that of the version are no ancestors, whether higher or lower.
    assert_eq!(lineage_of(&aa(&["9", "3", "2"]), "3"), (below(&["2"]), false, Some("3@x".into())));
    assert_eq!(lineage_of(&aa(&["1", "3", "2"]), "3"), (below(&["2"]), true, Some("3@x".into())));
    // The oldest entry first.
    assert_eq!(lineage_of(&aa(&["1", "2", "3"]), "3"), (below(&["2", "1"]), true, Some("3@x".into())));
    // Not in the file: by position.
    assert_eq!(lineage_of(&aa(&["4", "2", "1"]), "3"), (below(&["2", "1"]), false, None));
    assert_eq!(lineage_of(&aa(&["2", "1"]), "3"), (below(&["2", "1"]), false, None));
}

#[test]
fn entries_of_another_source_are_no_ancestors() {
    let below = |versions: &[&str]| versions.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
    let found = lineage_of(&[("aa", "3"), ("old-aa", "2"), ("aa", "1")], "3");
    assert_eq!(found, (below(&["1"]), true, None));
    let found = lineage_of(&[("other", "3"), ("aa", "3"), ("aa", "1")], "3");
    assert_eq!(found, (below(&["1"]), false, Some("3@x".into())));
}

#[test]
fn text_follows_the_order_of_the_entries() {
    let text = changelog_of(&[("aa", "1"), ("aa", "2"), ("aa", "3")]);
    let order = lineage(&text, "aa", &v("3")).order.unwrap();
    assert_eq!(text_in(&text, &order, Some(&v("2"))), "  * About 3.");
    assert_eq!(text_in(&text, &order, None), "  * About 3.");
    let both = text_in(&text, &order, Some(&v("1")));
    assert!(both.starts_with("aa (3)") && both.contains("About 2.") && !both.contains("About 1."), "{both}");
}

proptest! {
    /// With the version's own entry on top and all entries of one source, the result is the one by position.
    #[test]
    fn an_ordinary_changelog_means_what_it_meant(below in prop::collection::vec("[1-9]{1,3}", 0..20)) {
        let mut entries = vec![("aa", "1000")];
        entries.extend(below.iter().map(|version| ("aa", version.as_str())));
        let text = changelog_of(&entries);
        let own = v("1000");
        let found = lineage(&text, "aa", &own);
        prop_assert_eq!(&found.below, &versions_below(&text, &own));
        prop_assert_eq!((found.by_position, found.order), (None, None));
    }
}
