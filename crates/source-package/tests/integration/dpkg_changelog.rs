//! Entries of real and of spoilt changelogs, compared with those that dpkg's own parser finds.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use source_package::changelog::{Entry, entries};

/// Reads names of files, writes an answer for each: whether there were errors, then its entries' fields.
const ORACLE: &str = r#"
use Dpkg::Changelog::Debian;
while (my $file = <STDIN>) {
    chomp $file;
    my $changelog = Dpkg::Changelog::Debian->new(verbose => 0);
    open my $fh, '<', $file or die "$file: $!";
    $changelog->parse($fh, $file);
    print scalar($changelog->get_parse_errors()) ? "errors" : "clean";
    for my $entry (@{$changelog->{data}}) {
        my @changes = map { s/\s+$//r } @{$entry->get_part('changes')};
        shift @changes while @changes and $changes[0] eq '';
        pop @changes while @changes and $changes[-1] eq '';
        my $time = $entry->get_timepiece();
        print "\x1e", join("\x1f", map { $_ // '' } scalar $entry->get_source(), scalar $entry->get_version(),
            join(' ', $entry->get_distributions()), scalar $entry->get_urgency(), scalar $entry->get_maintainer(),
            scalar $entry->get_timestamp(), ($time ? $time->epoch : ''), join("\n", @changes));
    }
    print "\x1c";
}
"#;

fn ask_dpkg(files: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut perl = Command::new("perl")
        .args(["-e", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("perl with Dpkg::Changelog::Debian is needed to compare with");
    let mut stdin = perl.stdin.take().unwrap();
    let input: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = perl.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let mut answers: Vec<Vec<u8>> = output.stdout.split(|&byte| byte == 0x1c).map(<[u8]>::to_vec).collect();
    answers.pop();
    answers
}

/// Text without non-ASCII characters, which are compared elsewhere: encodings are mended by rules of our own.
fn ascii(bytes: impl AsRef<[u8]>) -> String {
    let shown = |byte: &&u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    let text: String = bytes.as_ref().iter().filter(shown).map(|&byte| char::from(byte)).collect();
    text.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn fields(entry: &Entry) -> [String; 6] {
    let heading = entry.heading.as_ref();
    let trailer = entry.trailer.as_ref().filter(|trailer| trailer.is_well_formed);
    [
        heading.map(|heading| heading.source.clone()).unwrap_or_default(),
        entry.version().map(|version| version.to_string()).unwrap_or_default(),
        heading.map(|heading| heading.distributions.join(" ")).unwrap_or_default(),
        heading.and_then(|heading| heading.urgency.clone()).unwrap_or_default(),
        trailer.map(|trailer| trailer.maintainer.clone()).unwrap_or_default(),
        trailer.map(|trailer| trailer.date_text.clone()).unwrap_or_default(),
    ]
    .map(ascii)
}

#[derive(Default, Debug)]
struct Compared {
    files: usize,
    entries: usize,
    bodies: usize,
    dates: usize,
}

fn compare(files: &[PathBuf]) -> Compared {
    let mut compared = Compared::default();
    let answers = ask_dpkg(files);
    assert_eq!(answers.len(), files.len());
    for (file, answer) in files.iter().zip(&answers) {
        compared.files += 1;
        let bytes = fs::read(file).unwrap();
        let ours: Vec<Entry> = entries(&bytes).collect();
        let mut theirs = answer.split(|&byte| byte == 0x1e);
        let clean = theirs.next() == Some(b"clean");
        let theirs: Vec<Vec<&[u8]>> =
            theirs.map(|entry| entry.split(|&byte| byte == 0x1f).collect()).collect();
        let context = || format!("{}: {}", file.display(), ascii(&bytes[..bytes.len().min(6000)]));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            compared.entries += 1;
            let expected: Vec<String> = theirs[..6].iter().map(ascii).collect();
            assert_eq!(fields(ours).as_slice(), expected, "{}", context());
            if clean {
                compared.bodies += 1;
                assert_eq!(ascii(&ours.body), ascii(theirs[7]), "{}", context());
            }
            compared.dates += usize::from(compare_date(ours, &ascii(theirs[6])));
        }
        assert_eq!(ours.len(), theirs.len(), "{}", context());
    }
    compared
}

/// Compares the seconds, but for days that some months do not have, and for months that dpkg does not read.
fn compare_date(ours: &Entry, theirs: &str) -> bool {
    let trailer = ours.trailer.as_ref().filter(|trailer| trailer.is_well_formed);
    let (Some(trailer), Ok(seconds)) = (trailer, theirs.parse::<i64>()) else { return false };
    let date = trailer.date.expect(&trailer.date_text);
    let day = trailer.date_text.split([',', ' ']).find_map(|word| word.parse::<u32>().ok()).unwrap();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month_is_read = trailer.date_text.split_whitespace().any(|word| months.contains(&word));
    let comparable = (1..=28).contains(&day) && seconds > 0 && month_is_read;
    assert!(date.seconds == seconds || !comparable, "{}: {} {seconds}", trailer.date_text, date.seconds);
    comparable
}

/// The installed packages' changelogs, unpacked into `folder`, each content once, up to `limit` bytes.
fn installed(folder: &Path, limit: usize) -> Vec<PathBuf> {
    let mut packages: Vec<PathBuf> =
        fs::read_dir("/usr/share/doc").unwrap().map(|e| e.unwrap().path()).collect();
    packages.sort();
    let (mut seen, mut total, mut files) = (HashSet::new(), 0, Vec::new());
    for package in packages {
        for name in ["changelog.Debian.gz", "changelog.gz"] {
            let Ok(file) = fs::File::open(package.join(name)) else { continue };
            let mut bytes = Vec::new();
            let read = GzDecoder::new(file).take(400_000).read_to_end(&mut bytes);
            if read.is_err() || total + bytes.len() > limit || !seen.insert(bytes.clone()) {
                continue;
            }
            total += bytes.len();
            let path = folder.join(files.len().to_string());
            fs::write(&path, bytes).unwrap();
            files.push(path);
        }
    }
    files
}

#[test]
fn finds_the_entries_of_installed_changelogs_as_dpkg_does() {
    let folder = tempfile::tempdir().unwrap();
    let limit = std::env::var("CHANGELOG_BYTES").map_or(10_000_000, |limit| limit.parse().unwrap());
    let mut files = installed(folder.path(), limit);
    if let Ok(more) = std::env::var("CHANGELOG_FILES") {
        files.extend(more.split(':').map(PathBuf::from));
    }
    let compared = compare(&files);
    println!("{compared:?}");
    assert!(compared.files >= 20 && compared.bodies >= 100 && compared.dates >= 100, "{compared:?}");
}

/// Lines that a changelog may hold, right and nearly right.
const LINES: &[&str] = &[
    "",
    " ",
    "\t",
    "a (1-1) unstable; urgency=low",
    "a (1:1-2) unstable experimental; urgency=HIGH (really), binary-only=yes",
    "A+b (x) stable;urgency=low, urgency=high",
    "_a (1_2) b; Urgency= medium , x",
    "a (1) b;",
    "a (1) b ; urgency=low",
    "a (1), b; urgency=low",
    "a(1) b; urgency=low",
    "  * change",
    "\t\tchange",
    " \tchange",
    " one blank",
    "\tone tab",
    "margin text of several words",
    "  -- A <a@x>  Mon, 01 Jan 2001 10:00:00 +0100",
    " -- A <a@x>  Mon, 01 Jan 2001 10:00:00 +0100",
    " -- A <a@x> Mon, 01 Jan 2001 10:00:00 +0100  ",
    " --  <a@x>  01 Jan 2001 9:00:00 -0100\r",
    " -- A <b> <a@x>  Xyz,02 January  2001 10:00:00 +0100",
    " -- A <a@x>   Mon, 01 Jan 2001 10:00:00 +0100",
    " -- A <a@x>  Mon, 01 Jan 2001 10:00:00 CET",
    " -- A <a@x>  Mon, 01 Jan 2001 10:00:00",
    " -- <a@x>  Mon, 01 Jan 2001 10:00:00 +0100",
    " --A <a@x>  Mon, 01 Jan 2001 10:00:00 +0100",
    " -- A <a@x> and <b>  11, 01 Foo 2001 10:00:00 +0100 >",
    "$Id: changelog $",
    "$Id $",
    "# comment",
    "#comment of words",
    "/* comment */ x",
    "/* no comment",
    "/*/ no comment",
    "\u{feff}a (1) b; urgency=low",
    "é (1) b; urgency=low",
];

/// Lines that end a changelog, and lines that nearly do.
const ENDS: &[&str] = &[
    ";;  LOCAL variables: x",
    "local variables",
    "VIM: x",
    "vim",
    "vim x",
    "Old Changelog: ",
    "Old Changelog: x",
    "Mon Jan  2 15:04:05 MET DST 1995  A B <a@x>",
    "Mon Jan  2 15:04:05 1995 A <a@x>",
    "Mon Jan  2 15:04:05 1995 <a@x>",
    "Mon Jan  2 15:04:05 1995  <a@x>",
    "Mon Jan  2 15:04:05 12345 1995x 1996  (a@x",
    "Mon Jan 12004 A <a@x)",
    "Mon Jan 1,2004 A (a@x>",
    "Mon Jan 12,  2004  (a@x>",
    "Mon Jan 12,  2004 (a@x>",
    "Mon Jan 2 04 A <a@x>",
    "a (0.1)",
    "a (0.1);; x",
    "a (0.1) is odd",
    "a (0 1)",
    "a-0.1 Debian 2",
    "a-0.1 DEBIAN 2 x",
    "a 0.1 Debian 2",
    "a 0.1 Debian  2",
    "a b c Debian 2",
    "a- Debian 2",
    "-a Debian 2",
    "ab Debian 2",
    "a\t1 Debian 2",
    "a Debian Debian 2",
    "Debian Debian 2",
    "changes FROM version 1 to 2:",
    "Changes from version 1 to 2",
    "Changes from version  to :",
    "Changes for a-0.1: ",
    "Changes for a-: x",
    "Changes for -a-b",
    "Changes for a-",
    "1:0.1-2:",
    "1:2:",
    "1:",
    "1::",
    "a:b",
    "~1",
    "word\u{b}",
    "one.word+x~y-z:  ",
    "word!",
];

/// Small numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn mistakes_the_same_lines_as_dpkg_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let mut files = Vec::new();
    let mut write = |text: String| {
        let path = folder.path().join(files.len().to_string());
        fs::write(&path, text).unwrap();
        files.push(path);
    };
    for line in LINES.iter().chain(ENDS) {
        write(format!(
            "{}\n\n{}\n\n{}\n{line}\n{}\n{}\n",
            LINES[3], LINES[11], LINES[18], LINES[4], LINES[11]
        ));
    }
    for _ in 0..4_000 {
        let lines: Vec<&str> =
            (0..dice.roll(14))
                .map(|_| {
                    if dice.roll(20) == 0 {
                        ENDS[dice.roll(ENDS.len())]
                    } else {
                        LINES[dice.roll(LINES.len())]
                    }
                })
                // We skip a byte order mark at the start, dpkg does not.
                .filter(|line| !line.starts_with('\u{feff}'))
                .collect();
        write(lines.join("\n"));
    }
    let compared = compare(&files);
    println!("{compared:?}");
    assert!(compared.entries > 4_000, "{compared:?}");
}

/// Real changelogs with lines cut, doubled, moved and shortened.
#[test]
fn finds_the_entries_of_spoilt_changelogs_as_dpkg_does() {
    let folder = tempfile::tempdir().unwrap();
    let spoilt = tempfile::tempdir().unwrap();
    let mut dice = Dice(11);
    let mut files = Vec::new();
    for file in installed(folder.path(), 1_000_000) {
        let bytes = fs::read(file).unwrap();
        let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.truncate(300);
        for _ in 0..lines.len() / 20 + 1 {
            let (at, other) = (dice.roll(lines.len()), dice.roll(lines.len()));
            match dice.roll(5) {
                0 => drop(lines.remove(at)),
                1 => lines.swap(at, other),
                2 => lines[at].insert(0, b' '),
                3 if !lines[at].is_empty() => drop(lines[at].remove(0)),
                _ => {
                    let cut = dice.roll(lines[at].len() + 1);
                    lines[at].truncate(cut);
                }
            }
            if lines.is_empty() {
                break;
            }
        }
        let path = spoilt.path().join(files.len().to_string());
        fs::write(&path, lines.join(&b'\n')).unwrap();
        files.push(path);
    }
    let compared = compare(&files);
    println!("{compared:?}");
    // The number of files depends on the installed packages; a machine without documentation has none.
    assert!(compared.entries >= 100, "{compared:?}: has /usr/share/doc no changelogs?");
}
