//! Webhooks: one request, no redirects, to an address that may be asked.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use state::outbox::words::Level;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;

use crate::address::Public;
use crate::config::{Template, Webhook};
use crate::outgoing::Outgoing;
use crate::secret;
use crate::text::{clean, short, word};

/// The whole request takes no longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of a text that a chat or a telephone shows.
const CHAT: usize = 12_000;
const PHONE: usize = 3_500;
/// The form of [`Template::Json`].
const VERSION: u32 = 1;

/// A request, before it is sent.
struct Request {
    method: Method,
    address: String,
    body: String,
    headers: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Post,
    Put,
}

/// Sends it.
pub fn send(webhook: &Webhook, outgoing: &Outgoing<'_>) -> Result<(), String> {
    let address = match &webhook.url {
        Ok(url) => url.clone(),
        Err(file) => secret::read(file)?,
    };
    let request = request(webhook, &address, outgoing)?;
    let uri: Uri = request.address.parse().map_err(|_| "its address cannot be used".to_owned())?;
    let host = uri.authority().map(ToString::to_string);
    let host = host.filter(|host| !host.contains('@')).ok_or("its address cannot be used")?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return Err("its address is neither https:// nor http://".into());
    }
    let agent = agent(webhook.allow_private);
    let mut call = match request.method {
        Method::Post => agent.post(uri),
        Method::Put => agent.put(uri),
    };
    for (name, value) in &request.headers {
        call = call.header(*name, value);
    }
    let answer = call.header("content-type", "application/json").send(request.body.as_str());
    // What the library says has no address in it but the host.
    let answer = answer.map_err(|error| format!("{host}: {error}"))?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        300..=399 => Err(format!("{host} answers {}: redirects are not followed", answer.status())),
        _ => Err(format!("{host} answers {}", answer.status())),
    }
}

fn agent(allow_private: bool) -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        // A proxy of the environment would be asked in place of the address that was looked at.
        .proxy(None)
        .user_agent(concat!("package-import/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(PATIENCE))
        .build();
    let connector = DefaultConnector::default();
    match allow_private {
        true => Agent::with_parts(config, connector, DefaultResolver::default()),
        false => Agent::with_parts(config, connector, Public::default()),
    }
}

fn request(webhook: &Webhook, address: &str, outgoing: &Outgoing<'_>) -> Result<Request, String> {
    let mut headers = Vec::new();
    if let Some(file) = &webhook.token_file {
        headers.push(("authorization", format!("Bearer {}", secret::read(file)?)));
    }
    let mut request =
        Request { method: Method::Post, address: address.to_owned(), body: String::new(), headers };
    let value = match webhook.template {
        Template::Json => whole(outgoing),
        Template::Slack => slack(outgoing),
        Template::Matrix => {
            let room = escaped(webhook.room.as_deref().unwrap_or_default());
            let base = address.trim_end_matches('/');
            let name = &outgoing.message.uid;
            request.address = format!("{base}/_matrix/client/v3/rooms/{room}/send/m.room.message/{name}");
            request.method = Method::Put;
            matrix(outgoing)
        }
        Template::Ntfy => ntfy(webhook.topic.as_deref().unwrap_or_default(), outgoing),
    };
    request.body = value.to_string();
    if webhook.template == Template::Json {
        let made = (outgoing.message.made / 1000).to_string();
        if let Some(file) = &webhook.secret_file {
            let seal = seal(secret::read(file)?.as_bytes(), &made, &request.body)?;
            request.headers.push(("x-package-import-signature", format!("v1={seal}")));
        }
        request.headers.push(("x-package-import-timestamp", made));
        request.headers.push(("x-package-import-id", outgoing.message.uid.clone()));
    }
    Ok(request)
}

/// HMAC-SHA-256 of the time stamp, a dot and the body.
fn seal(secret: &[u8], stamp: &str, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| "the secret cannot be a key")?;
    mac.update(stamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    Ok(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn whole(outgoing: &Outgoing<'_>) -> Value {
    let counts: serde_json::Map<String, Value> =
        outgoing.message.content.counts.iter().map(|(kind, count)| (kind.clone(), json!(count))).collect();
    json!({
        "v": VERSION,
        "id": outgoing.message.uid,
        "kind": outgoing.message.kind,
        "installation": outgoing.name,
        "made": outgoing.message.made,
        "level": outgoing.text.level.as_str(),
        "line": outgoing.text.line,
        "text": outgoing.text.body,
        "url": outgoing.url,
        "counts": counts,
        "notices": outgoing.message.content.notices,
    })
}

/// In a block of code nobody is called, and nothing is a link.
fn slack(outgoing: &Outgoing<'_>) -> Value {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = escape(&short(&outgoing.text.body, CHAT).replace('`', "'"));
    let head = escape(&clean(outgoing.name).replace(['`', '*', '@'], "'"));
    json!({ "text": format!("*{head}: {}*\n```\n{body}```", word(outgoing.text.level)) })
}

fn matrix(outgoing: &Outgoing<'_>) -> Value {
    // Without the empty list some clients look for names in the text.
    json!({ "msgtype": "m.notice", "body": format!("{}\n\n{}", outgoing.text.subject, short(&outgoing.text.body, CHAT)), "m.mentions": {} })
}

fn ntfy(topic: &str, outgoing: &Outgoing<'_>) -> Value {
    let (priority, tag) = match outgoing.text.level {
        Level::Ok => (3, "white_check_mark"),
        Level::Warning => (4, "warning"),
        Level::Critical => (5, "rotating_light"),
    };
    json!({
        "topic": topic, "title": outgoing.text.subject, "message": short(&outgoing.text.body, PHONE), "priority": priority,
        "tags": [tag], "click": outgoing.url,
    })
}

/// A text as a part of a path.
fn escaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            true => path.push(char::from(byte)),
            false => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_that_of_others() {
        // As `printf '1790000000.{}' | openssl dgst -sha256 -hmac key` has it.
        let seal = seal(b"key", "1790000000", "{}").unwrap();
        assert_eq!(seal.len(), 64);
        assert_ne!(seal, super::seal(b"key", "1790000001", "{}").unwrap());
        assert_eq!(escaped("!abc:example.org"), "%21abc%3Aexample.org");
    }
}
