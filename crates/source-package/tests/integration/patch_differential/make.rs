//! Makes random trees, and patches that usually fit them.

use crate::patch_differential::rng::Rng;
use crate::patch_differential::world::{Snapshot, What};

const PATHS: [&str; 6] = ["f", "d/g", "d/e/h", "only/one", "x.sh", "z z"];
const WORDS: [&str; 5] = ["a", "b", "", "long line", "-x"];

/// A text by its lines, with their ends.
pub type Lines = Vec<Vec<u8>>;

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

/// A tree with files of a few short lines, links and folders.
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

/// A patch of one or more files of a tree, most of whose hunks fit.
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
    // Sometimes the file differs slightly from the one that the patch was made for.
    let shift = if rng.chance(4) { rng.below(7) as i64 - 3 } else { 0 };
    let hunks = write_hunks(&edits, context, shift);
    let made = !exists || (old.is_empty() && rng.chance(2));
    let mut text = headers(rng, path, made, removed);
    text.extend(hunks);
    text
}

/// A diff without hunks, as only Git writes it.
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
    for mark in *b"-+" {
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
