//! Lists as apt-ftparchive does not write them, with the real apt beside a poll: what apt takes, a poll takes, or says why not.

use super::apt::Apt;
use super::world::World;

/// A change of a list that has `aa` and `bb`.
struct Odd {
    what: &'static str,
    list: fn(String) -> String,
    /// What apt has of `aa`.
    apt: bool,
    /// What a poll says; it is `2 new` where it takes both.
    poll: &'static str,
}

fn lines(text: String, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

const ODD: &[Odd] = &[
    Odd { what: "fields in lower case", list: |t| lines(t, lower), apt: true, poll: "2 new" },
    Odd { what: "tabs before what goes on", list: |t| t.replace("\n ", "\n\t"), apt: true, poll: "2 new" },
    Odd { what: "empty lines in front", list: |t| format!("\n\n{t}"), apt: true, poll: "2 new" },
    Odd {
        what: "several empty lines between",
        list: |t| t.replace("\n\n", "\n\n\n\n"),
        apt: true,
        poll: "2 new",
    },
    Odd { what: "no line end at the end", list: |t| t.trim_end().to_owned(), apt: true, poll: "2 new" },
    Odd { what: "spaces behind values", list: |t| lines(t, spaced), apt: true, poll: "2 new" },
    Odd {
        what: "a slash behind the folder",
        list: |t| lines(t, |line| folder(line, "", "/")),
        apt: true,
        poll: "2 new",
    },
    Odd {
        what: "two slashes in the folder",
        list: |t| t.replace("pool/main", "pool//main"),
        apt: true,
        poll: "2 new",
    },
    Odd {
        what: "a folder from here",
        list: |t| lines(t, |line| folder(line, "./", "")),
        apt: true,
        poll: "2 new",
    },
    Odd { what: "hashes in capitals", list: |t| lines(t, capitals), apt: true, poll: "0 new" },
    Odd { what: "more spaces in a line of files", list: |t| lines(t, wide), apt: true, poll: "2 new" },
    Odd { what: "line ends of DOS", list: |t| t.replace('\n', "\r\n"), apt: true, poll: "2 new" },
    Odd {
        what: "a field that nobody knows",
        list: |t| lines(t, |line| after(line, "X-Own: y")),
        apt: true,
        poll: "2 new",
    },
    Odd { what: "the same stanza twice", list: |t| format!("{t}\n{t}"), apt: true, poll: "2 new" },
    Odd {
        what: "a version with a space",
        list: |t| t.replacen("Version: 1.0-2", "Version: 1.0 -2", 1),
        apt: true,
        poll: "1 new",
    },
    Odd { what: "a folder that leads out", list: |t| lines(t, outside), apt: true, poll: "1 new" },
    Odd { what: "a negative size", list: |t| lines(t, negative), apt: true, poll: "1 new" },
];

fn lower(line: &str) -> String {
    match line.split_once(':') {
        Some((name, rest)) if !line.starts_with(' ') => format!("{}:{rest}", name.to_lowercase()),
        _ => line.to_owned(),
    }
}

fn spaced(line: &str) -> String {
    if line.starts_with("Package:") || line.starts_with("Version:") || line.starts_with("Directory:") {
        format!("{line}  ")
    } else {
        line.to_owned()
    }
}

fn folder(line: &str, front: &str, behind: &str) -> String {
    match line.strip_prefix("Directory: ") {
        Some(path) => format!("Directory: {front}{path}{behind}"),
        None => line.to_owned(),
    }
}

fn capitals(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    match words.get_mut(1) {
        Some(hash) if line.starts_with(' ') && hash.len() >= 32 => *hash = hash.to_uppercase(),
        _ => {}
    }
    words.join(" ")
}

fn wide(line: &str) -> String {
    match line.strip_prefix(' ').filter(|rest| rest.split(' ').count() == 3) {
        Some(rest) => format!(" {}", rest.replace(' ', "   ")),
        None => line.to_owned(),
    }
}

fn after(line: &str, more: &str) -> String {
    if line.starts_with("Package:") { format!("{line}\n{more}") } else { line.to_owned() }
}

fn outside(line: &str) -> String {
    if line.ends_with("/b/bb") { "Directory: ../../etc".to_owned() } else { line.to_owned() }
}

fn negative(line: &str) -> String {
    match line.strip_prefix(' ').filter(|rest| rest.contains("bb_") && rest.split(' ').count() == 3) {
        Some(rest) => format!(" {}", rest.replacen(' ', " -", 1)),
        None => line.to_owned(),
    }
}

#[test]
fn what_apt_takes_of_a_list_a_poll_takes_or_says_why_not() {
    let mut wrong = Vec::new();
    for odd in ODD {
        let world = World::new(&["main"]);
        world.add("main", "aa", "1.0-1");
        world.add("main", "bb", "1.0-2");
        world.publish();
        world.edit(odd.list, |index| index);
        let (url, keyring) = (world.server.url(), world.archive.signer.keyring.display().to_string());
        let apt =
            Apt::new(world.archive.extra("apt"), &format!("deb-src [signed-by={keyring}] {url} sid main\n"));
        let takes = apt.takes("aa");
        let said = world.poll(&[]);
        if takes != odd.apt || !said.contains(odd.poll) {
            wrong.push(format!("{}: apt {takes}; {said}", odd.what));
            continue;
        }
        world.queue.well(&["run"]);
        let expected: &[&str] = match odd.poll {
            "2 new" => &["aa 1.0-1", "bb 1.0-2"],
            "1 new" => &["aa 1.0-1"],
            _ => &[],
        };
        if world.imported() != expected {
            wrong.push(format!("{}: imported {:?}", odd.what, world.imported()));
        }
        // What is passed over is said.
        if odd.poll != "2 new" && world.verdict()["verdict"] != "remarks" {
            wrong.push(format!("{}: {}", odd.what, world.verdict()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
