//! A bare repository that writes down every push, and which of them was forced.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A bare repository with a hook.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// Folder of the repository.
    pub path: PathBuf,
}

/// Writes down each ref, with `FORCED` where what was there is not an ancestor of what comes.
const HOOK: &str = r#"#!/bin/sh
while read -r old new ref; do
    word=moved
    if [ -z "$(echo "$old" | tr -d 0)" ]; then word=made
    elif [ -z "$(echo "$new" | tr -d 0)" ]; then word=FORCED
    else case $ref in
        refs/tags/*) word=FORCED ;;
        *) git merge-base --is-ancestor "$old" "$new" || word=FORCED ;;
    esac; fi
    echo "$word $old $new $ref" >> "$GIT_DIR/pushes"
done
"#;

/// Makes a template for `git init --template`: repositories that are made from it record.
pub fn template(folder: &Path) -> PathBuf {
    let made = folder.join("template");
    (Recorder { path: made.clone() }).hook("pre-receive", HOOK);
    made
}

impl Recorder {
    /// Creates a recording repository.
    pub fn make(path: &Path) -> Recorder {
        fs::create_dir_all(path).unwrap();
        git(&["init", "-q", "--bare", &path.to_string_lossy()]);
        let made = Recorder { path: path.to_owned() };
        made.hook("pre-receive", HOOK);
        made
    }

    /// Puts a hook in place.
    pub fn hook(&self, name: &str, text: &str) {
        let path = self.path.join("hooks").join(name);
        fs::create_dir_all(self.path.join("hooks")).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Record of pushes, one line a ref.
    pub fn pushes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path.join("pushes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Runs Git in it.
    pub fn git(&self, arguments: &[&str]) -> String {
        let path = self.path.to_string_lossy().into_owned();
        let mut all = vec!["--git-dir", path.as_str()];
        all.extend(arguments);
        git(&all)
    }

    /// Object that a ref points to.
    pub fn at(&self, name: &str) -> Option<String> {
        let path = self.path.to_string_lossy().into_owned();
        let output = git_says(&["--git-dir", &path, "rev-parse", "--verify", "-q", name]);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// All refs, and where they point.
    pub fn refs(&self) -> Vec<(String, String)> {
        let text = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        text.lines().filter_map(|it| it.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }
}

/// Runs Git without anybody's configuration.
pub fn git_says(arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.args(arguments).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for (name, value) in [("NAME", "A Packager"), ("EMAIL", "packager@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.output().unwrap()
}

/// The same, which has to succeed. Returns what it said.
pub fn git(arguments: &[&str]) -> String {
    let output = git_says(arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
