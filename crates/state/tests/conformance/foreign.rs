//! Foreign refs: rows that end by themselves.

use state::publication::foreign::{self, ForeignRef};
use state::queue;

use crate::common::worlds;

fn found(name: &str, theirs: &str) -> ForeignRef {
    ForeignRef { name: name.into(), kind: "tag".into(), since: 0, ours: None, theirs: Some(theirs.into()) }
}

#[test]
fn what_is_as_it_was_keeps_its_time_and_what_is_gone_goes() {
    for world in worlds() {
        let package = world.store.write(|tx| queue::package_id(tx, "hello")).unwrap();
        let settle = |rows: &[ForeignRef]| {
            world.store.write(|tx| foreign::settle(tx, package, rows)).unwrap();
            world.store.read(|tx| foreign::of_package(tx, package)).unwrap()
        };
        let first = settle(&[found("refs/tags/a", "1"), found("refs/tags/b", "1")]);
        assert_eq!(first.len(), 2);
        world.advance(1000);
        let second = settle(&[found("refs/tags/a", "1"), found("refs/tags/b", "2")]);
        assert_eq!(second[0].since, first[0].since);
        assert!(second[1].since > first[1].since, "it was moved again");
        let summary = world.store.read(foreign::summary).unwrap();
        assert_eq!((summary.refs, summary.packages), (2, 1));
        assert_eq!(summary.since, Some(first[0].since));
        let many: Vec<ForeignRef> =
            (0..1000).map(|number| found(&format!("refs/tags/{number:04}"), "1")).collect();
        assert_eq!(settle(&many).len(), foreign::KEPT);
        assert!(settle(&[]).is_empty());
        assert_eq!(world.store.read(foreign::summary).unwrap(), foreign::Summary::default());
    }
}
