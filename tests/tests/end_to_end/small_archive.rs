//! A small archive of real packages, from its web server to branches, without a hand: what a cron line does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use package_import_tests::archive::{Suite, TestArchive, suite};
use package_import_tests::check::Imported;
use package_import_tests::nginx::Nginx;
use package_import_tests::oracle::{Question, ask};
use package_import_tests::queue::Queue;
use package_import_tests::real;
use source_package::dsc::Dsc;
use source_package::version::Version;

/// Arguments of the cron line.
const CRON: [&str; 3] = ["run", "--poll", "--until-empty"];

/// A version of a real package: its `.dsc` and all its files.
struct Real {
    package: String,
    version: Version,
    files: Vec<PathBuf>,
}

impl Real {
    fn read(dsc: &Path) -> Real {
        let parsed = Dsc::parse(&fs::read(dsc).unwrap()).unwrap();
        let beside = parsed.files.iter().map(|file| dsc.with_file_name(&file.name));
        let files = std::iter::once(dsc.to_owned()).chain(beside).collect();
        Real { package: parsed.source.to_string(), version: parsed.version, files }
    }

    fn size(&self) -> u64 {
        self.files.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }

    /// Puts it into the pool of a component. Returns the names of those files that were not there.
    fn publish(&self, archive: &TestArchive, component: &str) -> Vec<String> {
        let folder = archive.root().join(format!("pool/{component}/{}", self.package));
        fs::create_dir_all(&folder).unwrap();
        let mut new = Vec::new();
        for file in &self.files {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            if !folder.join(&name).exists() {
                fs::copy(file, folder.join(&name)).unwrap();
                new.push(name);
            }
        }
        new
    }
}

/// The smaller of the real packages, each with its highest versions, the lowest of them first.
fn packages() -> BTreeMap<String, Vec<Real>> {
    // Those with several versions are needed; of the others the smallest do, but for `STORM=long`.
    const LARGEST: u64 = 8 << 20;
    const SMALL: u64 = 2 << 20;
    const MOST: usize = 3;
    let mut found = BTreeMap::new();
    for (package, dscs) in real::fetch() {
        let mut versions: Vec<Real> = dscs.iter().map(|dsc| Real::read(dsc)).collect();
        versions.sort_by(|a, b| a.version.cmp(&b.version));
        versions.drain(..versions.len().saturating_sub(MOST));
        let largest = if real::is_long() || versions.len() > 1 { LARGEST } else { SMALL };
        if versions.iter().map(Real::size).sum::<u64>() <= largest {
            found.insert(package, versions);
        }
    }
    assert!(found.len() >= 12, "apt delivered only {} small packages; 12 are needed", found.len());
    found
}

fn release(name: &str, components: &[&str]) -> Suite {
    Suite {
        suite: name.into(),
        components: components.iter().map(|component| (*component).to_owned()).collect(),
        by_hash: true,
        ..suite(name)
    }
}

/// Every version that a suite has is there, byte by byte as dpkg-source has it.
fn check(queue: &Queue, versions: &[&Real]) -> Vec<String> {
    let root = queue.installation.root();
    let mut wrong = Vec::new();
    for version in versions {
        let truth = ask(&Question { dsc: &version.files[0], distro: "debian", no_check: false });
        let (package, number) = (version.package.as_str(), version.version.as_str());
        let imported = Imported { root: &root, package, version: number, distro: "debian", escaped: false };
        let differences = imported.differences(&truth).into_iter();
        let all = differences.chain(truth.unapplied.err()).chain(truth.applied.err());
        wrong.extend(all.map(|line| format!("{package} {number}: {line}")));
    }
    wrong
}

#[test]
fn from_a_web_server_to_branches_without_a_hand() {
    let packages = packages();
    // Lowest versions are in both suites, higher ones in sid alone. One is kept back that has its predecessor's upstream.
    let shares = |versions: &Vec<Real>| {
        let orig = |version: &Real| {
            version.files.iter().find(|path| path.to_string_lossy().contains(".orig.tar")).cloned()
        };
        versions.len() > 1
            && orig(&versions[0]).is_some()
            && orig(&versions[0]) == orig(&versions[versions.len() - 1])
    };
    let late = packages
        .values()
        .find(|versions| shares(versions))
        .expect("a package with two revisions of one upstream");
    let late = late.last().unwrap();
    let archive = TestArchive::new();
    let mut published = Vec::new();
    for versions in packages.values() {
        for (place, version) in versions.iter().enumerate() {
            if std::ptr::eq(version, late) {
                continue;
            }
            version.publish(&archive, if place == 0 { "main" } else { "fresh" });
            published.push(version);
        }
    }
    fs::create_dir_all(archive.root().join("pool/fresh")).unwrap();
    let publish = || {
        archive.publish(&release("bookworm", &["main"]));
        archive.publish(&release("sid", &["main", "fresh"]));
    };
    publish();
    let nginx = Nginx::start(&archive.extra("nginx"), &archive.root());
    let queue = Queue::sqlite();
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"small\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{}\"]\n\
         [[archives.suites]]\nname = \"bookworm\"\n[[archives.suites]]\nname = \"sid\"\n",
        nginx.url(),
        archive.signer.keyring.display()
    ));
    let said = queue.well(&CRON);
    assert_eq!(queue.texts("SELECT code || ': ' || message FROM failure"), [""; 0], "{said}");
    for (package, versions) in &packages {
        let here: Vec<&&Real> = published.iter().filter(|it| it.package == *package).collect();
        for (branch, tip) in [("bookworm", &versions[0]), ("sid", *here[here.len() - 1])] {
            let title =
                queue.installation.git(package, &["log", "-1", "--format=%s", &format!("debian/{branch}")]);
            assert_eq!(title.trim(), format!("Import {package} {}", tip.version), "{branch}");
        }
    }
    let wrong = check(&queue, &published);
    assert!(wrong.is_empty(), "of {} versions:\n{}", published.len(), wrong.join("\n"));
    only_new_files_cross_the_wire(&queue, &nginx, &archive, late, &publish);
}

/// A new version is published: the cron line brings its own files and nothing else.
fn only_new_files_cross_the_wire(
    queue: &Queue,
    nginx: &Nginx,
    archive: &TestArchive,
    late: &Real,
    publish: &dyn Fn(),
) {
    let is_pool = |path: &str| path.starts_with("/pool/");
    // Without a change, no file and no list is fetched.
    let before = nginx.served().len();
    queue.well(&CRON);
    let idle = nginx.served().split_off(before);
    assert_eq!(idle.len(), 2, "a request for each suite: {idle:?}");
    assert!(idle.iter().all(|served| served.status == 304 && served.bytes == 0), "{idle:?}");

    late.publish(archive, "fresh");
    publish();
    let before = nginx.served().len();
    queue.well(&CRON);
    let served = nginx.served().split_off(before);
    let known = |name: &str| name.contains(".orig.tar") && !name.ends_with(".asc");
    let mut expected = 0;
    for file in &late.files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !known(name) {
            expected += fs::metadata(file).unwrap().len();
        }
    }
    let files: Vec<_> = served.iter().filter(|served| is_pool(&served.path)).collect();
    let bytes: u64 = files.iter().map(|served| served.bytes).sum();
    println!("{} {}: {bytes} of {} bytes crossed the wire", late.package, late.version, late.size());
    assert!(bytes <= expected, "{bytes} bytes, and all that is new has {expected}: {files:?}");
    assert!(bytes * 2 < late.size(), "the upstream tarball is most of it: {files:?}");
    let title = queue.installation.git(&late.package, &["log", "-1", "--format=%s", "debian/sid"]);
    assert_eq!(title.trim(), format!("Import {} {}", late.package, late.version));
    let wrong = check(queue, &[late]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
