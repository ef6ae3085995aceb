//! The roles of docs/examples/grants.sql are those of the actions: who operates may do what takes that role, and is refused
//! by the database what takes another; who monitors may do nothing.

use operations::{Action, Actor, Class, Opened, Role};
use state::open::Location;

use crate::actions::{Leaves, Visitor, all, reason};
use crate::world::{World, postgres};

const GRANTS: &str = include_str!("../../../../docs/examples/grants.sql");

/// Another login of the same state.
fn login(world: &World, role: &str) -> Opened {
    let Location::Postgres { url, passfile } = &world.location else { panic!("no PostgreSQL") };
    let schema = url.split("search_path=").nth(1).unwrap().trim_end_matches('\'');
    let mut owner = throwaway_postgres::shared().client();
    let name = format!("{schema}_{role}");
    let sql = format!(
        "SET search_path = {schema}; {GRANTS}; CREATE ROLE {name} LOGIN IN ROLE package_import_{role}"
    );
    owner.batch_execute(&sql).unwrap();
    let url = url.replace("user=postgres", &format!("user={name}"));
    let store = Location::Postgres { url, passfile: passfile.clone() }.open();
    let store = store.unwrap_or_else(|error| panic!("{role}: {error}"));
    Opened { root: world.at.root.clone(), config: world.at.config.clone(), store }
}

/// Tries each action with a login.
struct Try {
    operator: Opened,
}

impl Visitor for Try {
    fn see<A: Action>(&mut self, world: &World, action: &A, _: Leaves) {
        // Whatever a page thinks of somebody, the database decides.
        let actor = Actor::new("anna", Role::Admin);
        let done = action.perform(&self.operator, &actor, Some(&reason()));
        if A::ROLE <= Role::Operate {
            done.map(drop).unwrap_or_else(|error| panic!("{} is for operators: {error}", A::NAME));
            return;
        }
        let Err(error) = done else { panic!("{} is done for an operator", A::NAME) };
        assert_eq!(error.class(), Class::Refused, "{}: {error}", A::NAME);
        action.perform(&world.at, &actor, Some(&reason())).map(drop).unwrap();
    }
}

#[test]
fn an_operators_login_may_what_the_role_may() {
    let world = postgres();
    let operator = login(&world, "operator");
    // The row of the history is a worker's to make; an operator asks again.
    all(&world, &mut Try { operator });
}
