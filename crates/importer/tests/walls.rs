//! Attacks that the walls of an import keep out. They hold for the thread that builds them, so a test can have one of
//! its own.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use importer::protocol::{Request, Trust, VersionRequest};
use importer::sandbox::{self, Needs, Wall, Walls};
use rustix::process::{Pid, test_kill_process};

const WALLS: Walls = Walls { memory: 8 << 30, seconds: 60, file_size: 1 << 40 };

/// Result of `work` inside walls around `needs`.
fn inside<T: Send>(needs: &Needs, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let missing = sandbox::enter(&WALLS, needs).unwrap();
                assert_eq!(missing, [], "this test needs a kernel with landlock and seccomp");
                work()
            })
            .join()
            .unwrap()
    })
}

#[test]
fn an_import_reaches_what_it_needs_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["repository", "other.git"] {
        fs::create_dir(path(name)).unwrap();
    }
    for name in ["hello.dsc", "secret", "other.git/HEAD"] {
        fs::write(path(name), "text").unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let parent = rustix::process::getppid().unwrap();
    let mut needs = Needs {
        repository: path("repository"),
        readable: vec![path("hello.dsc"), path("missing")],
        programs: &["cat"],
    };
    inside(&needs, || {
        assert_eq!(fs::read_to_string(path("hello.dsc")).unwrap(), "text");
        fs::write(path("repository/new"), "text").unwrap();
        fs::rename(path("repository/new"), path("repository/renamed")).unwrap();
        fs::create_dir_all(path("repository/a/b")).unwrap();
        let missing = fs::read(path("missing")).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound, "what is missing is said to be missing");
        for name in ["secret", "other.git/HEAD"] {
            assert!(fs::read(path(name)).is_err(), "{name} can be read");
        }
        for name in ["/etc/passwd", "/etc/shadow", "/proc/1/environ", "/root"] {
            assert!(fs::read(name).is_err() && fs::read_dir(name).is_err(), "{name} can be read");
        }
        assert!(fs::write(path("hello.dsc"), "other").is_err());
        assert!(fs::write(path("other.git/HEAD"), "other").is_err());
        assert!(fs::write("/tmp/package-import-walls", "x").is_err());
        assert!(TcpStream::connect(address).is_err() && TcpListener::bind("127.0.0.1:0").is_err());
        assert!(UdpSocket::bind("127.0.0.1:0").is_err());
        assert!(UnixStream::connect(path("socket")).is_err_and(|it| it.raw_os_error() == Some(38)));
        assert!(test_kill_process(parent).is_err(), "the parent can be signalled");
        assert!(test_kill_process(Pid::from_raw(1).unwrap()).is_err());
        // A program of the system can be run, behind the same walls.
        let cat = |file: &Path| Command::new("cat").arg(file).output().unwrap();
        assert_eq!(cat(&path("hello.dsc")).stdout, b"text");
        assert!(!cat(&path("secret")).status.success());
        assert_eq!(rustix::thread::capabilities(None).unwrap().effective.bits(), 0);
    });
    assert_eq!(fs::read_to_string(path("hello.dsc")).unwrap(), "text");
    // One that starts no program cannot, and sees nothing of the system.
    needs.programs = &[];
    inside(&needs, || {
        assert_eq!(fs::read_to_string(path("hello.dsc")).unwrap(), "text");
        assert!(Command::new("cat").arg(path("hello.dsc")).output().is_err());
        assert!(fs::read("/bin/cat").is_err() && fs::read_dir("/usr").is_err());
    });
}

#[test]
fn the_files_of_a_request_are_named_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let (root, home) = (folder.path().join("root"), folder.path().join("home"));
    fs::create_dir_all(&home).unwrap();
    let text =
        "Source: hello\nFiles:\n 0 1 hello_1.orig.tar.gz\n 0 1 ../../etc/shadow\n 0 1 ..\nVersion: 1\n";
    fs::write(home.join("hello.dsc"), text).unwrap();
    let version = |dsc| VersionRequest {
        dsc,
        distro: "debian".into(),
        suite: None,
        trust: Trust::Keyrings(vec!["/keys.gpg".into()]),
        allow_weak_checksums: false,
        base: None,
    };
    let request = Request {
        root: root.clone(),
        package: "hello".into(),
        default_branch: None,
        versions: vec![version(home.join("hello.dsc")), version(root.join("cache/work/1/hello.dsc"))],
        bases: Default::default(),
        allow_weak_checksums: false,
        limits: importer::config::LimitsConfig::default(),
        threads: 1,
        parent: 0,
        fence: None,
        distros: Vec::new(),
        collisions: Default::default(),
        settle: false,
        word: None,
        stands: None,
        task: importer::protocol::Task::Import,
    };
    let needs = sandbox::of_request(&request, &root.join("repos/h/hello.git"));
    let mut wanted = [
        home.join("hello.dsc"),
        home.join("hello_1.orig.tar.gz"),
        "/keys.gpg".into(),
        root.join("cache/work/1"),
    ];
    wanted.sort();
    assert_eq!(needs.readable, wanted);
    assert_eq!(needs.programs, ["gpgv"]);
    let listed = VersionRequest { trust: Trust::Index("0".repeat(64)), ..version(home.join("hello.dsc")) };
    let request = Request { versions: vec![listed], ..request };
    let needs = sandbox::of_request(&request, &root.join("repos/h/hello.git"));
    assert_eq!(needs.programs, [""; 0], "what an index lists is not looked at by gpgv");
}

#[test]
fn walls_have_names() {
    for wall in [Wall::Files, Wall::Network, Wall::Processes, Wall::Calls] {
        assert_eq!(Wall::from_word(wall.as_str()), Some(wall));
    }
}
