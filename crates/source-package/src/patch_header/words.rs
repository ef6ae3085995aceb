//! Words in headers that mean something to people and tools, whatever field they stand in.

use crate::ident::Ident;

/// Of several authors without any address the first one: names are parted by `,`, `;`, `&` and `and`.
pub(super) fn first_person(people: &str) -> &str {
    if people.contains(['@', '<']) {
        return people;
    }
    let ends = [",", ";", " & ", " and "];
    let end = ends.iter().filter_map(|end| people.find(end)).min().unwrap_or(people.len());
    &people[..end]
}

/// True for an author such as `Author: unknown`.
pub(super) fn is_nobody(author: &Ident) -> bool {
    let is = |name: &str| author.name().eq_ignore_ascii_case(name);
    author.email().is_empty() && (is("unknown") || is("none"))
}

/// Lines that dpatch, quilt and others put into every patch.
pub(super) fn is_comment_of_a_tool(line: &str) -> bool {
    let comment = line.trim_start_matches('#').trim_start();
    let is_empty = comment.is_empty() || comment.starts_with("All lines beginning with");
    (line.starts_with('#') && is_empty)
        || line.starts_with("#!")
        || line == "@DPATCH@"
        || line.starts_with("This patch header follows DEP-3")
}

/// As `git am` cleans a subject: without `Re:`, `[...]` and `:` at its start; one blank between words.
pub(super) fn clean_subject(subject: &str) -> String {
    let mut rest = subject;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
        let is_reply = rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        match rest.strip_prefix('[').and_then(|inside| inside.find(']')) {
            Some(close) => rest = &rest[close + 2..],
            None if is_reply => rest = &rest[3..],
            None => break,
        }
    }
    let shown: String = rest.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
