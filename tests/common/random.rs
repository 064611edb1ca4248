//! Random numbers that are the same in every run.

/// Marsaglia's xorshift64*.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random((seed ^ 0x9E37_79B9_7F4A_7C15).max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to `below - 1`.
    pub fn below(&mut self, below: i64) -> i64 {
        let below = u64::try_from(below.max(1)).expect("positive");
        i64::try_from((self.next() >> 16) % below).expect("small")
    }

    /// A number from `least` to `most`.
    pub fn within(&mut self, least: i64, most: i64) -> i64 {
        least + self.below(most - least + 1)
    }

    /// True with a probability of one in `times`.
    pub fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let length = i64::try_from(from.len()).expect("small");
        &from[usize::try_from(self.below(length)).expect("not negative")]
    }
}
