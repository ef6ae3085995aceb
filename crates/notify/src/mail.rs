//! Mail: a message of plain text, by the machine's own mail server or by another.

use std::process::Command;
use std::time::{Duration, SystemTime};

use bounded::Deadline;
use bounded::program::{self, Group};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailboxes, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use sha2::{Digest as _, Sha256};

use crate::config::{Mail, Route, Security, Server};
use crate::outgoing::Outgoing;
use crate::secret;

/// Each step of a conversation with a server, and the machine's own program, take no longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of what that program says.
const SAID: usize = 2000;
/// Earlier messages that one refers to.
const REFERENCES: usize = 10;

/// Sends it.
pub fn send(mail: &Mail, host: &str, outgoing: &Outgoing<'_>) -> Result<(), String> {
    let message = build(mail, outgoing)?;
    match &mail.route {
        Route::Sendmail(path) => {
            let mut command = Command::new(path);
            command.arg("-i").arg("-f").arg(&mail.from.email).arg("--");
            command.args(mail.to.iter().map(|to| to.email.to_string()));
            let bytes = message.formatted();
            let text: Vec<u8> = without_returns(&bytes);
            let deadline = Deadline::after(PATIENCE);
            let output = program::output(&mut command, Group::Own, Some(text), SAID, deadline, |_| ())
                .map_err(|error| format!("{}: {error}", path.display()))?;
            if output.status.success() {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("{} ended with {}: {}", path.display(), output.status, said.trim()))
        }
        Route::Smtp(server) => {
            let transport = transport(server, host)?;
            let sent = transport.send(&message);
            sent.map(drop).map_err(|error| format!("{}:{}: {}", server.host, server.port, causes(&error)))
        }
    }
}

/// An error and what is behind it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Lines as programs of this machine have them.
fn without_returns(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(index + 1) != Some(&b'\n') {
            text.push(*byte);
        }
    }
    text
}

/// Largest file of certificates.
const CERTIFICATES: u64 = 1 << 20;

/// Parameters of TLS, with the certificate authorities that the server's certificate is checked with.
fn parameters(server: &Server) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca_file {
        let failed = |error: &dyn std::fmt::Display| format!("ca_file {}: {error}", path.display());
        let pem = bounded::file::read_text(path, CERTIFICATES).map_err(|error| failed(&error))?;
        let certificates = Certificate::from_pem(pem.as_bytes()).map_err(|error| failed(&causes(&error)))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder.build().map_err(|error| causes(&error))
}

fn transport(server: &Server, host: &str) -> Result<SmtpTransport, String> {
    let tls = || parameters(server);
    let tls = match server.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(tls()?),
        Security::Tls => Tls::Wrapper(tls()?),
    };
    let builder = SmtpTransport::builder_dangerous(server.host.as_str()).port(server.port);
    let mut builder = builder.tls(tls).timeout(Some(PATIENCE));
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if !host.is_empty() && host.chars().all(is_name) {
        builder = builder.hello_name(ClientId::Domain(host.to_owned()));
    }
    if let Some((user, file)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), secret::read(file)?));
    }
    Ok(builder.build())
}

/// The message with its headers. Who gets it stands in the configuration, whatever its text says.
fn build(mail: &Mail, outgoing: &Outgoing<'_>) -> Result<Message, String> {
    let domain = mail.from.email.domain();
    let made = u64::try_from(outgoing.message.made).unwrap_or(0);
    let to: Mailboxes = mail.to.to_vec().into();
    let mut builder = Message::builder()
        .from(mail.from.clone())
        .mailbox(header::To::from(to))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(made))
        .message_id(Some(format!("<{}@{domain}>", outgoing.message.uid)))
        .subject(outgoing.text.subject.clone())
        .header(ContentType::TEXT_PLAIN)
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Package-Import", &outgoing.message.kind));
    let threads = threads(outgoing, domain);
    if !threads.is_empty() {
        builder = builder.references(threads.join(" "));
    }
    builder.body(outgoing.text.body.clone()).map_err(|error| error.to_string())
}

/// A header whose name and value are ours.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// References to a message that was never sent, one for each signature, host or suite: they group related messages into
/// a thread.
fn threads(outgoing: &Outgoing<'_>, domain: &str) -> Vec<String> {
    let mut threads = Vec::new();
    for notice in &outgoing.message.content.notices {
        let topic = match notice.topic.split_once(':') {
            Some(("surge" | "signature", short)) => format!("signature:{short}"),
            _ => notice.topic.clone(),
        };
        let digest = Sha256::digest(topic);
        let name: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let thread = format!("<thread.{name}@{domain}>");
        if threads.len() < REFERENCES && !threads.contains(&thread) {
            threads.push(thread);
        }
    }
    threads
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use state::outbox::messages::{self, Content};
    use state::outbox::notices::Notice;

    use super::*;
    use crate::text;

    fn mail() -> Mail {
        Mail {
            from: "Imports <imports@example.org>".parse().unwrap(),
            to: vec!["team@example.org".parse().unwrap(), "Olga <olga@example.net>".parse().unwrap()],
            route: Route::Sendmail("/usr/sbin/sendmail".into()),
        }
    }

    fn message(texts: &[String]) -> messages::Message {
        let at = |index: usize| texts.get(index % texts.len().max(1)).cloned().unwrap_or_default();
        let notice = Notice {
            id: 1,
            topic: at(0),
            kind: "collision".into(),
            part: "once".into(),
            level: "warning".into(),
            subject: at(1),
            line: at(2),
            items: vec![at(3), at(4)],
            hints: vec![at(5)],
            at: 1_790_000_000_000,
            began: None,
        };
        let content = Content { notices: vec![notice], counts: vec![("collision".into(), 1)] };
        messages::Message {
            id: 1,
            channel: "team".into(),
            kind: "now".into(),
            uid: "0123456789abcdef".into(),
            made: 1_790_000_000_000,
            content,
            tries: 1,
        }
    }

    fn formatted(texts: &[String]) -> (Message, String) {
        let message = message(texts);
        let text = text::of(&message, "imports.example.org", None);
        let outgoing = Outgoing { message: &message, text: &text, name: "x", url: None };
        let built = build(&mail(), &outgoing).unwrap();
        let bytes = String::from_utf8(built.formatted()).unwrap();
        (built, bytes)
    }

    const NAMES: [&str; 12] = [
        "from",
        "to",
        "date",
        "message-id",
        "subject",
        "content-type",
        "auto-submitted",
        "x-package-import",
        "references",
        "mime-version",
        "content-transfer-encoding",
        "in-reply-to",
    ];

    /// Asserts that a mail contains nothing dangerous, whatever a package is called.
    fn assert_safe(texts: &[String]) {
        let (built, bytes) = formatted(texts);
        let to: Vec<String> = built.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["team@example.org", "olga@example.net"]);
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        for line in head.split("\r\n") {
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            // A further line of a header, or one of ours.
            if !line.starts_with(' ') && !line.starts_with('\t') {
                let name = line.split(':').next().unwrap().to_ascii_lowercase();
                assert!(NAMES.contains(&name.as_str()), "{line:?} of {texts:?}");
            }
        }
        for name in ["from:", "to:", "subject:", "message-id:"] {
            let lines = head.split("\r\n").filter(|line| line.to_ascii_lowercase().starts_with(name));
            assert_eq!(lines.count(), 1, "{name} of {texts:?}");
        }
        assert!(!body.replace("\r\n", "").contains(['\r', '\n', '\0']), "{body:?}");
        assert!(bytes.split("\r\n").all(|line| line.len() <= 998));
        assert!(!head.to_ascii_lowercase().contains("victim@example.com") || head.contains("Subject:"));
    }

    #[test]
    fn headers_cannot_be_injected() {
        for hostile in [
            "x\r\nBcc: victim@example.com",
            "x\nTo: victim@example.com\n\nbody",
            "x\r\n\r\n.\r\nMAIL FROM:<a@b>",
            "=?utf-8?q?x=0D=0ABcc:_victim@example.com?=",
            "x\u{2028}Bcc: victim@example.com",
            "x\u{85}Bcc: victim@example.com",
            "\0",
            "",
            " ",
            "\r",
            "\u{202e}gro",
        ] {
            assert_safe(&[hostile.to_owned()]);
        }
        let (_, bytes) = formatted(&["a\r\nBcc: victim@example.com".to_owned()]);
        assert!(!bytes.contains("\nBcc"), "{bytes}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn whatever_a_package_says(texts in prop::collection::vec("(\\PC|[\r\n\t\0:@<>,;\"= ]|\r\nBcc: a@b|\r\n\r\n|=\\?utf-8\\?q\\?){0,120}", 1..6)) {
            assert_safe(&texts);
        }
    }

    #[test]
    fn a_message_is_the_same_when_it_is_sent_again() {
        let texts = ["surge:abcdefg".to_owned(), "1012 failing".to_owned()];
        let (_, first) = formatted(&texts);
        assert_eq!(formatted(&texts).1, first);
        assert!(first.contains("Message-ID: <0123456789abcdef@example.org>"), "{first}");
        assert!(first.contains("Auto-Submitted: auto-generated"), "{first}");
        let reference = |topic: &str| {
            let (_, text) = formatted(&[topic.to_owned(), "x".to_owned()]);
            text.lines().find(|line| line.starts_with("References:")).unwrap().to_owned()
        };
        assert_eq!(reference("surge:abc"), reference("signature:abc"));
        assert_ne!(reference("surge:abc"), reference("surge:abd"));
    }
}
