//! A mirror on a web server.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use super::redirect::{encode, resolve};
use super::{Answer, Body, Limits, Mirror, Request, Slot, Validators, longest, sniff};
use crate::config::Transfer;
use crate::error::{Error, Stage};
use crate::location::Location;
use crate::problem::Problem;
use crate::release::parse_date;

const MAX_REDIRECTS: usize = 10;
const MAX_HEADERS: usize = 64 << 10;
/// The list of a folder with ten thousand folders has about a megabyte.
const MAX_LISTING: u64 = 16 << 20;

pub(super) struct Web {
    location: Location,
    transfer: Transfer,
    limits: Arc<Limits>,
    plain: Agent,
    encrypted: Agent,
}

/// What one request, with its redirects, is about.
struct Asked<'a> {
    request: &'a Request<'a>,
    /// What to blame: the server that was asked last.
    host: String,
}

impl Web {
    pub(super) fn new(location: Location, transfer: &Transfer, limits: Arc<Limits>) -> Web {
        Web {
            location,
            plain: agent(transfer, proxy("http")),
            encrypted: agent(transfer, proxy("https")),
            transfer: transfer.clone(),
            limits,
        }
    }

    fn send(&self, uri: &Uri, request: &Request<'_>) -> Result<Response<ureq::Body>, ureq::Error> {
        let agent = if uri.scheme_str() == Some("https") { &self.encrypted } else { &self.plain };
        let mut call = agent.get(uri.clone());
        if let Some(known) = request.known {
            call = conditions(call, known);
        }
        if request.offset > 0 {
            call = call.header(header::RANGE, format!("bytes={}-", request.offset));
            // Without a strong ETag the hash of the whole will tell whether both parts fit together.
            let etag = request.version.and_then(|version| version.etag.as_deref());
            if let Some(etag) = etag.filter(|etag| !etag.starts_with("W/")) {
                call = call.header(header::IF_RANGE, etag);
            }
        }
        call.config().timeout_recv_body(Some(longest(request.size, &self.transfer))).build().call()
    }

    fn follow(&self, mut uri: Uri, asked: &mut Asked<'_>) -> Result<(Uri, Response<ureq::Body>), Error> {
        let mut seen = HashSet::new();
        loop {
            if let Some(authority) = uri.authority() {
                asked.host = authority.to_string();
            }
            let response = self
                .send(&uri, asked.request)
                .map_err(|error| self.fault(&uri, &blame(&uri, &error, asked), problem(&error)))?;
            let Some(location) = redirect(&response) else { return Ok((uri, response)) };
            let target = resolve(&uri, &location)
                .ok_or_else(|| self.fault(&uri, &asked.host, Problem::BadRedirect(location)))?;
            seen.insert(uri.to_string());
            if seen.len() > MAX_REDIRECTS || seen.contains(&target.to_string()) {
                return Err(self.fault(&uri, &asked.host, Problem::RedirectLoop(target.to_string())));
            }
            uri = target;
        }
    }

    fn fault(&self, uri: &Uri, host: &str, problem: Problem) -> Error {
        Error::new(Stage::Fetch, problem).about(&uri.to_string(), host)
    }

    fn uri(&self, path: &str, query: Option<&str>) -> Result<Uri, Error> {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let text = format!("{}/{}{query}", self.location, encode(path));
        text.parse().map_err(|_| {
            Error::new(Stage::Fetch, Problem::UnsafePath(path.to_owned()))
                .about(&text, &self.location.dependency())
        })
    }

    fn answer(
        &self,
        uri: &Uri,
        response: Response<ureq::Body>,
        asked: &Asked<'_>,
        slot: Slot,
    ) -> Result<Answer, Error> {
        let headers = response.headers();
        let status = response.status();
        let fault = |problem| self.fault(uri, &asked.host, problem);
        let offset = match status {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => range_start(headers)
                .filter(|start| *start == asked.request.offset)
                .ok_or_else(|| fault(Problem::BadHttp("another part than the one asked for".to_owned())))?,
            StatusCode::NOT_MODIFIED if asked.request.known.is_some() => return Ok(Answer::Unchanged),
            status => {
                let mut error = fault(status_problem(status, headers));
                error.retry_after = retry_after(headers, self.limits.clock().unix());
                return Err(error);
            }
        };
        Ok(Answer::Body(Box::new(Body {
            offset,
            length: response.body().content_length(),
            validators: validators(headers),
            url: uri.to_string(),
            dependency: asked.host.clone(),
            reader: Box::new(response.into_body().into_with_config().limit(u64::MAX).reader()),
            explain: explain_read,
            read: 0,
            pace: Some(self.limits.pace()),
            limits: self.limits.clone(),
            _slot: slot,
        })))
    }
}

impl Mirror for Web {
    fn location(&self) -> &Location {
        &self.location
    }

    fn get(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let slot = self.limits.connect();
        let mut asked = Asked { request, host: self.location.dependency() };
        let (uri, response) = self.follow(self.uri(request.path, request.query)?, &mut asked)?;
        self.answer(&uri, response, &asked, slot)
    }

    fn folders(&self, path: &str) -> Result<Vec<String>, Error> {
        let path = format!("{path}/");
        let Some((page, _)) = self.read(&Request::whole(&path), MAX_LISTING)? else { return Ok(Vec::new()) };
        Ok(sniff::folders(&String::from_utf8_lossy(&page)))
    }
}

fn agent(transfer: &Transfer, proxy: Option<Proxy>) -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        // The machine's own certificates: a company's proxy is known there, and nowhere else.
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .user_agent(concat!("package-import/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        // Redirects are followed here, so that each host that fails can be named.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_HEADERS)
        .max_idle_connections_per_host(transfer.connections)
        .timeout_resolve(Some(transfer.connect_timeout))
        .timeout_connect(Some(transfer.connect_timeout))
        .timeout_send_request(Some(transfer.response_timeout))
        .timeout_recv_response(Some(transfer.response_timeout))
        .timeout_per_read(Some(transfer.stall_timeout))
        .build()
        .into()
}

/// The proxy of the environment for a kind of address, as curl and apt have it.
fn proxy(scheme: &str) -> Option<Proxy> {
    // A server's request handler may be given HTTP_PROXY by its client; curl knows it in lower case only.
    let names: &[&str] = match scheme {
        "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => &["http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let value = names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    let address = Proxy::new(&value).ok()?;
    let mut builder = Proxy::builder(address.protocol()).host(address.host()).port(address.port());
    if let Some(user) = address.username() {
        builder = builder.username(user);
    }
    if let Some(password) = address.password() {
        builder = builder.password(password);
    }
    let exceptions = std::env::var("no_proxy").or_else(|_| std::env::var("NO_PROXY")).unwrap_or_default();
    for host in exceptions.split([',', ' ']).filter(|host| !host.is_empty()) {
        builder = builder.no_proxy(host);
    }
    builder.build().ok()
}

fn conditions<B>(call: ureq::RequestBuilder<B>, known: &Validators) -> ureq::RequestBuilder<B> {
    match (&known.etag, &known.last_modified) {
        (Some(etag), _) => call.header(header::IF_NONE_MATCH, etag),
        (None, Some(date)) => call.header(header::IF_MODIFIED_SINCE, date),
        (None, None) => call,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn validators(headers: &HeaderMap) -> Validators {
    Validators { etag: text(headers, header::ETAG), last_modified: text(headers, header::LAST_MODIFIED) }
}

fn redirect(response: &Response<ureq::Body>) -> Option<String> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| text(response.headers(), header::LOCATION).unwrap_or_default())
}

/// The start of `bytes 100-199/200`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = text(headers, header::CONTENT_RANGE)?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

fn status_problem(status: StatusCode, headers: &HeaderMap) -> Problem {
    match status.as_u16() {
        404 | 410 => Problem::NotFound,
        429 => Problem::Busy(429),
        503 if headers.contains_key(header::RETRY_AFTER) => Problem::Busy(503),
        code @ 500..=599 => Problem::ServerError(code),
        code => Problem::Refused(code),
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => u64::try_from(parse_date(&value)?.saturating_sub(now)).unwrap_or(0),
    };
    Some(Duration::from_secs(seconds))
}

/// Who is to blame: where a proxy could not be reached, the proxy.
fn blame(uri: &Uri, error: &ureq::Error, asked: &Asked<'_>) -> String {
    let connecting = matches!(error, ureq::Error::ConnectProxyFailed(_))
        || matches!(
            problem(error),
            Problem::Connect(_) | Problem::UnknownHost | Problem::Timeout("connection")
        );
    let proxy = proxy(uri.scheme_str().unwrap_or("http")).filter(|proxy| !proxy.is_no_proxy(uri));
    match proxy {
        Some(proxy) if connecting => format!("{}:{}", proxy.host(), proxy.port()),
        _ => asked.host.clone(),
    }
}

fn problem(error: &ureq::Error) -> Problem {
    use ureq::{Error, Timeout};
    match error {
        Error::HostNotFound => Problem::UnknownHost,
        Error::ConnectionFailed | Error::ConnectProxyFailed(_) => Problem::Connect(error.to_string()),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Problem::Timeout("connection"),
        Error::Timeout(Timeout::PerRead | Timeout::RecvBody) => Problem::Timeout("more bytes"),
        Error::Timeout(_) => Problem::Timeout("answer"),
        Error::Tls(text) => Problem::Tls((*text).to_owned()),
        Error::Rustls(error) => Problem::Tls(error.to_string()),
        Error::Io(error) => io_problem(error),
        other => Problem::BadHttp(other.to_string()),
    }
}

fn io_problem(error: &io::Error) -> Problem {
    use io::ErrorKind as Kind;
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Problem::Tls(inner.to_string());
    }
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable => Problem::Connect(error.to_string()),
        Kind::TimedOut => Problem::Timeout("answer"),
        _ => Problem::Broken(error.to_string()),
    }
}

/// An error in the middle of a file; ureq wraps its own into that of the standard library.
fn explain_read(error: &io::Error) -> Problem {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(inner) => problem(inner),
        None => io_problem(error),
    }
}
