//! Plays a script minute by minute: uploads come, workers work, and the script decides what the world is like.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use state::breaker::{self, Rule};
use state::finish::{self, Cause, Finished, Usage};
use state::operate::{self, By};
use state::policy::Retries;
use state::publication::collisions::{self, Found};
use state::queue::{self, Claim, Wish};
use state::runs::{self, NewRun, Process};
use state::words::{Class, Lane, Outcome, Tasks};
use state::{events, hold, samples};

use super::checks::Checks;
use super::crier::Crier;
use super::scenarios::{Beat, Night};
use super::{Line, Rehearsed, Voice};
use crate::error::Error;
use crate::installation::Opened;
use crate::{questions, telling};

const MINUTE: i64 = 60_000;
const LEASE: i64 = 10 * MINUTE;
/// The host and the person of the script.
const HOST: &str = "rehearsal";
const PERSON: &str = "operator@rehearsal";
const MIRROR: &str = "mirror.example.org";
const DISK: &str = "disk:rehearsal:/srv/import";
/// Uploads of a minute, and packages that there are at least.
const UPLOADS: usize = 6;
const PACKAGES: usize = 60;
/// Checks are asked every so many minutes, as monitoring does.
const LOOKS: i64 = 5;
/// Claims of a minute, at most.
const CLAIMS: usize = 60;

struct Player<'a> {
    at: &'a Opened,
    clock: &'a Arc<AtomicI64>,
    crier: Crier<'a>,
    checks: &'a Checks,
    run: i64,
    packages: Vec<(i64, String)>,
    mirror_is_away: bool,
    disk_is_full: bool,
    broken: BTreeSet<i64>,
}

/// Plays a night on a state whose clock is `clock`. Checks are asked about `state.db` in the root.
pub fn play(
    at: &Opened,
    clock: &Arc<AtomicI64>,
    night: &Night,
    checks: &Checks,
    told: &mut dyn FnMut(&Line),
) -> Result<Rehearsed, Error> {
    let mut player = Player::begin(at, clock, checks, told)?;
    for minute in 0..night.minutes {
        for (_, beat) in night.beats.iter().filter(|(at, _)| *at == minute) {
            player.happens(beat)?;
        }
        player.minute(minute)?;
    }
    player.end()
}

impl<'a> Player<'a> {
    fn begin(
        at: &'a Opened,
        clock: &'a Arc<AtomicI64>,
        checks: &'a Checks,
        told: &'a mut dyn FnMut(&Line),
    ) -> Result<Player<'a>, Error> {
        // Messages that were due before are not sent by the rehearsal.
        telling::rehearse(at, &mut |_, _| ())?;
        let process = Process { pid: 1, start: 1, boot: HOST.into() };
        let run = NewRun { host: HOST, mode: "service", process: &process, version: "rehearsal", jobs: 4 };
        let run = at.store.write(|tx| runs::begin(tx, &run))?;
        let mut packages = Vec::new();
        let known = at.store.read(|tx| state::read::package::beginning(tx, "", PACKAGES as i64))?;
        let made = (known.len()..PACKAGES).map(|number| format!("rehearsal-{number:02}"));
        for name in known.iter().cloned().chain(made) {
            let id = at.store.write(|tx| queue::package_id(tx, &name))?;
            packages.push((id, name));
        }
        Ok(Player {
            at,
            clock,
            crier: Crier::new(told),
            checks,
            run,
            packages,
            mirror_is_away: false,
            disk_is_full: false,
            broken: BTreeSet::new(),
        })
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    fn say(&mut self, voice: Voice, text: String) {
        self.crier.say(self.now(), voice, text);
    }

    fn happens(&mut self, beat: &Beat) -> Result<(), Error> {
        let store = &self.at.store;
        match beat {
            Beat::MirrorGoes => {
                self.mirror_is_away = true;
                self.say(Voice::Script, format!("{MIRROR} does not answer any more"));
            }
            Beat::MirrorComes => {
                self.mirror_is_away = false;
                self.say(Voice::Script, format!("{MIRROR} answers again"));
            }
            Beat::DiskFills => {
                self.disk_is_full = true;
                self.say(Voice::Script, "the disk of the repositories is full".into());
            }
            Beat::DiskHasRoom => {
                self.disk_is_full = false;
                self.say(Voice::Script, "somebody has made room on the disk".into());
            }
            Beat::ReleaseBreaks(count) => {
                let some: Vec<_> = self.packages.iter().rev().take(*count).cloned().collect();
                for (id, _) in &some {
                    store.write(|tx| queue::enqueue(tx, *id, Lane::Rescan, Tasks::IMPORT))?;
                }
                self.broken = some.iter().map(|(id, _)| *id).collect();
                self.say(Voice::Script, format!("a release with a fault imports {count} packages again"));
            }
            Beat::ReleaseIsMended => {
                self.broken.clear();
                self.say(Voice::Script, "the next release has no such fault".into());
            }
            Beat::Collide(count) => {
                for (number, (id, _)) in self.packages.iter().take(*count).enumerate() {
                    let found = [Found {
                        name: "refs/heads/debian/sid".into(),
                        kind: "unmerged".into(),
                        waits: true,
                        theirs: Some(format!("{number:040x}")),
                        ..Found::default()
                    }];
                    store.write(|tx| collisions::settle(tx, *id, &found, &[]))?;
                }
                self.say(Voice::Script, format!("somebody pushes to the branches of {count} packages"));
            }
            Beat::Settle(reason) => self.settle(reason)?,
            Beat::Suppress(reason) => {
                let group = store.read(|tx| state::read::failures::groups(tx, &Default::default(), 1))?;
                let Some(group) = group.into_iter().next() else { return Ok(()) };
                let until = self.now() + 3 * 24 * 60 * MINUTE;
                let by = By { actor: PERSON, reason: Some(reason) };
                store.write(|tx| operate::suppress(tx, &group.signature, until, by))?;
                self.say(Voice::Person, format!("package-import suppress {} --until 3d", group.signature));
            }
            Beat::Retry(reason) => {
                let known = operate::select(store, &operate::Selection::Failing)?;
                let by = By { actor: PERSON, reason: Some(reason) };
                operate::retry(store, &known, "all", 0, Lane::Retry, by)?;
                self.say(Voice::Person, "package-import retry --all".into());
            }
            Beat::Hold(count, reason) => {
                for (id, name) in self.packages.iter().take(*count) {
                    store.write(|tx| {
                        hold::hold(tx, *id, PERSON, reason, None)?;
                        events::record(tx, PERSON, "hold", name, Some(reason), None, None)
                    })?;
                }
                self.say(Voice::Person, format!("package-import hold ({count} packages)"));
            }
            Beat::Release(count) => {
                for (id, name) in self.packages.iter().take(*count) {
                    store.write(|tx| {
                        hold::release(tx, *id)?;
                        events::record(tx, PERSON, "release", name, None, None, None)
                    })?;
                }
                self.say(Voice::Person, format!("package-import release ({count} packages)"));
            }
        }
        Ok(())
    }

    fn settle(&mut self, reason: &str) -> Result<(), Error> {
        let store = &self.at.store;
        let by = By { actor: PERSON, reason: Some(reason) };
        let mut settled = 0;
        for (id, _) in &self.packages {
            let open = store.read(|tx| collisions::of_package(tx, *id))?;
            for it in open.iter().filter(|it| it.ended.is_none()) {
                store.write(|tx| collisions::decide(tx, it.id, "drop", by).map(drop))?;
                store.write(|tx| collisions::settle(tx, *id, &[], &[(it.id, "drop".into())]))?;
                settled += 1;
            }
        }
        self.say(Voice::Person, format!("package-import collision resolve --drop ({settled} collisions)"));
        Ok(())
    }

    /// A minute passes.
    fn minute(&mut self, minute: i64) -> Result<(), Error> {
        let store = &self.at.store;
        for number in 0..UPLOADS {
            let place =
                (usize::try_from(minute).unwrap_or(0) * UPLOADS + number) % self.packages.len().max(1);
            let Some((id, _)) = self.packages.get(place) else { continue };
            store.write(|tx| queue::enqueue(tx, *id, Lane::Upload, Tasks::IMPORT))?;
        }
        store.write(|tx| runs::beat(tx, self.run, LEASE))?;
        store.write(|tx| queue::wake(tx, 60))?;
        self.probe()?;
        store.write(|tx| breaker::unpark(tx, 60))?;
        for _ in 0..CLAIMS {
            let wish = Wish { run: self.run, lease: LEASE, importer: "rehearsal", ..Wish::default() };
            let Some(claim) = store.write(|tx| queue::claim(tx, &wish))? else { break };
            self.clock.fetch_add(20, Ordering::SeqCst);
            self.import(&claim)?;
        }
        if minute % 15 == 0 {
            samples::take(store)?;
        }
        self.tell(minute % LOOKS == 0)?;
        let next = (self.now().div_euclid(MINUTE) + 1) * MINUTE;
        self.clock.store(next, Ordering::SeqCst);
        Ok(())
    }

    /// Breakers look whether what they guard is there again.
    fn probe(&mut self) -> Result<(), Error> {
        let store = &self.at.store;
        let rule = Rule::default();
        for open in store.read(breaker::list_open)? {
            let is_away = match open.name.as_str() {
                MIRROR => self.mirror_is_away.then_some("connection refused"),
                DISK => self.disk_is_full.then_some("0 MiB free"),
                // A dependency that was out of reach when the copy was taken stays so: nothing here probes it.
                _ => continue,
            };
            if store.write(|tx| breaker::take_probe(tx, open.id, self.run, &rule))? {
                store.write(|tx| breaker::probed(tx, open.id, is_away, &rule))?;
            }
        }
        Ok(())
    }

    /// An import, as the world is now.
    fn import(&mut self, claim: &Claim) -> Result<(), Error> {
        let store = &self.at.store;
        let (needed, trouble, least) = match (self.disk_is_full, self.mirror_is_away) {
            (true, _) => (DISK, Some("0 MiB free"), 1),
            (false, true) => (MIRROR, Some("connection refused"), Rule::default().least),
            (false, false) => (MIRROR, None, Rule::default().least),
        };
        let rule = Rule { least, ..Rule::default() };
        let uses = if trouble.is_some() { (0, 1) } else { (1, 0) };
        let noted = store.write(|tx| breaker::note(tx, needed, uses, trouble, Some("rehearsal"), &rule))?;
        let mut done = ended(claim, Outcome::Imported);
        match trouble {
            Some(_) if noted.0.open => {
                done.outcome = Outcome::Parked;
                done.parked_on = Some(noted.0.id);
            }
            Some(trouble) => {
                done.outcome = Outcome::Failed;
                done.cause =
                    Some(cause("fetch", "connect", Class::Transient, &format!("{MIRROR}: {trouble}")));
            }
            None if self.broken.contains(&claim.package_id) => {
                let message = "the tree of the orig tarball has 0 entries";
                done.outcome = Outcome::Failed;
                done.cause = Some(cause("unpack", "bad-tar", Class::Permanent, message));
            }
            None => {}
        }
        store.write(|tx| finish::finish(tx, &done, &Retries::default()))?;
        Ok(())
    }

    /// Reports the present state, where it differs from the last report: `status`, messages, and checks when they are asked.
    fn tell(&mut self, has_to_look: bool) -> Result<(), Error> {
        let now = self.now();
        let status = self.at.store.read(|tx| state::read::status::read(tx, 1))?;
        let outages: Vec<String> = (status.outages.iter())
            .map(|it| {
                format!("OUTAGE: {} ({} parked)", it.dependency, if it.parked > 0 { "jobs" } else { "none" })
            })
            .collect();
        self.crier.say_changed(now, "outages", outages.join("; "));
        let top =
            status.top.first().map(|it| format!(", most with {} {}/{}", it.signature, it.stage, it.code));
        let failing = match status.failing / 10 * 10 {
            _ if status.failing == 0 => String::new(),
            0 => format!("some packages fail{}", top.unwrap_or_default()),
            tens => format!("{tens} packages or more fail{}", top.unwrap_or_default()),
        };
        self.crier.say_changed(now, "failing packages", failing);
        let waiting = match status.collisions.collisions {
            0 => String::new(),
            some => format!("{some} collisions wait for a decision"),
        };
        self.crier.say_changed(now, "collisions", waiting);
        self.tell_people()?;
        if has_to_look {
            let answers = self.checks.ask(&self.at.root.join("state.db"), now);
            answers.into_iter().for_each(|answer| self.crier.answered(now, answer));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Rehearsed, Error> {
        self.at.store.write(|tx| runs::end(tx, self.run, "ended", None))?;
        let since = std::time::Duration::from_secs(24 * 3600);
        let found = questions::incidents(self.at, Some(since))?;
        let shown = found.incidents.iter().map(|it| questions::incident(self.at, &it.id));
        let incidents = shown.collect::<Result<_, _>>()?;
        self.digests()?;
        Ok(Rehearsed { lines: self.crier.lines, incidents })
    }

    /// The digests that follow the night: what is not told at once stands there.
    fn digests(&mut self) -> Result<(), Error> {
        let end = self.now();
        let mut due = telling::digests_due(self.at)?;
        due.sort_unstable();
        for at in due.into_iter().filter(|at| *at >= end) {
            self.clock.store(at, Ordering::SeqCst);
            self.tell_people()?;
        }
        self.clock.store(end, Ordering::SeqCst);
        Ok(())
    }

    fn tell_people(&mut self) -> Result<(), Error> {
        let (now, crier) = (self.now(), &mut self.crier);
        telling::rehearse(self.at, &mut |channel, text| {
            crier.say(now, Voice::Message, telling::as_sent(channel, text));
        })
    }
}

fn cause(stage: &str, code: &str, class: Class, message: &str) -> Cause {
    Cause {
        stage: stage.into(),
        code: code.into(),
        class,
        message: message.into(),
        distro: Some("debian".into()),
        version: Some("1.0-1".into()),
    }
}

fn ended(claim: &Claim, outcome: Outcome) -> Finished {
    Finished {
        attempt: claim.attempt,
        package_id: claim.package_id,
        package: claim.package.clone(),
        outcome,
        cause: None,
        usage: Usage { wall_ms: 20, cpu_ms: 10, peak_rss: 1 << 24, bytes_in: 0, bytes_out: 0 },
        versions: 1,
        first_tries: (1, 0),
        log: None,
        parked_on: None,
        wait: None,
        importer: "rehearsal".into(),
    }
}
