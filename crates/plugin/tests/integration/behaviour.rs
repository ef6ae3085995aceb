//! Requirements 1, 2, 4, 6, 7 and 10 on the running example: codes, lines, options, configuration, missing data.

use std::fs::{self, OpenOptions};
use std::process::Command;

use crate::common::{GOOD, Root, SCHEMA};

#[test]
fn req1_the_four_codes() {
    let root = Root::with_database();
    let said = root.check(&[]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, GOOD, ""));
    root.check(&["-w", "2"]).is(1, "IMPORT EXAMPLE WARNING - 3 failing, 2 held | failing=3;2;1000 held=2");
    root.check(&["-w2", "-c", "@3:3"]).is(2, "IMPORT EXAMPLE CRITICAL - 3 failing");
    root.check(&["--warning=5:", "--critical=4"]).is(1, "IMPORT EXAMPLE WARNING");
    root.check(&["--state", "/nonexistent/state.db"])
        .is(3, "IMPORT EXAMPLE UNKNOWN - there is no /nonexistent");
}

#[test]
fn req1_unusable_options_are_one_line_and_code_3() {
    let root = Root::with_database();
    for arguments in [
        &["--nonsense"][..],
        &["-w"],
        &["positional"],
        &["-t", "0"],
        &["-t", "never"],
        &["-w", "-5"],
        &["-w", "nan:"],
        &["--no-data", "perhaps"],
        &["-w", "1", "-w", "2"],
        &["-x|y\u{1b}[31m"],
    ] {
        let said = root.check(arguments);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
        assert_eq!(said.out.matches('|').count(), 0, "{said:?}");
    }
    root.check(&["-w", "-5"]).contains("-5");
}

#[test]
fn req1_help_and_version_exit_3_as_c_plugins_do() {
    let root = Root::new();
    for option in ["-h", "--help"] {
        let said = root.check(&[option]);
        assert_eq!((said.code, said.err.as_str()), (3, ""));
        assert!(said.out.contains("Examples:\n  check_import_example -w 500 -c 1000"), "{}", said.out);
    }
    for option in ["-V", "--version"] {
        root.check(&[option]).is(3, "check_import_example 0.");
    }
}

#[test]
fn req6_help_is_at_most_80_columns_wide_and_names_every_option() {
    let said = Root::new().check(&["--help"]);
    for line in said.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for option in [
        "-w, --warning",
        "-c, --critical",
        "-t, --timeout",
        "-v, --verbose",
        "--config",
        "--state",
        "--no-data",
        "--timeout-state",
        "-h, --help",
        "-V, --version",
    ] {
        assert!(said.out.contains(option), "{option}: {}", said.out);
    }
}

#[test]
fn req1_a_closed_stdout_is_code_3_with_nothing() {
    let root = Root::with_database();
    let run = |redirection: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("\"$0\" {redirection}")).arg(root.command(&[]).get_program());
        shell.env_clear().env("PACKAGE_IMPORT_ROOT", root.path()).output().unwrap()
    };
    for redirection in [">&-", ">&- 2>&-", ">&- <&-", ">&- 2>&- <&-", ">&- </dev/null", ">/dev/full"] {
        let output = run(redirection);
        assert_eq!(output.status.code(), Some(3), "{redirection}");
        assert!(output.stderr.is_empty(), "{redirection}: {output:?}");
    }
    // The text is not wanted here, but the code may be.
    for redirection in [
        ">/dev/null",
        ">/dev/null 2>&1",
        ">/dev/null 2>&- <&-",
        "1<>/dev/null",
        "<>/dev/null 1>&0",
        "</dev/null 2>/dev/null 1<>/dev/null 2>&1",
    ] {
        assert_eq!(run(redirection).status.code(), Some(0), "{redirection}");
    }
}

#[test]
fn req1_a_reader_that_went_away_is_code_3() {
    let root = Root::with_database();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = root.command(&[]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn req2_req4_details_come_with_v_and_are_sanitised() {
    let root = Root::with_database();
    let said = root.check(&["-v"]);
    assert_eq!(said.out, format!("{GOOD}dash: patch/does not apply\n"));
    assert_eq!(root.check(&["-vvv"]).out, said.out);
}

#[test]
fn req7_policy_and_database_come_from_the_configuration() {
    let root = Root::with_database();
    let config = "[import]\nsomething = 'newer than this check'\n[checks.example.failing]\nwarning = 2\ncritical = '~:99'\n";
    root.write("config.toml", config);
    root.check(&[]).is(1, "IMPORT EXAMPLE WARNING - 3 failing, 2 held | failing=3;2;99 held=2");
    root.check(&["-w", "3"]).is(0, "IMPORT EXAMPLE OK");
    fs::rename(root.file("state.db"), root.file("other.db")).unwrap();
    for suffix in ["-wal", "-shm"] {
        let name = |name: &str| root.file(&format!("{name}{suffix}"));
        fs::rename(name("state.db"), name("other.db")).unwrap();
    }
    root.check(&[]).is(3, "IMPORT EXAMPLE UNKNOWN - there is no ");
    for state in ["other.db", "sqlite:other.db", root.file("other.db").to_str().unwrap()] {
        root.write("config.toml", &format!("[checks]\nstate = '{state}'\n"));
        assert_eq!(root.check(&[]).out, GOOD, "{state}");
    }
    // The section of another check that is none of the product's.
    root.write("config.toml", "[checks]\nstate = 'other.db'\nown = ['mine']\n[checks.mine]\nx = 1\n");
    assert_eq!(root.check(&[]).out, GOOD);
    root.write("config.toml", "[state]\nurl = 'other.db'\n");
    assert_eq!(root.check(&[]).out, GOOD);
    let elsewhere = root.file("else.toml");
    fs::rename(root.file("config.toml"), &elsewhere).unwrap();
    assert_eq!(root.check(&["--config", elsewhere.to_str().unwrap()]).out, GOOD);
}

#[test]
fn req7_a_configuration_that_cannot_be_meant_is_unknown() {
    let root = Root::with_database();
    for (config, about) in [
        ("[checks]\nsate = 'x'\n", "did you mean state?"),
        ("[checks.quue]\nx = 1\n", "[checks.quue]: there is no such check, did you mean [checks.queue]?"),
        ("[checks.elsewhere]\nx = 1\n", "name it in [checks] own"),
        ("[checks.state.backup]\nwarning = 1\n", "[checks.database]"),
        ("[check.example]\nwarning = 1\n", "did you mean [checks]?"),
        ("checks = 1\n", "checks must be a section"),
        ("[state]\nurl = 1\n", "[state] url must be a text"),
        ("[checks.example]\nwarn = 2\n", "warn"),
        ("[checks.example.failing]\nwarning = '-5'\n", "-5"),
        ("[checks.example.failing]\nwarning = true\n", "warning"),
        ("[checks]\nstate = 'mysql://x'\n", "postgresql://"),
        ("[checks\n", "line 1"),
        ("\n\nx = \n", "line 3"),
        ("[state]\nurl = 'postgresql://worker@db/import'\n", "monitor"),
    ] {
        root.write("config.toml", config);
        let said = root.check(&[]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
        said.contains(about);
        said.contains("config.toml");
    }
    let said = root.check(&["--config", "/nonexistent.toml"]);
    said.is(3, "IMPORT EXAMPLE UNKNOWN - there is no /nonexistent.toml");
}

/// An installation that an option names has its own policy, as one that the environment names.
#[test]
fn req7_the_policy_stands_beside_the_database_that_an_option_names() {
    let (root, other) = (Root::with_database(), Root::new());
    root.write("config.toml", "[checks.example.failing]\nwarning = 2\n");
    other.write("config.toml", "[checks.example.failing]\nwarning = 1\n");
    let state = root.file("state.db").display().to_string();
    other.check(&["--state", &state]).is(1, "IMPORT EXAMPLE WARNING - 3 failing, 2 held | failing=3;2;1000");
    other.check(&["--state", &format!("sqlite:{state}")]).contains("failing=3;2;1000");
    // The named file comes first; without one beside the database, all is as without the option.
    let config = other.file("config.toml").display().to_string();
    other.check(&["--state", &state, "--config", &config]).contains("failing=3;1;1000");
    fs::remove_file(root.file("config.toml")).unwrap();
    other.check(&["--state", &state]).contains("failing=3;1;1000");
}

#[test]
fn req8_a_threshold_that_cannot_be_meant_names_its_place() {
    let root = Root::with_database();
    for (config, about) in [
        ("warning = '1 hour and'", "[checks.example.failing] warning: the threshold 1 hour and has a bound"),
        ("critical = -5", "[checks.example.failing] critical: the threshold -5 is reversed"),
        (
            "warning = 4\ncritical = '1.0'",
            "[checks.example.failing] critical: the threshold 1.0 for CRITICAL is below 4, that for WARNING",
        ),
    ] {
        root.write("config.toml", &format!("[checks.example.failing]\n{config}\n"));
        let said = root.check(&[]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
        said.contains(&format!("config.toml: {about}"));
    }
    root.write("config.toml", "[checks.example.failing]\nwarning = 4\n");
    root.check(&["-c", "3"])
        .is(3, "IMPORT EXAMPLE UNKNOWN - the threshold 3 for CRITICAL is below 4, that for WARNING\n");
    // One by itself is compared with the default of the other.
    root.check(&["-w", "5000"]).is(
        3,
        "IMPORT EXAMPLE UNKNOWN - the threshold 5000 for WARNING is above 1000, the default for CRITICAL: set both\n",
    );
    // Equal limits and ranges are accepted as they are.
    for arguments in [&["-c", "4"][..], &["-c", "1:3"], &["-c", "@1:2"], &["-w", "5000", "-c", "6000"]] {
        root.check(arguments).is(0, "IMPORT EXAMPLE OK");
    }
}

#[test]
fn req7_a_check_never_uses_its_callers_own_state_folder() {
    let root = Root::with_database();
    let mut command = root.command(&["--no-data", "warning"]);
    command.env_remove("PACKAGE_IMPORT_ROOT").env("HOME", root.path()).env("XDG_STATE_HOME", root.path());
    fs::create_dir(root.file("package-import")).unwrap();
    fs::copy(root.file("state.db"), root.file("package-import/state.db")).unwrap();
    let output = command.output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains(root.path().to_str().unwrap()), "{output:?}");
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn req10_no_data_is_unknown_with_what_to_do_or_what_is_wanted() {
    let root = Root::new();
    let said = root.check(&[]);
    said.is(3, "IMPORT EXAMPLE UNKNOWN - there is no ");
    said.contains("has the importer run? else set [checks] state in /etc/package-import/config.toml\n");
    root.check(&["--state", "/nonexistent"]).contains("has the importer run? else correct --state\n");
    root.check(&["--no-data", "ok"]).is(0, "IMPORT EXAMPLE OK - there is no ");
    root.check(&["--no-data", "CRITICAL"]).is(2, "IMPORT EXAMPLE CRITICAL - there is no ");
    let writer = root.writer();
    writer.execute_batch("CREATE TABLE other (x)").unwrap();
    let said = root.check(&["--no-data=1"]);
    said.is(1, "IMPORT EXAMPLE WARNING - the database has no check_v1_example");
    writer.execute_batch(SCHEMA).unwrap();
    writer.execute_batch("DELETE FROM counters").unwrap();
    root.check(&[]).is(3, "IMPORT EXAMPLE UNKNOWN - there are no data yet");
}

#[test]
fn req10_what_is_no_database_is_never_ok() {
    let root = Root::new();
    root.write("state.db", "");
    root.check(&["--no-data", "warning"]).is(1, "IMPORT EXAMPLE WARNING - ");
    root.write("state.db", &"no database ".repeat(1000));
    root.check(&["--no-data", "ok"]).is(3, "IMPORT EXAMPLE UNKNOWN - ");
    fs::remove_file(root.file("state.db")).unwrap();
    fs::create_dir(root.file("state.db")).unwrap();
    root.check(&["--no-data", "ok"]).is(3, "IMPORT EXAMPLE UNKNOWN - ");
    let (folder, config) =
        (root.path().display().to_string(), root.file("config.toml").display().to_string());
    let said = root.check(&["--no-data", "ok", "--state", &folder]);
    said.is(
        3,
        &format!("IMPORT EXAMPLE UNKNOWN - {folder} is a folder: correct --state, as to {folder}/state.db\n"),
    );
    root.write("config.toml", &format!("[checks]\nstate = '{folder}'\n"));
    root.check(&[]).contains(&format!(": set [checks] state in {config}, as to {folder}/state.db\n"));
}

#[test]
fn req10_a_truncated_database_is_never_ok() {
    let root = Root::new();
    let writer = root.writer();
    writer.execute_batch(SCHEMA).unwrap();
    writer.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
    drop(writer);
    fs::remove_file(root.file("state.db-wal")).unwrap();
    fs::remove_file(root.file("state.db-shm")).unwrap();
    assert_eq!(root.check(&[]).out, GOOD);
    let length = fs::metadata(root.file("state.db")).unwrap().len();
    for part in 1..length / 512 {
        OpenOptions::new()
            .write(true)
            .open(root.file("state.db"))
            .unwrap()
            .set_len(length - part * 512)
            .unwrap();
        let said = root.check(&["--no-data", "warning"]);
        assert!(
            said.code != 0 && said.err.is_empty() && said.out.starts_with("IMPORT EXAMPLE "),
            "{part}: {said:?}"
        );
    }
}
