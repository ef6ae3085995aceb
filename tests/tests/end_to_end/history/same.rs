//! The same version again: from another distro, with another content, named twice, imported before.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use package_import_tests::installation::{Installation, binary};
use package_import_tests::synthetic::package;
use source_package::checksum::sha256_hex;

#[test]
fn another_content_of_a_version_goes_to_reimport() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    it.import_well("debian", "sid", &[&first]);
    let again = package("a0", "1.0-1").upstream("README", "other\n").remark("Again.").write(&files);
    it.import_well("debian", "sid", &[&again]);
    let shorter = |text: String| -> String {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            // The hash at the end is that of a file made here.
            let (name, hash) = line.rsplit_once('/').unwrap_or((line, ""));
            let is_hash = hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            lines.push(if is_hash { format!("{name}/HASH\n") } else { format!("{line}\n") });
        }
        lines.concat()
    };
    insta::assert_snapshot!(shorter(it.git("a0", &["for-each-ref", "--format=%(refname)"])), @r"
    refs/dsc/debian/1.0-1
    refs/dsc/reimport/debian/1.0-1/HASH
    refs/heads/applied/debian/sid
    refs/heads/debian/sid
    refs/tags/applied/debian/1.0-1
    refs/tags/debian/1.0-1
    refs/tags/reimport/applied/debian/1.0-1/HASH
    refs/tags/reimport/debian/1.0-1/HASH
    refs/tags/reimport/upstream/1.0/HASH
    refs/tags/upstream/1.0
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]), @r"
    Publish 1.0-1 in debian/sid
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    it.assert_clean("a0");
}

/// Output of the program, and true when it succeeded.
fn said(it: &Installation, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    let output = command.arg("--root").arg(it.root()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

/// Everything that is stored has a name that commands take.
#[test]
fn each_content_of_a_version_can_be_named() {
    let it = Installation::new();
    let contents = ["first\n", "second\n", "third\n"];
    let dscs: Vec<PathBuf> = (contents.iter().enumerate())
        .map(|(number, content)| {
            let folder = it.files().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            let dsc = package("a0", "1.0-1").debian("which", *content).write(&folder);
            it.import_well("debian", "sid", &[&dsc]);
            dsc
        })
        .collect();
    let hashes: Vec<String> = dscs.iter().map(|dsc| sha256_hex(&fs::read(dsc).unwrap())).collect();
    let (_, shown) = said(&it, &["show", "a0"]);
    assert!(hashes[1..].iter().all(|hash| shown.contains(&hash[..12])), "{shown}");
    let export = |name: &str, more: &[&str]| {
        let folder = it.files().join("exported");
        let _ = fs::remove_dir_all(&folder);
        let (is_done, text) = said(&it, &[&["export", "a0", name, folder.to_str().unwrap()], more].concat());
        is_done.then(|| fs::read_to_string(folder.join("debian/which")).unwrap()).ok_or(text)
    };
    for (hash, content) in hashes.iter().zip(contents) {
        assert_eq!(export(&format!("1.0-1@{}", &hash[..12]), &[]).unwrap(), content);
        assert_eq!(export("1.0-1", &["--dsc", hash]).unwrap(), content);
    }
    assert_eq!(export("1.0-1", &[]).unwrap(), contents[0], "the plain tag is the first one's");
    let unknown = export("1.0-1@00000000", &[]).unwrap_err();
    assert!(unknown.contains("1.0-1") && unknown.contains("00000000"), "{unknown}");
}

/// A `.dsc` that was signed anew is another content by name, and the same by tree.
#[test]
fn equal_content_moves_no_branch() {
    let it = Installation::new();
    let dsc = package("a0", "1.0-1").patch("p", "line 3", "three").write(&it.files());
    it.import_well("debian", "sid", &[&dsc]);
    let branches = || it.git("a0", &["for-each-ref", "refs/heads"]);
    let before = branches();
    let text = fs::read_to_string(&dsc).unwrap();
    for uploader in ["A <a@example.org>", "B <b@example.org>"] {
        fs::write(&dsc, format!("Uploaders: {uploader}\n{text}")).unwrap();
        it.import_well("debian", "sid", &[&dsc]);
        assert_eq!(branches(), before, "{uploader}");
    }
    let next = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 3", "three").write(&it.files());
    it.import_well("debian", "sid", &[&next]);
    // No join: it descends from what the branch shows.
    let titles = it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]);
    assert_eq!(titles.lines().take(2).collect::<Vec<_>>(), ["Import a0 1.0-2", "Import a0 1.0-1"]);
    it.assert_clean("a0");
}

/// Two contents of one version do not take turns on the branch: the later one stays, whatever is named again.
#[test]
fn another_content_that_is_named_again_changes_nothing() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").write(&it.files());
    let others = it.files().join("others");
    fs::create_dir(&others).unwrap();
    let again = package("a0", "1.0-1").patch("p", "line 3", "three").write(&others);
    it.import_well("debian", "sid", &[&first]);
    it.import_well("debian", "sid", &[&again]);
    let before = it.refs("a0");
    it.import_well("debian", "sid", &[&first]);
    it.import_well("debian", "sid", &[&again, &first]);
    assert_eq!(it.refs("a0"), before);
}

/// The plain applied tag is that of the content that has the plain tag.
#[test]
fn another_content_with_better_patches_has_an_applied_tag_of_its_own() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").patch("p", "line 900", "x").write(&it.files());
    let (code, _) = it.import("debian", "sid", &[&first]);
    assert_eq!(code, 1);
    let again = package("a0", "1.0-1").patch("p", "line 3", "three").write(&it.files());
    it.import_well("debian", "sid", &[&again]);
    let tags = it.git("a0", &["for-each-ref", "--format=%(refname)", "refs/tags"]);
    assert!(!tags.contains("refs/tags/applied/"), "{tags}");
    assert!(tags.contains("refs/tags/reimport/applied/debian/1.0-1/"), "{tags}");
    it.assert_clean("a0");
}

/// One `.dsc` is one commit, whatever distro has it; Ubuntu grows out of Debian, and takes from it again.
#[test]
fn ubuntu_grows_out_of_debian() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    let delta = package("a0", "1.0-1ubuntu1").below(&["1.0-1"]).patch("u", "line 3", "u").write(&files);
    let merge = package("a0", "1.0-2ubuntu1").below(&["1.0-2", "1.0-1ubuntu1", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&first, &second]);
    let synced = it.import_well("ubuntu", "noble", &[&first]);
    assert_eq!(it.git("a0", &["rev-parse", "ubuntu/1.0-1^{commit}"]).trim(), synced[0]["commit"]);
    it.import_well("ubuntu", "noble", &[&delta]);
    it.import_well("ubuntu", "noble", &[&merge]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid", "ubuntu/noble"]), @r"
    *   Publish 1.0-2ubuntu1 in ubuntu/noble (ubuntu/noble)
    |\
    | * Import a0 1.0-2ubuntu1 (tag: ubuntu/1.0-2ubuntu1)
    | * Import a0 1.0-2 (HEAD -> debian/sid, tag: debian/1.0-2)
    * | Import a0 1.0-1ubuntu1 (tag: ubuntu/1.0-1ubuntu1)
    |/
    * Import a0 1.0-1 (tag: ubuntu/1.0-1, tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "ubuntu/noble"]), @r"
    Publish 1.0-2ubuntu1 in ubuntu/noble
    Import a0 1.0-1ubuntu1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    assert_eq!(
        it.git("a0", &["rev-parse", "debian/1.0-1^{commit}"]),
        it.git("a0", &["rev-parse", "ubuntu/1.0-1^{commit}"])
    );
    it.assert_clean("a0");
}

/// Also where its patches do not apply, and the distro that takes it over has another version below it.
#[test]
fn a_dsc_without_applied_history_is_one_commit_in_all_distros() {
    let it = Installation::new();
    let files = it.files();
    let below = package("a0", "1.0-1").write(&files);
    let broken = package("a0", "1.0-2").below(&["1.0-1"]).patch("bad", "line 900", "x").write(&files);
    it.import("debian", "sid", &[&below, &broken]);
    let own = package("a0", "1.0-1").remark("Another one.").write(&files);
    it.import_well("ubuntu", "noble", &[&own]);
    let (code, reports) = it.import("ubuntu", "noble", &[&broken]);
    assert_eq!((code, &reports[0]["outcome"]), (1, &"unapplied-only".into()));
    assert_eq!(
        it.git("a0", &["rev-parse", "debian/1.0-2^{commit}"]),
        it.git("a0", &["rev-parse", "ubuntu/1.0-2^{commit}"])
    );
    it.assert_clean("a0");
}

#[test]
fn a_dsc_that_is_named_twice_is_imported_once() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").write(&it.files());
    let reports = it.import_well("debian", "sid", &[&first, &first]);
    assert_eq!(reports[0]["commit"], reports[1]["commit"]);
    assert_eq!(it.git("a0", &["for-each-ref", "--format=%(refname)", "refs/tags/reimport"]), "");
    it.assert_clean("a0");
}

/// A tarball that lies beside any version of the plan is enough, whatever order they are named in.
#[test]
fn a_tarball_may_lie_beside_another_version() {
    let refs = |second_first: bool| {
        let it = Installation::new();
        let first = package("a0", "1.0-1").write(&it.files());
        let others = it.files().join("others");
        fs::create_dir(&others).unwrap();
        let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&others);
        fs::remove_file(others.join("a0_1.0.orig.tar.gz")).unwrap();
        let order = if second_first { [&second, &first] } else { [&first, &second] };
        it.import_well("debian", "sid", &order.map(AsRef::as_ref));
        it.refs("a0")
    };
    assert_eq!(refs(true), refs(false));
}

#[test]
fn what_is_there_already_changes_nothing() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&first, &second]);
    let state = |it: &Installation| {
        let packs = fs::read_dir(it.repository("a0").join("objects/pack")).unwrap().count();
        (it.refs("a0"), fs::read(it.repository("a0").join("packed-refs")).unwrap(), packs)
    };
    let before = state(&it);
    let reports = it.import_well("debian", "sid", &[&first, &second]);
    assert!(reports.iter().all(|report| report["outcome"] == "already-there"), "{reports:#?}");
    assert_eq!(state(&it), before);
}
