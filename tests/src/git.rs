//! Reads a commit's tree out of a bare repository, without a checkout.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::listing::{Entry, Listing};
use crate::programs::need;

/// A line of `git ls-tree`.
struct TreeLine {
    mode: String,
    id: String,
    path: Vec<u8>,
}

/// Lists the tree that `revision` leads to.
pub fn read_tree(repo: &Path, revision: &str) -> Result<Listing, String> {
    let lines = run(repo, &["ls-tree", "-r", "-t", "-z", "--full-tree", revision])?;
    let lines: Vec<TreeLine> = lines
        .split(|&byte| byte == 0)
        .filter(|line| !line.is_empty())
        .map(parse_line)
        .collect::<Result<_, _>>()?;
    let blobs: Vec<&TreeLine> = lines.iter().filter(|line| line.mode != "040000").collect();
    let mut contents = read_blobs(repo, &blobs)?.into_iter();
    let mut listing = Listing::new();
    for line in &lines {
        let entry = match line.mode.as_str() {
            "040000" => Entry::Dir,
            "100644" | "100755" => {
                let content = contents.next().ok_or("a blob is missing")?;
                Entry::file(&content, line.mode == "100755")
            }
            "120000" => Entry::Link { target: contents.next().ok_or("a blob is missing")? },
            other => return Err(format!("{} has mode {other}", line.path.escape_ascii())),
        };
        listing.insert(line.path.clone(), entry);
    }
    Ok(listing)
}

/// Every ref below a prefix.
pub fn refs(repo: &Path, prefix: &str) -> Result<Vec<String>, String> {
    let names = run(repo, &["for-each-ref", "--format=%(refname)", prefix])?;
    Ok(String::from_utf8_lossy(&names).lines().map(str::to_owned).collect())
}

/// Runs `git fsck --strict`; its complaints are the error.
pub fn fsck(repo: &Path) -> Result<(), String> {
    run(repo, &["fsck", "--strict", "--full", "--no-dangling"]).map(|_| ())
}

/// Runs Git on a repository, free of the machine's configuration.
pub fn run(repo: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = git(repo).args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

fn git(repo: &Path) -> Command {
    need("git", "git");
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(repo)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("LC_ALL", "C");
    command
}

fn parse_line(line: &[u8]) -> Result<TreeLine, String> {
    let bad = || format!("odd line of git ls-tree: {}", line.escape_ascii());
    let tab = line.iter().position(|&byte| byte == b'\t').ok_or_else(bad)?;
    let head = String::from_utf8_lossy(&line[..tab]).into_owned();
    let mut fields = head.split(' ');
    let (Some(mode), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(bad());
    };
    Ok(TreeLine { mode: mode.to_owned(), id: id.to_owned(), path: line[tab + 1..].to_vec() })
}

/// Reads all blobs through one process. Requests are written by a thread of their own, or both sides could wait.
fn read_blobs(repo: &Path, blobs: &[&TreeLine]) -> Result<Vec<Vec<u8>>, String> {
    let mut child = git(repo)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (Some(mut requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("git cat-file has no pipes".to_owned());
    };
    let ids: String = blobs.iter().map(|line| format!("{}\n", line.id)).collect();
    let writer = std::thread::spawn(move || requests.write_all(ids.as_bytes()));
    let mut answers = BufReader::new(answers);
    let contents = blobs.iter().map(|_| read_answer(&mut answers)).collect();
    drop(answers);
    let _ = writer.join();
    let _ = child.wait();
    contents
}

fn read_answer(answers: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut head = String::new();
    answers.read_line(&mut head).map_err(|error| error.to_string())?;
    let size = head.trim_end().rsplit_once(' ').and_then(|(_, size)| size.parse().ok());
    let size: usize = size.ok_or_else(|| format!("odd answer of git cat-file: {head}"))?;
    let mut content = vec![0; size + 1];
    answers.read_exact(&mut content).map_err(|error| error.to_string())?;
    content.pop();
    Ok(content)
}
