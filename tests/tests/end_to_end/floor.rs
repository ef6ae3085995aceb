//! The floor of the benchmark writes what Git takes for a pack: it must not be measured with less than it promises.

use std::process::Command;

use package_import_tests::build::Compression;
use package_import_tests::build::package::{debian, upstream};

#[test]
fn git_takes_the_pack_and_the_index_of_the_floor() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, again) = (folder.path().join("out.pack"), folder.path().join("again.idx"));
    let tarballs = [(Compression::Gz, upstream()), (Compression::Xz, debian())].map(|(with, tar)| {
        let path = folder.path().join(format!("{with:?}"));
        std::fs::write(&path, with.pack(&tar.finish())).unwrap();
        path
    });
    let floor = Command::new(env!("CARGO_BIN_EXE_floor")).arg(&pack).args(&tarballs).output().unwrap();
    assert!(floor.status.success(), "{}", String::from_utf8_lossy(&floor.stderr));
    let index = Command::new("git").args(["index-pack", "-o"]).arg(&again).arg(&pack).output().unwrap();
    assert!(index.status.success(), "{}", String::from_utf8_lossy(&index.stderr));
    assert_eq!(std::fs::read(pack.with_extension("idx")).unwrap(), std::fs::read(again).unwrap());
}
