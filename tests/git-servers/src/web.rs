//! nginx in front of git-http-backend, with a password and a certificate of its own authority.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::keeper::{Keeper, free_port, wait_for_port, wait_for_socket};

/// Name of the user.
pub const USER: &str = "publisher";
/// Password of the user, unusual enough to be found wherever it should not be.
pub const PASSWORD: &str = "s3cret'marker \\of$the_test";

/// A running server. Below `/git/` are repositories; `/busy/` wants to be left alone for seven seconds, `/small/` takes few
/// bytes, `/down/` is out of order, `/moved/` is elsewhere.
pub struct Web {
    folder: tempfile::TempDir,
    port: u16,
    keepers: Vec<Keeper>,
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Web {
    /// Starts a web server.
    pub fn start() -> Web {
        let folder = tempfile::Builder::new().prefix("web-").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        certificates(path);
        let hash = openssl(path, &["passwd", "-apr1", PASSWORD]);
        fs::write(path.join("users"), format!("{USER}:{hash}\n")).unwrap();
        fs::create_dir_all(path.join("git")).unwrap();
        let port = free_port();
        fs::write(path.join("nginx.conf"), configuration(path, port)).unwrap();
        let mut web = Web { folder, port, keepers: Vec::new() };
        web.open();
        web
    }

    /// Starts it again.
    pub fn open(&mut self) {
        let path = self.folder.path();
        let (socket, log) = (path.join("fcgi"), path.join("log"));
        let _ = fs::remove_file(&socket);
        let address = format!("unix:{}", socket.display());
        self.keepers.push(Keeper::start("fcgiwrap", &["-f", "-c", "8", "-s", &address], &log));
        let config = path.join("nginx.conf").display().to_string();
        let prefix = path.display().to_string();
        self.keepers.push(Keeper::start("/usr/sbin/nginx", &["-p", &prefix, "-c", &config], &log));
        wait_for_socket(&socket);
        wait_for_port(self.port);
    }

    /// Stops it.
    pub fn close(&mut self) {
        self.keepers.clear();
    }

    /// Folder of its repositories.
    pub fn repositories(&self) -> PathBuf {
        self.folder.path().join("git")
    }

    /// Certificate of the authority that vouches for its certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A folder for what a test needs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Address, as `https://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

fn certificates(path: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut ca = vec!["req", "-x509", "-days", "30", "-subj", "/CN=Authority of a test"];
    ca.extend(key);
    ca.extend(["-keyout", "ca.key", "-out", "ca.pem"]);
    openssl(path, &ca);
    let mut request = vec!["req", "-subj", "/CN=127.0.0.1"];
    request.extend(key);
    request.extend(["-keyout", "server.key", "-out", "server.csr"]);
    openssl(path, &request);
    fs::write(path.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let rest = ["-days", "30", "-extfile", "names", "-out", "server.pem"];
    openssl(path, &[&sign[..], &rest[..]].concat());
}

fn configuration(path: &Path, port: u16) -> String {
    let path = path.display();
    let who = Command::new("id").arg("-un").output().unwrap();
    let who = String::from_utf8_lossy(&who.stdout).trim().to_owned();
    let user = if who == "root" { "user root;\n" } else { "" };
    let git = format!(
        "auth_basic git; auth_basic_user_file {path}/users;\n\
         fastcgi_pass unix:{path}/fcgi; fastcgi_read_timeout 300;\n\
         fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;\n\
         fastcgi_param GIT_PROJECT_ROOT {path}/git; fastcgi_param GIT_HTTP_EXPORT_ALL 1;\n\
         fastcgi_param PATH_INFO $1; fastcgi_param REMOTE_USER $remote_user;\n\
         fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;\n\
         fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding; fastcgi_param GIT_PROTOCOL $http_git_protocol;\n\
         fastcgi_param GIT_CONFIG_NOSYSTEM 1; fastcgi_param PATH /usr/bin:/bin;\n"
    );
    format!(
        "{user}daemon off; pid {path}/pid; error_log {path}/error.log; worker_processes 1;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n client_body_temp_path {path}/t1; fastcgi_temp_path {path}/t2; proxy_temp_path {path}/t3;\n\
         uwsgi_temp_path {path}/t4; scgi_temp_path {path}/t5; access_log {path}/access.log;\n\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {path}/server.pem; ssl_certificate_key {path}/server.key;\n\
         location ~ ^/git(/.*)$ {{ client_max_body_size 0; {git} }}\n\
         location ~ ^/small(/.*)$ {{ client_max_body_size 20k; {git} }}\n\
         location /busy/ {{ add_header Retry-After 7 always; return 429; }}\n\
         location /down/ {{ return 502; }}\n\
         location /moved/ {{ return 301 https://127.0.0.1:{port}/git/; }}\n\
         }} }}\n"
    )
}
