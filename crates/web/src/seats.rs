//! Seats: connections at once are limited. When all seats are taken, whoever has kept a request waiting for longest gives up his,
//! so that slow and silent clients keep nobody out.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A client has this time to send its request before its seat may be given to somebody else.
const COURTESY: Duration = Duration::from_millis(250);

/// State of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// For its client, since then: a request that is to come or is not whole, an answer that is to be read.
    Waits(Instant),
    /// For an answer of ours.
    Answers,
}

/// A connection that has a seat.
pub struct Seat {
    doing: Mutex<Doing>,
    leave: Notify,
}

impl Seat {
    /// A request is whole: nobody takes the seat before it is answered.
    pub fn answers(&self) {
        *locked(&self.doing) = Doing::Answers;
    }

    /// The answer is made, and the client has to read it.
    pub fn answered(&self) {
        *locked(&self.doing) = Doing::Waits(Instant::now());
    }

    /// Returns when the seat is needed for somebody else.
    pub async fn is_needed(&self) {
        loop {
            self.leave.notified().await;
            // An answer that is being made since is still given.
            if *locked(&self.doing) != Doing::Answers {
                return;
            }
        }
    }

    fn waits_since(&self) -> Option<Instant> {
        match *locked(&self.doing) {
            Doing::Waits(since) => Some(since),
            Doing::Answers => None,
        }
    }
}

/// All seats.
pub struct Seats {
    free: Arc<Semaphore>,
    taken: Mutex<Vec<Arc<Seat>>>,
}

/// A seat that is given back when this is dropped.
pub struct Taken {
    /// The seat.
    pub seat: Arc<Seat>,
    seats: Arc<Seats>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Taken {
    fn drop(&mut self) {
        locked(&self.seats.taken).retain(|it| !Arc::ptr_eq(it, &self.seat));
    }
}

impl Seats {
    /// So many seats.
    pub fn new(number: usize) -> Arc<Seats> {
        Arc::new(Seats { free: Arc::new(Semaphore::new(number)), taken: Mutex::default() })
    }

    /// A seat for a connection that was accepted; `None` when the server ends.
    pub async fn take(self: &Arc<Seats>) -> Option<Taken> {
        let permit = loop {
            tokio::select! {
                biased;
                permit = Arc::clone(&self.free).acquire_owned() => break permit.ok()?,
                () = self.until_next() => self.make_room(Instant::now()),
            }
        };
        let seat = Arc::new(Seat { doing: Mutex::new(Doing::Waits(Instant::now())), leave: Notify::new() });
        locked(&self.taken).push(Arc::clone(&seat));
        Some(Taken { seat, seats: Arc::clone(self), _permit: permit })
    }

    /// Waits until all seats are given back.
    pub async fn all_free(&self, number: usize) {
        let _ = self.free.acquire_many(u32::try_from(number).unwrap_or(u32::MAX)).await;
    }

    /// The time at which the next seat may be taken away.
    async fn until_next(&self) {
        let first = locked(&self.taken).iter().filter_map(|seat| seat.waits_since()).min();
        let pause = first.map_or(COURTESY, |since| COURTESY.saturating_sub(since.elapsed()));
        // One that was told to go needs its turn to do so.
        tokio::time::sleep(pause.max(Duration::from_millis(1))).await;
    }

    /// Tells the one that has waited for longest to go, if it has waited for long enough.
    fn make_room(&self, now: Instant) {
        let taken = locked(&self.taken);
        let waiting = taken.iter().filter_map(|seat| Some((seat.waits_since()?, seat)));
        let longest = waiting.min_by_key(|(since, _)| *since);
        if let Some((since, seat)) = longest
            && now.saturating_duration_since(since) >= COURTESY
        {
            seat.leave.notify_one();
        }
    }
}

/// A panic elsewhere spoils nothing here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    /// True if a connection was told to go.
    async fn is_told(taken: &Taken) -> bool {
        tokio::select! { biased; () = taken.seat.is_needed() => true, () = std::future::ready(()) => false }
    }

    #[test]
    fn the_one_that_waits_for_longest_goes_and_nobody_who_is_being_answered() {
        run(async {
            let seats = Seats::new(3);
            let (first, second, third) =
                (seats.take().await.unwrap(), seats.take().await.unwrap(), seats.take().await.unwrap());
            first.seat.answers();
            let later = Instant::now() + COURTESY;
            seats.make_room(later);
            assert!(!is_told(&first).await && is_told(&second).await && !is_told(&third).await);
            drop(second);
            seats.make_room(later);
            assert!(!is_told(&first).await && is_told(&third).await);
            first.seat.answered();
            drop(third);
            seats.make_room(Instant::now() + COURTESY);
            assert!(is_told(&first).await, "the answer is not read");
        });
    }

    #[test]
    fn who_has_come_just_now_stays() {
        run(async {
            let seats = Seats::new(1);
            let taken = seats.take().await.unwrap();
            seats.make_room(Instant::now());
            assert!(!is_told(&taken).await);
        });
    }

    #[test]
    fn who_comes_when_all_seats_are_taken_gets_one() {
        run(async {
            let seats = Seats::new(1);
            let taken = seats.take().await.unwrap();
            let leaves = async move {
                taken.seat.is_needed().await;
                drop(taken);
            };
            let (next, ()) = tokio::join!(seats.take(), leaves);
            assert!(next.is_some());
        });
    }
}
