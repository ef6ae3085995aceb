//! The `.dsc`: fields, checksums, lists of files, what stands around them.

use super::{Case, refused, same, stricter};
use crate::build::Compression;
use crate::build::dsc::Dsc;
use crate::build::package::{debian, upstream};

const ORIG: &str = "case_1.0.orig.tar.gz";
const DEBIAN: &str = "case_1.0-1.debian.tar.xz";
const LISTS: [&str; 3] = ["Files", "Checksums-Sha1", "Checksums-Sha256"];

fn unlist_everywhere(dsc: &mut Dsc, name: &str) {
    for field in LISTS {
        dsc.unlist(field, name);
    }
}

/// Makes the first digit of every hash another one.
fn wrong_hashes(value: &str) -> String {
    let lines = value.split('\n').map(|line| match line.strip_prefix(' ') {
        Some(rest) if rest.starts_with('0') => format!(" 1{}", &rest[1..]),
        Some(rest) if !rest.is_empty() => format!(" 0{}", &rest[1..]),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes every hash in capitals.
fn capital_hashes(value: &str) -> String {
    let lines = value.split('\n').map(|line| match line.trim_start().split_once(' ') {
        Some((hash, rest)) => format!(" {} {rest}", hash.to_uppercase()),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Makes every size one byte larger.
fn wrong_sizes(value: &str) -> String {
    let lines = value.split('\n').map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["", hash, size, name] => format!(" {hash} {} {name}", size.parse::<u64>().unwrap() + 1),
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = checksums();
    cases.extend(lists());
    cases.extend(fields());
    cases.extend(text());
    cases
}

fn checksums() -> Vec<Case> {
    vec![
        refused("dsc-wrong-md5", "a wrong MD5 beside a right SHA-256", |b| {
            b.dsc(|dsc| dsc.edit("Files", wrong_hashes));
        }),
        refused("dsc-wrong-sha1", "a wrong SHA-1 beside a right SHA-256", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha1", wrong_hashes));
        }),
        refused("dsc-wrong-sha256", "a wrong SHA-256", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha256", wrong_hashes));
        }),
        refused("dsc-wrong-sizes", "sizes that are not the files'", |b| {
            b.dsc(|dsc| LISTS.iter().for_each(|field| dsc.edit(field, wrong_sizes)));
        }),
        refused("dsc-wrong-size-in-one", "a size that differs between two fields", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha1", wrong_sizes));
        }),
        refused("dsc-other-bytes-on-disk", "another file than the listed one", |b| {
            b.orig(upstream())
                .on_disk(ORIG, Compression::Gz.pack(&upstream().file("case-1.0/x", "x").finish()));
        }),
        refused("dsc-longer-on-disk", "bytes behind the listed ones", |b| {
            let mut bytes = Compression::Gz.pack(&upstream().finish());
            b.file(ORIG, bytes.clone());
            bytes.extend([0; 16]);
            b.on_disk(ORIG, bytes);
        }),
        refused("dsc-file-missing", "a listed file is not there", |b| {
            b.gone(ORIG);
        }),
        refused("dsc-signature-missing", "a listed signature is not there", |b| {
            b.file("case_1.0.orig.tar.gz.asc", "signature\n").gone("case_1.0.orig.tar.gz.asc");
        }),
        refused("dsc-wrong-signature-hash", "a listed signature is another one", |b| {
            b.file("case_1.0.orig.tar.gz.asc", "signature\n")
                .on_disk("case_1.0.orig.tar.gz.asc", "Signature\n");
        }),
        refused("dsc-upper-case-hashes", "hashes in capitals", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha256", capital_hashes));
        }),
        refused("dsc-list-with-extra-word", "a line of four words", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha256", |value| value.replacen("\n ", "\n 0 ", 1)));
        }),
        stricter("dsc-without-sha256", "SHA-256 is required unless a policy says otherwise", |b| {
            b.dsc(|dsc| dsc.remove("Checksums-Sha256"));
        }),
        stricter("dsc-sha256-of-one-file", "and of every file", |b| {
            b.dsc(|dsc| dsc.unlist("Checksums-Sha256", DEBIAN));
        }),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        refused("dsc-without-files", "the field Files is required", |b| {
            b.dsc(|dsc| dsc.remove("Files"));
        }),
        same("dsc-only-sha256-and-files", "no SHA-1", |b| {
            b.dsc(|dsc| dsc.remove("Checksums-Sha1"));
        }),
        same("dsc-file-only-in-sha256", "a file that Files does not list", |b| {
            b.dsc(|dsc| dsc.unlist("Files", DEBIAN));
        }),
        refused("dsc-name-with-slash", "a name that leads elsewhere", |b| {
            b.dsc(|dsc| {
                LISTS
                    .iter()
                    .for_each(|field| dsc.edit(field, |value| value.replace(ORIG, "./case_1.0.orig.tar.gz")))
            });
        }),
        refused("dsc-name-absolute", "a name that leads to the machine's files", |b| {
            b.dsc(|dsc| {
                LISTS.iter().for_each(|field| dsc.edit(field, |value| value.replace(ORIG, "/etc/passwd")))
            });
        }),
        refused("dsc-unknown-file", "a file that has no place in its format", |b| {
            b.file("case_1.0-1.extra", "x\n");
        }),
        refused("dsc-unknown-extension", "a compression that nobody knows", |b| {
            b.file("case_1.0.orig.tar.Z", Compression::Gz.pack(&upstream().finish()));
        }),
        refused("dsc-orig-of-other-version", "the orig tarball of another version", |b| {
            b.file("case_2.0.orig.tar.gz", Compression::Gz.pack(&upstream().finish()));
        }),
        refused("dsc-orig-of-other-package", "the orig tarball of another package", |b| {
            b.file("other_1.0.orig.tar.gz", Compression::Gz.pack(&upstream().finish()));
        }),
        refused("dsc-orig-twice", "the orig tarball in two compressions", |b| {
            b.orig(upstream()).tarball("orig", upstream(), Compression::Bz2);
        }),
        refused("dsc-debian-twice", "the packaging tarball in two compressions", |b| {
            b.debian(debian()).tarball("debian", debian(), Compression::Gz);
        }),
        refused("dsc-without-orig", "no orig tarball", |b| {
            b.dsc(|dsc| unlist_everywhere(dsc, ORIG));
        }),
        refused("dsc-without-debian", "no packaging tarball", |b| {
            b.dsc(|dsc| unlist_everywhere(dsc, DEBIAN));
        }),
        refused("dsc-without-any-file", "lists that are empty", |b| {
            b.dsc(|dsc| LISTS.iter().for_each(|field| dsc.set(field, "")));
        }),
        refused("dsc-file-listed-twice", "the same file twice in one list, with two hashes", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha256", |value| format!("{value}{}", wrong_hashes(value))));
        }),
        same("dsc-file-listed-twice-alike", "the same file twice in one list, with the same hash", |b| {
            b.dsc(|dsc| dsc.edit("Checksums-Sha256", |value| format!("{value}{value}")));
        }),
        same("dsc-orig-signature", "a signature beside the orig tarball", |b| {
            b.orig(upstream()).file("case_1.0.orig.tar.gz.asc", "-----BEGIN PGP SIGNATURE-----\n");
        }),
        refused("dsc-signature-of-other-compression", "a signature of another tarball", |b| {
            b.orig(upstream()).file("case_1.0.orig.tar.xz.asc", "-----BEGIN PGP SIGNATURE-----\n");
        }),
        refused("dsc-signature-of-debian", "the packaging tarball has no signature", |b| {
            b.file("case_1.0-1.debian.tar.xz.asc", "-----BEGIN PGP SIGNATURE-----\n");
        }),
    ]
}

fn fields() -> Vec<Case> {
    vec![
        refused("dsc-without-source", "no name", |b| {
            b.dsc(|dsc| dsc.remove("Source"));
        }),
        refused("dsc-without-version", "no version", |b| {
            b.dsc(|dsc| dsc.remove("Version"));
        }),
        refused("dsc-without-format", "no format", |b| {
            b.dsc(|dsc| dsc.remove("Format"));
        }),
        same("dsc-without-the-rest", "nothing but what is needed", |b| {
            b.dsc(|dsc| {
                for field in ["Binary", "Architecture", "Maintainer", "Standards-Version"] {
                    dsc.remove(field);
                }
            });
        }),
        same("dsc-unknown-fields", "fields that nobody knows, and long ones", |b| {
            b.dsc(|dsc| {
                dsc.set("X-Nobody-Knows", "this\n one\n .\n .two");
                dsc.set("Dgit", &"0123456789abcdef ".repeat(1000));
            });
        }),
        same("dsc-field-names-in-any-case", "field names are the same in any case", |b| {
            b.dsc_text(|text| {
                text.replace("Format:", "FORMAT:").replace("Checksums-Sha256", "checksums-sha256")
            });
        }),
        refused("dsc-field-twice", "a field that stands there twice", |b| {
            b.dsc_text(|text| format!("{text}Version: 2.0-1\n"));
        }),
        same("dsc-epoch", "an epoch is in the version, not in the files' names", |b| {
            b.version("3:1.0-1");
        }),
        same("dsc-odd-version", "every sign that a version may have", |b| {
            b.version("0+really1.0~rc1.A-b+c~1.2");
        }),
        same("dsc-version-with-dashes", "dashes in the upstream version", |b| {
            b.version("1.0-2-3-1");
        }),
        refused(
            "dsc-version-without-revision",
            "a quilt package needs a revision: its file has another name",
            |b| {
                b.dsc(|dsc| dsc.set("Version", "1.0"));
            },
        ),
        refused("dsc-version-with-space", "a version with a space", |b| {
            b.version("1.0 x-1");
        }),
        same("dsc-version-with-vertical-tab", "white space at the end of a version", |b| {
            b.dsc(|dsc| dsc.set("Version", "1.0-1\u{b}"));
        }),
        refused("dsc-version-with-slash", "a version that is a path", |b| {
            b.dsc(|dsc| dsc.set("Version", "../1.0-1"));
        }),
        refused("dsc-source-is-path", "a name that is a path", |b| {
            b.dsc(|dsc| dsc.set("Source", "../case"));
        }),
        refused("dsc-source-in-capitals", "a name in capitals", |b| {
            b.dsc(|dsc| dsc.set("Source", "CASE"));
        }),
        refused("dsc-format-unknown", "a format of the future", |b| {
            b.dsc(|dsc| dsc.set("Format", "4.0"));
        }),
        refused("dsc-format-git", "3.0 (git) is not for us", |b| {
            b.dsc(|dsc| dsc.set("Format", "3.0 (git)"));
        }),
        refused("dsc-format-bzr", "3.0 (bzr) is not for us", |b| {
            b.dsc(|dsc| dsc.set("Format", "3.0 (bzr)"));
        }),
        refused("dsc-format-custom", "3.0 (custom) is only for building", |b| {
            b.dsc(|dsc| dsc.set("Format", "3.0 (custom)"));
        }),
        refused("dsc-format-3.0-alone", "3.0 without its kind", |b| {
            b.dsc(|dsc| dsc.set("Format", "3.0"));
        }),
        refused(
            "dsc-format-1",
            "`1` is not `1.0`: its format is written, into a folder that is not there",
            |b| {
                b.format("1.0").dsc(|dsc| dsc.set("Format", "1"));
            },
        ),
        refused("dsc-format-with-text", "words after the format", |b| {
            b.dsc(|dsc| dsc.set("Format", "3.0 (quilt) really"));
        }),
        same("dsc-format-spaces", "spaces around the format", |b| {
            b.dsc(|dsc| dsc.set("Format", "  3.0 (quilt)   "));
        }),
    ]
}

/// The text as the body of a clearsigned message.
fn signed(text: &str, before: &str, after: &str) -> String {
    let signature = "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n";
    format!("{before}-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{text}\n{signature}{after}")
}

fn text() -> Vec<Case> {
    vec![
        same("dsc-clearsigned", "a signature that nobody can check", |b| {
            b.dsc_text(|text| signed(&text, "", ""));
        }),
        same("dsc-leading-blank-lines", "blank lines at the start", |b| {
            b.dsc_text(|text| format!("\n\n{text}"));
        }),
        same("dsc-trailing-blank-lines", "blank lines at the end", |b| {
            b.dsc_text(|text| format!("{text}\n \n\n"));
        }),
        same("dsc-trailing-stanza", "a second stanza is not read", |b| {
            b.dsc_text(|text| format!("{text}\nFormat: 1.0\nSource: other\n"));
        }),
        same("dsc-crlf", "CRLF line ends", |b| {
            b.dsc_text(|text| text.replace('\n', "\r\n"));
        }),
        same("dsc-tabs", "tabs in the lists and after the colons", |b| {
            b.dsc_text(|text| text.replace("\n ", "\n\t").replace(": ", ":\t"));
        }),
        same("dsc-latin-1", "a maintainer in Latin-1", |b| {
            b.dsc_bytes(|text| {
                let (before, after) = text.split_once("A Maintainer").unwrap();
                [before.as_bytes(), b"J\xf6rg", after.as_bytes()].concat()
            });
        }),
        refused("dsc-garbage", "no fields at all", |b| {
            b.dsc_text(|_| "this is no dsc\n".to_owned());
        }),
        refused("dsc-empty", "nothing at all", |b| {
            b.dsc_text(|_| String::new());
        }),
        same("dsc-without-last-newline", "no newline at the end", |b| {
            b.dsc_text(|text| text.trim_end().to_owned());
        }),
        same("dsc-comment", "a line that begins with `#`", |b| {
            b.dsc_text(|text| format!("# a comment\n{text}"));
        }),
        refused("dsc-line-without-colon", "a line that is no field", |b| {
            b.dsc_text(|text| format!("{text}no field\n"));
        }),
        refused("dsc-signed-and-cut", "a signed message without its signature", |b| {
            b.dsc_text(|text| format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{text}"));
        }),
    ]
}
