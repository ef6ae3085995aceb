//! Progress of a host: a live host whose jobs do not end is stalled.
//!
//! Times are milliseconds.

/// As many times its usual duration may pass without an end of anything,
const TIMES: i64 = 3;
/// but this at least: what usually takes a second may take a minute for once.
const LEAST: i64 = 5 * 60 * 1000;
/// Limit where nothing is known of a job, in milliseconds: it may be a large package's first import.
const UNKNOWN: i64 = 60 * 60 * 1000;

/// A job that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Milliseconds of its beginning.
    pub started: i64,
    /// Usual duration in milliseconds, if it is known.
    pub usual: Option<i64>,
}

/// Facts about a host with an open run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Time at which one of its jobs last ended; before the first, the beginning of its run.
    pub progress: i64,
    /// Mean duration of its jobs, if any has ended.
    pub usual: Option<i64>,
    /// Its running jobs.
    pub jobs: Vec<Job>,
    /// Time since which a job waits that it could claim, if one does.
    pub waiting: Option<i64>,
}

/// Time since which a host has work and finishes none, if that is more than three times the usual duration ago.
pub fn stalled_since(now: i64, work: &Work) -> Option<i64> {
    let limit = |usual: Option<i64>, unknown: i64| {
        usual.map_or(unknown, |usual| usual.saturating_mul(TIMES).max(LEAST))
    };
    let Some(shortest) = work.jobs.iter().map(|job| limit(job.usual, UNKNOWN)).min() else {
        // To claim a job takes a moment, whatever the jobs themselves take.
        let since = work.progress.max(work.waiting?);
        return (now - since > limit(work.usual, LEAST)).then_some(since);
    };
    let is_late = |job: &Job| now - job.started > limit(job.usual, UNKNOWN);
    let first = work.jobs.iter().map(|job| job.started).min()?;
    let since = work.progress.max(first);
    (work.jobs.iter().all(is_late) && now - since > shortest).then_some(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * 1000;

    fn job(started: i64, usual: Option<i64>) -> Job {
        Job { started, usual }
    }

    fn work(jobs: Vec<Job>) -> Work {
        Work { progress: 0, usual: Some(MINUTE), jobs, waiting: None }
    }

    #[test]
    fn three_times_the_usual_duration_without_an_end_is_no_progress() {
        let busy = work(vec![job(0, Some(10 * MINUTE))]);
        assert_eq!(stalled_since(30 * MINUTE, &busy), None);
        assert_eq!(stalled_since(30 * MINUTE + 1, &busy), Some(0));
        // Short jobs have a limit of five minutes.
        assert_eq!(stalled_since(5 * MINUTE, &work(vec![job(0, Some(100))])), None);
        assert_eq!(stalled_since(5 * MINUTE + 1, &work(vec![job(0, Some(100))])), Some(0));
    }

    #[test]
    fn one_job_in_its_time_or_one_that_has_ended_is_progress() {
        let (late, early) = (job(0, Some(100)), job(0, Some(30 * MINUTE)));
        assert_eq!(stalled_since(20 * MINUTE, &work(vec![late, early])), None);
        assert_eq!(stalled_since(20 * MINUTE, &work(vec![late, late])), Some(0));
        let ended = Work { progress: 19 * MINUTE, ..work(vec![late]) };
        assert_eq!(stalled_since(20 * MINUTE, &ended), None);
        assert_eq!(stalled_since(40 * MINUTE, &work(vec![job(0, None)])), None, "a first import may be long");
        assert_eq!(stalled_since(61 * MINUTE, &work(vec![job(0, None)])), Some(0));
    }

    #[test]
    fn a_host_that_claims_nothing_while_jobs_wait_makes_no_progress() {
        let idle = work(Vec::new());
        assert_eq!(stalled_since(1000 * MINUTE, &idle), None);
        let waiting = Work { waiting: Some(100 * MINUTE), ..idle };
        assert_eq!(stalled_since(105 * MINUTE, &waiting), None);
        assert_eq!(stalled_since(105 * MINUTE + 1, &waiting), Some(100 * MINUTE));
        let large = Work { usual: Some(10 * MINUTE), ..waiting };
        assert_eq!(stalled_since(129 * MINUTE, &large), None);
    }
}
