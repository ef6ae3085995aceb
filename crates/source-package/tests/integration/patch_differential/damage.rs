//! Damages patches in ways on which dpkg and GNU patch, the two readers of a patch, might disagree.

use crate::patch_differential::make::Lines;
use crate::patch_differential::rng::Rng;

/// Lines with a meaning somewhere in a patch, for places where they are not expected.
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
