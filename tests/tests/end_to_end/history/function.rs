//! A history is a function of the uploads: not of the machine, the order, or what was imported when.

use std::fs;
use std::process::Command;

use package_import_tests::installation::{Installation, copy_binary, reports};
use package_import_tests::synthetic::package;

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
    copy_binary(&copy);
    command.arg(copy).args(inner.get_args());
    command.env("TZ", "Pacific/Kiritimati").env("HOME", "/nonexistent").env("LC_ALL", "tr_TR.UTF-8");
    let (code, reports) = reports(command.output().unwrap());
    assert_eq!(code, 0, "{reports:#?}");
    assert_eq!(here.refs("a0"), elsewhere.refs("a0"));
    here.assert_clean("a0");
    elsewhere.assert_clean("a0");
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
