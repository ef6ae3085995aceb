//! Events in the life of an installation, and the verdicts that they must have.

use baseline::{Breaker, Context, Figure, Judge, Sample, Settings, State, Verdict};

/// Monday, 2026-08-31 00:00 UTC.
const START: i64 = 1_788_134_400;

struct World {
    judge: Judge,
    hour: i64,
    context: Context,
    alerts: Vec<String>,
}

impl World {
    fn new() -> World {
        World {
            judge: Judge::new(Settings::default()),
            hour: 0,
            context: Context::default(),
            alerts: Vec::new(),
        }
    }

    fn next(&mut self, mut sample: Sample) -> Verdict {
        sample.time = START + 3600 * self.hour;
        self.hour += 1;
        let verdict = self.judge.judge(&sample, &self.context);
        assert!(verdict.text.len() <= 150 && verdict.text.is_ascii(), "{}", verdict.text);
        if verdict.state.alerts() {
            self.alerts.push(format!("{} {}", verdict.state, verdict.text));
        }
        verdict
    }

    fn failing(&mut self, value: f64) -> Verdict {
        self.next(Sample { failing: Some(value.round()), ..Sample::default() })
    }

    /// Days on end about a level, with a little noise that repeats.
    fn days(&mut self, days: i64, level: f64) -> Verdict {
        let mut last = None;
        for hour in 0..days * 24 {
            last = Some(self.failing(level * (1.0 + 0.02 * (hour as f64 / 5.0).sin())));
        }
        last.unwrap()
    }
}

fn sample(failing: f64, parked: f64) -> Sample {
    Sample { failing: Some(failing), parked: Some(parked), ..Sample::default() }
}

#[test]
fn a_cut_off_archive_is_one_critical_that_names_it() {
    let mut world = World::new();
    world.days(30, 500.0);
    world.context.breakers = vec![Breaker {
        name: "deb.example.org".into(),
        since: START + 30 * 86_400 - 1500,
        cause: Some("connection refused".into()),
    }];
    let verdict = world.next(sample(505.0, 60.0));
    assert_eq!(verdict.state, State::Critical, "{}", verdict.text);
    assert_eq!(
        verdict.text,
        "60 parked since 09-29 23:35Z, 505 more failing, normally 500: deb.example.org is out of reach: connection refused"
    );
    let verdict = world.next(sample(505.0, 5012.0));
    assert_eq!(verdict.state, State::Critical);
    world.context.breakers.clear();
    world.next(sample(505.0, 12.0));
    assert_eq!(world.next(sample(505.0, 0.0)).state, State::Ok);
}

#[test]
fn a_few_parked_jobs_are_no_outage() {
    let mut world = World::new();
    world.days(30, 500.0);
    assert_eq!(world.next(sample(500.0, 19.0)).state, State::Ok);
    assert_eq!(world.next(sample(500.0, 49.0)).state, State::Ok);
    assert_eq!(world.next(sample(500.0, 51.0)).state, State::Critical);
}

#[test]
fn a_jump_to_twice_the_norm_is_critical_in_the_first_run_and_its_cause_is_named() {
    let mut world = World::new();
    for hour in 0..30 * 24 {
        let mut sample = sample(500.0 + f64::from(hour % 7), 0.0);
        sample.signatures = vec![("a1b2".into(), 6.0), ("c3d4".into(), 40.0)];
        world.next(sample);
    }
    assert!(world.alerts.is_empty(), "{:?}", world.alerts);
    world.context.labels.insert("a1b2".into(), "fetch/connect: unreachable".into());
    let mut jump = sample(1012.0, 0.0);
    jump.signatures = vec![("a1b2".into(), 500.0), ("c3d4".into(), 45.0)];
    let verdict = world.next(jump);
    assert_eq!(verdict.state, State::Critical);
    assert_eq!(
        verdict.text,
        "1012 failing, normally 503 - 509 new since 09-30 00:00Z, 97% a1b2 fetch/connect: unreachable"
    );
    assert_eq!((verdict.share, verdict.since), (Some(97), Some(START + 30 * 86_400)));
    let mut back = sample(503.0, 0.0);
    back.signatures = vec![("a1b2".into(), 6.0)];
    world.next(back);
    assert_eq!(world.failing(501.0).state, State::Ok, "clears within two runs");
}

#[test]
fn a_rate_of_failures_that_triples_is_found_before_half_as_many_again_and_never_learned() {
    for noise in [0.0, 0.03, 0.06, 0.1] {
        let mut world = World::new();
        world.days(40, 500.0);
        let (mut warning, mut critical) = (None, None);
        for hour in 0..14 * 24 {
            let level = 500.0 + 500.0 * hour as f64 / (14.0 * 24.0);
            let value = level * (1.0 + noise * (hour as f64 / 11.0).sin());
            let state = world.failing(value).state;
            if state >= State::Warning {
                warning = warning.or(Some(level));
            }
            if state == State::Critical {
                critical = critical.or(Some(level));
            }
        }
        assert!(warning.unwrap() < 750.0, "{noise} {warning:?}");
        assert!(critical.is_some_and(|level| level <= 1000.0), "{noise} {critical:?}");
        for _ in 0..60 {
            assert_eq!(world.days(1, 1000.0).state, State::Critical);
        }
    }
}

fn series_opens(world: &mut World, share: f64) -> Vec<Verdict> {
    let mut failing = 500.0;
    let mut verdicts = Vec::new();
    for hour in 0..20 * 24 {
        let open = (24..96).contains(&hour);
        let attempted = if open { 250.0 } else { 25.0 };
        let failed: f64 = if open { 250.0 * share } else { 1.0 };
        failing += failed - 1.0;
        let sample = Sample {
            attempted: Some(attempted),
            failed: Some(failed),
            ..sample((failing + f64::from(hour % 5)).round(), 0.0)
        };
        verdicts.push(world.next(sample));
    }
    verdicts
}

fn before_a_series_opens() -> World {
    let mut world = World::new();
    for hour in 0..35 * 24 {
        let flows =
            Sample { attempted: Some(25.0), failed: Some(1.0), ..sample(500.0 + f64::from(hour % 5), 0.0) };
        world.next(flows);
    }
    assert!(world.alerts.is_empty(), "{:?}", world.alerts);
    world
}

#[test]
fn a_series_that_opens_explains_what_fails_of_it_as_usual() {
    let mut world = before_a_series_opens();
    let verdicts = series_opens(&mut world, 0.04);
    assert!(world.alerts.is_empty(), "{:?}", world.alerts);
    let text = &verdicts[90].text;
    assert!(text.contains("attempted, 4% failed as usual"), "{text}");
    let last = verdicts.last().unwrap().stock.clone().unwrap();
    assert!((last.normal / last.value - 1.0).abs() < 0.1, "what it left is the new norm: {last:?}");
}

#[test]
fn a_series_of_which_four_times_as_many_fail_is_not_explained() {
    let mut world = before_a_series_opens();
    series_opens(&mut world, 0.16);
    assert!(world.alerts.iter().any(|text| text.starts_with("CRITICAL")), "{:?}", world.alerts.first());
}

#[test]
fn a_signature_that_the_total_hides_is_named() {
    let mut world = World::new();
    for hour in 0..30 * 24 {
        let mut sample = sample(500.0 + f64::from(hour % 9), 0.0);
        sample.signatures = vec![("patch-77".into(), 2.0), ("b".into(), 300.0)];
        world.next(sample);
    }
    let mut grown = sample(515.0, 0.0);
    grown.signatures = vec![("patch-77".into(), 60.0), ("b".into(), 255.0)];
    let verdict = world.next(grown.clone());
    assert_eq!(verdict.state, State::Warning);
    assert_eq!(verdict.text, "60 (normally 2) fail with patch-77 since 09-30 00:00Z, 515 failing in all");
    grown.signatures = vec![("patch-77".into(), 3.0)];
    world.next(grown.clone());
    assert_eq!(world.next(grown).state, State::Ok);
    let mut new = sample(505.0, 0.0);
    new.signatures = vec![("new".into(), 19.0)];
    assert_eq!(world.next(new.clone()).state, State::Ok);
    new.signatures = vec![("new".into(), 20.0)];
    assert_eq!(world.next(new).state, State::Warning);
}

#[test]
fn a_small_installation_is_judged_by_a_floor_and_not_by_ratios() {
    let mut world = World::new();
    for hour in 0..30 * 24 {
        world.failing(if hour % 50 < 5 { 4.0 } else { 3.0 });
    }
    for value in [5.0, 6.0, 7.0] {
        assert_eq!(world.failing(value).state, State::Ok, "{value}");
    }
    let verdict = world.failing(9.0);
    assert_eq!(verdict.state, State::Warning);
    assert!(verdict.text.starts_with("9 failing, normally 3 - 6 new since 09-30"), "{}", verdict.text);
}

#[test]
fn after_a_mass_retry_the_new_normal_is_learned_in_a_week() {
    let mut world = World::new();
    world.days(40, 500.0);
    world.days(8, 40.0);
    assert!(world.alerts.is_empty());
    let verdict = world.failing(200.0);
    assert_eq!(verdict.state, State::Critical, "{verdict:?}");
    assert!(verdict.text.starts_with("200 failing, normally 40 - 160 new"), "{}", verdict.text);
}

#[test]
fn nothing_is_said_from_old_samples() {
    let mut world = World::new();
    let verdict = world.days(30, 500.0);
    let later = verdict.time + 2 * 86_400;
    assert!(verdict.is_stale(later) && !verdict.is_stale(verdict.time + 86_400));
    assert_eq!(verdict.state_of(500, later), State::Unknown);
    world.hour += 48;
    assert_eq!(world.next(Sample { attempted: Some(5.0), ..Sample::default() }).state, State::Unknown);
    assert_eq!(world.failing(505.0).state, State::Ok);
    assert_eq!(world.failing(1005.0).state, State::Critical, "the history before the gap still counts");
}

fn fill(days: i64, drained: Option<bool>) -> World {
    let mut world = World::new();
    world.context.drained = drained;
    for hour in 0..days * 24 {
        world.context.drained = drained.map(|_| hour >= days * 24 - 1);
        let verdict = world.failing(1400.0 * hour as f64 / (days * 24) as f64);
        assert_eq!(verdict.state, State::Ok);
    }
    world.context.drained = drained.map(|_| true);
    world
}

#[test]
fn the_first_fill_is_silent_until_seven_days_and_a_drained_queue() {
    for days in [1, 3, 6, 10, 20] {
        for drained in [None, Some(false)] {
            let mut world = fill(days, drained);
            let verdict = world.days(40, 1400.0);
            assert!(world.alerts.is_empty(), "{days} days, {drained:?}: {:?}", world.alerts.first());
            assert_eq!((verdict.learning, verdict.text.as_str()), (None, "1395 failing, normally 1400"));
            assert_eq!(world.failing(2800.0).state, State::Critical);
        }
    }
    let mut world = World::new();
    assert_eq!(world.days(4, 500.0).text, "501 failing, learning 3/7 days");
    assert_eq!(world.days(3, 500.0).learning, Some(6));
    assert_eq!(world.days(1, 500.0).learning, None);
}

#[test]
fn static_limits_hold_while_learning_too() {
    let mut world = World::new();
    world.judge = Judge::new(Settings { warning: Some(600), critical: Some(900) });
    assert_eq!(world.failing(599.0).state, State::Ok);
    assert_eq!(world.failing(600.0).state, State::Warning);
    assert_eq!(world.failing(900.0).state, State::Critical);
    let verdict = world.days(30, 500.0);
    assert_eq!(verdict.stock.unwrap().limits.warning, Some(600));
}

#[test]
fn an_operator_accepts_and_sets_what_is_normal() {
    let mut world = World::new();
    world.days(30, 500.0);
    assert_eq!(world.days(2, 1000.0).state, State::Critical);
    world.judge.accept(Figure::Failing);
    assert_eq!(world.failing(1000.0).state, State::Ok);
    let verdict = world.days(20, 1000.0);
    assert_eq!(verdict.state, State::Ok);
    assert!((verdict.stock.unwrap().normal - 1000.0).abs() < 20.0);
    world.judge.set(Figure::Failing, 300.0);
    let verdict = world.failing(1000.0);
    assert_eq!(verdict.state, State::Critical);
    assert!(verdict.text.starts_with("1000 failing, set to 300 - 700 new"), "{}", verdict.text);
    world.judge.unset(Figure::Failing);
    world.failing(1000.0);
    assert_eq!(world.failing(1000.0).state, State::Ok);
}

#[test]
fn who_accepts_a_level_does_not_wait_until_it_is_learned() {
    let mut world = World::new();
    assert!(world.days(2, 500.0).learning.is_some());
    world.judge.accept(Figure::Failing);
    let verdict = world.failing(500.0);
    assert_eq!((verdict.state, verdict.learning), (State::Ok, None), "{}", verdict.text);
    assert_eq!(world.failing(1000.0).state, State::Critical);
    // A week later it is learned like any other, with a level that has changed a little meanwhile.
    let verdict = world.days(12, 550.0);
    assert_eq!(verdict.state, State::Ok, "{}", verdict.text);
    assert!((verdict.stock.unwrap().normal - 550.0).abs() < 20.0);
}

#[test]
fn a_check_needs_only_the_stored_limits() {
    let mut world = World::new();
    let verdict = world.days(30, 500.0);
    let limits = verdict.stock.clone().unwrap().limits;
    assert_eq!((limits.warning, limits.critical, limits.clear), (Some(700), Some(950), None));
    let now = verdict.time + 600;
    let states = [699, 700, 949, 950].map(|live| verdict.state_of(live, now));
    assert_eq!(states, [State::Ok, State::Warning, State::Warning, State::Critical]);
    let alert = world.failing(1000.0);
    assert_eq!(alert.stock.clone().unwrap().limits.clear, Some(630));
    let now = alert.time + 600;
    assert_eq!(alert.state_of(640, now), State::Critical, "the alert goes on until the next sample");
    assert_eq!(alert.state_of(620, now), State::Ok);
}

fn flows(attempted: f64, failed: f64) -> Sample {
    Sample { attempted: Some(attempted), failed: Some(failed), ..Sample::default() }
}

/// About 20 new failures an hour of 500 attempts.
fn ordinary_flows(world: &mut World, hours: i64) -> Verdict {
    let mut last = None;
    for hour in 0..hours {
        last = Some(world.next(flows(500.0 + (hour % 11) as f64, 18.0 + (hour % 5) as f64)));
    }
    last.unwrap()
}

#[test]
fn twice_as_many_new_failures_are_found_in_hours_and_their_end_in_two_runs() {
    let mut world = World::new();
    assert_eq!(ordinary_flows(&mut world, 30 * 24).text, "482 failed in 24 h, normally 480");
    let found = (0..24).position(|_| world.next(flows(505.0, 40.0)).state.alerts());
    assert!(found.is_some_and(|hours| hours < 12), "{found:?}");
    let verdict = world.next(flows(505.0, 40.0));
    assert!(verdict.text.contains("failed in 24 h, normally 480 since 09-30"), "{}", verdict.text);
    assert!(verdict.text.contains("of attempts (norm 4%)"), "{}", verdict.text);
    ordinary_flows(&mut world, 1);
    assert_eq!(ordinary_flows(&mut world, 1).state, State::Ok);
    assert_eq!(ordinary_flows(&mut world, 72).state, State::Ok);
}

#[test]
fn usual_failures_of_few_attempts_are_an_unusual_share() {
    let mut world = World::new();
    ordinary_flows(&mut world, 30 * 24);
    let last = (0..24).map(|_| world.next(flows(90.0, 20.0)).state).max();
    assert!(last.is_some_and(State::alerts));
    let mut world = World::new();
    ordinary_flows(&mut world, 30 * 24);
    assert!((0..24).all(|_| world.next(flows(90.0, 4.0)).state == State::Ok));
}

#[test]
fn suppressed_signatures_are_not_named() {
    let mut world = World::new();
    world.days(30, 500.0);
    world.context.suppressed.insert("known".into());
    let mut jump = sample(1000.0, 0.0);
    jump.signatures = vec![("known".into(), 400.0), ("other".into(), 90.0)];
    let verdict = world.next(jump);
    assert_eq!(verdict.signature.map(|signature| signature.id), Some("other".into()));
}
