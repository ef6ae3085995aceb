//! Starts programs in turns (A B C A B C ...) and says how long each takes from its start to its end, in the median.
//!
//! What starts a program is part of the time that is measured. A shell or Python copies or scans more of itself for that
//! than a check of two milliseconds does; here it is one `posix_spawn`, which shares the memory until the program is
//! there, so what remains is what a daemon in C pays as well.
//!
//! Usage: `turns ROUNDS < COMMANDS`, a line for each: name, every how many rounds it is started, program with a slash in
//! it, arguments, separated by tabs. Prints a line for each: name, median, lower and upper quartile in milliseconds.
//! Standard output of the programs is discarded, the environment handed on.

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A program, and how long it took each time, in milliseconds.
struct Turn {
    name: String,
    every: usize,
    command: Command,
    taken: Vec<f64>,
}

fn main() -> Result<()> {
    let rounds: usize = std::env::args().nth(1).ok_or("usage: turns ROUNDS < COMMANDS")?.parse()?;
    let mut turns = stdin().lines().map(|line| turn(&line?)).collect::<Result<Vec<Turn>>>()?;
    // The first start reads the program from the disk.
    for turn in &mut turns {
        once(&mut turn.command)?;
    }
    for round in 0..rounds {
        for turn in turns.iter_mut().filter(|turn| round.is_multiple_of(turn.every)) {
            turn.taken.push(once(&mut turn.command)?);
        }
    }
    for turn in &mut turns {
        turn.taken.sort_by(f64::total_cmp);
        let [median, lower, upper] = [2, 1, 3].map(|quarter| part(&turn.taken, quarter));
        writeln!(stdout(), "{}\t{median:.3}\t{lower:.3}\t{upper:.3}", turn.name)?;
    }
    Ok(())
}

fn turn(line: &str) -> Result<Turn> {
    let mut words = line.split('\t');
    let mut word = || words.next().ok_or_else(|| format!("not a name, a number and a program: {line:?}"));
    let (name, every, program) = (word()?.to_owned(), word()?.parse()?, word()?);
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null());
    Ok(Turn { name, every, command, taken: Vec::new() })
}

/// Duration in milliseconds.
fn once(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.status()?;
    let taken = 1000.0 * start.elapsed().as_secs_f64();
    match status.code() {
        Some(0..=3) => Ok(taken),
        _ => Err(format!("{command:?}: {status}").into()),
    }
}

/// The value below which so many quarters of the values are.
fn part(sorted: &[f64], quarter: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * quarter / 4).copied().unwrap_or(f64::NAN)
}
