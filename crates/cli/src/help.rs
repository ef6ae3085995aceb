//! The main help: subcommands in groups, by purpose.

use clap::Command;

use crate::screen;
use crate::table::wrap;

/// Subcommands by purpose, in the order of display.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Look",
        &[
            "status",
            "failures",
            "show",
            "explain",
            "log",
            "list",
            "history",
            "queue",
            "workers",
            "archives",
            "remotes",
            "collisions",
            "incidents",
            "incident",
            "freshness",
            "baseline",
            "audit",
            "tune",
            "metrics",
        ],
    ),
    (
        "Act",
        &[
            "retry",
            "requeue",
            "prioritize",
            "hold",
            "release",
            "suppress",
            "unsuppress",
            "mute",
            "unmute",
            "signature",
            "collision",
            "set",
            "quiesce",
            "resume",
        ],
    ),
    ("Run", &["import", "enqueue", "poll", "run", "serve", "notify", "feeds", "publish", "clone", "export"]),
    ("Maintain", &["verify", "repair", "repack", "backup", "restore", "prune", "samples", "rehearse"]),
    ("Set up", &["adopt", "migrate", "user", "completions", "man", "help"]),
];

/// Heading for subcommands without a group.
const OTHER: &str = "Other";

/// The command, whose help has its subcommands in groups.
pub fn grouped(command: Command) -> Command {
    let text = groups(&command, usize::from(screen::width()).min(100));
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}Options:\n{{options}}{{after-help}}"
    ))
}

fn groups(command: &Command, width: usize) -> String {
    let about = |name: &str| match name {
        "help" => Some("Print this message or the help of a subcommand".to_owned()),
        _ => command
            .find_subcommand(name)
            .filter(|it| !it.is_hide_set())
            .map(|it| it.get_about().map(ToString::to_string).unwrap_or_default()),
    };
    let names = command.get_subcommands().map(Command::get_name);
    let others: Vec<&str> =
        names.filter(|name| !GROUPS.iter().any(|(_, group)| group.contains(name))).collect();
    let all = GROUPS.iter().map(|(heading, names)| (*heading, *names)).chain([(OTHER, &others[..])]);
    let longest = command.get_subcommands().map(|it| it.get_name().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (heading, names) in all {
        let lines: Vec<String> =
            names.iter().filter_map(|name| Some(entry(name, &about(name)?, longest, width))).collect();
        if !lines.is_empty() {
            text += &format!("{heading}:\n{}\n", lines.concat());
        }
    }
    text
}

/// Lines about a subcommand and its purpose.
fn entry(name: &str, about: &str, longest: usize, width: usize) -> String {
    let indent = longest + 4;
    let lines = wrap(about, width.saturating_sub(indent), false);
    let text = lines.join(&format!("\n{:indent$}", ""));
    format!("  {name:longest$}  {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subcommand_is_in_one_group() {
        let command = crate::command();
        for name in command.get_subcommands().map(Command::get_name) {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&name)).count();
            assert_eq!(groups, 1, "{name}: give it a place in GROUPS");
        }
        let text = groups(&command, 80);
        assert!(!text.contains(OTHER), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
