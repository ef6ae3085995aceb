//! The names by which these tests look for what the importer has made.

use package_import_tests::engine::{mangled, pool_prefix};

#[test]
fn tags_are_mangled_as_dep_14_says() {
    let pairs = [
        ("1:1.0~rc1-1", "1%1.0_rc1-1"),
        ("1..2", "1.#.2"),
        ("1...2", "1.#.#.2"),
        ("1.", "1.#"),
        ("1.lock", "1.#lock"),
        ("1.lock.2", "1.lock.2"),
    ];
    for (version, tag) in pairs {
        assert_eq!(mangled(version), tag);
    }
}

#[test]
fn pool_prefixes() {
    assert_eq!(["hello", "libx", "libxml2", "lib"].map(pool_prefix), ["h", "libx", "libx", "lib"]);
}
