//! Class of a failure, by its code.

use state::words::Class;

use crate::ending;
use crate::failure::{Failure, Stage};

/// Class of a failure: by the table of codes; for a signal, by its sender. A code that is not in the table keeps its
/// class.
pub fn class(failure: &Failure) -> Class {
    let word = failure.code.as_str();
    let by_table = failure.code.class(failure.stage);
    match failure.stage {
        Stage::State => Class::Infrastructure,
        _ if ending::is_code_from_outside(word) => Class::Infrastructure,
        _ if ending::is_code_of_signal(word) => Class::Unknown,
        _ => by_table.unwrap_or(Class::Permanent),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::path::{Path, PathBuf};

    use source_package::code::Code;

    use super::*;

    #[test]
    fn a_killed_import_is_not_the_packages_fault() {
        let class = |code: &str| class(&Failure::reported(Stage::Worker, code.into(), ""));
        assert_eq!(class("killed"), Class::Infrastructure);
        assert_eq!(class("disk-full"), Class::Infrastructure);
        assert_eq!(class("lock-held"), Class::Infrastructure);
        assert_eq!(class("signal-QUIT"), Class::Infrastructure);
        assert_eq!(class("signal-SEGV"), Class::Unknown);
        assert_eq!(class("connect"), Class::Transient);
        assert_eq!(class("crashed"), Class::Unknown);
        assert_eq!(class("bad-dsc"), Class::Permanent);
    }

    /// Each code in the sources occurs, by the table, in the stage that stands beside it.
    #[test]
    fn every_code_is_in_the_table() {
        let mut seen = 0;
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for call in text.split("Failure::new(").skip(1) {
                let mut words =
                    call.trim_start().split(|c: char| !(c.is_alphanumeric() || "-_:\"".contains(c)));
                let (stage, word) = (words.next().unwrap(), words.find(|word| !word.is_empty()).unwrap());
                let (Some(stage), Some(name)) = (stage.strip_prefix("Stage::"), word.strip_prefix("Code::"))
                else {
                    continue;
                };
                let stage = Stage::from_word(&stage.to_lowercase()).unwrap();
                let code = Code::ALL.iter().find(|code| format!("{code:?}") == name).unwrap();
                assert!(code.stages().contains(&stage), "{}: {stage}/{code}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} were found");
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        files.extend(folders.iter().flat_map(|folder| sources(folder)));
        files
    }
}
