//! Tests of every action: its preview changes nothing, it writes the entries that it declares, and users without its
//! role are refused.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use importer::polling::Accepted;
use operations::actions::{
    baseline, channels, collision, counters, enqueue, history, hold, hosts, mute, poll, prune, queue,
    remotes as actions_remotes, repair, samples, settings, signature, suppress,
};
use operations::{ACTIONS, Action, Actor, Class, Comparison, Failing, Imported, Names, Reason, Role};
use packaging_repo::collision::Decision;
use source_package::finding::Finding;
use state::publishing::remotes;
use state::words::{Lane, Policy};

use crate::world::{BROKEN, GOOD, HOST, World, worlds};

/// Entries of an action in the audit trail: their action word, and their number.
pub type Leaves = (&'static str, usize);

/// Sees each action once, with a world in which it has something to do.
pub trait Visitor {
    fn see<A: Action>(&mut self, world: &World, action: &A, leaves: Leaves);
}

pub fn names(names: &[&str]) -> Names {
    Names::new(names.iter().map(|name| (*name).to_owned()).collect()).unwrap()
}

pub fn reason() -> Reason {
    "because of bug 7".parse().unwrap()
}

/// Performs all actions, in an order in which each finds its objects.
pub fn all(world: &World, visitor: &mut impl Visitor) {
    let id = world.signature();
    let until = "2999-12-31".parse().unwrap();
    visitor.see(world, &hold::Hold { packages: names(&["bash", GOOD]), until: Some(until) }, ("hold", 2));
    visitor.see(world, &hold::Release { packages: names(&["bash", GOOD, "curl"]) }, ("release", 2));
    let canary = NonZeroUsize::new(1);
    visitor.see(world, &queue::Retry { which: Failing::Signature(id.clone()), canary }, ("retry", 1));
    let which = Imported::By(Comparison::new("<9").unwrap());
    visitor.see(world, &queue::Requeue { which }, ("requeue", 1));
    visitor.see(world, &queue::Prioritize { packages: names(&BROKEN) }, ("prioritize", 3));
    visitor.see(world, &enqueue::Enqueue { packages: names(&[GOOD]), lane: Lane::Verify }, ("enqueue", 1));
    let packages = Some(names(&["dash"]));
    visitor.see(world, &history::AskHistory { packages }, ("history-ask", 1));
    let older = Accepted { older: true, removals: false };
    let poll = poll::Poll::new(&world.at, &["debian".into()], older, &|_| ()).unwrap();
    visitor.see(world, &poll, ("accept-older", 1));
    visitor.see(world, &suppress::Suppress { subject: id.clone(), until }, ("suppress", 1));
    visitor.see(world, &suppress::Unsuppress { subject: id.clone() }, ("unsuppress", 1));
    let resolve = collision::Resolve { id: world.collision(), decision: Decision::Keep };
    visitor.see(world, &resolve, ("resolve", 1));
    let policy = Some(Some(Policy::Retry));
    let decide = signature::Decide::new(&id, policy, Some("a mirror lags".parse().unwrap()), None).unwrap();
    visitor.see(world, &decide, ("signature", 1));
    let figure = baseline::Decidable::Failing;
    visitor.see(world, &baseline::AcceptBaseline { figure }, ("baseline-accept", 1));
    visitor.see(world, &baseline::SetBaseline { figure, value: 5 }, ("baseline-set", 1));
    visitor.see(world, &baseline::UnsetBaseline { figure }, ("baseline-unset", 1));
    let after = "2026-01-01".parse().unwrap();
    visitor.see(world, &samples::DropSamples { after }, ("samples-drop", 1));
    visitor.see(world, &settings::Set { setting: settings::Setting::new("jobs=4").unwrap() }, ("set", 1));
    visitor.see(world, &hosts::Quiesce { host: HOST.into() }, ("host", 1));
    visitor.see(world, &hosts::Resume { host: HOST.into() }, ("host", 1));
    world.at.store.write(|tx| remotes::follow(tx, &[("git", "/srv/git/{package}")], "config")).unwrap();
    visitor.see(world, &actions_remotes::LeaveRemote { remote: "git".into() }, ("remote-left", 1));
    let which = repair::Which::Names(names(&[GOOD]));
    visitor.see(world, &repair::PlanRepair { which, rebuild: false, by_worker: false }, ("repair-plan", 1));
    let plan = world.plan();
    visitor.see(world, &repair::ApplyRepair { plan, canary: 0 }, ("repair-apply", 1));
    world.plan_is_done(plan);
    visitor.see(world, &repair::UndoRepair { plan, by_worker: false }, ("repair-undo", 1));
    let code = Finding::TagGone;
    visitor.see(world, &mute::Mute { code, package: Some(GOOD.into()), until }, ("mute", 1));
    visitor.see(world, &mute::Unmute { code, package: Some(GOOD.into()) }, ("unmute", 1));
    world.miscount();
    visitor.see(world, &counters::RepairCounters, ("repair-counter", 1));
    let days = |days| prune::Days::new(days).unwrap();
    visitor.see(world, &prune::Prune { days: days(90), event_days: days(400) }, ("prune", 1));
    visitor.see(world, &channels::SendDue, ("channel-followed", 1));
    visitor.see(world, &channels::TestChannel { channel: "team".into() }, ("notify-test", 1));
    visitor.see(
        world,
        &enqueue::EnqueueFiles { items: vec![world.item()], lane: Lane::Upload },
        ("enqueue", 0),
    );
}

struct Walk(BTreeSet<&'static str>);

impl Visitor for Walk {
    fn see<A: Action>(&mut self, world: &World, action: &A, (word, entries): Leaves) {
        let name = A::NAME;
        self.0.insert(name);
        let olga = Actor::new("olga@host1", A::ROLE);
        let (before, known) = (world.dump(), world.last_event());
        let reason = reason();

        for role in [Role::View, Role::Operate, Role::Admin].into_iter().filter(|role| *role < A::ROLE) {
            let other = Actor::new("eve", role);
            let refused = action.preview(&world.at, &other).unwrap_err();
            assert_eq!(refused.class(), Class::Refused, "{name}: {refused}");
            let Err(refused) = action.perform(&world.at, &other, Some(&reason)) else {
                panic!("{name} is done for {role}");
            };
            assert_eq!(refused.class(), Class::Refused, "{name}: {refused}");
            assert!(refused.to_string().contains("eve may not"), "{refused}");
        }
        if A::NEEDS_REASON {
            let Err(refused) = action.perform(&world.at, &olga, None) else { panic!("{name} has no reason") };
            assert_eq!(refused.class(), Class::Usage, "{name}: {refused}");
        }
        let preview = action.preview(&world.at, &olga).unwrap();
        assert!(!preview.is_empty(), "{name} has something to do");
        assert_eq!(world.dump(), before, "{name}: its preview, or who was refused, changed something");

        let done = action.perform(&world.at, &olga, Some(&reason));
        done.map(drop).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(world.dump(), before, "{name} changes something");
        let left = world.events_after(known);
        let ours: Vec<_> = left.iter().filter(|event| event.action == word).collect();
        assert_eq!(ours.len(), entries, "{name}: {left:?}");
        assert_eq!(left.len(), entries, "{name} leaves other entries, too: {left:?}");
        // What this machine does by itself, as its configuration says, is on its name.
        for event in ours.into_iter().filter(|_| word != "channel-followed") {
            assert_eq!(event.actor, "olga@host1", "{name}: {event:?}");
            // The program itself says why a number is mended.
            let has_reason = event.reason.as_deref() == Some(reason.as_str());
            assert!(has_reason || name == "repair-counters", "{name}: {event:?}");
        }
    }
}

#[test]
fn each_is_foreseen_recorded_and_refused_to_who_may_not() {
    for world in worlds() {
        let mut walk = Walk(BTreeSet::new());
        all(&world, &mut walk);
        let listed: BTreeSet<&str> = ACTIONS.iter().map(|it| it.name).collect();
        assert_eq!(listed.len(), ACTIONS.len(), "no name is used twice");
        let of_state = ACTIONS.iter().filter(|it| !it.of_machine).map(|it| it.name);
        assert_eq!(walk.0, of_state.collect(), "every action is seen, and no other");
    }
}

/// The list for people has each action with its role, and no others.
#[test]
fn the_document_lists_them() {
    let text = include_str!("../../../../docs/architecture.md");
    let table = text.lines().skip_while(|line| !line.starts_with("| action | role |")).skip(2);
    let rows: BTreeSet<(&str, &str)> = table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`'));
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let listed = ACTIONS.iter().map(|it| (it.name, it.role.as_str())).collect();
    assert_eq!(rows, listed);
}

/// A name that does not exist gives "not found", and nothing is done.
#[test]
fn what_does_not_exist_is_not_found() {
    let olga = Actor::new("olga", Role::Admin);
    for world in worlds() {
        let (at, before, why) = (&world.at, world.dump(), reason());
        let until = "3d".parse().unwrap();
        let missing = |name: &str, errors: [Option<operations::Error>; 2]| {
            for error in errors {
                let error = error.unwrap_or_else(|| panic!("{name} is done with nothing"));
                assert_eq!(error.class(), Class::NotFound, "{name}: {error}");
            }
        };
        macro_rules! missing {
            ($action:expr) => {{
                let action = $action;
                let done = action.perform(at, &olga, Some(&why)).err();
                missing(stringify!($action), [action.preview(at, &olga).err(), done]);
            }};
        }
        missing!(hold::Hold { packages: names(&["bash", "nosuch"]), until: None });
        missing!(hold::Release { packages: names(&["nosuch"]) });
        missing!(queue::Retry { which: Failing::Signature("nosuch".into()), canary: None });
        missing!(queue::Retry { which: Failing::Names(names(&["nosuch"])), canary: None });
        missing!(queue::Requeue { which: Imported::Names(names(&["bash", "nosuch"])) });
        missing!(queue::Prioritize { packages: names(&["nosuch"]) });
        missing!(suppress::Suppress { subject: "nosuch".into(), until });
        missing!(suppress::Unsuppress { subject: "bash".into() });
        missing!(signature::Decide::new("nosuch", None, Some(reason()), None).unwrap());
        missing!(hosts::Quiesce { host: "nosuch".into() });
        missing!(hosts::Resume { host: "nosuch".into() });
        missing!(actions_remotes::LeaveRemote { remote: "nosuch".into() });
        missing!(channels::TestChannel { channel: "nosuch".into() });
        missing!(history::AskHistory { packages: Some(names(&["nosuch"])) });
        assert_eq!(world.dump(), before);
    }
}

/// A package that was published very often is queued with everything of it wanted, by one entry.
#[test]
fn a_long_history_is_requeued_whole() {
    let olga = Actor::new("olga", Role::Operate);
    for world in worlds() {
        let store = &world.at.store;
        for number in 0..400 {
            let sql = format!(
                "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust,
                     files, published, first_seen, done)
                 SELECT id, 'debian', 'debian', 'sid', 'main', '1-{number}', 'x', 'x{number}', '', '', 1, 1, 1
                 FROM package WHERE name = '{GOOD}'"
            );
            store.write(|tx| tx.execute(&sql, &[])).unwrap();
        }
        let action = queue::Requeue { which: Imported::Names(names(&[GOOD])) };
        assert_eq!(action.perform(&world.at, &olga, None).unwrap(), 1);
        let count = |sql: &str| store.read(|tx| tx.first(sql, &[])).unwrap().unwrap().int(0);
        assert_eq!(count("SELECT COUNT(*) FROM publication WHERE done IS NULL"), 400);
        assert_eq!(count("SELECT COUNT(*) FROM event WHERE action = 'requeue'"), 1);
        assert!(store.largest_transaction() <= state::tx::LARGEST);
    }
}
