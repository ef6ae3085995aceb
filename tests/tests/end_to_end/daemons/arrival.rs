//! State, text and perfdata arrive as they were sent.

use package_import_tests::daemons::icinga::Icinga;
use package_import_tests::daemons::nagios::Nagios;
use package_import_tests::daemons::nrpe::{Nrpe, Transport};
use package_import_tests::daemons::plugins::{CHECKS, program};
use package_import_tests::daemons::said::Arrived;
use package_import_tests::daemons::scene::Scene;

use crate::daemons::states::{COUNTS, STATES, force, scene};

/// Asserts that an answer that arrived is one of those that the check printed.
fn assert_was_printed(scene: &Scene, check: &str, arrived: &Arrived, where_: &str) {
    let printed = scene.site.printed(check);
    let found = printed.iter().any(|said| said.arrives() == *arrived);
    assert!(found, "{where_}: {check}: {arrived:?} was never printed: {printed:#?}");
    printed.iter().for_each(|said| said.assert_well_formed(check));
}

#[test]
fn req2_req7_req16_nrpe_in_both_protocols_plain_and_with_tls() {
    let scene = scene();
    let transports = [Transport::Plain, Transport::Anonymous, Transport::Certificate];
    let daemons = transports.map(|transport| (transport, Nrpe::start(&scene.site, transport)));
    for code in STATES {
        force(&scene, code);
        for check in CHECKS {
            for (transport, nrpe) in &daemons {
                for version in [2, 4] {
                    scene.site.forget();
                    let said = nrpe.ask(&program(check), version);
                    let printed = scene.site.printed(check);
                    let at = format!("{check} over {transport:?}, version {version}");
                    assert_eq!(printed.len(), 1, "{at}: {said:?}");
                    printed[0].assert_well_formed(check);
                    assert_eq!(printed[0].code, code, "{at}: {printed:?}");
                    assert_eq!((said.code, said.text()), (code, printed[0].text()), "{at}");
                    assert!(said.err.is_empty(), "{at}: {said:?}");
                }
            }
        }
    }
    force(&scene, 0);
    let failing = daemons[0].1.ask("check_import_failures", 4).figure("failing");
    assert_eq!(failing, Some(COUNTS.bad as f64), "what was put in");
}

#[test]
fn req16_nothing_else_answers_and_nothing_can_be_passed_in() {
    let scene = scene();
    let nrpe = Nrpe::start(&scene.site, Transport::Plain);
    let said = nrpe.ask("check_import_failures!-h", 4);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(scene.site.printed("failures").is_empty());
}

#[test]
fn req2_req5_req16_nagios() {
    let scene = scene();
    let nrpe = Nrpe::start(&scene.site, Transport::Anonymous);
    for code in STATES {
        force(&scene, code);
        scene.site.forget();
        let local = [("failures", ""), ("queue", "-w 30m -c 2h"), ("state", "")];
        let mut nagios = Nagios::start(&scene.site, &nrpe.address, &local);
        let asked = CHECKS.iter().map(|check| (*check, format!("import-{check}")));
        let here = local.iter().map(|(check, _)| (*check, format!("local-{check}")));
        let services: Vec<(&str, String)> = asked.chain(here).collect();
        let names: Vec<String> = services.iter().map(|(_, name)| name.clone()).collect();
        let arrived = nagios.wait_for(&names);
        for (check, name) in &services {
            assert_eq!(arrived[name].code, code, "Nagios: {name}: {arrived:?}");
            assert_was_printed(&scene, check, &arrived[name], "Nagios");
        }
    }
}

#[test]
fn req2_req5_req16_icinga_2() {
    let scene = scene();
    let mut icinga = Icinga::start(&scene.site, "");
    icinga.wait_for_graphite();
    for code in STATES {
        force(&scene, code);
        scene.site.forget();
        let arrived = icinga.ask_all();
        let names: Vec<String> = CHECKS.iter().map(|check| format!("import-{check}")).collect();
        assert!(names.iter().all(|name| arrived.contains_key(name)), "{arrived:?}");
        for check in CHECKS {
            let one = &arrived[&format!("import-{check}")];
            assert_eq!(one.code, code, "Icinga: {check}: {one:?}");
            assert_was_printed(&scene, check, one, "Icinga");
            if code == 0 {
                assert_figures(&mut icinga, check, &one.perfdata);
            }
        }
    }
    let log = icinga.log();
    assert!(!log.contains("gnoring invalid perfdata"), "{log}");
}

/// Icinga could read every figure and every threshold, and makes the same numbers of them.
fn assert_figures(icinga: &mut Icinga, check: &str, perfdata: &str) {
    assert!(!perfdata.is_empty(), "{check} has figures");
    let ranges = perfdata.contains(['@', ':', '~']);
    assert!(
        !ranges,
        "Icinga drops what is no plain number, so no default may be a range: {check}: {perfdata}"
    );
    for word in perfdata.split(' ') {
        let (label, fields) = word.split_once('=').unwrap();
        let mut wanted = fields.split(';').map(|field| {
            let number = field.trim_end_matches(['s', 'B', '%', 'c']);
            number.parse::<f64>().ok()
        });
        let wanted = [wanted.next().flatten(), wanted.next().flatten(), wanted.next().flatten()];
        let service = format!("import-{check}");
        let is_same = |made: [Option<f64>; 3]| {
            made.iter().zip(wanted).all(|(made, wanted)| match (made, wanted) {
                (Some(made), Some(wanted)) => (made - wanted).abs() < 1e-3,
                (made, wanted) => *made == wanted,
            })
        };
        let what = format!("{check}: {word} arrives as {wanted:?}");
        icinga.wait_until(&what, |graphite| is_same(graphite.figure(&service, label)));
    }
}
