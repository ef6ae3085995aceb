//! Makes random trees and patches, and damages patches.

use crate::world::{Snapshot, What};

/// A small generator of numbers (splitmix64): the same seed makes the same cases for ever.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const PATHS: [&str; 6] = ["f", "d/g", "d/e/h", "only/one", "x.sh", "z z"];
const WORDS: [&str; 5] = ["a", "b", "", "long line", "-x"];

type Lines = Vec<Vec<u8>>;

/// Lines with their ends; the last one may lack it.
fn random_lines(rng: &mut Rng, most: usize) -> Lines {
    let count = rng.below(most + 1);
    let end: &[u8] = if rng.chance(12) { b"\r\n" } else { b"\n" };
    let mut lines: Lines = (0..count).map(|_| [rng.pick(&WORDS).as_bytes(), end].concat()).collect();
    if let Some(last) = lines.last_mut().filter(|_| rng.chance(6)) {
        last.pop();
    }
    lines.retain(|line| !line.is_empty());
    lines
}

pub fn random_tree(rng: &mut Rng) -> Snapshot {
    let mut tree = Snapshot::new();
    for path in PATHS {
        if !rng.chance(5) {
            let content = random_lines(rng, 14).concat();
            tree.insert(path.as_bytes().to_vec(), What::File(content, rng.chance(3)));
        }
    }
    for (path, target) in [("ln", "f"), ("dl", "d"), ("nowhere", "x/y")] {
        tree.insert(path.as_bytes().to_vec(), What::Link(target.as_bytes().to_vec()));
    }
    if rng.chance(3) {
        tree.insert(b"hollow".to_vec(), What::Folder);
    }
    tree
}

pub fn good_patch(rng: &mut Rng, tree: &Snapshot) -> Vec<u8> {
    let mut patch = Vec::new();
    if rng.chance(3) {
        patch.extend_from_slice(b"Description: x\n more\n\n");
    }
    for _ in 0..1 + rng.below(3) {
        patch.extend(one_file(rng, tree));
        if rng.chance(8) {
            patch.extend_from_slice(b"\nsome text\n");
        }
    }
    patch
}

fn one_file(rng: &mut Rng, tree: &Snapshot) -> Vec<u8> {
    let path = *rng.pick(&PATHS);
    let old = match tree.get(path.as_bytes()) {
        Some(What::File(content, _)) => {
            content.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect()
        }
        _ => Lines::new(),
    };
    let exists = tree.contains_key(path.as_bytes());
    if rng.chance(8) {
        return git_alone(rng, path);
    }
    let removed = exists && !old.is_empty() && rng.chance(6);
    let edits = random_edits(rng, &old, removed);
    let context = *rng.pick(&[0, 1, 2, 3, 3, 3]);
    // Now and then the file is not quite the one that the patch was made for.
    let shift = if rng.chance(4) { rng.below(7) as i64 - 3 } else { 0 };
    let hunks = write_hunks(&edits, context, shift);
    let made = !exists || (old.is_empty() && rng.chance(2));
    let mut text = headers(rng, path, made, removed);
    text.extend(hunks);
    text
}

fn git_alone(rng: &mut Rng, path: &str) -> Vec<u8> {
    let target = *rng.pick(&["f", "new", "p/q/new", "d/g"]);
    let kind = *rng.pick(&["rename", "copy"]);
    match rng.below(4) {
        0 => format!("diff --git a/{path} b/{path}\nold mode 100644\nnew mode 100755\n"),
        1 => format!("diff --git a/{target} b/{target}\nnew file mode 100644\nindex 0000000..e69de29\n"),
        _ => format!("diff --git a/{path} b/{target}\n{kind} from {path}\n{kind} to {target}\n"),
    }
    .into_bytes()
}

#[derive(Clone)]
struct Edit {
    mark: u8,
    line: Vec<u8>,
}

fn random_edits(rng: &mut Rng, old: &Lines, remove_all: bool) -> Vec<Edit> {
    let rate = *rng.pick(&[2, 4, 8]);
    let mut edits = Vec::new();
    let insert = |rng: &mut Rng, edits: &mut Vec<Edit>| {
        let line = [rng.pick(&WORDS).as_bytes(), b"!\n"].concat();
        edits.push(Edit { mark: b'+', line });
    };
    for line in old {
        if remove_all || rng.chance(rate) {
            edits.push(Edit { mark: b'-', line: line.clone() });
            if !remove_all && rng.chance(2) {
                insert(rng, &mut edits);
            }
        } else {
            if rng.chance(rate * 2) {
                insert(rng, &mut edits);
            }
            edits.push(Edit { mark: b' ', line: line.clone() });
        }
    }
    if edits.iter().all(|edit| edit.mark == b' ') {
        insert(rng, &mut edits);
    }
    // A line without an end must be the last one.
    for mark in [b'-', b'+'] {
        let last = edits.iter().rposition(|edit| edit.mark != if mark == b'-' { b'+' } else { b'-' });
        for (at, edit) in edits.iter_mut().enumerate() {
            if Some(at) != last && edit.mark == mark && !edit.line.ends_with(b"\n") {
                edit.line.push(b'\n');
            }
        }
        if let Some(last) = last.filter(|_| mark == b'+' && rng.chance(8))
            && edits[last].mark == b'+'
            && edits[last].line.len() > 1
        {
            edits[last].line.pop();
        }
    }
    edits
}

fn write_hunks(edits: &[Edit], context: usize, shift: i64) -> Vec<u8> {
    let changed: Vec<usize> = (0..edits.len()).filter(|&at| edits[at].mark != b' ').collect();
    let mut text = Vec::new();
    let mut at = 0;
    while at < changed.len() {
        let first = at;
        while at + 1 < changed.len() && changed[at + 1] - changed[at] <= 2 * context + 1 {
            at += 1;
        }
        let begin = changed[first].saturating_sub(context);
        let end = (changed[at] + context + 1).min(edits.len());
        text.extend(write_hunk(edits, begin, end, shift));
        at += 1;
    }
    text
}

fn write_hunk(edits: &[Edit], begin: usize, end: usize, shift: i64) -> Vec<u8> {
    let count = |range: &[Edit], other: u8| range.iter().filter(|edit| edit.mark != other).count() as i64;
    let range = |other: u8| {
        let (before, lines) = (count(&edits[..begin], other), count(&edits[begin..end], other));
        let first = (before + i64::from(lines > 0) + if before > 0 { shift } else { 0 }).max(0);
        if lines == 1 { first.to_string() } else { format!("{first},{lines}") }
    };
    let mut text = format!("@@ -{} +{} @@\n", range(b'+'), range(b'-')).into_bytes();
    for edit in &edits[begin..end] {
        text.push(edit.mark);
        text.extend_from_slice(&edit.line);
        if !edit.line.ends_with(b"\n") {
            text.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
    text
}

fn headers(rng: &mut Rng, path: &str, made: bool, removed: bool) -> Vec<u8> {
    let tab = if path.contains(' ') { "\t" } else { "" };
    let (mut old, mut new) = (format!("a/{path}{tab}"), format!("b/{path}{tab}"));
    if rng.chance(5) {
        old = format!("pkg.orig/{path}\t2020-01-01 10:00:00.000000000 +0100");
        new = format!("pkg/{path}\t2020-01-02 10:00:00.000000000 +0100");
    }
    let mut text = String::new();
    match rng.below(6) {
        0 => text += &format!("Index: pkg/{path}\n=====\n"),
        1 | 2 => {
            text += &format!("diff --git a/{path} b/{path}\n");
            if made {
                text += *rng.pick(&["new file mode 100644\n", "new file mode 100755\n"]);
            } else if removed {
                text += "deleted file mode 100644\n";
            }
            let side = |gone: bool| if gone { "0000000" } else { "123abcd" };
            text += &format!("index {}..{}\n", side(made), side(removed));
        }
        3 => text += "diff -Nru old new\n",
        _ => {}
    }
    const GONE: [&str; 3] = ["/dev/null", "", "/dev/null\t1970-01-01"];
    if made {
        let how = rng.pick(&GONE);
        old = gone(how, old);
    }
    if removed {
        let how = rng.pick(&GONE);
        new = gone(how, new);
    }
    (text + &format!("--- {old}\n+++ {new}\n")).into_bytes()
}

fn gone(how: &str, name: String) -> String {
    match how {
        "" => format!("{}\t1970-01-01 00:00:00.000000000 +0000", name.split('\t').next().unwrap_or_default()),
        _ => how.to_owned(),
    }
}

const LINES: [&str; 50] = [
    "diff --git a/ln b/moved",
    "diff --git a/ln b/ln",
    "diff --git a/nowhere b/f",
    "index 1234567..7654321 120000",
    "--- a/dl/g",
    "+++ b/hollow/new",
    "\\ No newline at end of file",
    "\\",
    "",
    "text",
    "# comment",
    "--- a/f",
    "+++ b/f",
    "--- a/d/g\t2020-01-01",
    "+++ b/d/g",
    "--- /dev/null",
    "+++ /dev/null",
    "@@ -1 +1 @@",
    "@@ -0,0 +1 @@",
    "@@ -1,2 +1,3 @@ x",
    " @@ -1,1 +1,1 @@",
    "  --- a/f",
    "  +++ b/f",
    "X@@ -1 +1,2 @@",
    "-a",
    "+b!",
    " a",
    "  b",
    "=a",
    "\ta",
    "Index: a/f",
    "Index: x/d/g",
    "Prereq: a",
    "diff --git a/f b/f",
    "diff --git a/d/g b/new",
    "diff --git a/f b/p/q/x",
    "old mode 100644",
    "new mode 100755",
    "new file mode 100755",
    "new file mode 120000",
    "deleted file mode 100644",
    "rename from f",
    "rename to new",
    "copy from f",
    "copy to new",
    "index 0000000..e69de29",
    "index e69de29..0000000",
    "index 1234567..7654321 100755",
    "GIT binary patch",
    "-- ",
];

/// Damages a patch in one of many ways.
pub fn damage(rng: &mut Rng, patch: &mut Vec<u8>) {
    let mut lines: Lines = patch.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let at = rng.below(lines.len());
    match rng.below(15) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = rng.below(lines.len());
            lines.swap(at, other);
        }
        3 => change_number(rng, &mut lines),
        4 | 5 => lines.insert(at, [rng.pick(&LINES).as_bytes(), b"\n"].concat()),
        6 => lines[at] = [rng.pick(&LINES).as_bytes(), b"\n"].concat(),
        7 => lines.iter_mut().for_each(carriage_return),
        8 => carriage_return(&mut lines[at]),
        9 => lines.truncate(at + 1),
        10 => {
            lines.last_mut().expect("a line").pop();
        }
        11 => {
            let byte = rng.below(lines[at].len());
            lines[at][byte] = *rng.pick(b" +-@\\a/0\t\n#");
        }
        12 => {
            let by = *rng.pick(&[" ", "  ", "\t", "X"]);
            for line in &mut lines[at..] {
                line.splice(0..0, by.bytes());
            }
        }
        13 => {
            let end = at + rng.below(lines.len() - at) + 1;
            let block = lines[at..end].to_vec();
            lines.extend(block);
        }
        _ => rename(rng, &mut lines),
    }
    *patch = lines.concat();
}

fn carriage_return(line: &mut Vec<u8>) {
    if line.pop().is_some_and(|last| last == b'\n') {
        line.extend_from_slice(b"\r\n");
    }
}

fn change_number(rng: &mut Rng, lines: &mut Lines) {
    let hunks: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with(b"@@")).collect();
    if hunks.is_empty() {
        return;
    }
    let line = &mut lines[*rng.pick(&hunks)];
    let digits: Vec<usize> = (0..line.len()).filter(|&at| line[at].is_ascii_digit()).collect();
    if !digits.is_empty() {
        line[*rng.pick(&digits)] = b'0' + rng.below(10) as u8;
    }
}

/// Changes a name in a header.
fn rename(rng: &mut Rng, lines: &mut Lines) {
    let headers: Vec<usize> = (0..lines.len())
        .filter(|&at| lines[at].starts_with(b"---") || lines[at].starts_with(b"+++"))
        .collect();
    if headers.is_empty() {
        return;
    }
    let line = &mut lines[*rng.pick(&headers)];
    let name = *rng.pick(&[
        "a/f",
        "b/d/g",
        "b/d/e/h",
        "a/new",
        "a/p/q/new",
        "a/only/one.orig",
        "x/d//g",
        "f",
        "/dev/null",
        "a/d",
        "a/f/x",
        "a/./f",
        "a/only/",
        "a/z z",
        "a/f\t1970-01-01 00:00:00 +0000",
        "a/ln",
        "b/dl/g",
        "b/nowhere",
        "b/hollow/new",
        "a/hollow",
    ]);
    line.truncate(4);
    line.extend_from_slice(name.as_bytes());
    line.push(b'\n');
}
