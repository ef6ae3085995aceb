//! Meanings of a server's answers, by the kind of file that was asked for: one table, which the code follows and from
//! which the one in `docs/archives.md` is made.

use std::fmt::Write;

use crate::problem::Problem;

/// Kind of the file that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The signed index: `InRelease`, `Release`, `Release.gpg`.
    Index,
    /// A list of source packages by its name.
    List,
    /// The same by its hash.
    ByHash,
    /// A file that an index lists.
    Pool,
    /// A history's list of versions, or of a version's files.
    History,
    /// A file that a history lists.
    HistoryFile,
}

/// Kind of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 404, 410, or no such file in a folder.
    Missing,
    /// Status 401, 403 or another of the 4xx range.
    Refused,
    /// Status 429, 503 or 509: too many requests.
    Busy,
    /// Status 500 and above.
    ServerError,
    /// No connection, no encryption, no answer in time, no HTTP.
    Unreachable,
    /// 416, or 206 with another part than the one asked for.
    WrongPart,
    /// The transfer ends too early, is empty, or too slow.
    Short,
    /// Another size, another hash, no end.
    Other,
    /// HTML in its place.
    Page,
    /// A redirect in a circle, after more than ten, or to another protocol.
    Redirect,
    /// A folder that should be mounted and has nothing in it.
    Unmounted,
    /// The file came whole, and its content is not accepted: its signature, its names, its date, its form.
    NotAccepted,
    /// This machine: its disk, its programs, its keyrings.
    Machine,
}

/// Step that follows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Asked for again here, after a pause: the one that the server wants, or one that grows.
    Pause,
    /// Asked for again here, at the place where it broke off.
    Resume,
    /// Asked for again here, once, from its first byte.
    Anew,
    /// Asked for by another name of the same content: `Release` for `InRelease`, the name for the hash, another
    /// compression.
    OtherName,
    /// The next mirror is asked.
    Mirror,
    /// No other mirror is asked.
    Stop,
}

/// Result if no mirror has the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The poll fails, and is repeated later: the last accepted index stays in use.
    LastIndex,
    /// The package waits and is reported as behind; it is gone only if a newer accepted index does not list the file
    /// any more.
    Listed,
    /// The package is retried, or parked as long as the breaker is open.
    Retried,
    /// The package fails until an operator removes the cause.
    Fails,
    /// The package waits for its history, and is reported as waiting.
    WaitsForHistory,
    /// The history does not know it: that is noted, and `history ask` asks again.
    NotKnown,
}

/// All kinds of files, in the order of the table.
pub const KINDS: [Kind; 6] =
    [Kind::Index, Kind::List, Kind::ByHash, Kind::Pool, Kind::History, Kind::HistoryFile];

/// All answers, in the order of the table.
pub const ANSWERS: [Answer; 13] = [
    Answer::Missing,
    Answer::Refused,
    Answer::Busy,
    Answer::ServerError,
    Answer::Unreachable,
    Answer::WrongPart,
    Answer::Short,
    Answer::Other,
    Answer::Page,
    Answer::Redirect,
    Answer::Unmounted,
    Answer::NotAccepted,
    Answer::Machine,
];

/// Next step and result for an answer.
pub fn meaning(kind: Kind, answer: Answer) -> (Next, End) {
    (next(kind, answer), end(kind, answer))
}

fn next(kind: Kind, answer: Answer) -> Next {
    match (kind, answer) {
        (_, Answer::Machine) => Next::Stop,
        (_, Answer::Busy) => Next::Pause,
        (Kind::Index | Kind::List, Answer::Missing | Answer::Refused) => Next::OtherName,
        // One form may be older or newer than the others.
        (Kind::List, Answer::Other) => Next::OtherName,
        // The bytes have the right hash, so every other mirror has the same.
        (Kind::List | Kind::ByHash | Kind::Pool | Kind::HistoryFile, Answer::NotAccepted) => Next::Stop,
        // Even if the copy by hash is wrong, the one by name may be right.
        (Kind::ByHash, Answer::Unreachable | Answer::ServerError | Answer::Unmounted) => Next::Mirror,
        (Kind::ByHash, _) => Next::OtherName,
        (Kind::Pool | Kind::HistoryFile, Answer::Short) => Next::Resume,
        (Kind::Pool | Kind::HistoryFile, Answer::WrongPart | Answer::Other) => Next::Anew,
        _ => Next::Mirror,
    }
}

fn end(kind: Kind, answer: Answer) -> End {
    match (kind, answer) {
        (Kind::Index | Kind::List | Kind::ByHash, _) => End::LastIndex,
        (Kind::Pool, Answer::Missing) => End::Listed,
        (Kind::Pool, Answer::Refused | Answer::NotAccepted) => End::Fails,
        (Kind::Pool, _) | (_, Answer::Machine) => End::Retried,
        (Kind::History, Answer::Missing) => End::NotKnown,
        // No trusted signature covers it: it is left out.
        (Kind::HistoryFile, Answer::NotAccepted) => End::NotKnown,
        (Kind::History | Kind::HistoryFile, _) => End::WaitsForHistory,
    }
}

impl Answer {
    /// Kind of the answer that an error stands for.
    pub fn of(problem: &Problem) -> Answer {
        use Problem as P;
        match problem {
            P::NotFound => Answer::Missing,
            P::Refused(_) => Answer::Refused,
            P::Busy(_) => Answer::Busy,
            P::ServerError(_) => Answer::ServerError,
            P::UnknownHost | P::Connect(_) | P::Tls(_) | P::Timeout(_) | P::BadHttp(_) | P::Unreadable(_) => {
                Answer::Unreachable
            }
            P::WrongPart(_) => Answer::WrongPart,
            P::Truncated { .. } | P::Unfinished | P::TooSlow { .. } | P::Broken(_) => Answer::Short,
            P::Endless(_)
            | P::SizeMismatch(_)
            | P::ChecksumMismatch(_)
            | P::FileChanged(_)
            | P::IndexMismatch(_)
            | P::NotAFile => Answer::Other,
            P::WebPage | P::FolderListing => Answer::Page,
            P::RedirectLoop(_) | P::BadRedirect(_) => Answer::Redirect,
            P::Unmounted => Answer::Unmounted,
            P::Disk { .. } | P::DiskFull { .. } | P::Keyring(_) => Answer::Machine,
            P::Signature(error) if error.is_of_machine() => Answer::Machine,
            P::Apt(_) => Answer::Unreachable,
            _ => Answer::NotAccepted,
        }
    }

    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            Answer::Missing => "404, 410, no such file",
            Answer::Refused => "401, 403, another 4xx",
            Answer::Busy => "429, 503, 509",
            Answer::ServerError => "another 5xx",
            Answer::Unreachable => "no connection, no TLS, no answer in time, no HTTP",
            Answer::WrongPart => "416, or 206 with another part",
            Answer::Short => "empty, broken off, below `minimum_rate`",
            Answer::Other => "another size or hash, too long",
            Answer::Page => "HTML in its place",
            Answer::Redirect => "redirects in a circle, more than ten, to another protocol",
            Answer::Unmounted => "`file://` with nothing in the folder",
            Answer::NotAccepted => "whole, and not acceptable: signature, name, date, form",
            Answer::Machine => "this machine's disk, programs or keyrings",
        }
    }
}

impl Kind {
    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            Kind::Index => "index",
            Kind::List => "list",
            Kind::ByHash => "list by hash",
            Kind::Pool => "file of the pool",
            Kind::History => "history: versions",
            Kind::HistoryFile => "history: file",
        }
    }
}

impl Next {
    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            Next::Pause => "here after a pause",
            Next::Resume => "here where it broke off",
            Next::Anew => "here from its first byte, once",
            Next::OtherName => "here by its other name",
            Next::Mirror => "next mirror",
            Next::Stop => "nobody else",
        }
    }
}

impl End {
    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            End::LastIndex => "poll again",
            End::Listed => "waits; gone by a newer index",
            End::Retried => "retried or parked",
            End::Fails => "fails",
            End::WaitsForHistory => "waits",
            End::NotKnown => "left out, noted",
        }
    }
}

/// The table of `docs/archives.md`: the next step for each answer, and the result if no mirror has the file.
pub fn table() -> String {
    let mut text = String::from("| answer |");
    for kind in KINDS {
        // Writing to a string cannot fail.
        let _ = write!(text, " {} |", kind.text());
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(KINDS.len()));
    for answer in ANSWERS {
        let _ = write!(text, "\n| {} |", answer.text());
        for kind in KINDS {
            let (next, end) = meaning(kind, answer);
            let _ = write!(text, " {}; {} |", next.text(), end.text());
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_this_table() {
        let document = include_str!("../../../docs/archives.md");
        assert!(document.contains(&table()), "docs/archives.md lacks this table:\n{}", table());
    }

    #[test]
    fn no_answer_of_a_pool_or_a_history_is_the_end_of_a_version() {
        for answer in ANSWERS {
            let (_, end) = meaning(Kind::Pool, answer);
            assert!(matches!(end, End::Listed | End::Retried | End::Fails), "{answer:?}");
            let (_, end) = meaning(Kind::HistoryFile, answer);
            assert!(end != End::NotKnown || answer == Answer::NotAccepted, "{answer:?}");
        }
    }
}
