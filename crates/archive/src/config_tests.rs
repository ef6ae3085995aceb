#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    archives: Vec<Archive>,
}

fn read(text: &str) -> Result<Vec<Archive>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    check(&file.archives).map_err(|error| error.to_string())?;
    Ok(file.archives)
}

/// An archive with these suites, one a line.
fn archive(name: &str, suites: &[&str]) -> String {
    let mut text = format!(
        "[[archives]]\nname = \"{name}\"\ndistro = \"debian\"\nmirrors = [\"https://deb.example.org/debian/\"]\nkeyrings = [\"/k.gpg\"]\n"
    );
    for suite in suites {
        text += &format!("[[archives.suites]]\n{suite}\n");
    }
    text
}

#[test]
fn defaults() {
    let archives = read(&archive("a", &["name = \"sid\""])).unwrap();
    let archive = &archives[0];
    assert_eq!(archive.poll_interval, Duration::from_secs(900));
    assert_eq!(archive.transfer, Transfer::default());
    assert_eq!(archive.mirrors[0].to_string(), "https://deb.example.org/debian");
    assert_eq!(archive.mirrors[0].dependency(), "deb.example.org");
}

#[test]
fn the_examples_of_the_documentation() {
    let text = include_str!("../../../docs/archives.md");
    let examples: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|example| example.contains("[[archives]]"))
        .collect();
    assert!(examples.len() >= 2, "one for Debian and one for Ubuntu");
    // They may all stand in one file; the second one says that it does beside the first.
    let all = examples.join("\n");
    read(&all).unwrap_or_else(|error| panic!("{error}\n{all}"));
}

#[test]
fn unknown_keys_are_errors() {
    let text = archive("a", &["name = \"sid\"\nbranhc = \"x\""]);
    assert!(read(&text).unwrap_err().contains("branhc"));
}

#[test]
fn branches() {
    let suite =
        |name: &str, branch: Option<&str>| Suite { branch: branch.map(str::to_owned), ..Suite::named(name) };
    assert_eq!(suite("stable", None).branch("stable", Some("bookworm")), "bookworm");
    assert_eq!(suite("noble-updates", None).branch("noble-updates", Some("noble")), "noble-updates");
    assert_eq!(
        suite("bookworm*", None).branch("bookworm-updates", Some("bookworm-updates")),
        "bookworm-updates"
    );
    assert_eq!(suite("*", Some("x-{suite}")).branch("sid", Some("sid")), "x-sid");
    assert_eq!(suite("./", Some("local")).branch("./", None), "local");
}

#[test]
fn what_is_refused() {
    for (text, says) in [
        (archive("a", &["name = \"sid\""]).repeat(2), "two archives"),
        (archive("a", &[]), "follows no suites"),
        (archive("a", &["name = \"buster/updates\""]), "needs `branch`"),
        (archive("a", &["name = \"*\"\nbranch = \"all\""]), "{suite}"),
        (archive("a", &["name = \"sid\"", "name = \"x\"\nbranch = \"sid\""]), "would both be"),
        (archive("a", &["name = \"../sid\""]), "cannot be the name"),
        (archive("a", &["name = \"sid\""]).replace("https://", "ftp://"), "is no address"),
        (archive("a", &["name = \"sid\""]).replace("https://", "https://u:p@"), "password"),
        (archive("a", &["name = \"sid\""]).replace("keyrings = [\"/k.gpg\"]", ""), "no keyrings"),
        (archive("a", &["name = \"sid\""]).replace("mirrors", "apt = true\nmirrors"), "two archives of it"),
        (archive("a", &["name = \"sid\""]) + "[archives.transfer]\nconnections = 0\n", "cannot be 0"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(says), "{error}\n{text}");
    }
}

#[test]
fn suites_without_uploads_are_polled_daily() {
    let text = archive("a", &["name = \"etch\"\nend_of_life = true", "name = \"sid\""]);
    let archives = read(&text).unwrap();
    let interval = |at: usize| archives[0].interval(&archives[0].suites[at]).as_secs();
    assert_eq!((interval(0), interval(1)), (86_400, 900));
}

#[test]
fn where_packages_come_from() {
    let with = |lines: &str| read(&(archive("a", &["name = \"sid\""]) + lines));
    let history = "[archives.history]\nurl = \"https://snapshot.example.org\"\n";
    assert!(with(history).unwrap_err().contains("no keyrings"), "nothing would be believed");
    let signed = with(&format!("{history}keyrings = [\"/old.gpg\"]\n")).unwrap().remove(0).history.unwrap();
    assert_eq!(
        (signed.trust, signed.longest_wait),
        (HistoryTrust::Signed, Duration::from_secs(3 * 24 * 3600))
    );
    let served = format!("{history}trust = \"served\"\n");
    assert_eq!(with(&served).unwrap()[0].history.as_ref().unwrap().trust, HistoryTrust::Served);
    assert!(with(&served.replace("https", "http")).unwrap_err().contains("https"));
    for near in ["http://127.0.0.1:8080", "http://localhost"] {
        assert!(with(&served.replace("https://snapshot.example.org", near)).is_ok(), "{near}");
    }
    assert!(with(&served.replace("served", "blindly")).is_err());
}

#[test]
fn what_a_distro_builds_on() {
    let derivative =
        archive("u", &["name = \"noble\""]).replace("distro = \"debian\"", "distro = \"ubuntu\"");
    let base = "[archives.base]\ndistro = \"debian\"\n";
    assert!(read(&format!("{derivative}{base}")).unwrap_err().contains("no other archive has the distro"));
    let both = read(&format!("{}{derivative}{base}", archive("a", &["name = \"sid\""]))).unwrap();
    let base = both[1].base.as_ref().unwrap();
    assert_eq!(base.longest_wait, Duration::from_secs(12 * 3600));
    assert_eq!(base.own("ubuntu"), ["*ubuntu*", "*build[0-9]*"]);
}
