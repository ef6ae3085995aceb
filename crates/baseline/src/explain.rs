//! Explanations of a verdict, in plain sentences with the numbers of this installation.

use crate::state::State;
use crate::text::{moment, whole};
use crate::verdict::{Judged, Verdict};

impl Verdict {
    /// Five sentences, or fewer when there is less to explain.
    pub fn sentences(&self) -> Vec<String> {
        let Some(stock) = &self.stock else {
            return vec![match self.learning {
                Some(days) => format!(
                    "Nothing is judged yet: {days} of 7 full days are known. Limits that were set count all the same."
                ),
                None => format!("Nothing is known of how many packages fail: {}.", self.text),
            }];
        };
        let mut sentences = vec![self.number(stock), usual(stock), limits(stock), self.state_of_it(stock)];
        sentences.extend(self.causes(stock));
        sentences
    }

    fn number(&self, stock: &Judged) -> String {
        let (level, _) = stock.days;
        let how = match (stock.set, self.explained >= 1.0) {
            (true, _) => "an operator has said so".to_owned(),
            (false, false) => format!("learned from {level} days"),
            (false, true) => format!(
                "learned from {level} days, and {} more are explained by many more attempts than usual, for a week at most",
                whole(self.explained)
            ),
        };
        format!(
            "{} packages fail or are parked now, and {} are normal ({how}).",
            whole(stock.value),
            whole(stock.normal)
        )
    }

    fn state_of_it(&self, stock: &Judged) -> String {
        let since =
            self.since.map_or_else(String::new, |since| format!(" since {}", moment(since, self.time)));
        let flow = self.flow.as_ref().is_some_and(|flow| flow.state.alerts());
        match self.state {
            _ if self.outage => {
                format!(
                    "It is {} because so many jobs are parked that their archive is out of reach.",
                    self.state
                )
            }
            State::Ok | State::Unknown => format!("So it is {}.", self.state),
            state if stock.state.alerts() => {
                let end = stock.limits.clear.map_or_else(
                    || {
                        "once it has been back near the norm for some hours, because it has come back before"
                            .to_owned()
                    },
                    |clear| format!("with the next sample below {clear}"),
                );
                format!("So it is {state}{since}, and ends {end}.")
            }
            state if flow => {
                format!("So it is {state}{since}, because of new failures and not of that number.")
            }
            state => format!("So it is {state}{since}, because of one signature or a limit that was set."),
        }
    }

    fn causes(&self, stock: &Judged) -> Option<String> {
        let new = stock.value - stock.normal;
        match (&self.cause, &self.signature, self.share) {
            (Some(cause), ..) if self.outage => Some(format!("What is out of reach is {cause}.")),
            (Some(cause), Some(one), _) if !stock.state.alerts() => Some(format!(
                "{} packages fail with {cause}, and {} do normally.",
                whole(one.value),
                whole(one.normal)
            )),
            (Some(cause), _, Some(share)) if new >= 1.0 => {
                Some(format!("Of what is new, {share}% is {cause}."))
            }
            _ => self.flow.as_ref().map(|flow| {
                let (hours, value, expected) = flow.window;
                let (value, expected) = (whole(value), whole(expected));
                let is = if flow.state.alerts() { "too many" } else { "as usual" };
                format!("In the last {hours} hours {value} began to fail, where {expected} are normal: {is}.")
            }),
        }
    }
}

/// Usual range of the values, and the distance from it.
fn usual(stock: &Judged) -> String {
    let (hours, value, expected) = stock.window;
    let reach = |deviations: f64| whole((expected + 5.0) * (deviations * stock.spread).exp() - 5.0);
    format!(
        "What tells most is the mean of {hours} h, {}, usually between {} and {}: {:.1} deviations off, where a WARNING \
         needs {:.1}.",
        whole(value),
        reach(-2.0),
        reach(2.0),
        stock.score,
        stock.needed
    )
}

fn limits(stock: &Judged) -> String {
    let of = |limit: Option<u64>, what: &str| limit.map(|limit| format!("{what} from {limit}"));
    let limits = [
        of(stock.limits.warning, "WARNING"),
        of(stock.limits.critical, "CRITICAL"),
        of(stock.limits.parked, "an outage with a breaker open and parked jobs"),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    format!("Between samples it is {} on.", limits.join(" on, "))
}
