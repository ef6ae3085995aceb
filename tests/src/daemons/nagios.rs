//! Nagios with the shipped commands and services.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use super::pages::{Machine, Pager, Settled, hurried};
use super::said::Arrived;
use super::site::Site;
use super::users::User;
use super::{Daemon, shipped};
use crate::programs::need;

/// A running daemon.
pub struct Nagios {
    daemon: Daemon,
    folder: PathBuf,
    /// Pages that it has sent.
    pub pager: Pager,
}

/// What differs between daemons of the tests.
struct Setup<'a> {
    address: &'a str,
    local: &'a [(&'a str, &'a str)],
    /// Machine whose death is noticed; without one the host is always up, and nobody is paged.
    machine: Option<&'a Machine>,
}

/// Configuration of Debian's package and of a team: contacts, times, and the watched machine.
const GIVEN: &str = "
define timeperiod {
    timeperiod_name 24x7
    alias           always
    sunday          00:00-24:00
    monday          00:00-24:00
    tuesday         00:00-24:00
    wednesday       00:00-24:00
    thursday        00:00-24:00
    friday          00:00-24:00
    saturday        00:00-24:00
}
define command {
    command_name    nothing
    command_line    /bin/true
}
define command {
    command_name    alive
    command_line    /usr/lib/nagios/plugins/check_tcp -H $HOSTADDRESS$ -p @ALIVE
}
define command {
    command_name    page-service
    command_line    @PAGE_SERVICE
}
define command {
    command_name    page-host
    command_line    @PAGE_HOST
}
define contact {
    contact_name                  admin
    service_notification_period   24x7
    host_notification_period      24x7
    service_notification_options  w,u,c,r
    host_notification_options     d,u,r
    service_notification_commands page-service
    host_notification_commands    page-host
}
define contactgroup {
    contactgroup_name admins
    members           admin
}
define hostgroup {
    hostgroup_name  package-import
}
define host {
    host_name          importer
    address            @ADDRESS
    hostgroups         package-import
    check_command      @HOST_CHECK
    check_interval     1
    retry_interval     1
    max_check_attempts 3
    check_period       24x7
    contact_groups     admins
}
";

/// One service for each check that is asked on this machine, with arguments.
fn local_service(check: &str, arguments: &str) -> String {
    format!(
        "define service {{\n use package-import-service\n hostgroup_name null\n host_name importer\n \
         service_description local-{check}\n check_command check_import_{check}!{arguments}\n check_interval 5\n}}\n"
    )
}

impl Nagios {
    /// Starts one that asks NRPE at an address, and some checks of this machine by themselves: their names and arguments.
    pub fn start(site: &Site, address: &str, local: &[(&str, &str)]) -> Nagios {
        Nagios::with(site, &Setup { address, local, machine: None })
    }

    /// Starts one that asks NRPE of a machine, asks whether that is alive, and pages. A minute is two seconds.
    pub fn paging(site: &Site, machine: &Machine) -> Nagios {
        Nagios::with(site, &Setup { address: &machine.address, local: &[], machine: Some(machine) })
    }

    fn with(site: &Site, setup: &Setup<'_>) -> Nagios {
        need("nagios4", "nagios4-core");
        let folder = site.path("nagios");
        fs::create_dir_all(folder.join("results")).unwrap();
        let pager = Pager::new(&folder);
        // $USER1$ stands for one folder with all plugins, as in Debian.
        let _ = symlink("/usr/lib/nagios/plugins/check_nrpe", site.plugins().join("check_nrpe"));
        let local: String =
            setup.local.iter().map(|(check, arguments)| local_service(check, arguments)).collect();
        let (services, minute) =
            (shipped("docs/examples/nagios-services.cfg"), 1 + u8::from(setup.machine.is_some()));
        for (name, text) in [
            ("given.cfg", given(setup, &pager)),
            ("commands.cfg", shipped("docs/examples/nagios-commands.cfg")),
            (
                "services.cfg",
                if setup.machine.is_some() { hurried(&services, three_minutes) } else { services },
            ),
            ("local.cfg", local),
            ("resource.cfg", format!("$USER1$={}\n", site.plugins().display())),
            ("nagios.cfg", configuration(&folder, minute, setup.machine.is_some())),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let user = User::monitor();
        for path in [&folder, &folder.join("results")] {
            chown(path, Some(user.uid), Some(user.gid)).unwrap();
        }
        let verified = user.command("nagios4").arg("-v").arg(folder.join("nagios.cfg")).output().unwrap();
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success() && said.contains("Total Warnings: 0"), "{said}");
        let mut command = user.command("nagios4");
        command.arg(folder.join("nagios.cfg"));
        let daemon = Daemon::start(command, &folder);
        Nagios { daemon, folder, pager }
    }

    /// Waits until all of these services have been asked; what arrived.
    pub fn wait_for(&mut self, services: &[String]) -> BTreeMap<String, Arrived> {
        let (status, mut found) = (self.folder.join("status.dat"), BTreeMap::new());
        self.daemon.wait_until("Nagios has asked all services", || {
            found = read(&fs::read_to_string(&status).unwrap_or_default());
            services.iter().all(|name| found.contains_key(name))
        });
        found
    }

    /// Waits until the state of each service is what it should be for good, with a result from after a time.
    pub fn wait_until_all(&mut self, what: &str, is_so: impl Fn(&str, &Settled) -> bool) {
        let status = self.folder.join("status.dat");
        self.daemon.wait_until(what, || {
            let found = settled(&fs::read_to_string(&status).unwrap_or_default());
            !found.is_empty() && found.iter().all(|(name, one)| is_so(name, one))
        });
    }

    /// Content of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("nagios.log")).unwrap_or_default()
    }

    /// Waits until something is so.
    pub fn wait_until(&mut self, what: &str, is_so: impl FnMut() -> bool) {
        self.daemon.wait_until(what, is_so);
    }
}

/// The definitions of a team.
fn given(setup: &Setup<'_>, pager: &Pager) -> String {
    let port = setup.machine.map_or(0, Machine::port).to_string();
    let service = pager.command("$NOTIFICATIONTYPE$", "$SERVICEDESC$");
    for_each_of(
        GIVEN,
        &[
            ("@ADDRESS", setup.address),
            ("@ALIVE", &port),
            ("@PAGE_SERVICE", &service),
            ("@PAGE_HOST", &pager.command("$NOTIFICATIONTYPE$", "host")),
            ("@HOST_CHECK", if setup.machine.is_some() { "alive" } else { "nothing" }),
        ],
    )
}

fn for_each_of(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The line of an interval of more than a minute, made three minutes.
fn three_minutes(line: &str) -> Option<String> {
    let value = line.trim().strip_prefix("check_interval")?.trim();
    (value != "1").then(|| "    check_interval 3".to_owned())
}

fn configuration(folder: &Path, minute: u8, pages: bool) -> String {
    let own = [
        ("cfg_file", "given.cfg"),
        ("cfg_file", "commands.cfg"),
        ("cfg_file", "services.cfg"),
        ("cfg_file", "local.cfg"),
        ("resource_file", "resource.cfg"),
        ("log_file", "nagios.log"),
        ("object_cache_file", "objects.cache"),
        ("precached_object_file", "objects.precache"),
        ("status_file", "status.dat"),
        ("lock_file", "nagios.lock"),
        ("temp_file", "nagios.tmp"),
        ("temp_path", ""),
        ("check_result_path", "results"),
        ("state_retention_file", "retention.dat"),
        ("query_socket", "nagios.qh"),
        ("command_file", "nagios.cmd"),
        ("debug_file", "nagios.debug"),
    ];
    let mut text: String =
        own.iter().map(|(name, file)| format!("{name}={}\n", folder.join(file).display())).collect();
    text += "nagios_user=nagios\nnagios_group=nagios\ncheck_external_commands=0\nretain_state_information=0\n\
        log_rotation_method=n\nuse_syslog=0\ncheck_for_updates=0\nstatus_update_interval=1\n\
        service_check_timeout=30\nillegal_macro_output_chars=`~$&|'\"<>\n";
    // A minute is a second or two here, and all services are asked at once.
    text += &format!(
        "interval_length={minute}\ncached_host_check_horizon=1\ncached_service_check_horizon=1\nenable_notifications={}\nservice_inter_check_delay_method=n\n\
         service_interleave_factor=1\n",
        u8::from(pages)
    );
    text
}

/// The services of a status file: their states, and when they were asked.
fn settled(status: &str) -> BTreeMap<String, Settled> {
    let each = services(status).into_iter();
    each.map(|fields| {
        let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok()).unwrap_or(0.0);
        let one = Settled {
            code: number("current_state") as i32,
            is_hard: number("state_type") > 0.0,
            asked: number("last_check"),
        };
        (fields.get("service_description").copied().unwrap_or_default().to_owned(), one)
    })
    .collect()
}

fn services(status: &str) -> Vec<BTreeMap<&str, &str>> {
    let blocks = status.split("servicestatus {").skip(1);
    let lines = blocks.map(|block| block.split("\n\t}").next().unwrap_or_default().lines());
    lines.map(|lines| lines.filter_map(|line| line.trim_start().split_once('=')).collect()).collect()
}

/// The services of a status file that have been asked.
fn read(status: &str) -> BTreeMap<String, Arrived> {
    let mut found = BTreeMap::new();
    for fields in services(status) {
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        if field("has_been_checked") == "1" {
            let arrived = Arrived {
                code: field("current_state").parse().unwrap(),
                text: field("plugin_output").trim().into(),
                perfdata: field("performance_data").trim().into(),
            };
            found.insert(field("service_description").to_owned(), arrived);
        }
    }
    found
}
