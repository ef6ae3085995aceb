//! Patterns for the names of suites: `*`, `?` and `[abc]`, as the shell has them.

/// True when a text has characters of a pattern, and so may stand for several suites.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// True when a name matches a pattern. The time is at most proportional to the product of both lengths, for any
/// pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (parts(pattern), name.chars().collect::<Vec<char>>());
    // Positions of the name that the parts so far can have reached.
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for part in &pattern {
        reached = step(part, &name, &reached);
    }
    reached.last().copied().unwrap_or(false)
}

enum Part {
    Any,
    One,
    Among(Vec<(char, char)>, bool),
    Char(char),
}

fn step(part: &Part, name: &[char], reached: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    if matches!(part, Part::Any) {
        let mut seen = false;
        for (to, from) in next.iter_mut().zip(reached) {
            seen |= *from;
            *to = seen;
        }
        return next;
    }
    for ((to, from), &character) in next.iter_mut().skip(1).zip(reached).zip(name) {
        *to = *from && part.takes(character);
    }
    next
}

impl Part {
    fn takes(&self, character: char) -> bool {
        match self {
            Part::Any | Part::One => true,
            Part::Char(own) => *own == character,
            Part::Among(ranges, negated) => {
                ranges.iter().any(|&(first, last)| (first..=last).contains(&character)) != *negated
            }
        }
    }
}

fn parts(pattern: &str) -> Vec<Part> {
    let mut rest = pattern;
    let mut parts = Vec::new();
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        let part = match character {
            '*' => Part::Any,
            '?' => Part::One,
            '[' => match rest.split_once(']').filter(|(inside, _)| !inside.is_empty()) {
                Some((inside, after)) => {
                    rest = after;
                    among(inside)
                }
                // Without its end it is a character like any other, as in the shell.
                None => Part::Char('['),
            },
            other => Part::Char(other),
        };
        parts.push(part);
    }
    parts
}

fn among(inside: &str) -> Part {
    let negated = inside.starts_with(['!', '^']);
    let characters: Vec<char> = inside.chars().skip(usize::from(negated)).collect();
    let mut ranges = Vec::new();
    let mut rest = characters.as_slice();
    loop {
        rest = match rest {
            [first, '-', last, more @ ..] => {
                ranges.push((*first, *last));
                more
            }
            [one, more @ ..] => {
                ranges.push((*one, *one));
                more
            }
            [] => break,
        };
    }
    Part::Among(ranges, negated)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_the_shell_has_them() {
        for (pattern, name, fits) in [
            ("bookworm", "bookworm", true),
            ("bookworm", "bookworm-updates", false),
            ("bookworm*", "bookworm-updates", true),
            ("*-security", "bookworm-security", true),
            ("*-security", "security", false),
            ("b?llseye", "bullseye", true),
            ("[a-c]ookworm", "bookworm", true),
            ("[!a-c]ookworm", "bookworm", false),
            ("*", "", true),
            ("?", "", false),
            ("a[", "a[", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }

    proptest! {
        #[test]
        fn every_name_fits_itself_and_stars(name in "[a-z0-9./-]{0,20}", at in 0usize..20) {
            prop_assert!(matches(&name, &name));
            let at = at.min(name.len());
            let starred = format!("{}*{}", &name[..at], &name[at..]);
            prop_assert!(matches(&starred, &name));
        }

        #[test]
        fn no_pattern_panics(pattern in any::<String>(), name in any::<String>()) {
            matches(&pattern, &name);
        }
    }
}
