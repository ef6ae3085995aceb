//! Help, completions and manual pages of the whole tree of commands.

use std::fs;
use std::process::Command;

use package_import_tests::installation::binary;

use crate::operator::terminal::{COLUMNS, hermetic};

/// Output of the program without any installation.
pub fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    hermetic(&mut command, std::path::Path::new("/nonexistent"));
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Beginnings of lists of subcommands: those of the program are in groups.
const LISTS: [&str; 6] = ["Commands:", "Look:", "Act:", "Run:", "Maintain:", "Set up:"];

/// The subcommands that a help lists.
pub fn subcommands(help: &str) -> Vec<String> {
    let mut is_list = false;
    let mut names = Vec::new();
    for line in help.lines() {
        if !line.starts_with(' ') && line.ends_with(':') {
            is_list = LISTS.contains(&line);
        } else if is_list && line.starts_with("  ") && !line.starts_with("   ") {
            names.push(line);
        }
    }
    names
        .into_iter()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The help of a command and of all below it.
fn tree(path: &[String], text: &mut String) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = printed(&arguments);
    for line in help.lines() {
        assert!(line.chars().count() <= COLUMNS, "{path:?}: {line}");
    }
    let name = [&["package-import".to_owned()], path].concat().join(" ");
    *text += &format!("$ {name} --help\n{}\n\n", help.trim_end());
    for below in subcommands(&help) {
        tree(&[path, &[below]].concat(), text);
    }
}

#[test]
fn the_whole_help() {
    let mut text = String::new();
    tree(&[], &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn every_command_says_what_it_is_for_in_a_line() {
    let help = printed(&["-h"]);
    for name in subcommands(&help) {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap();
        assert!(line.trim().len() > name.len() + 5, "{line}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let text = printed(&["completions", shell]);
        assert!(text.contains(sign) && text.contains("quiesce"), "{shell}");
        assert!(!text.contains("import-package"), "{shell} offers what is not for people");
    }
}

#[test]
fn a_manual_page_is_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("man1");
    printed(&["man", target.to_str().unwrap()]);
    let mut names: Vec<String> = fs::read_dir(&target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for command in subcommands(&printed(&["--help"])) {
        assert!(names.contains(&format!("package-import-{command}.1")), "{command}: {names:?}");
    }
    let page = fs::read_to_string(target.join("package-import-retry.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("canary"));
    assert!(!names.iter().any(|name| name.contains("import-package")), "{names:?}");
    assert!(printed(&["man"]).contains(".TH package-import 1"));
}
