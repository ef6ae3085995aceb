//! The cost of a plan of many versions follows their number: results for one version are reused for the next.

use packaging_repo::history::History;
use packaging_repo::object::Kind;
use packaging_repo::record::Record;
use packaging_repo::refs::Refs;
use packaging_repo::store::RepoStore;
use packaging_repo::upstream;
use packaging_repo::version::{ChangelogFacts, StagedPatches, StagedTree, StagedUpstream, StagedVersion};
use packaging_repo::view::View;
use source_package::checksum::{ListedFile, sha256_hex};
use source_package::date::Date;
use source_package::dsc::Dsc;
use source_package::ident::Ident;
use source_package::version::Version;

use crate::common::scratch;

const TARBALL: &str = "a0_1.orig.tar.gz";

fn dsc_text(version: &str) -> String {
    let sum = |name: &str| sha256_hex(name.as_bytes());
    let debian = format!("a0_{version}.debian.tar.gz");
    let files = format!(" {} 1 {TARBALL}\n {} 1 {debian}\n", "0".repeat(32), "1".repeat(32));
    format!(
        "Format: 3.0 (quilt)\nSource: a0\nVersion: {version}\nMaintainer: A <a@example.org>\nFiles:\n{files}\
         Checksums-Sha256:\n {} 1 {TARBALL}\n {} 1 {debian}\n",
        sum(TARBALL),
        sum(&debian)
    )
}

fn orig(version: &str) -> ListedFile {
    let dsc = Dsc::parse(dsc_text(version).as_bytes()).unwrap();
    dsc.files.iter().find(|file| file.name == TARBALL).unwrap().clone()
}

fn tree(store: &mut RepoStore) -> StagedTree {
    StagedTree { id: store.add(Kind::Tree, b"").unwrap(), escaped: Vec::new(), fifos: Vec::new() }
}

fn upstream(store: &mut RepoStore) -> StagedUpstream {
    let tree = tree(store);
    upstream::stage("a0", "1", upstream::RULE_ANY, tree, 0, vec![orig("1-1")], store).unwrap()
}

/// A version below which others are in the changelog, newest first; with patches that apply, or not.
fn staged(
    version: &str,
    below: &[String],
    upstream: &StagedUpstream,
    applies: bool,
    store: &mut RepoStore,
) -> StagedVersion {
    let text = dsc_text(version);
    let tree = tree(store);
    let patches = StagedPatches {
        series: None,
        base: tree.id,
        patches: Vec::new(),
        escaped: Vec::new(),
        fifos: Vec::new(),
    };
    StagedVersion {
        dsc: Dsc::parse(text.as_bytes()).unwrap(),
        dsc_sha256: sha256_hex(text.as_bytes()),
        dsc_text: text.into_bytes(),
        signatures: Vec::new(),
        tree,
        upstream: Some(upstream.clone()),
        changelog: ChangelogFacts {
            author: Ident::new("A", "a@example.org"),
            date: Date { seconds: 0, offset_minutes: 0 },
            below: below.iter().map(|text| Version::new(text).unwrap()).collect(),
            by_position: None,
            order: None,
            content: None,
        },
        applied: applies.then_some(patches),
    }
}

/// Number of reads of objects while something is added to a new repository.
fn reads(add: impl Fn(&mut History<'_>, &StagedUpstream)) -> u64 {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    let upstream = upstream(&mut store);
    let mut history = History::new(&mut store, View::new(Refs::new(), Record::default()));
    add(&mut history, &upstream);
    history.store.reads()
}

/// Twice as many versions cost about twice as much.
fn assert_linear(what: &str, cost: impl Fn(usize) -> u64) {
    let (some, twice) = (cost(60), cost(120));
    println!("{what}: {some} reads, then {twice}");
    assert!(twice * 10 < some * 25, "{what}: {some} reads for 60 versions, {twice} for 120");
}

#[test]
fn many_revisions_of_one_upstream() {
    assert_linear("revisions", |count| {
        reads(|history, upstream| {
            let mut below: Vec<String> = Vec::new();
            for number in 1..=count {
                let version = format!("1-{number}");
                let staged = staged(&version, &below, upstream, true, history.store);
                history.add("debian", &staged).unwrap();
                below.insert(0, version);
            }
        })
    });
}

#[test]
fn many_versions_whose_patches_do_not_apply() {
    assert_linear("unapplied", |count| {
        reads(|history, upstream| {
            let mut below: Vec<String> = Vec::new();
            for number in 1..=count {
                let version = format!("1-{number}");
                let staged = staged(&version, &below, upstream, false, history.store);
                history.add("debian", &staged).unwrap();
                below.insert(0, version);
            }
            // Each of these looks for the nearest one before it that has applied commits.
            for number in 1..=count {
                let version = format!("1-{count}.{number}");
                let staged = staged(&version, &below, upstream, true, history.store);
                history.add("debian", &staged).unwrap();
            }
        })
    });
}

/// An applied commit that comes later is found, although there was none when it was asked for before.
#[test]
fn what_was_found_out_is_forgotten_when_it_changes() {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    let upstream = upstream(&mut store);
    let mut history = History::new(&mut store, View::new(Refs::new(), Record::default()));
    let base = staged("1-1", &[], &upstream, false, history.store);
    history.add("debian", &base).unwrap();
    let below = ["1-1".to_owned()];
    let before = staged("1-1.1", &below, &upstream, true, history.store);
    let before = history.add("debian", &before).unwrap();
    // The same upload in a derivative, by whose series the patches do apply.
    let base = StagedVersion { applied: staged("1-1", &[], &upstream, true, history.store).applied, ..base };
    let there = history.add("ubuntu", &base).unwrap().applied.unwrap();
    let after = staged("1-1.2", &below, &upstream, true, history.store);
    let after = history.add("debian", &after).unwrap();
    let parents = |history: &mut History<'_>, added: &packaging_repo::history::Added| {
        packaging_repo::object::read_commit(added.applied.unwrap(), history.store).unwrap().parents
    };
    assert_eq!(parents(&mut history, &before), [before.commit]);
    assert_eq!(parents(&mut history, &after), [there, after.commit]);
}
