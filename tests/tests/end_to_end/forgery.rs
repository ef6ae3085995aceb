//! Anybody who can push to a repository can make any ref, tag and manifest. None of them is trusted, none is
//! overwritten, and all are reported.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use package_import_tests::installation::{Installation, binary};
use package_import_tests::synthetic::{Package, package};
use serde_json::Value;
use source_package::checksum::sha256_hex;

/// Text that no genuine upload contains.
const BACKDOOR: &str = "backdoor";

/// A repository with two versions, and what is uploaded after somebody has pushed to it.
struct World {
    it: Installation,
    genuine: PathBuf,
    forged: PathBuf,
}

fn uploads() -> [Package; 4] {
    let first = package("a0", "1.0-1").patch("p", "line 7", "seven");
    let second = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven");
    let below = ["1.0-2", "1.0-1"];
    // Another upstream, which the attacker knows before it is imported.
    let genuine =
        package("a0", "1.1-1").below(&below).upstream("NEWS", "1.1\n").patch("p", "line 7", "seven");
    let forged = package("a0", "1.0-3").below(&below).upstream("evil.sh", BACKDOOR);
    [first, second, genuine, forged]
}

impl World {
    fn new() -> World {
        let it = Installation::new();
        it.configure("[import]\nkeyrings = ['/nonexistent-keyring']\nrepack = false\n");
        let [first, second, genuine, forged] = uploads();
        let (first, second) = (first.write(&it.files()), second.write(&it.files()));
        it.import_well("debian", "sid", &[&first, &second]);
        let folder = |name: &str| {
            let folder = it.files().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        let (genuine, forged) = (genuine.write(&folder("genuine")), forged.write(&folder("forged")));
        let world = World { it, genuine, forged };
        // The checks say nothing of an installation that has never run.
        assert!(world.command(&["run", "--until-empty"]).status.success());
        world
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(self.it.repository("a0"))
            .args(["-c", "user.name=M", "-c", "user.email=m@example.org", "-c", "safe.directory=*"])
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn set(&self, name: &str, id: &str) {
        self.git(&["update-ref", name, id]);
    }

    /// A tree with one file more than that of the version before.
    fn evil_tree(&self) -> String {
        let blob = self.git_with(&["hash-object", "-w", "--stdin"], BACKDOOR.as_bytes());
        let listed = self.git(&["ls-tree", "debian/1.0-2^{tree}"]);
        self.git_with(&["mktree"], format!("{listed}\n100755 blob {blob}\tevil.sh\n").as_bytes())
    }

    /// A commit like one of an import.
    fn evil_commit(&self, trailers: &str, parents: &[&str]) -> String {
        let tree = self.evil_tree();
        let mut arguments = vec!["commit-tree", &tree];
        let parents: Vec<String> = parents.iter().map(|parent| format!("{parent}^{{commit}}")).collect();
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        self.git_with(&arguments, format!("Import a0\n\n{trailers}").as_bytes())
    }

    /// The trailers of the commit of a version.
    fn trailers(version: &str, dsc: &Path) -> String {
        let sha256 = sha256_hex(&fs::read(dsc).unwrap());
        format!("Source-Package: a0\nVersion: {version}\nDsc-Sha256: {sha256}\nImport-Rules: 1\n")
    }

    /// An annotated tag.
    fn tag(&self, target: &str, kind: &str, name: &str, message: &str) -> String {
        let text = format!(
            "object {target}\ntype {kind}\ntag {name}\ntagger package-import <package-import@localhost> 1 +0000\n\n{message}"
        );
        self.git_with(&["hash-object", "-w", "-t", "tag", "--stdin"], text.as_bytes())
    }

    /// The manifest of a tag that was imported, made one of another version.
    fn manifest(&self, version: &str, dsc: &Path) -> String {
        let message = self.git(&["for-each-ref", "--format=%(contents)", "refs/tags/debian/1.0-2"]);
        let old = message.lines().find_map(|line| line.strip_prefix("Dsc-Sha256: ")).unwrap();
        let (text, sums) = (fs::read_to_string(dsc).unwrap(), sha256_hex(&fs::read(dsc).unwrap()));
        let files = text.split_once("Files:\n").unwrap().1;
        let sha256 = text.split_once("Checksums-Sha256:\n").unwrap().1.split("Files:").next().unwrap();
        let head = message.split("Files:").next().unwrap().replace("1.0-2", version).replace(old, &sums);
        format!("{head}Files:\n{files}Checksums-Sha256:\n{sha256}")
    }

    /// The manifest of upstream tarballs, with their right hashes.
    fn upstream_manifest(&self, version: &str, dsc: &Path, rule: &str) -> String {
        let text = fs::read_to_string(dsc).unwrap();
        let orig = |section: &str| {
            let lines = text.split_once(section).unwrap().1.lines();
            lines
                .take_while(|line| line.starts_with(' '))
                .find(|line| line.contains(".orig."))
                .unwrap()
                .to_owned()
        };
        let content = fs::read(dsc.with_file_name(format!("a0_{version}.orig.tar.gz"))).unwrap();
        let sha1 = String::from_utf8(
            Command::new("sha1sum")
                .arg(dsc.with_file_name(format!("a0_{version}.orig.tar.gz")))
                .output()
                .unwrap()
                .stdout,
        )
        .unwrap();
        let sha1 = sha1.split(' ').next().unwrap();
        format!(
            "a0 upstream {version}\n\nSource: a0\nVersion: {version}\nUnpack-Rule: {rule}\nImport-Rules: 1\nFiles:\n{}\n\
             Checksums-Sha1:\n {sha1} {} a0_{version}.orig.tar.gz\nChecksums-Sha256:\n{}\n",
            orig("Files:\n"),
            content.len(),
            orig("Checksums-Sha256:\n"),
        )
    }

    fn blob(&self, path: &Path) -> String {
        self.git_with(&["hash-object", "-w", "--stdin"], &fs::read(path).unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(binary()).arg("--root").arg(self.it.root()).args(arguments).output().unwrap()
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// All refs and their objects.
    fn refs(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        listed.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
    }
}

/// Two tags, as if the upload to come had been imported already, for a distro.
fn version_tags(it: &World, distro: &str, version: &str, dsc: &Path) -> Vec<String> {
    let commit = it.evil_commit(&World::trailers(version, dsc), &["debian/1.0-2"]);
    let manifest = it.manifest(version, dsc);
    let applied = format!("{manifest}Series: none\nPatches: 0\n").replace("Import-Rules: 1\n", "");
    let names = [format!("{distro}/{version}"), format!("applied/{distro}/{version}")];
    it.set(&format!("refs/tags/{}", names[0]), &it.tag(&commit, "commit", &names[0], &manifest));
    it.set(&format!("refs/tags/{}", names[1]), &it.tag(&commit, "commit", &names[1], &applied));
    it.set(&format!("refs/dsc/{}", names[0]), &it.blob(dsc));
    names.iter().map(|name| format!("refs/tags/{name}")).collect()
}

type Forge = fn(&World) -> Vec<String>;

fn one(it: &World, name: &str, id: &str) -> Vec<String> {
    it.set(name, id);
    vec![name.to_owned()]
}

fn upstream(it: &World, name: &str, rule: &str) -> Vec<String> {
    let message = "Import upstream a0 1.1\n\nSource-Package: a0\nUpstream-Version: 1.1\nImport-Rules: 1\n";
    let tree = it.evil_tree();
    let commit = it.git_with(&["commit-tree", &tree], message.as_bytes());
    let manifest = it.upstream_manifest("1.1", &it.genuine, rule);
    one(it, &format!("refs/tags/{name}"), &it.tag(&commit, "commit", name, &manifest))
}

fn dsc_hash(path: &Path, digits: usize) -> String {
    sha256_hex(&fs::read(path).unwrap())[..digits].to_owned()
}

fn pushed_on(it: &World, branch: &str, trailers: &str) -> Vec<String> {
    let commit = it.evil_commit(trailers, &[branch]);
    one(it, &format!("refs/heads/{branch}"), &commit)
}

/// Ways to push. Each gives the refs that have to be told of.
fn ways() -> Vec<(&'static str, Forge)> {
    vec![
        ("tags of the unsigned upload to come", |it| version_tags(it, "debian", "1.0-3", &it.forged)),
        ("tags of the genuine upload to come", |it| version_tags(it, "debian", "1.1-1", &it.genuine)),
        ("the same in another distro, forged", |it| version_tags(it, "ubuntu", "1.0-3", &it.forged)),
        ("the same in another distro, genuine", |it| version_tags(it, "ubuntu", "1.1-1", &it.genuine)),
        ("reimport tags", |it| {
            let name = format!("reimport/debian/1.0-3/{}", dsc_hash(&it.forged, 12));
            let commit = it.evil_commit(&World::trailers("1.0-3", &it.forged), &["debian/1.0-2"]);
            one(
                it,
                &format!("refs/tags/{name}"),
                &it.tag(&commit, "commit", &name, &it.manifest("1.0-3", &it.forged)),
            )
        }),
        ("reimport tags of the genuine upload", |it| {
            let name = format!("reimport/debian/1.1-1/{}", dsc_hash(&it.genuine, 12));
            let commit = it.evil_commit(&World::trailers("1.1-1", &it.genuine), &["debian/1.0-2"]);
            one(
                it,
                &format!("refs/tags/{name}"),
                &it.tag(&commit, "commit", &name, &it.manifest("1.1-1", &it.genuine)),
            )
        }),
        ("plain and reimport names at once", |it| {
            let mut names = version_tags(it, "debian", "1.1-1", &it.genuine);
            let name = format!("refs/tags/reimport/debian/1.1-1/{}", dsc_hash(&it.genuine, 12));
            names.extend(one(it, &name, &it.git(&["rev-parse", "refs/tags/debian/1.1-1"])));
            names
        }),
        ("an upstream tag with a backdoor", |it| upstream(it, "upstream/1.1", "any")),
        ("an upstream tag with the rule of quilt", |it| upstream(it, "upstream/1.1", "quilt")),
        ("another upstream tag with a backdoor", |it| {
            upstream(it, "reimport/upstream/1.1/0123456789ab", "any")
        }),
        ("an upstream tag that is a commit", |it| {
            one(it, "refs/tags/upstream/1.1", &it.evil_commit("", &[]))
        }),
        ("a lightweight tag", |it| {
            one(it, "refs/tags/debian/1.1-1", &it.evil_commit(&World::trailers("1.1-1", &it.genuine), &[]))
        }),
        ("a tag of a blob", |it| one(it, "refs/tags/debian/1.1-1", &it.blob(&it.genuine))),
        ("a tag of a tree", |it| one(it, "refs/tags/debian/1.0-3", &it.evil_tree())),
        ("a tag of a tag", |it| {
            let inner = it.git(&["rev-parse", "refs/tags/debian/1.0-2"]);
            let name = "debian/1.1-1";
            let tag = it.tag(&inner, "tag", name, &it.manifest("1.1-1", &it.genuine));
            one(it, "refs/tags/debian/1.1-1", &tag)
        }),
        ("a tag that was imported, moved", |it| {
            let commit = it.evil_commit(&World::trailers("1.0-2", &it.forged), &["debian/1.0-1"]);
            let message = it.git(&["for-each-ref", "--format=%(contents)", "refs/tags/debian/1.0-2"]);
            one(it, "refs/tags/debian/1.0-2", &it.tag(&commit, "commit", "debian/1.0-2", &message))
        }),
        ("an applied tag that was imported, moved", |it| {
            let commit = it.evil_commit(&World::trailers("1.0-2", &it.forged), &["debian/1.0-2"]);
            let message = it.git(&["for-each-ref", "--format=%(contents)", "refs/tags/applied/debian/1.0-2"]);
            let name = "applied/debian/1.0-2";
            one(it, &format!("refs/tags/{name}"), &it.tag(&commit, "commit", name, &message))
        }),
        ("an upstream tag that was imported, moved", |it| {
            let message = it.git(&["for-each-ref", "--format=%(contents)", "refs/tags/upstream/1.0"]);
            let tag = it.tag(&it.evil_commit("", &[]), "commit", "upstream/1.0", &message);
            one(it, "refs/tags/upstream/1.0", &tag)
        }),
        ("a commit on a branch", |it| pushed_on(it, "debian/sid", "")),
        ("a commit of the highest version on a branch", |it| {
            pushed_on(
                it,
                "debian/sid",
                "Source-Package: a0\nVersion: 99:1\nDsc-Sha256: 00\nImport-Rules: 1\n",
            )
        }),
        ("a commit like that of the forged upload on a branch", |it| {
            pushed_on(it, "debian/sid", &World::trailers("1.0-3", &it.forged))
        }),
        ("a commit like a join on a branch", |it| {
            pushed_on(it, "debian/sid", "Version: 1.1-1\nDsc-Sha256: 00\nJoin: debian/sid\n")
        }),
        ("a commit on an applied branch", |it| pushed_on(it, "applied/debian/sid", "Version: 99:1\n")),
        ("a branch set to what has no history in common", |it| {
            one(it, "refs/heads/debian/sid", &it.evil_commit("Version: 0\n", &[]))
        }),
        ("a branch that the next suite will have", |it| {
            let commit = it.evil_commit(&World::trailers("1.0-3", &it.forged), &[]);
            one(it, "refs/heads/debian/bookworm", &commit)
        }),
        ("a .dsc", |it| one(it, "refs/dsc/debian/1.1-1", &it.blob(&it.forged))),
        ("a .dsc that is a commit", |it| one(it, "refs/dsc/debian/1.0-3", &it.evil_commit("", &[]))),
        ("signatures that are a commit", |it| one(it, "refs/dsc/debian/1.1-1@asc", &it.evil_commit("", &[]))),
        ("a .dsc that was imported, replaced", |it| one(it, "refs/dsc/debian/1.0-2", &it.blob(&it.forged))),
        ("notes on a version", |it| {
            it.git(&["notes", "add", "-m", "This version is checked.", "debian/1.0-2^{commit}"]);
            vec!["refs/notes/commits".into()]
        }),
        ("another object in place of a version", |it| {
            let version = it.git(&["rev-parse", "debian/1.0-2^{commit}"]);
            one(it, &format!("refs/replace/{version}"), &it.evil_commit("", &["debian/1.0-1"]))
        }),
        ("a tag that was imported, removed", |it| {
            it.git(&["update-ref", "-d", "refs/tags/debian/1.0-2"]);
            vec![]
        }),
        ("a branch removed", |it| {
            it.git(&["update-ref", "-d", "refs/heads/debian/sid"]);
            vec![]
        }),
        ("a branch set back", |it| {
            it.set("refs/heads/debian/sid", "debian/1.0-1^{commit}");
            vec![]
        }),
    ]
}

/// True when no object that a ref of ours leads to has the backdoor.
fn is_clean(it: &World, name: &str, of_others: &[String]) -> bool {
    let listed = it.git(&["ls-tree", "-r", "--name-only", &format!("{name}^{{tree}}")]);
    of_others.iter().any(|other| other == name) || !listed.contains("evil.sh")
}

fn check(it: &World) -> (i32, String) {
    let program = package_import_tests::daemons::plugins::path("wedged");
    let output =
        Command::new(program).arg("--state").arg(it.it.root().join("state.db")).arg("-v").output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn hold(way: &str, forge: Forge, packed: bool) {
    let it = World::new();
    let before = it.refs();
    let foreign = forge(&it);
    if packed {
        it.git(&["pack-refs", "--all"]);
    }
    let pushed = it.refs();
    // Looking at it alone tells of it: what was removed or set back, too.
    assert_eq!(it.command(&["verify", "a0"]).status.code(), Some(1), "{way}");
    // The forged upload is refused, whatever is pushed: nobody has signed it.
    let forged = it.command(&["import", "--suite", "sid", it.forged.to_str().unwrap()]);
    assert_eq!(forged.status.code(), Some(1), "{way}: {}", String::from_utf8_lossy(&forged.stdout));
    let clean = |moment: &str| {
        for name in it.refs().keys().filter(|name| !foreign.contains(name) && !name.starts_with("refs/dsc")) {
            if name.starts_with("refs/notes") || name.starts_with("refs/tags/z") {
                continue;
            }
            assert!(is_clean(&it, name, &foreign), "{way}: {name} has the backdoor {moment}");
        }
    };
    clean("after the forged upload");
    // The genuine one is imported from its own files.
    let reports = it.it.import_well("debian", "sid", &[&it.genuine]);
    assert_eq!(reports[0]["outcome"], "imported", "{way}: {reports:?}");
    let commit = reports[0]["commit"].as_str().unwrap();
    assert!(!it.git(&["ls-tree", "-r", "--name-only", commit]).contains("evil"), "{way}");
    assert_eq!(it.git(&["rev-parse", "debian/sid^{tree}"]), reports[0]["tree"].as_str().unwrap(), "{way}");
    let tag = format!("refs/tags/{}^{{commit}}", reports[0]["tag"].as_str().unwrap());
    assert_eq!(it.git(&["rev-parse", &tag]), commit, "{way}");
    let after = it.refs();
    // Every earlier ref is there, or is in the history of its successor.
    for (name, id) in &before {
        if name.starts_with("refs/heads/") {
            let status = Command::new("git")
                .arg("--git-dir")
                .arg(it.it.repository("a0"))
                .args(["merge-base", "--is-ancestor", id, &after[name]])
                .status()
                .unwrap();
            assert!(status.success(), "{way}: {name} moves forward only");
        } else if pushed.get(name) == Some(id) || !pushed.contains_key(name) {
            assert_eq!(after.get(name), Some(id), "{way}: {name}");
        }
    }
    // And so is what was pushed.
    for name in &foreign {
        if name == "refs/heads/debian/sid" || name == "refs/heads/applied/debian/sid" {
            let theirs = &pushed[name];
            let merged = it.git(&["rev-list", "refs/heads/debian/sid", "refs/heads/applied/debian/sid"]);
            assert!(merged.lines().any(|line| line == theirs), "{way}: {theirs} is not lost");
            continue;
        }
        assert_eq!(after.get(name), pushed.get(name), "{way}: {name} stays as it was pushed");
        let show = it.said(&["show", "a0"]);
        assert!(show.contains(name.as_str()), "{way}: show says nothing of {name}: {show}");
        let verify = it.said(&["verify", "a0"]);
        assert!(verify.contains(name.as_str()), "{way}: verify says nothing of {name}: {verify}");
        let (code, said) = check(&it);
        assert_eq!(code, 1, "{way}: {said}");
        assert!(said.contains("foreign"), "{way}: {said}");
        let status = it.said(&["status"]);
        assert!(status.contains("not the importer's"), "{way}: {status}");
        let json: Value = serde_json::from_str(&it.said(&["show", "--json", "a0"])).unwrap();
        let listed = json["foreign"].as_array().unwrap();
        assert!(listed.iter().any(|it| it["ref"] == **name), "{way}: {listed:?}");
    }
    // Once it is gone, nobody tells of it any more.
    for name in foreign.iter().filter(|name| !before.contains_key(*name)) {
        it.git(&["update-ref", "-d", name]);
    }
}

/// All ways, with loose refs and with packed ones in turns.
#[test]
fn nothing_that_was_pushed_is_believed() {
    let ways = ways();
    assert!(ways.len() >= 30);
    // Two at a time: each is an installation of its own.
    let numbered: Vec<_> = ways.into_iter().enumerate().collect();
    std::thread::scope(|scope| {
        for half in 0..2 {
            let numbered = &numbered;
            scope.spawn(move || {
                for (number, (way, forge)) in numbered.iter().filter(|(number, _)| number % 2 == half) {
                    hold(way, *forge, number % 3 == 0);
                }
            });
        }
    });
}

/// The row of a foreign ref ends with the ref.
#[test]
fn what_is_gone_is_not_told_of_any_more() {
    let it = World::new();
    it.set("refs/tags/debian/1.1-1", &it.evil_commit("", &[]));
    assert_eq!(it.command(&["verify", "a0"]).status.code(), Some(1));
    assert_eq!(check(&it).0, 1, "{}", check(&it).1);
    it.git(&["update-ref", "-d", "refs/tags/debian/1.1-1"]);
    it.it.import_well("debian", "sid", &[&it.genuine]);
    assert_eq!(check(&it).0, 0, "{}", check(&it).1);
    let verify = it.command(&["verify", "a0"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
}
