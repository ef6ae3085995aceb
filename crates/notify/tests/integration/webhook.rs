//! Webhooks: what a receiver gets, and where none goes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::receiver::Hooks;
use crate::world::{MINUTE, World, secret};

const HOSTILE: &str = "`@channel` <!everyone> </script>\r\nX-Evil: 1 *bold* \u{202e}";

#[test]
fn json_is_sealed_and_has_all_of_it() {
    let hooks = Hooks::start(&["204 No Content"]);
    let folder = tempfile::tempdir().unwrap();
    let key = secret(&folder, "key", "a long secret\n");
    let world = World::within(
        folder,
        &format!(
            "name = 'imports.example.org'\nurl = 'https://imports.example.org/'\n[[webhook]]\nname = 'hook'\nurl = 'http://{}/in?x=1'\n\
             secret_file = '{}'\nallow_private = true\n",
            hooks.address,
            key.display()
        ),
    );
    world.begin("surge:abcdefg", HOSTILE);
    assert_eq!(world.round().sent, ["hook"]);
    let request = hooks.requests().pop().unwrap();
    assert_eq!(request.line, "POST /in?x=1");
    assert!(request.header("x-evil").is_none(), "{request:?}");
    let value = request.json();
    assert_eq!((&value["v"], &value["kind"], &value["level"]), (&1.into(), &"now".into(), &"warning".into()));
    assert_eq!(value["installation"], "imports.example.org");
    assert_eq!(value["counts"]["surge"], 1);
    assert_eq!(value["notices"][0]["topic"], "surge:abcdefg");
    assert_eq!(request.header("x-package-import-id"), value["id"].as_str());
    // Openssl says the same seal.
    let stamp = request.header("x-package-import-timestamp").unwrap();
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", "a long secret", "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    write!(openssl.stdin.take().unwrap(), "{stamp}.{}", request.body).unwrap();
    let said = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
    let seal = request.header("x-package-import-signature").unwrap();
    assert_eq!(Some(seal.trim_start_matches("v1=")), said.split_whitespace().next());
    assert_eq!(world.round().sent, Vec::<String>::new(), "nothing is new");
}

#[test]
fn chats_get_what_they_understand_and_nobody_is_called() {
    let hooks = Hooks::start(&["200 OK"]);
    let folder = tempfile::tempdir().unwrap();
    let token = secret(&folder, "token", "t0ken\n");
    let address = secret(&folder, "address", &format!("http://{}/services/T0/B0/secret\n", hooks.address));
    let world = World::within(
        folder,
        &format!(
            "[[webhook]]\nname = 'chat'\ntemplate = 'slack'\nurl_file = '{address}'\nallow_private = true\n\
             [[webhook]]\nname = 'room'\ntemplate = 'matrix'\nurl = 'http://{host}'\nroom = '!abc:example.org'\ntoken_file = '{token}'\nallow_private = true\n\
             [[webhook]]\nname = 'phone'\ntemplate = 'ntfy'\nurl = 'http://{host}'\ntopic = 'imports'\nallow_private = true\n",
            address = address.display(),
            token = token.display(),
            host = hooks.address
        ),
    );
    world.begin("surge:abcdefg", HOSTILE);
    assert_eq!(world.round().sent, ["chat", "room", "phone"]);
    let mut requests = hooks.requests();
    let phone = requests.pop().unwrap();
    let (value, title) = (phone.json(), phone.json()["title"].as_str().unwrap().to_owned());
    assert_eq!((&value["topic"], &value["priority"]), (&"imports".into(), &4.into()));
    assert!(!title.contains(['\r', '\n', '\u{202e}']), "{title}");
    let room = requests.pop().unwrap();
    assert!(
        room.line.starts_with("PUT /_matrix/client/v3/rooms/%21abc%3Aexample.org/send/m.room.message/"),
        "{}",
        room.line
    );
    assert_eq!(room.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(
        (&room.json()["msgtype"], &room.json()["m.mentions"]),
        (&"m.notice".into(), &serde_json::json!({}))
    );
    let chat = requests.pop().unwrap();
    assert_eq!(chat.line, "POST /services/T0/B0/secret");
    let text = chat.json()["text"].as_str().unwrap().to_owned();
    // All that is not ours stands in one block of code.
    let parts: Vec<&str> = text.split("```").collect();
    assert_eq!((parts.len(), parts[2]), (3, ""), "{text}");
    assert!(
        !text.contains("<!everyone>") && !parts[0].contains("channel") && !parts[1].contains('`'),
        "{text}"
    );
}

/// The same request again after a failure: a receiver can tell.
#[test]
fn a_repeat_has_the_name_of_the_first() {
    let hooks = Hooks::start(&["500 Internal Server Error", "302 Found\r\nLocation: /elsewhere", "200 OK"]);
    let world = World::new(&format!(
        "[[webhook]]\nname = 'hook'\nurl = 'http://{}/'\nallow_private = true\n",
        hooks.address
    ));
    world.begin("surge:abcdefg", "one");
    assert_eq!(world.round().failed.len(), 1);
    assert!(world.channel("hook").error.unwrap().contains("500"));
    assert_eq!(world.round(), notify::Round::default(), "it pauses");
    world.advance(MINUTE);
    let failed = world.round().failed;
    assert!(failed[0].1.0.contains("redirects are not followed"), "{failed:?}");
    // What begins meanwhile comes afterwards.
    world.begin("surge:bcdefgh", "two");
    world.advance(5 * MINUTE);
    assert_eq!(world.round().sent, ["hook", "hook"]);
    let requests = hooks.requests();
    let ids: Vec<&str> = requests.iter().map(|it| it.header("x-package-import-id").unwrap()).collect();
    assert_eq!((ids[0], ids[1], ids.len()), (ids[1], ids[2], 4));
    assert!(requests.iter().all(|it| it.line == "POST /"), "no redirect was followed");
    assert_eq!(requests[0].body, requests[2].body);
    assert!(ids[3] != ids[2] && requests[3].body.contains("two") && !requests[3].body.contains("one"));
    assert_eq!(world.channel("hook").failures, 0);
}

#[test]
fn private_addresses_are_not_asked_and_secrets_are_not_said() {
    let hooks = Hooks::start(&["200 OK"]);
    let folder = tempfile::tempdir().unwrap();
    let port = hooks.address.port();
    let address = secret(&folder, "address", &format!("http://localhost:{port}/services/s3cret\n"));
    let world = World::within(
        folder,
        &format!(
            "[[webhook]]\nname = 'a'\nurl = 'http://127.0.0.1:{port}/'\n[[webhook]]\nname = 'b'\ntemplate = 'slack'\nurl_file = '{}'\n\
             [[webhook]]\nname = 'c'\nurl = 'http://[::ffff:127.0.0.1]:{port}/'\n[[webhook]]\nname = 'd'\nurl = 'http://2130706433:{port}/'\n",
            address.display()
        ),
    );
    world.begin("surge:abcdefg", "one");
    let round = world.round();
    assert_eq!((round.sent.len(), round.failed.len()), (0, 4));
    for (channel, why) in &round.failed {
        assert!(!why.0.contains("s3cret"), "{channel}: {why}");
    }
    assert!(round.failed[0].1.0.contains("allow_private"), "{round:?}");
    assert!(hooks.requests().is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (text, said) in [
        ("[[mail]]\nname = 'a'\nfrom = 'x'\nto = ['a@b']", "no address of mail"),
        ("[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = []", "nobody would get it"),
        ("[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b', 'c']", "no address of mail"),
        ("[[mail]]\nname = 'a\\nb'\nfrom = 'x@y'\nto = ['a@b']", "letters, digits"),
        ("[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b']\nsmtp = 'mail'", "smtps://HOST"),
        (
            "[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b']\nsmtp = 'smtps://m'\nuser = 'u'",
            "belong together",
        ),
        ("[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b']\nsmpt = 'smtps://m'", "unknown field"),
        ("[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b']\nnow = ['outages']", "is none of outage, alert"),
        ("digest = ['7:00']\n[[mail]]\nname = 'a'\nfrom = 'x@y'\nto = ['a@b']", "no time of a day"),
        ("[[webhook]]\nname = 'a'\nurl = 'ftp://a'", "no https://"),
        ("[[webhook]]\nname = 'a'\nurl = 'https://u:p@a/'", "without a login"),
        ("[[webhook]]\nname = 'a'", "url or url_file"),
        ("[[webhook]]\nname = 'a'\nurl = 'https://a'\ntemplate = 'teams'", "unknown variant"),
        ("[[webhook]]\nname = 'a'\nurl = 'https://a'\ntemplate = 'matrix'", "room"),
        ("[[webhook]]\nname = 'a'\nurl = 'https://a'\nroom = 'x'", "template matrix"),
        (
            "[[webhook]]\nname = 'a'\nurl = 'https://a'\n[[webhook]]\nname = 'a'\nurl = 'https://b'",
            "two channels",
        ),
        ("backup = 'soon'", "no time such as"),
        ("nmae = 'x'", "unknown field"),
        ("url = 'javascript:x'", "no https://"),
        ("pace = '500d'\n[[webhook]]\nname = 'a'\nurl = 'https://a'", "longer than a year"),
    ] {
        let error = notify::Config::of(&text.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("notify"), "{text}: {error}");
    }
    assert!(notify::Config::of(&toml::Table::new()).unwrap().channels.is_empty());
}
