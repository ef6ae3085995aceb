//! Signatures of `.dsc` files, made by the real gpg and checked through the real gpgv.

use std::fs;
use std::path::Path;

use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::installation::Installation;
use package_import_tests::queue::Queue;
use package_import_tests::run;
use package_import_tests::signer::Signer;
use package_import_tests::synthetic::package;

/// The exit code, and stage and code of the only report.
fn import(it: &Installation, keyrings: &[&Path], dsc: &Path) -> (Option<i32>, String) {
    let mut command = run::command(&it.root());
    command.args(["import", "--json", "--suite", "sid"]);
    for keyring in keyrings {
        command.arg("--keyring").arg(keyring);
    }
    let output = command.arg(dsc).output().unwrap();
    let report = run::reports(&output).pop().unwrap_or_default();
    let said =
        format!("{} {}", report["outcome"].as_str().unwrap_or("none"), report["code"].as_str().unwrap_or(""));
    (output.status.code(), said.trim().to_owned())
}

fn fails_with(code: &str) -> (Option<i32>, String) {
    (Some(1), format!("failed {code}"))
}

#[test]
fn a_good_signature_by_a_known_key_imports() {
    let it = Installation::new();
    let (known, other) = (Signer::new(&it.files(), "known"), Signer::new(&it.files(), "other"));
    let dsc = package("a0", "1.0-1").write(&it.files());
    assert_eq!(import(&it, &[&known.keyring], &dsc), fails_with("unsigned"));
    known.sign(&dsc);
    assert_eq!(import(&it, &[&other.keyring], &dsc), fails_with("bad-signature"));
    assert_eq!(import(&it, &[&other.keyring, &known.keyring], &dsc), (Some(0), "imported".into()));
    it.assert_clean("a0");
}

/// gpgv only says that it does not know the key.
#[test]
fn a_keyring_that_cannot_be_used_is_told() {
    let it = Installation::new();
    let known = Signer::new(&it.files(), "known");
    let dsc = package("a0", "1.0-1").write(&it.files());
    known.sign(&dsc);
    let armored = it.files().join("armored.asc");
    fs::write(&armored, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n").unwrap();
    for (keyring, word) in [(it.files().join("none.gpg"), "cannot read"), (armored, "dearmor")] {
        let mut command = run::command(&it.root());
        let output = command.arg("import").arg("--keyring").arg(&keyring).arg(&dsc).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(word) && said.contains(keyring.to_str().unwrap()), "{said}");
    }
}

/// Digests for which somebody can make another text. gpgv takes two of them; dpkg and apt refuse all.
const WEAK: [(&str, &str); 3] = [("MD5", ""), ("SHA1", "SHA-1"), ("RIPEMD160", "RIPEMD-160")];

#[test]
fn a_weak_digest_signs_no_dsc() {
    let it = Installation::new();
    let known = Signer::with(&it.files(), "known", "rsa2048");
    for (digest, _) in WEAK {
        let dsc = package("a0", "1.0-1").write(&it.files());
        known.sign_by(&dsc, digest);
        assert_eq!(import(&it, &[&known.keyring], &dsc), fails_with("bad-signature"), "{digest}");
    }
    let dsc = package("a0", "1.0-1").write(&it.files());
    known.sign_by(&dsc, "SHA256");
    assert_eq!(import(&it, &[&known.keyring], &dsc), (Some(0), "imported".into()));
}

#[test]
fn a_weak_digest_signs_no_index() {
    let (archive, queue) = (TestArchive::new(), Queue::sqlite());
    archive.add("main", "a0", &package("a0", "1.0-1"));
    let known = Signer::with(&archive.extra("keys"), "known", "rsa2048");
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"debian\"\ndistro = \"debian\"\nmirrors = [\"file://{}\"]\nkeyrings = [\"{}\"]\n\
         [[archives.suites]]\nname = \"sid\"\n",
        archive.root().display(),
        known.keyring.display()
    ));
    let sid = suite("sid");
    archive.publish(&sid);
    let index = archive.root().join("dists/sid/InRelease");
    let mut text = String::new();
    archive.sign(&archive.root().join("dists/sid"), &sid, |it| {
        text.clone_from(&it);
        it
    });
    let published = || queue.number("SELECT COUNT(*) FROM publication");
    for (digest, named) in WEAK {
        fs::write(&index, &text).unwrap();
        known.sign_by(&index, digest);
        let output = queue.command(&["poll"]).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{digest}: {said}");
        assert!(said.contains("signature") && said.contains(named), "{digest}: {said}");
        assert_eq!(published(), 0, "{digest}");
    }
    fs::write(&index, &text).unwrap();
    known.sign_by(&index, "SHA256");
    queue.well(&["poll"]);
    assert_eq!(published(), 1);
}

#[test]
fn a_changed_text_is_refused() {
    let it = Installation::new();
    let known = Signer::new(&it.files(), "known");
    let dsc = package("a0", "1.0-1").write(&it.files());
    known.sign(&dsc);
    let text = fs::read_to_string(&dsc).unwrap();
    fs::write(&dsc, text.replacen("Version: 1.0-1", "Version: 1.0-2", 1)).unwrap();
    assert_eq!(import(&it, &[&known.keyring], &dsc), fails_with("bad-signature"));
}

#[test]
fn text_around_the_signed_block_is_not_believed() {
    let it = Installation::new();
    let known = Signer::new(&it.files(), "known");
    let dsc = package("a0", "1.0-1").write(&it.files());
    known.sign(&dsc);
    let text = fs::read_to_string(&dsc).unwrap();
    // gpgv passes over what stands in front. It names another package, which the claim is checked against.
    fs::write(&dsc, format!("Source: evil\nVersion: 9\nFiles:\n\n{text}")).unwrap();
    assert_eq!(import(&it, &[&known.keyring], &dsc), fails_with("other-package"));
    assert!(!it.repository("evil").join("packed-refs").exists());
}

#[test]
fn without_a_key_nothing_is_imported() {
    let it = Installation::new();
    let known = Signer::new(&it.files(), "known");
    let dsc = package("a0", "1.0-1").write(&it.files());
    known.sign(&dsc);
    let empty = it.files().join("empty.gpg");
    fs::write(&empty, "").unwrap();
    assert_eq!(import(&it, &[&empty], &dsc), fails_with("no-keyring"));
}
