//! Meanings of the codes of failures, read from the documents, so that the program and the documents cannot differ.

use serde::Serialize;

const FAILURES: &str = include_str!("../../../docs/failures.md");
const ARCHIVES: &str = include_str!("../../../docs/archives.md");
const REPAIR: &str = include_str!("../../../docs/repair.md");

/// Explanation of a stage and code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Stages in which it occurs; two for errors of both polls and imports.
    pub stages: Vec<&'static str>,
    /// The code.
    pub code: String,
    /// Class of such failures; `None` for a code that makes no failure of a package.
    pub class: Option<String>,
    /// Meaning of the code.
    pub meaning: String,
    /// Time of the next try, if there is one.
    pub retry: Option<String>,
    /// Advice for operators.
    pub advice: String,
    /// The document that has it.
    pub document: &'static str,
}

impl Explained {
    /// As screens have it: `verify/unsigned`.
    pub fn name(&self) -> String {
        if self.stages.is_empty() {
            return self.code.clone();
        }
        let stages: Vec<String> = self.stages.iter().map(|stage| format!("{stage}/{}", self.code)).collect();
        stages.join(", ")
    }

    fn is(&self, stage: Option<&str>, code: &str) -> bool {
        self.code == code && stage.is_none_or(|stage| self.stages.contains(&stage))
    }
}

/// All codes, in the order of the documents.
pub fn all() -> Vec<Explained> {
    let classes = classes();
    let retry = |class: &str| {
        classes.iter().find(|(name, ..)| name == class).map(|(_, means, then)| format!("{means}: {then}"))
    };
    let mut found = Vec::new();
    for cells in rows(FAILURES, "| stage/code") {
        let [codes, class, meaning, advice] = cells[..] else { continue };
        let mut stage = None;
        for word in quoted(codes) {
            let (named, code) =
                word.split_once('/').map_or((None, word), |(stage, code)| (Some(stage), code));
            stage = named.or(stage);
            if let Some(stage) = stage.filter(|_| code != "...") {
                found.push(explained((vec![stage], code), class, (meaning, advice), "docs/failures.md"));
            }
        }
    }
    for cells in rows(ARCHIVES, "| code | class |") {
        let [codes, class, meaning, advice] = cells[..] else { continue };
        for code in quoted(codes) {
            found.push(explained(
                (vec!["poll", "fetch"], code),
                class,
                (meaning, advice),
                "docs/archives.md",
            ));
        }
    }
    for it in &mut found {
        it.retry = it.class.as_deref().and_then(retry);
    }
    found.extend(findings());
    found
}

/// The codes of findings, which have no stage and no class.
fn findings() -> impl Iterator<Item = Explained> {
    rows(REPAIR, "| code | what it means").into_iter().filter_map(|cells| {
        let [code, meaning, by, lost] = cells[..] else { return None };
        let (code, by) = (quoted(code).next()?, quoted(by).next()?);
        let advice = match by {
            "itself" => "nothing: the next import or check mends it, and `package-import repair plan PACKAGE` says what it would do",
            "plan" => "`package-import repair plan PACKAGE`, then `package-import repair apply`",
            _ => "a person decides; the finding's text says about what",
        };
        Some(Explained {
            stages: Vec::new(),
            code: code.to_owned(),
            class: None,
            meaning: format!("{}. If nothing is done: {}", plain(meaning), plain(lost)),
            retry: (by == "itself").then(|| "it is mended without a person".to_owned()),
            advice: advice.to_owned(),
            document: "docs/repair.md",
        })
    })
}

/// Explanations of a code, in a stage or in all stages that have it. Signals have a code each, and share two meanings.
pub fn of(stage: Option<&str>, code: &str) -> Vec<Explained> {
    let all = all();
    let found: Vec<Explained> = all.iter().filter(|it| it.is(stage, code)).cloned().collect();
    let is_signal =
        code.len() > SIGNAL.len() && code.starts_with(SIGNAL) && stage.is_none_or(|it| it == "worker");
    if !found.is_empty() || !is_signal {
        return found;
    }
    let class = importer::queue::classify::class(&importer::failure::Failure::reported(
        importer::failure::Stage::Worker,
        code.into(),
        "",
    ));
    let like =
        all.into_iter().find(|it| it.code.starts_with(SIGNAL) && it.class.as_deref() == Some(class.as_str()));
    like.map(|it| Explained { code: code.to_owned(), ..it }).into_iter().collect()
}

const SIGNAL: &str = "signal-";

/// Codes that have a word in common with a text.
pub fn like(text: &str) -> Vec<String> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|it| it.len() > 2).collect();
    let mut scored: Vec<(usize, String)> = all()
        .iter()
        .map(|it| (words.iter().filter(|word| it.code.contains(**word)).count(), it.name()))
        .filter(|(score, _)| *score > 0)
        .collect();
    // The candidate with the more similar length is more probably meant.
    scored.sort_by_key(|(score, name)| {
        let code = name.split_once('/').map_or("", |(_, rest)| rest.split(',').next().unwrap_or_default());
        (std::cmp::Reverse(*score), code.len().abs_diff(text.len()))
    });
    scored.into_iter().map(|(_, name)| name).take(5).collect()
}

/// Effect of an operator's policy for a signature.
pub fn policy(word: &str) -> Option<String> {
    let row = rows(FAILURES, "| policy |")
        .into_iter()
        .find(|cells| cells.first().is_some_and(|it| **it == format!("`{word}`")));
    row.and_then(|cells| cells.get(1).map(|text| plain(text)))
}

fn explained(
    (stages, code): (Vec<&'static str>, &str),
    class: &str,
    (meaning, advice): (&str, &str),
    document: &'static str,
) -> Explained {
    Explained {
        stages,
        code: code.to_owned(),
        class: Some(class.to_owned()).filter(|class| !matches!(class.as_str(), "none" | "varies")),
        meaning: plain(meaning),
        retry: None,
        advice: plain(advice),
        document,
    }
}

/// Each class, with its meaning and effect.
fn classes() -> Vec<(String, String, String)> {
    let rows = rows(FAILURES, "| class | what it means");
    let mut found: Vec<(String, String, String)> = Vec::new();
    for cells in rows {
        let [class, means, then] = cells[..] else { continue };
        // Of a table, whose reader has the row above.
        let then = match (then, found.last()) {
            ("the same", Some((_, _, above))) => above.clone(),
            _ => plain(then),
        };
        found.push((class.replace('`', ""), plain(means), then));
    }
    found
}

/// The rows of the table that begins with a line.
fn rows(text: &'static str, head: &str) -> Vec<Vec<&'static str>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    let cells = |row: &'static str| {
        let inside = row.trim_start_matches('|').trim_end_matches('|');
        inside.split(" | ").map(str::trim).collect()
    };
    rows.map(cells).collect()
}

/// The words that stand between backquotes.
fn quoted(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('`').skip(1).step_by(2)
}

/// A cell without its links.
fn plain(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, behind)) = rest.split_once("](") {
        let (outside, words) = before.rsplit_once('[').unwrap_or(("", before));
        text.push_str(outside);
        text.push_str(words);
        rest = behind.split_once(')').map_or("", |(_, rest)| rest);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use importer::failure::Code;

    use super::*;

    /// The program's own table beside the documents, so that every code has an explanation.
    #[test]
    fn every_code_of_the_program_is_explained() {
        for code in Code::ALL {
            for stage in code.stages() {
                let (stage, word, class) = (stage.as_str(), code.as_str(), code.class(*stage));
                let found = of(Some(stage), word);
                assert!(!found.is_empty(), "{stage}/{word}");
                for it in found {
                    assert!(!it.meaning.is_empty() && !it.name().is_empty(), "{it:?}");
                    if let Some(said) = &it.class {
                        assert_eq!(said, class.as_str(), "{stage}/{word}");
                        assert!(it.retry.is_some(), "{stage}/{word}: nothing is said of retries");
                    }
                    for text in [&it.meaning, &it.advice] {
                        assert!(!text.contains("](") && !text.contains('|'), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_finding_is_explained_and_mended_as_the_document_says() {
        use source_package::finding::Finding;
        let documented: Vec<(&str, &str)> = rows(REPAIR, "| code | what it means")
            .into_iter()
            .map(|cells| (quoted(cells[0]).next().unwrap(), quoted(cells[2]).next().unwrap()))
            .collect();
        let table: Vec<(&str, &str)> =
            Finding::ALL.iter().map(|it| (it.as_str(), it.healing().as_str())).collect();
        assert_eq!(documented, table);
        for code in Finding::ALL {
            assert!(of(None, code.as_str()).iter().any(|it| it.document == "docs/repair.md"), "{code}");
        }
    }

    #[test]
    fn signals_and_parts_of_names_are_understood() {
        let class = |name: &str| of(Some("worker"), name).pop().and_then(|it| it.class);
        assert_eq!(class("signal-QUIT").as_deref(), Some("infrastructure"));
        assert_eq!(class("signal-IO").as_deref(), Some("infrastructure"));
        assert_eq!(class("signal-FPE").as_deref(), Some("unknown"));
        assert_eq!(class("signal-"), None);
        assert!(of(None, "signal-FPE").len() == 1 && of(Some("patch"), "signal-FPE").is_empty());
        assert_eq!(
            of(None, "checksum-mismatch").len(),
            2,
            "of files that are here, and of those of an archive"
        );
        assert!(of(None, "nothing-of-that").is_empty() && of(Some("nowhere"), "unsigned").is_empty());
        assert_eq!(like("checksum-mismatsch")[0], "verify/checksum-mismatch");
        assert!(like("zz").is_empty());
        assert!(policy("hold").is_some_and(|it| it.contains("released")) && policy("x").is_none());
        assert_eq!(plain("see [there](a.md#b), or [x] and [y](z)"), "see there, or [x] and y");
    }
}
