//! An import that settles a collision is killed at each of its crash points: what it was about to do is done by the next,
//! nothing is lost meanwhile, and everybody is told.

use std::process::Command;

use package_import_tests::installation::reports;
use packaging_repo::failpoints::FAILPOINTS;

use super::{World, changed, exists, upload};

fn copy(world: &World) -> World {
    let new = World::new();
    let status = Command::new("cp").arg("-a").arg(world.it.root().join(".")).arg(new.it.root()).status();
    assert!(status.unwrap().success());
    World { it: new.it, pushed: world.pushed.clone(), postgres: None }
}

#[test]
fn killed_at_any_step_nothing_is_lost_and_the_next_import_makes_it_good() {
    let mut start = World::with("a0");
    let theirs = start.push_on("a0", "debian/sid", &[("src/main.c", Some(&changed(20, "twenty")))]);
    let applied = start.push_on("a0", "applied/debian/sid", &[("src/main.c", Some(&changed(3, "x")))]);
    let tip = start.rev("a0", "debian/1.0-1^{commit}");
    start.push("a0", "refs/tags/debian/1.0-2", &tip);
    let second = upload("a0", "1.0-2", &["1.0-1"]).upstream("src/main.c", changed(3, "three"));
    let calm = copy(&start);
    calm.import(&[&second]);
    let (wanted, rows) = (calm.refs("a0"), calm.waiting("a0").len());
    assert_eq!(rows, 3, "{:?}", calm.waiting("a0"));
    let after = ["run::child-ended", "run::versions-recorded", "run::finished"];
    let mut killed = 0;
    for point in FAILPOINTS.iter().chain(&after) {
        let hit = copy(&start);
        let dsc = hit.write(&second);
        let mut command = hit.it.command("debian", "sid", &[&dsc]);
        let output = command.env("PACKAGE_IMPORT_KILL_AT", format!("{point}:1")).output().unwrap();
        let is_killed = !output.status.success();
        killed += usize::from(is_killed);
        // Whatever had been done: what was pushed is there, and is where it was or set aside.
        let refs = hit.refs("a0");
        for (branch, object) in [("debian/sid", &theirs), ("applied/debian/sid", &applied)] {
            let name = format!("refs/heads/{branch}");
            let aside = format!("refs/heads/collisions/{branch}/{}", &object[..12]);
            let is_safe = refs.get(&name) == Some(object) || refs.get(&aside) == Some(object);
            assert!(is_safe, "{point}: {refs:?}");
        }
        if is_killed {
            // The next run repairs what is left, as after any kill.
            hit.well(&["run", "--until-empty"]);
            let (_, reports) = reports(hit.it.command("debian", "sid", &[&dsc]).output().unwrap());
            assert!(reports.iter().all(|it| it["outcome"] != "failed"), "{point}: {reports:?}");
        }
        assert_eq!(hit.refs("a0"), wanted, "{point}");
        assert_eq!(hit.waiting("a0").len(), rows, "{point}: {:?}", hit.waiting("a0"));
        assert!(!exists(&hit, "a0", "packed-refs.lock"));
        hit.assert_nothing_lost();
    }
    println!("{killed} kills");
    assert!(killed > 10, "{killed}");
}
