//! The machine's apt sources (`sources.list(5)`), rewritten so that only source packages are asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{AptError, file, output};

/// Size limit of a list of sources.
const LARGEST: u64 = 16 << 20;

/// Places of the machine's sources.
pub(super) struct System {
    list: PathBuf,
    parts: PathBuf,
}

impl System {
    /// Asks apt, which may be configured to look elsewhere than in /etc/apt.
    pub(super) fn ask() -> Result<System, AptError> {
        let mut command = Command::new("apt-config");
        command.args(["shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]);
        let (text, _) = output("apt-config shell", command)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let value = |name: &str, default: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            PathBuf::from(line.map_or(default, |value| value.trim_matches('\'')))
        };
        Ok(System {
            list: value("LIST", "/etc/apt/sources.list"),
            parts: value("PARTS", "/etc/apt/sources.list.d/"),
        })
    }

    /// The files that apt reads, in its order.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.parts)
            .map(|folder| folder.flatten().map(|entry| entry.path()).filter(|path| is_source(path)).collect())
            .unwrap_or_default();
        files.sort();
        if self.list.is_file() {
            files.insert(0, self.list.clone());
        }
        files
    }
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "list" || ending == "sources")
}

/// Writes the source entries into `folder`, which is emptied first. Returns how many files were written.
pub(super) fn rewrite(system: &System, folder: &Path) -> Result<usize, AptError> {
    for old in fs::read_dir(folder).map_err(file("read the folder", folder))?.flatten() {
        fs::remove_file(old.path()).map_err(file("remove", &old.path()))?;
    }
    let mut written = 0;
    for (number, path) in system.files().iter().enumerate() {
        let text = bounded::file::read_text(path, LARGEST).map_err(file("read", path))?;
        let deb822 = path.extension().is_some_and(|ending| ending == "sources");
        let (rewritten, ending) =
            if deb822 { (stanzas(&text), "sources") } else { (one_line(&text), "list") };
        if rewritten.is_empty() {
            continue;
        }
        let target = folder.join(format!("{number:03}.{ending}"));
        fs::write(&target, rewritten).map_err(file("write", &target))?;
        written += 1;
    }
    Ok(written)
}

/// `deb` becomes `deb-src`; every entry once.
fn one_line(text: &str) -> String {
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let entry = line.strip_prefix("deb-src").or_else(|| line.strip_prefix("deb"));
        if let Some(rest) = entry.filter(|rest| rest.starts_with([' ', '\t'])) {
            let entry = format!("deb-src {}\n", without_architectures(rest.trim()));
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    entries.concat()
}

/// `[arch=amd64 signed-by=...]`: architectures mean nothing for sources.
fn without_architectures(rest: &str) -> String {
    let Some((options, entry)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return rest.to_owned();
    };
    let kept: Vec<&str> = options.split_whitespace().filter(|option| !option.starts_with("arch")).collect();
    if kept.is_empty() { entry.trim().to_owned() } else { format!("[{}] {}", kept.join(" "), entry.trim()) }
}

/// `Types: deb` becomes `Types: deb-src`; disabled stanzas stay disabled.
fn stanzas(text: &str) -> String {
    let mut rewritten = String::new();
    for line in text.lines() {
        let field = line.split(':').next().unwrap_or_default().trim();
        if field.eq_ignore_ascii_case("Types") {
            rewritten.push_str("Types: deb-src\n");
        } else if !field.eq_ignore_ascii_case("Architectures") {
            rewritten.push_str(line);
            rewritten.push('\n');
        }
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_one_line_entries() {
        let text = "# comment\ndeb [arch=amd64 signed-by=/k.gpg] http://a/ sid main\ndeb-src http://b sid main\ndeb http://b sid main\ndebx y\n";
        assert_eq!(
            one_line(text),
            "deb-src [signed-by=/k.gpg] http://a/ sid main\ndeb-src http://b sid main\n"
        );
    }

    #[test]
    fn rewrites_stanzas() {
        let text = "Types: deb\n# note\nURIs: http://a\nSuites: sid\nArchitectures: amd64\n\nTypes: deb deb-src\nEnabled: no\n";
        assert_eq!(
            stanzas(text),
            "Types: deb-src\n# note\nURIs: http://a\nSuites: sid\n\nTypes: deb-src\nEnabled: no\n"
        );
    }
}
