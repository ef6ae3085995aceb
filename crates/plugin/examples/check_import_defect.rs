//! A check with a defect, so that tests see the kit's handling of it.
use plugin::{Check, Database, Limits, Report, Settings, Trouble, Unit};

#[derive(Clone, clap::Args)]
struct Options {
    /// Which defect to show
    #[arg(long, default_value = "none")]
    how: String,
}

struct Defect;

impl Check for Defect {
    const PROGRAM: &'static str = "check_import_defect";
    const ABOUT: &'static str = "Shows what the kit makes of a defective check.";
    const EXAMPLES: &'static str = "  check_import_defect --how panic";
    type Options = Options;
    type Policy = serde::de::IgnoredAny;

    fn check(settings: &Settings<Self>, database: &mut Database<'_>) -> Result<Report, Trouble> {
        let mut report = Report::new();
        match settings.options.how.as_str() {
            #[allow(clippy::panic)]
            "panic" => panic!("nobody thought of {}\nthis", "|"),
            "thread" => drop(std::thread::spawn(|| [1, 2][std::hint::black_box(2)]).join()),
            "overflow" => report.say(deep(1).to_string()),
            "exit" => std::process::exit(0),
            "print" => println!("something before the answer"),
            "label" => {
                report.measure("Bad Label", 1, Unit::Count, &Limits::none());
            }
            "write" => drop(database.rows("DELETE FROM counters RETURNING failing", &[])?),
            "many" => {
                let series =
                    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
                database.rows(series, &[])?;
            }
            "two" => drop(database.row("VALUES (1), (2)", &[])?),
            "type" => drop(database.row("VALUES ('x')", &[])?.integer(0)?),
            _ => report.say("nothing"),
        }
        Ok(report)
    }
}

/// Recursion without an end that a compiler could see.
fn deep(level: u64) -> u64 {
    let room = std::hint::black_box([level; 64]);
    if level == 0 { 0 } else { deep(level + 1).wrapping_add(room[0]) }
}

fn main() {
    plugin::main::<Defect>()
}
