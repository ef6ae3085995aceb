//! Random patches: valid ones, and damaged ones.

use crate::patch_differential::damage::damage;
use crate::patch_differential::make::{good_patch, random_tree};
use crate::patch_differential::oracle::Oracle;
use crate::patch_differential::rng::Rng;
use crate::patch_differential::world::{Format, Snapshot, What, World};
use crate::patch_differential::{FORMATS, compare};

/// Reads a number from the environment, for long runs.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a number"))
}

/// Compares many random cases; returns how many patches applied.
fn run(damaged: bool) -> (u64, u64) {
    let cases = setting("PATCH_DIFFERENTIAL_CASES", 200);
    let seed = setting("PATCH_DIFFERENTIAL_SEED", 1);
    let mut oracle = Oracle::start();
    let mut failures = Vec::new();
    let mut applied = 0;
    for case in 0..cases {
        let mut rng = Rng::new(seed.wrapping_mul(1 << 32).wrapping_add(case * 2 + u64::from(damaged)));
        let entries = random_tree(&mut rng);
        let mut patch = good_patch(&mut rng, &entries);
        if damaged {
            for _ in 0..1 + rng.below(3) {
                damage(&mut rng, &mut patch);
            }
        }
        let format = *rng.pick(&FORMATS);
        let world = World::new(format, &entries, &patch);
        match compare(&mut oracle, &world) {
            Ok(took) => applied += u64::from(took),
            Err(_) if format == Format::Version1 && makes_link(&world) => {}
            Err(text) => failures.push(format!(
                "case {case} of seed {seed}, {format:?}: {text}\n{}\n{:?}",
                String::from_utf8_lossy(&patch),
                entries
            )),
        }
    }
    let shown = failures.iter().take(8).cloned().collect::<Vec<_>>().join("\n=======\n");
    assert!(failures.is_empty(), "{} of {cases} differ\n{shown}", failures.len());
    (applied, cases)
}

/// True when a patch makes a symbolic link. The behaviour of dpkg with such a `1.0` package is known to be absurd.
fn makes_link(world: &World) -> bool {
    let made = |after: Snapshot| {
        let is_new = |path: &Vec<u8>| !matches!(world.entries.get(path), Some(What::Link(_)));
        after.iter().any(|(path, what)| matches!(what, What::Link(_)) && is_new(path))
    };
    world.patch().is_ok_and(made)
}

#[test]
fn good_random_patches() {
    let (applied, cases) = run(false);
    assert!(applied * 2 > cases, "only {applied} of {cases} random patches apply");
}

#[test]
fn damaged_random_patches() {
    let (applied, cases) = run(true);
    assert!(applied * 10 > cases, "only {applied} of {cases} damaged patches still apply");
}
