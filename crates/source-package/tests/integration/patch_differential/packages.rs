//! Series files, compressed patches, links among patches; and whole packages through `dpkg-source -x`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::patch_differential::cases::{CHANGE, base, edit};
use crate::patch_differential::compare;
use crate::patch_differential::oracle::Oracle;
use crate::patch_differential::world::{
    Format, Snapshot, What, World, difference, executable, file, link, read_folder,
};

fn world(format: Format, entries: &[(&str, What)]) -> World {
    let mut world = World { format, vendor: "debian", entries: base(), diff: Vec::new() };
    for (path, what) in entries {
        world.add(&format!("debian/patches/{path}"), what.clone());
    }
    world
}

/// Filters bytes through a program.
fn through(program: &[&str], input: &str) -> What {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs {}: {error}", program[0]));
    child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("written");
    file(child.wait_with_output().expect("output").stdout)
}

fn quilt_worlds() -> Vec<(&'static str, bool, World)> {
    let one = edit("f", CHANGE);
    let two = edit("f", "@@ -1,2 +1,2 @@\n-one\n+two\n 2\n");
    let patch = |text: &str| file(text);
    let quilt = |entries: &[(&str, What)]| world(Format::Quilt, entries);
    let vendor = |vendor, entries: &[(&str, What)]| World { vendor, ..quilt(entries) };
    let pair = [("1", patch(&one)), ("2", patch(&two))];
    let with = |entries: &[(&str, What)]| quilt(&[&pair[..], entries].concat());
    let with_vendor = |name, entries: &[(&str, What)]| vendor(name, &[&pair[..], entries].concat());
    let changes_two = "--- a/debian/patches/2\n+++ b/debian/patches/2\n@@ -3,4 +3,4 @@\n @@ -1,2 +1,2 @@\n \
                       -one\n-+two\n++TWO\n  2\n";
    vec![
        ("no series", true, quilt(&[])),
        ("an empty series", true, with(&[("series", patch(""))])),
        ("two patches", true, with(&[("series", patch("1\n2\n"))])),
        ("the wrong order", false, with(&[("series", patch("2\n1\n"))])),
        ("comments and options", true, with(&[("series", patch("# x\n\n 1 -p0\n2 # y\n"))])),
        ("carriage returns and no end", true, with(&[("series", patch("1\r\n2"))])),
        ("a patch twice", false, with(&[("series", patch("1\n1\n"))])),
        ("a missing patch", false, with(&[("series", patch("1\n3\n"))])),
        ("a folder as patch", false, with(&[("series", patch("1\nx\n")), ("x/y", patch(""))])),
        ("a patch in a folder", true, with(&[("series", patch("1\nx/2\n")), ("x/2", patch(&two))])),
        ("a patch that climbs", false, with(&[("series", patch("1\nx/../2\n")), ("x/2", patch(&two))])),
        ("an empty patch", true, with(&[("series", patch("1\nx\n2\n")), ("x", patch(""))])),
        ("a patch named 0", true, with(&[("series", patch("0\n1\n"))])),
        ("a linked patch", true, with(&[("series", patch("1\nx\n")), ("x", link("2"))])),
        (
            "a link to a link",
            true,
            with(&[("series", patch("1\nx\n")), ("x", link("./y")), ("y", link("../patches/2"))]),
        ),
        ("a link that leads nowhere", false, with(&[("series", patch("1\nx\n")), ("x", link("y"))])),
        ("links in a circle", false, with(&[("series", patch("1\nx\n")), ("x", link("x"))])),
        ("a linked series", true, with(&[("series", link("s2")), ("s2", patch("1\n"))])),
        ("a series that leads nowhere", true, with(&[("series", link("s2"))])),
        ("a folder as series", true, with(&[("series/x", patch("1\n"))])),
        (
            "a patch changes the next one",
            true,
            with(&[("series", patch("1\nx\n2\n")), ("x", patch(changes_two))]),
        ),
        (
            "a patch changes the series",
            true,
            with(&[
                ("series", patch("1\nx\n")),
                (
                    "x",
                    patch(
                        "--- a/debian/patches/series\n+++ b/debian/patches/series\n@@ -1,2 +1,3 @@\n 1\n x\n+2\n",
                    ),
                ),
            ]),
        ),
        (
            "own series",
            true,
            with_vendor("Ubuntu", &[("series", patch("1\n2\n")), ("ubuntu.series", patch("1\n"))]),
        ),
        (
            "own series, common one a link",
            true,
            with_vendor(
                "ubuntu",
                &[
                    ("series", link("debian.series")),
                    ("debian.series", patch("1\n2\n")),
                    ("ubuntu.series", patch("1\n")),
                ],
            ),
        ),
        ("own series alone", true, with_vendor("ubuntu", &[("ubuntu.series", patch("1\n2\n"))])),
        (
            "own series, common one a folder",
            false,
            with_vendor("ubuntu", &[("series/x", patch("")), ("ubuntu.series", patch("1\n"))]),
        ),
        (
            "the series of another",
            true,
            with_vendor("ubuntu", &[("series", patch("1\n")), ("kali.series", patch("2\n"))]),
        ),
        (
            "own series is empty",
            true,
            with_vendor("ubuntu", &[("series", patch("1\n")), ("ubuntu.series", patch(""))]),
        ),
        (
            "own series is a folder",
            true,
            with_vendor("ubuntu", &[("series", patch("1\n")), ("ubuntu.series", What::Folder)]),
        ),
        (
            "own series leads nowhere",
            true,
            with_vendor("ubuntu", &[("series", patch("1\n")), ("ubuntu.series", link("x"))]),
        ),
        ("gzip", true, quilt(&[("series", patch("p.gz\n")), ("p.gz", through(&["gzip", "-c"], &one))])),
        ("bzip2", true, quilt(&[("series", patch("p.bz2\n")), ("p.bz2", through(&["bzip2", "-c"], &one))])),
        ("xz", true, quilt(&[("series", patch("p.xz\n")), ("p.xz", through(&["xz", "-c"], &one))])),
        (
            "lzma",
            true,
            quilt(&[("series", patch("p.lzma\n")), ("p.lzma", through(&["xz", "-c", "-Flzma"], &one))]),
        ),
        (
            "lzma named xz",
            true,
            quilt(&[("series", patch("p.xz\n")), ("p.xz", through(&["xz", "-c", "-Flzma"], &one))]),
        ),
        ("no gzip", false, quilt(&[("series", patch("p.gz\n")), ("p.gz", patch(&one))])),
        (
            "a compressed patch with another name",
            false,
            quilt(&[("series", patch("p\n")), ("p", through(&["xz", "-c"], &one))]),
        ),
    ]
}

fn version2_worlds() -> Vec<(&'static str, bool, World)> {
    let one = edit("f", CHANGE);
    let two = edit("f", "@@ -1,2 +1,2 @@\n-one\n+two\n 2\n");
    let v2 = |entries: &[(&str, What)]| world(Format::Version2, entries);
    vec![
        ("no patches", true, v2(&[])),
        ("only other files", true, v2(&[("README.txt", file("x")), ("x/y", file("x"))])),
        ("sorted", true, v2(&[("10_b", file(&two)), ("01_a", file(&one)), ("ignored.patch", file("x"))])),
        (
            "a linked patch",
            true,
            v2(&[("01_a", link("x.y")), ("x.y", file(&one)), ("02_b", link("nowhere"))]),
        ),
        (
            "a list that is there",
            true,
            v2(&[("01_a", file(&one)), (".dpkg-source-applied", executable("x\n"))]),
        ),
        ("a bad patch", false, v2(&[("01_a", file(&one)), ("02_b", file("x\n"))])),
    ]
}

#[test]
fn series_of_patches() {
    let mut oracle = Oracle::start();
    for (name, applies, world) in quilt_worlds().into_iter().chain(version2_worlds()) {
        assert_eq!(compare(&mut oracle, &world), Ok(applies), "{name} ({:?})", world.format);
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    output.status.success()
}

/// Makes a package by hand and unpacks it. Returns its tree.
fn unpack(format: &str, orig: &Snapshot, debian: &Snapshot, diff: &[u8]) -> Option<Snapshot> {
    let folder = TempDir::new().expect("a folder");
    let top = folder.path();
    fs::create_dir_all(top.join("deb/debian")).expect("a folder");
    tree(orig).write(&top.join("pkg-1"));
    tree(debian).write(&top.join("deb"));
    assert!(run("tar", &["czf", "pkg_1.orig.tar.gz", "pkg-1"], top));
    let mut files = vec!["pkg_1.orig.tar.gz"];
    if format == "1.0" {
        fs::write(top.join("pkg_1-1.diff"), diff).expect("a patch");
        assert!(run("gzip", &["-n", "pkg_1-1.diff"], top));
        files.push("pkg_1-1.diff.gz");
    } else {
        assert!(run("tar", &["czf", "pkg_1-1.debian.tar.gz", "-C", "deb", "debian"], top));
        files.push("pkg_1-1.debian.tar.gz");
    }
    let mut dsc = format!(
        "Format: {format}\nSource: pkg\nBinary: pkg\nArchitecture: any\nVersion: 1-1\n\
         Maintainer: M <m@example.org>\nStandards-Version: 4.6.0\nFiles:\n"
    );
    for name in files {
        let sum = Command::new("md5sum").arg(top.join(name)).output().expect("md5sum").stdout;
        let size = fs::metadata(top.join(name)).expect("a file").len();
        dsc += &format!(" {} {size} {name}\n", String::from_utf8_lossy(&sum[..32]));
    }
    fs::write(top.join("pkg_1-1.dsc"), dsc).expect("a .dsc");
    run("dpkg-source", &["--no-check", "-x", "pkg_1-1.dsc", "out"], top)
        .then(|| read_folder(&top.join("out")))
}

fn tree(entries: &Snapshot) -> World {
    World { format: Format::Quilt, vendor: "debian", entries: entries.clone(), diff: Vec::new() }
}

/// The oracle of the other tests is dpkg's code without its command; this test runs the command.
#[test]
fn whole_packages() {
    let mut orig = base();
    orig.remove(&b"fifo"[..]);
    let patch = edit("f", CHANGE)
        + "--- a/only/one\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        + "--- a/d/g\n+++ b/d/g\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n"
        + "--- /dev/null\n+++ b/p/q\n@@ -0,0 +1 @@\n+x\n";
    let bad = edit("f", "@@ -1 +1 @@\n-z\n+y\n");
    for (text, applies) in [(&patch, true), (&bad, false), (&String::new(), true)] {
        for (format, rules) in
            [("3.0 (quilt)", Format::Quilt), ("2.0", Format::Version2), ("1.0", Format::Version1)]
        {
            let mut debian = Snapshot::new();
            debian.insert(b"debian/rules".to_vec(), executable("x\n"));
            if rules != Format::Version1 {
                // Else the command would write it.
                debian.insert(b"debian/source/format".to_vec(), file(format!("{format}\n")));
            }
            let world = World::new(rules, &debian, text.as_bytes());
            let real = unpack(format, &orig, &world.entries, text.as_bytes());
            let mut whole = World { entries: orig.clone(), ..world.clone() };
            if rules != Format::Version1 {
                whole.entries.extend(world.entries);
            }
            let ours = whole.patch();
            assert_eq!((ours.is_ok(), real.is_some()), (applies, applies), "{format}: {ours:?}");
            if let (Ok(ours), Some(real)) = (ours, real) {
                assert!(ours == real, "{format}:\n{}", difference(&ours, &real));
            }
        }
    }
}
