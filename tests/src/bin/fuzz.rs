//! libFuzzer on one of the targets of `package_import_tests::fuzzing`. `scripts/fuzz` builds it, with the counters of
//! coverage, and calls it; the arguments are those of libFuzzer.
//!
//! `FUZZ_TARGET=NAME fuzz CORPUS -max_total_time=60`; `FUZZ_SEEDS=1` writes the inputs to begin with into the folder CORPUS
//! and ends.

#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::OnceLock;

use package_import_tests::fuzzing::{Target, target};

fn wanted() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
        target(&name).expect("FUZZ_TARGET names a target that there is")
    })
}

fn write_seeds(corpus: &Path) {
    std::fs::create_dir_all(corpus).unwrap();
    for (number, seed) in (wanted().seeds)().iter().enumerate() {
        std::fs::write(corpus.join(format!("seed-{number}")), seed).unwrap();
    }
}

libfuzzer_sys::fuzz_target!(
    init: {
        if std::env::var_os("FUZZ_SEEDS").is_some() {
            write_seeds(Path::new(&std::env::args_os().nth(1).expect("a folder for the corpus")));
            std::process::exit(0);
        }
    },
    |data: &[u8]| (wanted().run)(data)
);
