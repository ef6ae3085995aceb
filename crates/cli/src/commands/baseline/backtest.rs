use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use ::baseline::Settings;
use ::baseline::backtest::{self, Line, Samples};
use anyhow::{Context, Error};

use crate::exit;

/// Judge a history as it would have been judged then
///
/// A line of the history: {"time": "2026-11-24T08:00:00Z", "figure": "failing", "value": 500}, in order of time. Figures:
/// failing, parked, attempted, failed (both of the hour), signature:ID. All lines of one time are one sample. No verdict
/// knows what came after it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import baseline backtest --samples history.jsonl --json")]
pub struct Arguments {
    /// The history; - is the standard input
    #[arg(long, value_name = "FILE")]
    samples: String,

    /// WARNING from so many on, whatever is normal
    #[arg(long, value_name = "N")]
    warning: Option<u64>,

    /// CRITICAL from so many on, whatever is normal
    #[arg(long, value_name = "N")]
    critical: Option<u64>,

    /// Print an object for each time
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<u8, Error> {
    let input: Box<dyn BufRead> = if arguments.samples == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let path = &arguments.samples;
        Box::new(BufReader::new(File::open(path).with_context(|| format!("cannot open {path}"))?))
    };
    let settings = Settings { warning: arguments.warning, critical: arguments.critical };
    let mut stdout = BufWriter::new(io::stdout().lock());
    for verdict in backtest::judge(Samples::new(input), settings) {
        // Verdicts on the lines before a line that is no sample were printed.
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(error) => {
                stdout.flush()?;
                return Err(error.into());
            }
        };
        let line = Line::from(&verdict);
        if arguments.json {
            serde_json::to_writer(&mut stdout, &line).map_err(io::Error::from)?;
            writeln!(stdout)?;
        } else {
            writeln!(stdout, "{} {} {}", line.time, line.state, line.text)?;
        }
    }
    stdout.flush()?;
    Ok(exit::DONE)
}
