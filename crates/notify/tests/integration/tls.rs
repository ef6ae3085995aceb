//! Mail through TLS and a login, with certificates of the test's own.

use std::fs::{copy, write};
use std::path::Path;
use std::process::Command;

use crate::mail::{Server, taken};
use crate::world::{MINUTE, World, secret};

/// Makes `NAME.ca` and, signed by it, `NAME.pem`: key and certificate of a server with that address.
fn certificate(folder: &Path, name: &str, address: &str) {
    let script = format!(
        "set -e
         openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=CA {name}' -keyout {name}.cakey -out {name}.ca
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=server' -keyout {name}.key -out {name}.csr
         printf 'subjectAltName={address}' > {name}.ext
         openssl x509 -req -in {name}.csr -CA {name}.ca -CAkey {name}.cakey -CAcreateserial -days 2 -extfile {name}.ext -out {name}.crt
         cat {name}.key {name}.crt > {name}.pem"
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is wrong is said, nothing is sent and nothing is lost: it goes out as soon as that is mended.
fn server_with_a_login(kind: &str, scheme: &str) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    certificate(folder.path(), "right", "IP:127.0.0.1");
    certificate(folder.path(), "other", "IP:127.0.0.1");
    copy(at("right.pem"), at("server.pem")).unwrap();
    let server = Server::of_kind(folder.path(), 0, kind);
    let password = secret(&folder, "password", "wrong\n");
    copy(at("other.ca"), at("ca.pem")).unwrap();
    let world = World::new(&format!(
        "[[mail]]\nname = 'team'\nfrom = 'imports@example.org'\nto = ['team@example.org']\n\
         smtp = '{scheme}://127.0.0.1:{}'\nuser = 'olga'\npassword_file = '{}'\nca_file = '{}'\n",
        server.port,
        password.display(),
        at("ca.pem").display()
    ));
    world.begin("surge:aaaaaaa", "first");
    let fails = |said: &str| {
        let failed = world.round().failed;
        let error = &failed.first().expect("a channel that fails").1.0;
        assert!(error.contains(said), "{said:?}: {error}");
        let channel = world.channel("team");
        assert!(channel.failing.is_some() && channel.error.is_some_and(|it| it.contains(said)), "{said:?}");
        assert!(taken(folder.path()).is_empty());
        world.advance(40 * MINUTE);
    };
    fails("certificate");
    write(at("ca.pem"), "nothing").unwrap();
    fails("");
    std::fs::remove_file(at("ca.pem")).unwrap();
    fails("ca.pem");
    copy(at("right.ca"), at("ca.pem")).unwrap();
    fails("535");
    write(&password, "s3cret\n").unwrap();
    assert_eq!(world.round().sent, ["team"]);
    assert!(taken(folder.path())[0].contains("first"));
    assert!(world.channel("team").failing.is_none());
}

#[test]
fn a_server_that_begins_tls_takes_it() {
    server_with_a_login("starttls", "smtp+starttls");
}

#[test]
fn a_server_of_tls_takes_it() {
    server_with_a_login("tls", "smtps");
}

/// The certificate is good and another server's; or the server offers no TLS: the password is not told.
#[test]
fn nobody_else_is_told_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    certificate(folder.path(), "right", "DNS:elsewhere.example.org");
    copy(at("right.pem"), at("server.pem")).unwrap();
    let password = secret(&folder, "password", "s3cret\n");
    for (kind, scheme, said) in [
        ("tls", "smtps", "certificate"),
        ("starttls", "smtp+starttls", "certificate"),
        ("plain", "smtp+starttls", "STARTTLS"),
    ] {
        let server = Server::of_kind(folder.path(), 0, kind);
        let world = World::new(&format!(
            "[[mail]]\nname = 'team'\nfrom = 'imports@example.org'\nto = ['team@example.org']\n\
             smtp = '{scheme}://127.0.0.1:{}'\nuser = 'olga'\npassword_file = '{}'\nca_file = '{}'\n",
            server.port,
            password.display(),
            at("right.ca").display()
        ));
        world.begin("surge:aaaaaaa", "first");
        let failed = world.round().failed;
        assert!(failed[0].1.0.contains(said), "{kind}: {failed:?}");
        assert!(taken(folder.path()).is_empty());
    }
}
