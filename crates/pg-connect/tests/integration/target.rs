//! Connection strings: their meaning, and those that are refused.

use std::path::PathBuf;
use std::time::Duration;

use pg_connect::{Server, SslMode, Target, TargetError};
use proptest::prelude::*;

fn server(host: &str, port: u16) -> Server {
    Server { host: host.into(), address: None, port }
}

#[test]
fn a_url_and_words_say_the_same() {
    let url = "postgresql://worker@db.example.org:5433/import?sslmode=verify-full&sslrootcert=/etc/ca.pem\
               &passfile=%2Fetc%2Fpass%20file&connect_timeout=3&application_name=x";
    let words = r"host=db.example.org port = 5433 user=worker dbname=import sslmode=verify-full
                  sslrootcert=/etc/ca.pem passfile='/etc/pass file' connect_timeout=3 application_name=x";
    let target = Target::parse(url).unwrap();
    assert_eq!(target, Target::parse(words).unwrap());
    assert_eq!(target.servers, [server("db.example.org", 5433)]);
    assert_eq!(target.user.as_deref(), Some("worker"));
    assert_eq!(target.dbname.as_deref(), Some("import"));
    assert_eq!(target.ssl_mode, SslMode::VerifyFull);
    assert_eq!(target.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(target.passfile, Some(PathBuf::from("/etc/pass file")));
    assert_eq!(target.connect_timeout, Duration::from_secs(3));
}

#[test]
fn sockets_addresses_and_lists() {
    let servers = |text: &str| Target::parse(text).unwrap().servers;
    assert_eq!(servers("postgresql:///import"), [server("/var/run/postgresql", 5432)]);
    assert_eq!(servers("postgresql://%2Frun%2Fpg:6000/import"), [server("/run/pg", 6000)]);
    assert_eq!(servers("postgresql:///import?host=/run/pg"), [server("/run/pg", 5432)]);
    assert_eq!(servers("postgresql://[::1]:6000,b/import"), [server("::1", 6000), server("b", 5432)]);
    assert_eq!(servers("host=a,b port=7000"), [server("a", 7000), server("b", 7000)]);
    assert_eq!(servers("host=a,b port=,7001"), [server("a", 5432), server("b", 7001)]);
    let addressed = servers("host=db hostaddr=127.0.0.1");
    assert_eq!(addressed, [Server { address: "127.0.0.1".parse().ok(), ..server("db", 5432) }]);
    assert_eq!(addressed.first().unwrap().to_string(), "db:5432");
    let only = servers("hostaddr=::1");
    assert_eq!(only.first().unwrap().to_string(), "[::1]:5432");
}

#[test]
fn a_password_is_refused_wherever_it_stands_and_never_told() {
    for text in [
        "postgresql://worker:s3cret@db/import",
        "postgresql://worker:s3@cret@db/import",
        "postgresql://worker:@db/import",
        "postgresql://db/import?password=s3cret",
        "postgresql://db/import?pass%77ord=s3cret",
        "host=db password=s3cret",
        "host=db password=''",
        "host=db sslpassword='s3cret'",
    ] {
        assert_eq!(Target::parse(text), Err(TargetError::Password), "{text}");
    }
    // A `/` in a password ends the authority, as in any URL; the rest must not be shown either.
    let error = Target::parse("postgresql://worker:s3c/ret@db/import").unwrap_err().to_string();
    assert!(!error.contains("s3c") && !error.contains("ret@"), "{error}");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let error = |text: &str| Target::parse(text).unwrap_err().to_string();
    assert!(error("host=db sslmod=verify-full").contains("\"sslmod\""));
    assert!(error("postgresql://db/import?sslcert=x").contains("\"sslcert\""));
    assert!(error("host=db sslmode=verifyfull").contains("verify-full"));
    assert!(error("host=db sslmode=allow").contains("verify-full"));
    assert!(error("host=db connect_timeout=0").contains("above 0"));
    assert!(error("host=db port=70000").contains("port number"));
    assert!(error("host=db host=other").contains("twice"));
    assert!(error("host=a,b hostaddr=::1").contains("different lengths"));
    assert!(error("host=a,b,c port=1,2").contains("different lengths"));
    assert!(error("/var/lib/state.db").contains("neither a URL"));
    assert!(error("host='a").contains("not closed"));
    assert!(error("host='a'b").contains("closing quote"));
    assert!(error("=a").contains("without a key"));
    assert!(error("postgresql://%zz/").contains("hexadecimal"));
    assert!(error("postgresql://%00/").contains("NUL"));
    assert!(error("postgresql://%ff/").contains("UTF-8"));
    assert!(error("postgresql://[::1/").contains("\"]\""));
}

#[test]
fn what_the_text_does_not_say_can_be_set() {
    let target = Target::parse("postgresql://db/import?passfile=/a&application_name=mine").unwrap();
    let target = target.with_application_name("theirs").with_passfile(None);
    assert_eq!(target.application_name.as_deref(), Some("mine"));
    assert_eq!(target.passfile, Some(PathBuf::from("/a")));
    assert_eq!(target.with_passfile(Some("/b".into())).passfile, Some(PathBuf::from("/b")));
    assert!(Target::is_meant_by("postgresql://db"));
    assert!(!Target::is_meant_by("/var/lib/package-import/state.db"));
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

proptest! {
    #[test]
    fn any_value_survives_quoting_and_encoding(user in "[^\0]{1,12}", dbname in "[^\0]{1,12}") {
        let words = format!("user={} dbname={}", quoted(&user), quoted(&dbname));
        let url = format!("postgres://{}@/{}", encoded(&user), encoded(&dbname));
        for text in [words, url] {
            let target = Target::parse(&text).unwrap();
            prop_assert_eq!(target.user.as_deref(), Some(user.as_str()));
            prop_assert_eq!(target.dbname.as_deref(), Some(dbname.as_str()));
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in ".{0,60}", tail in "[a-z=&%',:@\\[\\]/? \\\\]{0,60}") {
        let _ = Target::parse(&text);
        let _ = Target::parse(&format!("postgresql://{tail}"));
        let _ = Target::parse(&tail);
    }

    #[test]
    fn a_password_never_shows(secret in "[a-z@/?#:]{6,20}") {
        let secret = format!("QQ{secret}");
        let text = format!("postgresql://worker:{secret}@db/import");
        let shown = format!("{:?}", Target::parse(&text).map_err(|error| error.to_string()));
        prop_assert!(!shown.contains("QQ"), "{}", shown);
    }
}
