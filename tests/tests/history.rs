//! Which histories imports make.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use package_import_tests::installation::{Installation, reports};
use package_import_tests::synthetic::package;

#[test]
fn a_linear_history() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven").write(&files);
    let third = package("a0", "2.0-1").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&third, &first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Import a0 2.0-1 (HEAD -> debian/sid, tag: debian/2.0-1)
    |\
    | * Import upstream a0 2.0 (tag: upstream/2.0)
    * Import a0 1.0-2 (tag: debian/1.0-2)
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.graph("a0", &["applied/debian/sid"]), @r"
    *   Apply the patches of a0 2.0-1 (tag: applied/debian/2.0-1, applied/debian/sid)
    |\
    | *   Import a0 2.0-1 (HEAD -> debian/sid, tag: debian/2.0-1)
    | |\
    | | * Import upstream a0 2.0 (tag: upstream/2.0)
    * | p (tag: applied/debian/1.0-2)
    * | Apply the patches of a0 1.0-2
    |\|
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Apply the patches of a0 1.0-1 (tag: applied/debian/1.0-1)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    it.assert_clean("a0");
}

/// A version whose changelog does not know the branch's tip does not descend from it: the branch joins both.
#[test]
fn a_version_that_does_not_know_the_tip_is_joined() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    it.import_well("debian", "sid", &[&first]);
    let nmu = package("a0", "1.0-1.1").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&nmu]);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&second]);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&third]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Publish 1.0-3 in debian/sid (HEAD -> debian/sid)
    |\
    | * Import a0 1.0-3 (tag: debian/1.0-3)
    * | Publish 1.0-2 in debian/sid
    |\|
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    * | Import a0 1.0-1.1 (tag: debian/1.0-1.1)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]), @r"
    Publish 1.0-3 in debian/sid
    Publish 1.0-2 in debian/sid
    Import a0 1.0-1.1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    assert_eq!(it.git("a0", &["diff", "debian/sid", "debian/1.0-3"]), "");
    it.assert_clean("a0");
}

/// Nothing is rewritten: it gets its commit and tag and becomes nobody's ancestor.
#[test]
fn a_version_that_comes_after_its_successor_is_late() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&first, &third]);
    let before = it.git("a0", &["rev-parse", "debian/sid", "applied/debian/sid"]);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&second]);
    assert_eq!(it.git("a0", &["rev-parse", "debian/sid", "applied/debian/sid"]), before);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid", "debian/1.0-2"]), @r"
    * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    | * Import a0 1.0-2 (tag: debian/1.0-2)
    |/
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    it.assert_clean("a0");
}

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

#[test]
fn an_epoch_is_higher_than_any_version_without() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "20240101-1").write(&files);
    let second = package("a0", "1:1.0~rc1-1").below(&["20240101-1"]).write(&files);
    it.import_well("debian", "sid", &[&second, &first]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    *   Import a0 1:1.0~rc1-1 (HEAD -> debian/sid, tag: debian/1%1.0_rc1-1)
    |\
    | * Import upstream a0 1.0~rc1 (tag: upstream/1.0_rc1)
    * Import a0 20240101-1 (tag: debian/20240101-1)
    * Import upstream a0 20240101 (tag: upstream/20240101)
    ");
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

#[test]
fn a_clone_checks_out_the_default_branch() {
    let it = Installation::new();
    it.configure("[import]\ndefault_branch = \"debian/trixie\"\n");
    let first = package("a0", "1.0-1").write(&it.files());
    let head = |it: &Installation| fs::read_to_string(it.repository("a0").join("HEAD")).unwrap();
    it.import_well("debian", "bookworm", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/bookworm\n");
    it.import_well("debian", "sid", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/bookworm\n");
    it.import_well("debian", "trixie", &[&first]);
    assert_eq!(head(&it), "ref: refs/heads/debian/trixie\n");
    let clone = it.files().join("clone");
    let status = Command::new("git").args(["clone", "-q"]).arg(it.repository("a0")).arg(&clone).status();
    assert!(status.unwrap().success());
    assert!(clone.join("debian/changelog").is_file());
    assert_eq!(fs::read_to_string(clone.join(".git/HEAD")).unwrap(), "ref: refs/heads/debian/trixie\n");
}

/// A hole in the unapplied history would move the parents of all that follow.
#[test]
fn a_version_whose_patches_fail_has_its_place_in_the_history() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").patch("p", "line 7", "seven").write(&files);
    let broken = package("a0", "1.0-2").below(&["1.0-1"]).patch("bad", "line 900", "x").write(&files);
    let third = package("a0", "1.0-3").below(&["1.0-2", "1.0-1"]).patch("p", "line 7", "7").write(&files);
    let (code, reports) = it.import("debian", "sid", &[&first, &broken, &third]);
    assert_eq!(code, 1);
    let outcomes: Vec<_> = reports.iter().map(|report| report["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["imported", "unapplied-only", "imported"]);
    assert_eq!((&reports[1]["stage"], &reports[1]["applied_commit"]), (&"patch".into(), &None::<()>.into()));
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    * Import a0 1.0-3 (HEAD -> debian/sid, tag: debian/1.0-3)
    * Import a0 1.0-2 (tag: debian/1.0-2)
    * Import a0 1.0-1 (tag: debian/1.0-1)
    * Import upstream a0 1.0 (tag: upstream/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "applied/debian/sid"]), @r"
    p
    Apply the patches of a0 1.0-3
    p
    Apply the patches of a0 1.0-1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    let (code, reports) = it.import("debian", "sid", &[&broken]);
    assert_eq!((code, &reports[0]["outcome"]), (1, &"unapplied-only".into()));
    it.assert_clean("a0");
}

/// Cost follows the change: a tarball that is known by its hashes need not even be there.
#[test]
fn a_known_orig_is_not_needed_again() {
    let (with, without) = (Installation::new(), Installation::new());
    for it in [&with, &without] {
        let files = it.files();
        let first = package("a0", "1.0-1").component("x", "f", "x").write(&files);
        it.import_well("debian", "sid", &[&first]);
        let second = package("a0", "1.0-2").below(&["1.0-1"]).component("x", "f", "x").write(&files);
        if it.root() == without.root() {
            fs::remove_file(files.join("a0_1.0.orig.tar.gz")).unwrap();
            fs::remove_file(files.join("a0_1.0.orig-x.tar.gz")).unwrap();
        }
        it.import_well("debian", "sid", &[&second]);
        it.assert_clean("a0");
    }
    assert_eq!(with.refs("a0"), without.refs("a0"));
}

#[test]
fn a_native_package_has_no_upstream() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0").write(&files);
    let second = package("a0", "1.1").below(&["1.0"]).write(&files);
    it.import_well("debian", "sid", &[&first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @r"
    * Import a0 1.1 (HEAD -> debian/sid, tag: debian/1.1)
    * Import a0 1.0 (tag: debian/1.0)
    ");
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "debian/sid"]), @r"
    README
    debian/changelog
    debian/control
    debian/source/format
    ");
}

#[test]
fn components_have_their_folders() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").component("x", "f", "x").component("y", "d/g", "y").write(&it.files());
    it.import_well("debian", "sid", &[&first]);
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "debian/sid"]), @r"
    README
    debian/changelog
    debian/control
    debian/source/format
    x/f
    y/d/g
    ");
    insta::assert_snapshot!(it.git("a0", &["ls-tree", "-r", "--name-only", "upstream/1.0"]), @r"
    README
    x/f
    y/d/g
    ");
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

#[test]
fn a_report_says_what_became_of_a_version() {
    let it = Installation::new();
    let first = package("a0", "1:1.0~rc1-1").write(&it.files());
    let report = it.import_well("debian", "sid", &[&first]).remove(0);
    for (field, expected) in [
        ("package", "a0"),
        ("version", "1:1.0~rc1-1"),
        ("distro", "debian"),
        ("suite", "sid"),
        ("outcome", "imported"),
        ("tag", "debian/1%1.0_rc1-1"),
    ] {
        assert_eq!(report[field], expected);
    }
    for (field, name) in
        [("commit", "debian/sid"), ("tree", "debian/sid^{tree}"), ("applied_commit", "applied/debian/sid")]
    {
        assert_eq!(it.git("a0", &["rev-parse", name]).trim(), report[field]);
    }
    for field in ["cpu_ms", "wall_ms", "peak_rss"] {
        assert!(report[field].is_u64(), "{field}");
    }
    for field in ["stage", "code", "message"] {
        assert!(report[field].is_null(), "{field}");
    }
}

/// The one that fails is told, and keeps nobody back; a large file that breaks off does no harm to the others.
#[test]
fn one_bad_version_keeps_nobody_back() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let large: Vec<u8> =
        (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cut = package("a0", "1.1-1").below(&["1.0-1"]).upstream("large", large).write(&files);
    let path = files.join("a0_1.1.orig.tar.gz");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..bytes.len() / 2], &vec![0; bytes.len() - bytes.len() / 2]].concat()).unwrap();
    let third = package("a0", "1.2-1").below(&["1.1-1", "1.0-1"]).write(&files);
    let missing = files.join("a0_1.3-1.dsc");
    fs::copy(&third, &missing).unwrap();
    let other = package("other", "1.0").write(&files);
    let (code, reports) = it.import("debian", "sid", &[&cut, &first, &third, &other]);
    assert_eq!(code, 1, "{reports:#?}");
    let outcome = |version: &str| {
        let report = reports.iter().find(|report| report["version"] == version && report["package"] == "a0");
        report.unwrap()["outcome"].as_str().unwrap()
    };
    assert_eq!(["1.0-1", "1.1-1", "1.2-1"].map(outcome), ["imported", "failed", "imported"]);
    insta::assert_snapshot!(it.git("a0", &["log", "--first-parent", "--format=%s", "debian/sid"]), @r"
    Import a0 1.2-1
    Import a0 1.0-1
    Import upstream a0 1.0
    ");
    it.assert_clean("a0");
    it.assert_clean("other");
}

#[test]
fn a_command_line_that_cannot_be_used_is_another_exit_code() {
    let it = Installation::new();
    let first = package("a0", "1.0-1").write(&it.files());
    assert_eq!(it.import("applied", "sid", &[&first]).0, 2);
    assert_eq!(it.import("debian", "a..b", &[&first]).0, 2);
    it.configure("[limits]\nmemry = 1\n");
    assert_eq!(it.import("debian", "sid", &[&first]).0, 2);
    assert!(!it.root().join("repos").exists());
}

/// No clock, host name, user, route or order reaches an object or a ref.
#[test]
fn the_same_files_give_the_same_refs_everywhere() {
    let here = Installation::new();
    let files = here.files();
    let dscs = [
        package("a0", "1.0-1").write(&files),
        package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven").write(&files),
        package("a0", "1.0-1.1").below(&["1.0-1"]).write(&files),
        package("a0", "2.0-1").below(&["1.0-2", "1.0-1"]).component("x", "f", "x").write(&files),
        package("a0", "1:1.0-1").below(&["2.0-1", "1.0-2", "1.0-1"]).write(&files),
    ];
    let mut order: Vec<_> = dscs.iter().map(|dsc| dsc.as_path()).collect();
    here.import_well("debian", "sid", &order);
    let elsewhere = Installation::new();
    order.reverse();
    order.swap(0, 2);
    let inner = elsewhere.command("debian", "sid", &order);
    let mut command = Command::new("sh");
    command.arg("-c").arg("umask 077; cd /; exec \"$@\"").arg("sh");
    if rustix::process::geteuid().is_root() {
        let nobody = "65534";
        for path in [
            elsewhere.root(),
            elsewhere.root().parent().unwrap().to_owned(),
            files.parent().unwrap().to_owned(),
        ] {
            let status = Command::new("chown").arg("-R").arg(nobody).arg(path).status();
            assert!(status.unwrap().success());
        }
        command.args(["setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"]);
    }
    // The binary may lie where others must not look: it is copied to where they may.
    let copy = elsewhere.files().join("package-import");
    fs::copy(inner.get_program(), &copy).unwrap();
    command.arg(copy).args(inner.get_args());
    command.env("TZ", "Pacific/Kiritimati").env("HOME", "/nonexistent").env("LC_ALL", "tr_TR.UTF-8");
    let (code, reports) = reports(command.output().unwrap());
    assert_eq!(code, 0, "{reports:#?}");
    assert_eq!(here.refs("a0"), elsewhere.refs("a0"));
    here.assert_clean("a0");
    elsewhere.assert_clean("a0");
}
