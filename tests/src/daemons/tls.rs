//! Certificates for the daemons.

use std::path::Path;
use std::process::Command;

use crate::programs::need;

fn openssl(folder: &Path, arguments: &[&str]) {
    need("openssl", "openssl");
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes `ca.crt`, and `NAME.crt` and `NAME.key` signed by it.
pub fn certify(folder: &Path, name: &str) {
    let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.crt"));
    let own = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ca"];
    openssl(folder, &[&own[..], &["-keyout", "ca.key", "-out", "ca.crt"]].concat());
    let subject = format!("/CN={name}");
    let asked = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject];
    openssl(folder, &[&asked[..], &["-keyout", &key, "-out", &request]].concat());
    std::fs::write(folder.join("names"), format!("subjectAltName=DNS:{name}\n")).unwrap();
    let signed = ["x509", "-req", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"];
    openssl(folder, &[&signed[..], &["-extfile", "names", "-in", &request, "-out", &certificate]].concat());
}
