//! Lives of three years in which everything happens that happens to an installation. Whatever came before, a stock that
//! doubles is CRITICAL within six hours, but for the day on which it has just fallen. `BASELINE=long` takes 40 of them.

use crate::common::random::Random;
use crate::common::world::{DAY, Hour, Log, World};

const YEARS: usize = 3;

/// Change of an hour, by its number.
type Change = dyn Fn(usize, &mut Hour);

/// Something that changes an hour, from one on and up to another.
struct Event {
    name: &'static str,
    from: usize,
    to: usize,
    change: Box<Change>,
}

struct Life {
    events: Vec<Event>,
    /// Hours in which the world itself is in an incident, or has just been.
    incidents: Vec<(usize, usize)>,
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut life = Life { events: Vec::new(), incidents: Vec::new() };
        let mut random = Random::new(seed.wrapping_mul(7919) + 17);
        let mut day = |from: usize, to: usize| (from + random.below(to - from)) * DAY + random.below(DAY);
        for year in 0..YEARS {
            // From 20 December on for two weeks.
            let christmas = (year * 365 + 292) * DAY;
            life.add("christmas", christmas, christmas + 14 * DAY, |_, hour| hour.uploads *= 0.25);
            life.add("january", christmas + 14 * DAY, christmas + 21 * DAY, |_, hour| hour.uploads *= 1.5);
            let down = day(year * 365 + 60, year * 365 + 280) / DAY / 7 * 7 * DAY + 4 * DAY + 18;
            life.add("a weekend down", down, down + 62, |_, hour| hour.down = true);
            let out = day(year * 365 + 60, year * 365 + 280);
            life.add("an outage", out, out + DAY, |_, hour| hour.parked = 700.0);
            life.incidents.push((out, out + DAY));
            let saw = day(year * 365 + 20, year * 365 + 100);
            life.add("weekly retries", saw, saw + 90 * DAY, |at, hour| {
                hour.extra += 0.2 * 500.0 * (at % 168) as f64 / 168.0;
                hour.attempts += if at % 168 == 0 { 600.0 } else { 0.0 };
            });
        }
        let freeze = day(400, 500);
        life.add("a freeze", freeze, freeze + 120 * DAY, |_, hour| hour.uploads *= 0.33);
        life.add("a thaw", freeze + 120 * DAY, freeze + 127 * DAY, |_, hour| hour.uploads *= 4.0);
        for year in 0..YEARS {
            let release = day(year * 365 + 120, year * 365 + 250);
            life.add("a release", release, release + 3 * DAY, |_, hour| {
                hour.cures = Some(1.0);
                hour.uploads *= 10.0;
            });
        }
        let fleet = day(700, 800);
        life.add("three times the fleet", fleet, YEARS * 365 * DAY, |_, hour| hour.uploads *= 3.0);
        let drift = day(820, 900);
        life.add("drift", drift, YEARS * 365 * DAY, move |at, hour| {
            hour.extra += 150.0 * ((at - drift) as f64 / (90.0 * DAY as f64)).min(1.0);
        });
        let cured = day(560, 640);
        life.add("half of it mended", cured, YEARS * 365 * DAY, |_, hour| hour.extra -= 200.0);
        let renamed = day(100, 1000);
        life.add("signatures", 0, YEARS * 365 * DAY, move |at, hour| {
            let done = (at.saturating_sub(renamed) as f64 / 96.0).min(1.0);
            hour.signatures = vec![
                ("old", (140.0 * (1.0 - done)).round()),
                ("new", (140.0 * done).round()),
                ("other", 60.0 + (at / 40 % 7) as f64),
            ];
        });
        for _ in 0..2 {
            let from = day(120, 1000);
            let to = from + 3 * DAY;
            life.add("an incident", from, to, |_, hour| hour.extra += 700.0);
            life.incidents.push((from, to));
        }
        life
    }

    fn add(
        &mut self,
        name: &'static str,
        from: usize,
        to: usize,
        change: impl Fn(usize, &mut Hour) + 'static,
    ) {
        self.events.push(Event { name, from, to, change: Box::new(change) });
    }

    fn at(&self, at: usize) -> Hour {
        let mut hour = Hour::default();
        for event in self.events.iter().filter(|event| (event.from..event.to).contains(&at)) {
            (event.change)(at, &mut hour);
        }
        hour
    }

    /// Names of events that are going on, or ended less than two weeks ago.
    fn names(&self, at: usize) -> Vec<&'static str> {
        let near = |event: &&Event| (event.from..event.to + 14 * DAY).contains(&at);
        self.events.iter().filter(near).map(|event| event.name).collect()
    }

    fn has_just_fallen(&self, at: usize) -> bool {
        let falls = self.events.iter().filter(|event| event.name == "half of it mended");
        falls.map(|event| event.from).any(|from| (from..from + DAY).contains(&at))
    }

    fn is_incident(&self, at: usize) -> bool {
        self.incidents.iter().any(|(from, to)| (*from..to + 12).contains(&at))
    }
}

#[test]
fn a_doubled_stock_is_critical_within_six_hours_whatever_came_before() {
    let long = std::env::var("BASELINE").is_ok_and(|mode| mode == "long");
    let (lives, every) = if long { (40, 5 * DAY + 7) } else { (2, 23 * DAY + 7) };
    let (mut fallen, mut late) = (Vec::new(), Vec::new());
    let (mut doublings, mut episodes, mut hours, mut blind) = (0, 0, 0, 0);
    for seed in 0..lives {
        let life = Life::new(seed);
        let mut world = World::new(seed + 1000);
        let mut log = Log::default();
        let mut missed = None;
        for at in 0..YEARS * 365 * DAY {
            let of = life.at(at);
            // Whoever is not there cannot look; within an incident there is an alert anyway.
            let is_usual = |at: usize| !life.at(at).down && !life.is_incident(at);
            let is_judged = at > 9 * DAY && is_usual(at) && is_usual(at + 5);
            // After a miss, every hour until it would be found.
            if is_judged && (at % every == 0 || missed.is_some()) {
                doublings += usize::from(missed.is_none());
                match (world.found_as(2.0, |after| life.at(at + after), 6), missed) {
                    (None, None) => {
                        // A fallen level is the norm after a day.
                        let late = if life.has_just_fallen(at) { &mut fallen } else { &mut late };
                        late.push((seed, at / DAY, at % DAY, life.names(at), world.stock + of.extra));
                        missed = Some(at);
                    }
                    (Some(_), Some(since)) => {
                        blind = blind.max(at - since);
                        missed = None;
                    }
                    _ => {}
                }
            }
            if let Some(verdict) = world.step(&of) {
                log.note(at, &verdict);
            }
        }
        let false_alarms: Vec<_> = log.episodes.iter().filter(|at| !life.is_incident(**at)).collect();
        for at in &false_alarms {
            let text = log.texts.iter().find(|it| it.0 == **at).map(|it| &it.2);
            println!("{seed}: day {}: {:?} {text:?}", *at / DAY, life.names(**at));
        }
        episodes += false_alarms.len();
        hours += log.hours[2] + log.hours[3];
    }
    let years = lives as f64 * YEARS as f64;
    println!(
        "{lives} lives, {doublings} doublings, {} found later than after 6 h, {} on the day after a fall (blind for {blind} \
         h at most), {:.2} false alarms and {:.0} alert hours a year",
        late.len(),
        fallen.len(),
        episodes as f64 / years,
        hours as f64 / years
    );
    assert!(late.is_empty(), "{late:?}");
    assert!(blind <= DAY, "{fallen:?}");
}
