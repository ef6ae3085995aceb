//! From the configuration to files on disk, with a real web server in between.

use std::fs;
use std::sync::Arc;

use crate::common::publications;
use archive::cache::{Cache, Sharing};
use archive::clock::SystemClock;
use archive::config::{Archive, check};
use archive::fetch::Outcome;
use archive::mirrors::Mirrors;
use archive::poll::Outcome as Found;
use archive::source::Source;
use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::nginx::Nginx;
use package_import_tests::synthetic::package;

#[test]
fn from_the_configuration_to_the_files() {
    let archive = TestArchive::new();
    archive.add("main", "aa", &package("aa", "1.0-1"));
    archive.add("main", "libg++", &package("libg++", "2:1.0~rc1+x-1"));
    for name in ["sid", "bookworm", "bookworm-updates"] {
        archive.publish(&suite(name));
    }
    let nginx = Nginx::start(&archive.extra("nginx"), &archive.root());
    let text = format!(
        "name = 'test'\ndistro = 'debian'\nmirrors = ['{}/']\nkeyrings = ['{}']\n\
         [[suites]]\nname = 'bookworm*'\n[[suites]]\nname = 'sid'\n",
        nginx.url(),
        archive.signer.keyring.display()
    );
    let config: Archive = toml::from_str(&text).unwrap();
    check(std::slice::from_ref(&config)).unwrap();
    let clock = Arc::new(SystemClock::default());
    let folder = archive.extra("root");
    let cache = Cache::open(&folder.join("cache"), 1 << 30, Sharing::default(), clock.clone()).unwrap();
    let source = Mirrors::new(&config, Arc::new(cache), &archive.extra("scratch"), clock);

    let suites = source.suites().unwrap();
    let names: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["sid", "bookworm", "bookworm-updates"]);
    for suite in &suites {
        let polled = source.poll(suite, None).unwrap();
        let remembered = polled.remember.clone();
        assert_eq!(suite.branch(&remembered), suite.name);
        let again = source.poll(suite, Some(&remembered)).unwrap();
        assert!(matches!(again.outcome, Found::Unchanged));
        let all = publications(polled);
        assert_eq!(all.len(), 2);
        for publication in all {
            let into = archive.extra(&format!("into/{}/{}", suite.name, publication.package));
            let outcome = source.fetch(&publication, Some(remembered.date), &|_| false, &into).unwrap();
            let Outcome::Fetched(fetched) = outcome else { panic!("{outcome:?}") };
            for file in fetched.files {
                let pool = archive.root().join(publication.path(&file.file));
                assert_eq!(fs::read(file.path.unwrap()).unwrap(), fs::read(pool).unwrap());
            }
            // Another suite's same version comes from the cache.
            assert_eq!(fetched.transferred == 0, suite.name != "sid");
        }
    }
    assert_eq!(nginx.served().iter().filter(|served| served.status == 304).count(), 3);
}
