//! A state whose clock the test moves, and a configuration.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use notify::{Config, Round, deliver};
use state::Store;
use state::open::Location;
use state::outbox::channels::{self, Channel};
use state::outbox::notices::{self, New};
use state::outbox::words::{Kind, Level};

pub const MINUTE: i64 = 60_000;

pub struct World {
    pub store: Store,
    /// Removed with the world.
    _folder: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    config: Config,
}

impl World {
    /// `config` is the table `notify`.
    pub fn new(config: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        World::within(folder, config)
    }

    pub fn within(folder: tempfile::TempDir, config: &str) -> World {
        let clock = Arc::new(AtomicI64::new(1_790_000_000_000));
        let location = Location::Sqlite(folder.path().join("state.db"));
        let store = location.open_or_make().unwrap().with_clock(Arc::clone(&clock));
        let config = Config::of(&config.parse().unwrap()).unwrap();
        let world = World { store, _folder: folder, clock, config };
        // Channels hear what comes from now on.
        assert_eq!(world.round(), Round::default());
        world
    }

    pub fn round(&self) -> Round {
        deliver(&self.store, &self.config, "host1").unwrap()
    }

    pub fn advance(&self, by: i64) {
        self.clock.fetch_add(by, Ordering::SeqCst);
    }

    pub fn begin(&self, topic: &str, line: &str) {
        let new = New {
            kind: Kind::Surge,
            topic: topic.into(),
            level: Level::Warning,
            subject: "x".into(),
            line: line.into(),
            items: vec!["since the upload of <script>hello & 'friends'".into()],
            hints: vec!["package-import failures --signature abcdefg".into()],
        };
        self.store.write(|tx| notices::begin(tx, &new)).unwrap();
        self.advance(2 * MINUTE);
    }

    pub fn channel(&self, name: &str) -> Channel {
        self.store.read(|tx| channels::get(tx, name)).unwrap().unwrap()
    }
}

/// A file that only its owner reads.
pub fn secret(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    write(&path, text).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}
