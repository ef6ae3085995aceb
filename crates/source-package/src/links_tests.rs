//! Links followed with the index have the same targets as links followed name by name.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::memory::MemoryStore;
use crate::tree::Node;

/// Follows a path name by name, from the top each time.
fn slowly(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<Target> {
    let mut at: Vec<Name> = Vec::new();
    let mut ahead: VecDeque<Name> = names(path).map(Name::from).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if &*name == b".." {
            if at.pop().is_none() {
                return Ok(leave(&Vec::from(ahead)));
            }
            continue;
        }
        if name.len() > LONGEST_NAME {
            return Ok(Target::Broken);
        }
        at.push(name);
        match tree.kind(&at.join(&b'/'), store)? {
            Kind::Folder => {}
            Kind::Missing if ahead.is_empty() => {}
            Kind::Missing => return Ok(Target::Nowhere),
            Kind::File { .. } | Kind::Fifo if ahead.is_empty() => {}
            Kind::File { .. } | Kind::Fifo => return Ok(Target::Broken),
            Kind::Link(content) => {
                links += 1;
                if links > MOST_LINKS {
                    return Ok(Target::Broken);
                }
                at.pop();
                let target = store.get(content)?;
                if target.starts_with(b"/") {
                    let path: Vec<Name> = names(&target).map(Name::from).chain(ahead.drain(..)).collect();
                    return Ok(absolute(&path));
                }
                names(&target).rev().for_each(|name| ahead.push_front(name.into()));
            }
        }
    }
    Ok(Target::Inside(at.join(&b'/')))
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "..", "l", "m", ".", "debian"]);
    prop::collection::vec(name, 1..6).prop_map(|names| names.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![8 => path(), 1 => path().prop_map(|path| format!("/{path}")), 1 => Just("/dev/null".to_owned()),
        1 => Just("/etc/passwd".to_owned()), 1 => Just("/".to_owned()), 1 => "x{254,257}"]
}

fn world(links: &[(String, String)], store: &mut MemoryStore) -> Tree {
    let mut tree = Tree::new();
    for folder in ["a/b/c", "b/a", "debian/a/b", "c"] {
        tree.make_folder(folder.as_bytes(), store).unwrap();
    }
    let content = store.put_bytes(b"x").unwrap();
    tree.put(b"a/c", Node::File { content, executable: false }, store).unwrap();
    for (at, target) in links {
        let content = store.put_bytes(target.as_bytes()).unwrap();
        let _ = tree.put(at.as_bytes(), Node::Link(content), store);
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn links_lead_where_they_lead_name_by_name(
        links in prop::collection::vec((path(), target()), 0..12),
        asked in prop::collection::vec(path(), 1..12),
    ) {
        let mut store = MemoryStore::default();
        let mut tree = world(&links, &mut store);
        let expected: Vec<Target> =
            asked.iter().map(|path| slowly(path.as_bytes(), &mut tree, &mut store).unwrap()).collect();
        // One after the other with the results so far, and each by itself.
        let mut resolver = Resolver::new(&mut tree, &mut store);
        for (path, expected) in asked.iter().zip(&expected) {
            let found = resolver.resolve(path.as_bytes()).unwrap();
            prop_assert_eq!(found.as_ref(), Some(expected), "{}", path);
        }
        for (path, expected) in asked.iter().zip(&expected) {
            prop_assert_eq!(&resolve(path.as_bytes(), &mut tree, &mut store).unwrap(), expected, "{}", path);
        }
    }
}

/// A chain of links in a row, of which the last leads to a file.
fn chain(length: usize, store: &mut MemoryStore) -> Tree {
    let links: Vec<(String, String)> = (0..length)
        .map(|number| {
            let next = if number + 1 < length { format!("l{}", number + 1) } else { "a/c".to_owned() };
            (format!("l{number}"), next)
        })
        .collect();
    world(&links, store)
}

#[test]
fn as_many_links_in_a_row_are_followed_as_before() {
    for length in [1, MOST_LINKS - 1, MOST_LINKS, MOST_LINKS + 1, 50_000] {
        let mut store = MemoryStore::default();
        let mut tree = chain(length, &mut store);
        let mut resolver = Resolver::new(&mut tree, &mut store);
        // The order must not matter, although the first links determine the targets of the others.
        for from in [0, length - 1, length / 2, length.saturating_sub(MOST_LINKS), 0] {
            let path = format!("l{from}");
            let found = resolver.resolve(path.as_bytes()).unwrap().unwrap();
            let is_short = length - from <= MOST_LINKS;
            let expected = if is_short { Target::Inside(b"a/c".to_vec()) } else { Target::Broken };
            assert_eq!(found, expected, "link {from} of {length}");
        }
    }
}

/// Links over long paths, each of which leads over a chain of others: the work grows with their number alone.
#[test]
fn long_chains_cost_what_their_paths_are_long() {
    let steps = |count: usize| {
        let mut store = MemoryStore::default();
        let (down, up) = ("d/".repeat(400), "../".repeat(400));
        let mut links: Vec<(String, String)> = (0..18)
            .map(|number| {
                let next = if number < 17 { format!("{down}L{}", number + 1) } else { "a".to_owned() };
                (format!("{down}L{number}"), format!("{up}{next}"))
            })
            .collect();
        links.extend((0..count).map(|number| (format!("debian/l{number}"), format!("../{down}L0"))));
        let mut tree = Tree::new();
        for (at, target) in &links {
            let content = store.put_bytes(target.as_bytes()).unwrap();
            tree.put(at.as_bytes(), Node::Link(content), &mut store).unwrap();
        }
        check_debian(&mut tree, &mut store).unwrap()
    };
    let (few, many) = (steps(100), steps(400));
    assert!(many < 4 * few, "{few} steps for 100 links, {many} for 400");
    assert!(many < 400 * 2000, "{many}");
}

#[test]
fn steps_end() {
    let mut store = MemoryStore::default();
    let zigzag = "d/../".repeat(800);
    let depth = "d/".repeat(700);
    let mut tree = Tree::new();
    for number in 0..200 {
        let content = store.put_bytes(format!("{zigzag}f").as_bytes()).unwrap();
        tree.put(format!("{depth}L{number}").as_bytes(), Node::Link(content), &mut store).unwrap();
    }
    tree.make_folder(format!("{depth}d").as_bytes(), &mut store).unwrap();
    let content = store.put_bytes(format!("../{depth}").as_bytes()).unwrap();
    tree.put(b"debian/l", Node::Link(content), &mut store).unwrap();
    let refused = check_debian(&mut tree, &mut store);
    assert!(matches!(refused, Err(TraversalError::TooLong(_))), "{refused:?}");
}
