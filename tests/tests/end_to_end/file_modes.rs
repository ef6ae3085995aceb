//! Modes of all files that an installation makes, with the umask of a careless service manager, a shared group, a shell,
//! and a careful administrator.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use package_import_tests::installation::binary;
use package_import_tests::programs::need;
use package_import_tests::queue::text;
use package_import_tests::synthetic::package;

/// Files with secrets, or that only the owner may lock: mode 0600 with every umask.
const PRIVATE: [&str; 4] =
    ["package-import-key", "web-accounts", "package-import.flock", "package-import/record"];

fn with_umask(umask: &str, root: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask $0; exec \"$@\"", umask])
        .arg(binary())
        .arg("--root")
        .arg(root)
        .args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command may end without having read it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    child.wait_with_output().unwrap()
}

fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    if !folder.is_dir() {
        return found;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(all_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn others_can_write_to_no_file_of_an_installation_whatever_the_umask_is() {
    need("git", "git");
    for umask in ["000", "002", "022", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let (root, files) = (place("root"), place("files"));
        fs::create_dir(&files).unwrap();
        let first = package("hello", "1.0-1").write(&files);
        let second = package("hello", "1.1-1").below(&["1.0-1"]).write(&files);
        let well = |arguments: &[&str], input: &str| {
            let output = with_umask(umask, &root, arguments, input);
            assert!(output.status.success(), "umask {umask}, {arguments:?}: {}", text(&output));
        };
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        well(&["import", "--allow-unsigned", &path(&first)], "");
        well(&["enqueue", "--allow-unsigned", &path(&second)], "");
        well(&["run"], "");
        well(&["repack", "hello"], "");
        well(&["user", "add", "olga", "--role", "operate"], "correct horse battery\ncorrect horse battery\n");
        well(&["repair", "plan", "--all"], "");
        let made = [
            ("backup", vec!["backup", "BACKUP"]),
            ("export", vec!["export", "hello", "1.1-1", "EXPORT"]),
            ("metrics", vec!["metrics", "--textfile", "METRICS"]),
            ("feeds", vec!["feeds", "--to", "FEEDS"]),
        ];
        for (name, arguments) in made {
            let to = path(&place(name));
            let arguments: Vec<&str> =
                arguments.iter().map(|word| if *word == name.to_uppercase() { &to } else { *word }).collect();
            well(&arguments, "");
        }
        let mut private = 0;
        for made in ["root", "backup", "export", "metrics", "feeds"] {
            for path in all_below(&place(made)) {
                let it = fs::symlink_metadata(&path).unwrap();
                let mode = it.permissions().mode() & 0o7777;
                if it.is_symlink() {
                    continue;
                }
                assert_eq!(
                    mode & 0o002,
                    0,
                    "umask {umask}: others can write to {} ({mode:o})",
                    path.display()
                );
                if it.is_file() && PRIVATE.iter().any(|name| path.ends_with(name)) {
                    assert_eq!(mode, 0o600, "umask {umask}: {}", path.display());
                    private += 1;
                }
                assert!(it.nlink() == 1 || !it.is_file(), "{} has another name", path.display());
            }
        }
        assert!(private >= 4, "umask {umask}: {private} private files");
    }
}

#[test]
fn a_folder_that_others_can_write_to_keeps_what_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (root, files, shared) =
        (folder.path().join("root"), folder.path().join("files"), folder.path().join("shared"));
    for folder in [&files, &shared] {
        fs::create_dir(folder).unwrap();
    }
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    let dsc = package("hello", "1.0-1").write(&files);
    let imported = with_umask("022", &root, &["import", "--allow-unsigned", dsc.to_str().unwrap()], "");
    assert!(imported.status.success(), "{}", text(&imported));
    // Names that a program could choose for what it has not finished, and those that it is asked for.
    let theirs = [
        "out.export-1",
        ".out.export-1",
        "out.new",
        ".out.new",
        ".import.prom.new",
        "import.prom.tmp",
        "out~",
    ];
    for name in theirs {
        fs::create_dir(shared.join(name)).unwrap();
        fs::write(shared.join(name).join("file"), "theirs").unwrap();
    }
    std::os::unix::fs::symlink(files.join("precious"), shared.join("link.prom")).unwrap();
    fs::write(files.join("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(&files, shared.join("link")).unwrap();
    let to = |name: &str| shared.join(name).to_str().unwrap().to_owned();
    for (arguments, is_well) in [
        (vec!["export", "hello", "1.0-1", &to("out")], true),
        (vec!["export", "hello", "1.0-1", &to("out")], false),
        (vec!["export", "hello", "1.0-1", &to("out.new")], false),
        (vec!["export", "hello", "1.0-1", &to("link")], false),
        (vec!["metrics", "--textfile", &to("import.prom")], true),
        (vec!["metrics", "--textfile", &to("import.prom")], true),
        (vec!["metrics", "--textfile", &to("link.prom")], false),
        (vec!["metrics", "--textfile", &to("out~")], false),
    ] {
        let output = with_umask("022", &root, &arguments, "");
        assert_eq!(output.status.success(), is_well, "{arguments:?}: {}", text(&output));
    }
    for name in theirs {
        assert_eq!(fs::read_to_string(shared.join(name).join("file")).unwrap(), "theirs", "{name}");
    }
    assert_eq!(fs::read_to_string(files.join("precious")).unwrap(), "precious");
    let mut left: Vec<String> =
        fs::read_dir(&shared).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let mut wanted: Vec<&str> =
        theirs.into_iter().chain(["link", "link.prom", "out", "import.prom"]).collect();
    wanted.sort_unstable();
    assert_eq!(left, wanted);
}
