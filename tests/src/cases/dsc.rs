//! The `.dsc`: fields, checksums, file lists.

use super::Expect::*;
use super::{Case, case};
use crate::build::Compression;
use crate::build::package::upstream;

const ZERO_MD5: &str = "00000000000000000000000000000000";

pub fn cases() -> Vec<Case> {
    vec![
        case("wrong-md5", "beside a right SHA-256", Refused, |b| {
            b.orig(upstream()).dsc_text(|text| {
                let at = text.find("\nFiles:").unwrap() + 9;
                format!("{}{ZERO_MD5}{}", &text[..at], &text[at + 32..])
            });
        }),
        case("wrong-content", "other bytes of the same size", Refused, |b| {
            let mut bytes = Compression::Gz.pack(&upstream().finish());
            b.file("case_1.0.orig.tar.gz", bytes.clone());
            bytes[4] ^= 1;
            b.on_disk("case_1.0.orig.tar.gz", bytes);
        }),
        case("wrong-size", "shorter than listed", Refused, |b| {
            b.orig(upstream()).on_disk("case_1.0.orig.tar.gz", "short");
        }),
        case("file-missing", "listed and not there", Refused, |b| {
            b.orig(upstream()).gone("case_1.0.orig.tar.gz");
        }),
        case("name-with-slash", "leads elsewhere", Refused, |b| {
            b.orig(upstream()).dsc_text(|text| text.replace(" case_1.0.orig", " ../case_1.0.orig"));
        }),
        case("stray-file", "belongs to no format", Refused, |b| {
            b.orig(upstream()).file("case_1.0-1.extra.tar.gz", "x");
        }),
        case("two-origs", "in two compressions", Refused, |b| {
            b.orig(upstream()).tarball("orig", upstream(), Compression::Xz);
        }),
        case("orig-missing", "no upstream tarball", Refused, |b| {
            b.orig(upstream()).dsc(|dsc| {
                for field in ["Files", "Checksums-Sha1", "Checksums-Sha256"] {
                    dsc.unlist(field, "case_1.0.orig.tar.gz");
                }
            });
        }),
        case("asc-beside", "signatures of the upstream tarball are kept", Same, |b| {
            b.orig(upstream()).file("case_1.0.orig.tar.gz.asc", "-----BEGIN PGP SIGNATURE-----\n");
        }),
        case("asc-without-tarball", "of a tarball that is not there", Refused, |b| {
            b.orig(upstream()).file("case_1.0.orig-docs.tar.gz.asc", "x");
        }),
        case("no-sha256", "weak checksums", RefusedThoughDpkgTakesIt("weak checksums"), |b| {
            b.orig(upstream()).dsc(|dsc| dsc.remove("Checksums-Sha256"));
        }),
        case("no-files", "the field must be there", Refused, |b| {
            b.dsc(|dsc| dsc.remove("Files"));
        }),
        case("no-version", "the field must be there", Refused, |b| {
            b.dsc(|dsc| dsc.remove("Version"));
        }),
        case("bad-version", "no version", Refused, |b| {
            b.dsc(|dsc| dsc.set("Version", "x1.0-1"));
        }),
        case("second-stanza", "not looked at", Same, |b| {
            b.dsc_text(|text| text + "\nSource: other\nVersion: 9\n");
        }),
        case("crlf", "line ends of another system", Same, |b| {
            b.dsc_text(|text| text.replace('\n', "\r\n"));
        }),
        case("comments", "lines that begin with #", Same, |b| {
            b.dsc_text(|text| text.replace("Source:", "# comment\nSource:"));
        }),
        case("field-case", "names of fields without case", Same, |b| {
            b.dsc_text(|text| text.replace("Source:", "sOURCE:").replace("Version:", "VERSION  :"));
        }),
        case("field-twice", "refused", Refused, |b| {
            b.dsc_text(|text| format!("{text}Source: case\n"));
        }),
        case("blank-lines-first", "passed over", Same, |b| {
            b.dsc_text(|text| format!("\n \n{text}"));
        }),
        case("no-colon", "a line that is no field", Refused, |b| {
            b.dsc_text(|text| format!("{text}this is no field\n"));
        }),
        case("half-signed", "an unfinished signature", Refused, |b| {
            b.dsc_text(|text| format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}"));
        }),
        case("conflicting-sizes", "two lists disagree", Refused, |b| {
            b.dsc_text(|text| text.replacen(" case_1.0.orig.tar.gz", "0 case_1.0.orig.tar.gz", 1));
        }),
    ]
}
