#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const MD5: &str = "0123456789abcdef0123456789abcdef";

fn stanza(package: &str, version: &str, directory: &str, more: &str) -> String {
    format!(
        "Package: {package}\nVersion: {version}\nDirectory: {directory}\n{more}Files:\n {MD5} 5 a_1.dsc\n {MD5} 6 a_1.tar.gz\n"
    )
}

fn read(text: &str) -> Vec<Entry> {
    let mut reader = Reader::new(text.as_bytes(), "main");
    std::iter::from_fn(|| reader.read().unwrap()).collect()
}

fn reason(text: &str) -> String {
    match &read(text)[..] {
        [Entry::Bad(bad)] => bad.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn several_versions_are_several_publications() {
    let text = format!(
        "{}\n\n{}",
        stanza("a", "1", "pool/main/a/a", ""),
        stanza("a", "2", "pool/main/a/a", "Homepage: x\n")
    );
    let [Entry::Publication(first), Entry::Publication(second)] = &read(&text)[..] else {
        unreachable!("two publications")
    };
    assert_eq!((first.version.as_str(), second.version.as_str()), ("1", "2"));
    assert_eq!(first.dsc.name, "a_1.dsc");
    assert_eq!(first.path(&first.dsc), "pool/main/a/a/a_1.dsc");
    assert_eq!(first.files.len(), 1);
    assert_eq!(first.component, "main");
}

#[test]
fn flat_archives_have_their_files_beside_the_list() {
    for directory in [".", "./", ""] {
        let Entry::Publication(it) = &read(&stanza("a", "1", directory, ""))[0] else { unreachable!() };
        assert_eq!(it.path(&it.dsc), "a_1.dsc");
    }
}

#[test]
fn extra_sources_are_no_publications() {
    assert_eq!(read(&stanza("a", "1", "pool", "Extra-Source-Only: yes\n")), [Entry::ExtraOnly]);
}

#[test]
fn a_bad_stanza_is_told_and_the_next_one_used() {
    let good = stanza("b", "1", "pool", "");
    for (bad, says) in [
        (stanza("../../etc", "1", "pool", ""), "(\"../../etc\")"),
        (stanza("a", "not a version", "pool", ""), "stanza 1 (\"a\")"),
        (stanza("a", "1", "../pool", ""), "leads out"),
        (stanza("a", "1", "pool/../x", ""), "leads out"),
        (stanza("a", "1", "pool", "Version: 2\n"), "stands twice"),
        (stanza("a", "1", "pool", "").replace("a_1.dsc", "../a_1.dsc"), "bad line"),
        (stanza("a", "1", "pool", "").replace("a_1.dsc", "a_1.txt"), "one .dsc"),
        ("junk\n".to_owned(), "no field Package"),
    ] {
        assert!(reason(&bad).contains(says), "{}: {bad}", reason(&bad));
        let both = read(&format!("{bad}\n{good}"));
        assert!(matches!(&both[..], [Entry::Bad(_), Entry::Publication(_)]), "{bad}");
    }
}

#[test]
fn a_stanza_without_end_is_refused() {
    let text = format!("Package: a\n{}", "x: y\n".repeat(MAX_STANZA / 5 + 10));
    let mut reader = Reader::new(text.as_bytes(), "main");
    assert!(matches!(reader.read(), Err(ReadError::Long(1))));
}

#[test]
fn stanzas_are_the_same_however_the_input_is_cut() {
    let one = |version: &str| stanza("a", version, "pool", "Homepage: x\n");
    let text = format!("\n \n{}\n \t\n\n{}   \n{}", one("1"), one("2"), one("3"));
    let read = |size: usize| {
        let input = std::io::BufReader::with_capacity(size, text.as_bytes());
        let mut reader = Reader::new(input, "main");
        let mut entries = Vec::new();
        while let Some(entry) = reader.read().unwrap() {
            entries.push(entry);
        }
        entries
    };
    let whole = read(1 << 20);
    assert_eq!(whole.len(), 3);
    for size in 1..200 {
        assert_eq!(read(size), whole, "in pieces of {size} bytes");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "([A-Za-z-]{1,12}:[ -~]{0,20}\n| [ -~]{0,40}\n|\n){0,30}", bytes in any::<Vec<u8>>()) {
        let mut reader = Reader::new(text.as_bytes(), "main");
        while let Some(entry) = reader.read().unwrap() {
            if let Entry::Publication(it) = entry {
                prop_assert!(!it.path(&it.dsc).split('/').any(|part| part == ".." || part.is_empty()));
            }
        }
        let mut reader = Reader::new(&bytes[..], "main");
        while reader.read().unwrap().is_some() {}
    }
}
