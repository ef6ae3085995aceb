//! `package-import clone`, and git-buildpackage in what it makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use package_import_tests::installation::{Installation, binary};
use package_import_tests::queue::text;
use package_import_tests::real;
use package_import_tests::rounds::{Rounds, is_long};
use package_import_tests::synthetic::{Package, package};
use source_package::checksum::sha256_hex;

/// Runs a program in a folder, as a packager without any configuration.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let home = folder.parent().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", home)
        .env("DEBEMAIL", "packager@example.org")
        .env("DEBFULLNAME", "A Packager")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A package that builds a source package.
fn buildable(version: &str) -> Package {
    package("hello", version)
        .debian(
            "control",
            "Source: hello\nSection: misc\nPriority: optional\nMaintainer: A Packager <a@example.org>\n\
             Standards-Version: 4.6.2\nVcs-Git: https://git.example.org/hello.git -b main [pkg]\n\n\
             Package: hello\nArchitecture: all\nDescription: a test\n for tests\n",
        )
        .debian("rules", "#!/usr/bin/make -f\n%:\n\ttrue\n")
        .debian("source/format", "3.0 (quilt)\n")
        // By default patterns these would be left out.
        .debian(".gitignore", "*.log\n")
        .debian("plugin.so", "no library\n")
        // Git would write other files than the source has.
        .upstream(".gitattributes", "*.txt text eol=crlf ident export-ignore\n")
        .upstream("a.txt", "one\ntwo $Id$\n")
        .patch("first.patch", "line 5", "line five")
        .patch("second.patch", "line 15", "line fifteen")
}

fn clone(installation: &Installation, name: &str, folder: &Path, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(binary());
    command.arg("--root").arg(installation.root()).args(["clone", name]).arg(folder).args(more);
    let output = command.env("HOME", folder.parent().unwrap()).output().unwrap();
    (output.status.code().unwrap(), text(&output))
}

/// The tree of a tag as a checkout has it: without empty folders.
fn without_empty_folders(clone: &Path, tag: &str) -> String {
    let index = clone.parent().unwrap().join("index-without");
    let _ = fs::remove_file(&index);
    // `read-tree` would remember the tree with them.
    let script = "git ls-tree -r -z \"$1^{tree}\" | git update-index -z --index-info && git write-tree";
    let output = Command::new("sh")
        .args(["-c", script, "sh", tag])
        .current_dir(clone)
        .env("GIT_INDEX_FILE", &index)
        .output()
        .unwrap();
    assert!(output.status.success(), "{tag}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What gbp makes of a clone is what the archive has.
fn assert_builds(installation: &Installation, name: &str, distro: &str, files: &Path, more: &[&str]) {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join(name);
    let (code, said) = clone(installation, name, &folder, &["--mirror", files.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(run(&folder, "git", &["status", "--porcelain"]), "", "{name}");
    let version = run(&folder, "dpkg-parsechangelog", &["-S", "Version"]);
    let tag = format!("{distro}/{}", version.replace(':', "%").replace('~', "_"));
    run(&folder, "gbp", &[&["buildpackage", "-S", "-d", "-us", "-uc"], more].concat());
    // Every original tarball is the archive's, and the source package is made of it.
    let plain = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
    let dsc = work.path().join(format!("{name}_{plain}.dsc"));
    let listed = fs::read_to_string(&dsc).unwrap();
    let mut originals = 0;
    for entry in fs::read_dir(work.path()).unwrap().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.contains(".orig") {
            let content = fs::read(entry.path()).unwrap();
            assert_eq!(content, fs::read(files.join(&file)).unwrap(), "{file}");
            assert!(file.ends_with(".asc") || listed.contains(&sha256_hex(&content)), "{file} in {listed}");
            originals += 1;
        }
    }
    assert!(originals > 0, "{name} has no original tarball");
    // What is built is what was imported.
    let built = work.path().join("built");
    run(
        work.path(),
        "dpkg-source",
        &["--no-check", "--skip-patches", "-x", dsc.to_str().unwrap(), built.to_str().unwrap()],
    );
    let tree = |folder: &Path| {
        let index = work.path().join("index");
        let _ = fs::remove_file(&index);
        let git_dir = work.path().join(name).join(".git").to_string_lossy().into_owned();
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args(["--git-dir", &git_dir, "--work-tree", &folder.to_string_lossy()])
                .args(arguments)
                .env("GIT_INDEX_FILE", &index)
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", text(&output));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        git(&["add", "-A", "-f", "."]);
        git(&["write-tree"])
    };
    assert_eq!(tree(&built), without_empty_folders(&folder, &tag), "{name}");
    // The patches, applied by gbp.
    if folder.join("debian/patches/series").exists() {
        run(&folder, "gbp", &["pq", "import"]);
        let applied = run(&folder, "git", &["rev-parse", "HEAD^{tree}"]);
        assert_eq!(applied, without_empty_folders(&folder, &format!("applied/{tag}")), "{name}");
    }
}

#[test]
fn gbp_works_in_a_clone_without_options() {
    let installation = Installation::new();
    let folder = installation.files();
    let dsc = buildable("1:2.0~rc1-1").write(&folder);
    installation.import_well("debian", "sid", &[&dsc]);
    assert_builds(&installation, "hello", "debian", &folder, &[]);
    if is_long() {
        real_packages();
    }
}

/// The same with those of Debian that have an original tarball, small ones first.
fn real_packages() {
    let mut all: Vec<(u64, String, PathBuf)> = real::fetch()
        .into_iter()
        .filter_map(|(name, dscs)| Some((name, dscs.last()?.clone())))
        .filter(|(_, dsc)| fs::read_to_string(dsc).unwrap().contains("3.0 (quilt)"))
        .map(|(name, dsc)| (real::size(&dsc), name, dsc))
        .collect();
    all.sort();
    let rounds = Rounds::new(0, all.len());
    let mut done = Vec::new();
    for (_, name, dsc) in &all {
        if !rounds.goes_on(done.len()) {
            break;
        }
        let installation = Installation::new();
        installation.import_well("debian", "bookworm", &[dsc]);
        // Cleaning would need what each of them is built with.
        assert_builds(&installation, name, "debian", dsc.parent().unwrap(), &["-nc"]);
        done.push(name.as_str());
    }
    assert!(!done.is_empty());
    println!("{} of {} real packages: {}", done.len(), all.len(), done.join(" "));
}

#[test]
fn a_clone_says_what_it_is_and_what_is_missing() {
    let installation = Installation::new();
    let folder = installation.files();
    let dscs = [buildable("1.0-1").write(&folder), buildable("1.0-2").below(&["1.0-1"]).write(&folder)];
    installation.import_well("debian", "sid", &[&dscs[0], &dscs[1]]);
    installation.import_well("debian", "stable", &[&dscs[0]]);
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name);
    let empty = at("empty");
    fs::create_dir(&empty).unwrap();
    let (code, said) = clone(&installation, "hello", &at("a"), &["--mirror", empty.to_str().unwrap()]);
    assert!(code == 1 && said.contains("hello_1.0.orig.tar.gz could not be had"), "{said}");
    // gbp makes no other one.
    let gbp = Command::new("gbp")
        .args(["buildpackage", "-S", "-d", "-us", "-uc"])
        .current_dir(at("a"))
        .output()
        .unwrap();
    assert!(!gbp.status.success() && !at("hello_1.0.orig.tar.gz").exists(), "{}", text(&gbp));
    // Another content under that name is not taken, and not overwritten.
    fs::write(at("hello_1.0.orig.tar.gz"), "other").unwrap();
    let mirror = folder.to_str().unwrap();
    let (code, said) = clone(&installation, "hello", &at("b"), &["--mirror", mirror]);
    assert!(code == 1 && said.contains("with other content"), "{said}");
    fs::remove_file(at("hello_1.0.orig.tar.gz")).unwrap();
    let template = format!("{}/repos/{{prefix}}/{{package}}.git", installation.root().display());
    let more = ["--from", &template, "--branch", "debian/stable", "--mirror", mirror, "--json"];
    let (code, said) = clone(&installation, "hello", &at("c"), &more);
    assert_eq!(code, 0, "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["branch"], &json["version"]), (&"debian/stable".into(), &"1.0-1".into()));
    assert_eq!(json["vcs"], "https://git.example.org/hello.git");
    assert_eq!(run(&at("c"), "git", &["remote"]), "origin\nvcs");
    assert_eq!(fs::read(at("c").join("a.txt")).unwrap(), b"one\ntwo $Id$\n", "as the source has it");
    // What cannot be meant.
    let (code, said) = clone(&installation, "hello", &at("c"), &[]);
    assert!(code != 0 && said.contains("is there already"), "{said}");
    let (code, said) = clone(&installation, "nosuch", &at("d"), &[]);
    assert!(code != 0 && said.contains("git clone"), "{said}");
    let (code, said) = clone(&installation, "hello", &at("e"), &["--from", "git@host:x"]);
    assert!(code == 2 && said.contains("{package}"), "{said}");
}
