//! Links in tarballs, hard and symbolic, and names that lead out of the tree.

use super::{Case, refused, same, stricter};
use crate::build::package::{debian_below, plain_debian, upstream};
use crate::build::{Entry, Tar};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = hard_links();
    cases.extend(symbolic_links());
    cases.extend(traversal());
    cases.extend(unsafe_names());
    cases
}

fn hard_links() -> Vec<Case> {
    vec![
        same("hardlink-to-file", "a copy of an earlier file", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt").hard("case-1.0/sub/i", "case-1.0/h"));
        }),
        same("hardlink-mode", "a hard link has the mode of its file, whatever its header says", |b| {
            b.orig(upstream().entry(Entry::hard("case-1.0/h", "case-1.0/run.sh").mode(0o644)));
        }),
        same("hardlink-to-symlink", "a hard link to a symbolic link is that link", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt").hard("case-1.0/h", "case-1.0/l"));
        }),
        same("hardlink-to-dangling-symlink", "also if the link leads nowhere", |b| {
            b.orig(upstream().link("case-1.0/l", "nowhere").hard("case-1.0/h", "case-1.0/l"));
        }),
        refused("hardlink-to-missing", "a hard link to what is not there", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/missing"));
        }),
        refused("hardlink-target-with-slash", "a slash behind the target means a folder", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt/"));
        }),
        refused("hardlink-before-file", "a hard link to what comes later", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/z").file("case-1.0/z", "z\n"));
        }),
        refused("hardlink-to-folder", "a hard link to a folder", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/sub"));
        }),
        same("hardlink-replaced", "replacing one name leaves the other", |b| {
            let tar = upstream().hard("case-1.0/h", "case-1.0/a.txt").file("case-1.0/h", "new\n");
            b.orig(tar.hard("case-1.0/i", "case-1.0/run.sh").file("case-1.0/run.sh", "new\n"));
        }),
        same("hardlink-over-file", "a hard link replaces a file", |b| {
            b.orig(upstream().file("case-1.0/h", "old\n").hard("case-1.0/h", "case-1.0/a.txt"));
        }),
        same("hardlink-to-itself", "a file that is a hard link to itself", |b| {
            b.orig(upstream().hard("case-1.0/a.txt", "case-1.0/a.txt"));
        }),
        same("hardlink-to-fifo", "a second name of a named pipe", |b| {
            b.orig(upstream().fifo("case-1.0/pipe").hard("case-1.0/h", "case-1.0/pipe"));
        }),
        stricter("hardlink-through-symlink", "the target's folder is a link: it is followed: unsafe", |b| {
            b.orig(upstream().link("case-1.0/l", "sub").hard("case-1.0/h", "case-1.0/l/b.txt"));
        }),
        same("hardlink-target-with-dots", "the target is written another way than the entry", |b| {
            b.orig(upstream().hard("case-1.0/h", "./case-1.0/./sub//b.txt"));
        }),
        same("hardlink-with-content", "pax writers give hard links a content of their own", |b| {
            let link = Entry::hard("case-1.0/h", "case-1.0/a.txt").claims_size(100);
            b.orig(upstream().entry(link).file("case-1.0/z", "z\n"));
        }),
        same("hardlink-patched", "patching one name leaves the other", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt"));
            b.patch("p", "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
        }),
        refused("hardlink-out-of-tree", "a hard link to a file of the machine", |b| {
            b.orig(upstream().hard("case-1.0/h", "/etc/no-such-file"));
        }),
    ]
}

fn symbolic_links() -> Vec<Case> {
    vec![
        same("symlink-targets", "dangling, absolute, out of the tree, loops, folders, itself", |b| {
            let tar =
                upstream().link("case-1.0/dangling", "nowhere").link("case-1.0/absolute", "/etc/passwd");
            let tar = tar.link("case-1.0/out", "../../../etc/passwd").link("case-1.0/self", "self");
            let tar = tar.link("case-1.0/loop1", "loop2").link("case-1.0/loop2", "loop1");
            b.orig(tar.link("case-1.0/folder", "sub/").link("case-1.0/dot", ".").link("case-1.0/up", ".."));
        }),
        same("symlink-into-debian", "upstream links into the packaging folder", |b| {
            b.orig(upstream().link("case-1.0/l", "debian/changelog"));
        }),
        same("symlink-odd-targets", "targets that are no text", |b| {
            let tar = upstream().link("case-1.0/bytes", b"\xff\xfe").link("case-1.0/newline", "a\nb");
            b.orig(tar.link("case-1.0/space", " a b ").link("case-1.0/dots", "./sub/.././sub//"));
        }),
        refused("symlink-empty-target", "a link to nothing", |b| {
            b.orig(upstream().link("case-1.0/l", ""));
        }),
        refused("symlink-longer-target", "a target of 4,096 bytes", |b| {
            b.orig(upstream().link("case-1.0/l", "t".repeat(4096)));
        }),
        same("symlink-long-target", "a target of 4,095 bytes, as long as the system takes", |b| {
            b.orig(upstream().link("case-1.0/l", "t".repeat(4095)));
        }),
        stricter("symlink-then-path-below", "an entry is written through a symbolic link", |b| {
            b.orig(upstream().link("case-1.0/l", "sub").file("case-1.0/l/through", "x\n"));
        }),
    ]
}

/// dpkg-source follows every link below `debian` and refuses those that leave the tree.
fn traversal() -> Vec<Case> {
    vec![
        refused("traversal-absolute-link-in-debian", "a link in debian to /etc", |b| {
            b.also(Tar::new().link("debian/l", "/etc/passwd"));
        }),
        refused("traversal-relative-link-in-debian", "a link in debian that climbs out", |b| {
            b.also(Tar::new().link("debian/l", "../../../../../../etc/passwd"));
        }),
        refused(
            "traversal-link-to-parent-of-tree",
            "a link in debian to the folder that holds the tree",
            |b| {
                b.also(Tar::new().link("debian/l", "../.."));
            },
        ),
        same(
            "traversal-link-within-tree",
            "links in debian to the tree's top, files, folders and nothing",
            |b| {
                let tar = Tar::new().link("debian/top", "..").link("debian/file", "../a.txt");
                b.also(tar.link("debian/nowhere", "missing").link("debian/folder", "../sub"));
            },
        ),
        same(
            "traversal-dangling-out-of-tree",
            "a link in debian to a path outside whose folder is missing",
            |b| {
                b.also(Tar::new().link("debian/l", "../../missing/below"));
            },
        ),
        same("traversal-dangling-absolute", "an absolute path whose folder is missing", |b| {
            b.also(Tar::new().link("debian/l", "/no/such/path"));
        }),
        refused("traversal-name-too-long", "a link in debian to a name that no system takes", |b| {
            b.also(Tar::new().link("debian/l", "n".repeat(256)));
        }),
        refused("traversal-loop-in-debian", "links in debian that lead to each other", |b| {
            b.also(Tar::new().link("debian/one", "two").link("debian/two", "one"));
        }),
        refused("traversal-two-steps", "a link in debian to a link of upstream's that leads out", |b| {
            b.orig(upstream().link("case-1.0/out", "/etc"));
            b.also(Tar::new().link("debian/l", "../out/passwd"));
        }),
        refused("traversal-last-part-missing", "only the last part of the path outside is missing", |b| {
            b.also(Tar::new().link("debian/l", "../../missing"));
        }),
        refused("traversal-absolute-last-part-missing", "the same with an absolute path", |b| {
            b.also(Tar::new().link("debian/l", "/no-such-name-at-all"));
        }),
        refused("traversal-through-file", "a link in debian to a path below a file", |b| {
            b.also(Tar::new().link("debian/l", "control/below"));
        }),
        refused(
            "traversal-follows-into-upstream",
            "a link in debian to a folder in which a link leads out",
            |b| {
                b.orig(upstream().link("case-1.0/sub/out", "/etc"))
                    .also(Tar::new().link("debian/l", "../sub"));
            },
        ),
        same("traversal-elsewhere", "the same links outside of debian", |b| {
            b.orig(upstream().link("case-1.0/l", "/etc/passwd").link("case-1.0/sub/m", "../../.."));
        }),
        refused("traversal-debian-is-link-out", "debian itself is a link out of the tree", |b| {
            b.format("1.0").version("1.0").tarball(
                "",
                Tar::top("case").link("case/debian", "/etc"),
                super::GZ,
            );
        }),
        refused("traversal-in-native", "native packages are checked too", |b| {
            b.native(debian_below("case/", "3.0 (native)\n").link("case/debian/l", "/etc/passwd"));
        }),
        same(
            "traversal-device-null",
            "a link in debian to /dev/null, the one place outside that is allowed",
            |b| {
                b.debian(plain_debian().link("debian/null", "/dev/null"));
            },
        ),
    ]
}

fn unsafe_names() -> Vec<Case> {
    vec![
        stricter("name-absolute", "an absolute name", |b| {
            b.orig(upstream().file("/case-1.0/absolute", "x\n"));
        }),
        refused("name-dotdot", "a name with `..` that stays in the tree", |b| {
            b.orig(upstream().file("case-1.0/sub/../dotdot", "x\n"));
        }),
        refused("name-dotdot-out", "a name that climbs out of the tree", |b| {
            b.orig(upstream().file("../../escaped", "x\n"));
        }),
        stricter("name-absolute-hardlink", "a hard link to an absolute name", |b| {
            b.orig(upstream().hard("case-1.0/h", "/case-1.0/a.txt"));
        }),
        refused("name-dotdot-hardlink", "a hard link to a name with `..`", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/sub/../a.txt"));
        }),
        stricter("name-dotdot-before-hardlink-target", "what is behind `..` is there", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/../case-1.0/a.txt"));
        }),
        refused("name-empty", "an entry without a name", |b| {
            b.orig(upstream().file("", "x\n"));
        }),
    ]
}
