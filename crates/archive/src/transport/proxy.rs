//! The proxy of the environment, as curl and apt have it.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};
use ureq::{Proxy, ProxyProtocol};

/// Reason why a variable of the environment cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is no address of a proxy: {value:?}; it should look like http://proxy.example.org:3128 or socks5h://127.0.0.1:1080"
)]
pub struct ProxyError {
    /// Name of the variable.
    pub name: &'static str,
    /// Its value, without a password.
    pub value: String,
}

/// Proxies from the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// Proxy for `http://`.
    pub(super) plain: Option<Proxy>,
    /// Proxy for `https://`.
    pub(super) encrypted: Option<Proxy>,
    exceptions: Vec<String>,
}

/// Checks the variables of the environment.
///
/// # Errors
///
/// The first variable that is set and names no proxy. To go without the proxy that was meant could leak the
/// requests.
pub fn check_environment() -> Result<(), ProxyError> {
    Environment::read().map(drop)
}

impl Environment {
    pub(super) fn read() -> Result<Environment, ProxyError> {
        // A server's request handler may get HTTP_PROXY from its client; curl only uses the lower-case name.
        let plain = first(&["http_proxy", "all_proxy", "ALL_PROXY"])?;
        let encrypted = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?;
        let text = std::env::var("no_proxy").or_else(|_| std::env::var("NO_PROXY")).unwrap_or_default();
        let names = text.split([',', ' ', '\t']).filter(|name| !name.is_empty());
        Ok(Environment { plain, encrypted, exceptions: names.map(str::to_ascii_lowercase).collect() })
    }

    /// The proxy through which an address is asked.
    pub(super) fn of(&self, uri: &Uri) -> Option<&Proxy> {
        let proxy = if uri.scheme_str() == Some("https") { &self.encrypted } else { &self.plain };
        proxy.as_ref().filter(|_| !self.is_exception(uri))
    }

    fn is_exception(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        self.exceptions.iter().any(|exception| excepts(exception, &host, port))
    }
}

/// True when an entry of `no_proxy` matches a host: `*`, a name with all below it, a network, each with a port or
/// without.
fn excepts(exception: &str, host: &str, port: u16) -> bool {
    if exception == "*" {
        return true;
    }
    let (name, wanted) = match exception.rsplit_once(':') {
        Some((name, number)) if !name.contains(':') || name.ends_with(']') => match number.parse::<u16>() {
            Ok(number) => (name, Some(number)),
            Err(_) => (exception, None),
        },
        _ => (exception, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if let (Some((network, bits)), Ok(address)) = (name.split_once('/'), host.parse::<IpAddr>()) {
        return is_within(address, network, bits).unwrap_or(false);
    }
    let name = name.trim_start_matches('*').trim_start_matches('.');
    !name.is_empty() && host.strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let (own, other, length) = match (address, network.parse().ok()?) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
        _ => return Some(false),
    };
    let rest = length - bits.min(length);
    Some(own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0))
}

fn first(names: &[&'static str]) -> Result<Option<Proxy>, ProxyError> {
    let set = |name: &&'static str| {
        let value = std::env::var(name).ok()?;
        Some((*name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
    };
    let Some((name, value)) = names.iter().find_map(set) else { return Ok(None) };
    let proxy = Proxy::new(&value).ok().filter(|proxy| is_host(proxy.host()));
    proxy.map(Some).ok_or_else(|| ProxyError { name, value: without_password(&value) })
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    host.chars().all(fits) && host.chars().any(|c| c.is_ascii_alphanumeric())
}

fn without_password(value: &str) -> String {
    match (value.find("://"), value.rfind('@')) {
        (scheme, Some(at)) => {
            let start = scheme.map_or(0, |place| place + 3).min(at);
            format!("{}...{}", value.get(..start).unwrap_or_default(), value.get(at..).unwrap_or_default())
        }
        _ => value.to_owned(),
    }
}

/// True when a proxy is asked for plain `http://` addresses without a tunnel, which all HTTP proxies support. Many
/// allow CONNECT to port 443 alone, and caches cannot see into a tunnel.
pub(super) fn is_forwarding(proxy: &Proxy) -> bool {
    proxy.protocol() == ProxyProtocol::Http
}

/// The value of `Proxy-Authorization`, if the proxy's address has a name.
pub(super) fn authorization(proxy: &Proxy) -> Option<String> {
    let (user, password) = (proxy.username()?, proxy.password().unwrap_or_default());
    Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

/// Resolves every name to the proxy's address: every connection goes there.
#[derive(Debug)]
pub(super) struct ToProxy {
    proxy: Uri,
    inner: DefaultResolver,
}

impl ToProxy {
    pub(super) fn new(proxy: &Proxy) -> Option<ToProxy> {
        let proxy = format!("http://{}:{}/", proxy.host(), proxy.port()).parse().ok()?;
        Some(ToProxy { proxy, inner: DefaultResolver::default() })
    }
}

impl Resolver for ToProxy {
    fn resolve(
        &self,
        _: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.inner.resolve(&self.proxy, config, timeout)
    }
}

/// Connects to the address of [`ToProxy`], and names the host in each request.
#[derive(Debug, Default)]
pub(super) struct Forwarding(TcpConnector);

impl Connector<()> for Forwarding {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let authority = details.uri.authority().map(ToString::to_string).unwrap_or_default();
        let inner = self.0.connect(details, chained)?;
        Ok(inner.map(|inner| -> Box<dyn Transport> {
            Box::new(Absolute { inner: Box::new(inner), origin: Arc::from(format!("http://{authority}")) })
        }))
    }
}

/// Writes requests for a proxy: `GET http://host/path` in place of `GET /path`.
#[derive(Debug)]
struct Absolute {
    inner: Box<dyn Transport>,
    origin: Arc<str>,
}

impl Transport for Absolute {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        const METHOD: &[u8] = b"GET ";
        let origin = self.origin.as_bytes();
        let output = self.inner.buffers().output();
        let longer = amount.saturating_add(origin.len());
        // The requests of this program have no body, so each write begins a request.
        let is_request = output.starts_with(b"GET /") && longer <= output.len();
        if !is_request {
            return self.inner.transmit_output(amount, timeout);
        }
        output.copy_within(METHOD.len()..amount, METHOD.len() + origin.len());
        if let Some(place) = output.get_mut(METHOD.len()..METHOD.len() + origin.len()) {
            place.copy_from_slice(origin);
        }
        self.inner.transmit_output(longer, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_goes_without_a_proxy() {
        for (exception, host, port, is) in [
            ("*", "a.example", 80, true),
            ("example.org", "example.org", 80, true),
            ("example.org", "deb.example.org", 80, true),
            (".example.org", "deb.example.org", 443, true),
            ("*.example.org", "deb.example.org", 443, true),
            ("example.org", "badexample.org", 80, false),
            ("127.0.0.1", "127.0.0.1", 8080, true),
            ("127.0.0.1:8080", "127.0.0.1", 8080, true),
            ("127.0.0.1:8081", "127.0.0.1", 8080, false),
            ("127.0.0.0/8", "127.3.4.5", 8080, true),
            ("10.0.0.0/8", "127.3.4.5", 8080, false),
            ("10.0.0.0/0", "127.3.4.5", 8080, true),
            ("[::1]", "::1", 80, true),
            ("[::1]:81", "::1", 80, false),
            ("::1", "::1", 80, true),
            ("fe80::/10", "fe80::1", 80, true),
            ("localhost", "127.0.0.1", 80, false),
        ] {
            assert_eq!(excepts(exception, host, port), is, "{exception} {host} {port}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("http://u:p@host:1"), "http://...@host:1");
        assert_eq!(without_password("u:p@::bad"), "...@::bad");
        assert_eq!(without_password("::bad"), "::bad");
    }
}
