//! Symbolic links, and where they lead.

use super::Expect::*;
use super::{Case, case};
use crate::build::Tar;
use crate::build::package::{plain_debian, upstream};

pub fn cases() -> Vec<Case> {
    vec![
        case("links-anywhere", "outside of debian/ they may lead anywhere", Same, |b| {
            b.orig(
                upstream()
                    .link("case-1.0/dangling", "nowhere")
                    .link("case-1.0/abs", "/etc/passwd")
                    .link("case-1.0/out", "../../x")
                    .link("case-1.0/loop", "loop")
                    .link("case-1.0/dir", "sub"),
            );
        }),
        case("through-link", "tar follows it", RefusedThoughDpkgTakesIt("unsafe"), |b| {
            b.orig(upstream().link("case-1.0/l", "sub").file("case-1.0/l/x", "x\n"));
        }),
        case("through-link-out", "tar delays such links, so nothing is behind them", Refused, |b| {
            b.orig(upstream().link("case-1.0/l", "../..").file("case-1.0/l/x", "x\n"));
        }),
        case("below-a-file", "not a folder", Refused, |b| {
            b.orig(upstream().file("case-1.0/a.txt/x", "x\n"));
        }),
        case("debian-link-inside", "into the source", Same, |b| {
            b.debian(plain_debian().link("debian/src", "../sub").link("debian/copy", "../a.txt"));
        }),
        case("debian-link-out", "reachable from debian/ and outside", Refused, |b| {
            b.debian(plain_debian().link("debian/passwd", "/etc/passwd"));
        }),
        case("debian-link-out-relative", "out by climbing", Refused, |b| {
            b.debian(plain_debian().link("debian/up", "../../other"));
        }),
        case("debian-link-dev-null", "allowed", Same, |b| {
            b.debian(plain_debian().link("debian/none", "/dev/null"));
        }),
        case("debian-link-dangling", "nothing there, nothing wrong", Same, |b| {
            b.debian(plain_debian().link("debian/d", "no/where"));
        }),
        case("debian-link-far-dangling", "outside, but nothing there", Same, |b| {
            b.debian(plain_debian().link("debian/d", "/no/such/place"));
        }),
        case("debian-link-loop", "cannot be resolved", Refused, |b| {
            b.debian(plain_debian().link("debian/l", "l"));
        }),
        case("debian-link-to-link-out", "by way of another link", Refused, |b| {
            b.orig(upstream().link("case-1.0/out", "/etc"))
                .debian(plain_debian().link("debian/via", "../out"));
        }),
        case("debian-link-to-folder-with-link-out", "by way of a folder", Refused, |b| {
            b.orig(upstream().link("case-1.0/sub/out", "/etc/passwd"))
                .debian(plain_debian().link("debian/via", "../sub"));
        }),
        case("debian-itself-a-link", "debian.tar may hold one", Same, |b| {
            b.debian(
                Tar::new()
                    .link("debian", "real")
                    .dir("real/")
                    .file("real/control", "x\n")
                    .file("real/rules", "x\n"),
            );
        }),
        case("debian-itself-a-link-out", "outside", Refused, |b| {
            b.debian(Tar::new().link("debian", "/etc"));
        }),
        case("format-a-dangling-link", "dpkg writes through it", Same, |b| {
            b.debian(plain_debian().dir("debian/source/").link("debian/source/format", "other"));
        }),
    ]
}
