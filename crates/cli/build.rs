//! Links the unwinder of libgcc into the program. The shared library asks the processor for its abilities whenever a
//! program starts, which a virtual machine answers slowly, and is one more file to map.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if is_gnu {
        println!("cargo::rustc-link-lib=static=gcc_eh");
    }
}
