//! Deltas between two versions of a file (`gitformat-pack(5)`, "Deltified representation").
//!
//! A patch changes a few lines: the bytes in front and behind are copied from the earlier file, and so are known
//! lines in between. That is far cheaper than to compress the whole file again, and smaller. A repack finds better
//! ones.

/// Number of bytes that are compared at once.
const BLOCK: usize = 64;
/// Largest number of bytes that one instruction copies.
const LONGEST_COPY: usize = 0x10000;
/// Largest number of bytes that one instruction inserts.
const LONGEST_INSERT: usize = 0x7f;
/// Number of bytes between the first change and the last that are inserted without a search by lines.
const SMALL: usize = 256;
/// A shorter line is found in too many places.
const SHORTEST_LINE: usize = 12;

/// The instructions that make `new` out of `base`, if they are worth while.
pub(crate) fn encode(base: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    u32::try_from(base.len()).ok()?;
    let front = common_front(base, new);
    let back = common_back(&base[front..], &new[front..]);
    let (old_between, between) = (&base[front..base.len() - back], &new[front..new.len() - back]);
    let mut delta = Vec::with_capacity(between.len().min(new.len() / 4) + 32);
    push_size(&mut delta, base.len());
    push_size(&mut delta, new.len());
    push_copy(&mut delta, 0, front);
    let largest = delta.len() + new.len() / 4;
    if between.len() <= SMALL {
        push_insert(&mut delta, between);
    } else {
        push_lines(&mut delta, front, old_between, between, largest)?;
    }
    if delta.len() > largest {
        return None;
    }
    push_copy(&mut delta, base.len() - back, back);
    Some(delta)
}

/// Writes the instructions for the bytes between the first change and the last one: copying begins again at a line
/// that the base has. `None` if they become larger than it is worth.
fn push_lines(delta: &mut Vec<u8>, shift: usize, base: &[u8], new: &[u8], largest: usize) -> Option<()> {
    let lines = Lines::of(base);
    // `pending` is the start of the text that was not found yet, `from` the start of the search in the base.
    let (mut at, mut pending, mut from) = (0, 0, 0);
    while at < new.len() {
        let line = first_line(&new[at..]);
        let Some(found) = lines.find(base, line, from) else {
            at += line.len();
            if delta.len() + at - pending > largest {
                return None;
            }
            continue;
        };
        let length = common_front(&base[found..], &new[at..]);
        push_insert(delta, &new[pending..at]);
        push_copy(delta, shift + found, length);
        at += length;
        pending = at;
        from = found + length;
        if !new[..at].ends_with(b"\n") {
            at += first_line(&new[at..]).len();
        }
    }
    push_insert(delta, &new[pending..]);
    Some(())
}

/// The lines of a text by a hash of each, without those that are too short to tell anything.
struct Lines {
    /// Start of each line plus one, by hash; zero for no line. The number of places is a power of two.
    places: Vec<u32>,
}

impl Lines {
    fn of(text: &[u8]) -> Lines {
        let mut lines = Lines { places: vec![0; (text.len() / 16).next_power_of_two().max(16)] };
        let mut at = 0;
        while at < text.len() {
            let line = first_line(&text[at..]);
            let place = lines.place(line);
            // Of several that are the same, or have the same place, the first one stays.
            if line.len() >= SHORTEST_LINE
                && let Some(free @ 0) = lines.places.get_mut(place)
            {
                *free = at as u32 + 1;
            }
            at += line.len();
        }
        lines
    }

    fn place(&self, line: &[u8]) -> usize {
        let mut hash = line.len() as u64;
        for chunk in line.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        (hash >> 32) as usize & (self.places.len() - 1)
    }

    /// Start of a line in the text, not before `from`.
    fn find(&self, text: &[u8], line: &[u8], from: usize) -> Option<usize> {
        if line.len() < SHORTEST_LINE {
            return None;
        }
        let found = (*self.places.get(self.place(line))? as usize).checked_sub(1)?;
        (found >= from && text[found..].starts_with(line)).then_some(found)
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    &text[..end]
}

fn push_insert(delta: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.chunks(LONGEST_INSERT) {
        delta.push(chunk.len() as u8);
        delta.extend_from_slice(chunk);
    }
}

/// Number of bytes that are equal at the beginning. Whole blocks are compared first: most of a file is equal.
fn common_front(a: &[u8], b: &[u8]) -> usize {
    let (front_a, front_b) = (a.as_chunks::<BLOCK>().0, b.as_chunks::<BLOCK>().0);
    let blocks = front_a.iter().zip(front_b).take_while(|(a, b)| a == b).count();
    let start = blocks * BLOCK;
    start + a[start..].iter().zip(&b[start..]).take_while(|(a, b)| a == b).count()
}

/// Number of bytes that are equal at the end.
fn common_back(a: &[u8], b: &[u8]) -> usize {
    let (back_a, back_b) = (a.as_rchunks::<BLOCK>().1, b.as_rchunks::<BLOCK>().1);
    let blocks = back_a.iter().rev().zip(back_b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - blocks * BLOCK], &b[..b.len() - blocks * BLOCK]);
    blocks * BLOCK + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn push_size(delta: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        delta.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    delta.push(size as u8);
}

fn push_copy(delta: &mut Vec<u8>, mut offset: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(LONGEST_COPY);
        let at = delta.len();
        delta.push(0x80);
        // A length of 0x10000 is written as none at all.
        let numbers = [(offset as u64, 4, 0), ((part % LONGEST_COPY) as u64, 3, 4)];
        for (number, bytes, first_bit) in numbers {
            for index in 0..bytes {
                let byte = (number >> (8 * index)) as u8;
                if byte != 0 {
                    delta[at] |= 1 << (first_bit + index);
                    delta.push(byte);
                }
            }
        }
        offset += part;
        length -= part;
    }
}

/// Follows the instructions; `None` if they do not fit the base.
pub(crate) fn apply(base: &[u8], mut delta: &[u8]) -> Option<Vec<u8>> {
    let (base_size, size) = (take_size(&mut delta)?, take_size(&mut delta)?);
    if base_size != base.len() {
        return None;
    }
    let mut new = Vec::new();
    new.try_reserve_exact(size).ok()?;
    while let Some((&code, rest)) = delta.split_first() {
        delta = rest;
        if code & 0x80 == 0 {
            let (text, rest) = delta.split_at_checked(usize::from(code))?;
            new.extend_from_slice(text);
            delta = rest;
            continue;
        }
        let offset = take_number(&mut delta, code, 4)?;
        let length = match take_number(&mut delta, code >> 4, 3)? {
            0 => LONGEST_COPY,
            length => length,
        };
        new.extend_from_slice(base.get(offset..offset.checked_add(length)?)?);
    }
    (new.len() == size).then_some(new)
}

fn take_size(delta: &mut &[u8]) -> Option<usize> {
    let mut size = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        size |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

fn take_number(delta: &mut &[u8], mask: u8, bytes: u32) -> Option<usize> {
    let mut number = 0;
    for index in (0..bytes).filter(|index| mask & (1 << index) != 0) {
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        number |= usize::from(byte) << (8 * index);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_applied(
            front in prop::collection::vec(any::<u8>(), 0..200_000),
            old in prop::collection::vec(any::<u8>(), 0..300),
            new in prop::collection::vec(any::<u8>(), 0..300),
            back in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let base = [&front[..], &old, &back].concat();
            let target = [&front[..], &new, &back].concat();
            if let Some(delta) = encode(&base, &target) {
                prop_assert_eq!(apply(&base, &delta).unwrap(), target);
            }
        }

        #[test]
        fn lines_that_were_there_before_are_copied(
            old in prop::collection::vec("[a-c]{0,20}", 0..300),
            edits in prop::collection::vec((0..300usize, prop::option::of("[a-d]{0,20}")), 0..20),
        ) {
            let mut new = old.clone();
            for (place, line) in edits {
                let place = place.min(new.len());
                match line {
                    Some(line) => new.insert(place, line),
                    None => drop(new.drain(place..(place + 1).min(new.len()))),
                }
            }
            let (base, target) = (old.join("\n"), new.join("\n"));
            if let Some(delta) = encode(base.as_bytes(), target.as_bytes()) {
                prop_assert_eq!(apply(base.as_bytes(), &delta).unwrap(), target.as_bytes());
            }
        }

        #[test]
        fn damage_is_noticed(base in prop::collection::vec(any::<u8>(), 0..100), delta in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = apply(&base, &delta);
        }
    }

    /// A patch that changes the first and the last line of a file costs these lines.
    #[test]
    fn changes_far_apart_cost_what_they_change() {
        let lines = |first: &str, last: &str| {
            let between: Vec<String> = (0..1000).map(|number| format!("line number {number}\n")).collect();
            format!("{first}\n{}{last}\n", between.concat()).into_bytes()
        };
        let (base, new) = (lines("old", "older"), lines("changed", "too"));
        let delta = encode(&base, &new).unwrap();
        assert!(delta.len() < 60, "{}", delta.len());
        assert_eq!(apply(&base, &delta).unwrap(), new);
    }
}
