//! Users: who they are, and their roles.

pub mod attempts;
pub mod session;

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use importer::config::web::Web;
use operations::Role;
use tokio::sync::Semaphore;

use attempts::Attempts;
pub use operations::accounts::{self, Account, Accounts};
use session::Sessions;

use operations::accounts::is_name;

/// Origin of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The Unix socket.
    Unix,
    /// A TCP address.
    Tcp(IpAddr),
}

/// User of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Name of the user, if a proxy or an account proves it.
    pub name: Option<String>,
    /// Role of the user.
    pub role: Role,
    /// True when hosts, paths, logs and operators' names are hidden.
    pub is_public: bool,
    /// Way in which the user was identified.
    pub by: By,
}

/// Way in which a user was identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A proxy names the user.
    Proxy,
    /// By an account of this installation.
    Account,
    /// The user is not identified.
    Nothing,
}

/// Means of identifying users.
pub struct Gate {
    /// `[web]` of the configuration.
    pub web: Web,
    /// Accounts of users.
    pub accounts: Accounts,
    /// Key that seals sessions.
    pub sessions: Sessions,
    /// Failed attempts to sign in.
    pub attempts: Attempts,
    /// One sign-in is verified at a time: each takes 19 MiB.
    pub verifying: Semaphore,
    /// True when only this machine reaches the server.
    pub is_local: bool,
}

impl Gate {
    /// User of a request; `None` if it may not even look.
    pub fn identify(&self, headers: &HeaderMap, peer: Peer) -> Option<Viewer> {
        by_proxy(&self.web, headers, peer).or_else(|| by_account(self, headers)).or_else(|| anybody(self))
    }

    /// True when users cannot be distinguished.
    pub fn is_open(&self) -> bool {
        !self.web.public && !self.web.has_proxy() && self.accounts.is_empty()
    }
}

/// True for a proxy that is believed.
fn is_believed(web: &Web, peer: Peer) -> bool {
    match peer {
        Peer::Unix => true,
        Peer::Tcp(address) => web.proxies.contains(&address.to_canonical()) || web.proxies.contains(&address),
    }
}

/// Where a request comes from, for limits: what a proxy that is believed says, which is the last entry of its header; else who
/// has connected. Of IPv6 the network, in which one client has as many addresses as it likes.
pub fn origin(web: &Web, headers: &HeaderMap, peer: Peer) -> String {
    let last = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| is_believed(web, peer));
    let said = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let address = match (said, peer) {
        (Some(said), _) => said.to_canonical(),
        (None, Peer::Tcp(address)) => address.to_canonical(),
        (None, Peer::Unix) => return "the socket".to_owned(),
    };
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// User that a trusted proxy names. A name that is given twice is not used.
fn by_proxy(web: &Web, headers: &HeaderMap, peer: Peer) -> Option<Viewer> {
    let header = web.user_header.as_deref()?;
    let mut values = headers.get_all(header).iter();
    let value = values.next().filter(|_| is_believed(web, peer));
    let (Some(value), None) = (value, values.next()) else { return None };
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
    // Another site of the same domain can set a cookie of this name, which does not keep anybody from being heard.
    let now = crate::reader::now();
    let account = cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == session::COOKIE).then(|| gate.sessions.account(value, &gate.accounts, now)).flatten()
    })?;
    Some(Viewer { name: Some(account.name), role: account.role, is_public: false, by: By::Account })
}

fn anybody(gate: &Gate) -> Option<Viewer> {
    let viewer = |is_public| Viewer { name: None, role: Role::View, is_public, by: By::Nothing };
    if gate.web.public {
        return Some(viewer(true));
    }
    // Without accounts and without a proxy users cannot be distinguished: everybody on this machine may look.
    (gate.is_local && gate.is_open()).then(|| viewer(false))
}
