//! Random requests: none is answered by 500, none panics, and no row changes without an entry in the audit trail.

use std::collections::BTreeMap;

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

const PARTS: [&str; 39] = [
    "/",
    "packages",
    "signatures",
    "attempts",
    "log",
    "queue",
    "hosts",
    "archives",
    "audit",
    "freshness",
    "incidents",
    "plans",
    "collisions",
    "remotes",
    "git",
    "feeds",
    "failures",
    "markdown",
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
const WORDS: [&str; 40] = [
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
    "at",
    "2h ago",
    "08:32",
    "1999-01-01",
    "days",
    "400",
    "1",
    "decision",
    "keep",
    "policy",
    "prioritize",
    "repair-plan",
    "repair-plan-code",
    "repair-apply",
    "repair-undo",
    "mute",
    "tag-gone",
    "resolve",
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

/// Tells whether anybody has changed anything since it was asked last.
struct Watch {
    connection: rusqlite::Connection,
    version: i64,
}

impl Watch {
    fn new(world: &World) -> Watch {
        let connection = rusqlite::Connection::open(world.database()).unwrap();
        let mut watch = Watch { connection, version: 0 };
        watch.has_changed();
        watch
    }

    fn has_changed(&mut self) -> bool {
        // A number that is another one after every transaction of another connection that has written.
        let now = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap();
        std::mem::replace(&mut self.version, now) != now
    }
}

/// Memory of this process in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A confirmed action: the name of its preview is a random number that no other request hits.
fn confirm(site: &Site, random: &mut Random) -> Option<Request<Body>> {
    let shown = site.post(
        "/act",
        &[
            ("action", random.of(&ACTIONS)),
            ("subject", random.of(&SUBJECTS)),
            ("until", "3d"),
            ("policy", "retry"),
            ("decision", "keep"),
        ],
    );
    let name = shown.text.split("name=\"shown\" value=\"").nth(1)?.split('"').next()?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("shown", name)
        .append_pair("reason", random.of(&WORDS))
        .finish();
    Request::post("/act/confirmed").header("sec-fetch-site", "same-origin").body(Body::from(body)).ok()
}

const ACTIONS: [&str; 17] = [
    "retry",
    "retry-signature",
    "hold",
    "release",
    "prioritize",
    "requeue",
    "suppress",
    "unsuppress",
    "policy",
    "resolve",
    "quiesce",
    "resume",
    "repair-plan",
    "repair-apply",
    "repair-undo",
    "mute",
    "unmute",
];
const SUBJECTS: [&str; 8] = ["bash", "hello", "aaaaaaa", "1", "worker1", "tag-gone", "zlib", "nobody"];

/// What became of a storm.
struct Tally {
    codes: BTreeMap<u16, u64>,
    events: i64,
    /// Memory after half of it, in KiB: by then its caches are full.
    warm: u64,
}

/// Sends so many random requests to a server of its own.
fn storm(seed: u64, many: usize) -> Tally {
    let world = world::small();
    let site = Site::with_user(world.root(), "olga");
    let mut random = Random(seed);
    let mut watch = Watch::new(&world);
    let (mut before, mut events) = (rows(&world), world.events());
    let mut tally = Tally { codes: BTreeMap::new(), events: 0, warm: 0 };
    for number in 0..many {
        if number == many / 2 {
            tally.warm = memory();
        }
        let made = if random.next(20) == 0 { confirm(&site, &mut random) } else { request(&mut random) };
        let Some(request) = made else { continue };
        let shown =
            format!("{number} of {seed:x}: {} {} {:?}", request.method(), request.uri(), request.headers());
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let got = site.ask(request);
        *tally.codes.entry(got.status.as_u16()).or_insert(0) += 1;
        assert!(got.status != 500 && got.status.as_u16() < 600, "{shown}: {}", got.text);
        assert!(got.headers.contains_key("content-security-policy"), "{shown}");
        if watch.has_changed() {
            let (now, now_events) = (rows(&world), world.events());
            assert!(!reads, "{shown} changed something");
            assert!(now == before || now_events > events, "{shown} changed rows without an entry");
            (before, events) = (now, now_events);
        }
    }
    assert_eq!(rows(&world), before, "nothing that only reads changes anything");
    assert_eq!(site.get_known("/").status, 200);
    tally.events = events;
    tally
}

/// `STORM=long`: 100,000, in eight storms at once. A request is handed from thread to thread, so that one storm after the other would
/// wait for the processor most of the time.
#[test]
fn random_requests_break_nothing() {
    let is_long = std::env::var("STORM").is_ok_and(|it| it == "long");
    let (storms, many) = if is_long { (8, 12_500) } else { (1, 2_000) };
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..storms)
            .map(|number| scope.spawn(move || storm(0x9e37_79b9_7f4a_7c15 ^ (number << 32), many)))
            .collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let mut codes = BTreeMap::new();
    for (code, count) in tallies.iter().flat_map(|it| &it.codes) {
        *codes.entry(*code).or_insert(0) += count;
    }
    let events: i64 = tallies.iter().map(|it| it.events).sum();
    let warm = tallies.iter().map(|it| it.warm).max().unwrap_or(0);
    let grown = memory().saturating_sub(warm) >> 10;
    println!(
        "answers by code: {codes:?}; entries of the audit trail: {events}; memory has grown by {grown} MiB"
    );
    // Alone in its process: other tests are in this one otherwise.
    assert!(!is_long || grown < 16, "memory has grown by {grown} MiB");
    assert!(codes.len() > 5 && events > 0, "{codes:?}");
}
