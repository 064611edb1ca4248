//! Latency statistics of a window: exact sum and maximum, and percentiles. They
//! take bounded memory, and are the same in any order of requests.
//!
//! Values are rounded up to three significant digits, so there are about 15,000
//! different ones (steps). A percentile is never too low, and less than 1 % too
//! high.

/// Up to this many values are stored as they are. Most windows have no more.
const FEW: usize = 1024;
/// Counts are allocated in pages of this many.
const PAGE: usize = 256;

/// The latencies of one window, in nanoseconds.
#[derive(Debug, Default)]
pub struct Latencies {
    /// The latest values, not counted in `many` yet.
    few: Vec<u64>,
    slow: u64,
    /// The totals of the values counted in `many`.
    poured: Totals,
    /// How many values each step has, in pages.
    many: Vec<Option<Box<[u64; PAGE]>>>,
}

/// The totals of a window, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests with a latency.
    pub requests: u64,
    /// Requests that took longer than `--slow`.
    pub slow: u64,
    /// The sum.
    pub sum: u128,
    /// The greatest.
    pub max: u64,
}

impl Latencies {
    /// Adds a request.
    #[inline(always)]
    pub fn count(&mut self, latency: u64, is_slow: bool) {
        if self.few.len() == FEW {
            self.pour();
        }
        self.few.push(latency);
        self.slow += u64::from(is_slow);
    }

    /// Moves the values in `few` to the counts in `many`.
    #[inline(never)]
    fn pour(&mut self) {
        self.poured = self.totals();
        for latency in self.few.drain(..) {
            let step = usize::from(step(latency));
            let (page, at) = (step / PAGE, step % PAGE);
            if self.many.len() <= page {
                self.many.resize(page + 1, None);
            }
            self.many[page].get_or_insert_with(|| Box::new([0; PAGE]))[at] += 1;
        }
    }

    /// The totals of all requests so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            requests: self.poured.requests + self.few.len() as u64,
            slow: self.slow,
            sum: self.poured.sum + self.few.iter().map(|&latency| u128::from(latency)).sum::<u128>(),
            max: self.few.iter().copied().fold(self.poured.max, u64::max),
        }
    }

    /// The percentiles by nearest rank, rounded up to three significant digits.
    /// The percents must ascend. `None` without requests.
    #[must_use]
    pub fn percentiles<const N: usize>(&mut self, percents: [u64; N]) -> Option<[u64; N]> {
        let requests = self.poured.requests + self.few.len() as u64;
        if requests == 0 {
            return None;
        }
        let ranks = percents.map(|percent| (requests * percent).div_ceil(100).max(1));
        if self.many.is_empty() {
            // Values below one percentile need not be searched for the next
            // one.
            let mut below = 0;
            return Some(ranks.map(|rank| {
                let rank = usize::try_from(rank - 1).unwrap_or(usize::MAX);
                let latency = *self.few[below..].select_nth_unstable(rank - below).1;
                below = rank;
                value(step(latency))
            }));
        }
        self.pour();
        let counts = self.many.iter().flat_map(|page| page.as_deref().unwrap_or(&[0; PAGE]));
        let mut reached = 0;
        let mut percentiles = [0; N];
        let mut next = ranks.iter().zip(&mut percentiles).peekable();
        for (step, count) in (0..).zip(counts) {
            reached += count;
            while let Some((_, percentile)) = next.next_if(|(rank, _)| **rank <= reached) {
                *percentile = value(step);
            }
        }
        Some(percentiles)
    }

    /// Removes everything, and frees the memory of the counts.
    pub fn clear(&mut self) {
        self.few.clear();
        *self = Latencies { few: std::mem::take(&mut self.few), ..Latencies::default() };
    }
}

/// The powers of ten.
const POWERS: [u64; 20] = {
    let (mut powers, mut index) = ([1; 20], 1);
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// 2^64 divided by each power of ten, rounded down. The first entry is unused:
/// 2^64 doesn't fit.
const FACTORS: [u64; 20] = {
    let (mut factors, mut index) = ([0; 20], 1);
    while index < factors.len() {
        #[expect(clippy::cast_possible_truncation, reason = "a tenth of 2^64 at most")]
        let factor = ((1 << 64) / POWERS[index] as u128) as u64;
        factors[index] = factor;
        index += 1;
    }
    factors
};

/// The number (step) of the value that `nanoseconds` is rounded up to. Values
/// below 1000 are their own step; each power of ten above has 900 steps.
#[expect(clippy::cast_possible_truncation, reason = "there are some 15,000 steps")]
fn step(nanoseconds: u64) -> u16 {
    if nanoseconds < 1000 {
        return nanoseconds as u16;
    }
    // The logarithm comes from the number of bits. The division is a
    // multiplication by a factor that is rounded down, so its result is at most
    // one too low. Both save instructions; the time saved was not measured.
    let bits = u64::BITS - nanoseconds.leading_zeros();
    let at_most = ((bits * 1233) >> 12) as usize;
    let power = at_most - usize::from(nanoseconds < POWERS[at_most]) - 2;
    let (divisor, factor) = (POWERS[power], FACTORS[power]);
    let mut digits = ((u128::from(nanoseconds) * u128::from(factor)) >> 64) as u64;
    digits += u64::from(digits * divisor < nanoseconds);
    digits += u64::from(digits * divisor < nanoseconds);
    // 1000 of one power is the first step of the next.
    (1000 + 900 * (power as u64 - 1) + digits - 100) as u16
}

/// The value of a step, in nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "a power of ten below 20")]
fn value(step: u16) -> u64 {
    match u64::from(step).checked_sub(1000) {
        None => u64::from(step),
        Some(above) => (100 + above % 900) * 10_u64.pow((above / 900) as u32 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds up to three significant digits, digit by digit.
    fn rounded(nanoseconds: u64) -> u64 {
        let digits = nanoseconds.to_string();
        let Some(rest) = digits.get(3..) else { return nanoseconds };
        let first: u64 = digits[..3].parse().expect("digits");
        let up = u64::from(rest.bytes().any(|digit| digit != b'0'));
        (first + up) * 10_u64.pow(u32::try_from(rest.len()).expect("few"))
    }

    #[test]
    fn a_value_is_rounded_up_to_three_significant_digits() {
        let mut values: Vec<u64> = (0..3000).collect();
        for power in 3..19 {
            let ten = 10_u64.pow(power);
            values.extend([
                ten - 1,
                ten,
                ten + 1,
                9 * ten,
                ten + ten / 100,
                ten + ten / 100 + 1,
                ten / 10 * 99,
            ]);
        }
        values.push(i64::MAX.unsigned_abs());
        for nanoseconds in values {
            assert_eq!(value(step(nanoseconds)), rounded(nanoseconds), "{nanoseconds}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values_few_or_many() {
        for count in [1, 2, 3, 9, 10, 100, 101, 1023, 1024, 1025, 5000] {
            let values: Vec<u64> = (0..count).map(|number| number * 7919 % 10_007 * 12_345_677).collect();
            let mut latencies = Latencies::default();
            for &value in &values {
                latencies.count(value, value > 1_000_000_000);
            }
            let mut sorted: Vec<u64> = values.iter().map(|&value| rounded(value)).collect();
            sorted.sort_unstable();
            let expected = [50, 90, 99].map(|percent| {
                let rank = (count * percent).div_ceil(100);
                sorted[usize::try_from(rank).expect("small") - 1]
            });
            assert_eq!(latencies.percentiles([50, 90, 99]), Some(expected), "{count}");
            assert_eq!(latencies.percentiles([50, 90, 99]), Some(expected), "{count} again");
            let totals = Totals {
                requests: count,
                slow: values.iter().filter(|&&value| value > 1_000_000_000).count() as u64,
                sum: values.iter().map(|&value| u128::from(value)).sum(),
                max: values.iter().copied().max().expect("one"),
            };
            assert_eq!(latencies.totals(), totals);
        }
    }

    #[test]
    fn without_requests_there_are_no_percentiles() {
        let mut latencies = Latencies::default();
        latencies.count(5, false);
        latencies.clear();
        assert_eq!((latencies.percentiles([50]), latencies.totals()), (None, Totals::default()));
    }
}
