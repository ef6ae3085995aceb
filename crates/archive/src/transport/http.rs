//! A mirror on a web server.

use std::collections::HashSet;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use super::faults::{explain_read, problem};
use super::headers::{
    conditions, decoded, is_encoded, range_start, redirect, retry_after, status_problem, validators,
};
use super::proxy::{self, Environment, Forwarding, ToProxy};
use super::redirect::{encode, resolve};
use super::{Answer, Body, Limits, Mirror, Request, Slot, longest, sniff};
use crate::config::Transfer;
use crate::error::{Error, Stage};
use crate::location::Location;
use crate::problem::Problem;

const MAX_REDIRECTS: usize = 10;
const MAX_HEADERS: usize = 64 << 10;
/// The list of a folder with ten thousand folders has about a megabyte.
const MAX_LISTING: u64 = 16 << 20;

pub(super) struct Web {
    location: Location,
    transfer: Transfer,
    limits: Arc<Limits>,
    proxies: Environment,
    direct: Agent,
    /// For `http://` and `https://` through their proxies, where there are some.
    plain: Option<Agent>,
    encrypted: Option<Agent>,
}

/// Context of one request, with its redirects.
struct Asked<'a> {
    request: &'a Request<'a>,
    /// Host for error messages: the server that was asked last.
    host: String,
}

impl Web {
    pub(super) fn new(location: Location, transfer: &Transfer, limits: Arc<Limits>) -> Web {
        // A variable that cannot be used was refused when the program started.
        let proxies = Environment::read().unwrap_or_default();
        Web {
            location,
            direct: agent(transfer, None),
            plain: proxies.plain.as_ref().map(|proxy| agent(transfer, Some(proxy))),
            encrypted: proxies.encrypted.as_ref().map(|proxy| tunnel(transfer, proxy)),
            proxies,
            transfer: transfer.clone(),
            limits,
        }
    }

    fn send(&self, uri: &Uri, request: &Request<'_>) -> Result<Response<ureq::Body>, ureq::Error> {
        let proxy = self.proxies.of(uri);
        let is_plain = uri.scheme_str() != Some("https");
        let through = if is_plain { &self.plain } else { &self.encrypted };
        let agent = through.as_ref().filter(|_| proxy.is_some()).unwrap_or(&self.direct);
        let mut call = agent.get(uri.clone());
        if let Some(proxy) = proxy.filter(|proxy| is_plain && proxy::is_forwarding(proxy))
            && let Some(value) = proxy::authorization(proxy)
        {
            call = call.header(header::PROXY_AUTHORIZATION, value);
        }
        if let Some(known) = request.known {
            call = conditions(call, known);
        }
        if request.offset > 0 {
            call = call.header(header::RANGE, format!("bytes={}-", request.offset));
            // Without a strong ETag the hash of the whole file shows whether both parts fit together.
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
                .map_err(|error| self.fault(&uri, &self.blame(&uri, &error, asked), problem(&error)))?;
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

    /// Host that an error is counted for: the proxy, where it could not be reached.
    fn blame(&self, uri: &Uri, error: &ureq::Error, asked: &Asked<'_>) -> String {
        let connecting = matches!(error, ureq::Error::ConnectProxyFailed(_))
            || matches!(
                problem(error),
                Problem::Connect(_) | Problem::UnknownHost | Problem::Timeout("connection")
            );
        match self.proxies.of(uri) {
            Some(proxy) if connecting => format!("{}:{}", proxy.host(), proxy.port()),
            _ => asked.host.clone(),
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
                .ok_or_else(|| fault(Problem::WrongPart("206 with another one".to_owned())))?,
            StatusCode::NOT_MODIFIED if asked.request.known.is_some() => return Ok(Answer::Unchanged),
            status => {
                let mut error = fault(status_problem(status));
                error.retry_after = retry_after(headers, self.limits.clock().unix());
                return Err(error);
            }
        };
        let length = response.body().content_length();
        let encoded = is_encoded(headers, length, asked.request);
        let validators = validators(headers);
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        let (reader, is_decoded) = decoded(reader, encoded).map_err(|error| fault(explain_read(&error)))?;
        Ok(Answer::Body(Box::new(Body {
            offset,
            length: length.filter(|_| !is_decoded),
            validators,
            url: uri.to_string(),
            dependency: asked.host.clone(),
            reader,
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
        let host = self.location.dependency();
        let uri = self.uri(request.path, request.query)?;
        self.limits.turns().wait(&host, self.limits.longest_wait()).map_err(|wait| {
            let mut error = self.fault(&uri, &host, Problem::Busy(429));
            error.retry_after = Some(wait);
            error
        })?;
        let slot = self.limits.connect();
        let mut asked = Asked { request, host: host.clone() };
        let (uri, response) = self.follow(uri, &mut asked)?;
        let answer = self.answer(&uri, response, &asked, slot);
        // A server that is reached by a redirect has no turns of its own: the pace of the first server includes it.
        match &answer {
            Err(error) if matches!(*error.problem, Problem::Busy(_)) => {
                self.limits.turns().refused(&host, error.retry_after);
            }
            Err(error) if !matches!(*error.problem, Problem::NotFound) => {}
            _ => self.limits.turns().good(&host),
        }
        answer
    }

    fn is_alive(&self) -> bool {
        self.limits.turns().is_alive()
    }

    fn folders(&self, path: &str) -> Result<Vec<String>, Error> {
        let path = format!("{path}/");
        let Some((page, _)) = self.read(&Request::whole(&path), MAX_LISTING)? else { return Ok(Vec::new()) };
        let names = sniff::folders(&String::from_utf8_lossy(&page));
        // A page without a single folder is no list of a folder: a login page, or that of a server under maintenance.
        match sniff(&page).filter(|_| names.is_empty()) {
            Some(problem) => {
                let uri = self.uri(&path, None)?;
                Err(self.fault(&uri, &self.location.dependency(), problem))
            }
            None => Ok(names),
        }
    }
}

/// Asks a plain server: directly, or through a proxy.
fn agent(transfer: &Transfer, proxy: Option<&Proxy>) -> Agent {
    match proxy.filter(|proxy| proxy::is_forwarding(proxy)).and_then(ToProxy::new) {
        Some(resolver) => Agent::with_parts(configuration(transfer, None), Forwarding::default(), resolver),
        None => configuration(transfer, proxy.cloned()).into(),
    }
}

/// Asks an encrypted server through a proxy, by a tunnel.
fn tunnel(transfer: &Transfer, proxy: &Proxy) -> Agent {
    configuration(transfer, Some(proxy.clone())).into()
}

fn configuration(transfer: &Transfer, proxy: Option<Proxy>) -> Config {
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
}
