//! Judges whether a figure is as it normally is: pure arithmetic on samples. It knows no database and no clock.
//!
//! [`Judge`] takes samples in order of time and gives a verdict on each without looking ahead. `docs/baselines.md` has
//! the rule and its measured quality.

pub mod age;
mod alarm;
pub mod backtest;
mod days;
mod explain;
mod fit;
mod hours;
mod judge;
mod jump;
mod live;
mod memory;
mod profile;
pub mod progress;
mod report;
mod robust;
pub mod rule;
mod saved;
mod scale;
mod signature;
mod state;
mod surge;
mod text;
pub mod time;
mod track;
mod verdict;
mod weekdays;

pub use fit::Kind;
pub use judge::{Figure, Judge, Remembered, Settings};
pub use live::{Live, Now};
pub use memory::{Alarm, Memory};
pub use saved::Saved;
pub use signature::Leading;
pub use state::State;
pub use surge::Surge;
pub use text::concise;
pub use verdict::{Breaker, Causes, Context, Judged, Limits, Sample, Verdict};
