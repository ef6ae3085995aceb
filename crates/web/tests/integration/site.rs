//! A server that is called without a socket.

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use operations::Installation;
use web::{Listen, Peer, Prefix, Server};

/// Header in which the tests' proxy names the user.
pub const HEADER: &str = "X-Remote-User";
/// A section of the configuration with that proxy: olga may operate, everybody may look.
pub const PROXY: &str = "[web]\nuser_header = 'X-Remote-User'\nproxies = ['10.1.1.1']\nview = ['*']\noperate = ['olga', 'petra']\n";

pub struct Site {
    pub server: Server,
    pub runtime: tokio::runtime::Runtime,
    pub peer: Peer,
    pub user: Option<&'static str>,
    pub cookie: Option<String>,
}

/// An answer.
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    /// The server of a root, with these lines in its configuration.
    pub fn of(root: &Path, config: &str) -> Site {
        Site::at(root, config, "/")
    }

    pub fn at(root: &Path, config: &str, prefix: &str) -> Site {
        std::fs::write(root.join("config.toml"), config).unwrap();
        let installation = Installation::new(Some(root.to_owned()), None);
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        let prefix: Prefix = prefix.parse().unwrap();
        let server = Server::bind(&installation, &listen, prefix).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let peer = Peer::Tcp([127, 0, 0, 1].into());
        Site { server, runtime, peer, user: None, cookie: None }
    }

    /// Site with a user whom the proxy names.
    pub fn with_user(root: &Path, user: &'static str) -> Site {
        let site = Site::of(root, PROXY);
        Site { peer: Peer::Tcp([10, 1, 1, 1].into()), user: Some(user), ..site }
    }

    pub fn get(&self, path: &str) -> Got {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
    }

    /// The same, asked again while the database does not answer in time: the first question to a server has all its statements
    /// prepared, which takes as long as the machine has other things to do.
    pub fn get_known(&self, path: &str) -> Got {
        let asked =
            (0..100).map(|_| self.get(path)).find(|got| got.status != StatusCode::SERVICE_UNAVAILABLE);
        asked.unwrap_or_else(|| self.get(path))
    }

    /// A form of a page of this server.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let request = Request::post(path).header("sec-fetch-site", "same-origin");
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(request.body(Body::from(body)).unwrap())
    }

    pub fn ask(&self, mut request: Request) -> Got {
        let headers = request.headers_mut();
        headers.entry("host").or_insert("localhost".parse().unwrap());
        if let Some(user) = self.user {
            headers.entry(HEADER).or_insert(user.parse().unwrap());
        }
        if let Some(cookie) = &self.cookie {
            headers.insert("cookie", cookie.parse().unwrap());
        }
        self.runtime.block_on(async {
            let answer = self.server.answer(self.peer, request).await;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let bytes = to_bytes(answer.into_body(), 8 << 20).await.unwrap();
            Got { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
        })
    }
}

/// The visible text of a page: a line for each row, without its frame.
pub fn text(page: &str) -> String {
    let main = page.split("<main").nth(1).and_then(|it| it.split("</main>").next()).unwrap_or(page);
    let mut text = format!("<{main}");
    for (tag, with) in [
        ("</tr>", "\n"),
        ("</li>", "\n"),
        ("</p>", "\n"),
        ("</h1>", "\n"),
        ("</h2>", "\n"),
        ("</div>", "\n"),
        ("</dt>", ": "),
        ("</td>", " | "),
        ("</th>", " | "),
        ("</text>", " "),
        ("</summary>", "\n"),
        ("</figcaption>", "\n"),
        ("</caption>", "\n"),
    ] {
        text = text.replace(tag, with);
    }
    let mut shown = String::new();
    let mut is_tag = false;
    for c in text.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => shown.push(c),
            _ => {}
        }
    }
    let unescaped =
        shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let lines = unescaped.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
