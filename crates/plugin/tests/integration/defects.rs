//! Requirement 1: any defect of a check gives one line and code 3.

use std::process::Command;

use crate::common::{Root, Said, example};

fn defect(root: &Root, how: &str) -> Said {
    let program = example().with_file_name("check_import_defect");
    assert!(program.exists(), "{} is missing: cargo build --examples", program.display());
    let mut command = Command::new(program);
    command.args(["--how", how]).env_clear().env("PACKAGE_IMPORT_ROOT", root.path());
    command.output().unwrap().into()
}

#[test]
fn req1_a_defect_is_one_line_and_code_3() {
    let root = Root::with_database();
    let writer = root.writer();
    for (how, says) in [
        ("panic", "defect of the check: nobody thought of / this at "),
        ("thread", "defect of the check: index out of bounds"),
        ("overflow", "the reading process died while reading "),
        ("exit", "the reading process died while reading "),
        ("print", "the reading process died"),
        ("label", "defect of the check: the label Bad Label has characters"),
        ("write", "cannot read the database: attempt to write a readonly database"),
        ("many", "a statement delivers more than 1000 rows"),
        ("two", "one row was expected, there are more"),
        ("type", "column 0 of the view is no whole number"),
    ] {
        defect(&root, how).is(3, &format!("IMPORT DEFECT UNKNOWN - {says}"));
    }
    defect(&root, "none").is(0, "IMPORT DEFECT OK - nothing\n");
    let left: i64 = writer.query_row("SELECT count(*) FROM counters", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}
