//! Parsers of what archives, Git servers and repositories that others can write to give us.

use std::cell::RefCell;
use std::fs;

use archive::dates::parse_date;
use archive::location::Location;
use archive::release::Release;
use archive::sources::Reader;
use packaging_repo::manifest::Manifest;
use packaging_repo::record::vouched::Vouched;
use packaging_repo::refs;
use packaging_repo::seal::Key;
use packaging_repo::seal::PackageKey;
use remote::{answers, porcelain};
use source_package::version::PackageName;
use tempfile::TempDir;

const DIGITS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ID: &str = "0123456789abcdef0123456789abcdef01234567";

pub(super) fn release(input: &[u8]) {
    let _ = Release::parse(input);
    let text = String::from_utf8_lossy(input);
    for line in text.lines().take(64) {
        let value = line.split_once(": ").map_or(line, |(_, value)| value);
        let _ = (parse_date(value), Location::parse(value));
    }
}

pub(super) fn release_seeds() -> Vec<Vec<u8>> {
    vec![
        format!(
            "Origin: Debian\nSuite: stable\nCodename: bookworm\nDate: Sat, 09 Nov 2024 10:09:31 UTC\nValid-Until: Sat, 16 Nov 2024 10:09:31 UTC\nAcquire-By-Hash: yes\nComponents: main contrib\nSHA256:\n {DIGITS} 1234 main/source/Sources.xz\n {DIGITS} 0 contrib/source/Sources\n"
        )
        .into_bytes(),
        b"Date: Sat Nov  9 9:03:43 2024\nMD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 0 Sources\n".to_vec(),
        b"Location: https://user@host.example:8080/debian/\nLocation: file:///srv/mirror\n".to_vec(),
    ]
}

/// A list of sources in pieces gives the entries that it gives as a whole.
pub(super) fn sources(input: &[u8]) {
    let entries = |piece: usize| {
        let mut reader = Reader::new(std::io::BufReader::with_capacity(piece, input), "main");
        let mut found = Vec::new();
        while let Ok(Some(entry)) = reader.read() {
            found.push(entry);
        }
        found
    };
    assert_eq!(entries(7), entries(1 << 16), "the entries do not depend on how the list is cut");
}

pub(super) fn sources_seeds() -> Vec<Vec<u8>> {
    let stanza = format!(
        "Package: hello\nBinary: hello\nVersion: 2.10-3\nFormat: 3.0 (quilt)\nDirectory: pool/main/h/hello\nFiles:\n d41d8cd98f00b204e9800998ecf8427e 10 hello_2.10-3.dsc\n d41d8cd98f00b204e9800998ecf8427e 20 hello_2.10.orig.tar.gz\nChecksums-Sha256:\n {DIGITS} 10 hello_2.10-3.dsc\n {DIGITS} 20 hello_2.10.orig.tar.gz\n"
    );
    let extra = format!("{stanza}Extra-Source-Only: yes\n");
    vec![stanza.clone().into_bytes(), format!("{stanza}\n{extra}\n\n{stanza}").into_bytes()]
}

/// The same words at a Git server: the list of its refs, what became of a push, the trace of an HTTP exchange.
pub(super) fn server(input: &[u8]) {
    let found = remote::refs::parse(input);
    assert!(found.refs.keys().all(|name| name.starts_with("refs/")));
    let _ = porcelain::parse(input);
    let _ = answers::parse(&String::from_utf8_lossy(input));
}

pub(super) fn server_seeds() -> Vec<Vec<u8>> {
    vec![
        format!("ref: refs/heads/debian/sid\tHEAD\n{ID}\tHEAD\n{ID}\trefs/heads/debian/sid\n{ID}\trefs/tags/debian/1.0-1^{{}}\n")
            .into_bytes(),
        b"To ssh://git@host/hello.git\n*\trefs/heads/a:refs/heads/a\t[new branch]\n!\trefs/tags/b:refs/tags/b\t[rejected] (already exists)\n=\trefs/heads/c:refs/heads/c\t[up to date]\nDone\n"
            .to_vec(),
        b"<= Recv header: HTTP/1.1 429 Too Many Requests\n<= Recv header: Retry-After: 120\n<= Recv header: Location: https://elsewhere/\n"
            .to_vec(),
    ]
}

thread_local! {
    static REPOSITORY: RefCell<Option<(TempDir, PackageKey)>> = const { RefCell::new(None) };
}

fn with_repository(use_it: impl FnOnce(&TempDir, &PackageKey)) {
    REPOSITORY.with_borrow_mut(|kept| {
        let (folder, key) = kept.get_or_insert_with(|| {
            let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
            fs::create_dir_all(folder.path().join("refs/heads")).unwrap();
            fs::create_dir_all(folder.path().join("repos")).unwrap();
            let key = Key::open_or_make(&folder.path().join("repos")).unwrap();
            (folder, key.of_package(&PackageName::new("hello").unwrap()))
        });
        use_it(folder, key);
    });
}

/// The files of a repository, and what is sealed: the input is sealed by nobody, so it vouches for nothing.
pub(super) fn repository(input: &[u8]) {
    with_repository(|folder, key| {
        fs::write(folder.path().join("packed-refs"), input).unwrap();
        if let Ok(found) = refs::read(folder.path()) {
            assert!(found.keys().all(|name| !name.contains("..") && !name.contains('\n')), "{found:?}");
        }
        assert!(
            Vouched::parse(&String::from_utf8_lossy(input), key).is_none(),
            "a record that nobody sealed"
        );
    });
}

pub(super) fn repository_seeds() -> Vec<Vec<u8>> {
    let mut sealed = Vec::new();
    with_repository(|_, key| sealed = Vouched::default().encode(key).replace('0', "1").into_bytes());
    vec![
        format!("# pack-refs with: peeled fully-peeled sorted \n{ID} refs/heads/debian/sid\n{ID} refs/tags/debian/1.0-1\n^{ID}\n").into_bytes(),
        sealed,
    ]
}

/// The message of a tag, which anybody can push: what is read is written again as it was read.
pub(super) fn manifest(input: &[u8]) {
    if let Ok(manifest) = Manifest::parse(input) {
        let again = manifest.to_message("title");
        let read = Manifest::parse(again.as_bytes());
        assert!(read.is_ok(), "{again:?}: {read:?}");
    }
}

pub(super) fn manifest_seeds() -> Vec<Vec<u8>> {
    vec![format!(
        "hello 1.0-1\n\nSource: hello\nVersion: 1.0-1\nDsc-Sha256: {DIGITS}\nImport-Rules: 2\nFiles:\n d41d8cd98f00b204e9800998ecf8427e 20 hello_1.0.orig.tar.gz\nChecksums-Sha256:\n {DIGITS} 20 hello_1.0.orig.tar.gz\nEscaped:\n path a%2fb\nSpecial:\n fifo 755 p\n"
    )
    .into_bytes()]
}
