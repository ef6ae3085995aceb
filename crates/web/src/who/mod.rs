//! Who asks, and what they may.

pub mod accounts;
pub mod attempts;
mod name;
pub mod session;

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use importer::config::web::Web;
use operations::Role;
use tokio::sync::Semaphore;

pub use accounts::{Account, Accounts};
use attempts::Attempts;
use session::Sessions;

use name::is_name;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The Unix socket.
    Unix,
    /// An address.
    Tcp(IpAddr),
}

/// Somebody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The name, if somebody vouches for it.
    pub name: Option<String>,
    /// What they may.
    pub role: Role,
    /// Whether hosts, paths, logs and operators' names are kept from them.
    pub is_public: bool,
    /// How they are known.
    pub by: By,
}

/// How somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A proxy says so.
    Proxy,
    /// By an account of this installation.
    Account,
    /// Not at all.
    Nothing,
}

/// What people are told from each other by.
pub struct Gate {
    /// `[web]` of the configuration.
    pub web: Web,
    /// Who has an account.
    pub accounts: Accounts,
    /// What seals sessions.
    pub sessions: Sessions,
    /// Wrong sign-ins.
    pub attempts: Attempts,
    /// One sign-in is verified at a time: each takes 19 MiB.
    pub verifying: Semaphore,
    /// Whether only this machine reaches the server.
    pub is_local: bool,
}

impl Gate {
    /// Who asks; nobody who may look, if there is no answer.
    pub fn identify(&self, headers: &HeaderMap, peer: Peer) -> Option<Viewer> {
        by_proxy(&self.web, headers, peer).or_else(|| by_account(self, headers)).or_else(|| anybody(self))
    }

    /// Whether nobody can be told from anybody.
    pub fn is_open(&self) -> bool {
        !self.web.public && !self.web.has_proxy() && self.accounts.is_empty()
    }
}

/// Whom a proxy names, if it is one that is believed. A name that stands there twice is nobody's.
fn by_proxy(web: &Web, headers: &HeaderMap, peer: Peer) -> Option<Viewer> {
    let header = web.user_header.as_deref()?;
    let is_believed = match peer {
        Peer::Unix => true,
        Peer::Tcp(address) => web.proxies.contains(&address.to_canonical()) || web.proxies.contains(&address),
    };
    let mut values = headers.get_all(header).iter();
    let (Some(value), None) = (values.next().filter(|_| is_believed), values.next()) else { return None };
    let name = value.to_str().ok().map(str::trim).filter(|name| is_name(name))?;
    let is_in = |list: &[String]| list.iter().any(|it| it == name);
    let role = if is_in(&web.admin) {
        Role::Admin
    } else if is_in(&web.operate) {
        Role::Operate
    } else if is_in(&web.view) || web.view.iter().any(|it| it == "*") {
        Role::View
    } else {
        return None;
    };
    Some(Viewer { name: Some(name.to_owned()), role, is_public: false, by: By::Proxy })
}

fn by_account(gate: &Gate, headers: &HeaderMap) -> Option<Viewer> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let token = cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == session::COOKIE).then_some(value)
    })?;
    let account = gate.sessions.account(token, &gate.accounts, crate::reader::now())?;
    Some(Viewer { name: Some(account.name), role: account.role, is_public: false, by: By::Account })
}

fn anybody(gate: &Gate) -> Option<Viewer> {
    let viewer = |is_public| Viewer { name: None, role: Role::View, is_public, by: By::Nothing };
    if gate.web.public {
        return Some(viewer(true));
    }
    // Without accounts and without a proxy nobody could be told from anybody: whoever is on this machine may look.
    (gate.is_local && gate.is_open()).then(|| viewer(false))
}
