//! Which histories imports make.
#![allow(clippy::unwrap_used)]

use package_import_tests::installation::Installation;
use package_import_tests::synthetic::package;

#[test]
fn a_linear_history() {
    let it = Installation::new();
    let files = it.files();
    let first = package("a0", "1.0-1").write(&files);
    let second = package("a0", "1.0-2").below(&["1.0-1"]).patch("p", "line 7", "seven").write(&files);
    let third = package("a0", "2.0-1").below(&["1.0-2", "1.0-1"]).write(&files);
    it.import_well("debian", "sid", &[&third, &first, &second]);
    insta::assert_snapshot!(it.graph("a0", &["debian/sid"]), @"");
    insta::assert_snapshot!(it.graph("a0", &["applied/debian/sid"]), @"");
    it.assert_clean("a0");
}
