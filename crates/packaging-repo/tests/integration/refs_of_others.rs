//! Files and refs of other programs in a repository: they are kept, and keep nobody from importing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::common::{Scratch, edit, git, objects, scratch, transact};
use packaging_repo::Error;
use proptest::prelude::*;

/// A branch whose name is Latin-1, as `git push` makes it with such a locale.
fn make_latin1(scratch: &Scratch, name: &[u8], id: &str) {
    let status = git(scratch.path()).arg("update-ref").arg(OsStr::from_bytes(name)).arg(id).status().unwrap();
    assert!(status.success());
}

fn shown(scratch: &Scratch) -> Vec<u8> {
    scratch.try_git(&["show-ref", "-d"], b"").stdout
}

#[test]
fn refs_whose_names_are_no_utf8_are_kept() {
    let scratch = scratch();
    let (commits, tag) = objects(&scratch, 2);
    make_latin1(&scratch, b"refs/heads/caf\xe9", &commits[0].to_string());
    make_latin1(&scratch, b"refs/heads/caf\xe9-2", &commits[1].to_string());
    make_latin1(&scratch, b"refs/tags/caf\xe9", &tag.to_string());
    make_latin1(&scratch, b"refs/heads/debian/sid/caf\xe9", &commits[1].to_string());
    scratch.git(&["update-ref", "refs/tags/z", &tag.to_string()]);
    scratch.git(&["pack-refs", "--all"]);
    let before = shown(&scratch);
    transact(&scratch, &[edit("refs/heads/z", None, commits[1], None)]).unwrap();
    assert_eq!(scratch.repository.refs().unwrap().len(), 2, "ours to move are those that can be named");
    let packed = fs::read(scratch.path().join("packed-refs")).unwrap();
    scratch.git(&["update-ref", "-d", "refs/heads/z"]);
    assert_eq!(shown(&scratch), before);
    // Git would have written it in the same way.
    scratch.git(&["update-ref", "refs/heads/z", &commits[1].to_string()]);
    scratch.git(&["pack-refs", "--all"]);
    assert_eq!(fs::read(scratch.path().join("packed-refs")).unwrap(), packed);
    let refused = transact(&scratch, &[edit("refs/heads/debian/sid", None, commits[1], None)]);
    assert!(matches!(refused, Err(Error::NameConflict { .. })), "{refused:?}");
    scratch.assert_clean();
}

/// Without the header, a tag without a peeled line may be one that was never peeled.
#[test]
fn tags_that_another_program_packed_are_looked_behind() {
    for header in ["", "# pack-refs with: peeled \n", "# pack-refs with: sorted \n"] {
        let scratch = scratch();
        let (commits, tag) = objects(&scratch, 2);
        let missing = "1".repeat(40);
        let text = format!(
            "{header}{} refs/heads/a\n{missing} refs/heads/gone\n{tag} refs/tags/one\n{tag} refs/tags/two\n^{}\n",
            commits[0], commits[0]
        );
        fs::write(scratch.path().join("packed-refs"), &text).unwrap();
        transact(&scratch, &[edit("refs/heads/b", None, commits[1], None)]).unwrap();
        let expected = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{0} refs/heads/a\n{1} refs/heads/b\n{missing} refs/heads/gone\n\
            {tag} refs/tags/one\n^{0}\n{tag} refs/tags/two\n^{0}\n",
            commits[0], commits[1]
        );
        assert_eq!(fs::read_to_string(scratch.path().join("packed-refs")).unwrap(), expected);
    }
}

#[test]
fn files_that_git_takes_for_no_refs_are_left_alone() {
    let scratch = scratch();
    let (commits, _) = objects(&scratch, 2);
    let names =
        ["refs/heads/a~", "refs/heads/.a.swp", "refs/heads/a\nb", "refs/heads/a.lock", "refs/tags/x..y"];
    for name in names {
        fs::write(scratch.path().join(name), format!("{}\n", commits[0])).unwrap();
    }
    scratch.git(&["update-ref", "refs/heads/good", &commits[0].to_string()]);
    transact(&scratch, &[edit("refs/heads/b", None, commits[1], None)]).unwrap();
    let packed = fs::read_to_string(scratch.path().join("packed-refs")).unwrap();
    let refs: Vec<&str> = packed.lines().skip(1).map(|line| &line[41..]).collect();
    assert_eq!(refs, ["refs/heads/b", "refs/heads/good"]);
    assert!(names.iter().all(|name| scratch.path().join(name).exists()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// A loose file is packed if, and only if, Git accepts its name as a ref's.
    #[test]
    fn what_is_taken_for_a_ref_git_takes_for_one(part in "[a@{.~^:?*\\[\\\\ lock\u{7f}\u{a0}\u{1}-]{1,6}|(a\\.)?lock|a\\.lock") {
        prop_assume!(part != "." && part != "..");
        let scratch = scratch();
        let (commits, _) = objects(&scratch, 1);
        let name = format!("refs/heads/{part}");
        fs::write(scratch.path().join(&name), format!("{}\n", commits[0])).unwrap();
        transact(&scratch, &[]).unwrap();
        let accepted = scratch.try_git(&["check-ref-format", &name], b"").status.success();
        prop_assert_eq!(scratch.repository.refs().unwrap().contains_key(&name), accepted);
        prop_assert_eq!(!scratch.path().join(&name).exists(), accepted);
    }
}
