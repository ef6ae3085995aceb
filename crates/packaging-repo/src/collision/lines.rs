//! Merges two changes of a text line by line, as Git does: a change that touches one of the other side is a conflict,
//! unless both are equal. The rules are those of Git's `xdl_merge`; the differences come from a library.

use imara_diff::{Algorithm, Diff, InternedInput, Token};

/// A run of lines that was replaced: `count` lines from `at` on became others.
#[derive(Clone, Copy)]
struct Replaced {
    base: usize,
    base_count: usize,
    side: usize,
    side_count: usize,
}

/// Side whose lines a part of the result has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    First,
    Second,
    /// Both have changed it.
    Both,
}

/// A part of the result that is not simply the first side's.
struct Part {
    taken: Taken,
    first: usize,
    first_count: usize,
    second: usize,
    second_count: usize,
}

/// Merge of two changes of a text; `None` if they conflict, or if one of the texts is binary.
pub(super) fn merge(base: &[u8], first: &[u8], second: &[u8]) -> Option<Vec<u8>> {
    if [base, first, second].into_iter().any(is_binary) {
        return None;
    }
    let mut input: InternedInput<&[u8]> = InternedInput::default();
    input.update_before(imara_diff::sources::byte_lines(base));
    input.update_after(imara_diff::sources::byte_lines(first));
    let of_first = replaced(&input);
    let first_lines = input.after.clone();
    input.update_after(imara_diff::sources::byte_lines(second));
    let of_second = replaced(&input);
    let second_lines = &input.after;
    let lengths = (input.before.len(), first_lines.len(), second_lines.len());
    let parts = parts(&of_first, &of_second, lengths, |one, other, count| {
        first_lines.get(one..one + count) == second_lines.get(other..other + count)
    });
    let mut merged = Vec::with_capacity(first.len() + second.len() / 4);
    let mut at = 0;
    let mut put = |lines: &[Token], from: usize, to: usize| {
        lines
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .for_each(|it| merged.extend_from_slice(input.interner[*it]));
    };
    for part in parts {
        put(&first_lines, at, part.first);
        let theirs = second_lines.get(part.second..part.second + part.second_count);
        match part.taken {
            Taken::First => put(&first_lines, part.first, part.first + part.first_count),
            Taken::Second => put(second_lines, part.second, part.second + part.second_count),
            Taken::Both if first_lines.get(part.first..part.first + part.first_count) == theirs => {
                put(&first_lines, part.first, part.first + part.first_count);
            }
            Taken::Both => return None,
        }
        at = part.first + part.first_count;
    }
    put(&first_lines, at, first_lines.len());
    Some(merged)
}

/// Git takes a file for binary that has a NUL among its first bytes.
pub(super) fn is_binary(text: &[u8]) -> bool {
    text.iter().take(8000).any(|&byte| byte == 0)
}

fn replaced(input: &InternedInput<&[u8]>) -> Vec<Replaced> {
    let mut diff = Diff::compute(Algorithm::Histogram, input);
    diff.postprocess_no_heuristic(input);
    let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
    diff.hunks()
        .map(|hunk| Replaced {
            base: place(hunk.before.start),
            base_count: hunk.before.len(),
            side: place(hunk.after.start),
            side_count: hunk.after.len(),
        })
        .collect()
}

/// Brings the changes of both sides into one order. `lengths` are those of base, first and second.
fn parts(
    first: &[Replaced],
    second: &[Replaced],
    lengths: (usize, usize, usize),
    same: impl Fn(usize, usize, usize) -> bool,
) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut one, mut other) = (first.iter().copied().peekable(), second.iter().copied().peekable());
    while let (Some(&a), Some(&b)) = (one.peek(), other.peek()) {
        if a.base + a.base_count < b.base {
            let second = a.base + b.side - b.base;
            add(&mut parts, Taken::First, (a.side, a.side_count), (second, a.base_count));
            one.next();
            continue;
        }
        if b.base + b.base_count < a.base {
            let first = b.base + a.side - a.base;
            add(&mut parts, Taken::Second, (first, b.base_count), (b.side, b.side_count));
            other.next();
            continue;
        }
        let is_same = a.base == b.base
            && a.base_count == b.base_count
            && a.side_count == b.side_count
            && same(a.side, b.side, a.side_count);
        if !is_same {
            let start = a.base.min(b.base);
            let end = (a.base + a.base_count).max(b.base + b.base_count);
            let reach = |it: Replaced| {
                let begin = it.side.saturating_sub(it.base - start);
                let finish = it.side + it.side_count + (end - it.base - it.base_count);
                (begin, finish - begin)
            };
            add(&mut parts, Taken::Both, reach(a), reach(b));
        }
        let (end_a, end_b) = (a.base + a.base_count, b.base + b.base_count);
        if end_a >= end_b {
            other.next();
        }
        if end_b >= end_a {
            one.next();
        }
    }
    let (base_lines, first_lines, second_lines) = lengths;
    for a in one {
        let second = (a.base + second_lines).saturating_sub(base_lines);
        add(&mut parts, Taken::First, (a.side, a.side_count), (second, a.base_count));
    }
    for b in other {
        let first = (b.base + first_lines).saturating_sub(base_lines);
        add(&mut parts, Taken::Second, (first, b.base_count), (b.side, b.side_count));
    }
    parts
}

/// A part that touches the one before belongs to it.
fn add(parts: &mut Vec<Part>, taken: Taken, first: (usize, usize), second: (usize, usize)) {
    if let Some(last) = parts.last_mut()
        && (first.0 <= last.first + last.first_count || second.0 <= last.second + last.second_count)
    {
        if last.taken != taken {
            last.taken = Taken::Both;
        }
        last.first_count = (first.0 + first.1).saturating_sub(last.first);
        last.second_count = (second.0 + second.1).saturating_sub(last.second);
        return;
    }
    let (first, first_count) = first;
    let (second, second_count) = second;
    parts.push(Part { taken, first, first_count, second, second_count });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(lines: &[&str]) -> Vec<u8> {
        lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }

    #[test]
    fn changes_apart_are_merged_and_changes_that_touch_conflict() {
        let base = text(&["1", "2", "3", "4", "5"]);
        let first = text(&["1", "two", "3", "4", "5"]);
        assert_eq!(
            merge(&base, &first, &text(&["1", "2", "3", "four", "5"])).unwrap(),
            text(&["1", "two", "3", "four", "5"])
        );
        assert_eq!(merge(&base, &first, &text(&["1", "2", "three", "4", "5"])), None);
        assert_eq!(merge(&base, &first, &first).unwrap(), first);
        assert_eq!(merge(&base, &first, &base).unwrap(), first);
        assert_eq!(merge(&base, &base, &first).unwrap(), first);
        let both = text(&["1", "two", "3", "4", "5", "6"]);
        assert_eq!(merge(&base, &first, &both).unwrap(), both);
    }

    #[test]
    fn what_is_no_text_is_not_merged() {
        assert_eq!(merge(b"a\0\n", b"b\0\n", b"a\0\nc"), None);
        assert_eq!(merge(b"", b"a\n", b"b\n"), None);
        assert_eq!(merge(b"", b"a\n", b"a\n").unwrap(), b"a\n");
    }
}
