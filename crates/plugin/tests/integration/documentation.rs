//! The code in `docs/writing-a-check.md` is the code that the tests compile and run.

use std::fs;
use std::path::Path;

#[test]
fn the_check_in_the_documentation_is_the_tested_one_and_short() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = fs::read_to_string(here.join("examples/check_import_example.rs")).unwrap();
    let text = fs::read_to_string(here.join("../../docs/writing-a-check.md")).unwrap();
    let shown = text.split("```rust\n").nth(1).and_then(|rest| rest.split("```\n").next()).unwrap();
    assert_eq!(shown, code);
    assert!(code.lines().count() <= 40, "{} lines", code.lines().count());
}
