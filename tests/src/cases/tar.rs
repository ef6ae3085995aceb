//! Tar entries of every kind: modes, numbers, headers, duplicates, damage.

use super::{Case, laxer, refused, same};
use crate::build::package::{LINES, upstream};
use crate::build::{Compression, Entry, Magic, Tar};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = modes();
    cases.extend(headers());
    cases.extend(pax());
    cases.extend(duplicates());
    cases.extend(special());
    cases.extend(damage());
    cases
}

/// A folder with this mode, another one, and the first one again.
fn entered_again(mode: u32) -> Tar {
    let first = Entry::dir("case-1.0/d/").mode(mode);
    upstream().entry(first).file("case-1.0/e/f", "x\n").file("case-1.0/d/f", "x\n")
}

fn modes() -> Vec<Case> {
    vec![
        same("tar-modes-of-files", "any execute bit makes a file executable; nothing else counts", |b| {
            let mut tar = upstream();
            for mode in [0o000, 0o100, 0o010, 0o001, 0o111, 0o400, 0o444, 0o600, 0o645, 0o654, 0o666, 0o777] {
                tar = tar.entry(Entry::file(format!("case-1.0/m{mode:o}"), "x\n").mode(mode));
            }
            b.orig(tar);
        }),
        same("tar-modes-with-setuid", "setuid, setgid and sticky bits are dropped", |b| {
            let mut tar = upstream();
            for mode in [0o4644, 0o4755, 0o2755, 0o1644, 0o7777, 0o6000, 0o1000] {
                tar = tar.entry(Entry::file(format!("case-1.0/m{mode:o}"), "x\n").mode(mode));
            }
            b.orig(tar);
        }),
        same("tar-mode-with-file-type-bits", "old tars write the whole st_mode", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/f", "x\n").mode(0o100_644)));
        }),
        same("tar-modes-of-folders", "folders that their owner may not enter or write to", |b| {
            let mut tar = upstream();
            for mode in [0o000, 0o500, 0o555, 0o600, 0o777, 0o2755] {
                let folder = format!("case-1.0/d{mode:o}");
                tar =
                    tar.entry(Entry::dir(format!("{folder}/")).mode(mode)).file(format!("{folder}/f"), "x\n");
            }
            b.orig(tar);
        }),
        laxer(
            "tar-locked-folder-entered-again",
            "folders have no modes here; tar cannot enter it again",
            |b| {
                b.orig(entered_again(0o500)).twin(|b| {
                    b.orig(entered_again(0o755));
                });
            },
        ),
        same("tar-mode-of-top-folder", "the top folder itself may not be entered", |b| {
            b.orig(Tar::new().entry(Entry::dir("case-1.0/").mode(0)).file("case-1.0/a.txt", LINES));
        }),
        same("tar-fifo-modes", "named pipes, with and without execute bits", |b| {
            let pipe = |name: &str, mode| Entry::new(b'6', name).mode(mode);
            b.orig(upstream().entry(pipe("case-1.0/pipe", 0o644)).entry(pipe("case-1.0/sub/xpipe", 0o755)));
        }),
    ]
}

fn headers() -> Vec<Case> {
    vec![
        same("tar-v7-headers", "no magic: the last field is not a prefix", |b| {
            let v7 = |entry: Entry| entry.magic(Magic::V7);
            let tar =
                Tar::new().entry(v7(Entry::dir("case-1.0/"))).entry(v7(Entry::file("case-1.0/f", "x\n")));
            b.orig(tar.entry(v7(Entry::file("case-1.0/g", "y\n")).kind(0).at(345, "not-a-prefix")));
        }),
        same("tar-v7-folder", "in old tars a folder is a file whose name ends with a slash", |b| {
            let folder = Entry::new(0, "case-1.0/old/").mode(0o755);
            b.orig(upstream().entry(folder.clone().magic(Magic::V7)).file("case-1.0/old/f", "x\n"));
        }),
        same("tar-file-with-trailing-slash", "a regular file (type 0) whose name ends with a slash", |b| {
            b.orig(upstream().entry(Entry::new(b'0', "case-1.0/slash/").mode(0o755)));
        }),
        same("tar-link-with-trailing-slash", "a symbolic link whose name ends with a slash", |b| {
            b.orig(upstream().entry(Entry::link("case-1.0/slash/", "sub")));
        }),
        same("tar-folder-without-trailing-slash", "the type says folder, the name does not", |b| {
            b.orig(upstream().dir("case-1.0/plain").dir("case-1.0/many///"));
        }),
        same("tar-ustar-prefix", "POSIX splits long names in two", |b| {
            let name = Entry::file("f.txt", "x\n").prefix("case-1.0/sub/deep");
            b.orig(upstream().entry(name));
        }),
        same("tar-ustar-prefix-in-gnu-header", "GNU headers have times where POSIX has the prefix", |b| {
            b.orig(
                upstream().entry(Entry::file("case-1.0/f", "x\n").at(345, "14000000000\x0014000000000\0")),
            );
        }),
        same("tar-name-fills-its-field", "a name of 100 bytes has no NUL after it", |b| {
            let name = format!("case-1.0/{}", "n".repeat(91));
            b.orig(upstream().file(&name, "x\n").entry(Entry::link("case-1.0/l", "t".repeat(100))));
        }),
        same("tar-gnu-long-name", "a name and a target in entries of their own", |b| {
            let name = format!("case-1.0/{}/{}", "d".repeat(120), "n".repeat(150));
            b.orig(upstream().file(name, "x\n").entry(Entry::link("case-1.0/l", "t".repeat(300))));
        }),
        same("tar-gnu-long-name-twice", "the last of two long names counts", |b| {
            b.orig(upstream().long(b'L', b"case-1.0/first").long(b'L', b"case-1.0/second").file("x", "x\n"));
        }),
        same("tar-gnu-long-name-without-nul", "nothing ends the long name but its size", |b| {
            let long = Entry::file("././@LongLink", "case-1.0/long").kind(b'L');
            b.orig(upstream().entry(long).file("x", "x\n"));
        }),
        same("tar-base-256-numbers", "sizes and times in base 256", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/f", LINES).base256()).file("case-1.0/g", "g\n"));
        }),
        same("tar-numbers-with-spaces", "octal numbers with leading and trailing spaces", |b| {
            let entry =
                Entry::file("case-1.0/f", "twelve bytes").at(124, "        14 \0").at(100, "   755 \0");
            b.orig(upstream().entry(entry));
        }),
        same("tar-negative-and-late-times", "times before 1970 and after 2106", |b| {
            let negative = Entry::file("case-1.0/f", "x\n").at(136, [0xff; 12]);
            b.orig(
                upstream().entry(negative).entry(Entry::file("case-1.0/g", "y\n").mtime(0o77_777_777_777)),
            );
        }),
        same("tar-contiguous-and-unknown-types", "type 7 and types nobody knows are regular files", |b| {
            let odd = |kind, name: &str| Entry::file(name, "x\n").kind(kind);
            b.orig(upstream().entry(odd(b'7', "case-1.0/seven")).entry(odd(b'Q', "case-1.0/unknown")));
        }),
        same("tar-signed-checksum", "old tars summed signed bytes", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/\u{e9}t\u{e9}", "x\n").signed_checksum()));
        }),
        same("tar-volume-label", "a label is no file", |b| {
            b.orig(Tar::new().entry(Entry::new(b'V', "a label")).raw(&upstream().without_end().finish()));
        }),
        refused("tar-multivolume-continuation", "the second half of a file from another volume", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/rest", "x\n").kind(b'M')));
        }),
        same("tar-gnu-dumpdir", "an incremental archive's folder carries a list", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/dump/", "Yf\0\0").kind(b'D').mode(0o755)));
        }),
        refused(
            "tar-folder-with-content",
            "a folder's content is not skipped: it is read as a header",
            |b| {
                b.orig(upstream().entry(Entry::dir("case-1.0/d/").content("junk")).file("case-1.0/z", "z\n"));
            },
        ),
        same("tar-folder-claims-size", "a folder entry with a size and no content", |b| {
            b.orig(upstream().entry(Entry::dir("case-1.0/d/").claims_size(4096)).file("case-1.0/z", "z\n"));
        }),
        same("tar-link-claims-size", "a symbolic link entry with a size and no content", |b| {
            let link = Entry::link("case-1.0/l", "a.txt").claims_size(600);
            b.orig(upstream().entry(link).file("case-1.0/z", "z\n"));
        }),
    ]
}

fn pax() -> Vec<Case> {
    vec![
        same("pax-path-and-linkpath", "names out of pax records", |b| {
            let long = format!("case-1.0/{}", "p".repeat(200));
            let tar = upstream().pax(&[("path", long.as_bytes())]).file("x", "x\n");
            b.orig(tar.pax(&[("path", b"case-1.0/l"), ("linkpath", b"\xc3\xa9")]).link("y", "z"));
        }),
        same("pax-size", "the size out of a pax record", |b| {
            let entry = Entry::file("case-1.0/f", LINES).claims_size(0);
            b.orig(upstream().pax(&[("size", LINES.len().to_string().as_bytes())]).entry(entry));
        }),
        same("pax-unknown-records", "comments, extended attributes and unknown keys", |b| {
            let records: &[(&str, &[u8])] = &[
                ("comment", b"1234"),
                ("SCHILY.xattr.user.x", b"\0\n=\xff"),
                ("mtime", b"1.5"),
                ("odd", b""),
            ];
            b.orig(upstream().pax(records).file("case-1.0/f", "x\n"));
        }),
        same("pax-global-comment", "git archive begins every tarball with one", |b| {
            let global = Tar::new().pax_of(b'g', &[("comment", b"0123456789abcdef")]);
            b.orig(global.raw(&upstream().without_end().finish()));
        }),
        same("pax-global-is-overridden", "a record of the entry wins over a global one", |b| {
            let tar = upstream().pax_of(b'g', &[("linkpath", b"global")]).link("case-1.0/l", "header");
            b.orig(tar.pax(&[("linkpath", b"own")]).link("case-1.0/m", "header"));
        }),
        same("pax-path-and-gnu-long-name", "both name the same entry", |b| {
            let tar = upstream().pax(&[("path", b"case-1.0/from-pax")]).long(b'L', b"case-1.0/from-gnu");
            b.orig(tar.file("x", "x\n"));
        }),
        same("pax-record-twice", "the last of two records counts", |b| {
            let records: &[(&str, &[u8])] = &[("path", b"case-1.0/one"), ("path", b"case-1.0/two")];
            b.orig(upstream().pax(records).file("x", "x\n"));
        }),
        refused("pax-malformed-record", "a record whose length is wrong", |b| {
            let record = Entry::file("PaxHeaders/x", "99 path=case-1.0/f\n").kind(b'x').magic(Magic::Ustar);
            b.orig(upstream().entry(record).file("case-1.0/g", "x\n"));
        }),
    ]
}

fn duplicates() -> Vec<Case> {
    vec![
        same("tar-duplicate-file", "the last of two files counts, with its mode", |b| {
            b.orig(upstream().file("case-1.0/f", "old\n").exec("case-1.0/f", "new\n"));
        }),
        same("tar-duplicate-link-then-file", "a file replaces a link, not what it points to", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt").file("case-1.0/l", "new\n"));
        }),
        same("tar-duplicate-file-then-link", "a link replaces a file", |b| {
            b.orig(upstream().file("case-1.0/f", "old\n").link("case-1.0/f", "a.txt"));
        }),
        same("tar-duplicate-empty-folder-then-file", "a file replaces an empty folder", |b| {
            b.orig(upstream().dir("case-1.0/d/").file("case-1.0/d", "new\n"));
        }),
        refused(
            "tar-duplicate-full-folder-then-file",
            "a file does not replace a folder with content",
            |b| {
                b.orig(upstream().file("case-1.0/sub", "new\n"));
            },
        ),
        same("tar-duplicate-file-then-folder", "a folder where a file was", |b| {
            b.orig(upstream().file("case-1.0/f", "old\n").dir("case-1.0/f/"));
        }),
        refused("tar-duplicate-file-then-path-below", "a path below what was a file", |b| {
            b.orig(upstream().file("case-1.0/a.txt/below", "new\n"));
        }),
        same("tar-duplicate-folder", "the same folder twice, with another mode", |b| {
            b.orig(upstream().entry(Entry::dir("case-1.0/sub/").mode(0o700)).dir("case-1.0/"));
        }),
        same("tar-duplicate-link-then-folder", "a folder where a link to a folder was", |b| {
            b.orig(upstream().link("case-1.0/l", "sub").dir("case-1.0/l/"));
        }),
        same("tar-missing-parent-folders", "folders that have no entry of their own", |b| {
            b.orig(upstream().file("case-1.0/x/y/z", "x\n").dir("case-1.0/p/q/"));
        }),
        same("tar-names-with-dots", "`./` and `//` within names", |b| {
            b.orig(upstream().file("case-1.0/./dot//f", "x\n").file("./case-1.0/sub/./g", "y\n"));
        }),
        same("tar-empty-folders", "folders that stay empty", |b| {
            b.orig(upstream().dir("case-1.0/e1/").dir("case-1.0/e2/e3/").dir("case-1.0/sub/e4/"));
        }),
    ]
}

fn special() -> Vec<Case> {
    let mut cases = vec![same("tar-fifo-in-native", "a named pipe in a native package", |b| {
        b.native(crate::build::package::debian_below("case/", "3.0 (native)\n").fifo("case/pipe"));
    })];
    cases.push(refused("tar-character-device", "no user may make one", |b| {
        b.orig(upstream().entry(Entry::new(b'3', "case-1.0/null").at(329, "0000001\0").at(337, "0000003\0")));
    }));
    cases.push(refused("tar-block-device", "no user may make one", |b| {
        b.orig(upstream().entry(Entry::new(b'4', "case-1.0/sda").at(329, "0000010\0").at(337, "0000000\0")));
    }));
    cases.push(same("tar-upstream-in-bz2", "the same tree from another compression", |b| {
        b.tarball("orig", upstream(), Compression::Bz2);
    }));
    cases
}

fn damage() -> Vec<Case> {
    vec![
        same("tar-without-end", "no zero blocks at the end", |b| {
            b.orig(upstream().without_end());
        }),
        same("tar-with-one-zero-block", "one zero block at the end", |b| {
            b.orig(upstream().raw(&[0; 512]).without_end());
        }),
        same("tar-after-the-end", "what stands after two zero blocks is not read", |b| {
            b.orig(upstream().raw(&[0; 1024]).file("case-1.0/after", "x\n"));
        }),
        same("tar-after-one-zero-block", "what stands after a lone zero block", |b| {
            b.orig(upstream().raw(&[0; 512]).file("case-1.0/after", "x\n"));
        }),
        refused("tar-cut-in-content", "the archive ends within a file", |b| {
            b.orig(upstream().file("case-1.0/z", "z".repeat(2000)).cut_by(700));
        }),
        same(
            "tar-cut-in-header",
            "the archive ends within a header: tar drops the half block in silence",
            |b| {
                b.orig(upstream().dir("case-1.0/z/").cut_by(200));
            },
        ),
        refused("tar-bad-checksum", "a header whose checksum is wrong", |b| {
            b.orig(
                upstream().entry(Entry::file("case-1.0/f", "x\n").bad_checksum()).file("case-1.0/g", "y\n"),
            );
        }),
        refused("tar-bad-checksum-at-the-start", "nothing in it is a tar", |b| {
            b.orig(Tar::new().raw(&[b'x'; 2048]));
        }),
        refused("tar-bad-size", "a size that is no number", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/f", "x\n").at(124, "zzzzzzzzzzz\0")));
        }),
        refused("tar-is-empty-file", "a tarball of no bytes", |b| {
            b.orig(Tar::new().without_end());
        }),
    ]
}
