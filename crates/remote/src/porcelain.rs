//! Results of `git push --porcelain` for each ref.

/// Result for a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is where it was wanted.
    Moved,
    /// It was there already.
    Same,
    /// Another pusher was faster: the refs are read again.
    Raced(String),
    /// It did not move because another ref of the same push did not.
    Held,
    /// The server hides refs of this name.
    Hidden(String),
    /// The server does not take it.
    Refused(String),
}

/// A ref of a push, and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name on the server.
    pub name: String,
    /// Result for the ref.
    pub became: Became,
}

/// Phrases of Git, in the parentheses behind a ref that did not move, which mean that the ref is not where it was last
/// seen.
const RACED: [&str; 10] = [
    "fetch first",
    "non-fast-forward",
    "already exists",
    "stale info",
    "needs force",
    "remote ref updated since checkout",
    "failed to update ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
];
/// Phrases which mean that another ref is the reason.
const HELD: [&str; 5] = [
    "atomic push failed",
    "atomic push failure",
    "atomic transaction failed",
    "transaction failed",
    "unpacker error",
];
/// Phrases of a server with refs that nobody may see or write.
const HIDDEN: [&str; 2] = ["hidden ref", "deny updating a hidden"];

/// Reads the lines of a push, in the order in which they stand.
pub fn parse(text: &[u8]) -> Vec<Told> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Told> {
    let mut fields = line.splitn(3, '\t');
    let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
    let (_, name) = refs.split_once(':')?;
    let became = match flag {
        " " | "*" => Became::Moved,
        "=" => Became::Same,
        "!" => refused(summary),
        _ => return None,
    };
    Some(Told { name: name.to_owned(), became })
}

fn refused(summary: &str) -> Became {
    let reason = summary.split_once('(').map_or(summary, |(_, reason)| reason.trim_end_matches(')'));
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let reason_text = reason.to_owned();
    if says(&HELD) {
        Became::Held
    } else if says(&HIDDEN) {
        Became::Hidden(reason_text)
    } else if says(&RACED) {
        Became::Raced(reason_text)
    } else {
        Became::Refused(reason_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_each_ref() {
        let text = "To /x.git\n*\taa:refs/tags/new\t[new tag]\n \taa:refs/heads/x\ta..b\n=\taa:refs/heads/same\t[up to date]\n\
            !\taa:refs/heads/a\t[rejected] (fetch first)\n!\taa:refs/heads/b\t[rejected] (atomic push failed)\n\
            !\taa:refs/dsc/x\t[remote rejected] (deny updating a hidden ref)\n\
            !\taa:refs/heads/c\t[remote rejected] (protected branch hook declined)\nDone\n";
        let told: Vec<Became> = parse(text.as_bytes()).into_iter().map(|it| it.became).collect();
        assert_eq!(told[..3], [Became::Moved, Became::Moved, Became::Same]);
        assert!(matches!(&told[3], Became::Raced(why) if why == "fetch first"));
        assert_eq!(told[4], Became::Held);
        assert!(matches!(&told[5], Became::Hidden(_)));
        assert!(matches!(&told[6], Became::Refused(why) if why == "protected branch hook declined"));
    }
}
