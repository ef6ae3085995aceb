//! The machine's apt as a source: the real one, configured for an archive of the test's.

use std::fs;
use std::process::Command;

use crate::common::{names, publications};
use archive::apt::AptSource;
use archive::config::Archive;
use archive::fetch::Outcome;
use archive::poll::Outcome as Found;
use archive::source::{Manner, Source};
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::synthetic::package;

const FOLDER: &str = "ARCHIVE_TEST_APT";

/// Program that runs with apt's configuration in its environment: this same test binary.
#[test]
fn with_apt() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else { return };
    let config: Archive = toml::from_str("name = 'apt'\ndistro = 'test'\napt = true").unwrap();
    let (state, scratch, into) = (folder.join("state"), folder.join("scratch"), folder.join("into"));
    for path in [&scratch, &into] {
        fs::create_dir_all(path).unwrap();
    }
    let source = AptSource::new(&config, &state, &scratch).unwrap();
    let suites = source.suites(&[]).unwrap().followed;
    assert_eq!(suites.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["sid"]);
    let polled = source.poll(&suites[0], None, Manner::default()).unwrap();
    let remembered = polled.remember.clone();
    assert_eq!(suites[0].branch(&remembered), "sid");
    assert_eq!(names(polled), ["aa 1.0-1 main", "aa 1.0-2 main"]);
    let again = source.poll(&suites[0], Some(&remembered), Manner::default()).unwrap();
    assert!(matches!(again.outcome, Found::Unchanged));

    let mut all = publications(source.poll(&suites[0], None, Manner::default()).unwrap());
    let known = |file: &source_package::checksum::ListedFile| file.name.contains(".orig.");
    let outcome = source.fetch(&all[1], None, &known, &into).unwrap();
    let Outcome::Fetched(fetched) = outcome else { panic!("{outcome:?}") };
    assert_eq!(fetched.files.iter().filter(|file| file.path.is_some()).count(), 1);
    assert!(fetched.dsc.exists());
    assert!(!into.join("aa_1.0.orig.tar.gz").exists());

    fs::remove_dir_all(folder.join("mirror/pool")).unwrap();
    let outcome = source.fetch(&all.remove(0), None, &known, &into);
    let gone = matches!(&outcome, Ok(Outcome::Gone { .. }));
    assert!(gone || outcome.is_err_and(|failed| failed.error.code().as_str() == "apt-failed"));
}

#[test]
fn apt_is_a_source_like_others() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.add("main", "aa", &package("aa", "1.0-2"));
    let mut sid = suite("sid");
    sid.origin = Some("Test".into());
    archive.publish(&sid);
    let root = archive.extra("");
    let keyring = archive.signer.keyring.display();
    let list = format!("deb [signed-by={keyring}] file://{} sid main\n", archive.root().display());
    fs::write(root.join("sources.list"), list).unwrap();
    let config = format!(
        "Dir::Etc::sourcelist \"{}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\nAPT::Sandbox::User \"root\";\n",
        root.display()
    );
    fs::write(root.join("apt.conf"), config).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "apt::with_apt", "--nocapture"])
        .env("APT_CONFIG", root.join("apt.conf"))
        .env(FOLDER, &root)
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
