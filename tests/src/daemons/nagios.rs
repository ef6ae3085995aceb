//! Nagios with the shipped commands and services.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use super::said::Arrived;
use super::site::Site;
use super::users::User;
use super::{Daemon, shipped};
use crate::programs::need;

/// A running daemon.
pub struct Nagios {
    daemon: Daemon,
    folder: PathBuf,
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
define contact {
    contact_name                  admin
    service_notification_period   24x7
    host_notification_period      24x7
    service_notification_options  n
    host_notification_options     n
    service_notification_commands nothing
    host_notification_commands    nothing
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
    check_command      nothing
    max_check_attempts 1
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
        need("nagios4", "nagios4-core");
        let folder = site.path("nagios");
        fs::create_dir_all(folder.join("results")).unwrap();
        // $USER1$ stands for one folder with all plugins, as in Debian.
        let _ = symlink("/usr/lib/nagios/plugins/check_nrpe", site.plugins().join("check_nrpe"));
        let local: String = local.iter().map(|(check, arguments)| local_service(check, arguments)).collect();
        for (name, text) in [
            ("given.cfg", GIVEN.replace("@ADDRESS", address)),
            ("commands.cfg", shipped("docs/examples/nagios-commands.cfg")),
            ("services.cfg", shipped("docs/examples/nagios-services.cfg")),
            ("local.cfg", local),
            ("resource.cfg", format!("$USER1$={}\n", site.plugins().display())),
            ("nagios.cfg", configuration(&folder)),
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
        Nagios { daemon, folder }
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
}

fn configuration(folder: &Path) -> String {
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
        log_rotation_method=n\nuse_syslog=0\nenable_notifications=0\ncheck_for_updates=0\nstatus_update_interval=1\n\
        service_check_timeout=30\nillegal_macro_output_chars=`~$&|'\"<>\n";
    // A minute is a second here, and all services are asked at once.
    text += "interval_length=1\nservice_inter_check_delay_method=n\nservice_interleave_factor=1\n";
    text
}

/// The services of a status file that have been asked.
fn read(status: &str) -> BTreeMap<String, Arrived> {
    let mut found = BTreeMap::new();
    for block in status.split("servicestatus {").skip(1) {
        let lines = block.split("\n\t}").next().unwrap_or_default().lines();
        let fields: BTreeMap<&str, &str> =
            lines.filter_map(|line| line.trim_start().split_once('=')).collect();
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
