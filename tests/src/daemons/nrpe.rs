//! NRPE with the shipped commands, and `check_nrpe` that asks it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::said::Said;
use super::site::Site;
use super::{Daemon, free_address, listens, shipped, tls};
use crate::programs::need;

/// Default port of NRPE.
const PORT: u16 = 5666;
const CHECK_NRPE: &str = "/usr/lib/nagios/plugins/check_nrpe";

/// Way of connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// Encrypted without certificates, as Debian installs it.
    Anonymous,
    /// With a certificate that is verified.
    Certificate,
}

/// A running daemon.
pub struct Nrpe {
    _daemon: Daemon,
    folder: PathBuf,
    transport: Transport,
    /// Address that it listens on, at the usual port.
    pub address: String,
}

impl Nrpe {
    /// Starts one in front of the checks of an installation.
    pub fn start(site: &Site, transport: Transport) -> Nrpe {
        Nrpe::at(site, transport, free_address(PORT))
    }

    /// Starts one at an address, at the usual port.
    pub fn at(site: &Site, transport: Transport, address: String) -> Nrpe {
        need("/usr/sbin/nrpe", "nagios-nrpe-server");
        need(CHECK_NRPE, "nagios-nrpe-plugin");
        let folder = site.path(&format!("nrpe-{transport:?}"));
        fs::create_dir_all(folder.join("nrpe.d")).unwrap();
        // The one thing that is changed in what ships: where the checks are.
        let commands = shipped("nrpe.d/package-import.cfg")
            .replace("/usr/lib/nagios/plugins", &site.plugins().display().to_string());
        fs::write(folder.join("nrpe.d/package-import.cfg"), commands).unwrap();
        let mut config = format!(
            "server_address={address}\nserver_port={PORT}\nnrpe_user=nagios\nnrpe_group=nagios\nallowed_hosts=127.0.0.0/8\n\
             command_timeout=20\ndont_blame_nrpe=0\ndisable_syslog=1\npid_file={0}/pid\nlog_file={0}/log\ninclude_dir={0}/nrpe.d\n",
            folder.display()
        );
        if transport == Transport::Certificate {
            tls::certify(&folder, "nrpe");
            for (name, file) in [
                ("ssl_cert_file", "nrpe.crt"),
                ("ssl_privatekey_file", "nrpe.key"),
                ("ssl_cacert_file", "ca.crt"),
            ] {
                config += &format!("{name}={}\n", folder.join(file).display());
            }
            config += "ssl_version=TLSv1.2+\nssl_cipher_list=ALL:!aNULL:!eNULL:!MD5\n";
        }
        fs::write(folder.join("nrpe.cfg"), config).unwrap();
        let mut command = Command::new("/usr/sbin/nrpe");
        command.args((transport == Transport::Plain).then_some("-n"));
        command.arg("-c").arg(folder.join("nrpe.cfg")).arg("-f").env_clear().current_dir("/");
        let mut daemon = Daemon::start(command, &folder);
        daemon.wait_until("NRPE listens", || listens(&address, PORT));
        Nrpe { _daemon: daemon, folder, transport, address }
    }

    /// Asks for a command in the protocol of version 2, or 4.
    pub fn ask(&self, command: &str, version: u8) -> Said {
        let mut ask = Command::new(CHECK_NRPE);
        match self.transport {
            Transport::Plain => ask.arg("-n"),
            Transport::Anonymous => ask.arg("-d1"),
            Transport::Certificate => {
                ask.args(["-d0", "-L", "ALL:!aNULL", "-A"]).arg(self.folder.join("ca.crt"))
            }
        };
        ask.args((version == 2).then_some("-2")).args(["-H", &self.address, "-c", command]);
        ask.output().unwrap().into()
    }
}
