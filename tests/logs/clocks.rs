//! Random logs: the times of the records in order of arrival, with silence and
//! clock changes between them.

use crate::common::Random;
use crate::model::Options;

/// The greatest time that a log can have.
pub(crate) const LAST: i64 = 221_845_391_999;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    /// A record of this second comes.
    Record(i64),
    /// This many seconds of silence.
    Idle(i64),
    /// The wall clock is set.
    Wall(i64),
}

impl Item {
    pub(crate) fn second(&self) -> Option<i64> {
        match self {
            Self::Record(second) => Some(*second),
            _ => None,
        }
    }
}

/// Changes of an offset in 2025, in Berlin and New York.
const CHANGES: [i64; 4] = [1_761_440_400, 1_743_296_400, 1_762_063_200, 1_741_503_600];

fn start(random: &mut Random, options: &Options) -> i64 {
    // Start where local times occur twice or not at all.
    let has_changes = options.zone.as_ref().is_some_and(|zone| zone != "UTC");
    if has_changes && random.one_in(2) {
        return random.pick(&CHANGES) - *random.pick(&[0, 30, 120, 300, 3_700, -3_500]);
    }
    match random.below(8) {
        0 => random.below(100),
        1 => LAST - random.below(5_000),
        _ => 1_549_573_860 + random.below(100_000),
    }
}

/// An old log: disorder, wrong clocks, steps back, gaps, some silence.
pub(crate) fn old(random: &mut Random, count: usize, options: &Options) -> Vec<Item> {
    let lateness = options.lateness.min(100);
    let mut now = start(random, options);
    let disorder = random.within(0, 2 * lateness + 3);
    let wildness = *random.pick(&[1_000_000, 60, 25, 8, 3]);
    let idles = *random.pick(&[1_000_000, 1_000_000, 30, 6]);
    let mut items = Vec::new();
    while items.len() < count {
        let mut burst = 1;
        let mut at = now - random.below(disorder + 1);
        if random.one_in(wildness) {
            burst = *random.pick(&[1, 1, 2, 5, 9, 10, 11, 12]);
            match random.below(9) {
                // Wrong clocks, single or in bursts, ahead or behind.
                0 => at = 4_102_444_800 + random.below(40),
                1 => at = now + random.within(25, 45),
                2 => at = now + random.within(30, 2_000),
                3 => at = now - random.within(60, 200),
                4 => at = random.below(2_000),
                5 => at = now - random.within(100, 4_000),
                // Time itself jumps ahead or back.
                6 => now += random.within(10, 3_000),
                7 => now -= random.within(10, 3_000),
                _ => now += random.within(20, 40),
            }
            if random.one_in(2) {
                let spread = *random.pick(&[0, 1, 3, 50, 300]);
                let mut times: Vec<i64> = (0..burst).map(|_| at + random.below(spread + 1)).collect();
                if random.one_in(3) {
                    times.sort_unstable();
                }
                items.extend(times.into_iter().map(Item::Record));
                continue;
            }
        }
        if random.one_in(15) {
            burst = random.within(2, 30);
        }
        // More records at once than a window's share of names when many windows
        // can be open.
        if options.lateness == 3_600 && random.one_in(15) {
            burst = 150;
        }
        items.extend((0..burst).map(|_| Item::Record(at)));
        if random.one_in(idles) {
            items.push(Item::Idle(*random.pick(&[1, 8, 12, 30, 60, 200])));
        }
        now += *random.pick(&[0, 0, 0, 1, 1, 2, 5]);
    }
    clamped(items)
}

/// Limits times to those that a log can have.
fn clamped(items: Vec<Item>) -> Vec<Item> {
    let clamp = |item| match item {
        Item::Record(second) => Item::Record(second.clamp(0, LAST)),
        other => other,
    };
    items.into_iter().map(clamp).collect()
}

/// A live log, with the wall clock at its start.
pub(crate) fn live(random: &mut Random, count: usize, options: &Options) -> (Vec<Item>, i64) {
    let mut live = Live::new(random, options);
    let wall = live.now;
    while live.items.len() < count {
        live.happen(random);
    }
    (clamped(live.items), wall)
}

/// A log that one or two servers are writing now.
struct Live {
    /// The true time. The machine's clock shows it unless it is set wrong.
    now: i64,
    /// The offset of the machine's clock from the true time.
    machine: i64,
    /// The offset of the first server's clock from the true time.
    server: i64,
    /// The offset of the second server's clock from the first one's.
    apart: Option<i64>,
    /// How many records a server writes at once.
    block: i64,
    /// Disorder within a server.
    jitter: i64,
    /// One in this many items is odd.
    wildness: i64,
    /// One in this many items is followed by silence.
    idles: i64,
    items: Vec<Item>,
}

const OFFSETS: &[i64] = &[0, 0, 0, 0, -3, 4, 20, -40, 50, 100, 200, 290, 310, 400, 3_600, -310, -3_600];

impl Live {
    fn new(random: &mut Random, options: &Options) -> Self {
        let reach = options.lateness.min(60);
        Self {
            now: start(random, options) + random.below(10),
            machine: 0,
            server: *random.pick(OFFSETS),
            apart: random
                .one_in(3)
                .then(|| *random.pick(&[3, 10, 31, 40, 60, 130, -31, -60, -70, -130, -180, -600, 600])),
            block: *random.pick(&[1, 1, 3, 12]),
            jitter: random.within(0, reach + 2),
            wildness: *random.pick(&[1_000_000, 60, 25, 8]),
            idles: *random.pick(&[60, 20, 6]),
            items: Vec::new(),
        }
    }

    fn happen(&mut self, random: &mut Random) {
        let mut base = self.now + self.server;
        if let Some(apart) = self.apart
            && random.one_in(2)
        {
            base += apart;
        }
        for _ in 0..self.block {
            let at = base - random.below(self.jitter + 1);
            self.items.push(Item::Record(at));
        }
        if random.one_in(12) {
            let burst = random.within(2, 30);
            self.items.extend((0..burst).map(|_| Item::Record(base)));
        }
        if random.one_in(self.wildness) {
            self.be_odd(random);
        }
        if random.one_in(self.idles) {
            let seconds = *random.pick(&[1, 8, 12, 12, 30, 65, 65, 200, 320]);
            self.items.push(Item::Idle(seconds));
            self.now += seconds;
            // A buffered writer: the records of the pause come now.
            if random.one_in(3) {
                let first = self.now + self.server - seconds;
                let mut times: Vec<i64> = (0..6).map(|_| first + random.below(seconds + 1)).collect();
                if random.one_in(2) {
                    times.sort_unstable();
                }
                self.items.extend(times.into_iter().map(Item::Record));
            }
        }
        let step = *random.pick(&[0, 0, 0, 1, 1, 2, 5]);
        if step > 0 {
            self.now += step;
            self.items.push(Item::Wall(self.now + self.machine));
        }
    }

    fn be_odd(&mut self, random: &mut Random) {
        let base = self.now + self.server;
        let burst = *random.pick(&[1, 2, 9, 10, 11, 14]);
        let mut row = |items: &mut Vec<Item>, first: i64, spread: i64| {
            let mut times: Vec<i64> = (0..burst).map(|_| first + random.below(spread + 1)).collect();
            if random.one_in(2) {
                times.sort_unstable();
            }
            items.extend(times.into_iter().map(Item::Record));
        };
        match self.now.rem_euclid(8) {
            // Clocks far ahead and far behind.
            0 => row(&mut self.items, base + 3_000, 40),
            1 => row(&mut self.items, base - 5_000, 40),
            // The backlog of a server that was away, alone or mixed with
            // others.
            2 => {
                self.items.push(Item::Idle(70));
                self.now += 70;
                self.items.push(Item::Wall(self.now + self.machine));
                row(&mut self.items, base - 700, 300);
            }
            3 => row(&mut self.items, base - 400, 200),
            // The server's clock is set, most likely to the right time.
            4 => self.server = 0,
            5 => self.server = *random.pick(OFFSETS),
            // The machine's clock is set.
            6 => self.machine = *random.pick(&[0, 0, 60, -60, 600, -600, 3_600]),
            // Nothing comes for a while.
            _ => self.now += *random.pick(&[20, 40, 150, 600]),
        }
    }
}
