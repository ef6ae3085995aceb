//! Histories at random: components that come, go and change their names, re-uploads, other tarballs of one upstream version,
//! formats, epochs; in one command, or one upload after the other. No tag ever changes, branches only move forward, and
//! `verify` has nothing to say. `STORM=long`: 2,000 of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use package_import_tests::installation::{Installation, binary};
use package_import_tests::synthetic::package;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// Writes some uploads of one package, each into a folder of its own.
fn uploads(numbers: &mut Numbers, folder: &Path) -> Vec<PathBuf> {
    let mut below: Vec<String> = Vec::new();
    let mut written = Vec::new();
    let (mut epoch, mut upstream, mut revision) = (0, 1, 0);
    for number in 0..3 + numbers.below(4) {
        let is_again = number > 0 && numbers.below(4) == 0;
        if !is_again {
            match numbers.below(5) {
                0 => (upstream, revision) = (upstream + 1, 1),
                1 if numbers.below(3) == 0 => (epoch, upstream, revision) = (epoch + 1, 1, 1),
                _ => revision += 1,
            }
        }
        let prefix = if epoch > 0 { format!("{epoch}:") } else { String::new() };
        let is_native = numbers.below(6) == 0;
        let version = if is_native {
            format!("{prefix}{upstream}.{revision}")
        } else {
            format!("{prefix}{upstream}-{revision}")
        };
        let older: Vec<&str> = below.iter().rev().filter(|it| **it != version).map(String::as_str).collect();
        let mut new = package("a0", &version).below(&older);
        if is_again {
            new = new.remark(&format!("Again {number}."));
        }
        // Of a few contents, some come twice: under another component's name, or with another main tarball.
        if numbers.below(3) == 0 {
            new = new.upstream("other", numbers.pick(&["x\n", "y\n"]).as_bytes());
        }
        if numbers.below(5) == 0 {
            new = new.upstream(".pc/applied-patches", "p\n");
        }
        for _ in 0..numbers.below(3) {
            let (name, content) = (*numbers.pick(&["foo", "bar", "baz"]), *numbers.pick(&["1\n", "2\n"]));
            new = new.component(name, "file", content);
        }
        if numbers.below(2) == 0 && !is_native {
            new = new.patch("p", "line 7", "seven");
        }
        let own = folder.join(format!("{number}"));
        fs::create_dir_all(&own).unwrap();
        written.push(new.write(&own));
        if !is_again {
            below.push(version);
        }
    }
    written
}

fn refs(it: &Installation) -> BTreeMap<String, String> {
    if !it.repository("a0").exists() {
        return BTreeMap::new();
    }
    let listed = it.git("a0", &["for-each-ref", "--format=%(refname) %(objectname)"]);
    listed.lines().filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.into(), b.into())).collect()
}

/// Asserts that every earlier ref exists, and that branches have moved forward.
fn assert_grown(it: &Installation, before: &BTreeMap<String, String>, seed: u64) {
    let after = refs(it);
    for (name, id) in before {
        let now = after.get(name).unwrap_or_else(|| panic!("{seed}: {name} is gone"));
        if name.starts_with("refs/heads/") {
            it.git("a0", &["merge-base", "--is-ancestor", id, now]);
        } else {
            assert_eq!(now, id, "{seed}: {name} was rewritten");
        }
    }
}

fn assert_sound(it: &Installation, seed: u64) {
    let output = Command::new(binary()).args(["verify", "a0", "--root"]).arg(it.root()).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{seed}: {said}");
}

fn history(seed: u64) {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..8 {
        numbers.below(2);
    }
    let (one, all) = (Installation::new(), Installation::new());
    let uploads = uploads(&mut numbers, &one.files());
    for dsc in &uploads {
        let before = refs(&one);
        one.import_well("debian", "sid", &[dsc]);
        assert_grown(&one, &before, seed);
    }
    assert_sound(&one, seed);
    let files: Vec<&Path> = uploads.iter().map(PathBuf::as_path).collect();
    let (first, rest) = files.split_at(usize::try_from(numbers.below(files.len() as u64)).unwrap());
    if !first.is_empty() {
        all.import_well("debian", "sid", first);
    }
    let before = refs(&all);
    all.import_well("debian", "sid", rest);
    assert_grown(&all, &before, seed);
    assert_sound(&all, seed);
    // Said again, nothing moves.
    let before = refs(&all);
    all.import_well("debian", "sid", &files);
    assert_eq!(refs(&all), before, "{seed}");
}

#[test]
fn no_tag_ever_changes() {
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    let count = if is_long { 2000 } else { 16 };
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || (0..count).filter(|seed| seed % 2 == half).for_each(history));
        }
    });
}
