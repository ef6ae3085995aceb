//! Compares the patch engine with dpkg's own code and GNU patch: whether a patch is accepted, and its result.

mod cases;
mod damage;
mod make;
mod oracle;
mod packages;
mod random;
mod rng;
mod world;

use oracle::Oracle;
use world::{Format, Snapshot, World, difference};

const FORMATS: [Format; 3] = [Format::Quilt, Format::Version2, Format::Version1];

/// Differences of the engine that are wanted, with the reason. Each must still exist, else it has to go from this list.
const KNOWN: &[(&str, &[Format], &str)] = &[
    ("an ed script", &FORMATS, "patch runs the editor ed on it; no program is run here"),
    (
        "a new link with a line end in it",
        &[Format::Version1],
        "dpkg makes a file through a new link that leads nowhere, and then removes the link",
    ),
    ("a new link with a NUL", &[Format::Version1], "as the one with a line end in it"),
];

/// Compares one world. The answer tells of a disagreement.
fn compare(oracle: &mut Oracle, world: &World) -> Result<bool, String> {
    let ours = world.patch();
    let real = oracle.judge(world);
    match (ours, real) {
        (Ok(ours), Ok(real)) if ours == real || only_luck(&ours, &real) => Ok(true),
        (Ok(ours), Ok(real)) => Err(format!("the trees differ:\n{}", difference(&ours, &real))),
        (Err(_), Err(_)) => Ok(false),
        (Ok(_), Err(log)) => Err(format!("taken, but refused by the oracle:\n{log}")),
        (Err(error), Ok(_)) => Err(format!("refused, but taken by the oracle: {error}")),
    }
}

/// True when two trees differ in a backup alone. For a diff of Git that changes nothing, patch decides by the
/// inode number of a file that it has removed whether to make one: it depends on the file system.
fn only_luck(ours: &Snapshot, real: &Snapshot) -> bool {
    let plain = |tree: &Snapshot| {
        let mut tree = tree.clone();
        tree.retain(|path, _| !path.ends_with(b".dpkg-orig"));
        tree
    };
    plain(ours) == plain(real) && real.keys().all(|path| ours.contains_key(path))
}

#[test]
fn hand_written_patches() {
    let mut oracle = Oracle::start();
    let mut failures = String::new();
    let cases = cases::all();
    for case in &cases {
        for format in FORMATS {
            let world = World::new(format, &case.entries, &case.patch);
            let verdict = compare(&mut oracle, &world);
            let known =
                KNOWN.iter().any(|(name, formats, _)| *name == case.name && formats.contains(&format));
            let problem = match verdict {
                Err(_) if known => continue,
                Err(text) => text + &String::from_utf8_lossy(&case.patch),
                Ok(_) if known => "agrees, though it is known to differ".to_owned(),
                Ok(applies) if format == Format::Quilt && applies != case.applies => {
                    format!("expected: {}", case.applies)
                }
                Ok(_) => continue,
            };
            failures += &format!("{} ({format:?}): {problem}\n", case.name);
        }
    }
    assert!(cases.len() >= 80, "{} cases", cases.len());
    assert!(failures.is_empty(), "{failures}");
}
