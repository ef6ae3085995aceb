//! Random requests: none is answered by 500, none panics, and no row changes without an entry in the audit trail.

use axum::body::Body;
use axum::http::{Method, Request, Uri};

use crate::site::Site;
use crate::world::{self, World};

/// The same numbers everywhere (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }

    fn of<'a>(&mut self, some: &[&'a str]) -> &'a str {
        some[self.next(some.len())]
    }
}

const PARTS: [&str; 30] = [
    "/",
    "packages",
    "signatures",
    "attempts",
    "log",
    "queue",
    "hosts",
    "archives",
    "audit",
    "search",
    "act",
    "confirmed",
    "sign-in",
    "sign-out",
    "api",
    "v1",
    "status",
    "metrics",
    "healthz",
    "static",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "bash",
    "aaaaaaa",
    "1",
    "-1",
    "9223372036854775808",
    "%F0%9F%92%A9",
];
const WORDS: [&str; 22] = [
    "action",
    "subject",
    "until",
    "canary",
    "reason",
    "shown",
    "back",
    "q",
    "refresh",
    "name",
    "password",
    "retry",
    "hold",
    "release",
    "bash",
    "aaaaaaa",
    "3d",
    "999999999999d",
    "-5",
    "%",
    "\u{202e}<img>",
    "retry-signature",
];

fn path(random: &mut Random) -> String {
    let mut path = String::new();
    for _ in 0..=random.next(4) {
        path.push('/');
        path.push_str(random.of(&PARTS));
    }
    if random.next(2) == 0 {
        path.push('?');
        path.push_str(&pairs(random));
    }
    path
}

fn pairs(random: &mut Random) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for _ in 0..random.next(6) {
        let (name, value) = (random.of(&WORDS), random.of(&WORDS));
        form.append_pair(name, value);
    }
    form.finish()
}

fn request(random: &mut Random) -> Option<Request<Body>> {
    let methods = [
        Method::GET,
        Method::GET,
        Method::POST,
        Method::POST,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    let method = methods[random.next(methods.len())].clone();
    let mut request = Request::builder().method(method).uri(path(random).parse::<Uri>().ok()?);
    let headers: [(&str, &[&str]); 8] = [
        ("sec-fetch-site", &["same-origin", "same-origin", "cross-site", "\u{e9}"]),
        ("origin", &["http://localhost", "null", "https://evil.example"]),
        ("host", &["localhost", "localhost:99999", "[::1", "evil.example", ""]),
        (
            "cookie",
            &["package-import=1.2.3", "package-import=", ";;=;", "package-import=9223372036854775807.61.00"],
        ),
        ("content-type", &["application/x-www-form-urlencoded", "text/xml", "multipart/form-data"]),
        ("content-length", &["0", "99999999", "-1"]),
        ("x-remote-user", &["olga", "root", "*", "olga, ivan"]),
        ("sec-fetch-dest", &["script", "document"]),
    ];
    for (name, values) in headers {
        if random.next(2) == 0 {
            request = request.header(name, random.of(values));
        }
    }
    let body = match random.next(4) {
        0 => Vec::new(),
        1 => (0..random.next(200)).map(|_| u8::try_from(random.next(256)).unwrap()).collect(),
        2 => vec![b'a'; random.next(40_000)],
        _ => pairs(random).into_bytes(),
    };
    request.body(Body::from(body)).ok()
}

/// Content of the tables that actions change, without the audit trail.
fn rows(world: &World) -> String {
    let sums = state::transfer::checksums(&world.store).unwrap();
    sums.into_iter()
        .filter(|it| it.table != "event")
        .map(|it| format!("{} {}\n", it.table, it.checksum))
        .collect()
}

#[test]
fn random_requests_break_nothing() {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let many = if std::env::var("STORM").is_ok_and(|it| it == "long") { 100_000 } else { 2_000 };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut before, mut events) = (rows(&world), world.events());
    for number in 0..many {
        let Some(request) = request(&mut random) else { continue };
        let shown = format!("{number}: {} {} {:?}", request.method(), request.uri(), request.headers());
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let got = site.ask(request);
        assert!(got.status != 500 && got.status.as_u16() < 600, "{shown}: {}", got.text);
        assert!(got.headers.contains_key("content-security-policy"), "{shown}");
        if changes {
            let (now, now_events) = (rows(&world), world.events());
            assert!(now == before || now_events > events, "{shown} changed rows without an entry");
            (before, events) = (now, now_events);
        }
    }
    assert_eq!(rows(&world), before, "nothing that only reads changes anything");
    assert_eq!(site.get("/").status, 200);
}
