//! How late and how early requests came, for the diagnostics that recommend
//! `--lateness` or `--idle-timeout`. Covers the whole input, across restarts of
//! time. Whether a record is late is decided in `clock`.

/// The greatest `--lateness`, in seconds.
pub const MOST_LATENESS: i64 = 3600;

/// How many requests were off by how many seconds. Requests that were off by
/// more than [`MOST_LATENESS`] are counted together.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Requests by seconds. Empty before the first request.
    counts: Vec<u64>,
    /// All requests.
    pub requests: u64,
}

impl Spread {
    /// Adds a request that was off by `seconds`.
    pub fn note(&mut self, seconds: i64) {
        let most = usize::try_from(MOST_LATENESS).unwrap_or(0) + 1;
        let seconds = usize::try_from(seconds).unwrap_or(0).min(most);
        if self.counts.len() <= seconds {
            self.counts.resize(seconds + 1, 0);
        }
        self.counts[seconds] += 1;
        self.requests += 1;
    }

    /// Adds all requests of `more`.
    pub fn add(&mut self, more: &Spread) {
        if self.counts.len() < more.counts.len() {
            self.counts.resize(more.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&more.counts) {
            *count += more;
        }
        self.requests += more.requests;
    }

    /// The least number of seconds that covers `percent` of the requests, and
    /// how many requests need more. `None` if that is above [`MOST_LATENESS`].
    #[must_use]
    pub fn least_for(&self, percent: u64) -> Option<(i64, u64)> {
        let wanted = (self.requests * percent).div_ceil(100);
        let mut reached = 0;
        for (seconds, count) in (0..=MOST_LATENESS).zip(&self.counts) {
            reached += count;
            if reached >= wanted {
                return Some((seconds, self.requests - reached));
            }
        }
        None
    }
}

/// Late and future requests, of one source or added up over several.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    /// Late requests, by the lateness that would have kept them on time.
    pub late: Spread,
    /// Requests that were late only because silence had advanced the event
    /// clock.
    pub late_by_silence: u64,
    /// The idle timeout, in seconds, that would have kept all of these on time.
    pub needed_idle_timeout: i64,
    /// Future requests, by how far ahead of the event clock they were.
    pub future: Spread,
}

impl Offsets {
    /// All late requests.
    #[must_use]
    pub fn late_requests(&self) -> u64 {
        self.late.requests + self.late_by_silence
    }

    /// Adds the requests of another source.
    pub fn add(&mut self, more: &Offsets) {
        self.late.add(&more.late);
        self.late_by_silence += more.late_by_silence;
        self.needed_idle_timeout = self.needed_idle_timeout.max(more.needed_idle_timeout);
        self.future.add(&more.future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_stamps_of_nonsense_do_not_spoil_the_advice() {
        let mut spread = Spread::default();
        for seconds in (0..=20).cycle().take(2997).chain([1_700_000_000; 3]) {
            spread.note(seconds);
        }
        assert_eq!(spread.least_for(99), Some((20, 3)));
        assert_eq!(spread.least_for(100), None);
    }

    #[test]
    fn the_least_for_all_is_the_greatest() {
        let mut spread = Spread::default();
        (1..=19).for_each(|number| spread.note(13 * number));
        let mut twice = spread.clone();
        twice.add(&spread);
        assert_eq!(twice.least_for(99), Some((247, 0)));
        assert_eq!(Spread::default().least_for(99), None);
    }
}
