//! Statistics for the diagnostics: how late or early requests came, over the
//! whole input, across restarts of time. `clock` decides whether a record is
//! late.

/// The greatest `--lateness`, in seconds.
pub const MOST_LATENESS: i64 = 3600;

/// How many requests needed how many seconds. Values above [`MOST_LATENESS`] are
/// counted together.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// By seconds; empty while there is none.
    counts: Vec<u64>,
    /// All of them.
    pub requests: u64,
}

impl Spread {
    /// Notes a request that needed `seconds`.
    pub fn note(&mut self, seconds: i64) {
        let most = usize::try_from(MOST_LATENESS).unwrap_or(0) + 1;
        let seconds = usize::try_from(seconds).unwrap_or(0).min(most);
        if self.counts.len() <= seconds {
            self.counts.resize(seconds + 1, 0);
        }
        self.counts[seconds] += 1;
        self.requests += 1;
    }

    /// Adds the counts of another one.
    pub fn add(&mut self, more: &Spread) {
        if self.counts.len() < more.counts.len() {
            self.counts.resize(more.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&more.counts) {
            *count += more;
        }
        self.requests += more.requests;
    }

    /// The least number of seconds that suffices for `percent` of them, and how
    /// many need more; `None` if that is above [`MOST_LATENESS`].
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

/// Late and future requests.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    /// Late requests by the lateness that would have kept them on time.
    pub late: Spread,
    /// Late requests that were late only because silence had moved the clock.
    pub late_by_silence: u64,
    /// The idle timeout that would have kept all of these, in seconds.
    pub needed_idle_timeout: i64,
    /// Requests that are counted as future, by how far ahead they were.
    pub future: Spread,
}

impl Offsets {
    /// All late requests.
    #[must_use]
    pub fn late_requests(&self) -> u64 {
        self.late.requests + self.late_by_silence
    }

    /// Adds the counts of another source.
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
