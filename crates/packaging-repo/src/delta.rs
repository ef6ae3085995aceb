//! Deltas between two versions of a file (`gitformat-pack(5)`, "Deltified representation").
//!
//! A patch changes a few lines: what is in front and behind is copied from the file before, what lies between is
//! written out. That is far cheaper than to compress the whole file again, and smaller. A repack finds better ones.

/// What is compared at once.
const BLOCK: usize = 64;
/// One instruction copies so much at most.
const LONGEST_COPY: usize = 0x10000;
/// One instruction writes out so much at most.
const LONGEST_INSERT: usize = 0x7f;

/// The instructions that make `new` out of `base`, if they are worth while.
pub(crate) fn encode(base: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let front = common_front(base, new);
    let back = common_back(&base[front..], &new[front..]);
    let new_rest = &new[front..];
    let between = &new_rest[..new_rest.len() - back];
    if between.len() > new.len() / 4 || u32::try_from(base.len()).is_err() {
        return None;
    }
    let mut delta = Vec::with_capacity(between.len() + 32);
    push_size(&mut delta, base.len());
    push_size(&mut delta, new.len());
    push_copy(&mut delta, 0, front);
    for chunk in between.chunks(LONGEST_INSERT) {
        delta.push(chunk.len() as u8);
        delta.extend_from_slice(chunk);
    }
    push_copy(&mut delta, base.len() - back, back);
    Some(delta)
}

/// How many bytes are the same at the beginning. Whole blocks are compared first: most of a file is the same.
fn common_front(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    let start = blocks * BLOCK;
    start + a[start..].iter().zip(&b[start..]).take_while(|(a, b)| a == b).count()
}

/// How many bytes are the same at the end.
fn common_back(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
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
        fn damage_is_noticed(base in prop::collection::vec(any::<u8>(), 0..100), delta in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = apply(&base, &delta);
        }
    }
}
