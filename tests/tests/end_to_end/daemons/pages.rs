//! A dead database, NRPE or machine is one page and one recovery, with the services that ship. Nagios and Icinga 2 run with
//! a minute of two seconds. `STORM=long` kills each of the three under each of the shipped setups.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use package_import_tests::daemons::icinga::{By, Icinga};
use package_import_tests::daemons::nagios::Nagios;
use package_import_tests::daemons::nrpe::{Nrpe, Transport};
use package_import_tests::daemons::pages::{Machine, Pager, Settled};
use package_import_tests::daemons::site::Site;

use super::states::{force, scene};

/// A monitoring system that pages.
enum Monitoring {
    Nagios(Nagios),
    Icinga(Icinga),
}

impl Monitoring {
    fn wait_until_all(&mut self, what: &str, is_so: impl Fn(&str, &Settled) -> bool) {
        match self {
            Monitoring::Nagios(nagios) => nagios.wait_until_all(what, is_so),
            Monitoring::Icinga(icinga) => icinga.wait_until_all(what, is_so),
        }
    }

    fn log(&self) -> String {
        match self {
            Monitoring::Nagios(nagios) => nagios.log(),
            Monitoring::Icinga(icinga) => icinga.log(),
        }
    }

    fn pager(&self) -> Pager {
        match self {
            Monitoring::Nagios(nagios) => nagios.pager.clone(),
            Monitoring::Icinga(icinga) => icinga.pager.clone(),
        }
    }

    fn wait_for_pages(&mut self, number: usize) {
        let pager = self.pager();
        let what = format!("{number} pages");
        let is_so = || pager.pages().len() >= number;
        match self {
            Monitoring::Nagios(nagios) => nagios.wait_until(&what, is_so),
            Monitoring::Icinga(icinga) => icinga.wait_until(&what, |_| is_so()),
        }
    }
}

/// Part of an installation that dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dead {
    Database,
    Nrpe,
    Machine,
}

/// Everything that can die, and what it takes to bring it back.
struct Watched<'a> {
    site: &'a Site,
    machine: &'a mut Machine,
    nrpe: Option<Nrpe>,
}

impl Watched<'_> {
    /// Without NRPE the checks are run where the database is: with the machine, all of them fail.
    fn dies(&mut self, dead: Dead, uses_nrpe: bool) {
        if dead == Dead::Machine {
            self.machine.dies();
        }
        if dead != Dead::Database && uses_nrpe {
            self.nrpe = None;
        } else {
            let root = self.site.root();
            fs::rename(root.join("state.db"), root.join("gone")).unwrap();
        }
    }

    fn is_back(&mut self, dead: Dead, uses_nrpe: bool) {
        if dead == Dead::Machine {
            self.machine.starts();
        }
        if dead != Dead::Database && uses_nrpe {
            self.nrpe = Some(Nrpe::at(self.site, Transport::Anonymous, self.machine.address.clone()));
        } else {
            let root = self.site.root();
            fs::rename(root.join("gone"), root.join("state.db")).unwrap();
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Kills each, and counts the pages until everything is well again.
fn each_is_one_page(start: impl Fn(&Site, &Machine) -> Monitoring, uses_nrpe: bool, deaths: &[Dead]) {
    if deaths.is_empty() {
        return;
    }
    let scene = scene();
    force(&scene, 0);
    let mut machine = Machine::new();
    let nrpe = uses_nrpe.then(|| Nrpe::at(&scene.site, Transport::Anonymous, machine.address.clone()));
    let mut monitoring = start(&scene.site, &machine);
    let mut watched = Watched { site: &scene.site, machine: &mut machine, nrpe };
    let well = |_: &str, one: &Settled| one.asked > 0.0 && one.code == 0 && one.is_hard;
    monitoring.wait_until_all("all is well", well);
    for dead in deaths {
        let before = monitoring.pager().pages();
        watched.dies(*dead, uses_nrpe);
        let parent = match dead {
            Dead::Database => "import-database",
            Dead::Nrpe => "import-nrpe",
            Dead::Machine => "host",
        };
        // Everything that depends on it has been asked until nobody doubts.
        let is_down = |name: &str, one: &Settled| {
            (name == "import-nrpe" && *dead == Dead::Database) || (one.code != 0 && one.is_hard)
        };
        monitoring.wait_until_all(&format!("{dead:?} is dead"), is_down);
        monitoring.wait_for_pages(before.len() + 1);
        watched.is_back(*dead, uses_nrpe);
        let since = now();
        monitoring.wait_until_all("all is well again", well);
        monitoring.wait_for_pages(before.len() + 2);
        // What came late would have come with the next results.
        let again = now().max(since);
        monitoring.wait_until_all("all is well for some time", |_, one| one.code == 0 && one.asked > again);
        let pages = monitoring.pager().pages();
        let wanted = [format!("PROBLEM {parent}"), format!("RECOVERY {parent}")];
        assert_eq!(pages[before.len()..], wanted, "{dead:?}: {}", monitoring.log());
    }
}

fn deaths(short: &'static [Dead]) -> &'static [Dead] {
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    if is_long { &[Dead::Database, Dead::Nrpe, Dead::Machine] } else { short }
}

#[test]
fn nagios_pages_once() {
    let start = |site: &Site, machine: &Machine| Monitoring::Nagios(Nagios::paging(site, machine));
    each_is_one_page(start, true, deaths(&[Dead::Database]));
}

#[test]
fn icinga_pages_once_by_nrpe() {
    let start = |site: &Site, machine: &Machine| Monitoring::Icinga(Icinga::paging(site, machine, By::Nrpe));
    each_is_one_page(start, true, deaths(&[Dead::Nrpe]));
}

#[test]
fn icinga_pages_once_by_itself() {
    let deaths: Vec<Dead> = deaths(&[]).iter().copied().filter(|dead| *dead != Dead::Nrpe).collect();
    let start =
        |site: &Site, machine: &Machine| Monitoring::Icinga(Icinga::paging(site, machine, By::Itself));
    each_is_one_page(start, false, &deaths);
}
