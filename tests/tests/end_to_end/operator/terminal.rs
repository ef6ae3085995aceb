//! A terminal that is the same everywhere: 80 columns, one user, one host, nothing of the caller's environment.

use std::path::Path;
use std::process::Command;

use package_import_tests::queue::Queue;

/// The columns of the terminal.
pub const COLUMNS: usize = 80;

/// End of a command.
pub struct Screen {
    /// Exit code.
    pub code: i32,
    /// Output of both streams, without values that change.
    pub text: String,
}

/// The program for an installation, without anything of the caller's environment.
pub fn command(queue: &Queue, arguments: &[&str]) -> Command {
    let mut command = queue.command(arguments);
    hermetic(&mut command, &queue.installation.root());
    if let Some(url) = &queue.postgres {
        command.env("PACKAGE_IMPORT_STATE", url);
    }
    command
}

/// Takes the caller's environment away.
pub fn hermetic(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("COLUMNS", COLUMNS.to_string())
        .env("LC_ALL", "C")
        .env("TZ", "Asia/Tokyo")
        .env("SUDO_USER", "olga")
        .env("PACKAGE_IMPORT_HOST", "host1")
        .stdin(std::process::Stdio::null());
}

/// Output of a command on a screen; every line has to fit.
pub fn screen(queue: &Queue, arguments: &[&str]) -> Screen {
    let output = command(queue, arguments).output().unwrap();
    let folder = queue.installation.root().parent().unwrap().display().to_string();
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap().replace(&folder, "/srv"));
    // Messages of refusals are not wrapped, so that they can be searched for in a mail of cron's.
    for line in out.lines().filter(|_| arguments.first() != Some(&"log")) {
        assert!(line.chars().count() <= COLUMNS, "{arguments:?} prints more than {COLUMNS} columns: {line}");
    }
    Screen { code: output.status.code().unwrap_or(-1), text: steady(&(out + &err)) }
}

/// Output of a command that has to succeed.
pub fn show(queue: &Queue, arguments: &[&str]) -> String {
    let screen = screen(queue, arguments);
    assert_eq!(screen.code, 0, "{arguments:?}: {}", screen.text);
    screen.text
}

/// Output of a command that is refused with an exit code.
pub fn refused(queue: &Queue, arguments: &[&str], code: i32) -> String {
    let screen = screen(queue, arguments);
    assert_eq!(screen.code, code, "{arguments:?}: {}", screen.text);
    screen.text
}

/// Puts words of the same length in the place of times, seconds and hashes.
pub fn steady(text: &str) -> String {
    let text = replace(text, "####-##-## ##:##Z", "YYYY-MM-DD hh:mmZ");
    let text = replace(&text, "2###-##-##T##:##:##Z", "YYYY-MM-DDThh:mm:ssZ");
    let text = replace(&text, "202#-##-##", "YYYY-MM-DD");
    let text = replace(&text, "    #.###", "    s.mmm");
    text.lines().map(|line| line.to_owned() + "\n").collect()
}

/// Replaces what a pattern describes, in which `#` is any digit.
fn replace(text: &str, pattern: &str, by: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let fits = rest.is_char_boundary(pattern.len())
            && rest.bytes().zip(pattern.bytes()).all(|(is, wanted)| match wanted {
                b'#' => is.is_ascii_digit(),
                _ => is == wanted,
            });
        let length = if fits && rest.len() >= pattern.len() {
            kept.push_str(by);
            pattern.len()
        } else {
            kept.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    kept
}
