//! Long answers and hostile ones, through every daemon.

use package_import_tests::daemons::icinga::Icinga;
use package_import_tests::daemons::nagios::Nagios;
use package_import_tests::daemons::nrpe::{Nrpe, Transport};
use package_import_tests::daemons::plugins::{CHECKS, program};
use package_import_tests::daemons::scene::Scene;
use state::open::Location;

use crate::daemons::states::{STATES, scene};

/// Every text that a check can come upon, as SQL: what begins perfdata, ends lines, moves cursors, starts programs, or is
/// no UTF-8 at all; at its end a megabyte of it.
fn poison(scene: &Scene) {
    let text = "CAST(x'7c20783d313b0a1b5b33316d60696460202428696429203b20263e3c20c328ff22270d' AS TEXT)";
    let long = format!("{text} || replace(hex(zeroblob(500000)), '00', '|x')");
    let place = Location::new(&scene.site.root(), None, None);
    let store = place.open().unwrap();
    store
        .write(|tx| {
            for (table, columns) in [
                ("package", &["name"][..]),
                ("host", &["name"]),
                ("suite", &["archive", "suite"]),
                ("signature", &["short", "stage", "code"]),
                ("failure", &["stage", "code"]),
                ("run", &["outcome"]),
            ] {
                for column in columns {
                    tx.execute(&format!("UPDATE {table} SET {column} = {text} || {column}"), &[])?;
                }
            }
            for statement in [
                format!("UPDATE host SET state = 'offline', reason = {long}"),
                format!("UPDATE suite SET failed = polled, error = {long}"),
                format!("UPDATE signature SET text = {long}, example = {long}"),
                format!("UPDATE failure SET state = 'wedged', message = {long}"),
                format!("INSERT INTO dependency (name, state, since, cause) VALUES ({long}, 'open', 1, {long})"),
                format!(
                    "INSERT INTO suppression (kind, subject_id, subject, until, reason, made_by, made_at)
                     SELECT 'package', package_id, {long}, 99999999999999, {long}, 'x', 1 FROM failure LIMIT 1"
                ),
                format!("INSERT INTO meta (name, value) VALUES ('integrity', {long})
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
            ] {
                tx.execute(&statement, &[])?;
            }
            Ok(())
        })
        .unwrap();
}

/// Asks everything by every way; what came is what was printed, and that is one clean line.
fn assert_arrives(scene: &Scene) {
    let nrpe = Nrpe::start(&scene.site, Transport::Anonymous);
    for check in CHECKS {
        for version in [2, 4] {
            scene.site.forget();
            let said = nrpe.ask(&program(check), version);
            let printed = scene.site.printed(check).remove(0);
            printed.assert_well_formed(check);
            assert_eq!(
                (said.code, said.text()),
                (printed.code, printed.text()),
                "{check}, version {version}"
            );
        }
    }
    let mut nagios = Nagios::start(&scene.site, &nrpe.address, &[]);
    let names: Vec<String> = CHECKS.iter().map(|check| format!("import-{check}")).collect();
    let by_nagios = nagios.wait_for(&names);
    let by_icinga = Icinga::start(&scene.site, "").ask_all();
    for check in CHECKS {
        let printed = scene.site.printed(check);
        for arrived in [&by_nagios, &by_icinga] {
            let one = &arrived[&format!("import-{check}")];
            assert!(printed.iter().any(|said| said.arrives() == *one), "{one:?} of {printed:#?}");
            assert!(STATES.contains(&one.code));
        }
    }
}

#[test]
fn req3_req4_req16_hostile_texts_arrive_as_one_clean_line() {
    let scene = scene();
    poison(&scene);
    assert_arrives(&scene);
    // With details there are more lines, but never another `|`, nor anything that a terminal obeys.
    for check in CHECKS {
        for details in ["-v", "-vv", "-vvv"] {
            let said = scene.site.check(check, &[details]);
            let text = said.text();
            assert!(said.err.is_empty() && (0..=3).contains(&said.code), "{said:?}");
            assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{text:?}");
            assert!(text.lines().skip(1).all(|line| !line.contains('|')), "{text:?}");
            assert!(text.len() < 1 << 20, "{check} {details}: {} bytes", text.len());
        }
    }
}

/// An answer as long as it may be: NRPE's second protocol cuts at 1,023 bytes what is longer.
#[test]
fn req3_req16_the_longest_answers_arrive_whole() {
    let scene = scene();
    // Limits with many digits make long figures. The number of digits decides whether all figures fit.
    for digits in [20, 24, 28, 40] {
        let limit = "9".repeat(digits);
        let lanes = ["operator", "upload", "retry", "rescan", "verify", "maintain", "waiting", "drain"];
        let limits = lanes
            .map(|lane| format!("[checks.queue.{lane}]\nwarning = \"{limit}\"\ncritical = \"{limit}\"\n"));
        scene.configure(&limits.concat());
        let nrpe = Nrpe::start(&scene.site, Transport::Plain);
        for version in [2, 4] {
            scene.site.forget();
            let said = nrpe.ask("check_import_queue", version);
            let printed = scene.site.printed("queue").remove(0);
            printed.assert_well_formed("queue");
            assert!(printed.out.len() > 500, "{printed:?}");
            assert_eq!((said.code, said.text()), (0, printed.text()), "version {version}");
        }
    }
}
