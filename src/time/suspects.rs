//! Records whose time is not trusted yet. They are held until the run of time
//! decides about them.

use crate::count::client_names::MAX_NAME;
use crate::count::{Method, Request};

/// This many suspects of one side are confirmed.
const CONFIRMING: usize = 10;

/// On which side of time a suspect lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Too far ahead.
    Ahead,
    /// Too far behind.
    Behind,
}

/// A request that is held.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Its time.
    pub second: i64,
    /// How many seconds ahead of the log's time, or behind the greatest one,
    /// it was when it came.
    pub off_seconds: i64,
    /// Whether it was current when it came.
    pub is_current: bool,
    /// Whether a forward one came after it that was smaller by more than the
    /// lateness.
    pub is_contradicted: bool,
    host: Box<[u8]>,
    method: Method,
    section: Box<[u8]>,
    status: Option<u16>,
    bytes: u64,
    latency: Option<u64>,
}

impl Suspect {
    /// A copy of what is counted of `request`.
    #[must_use]
    pub fn new(second: i64, request: &Request<'_>, off_seconds: i64, is_current: bool) -> Suspect {
        let cut = |name: &[u8]| name[..name.len().min(MAX_NAME)].into();
        Suspect {
            second,
            off_seconds,
            is_current,
            is_contradicted: false,
            host: cut(request.host),
            method: request.method,
            section: cut(request.section),
            status: request.status,
            bytes: request.bytes,
            latency: request.latency,
        }
    }

    /// The request itself.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            host: &self.host,
            method: self.method,
            section: &self.section,
            status: self.status,
            bytes: self.bytes,
            latency: self.latency,
        }
    }
}

/// The suspects of one side, in order of arrival.
#[derive(Debug, Default)]
pub struct Suspects {
    held: Vec<Suspect>,
}

impl Suspects {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether there are as many as are believed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.held.len() >= CONFIRMING
    }

    /// Whether all were current when they came.
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.held.iter().all(|suspect| suspect.is_current)
    }

    /// The least of their times.
    #[must_use]
    pub fn least(&self) -> Option<i64> {
        self.held.iter().map(|suspect| suspect.second).min()
    }

    /// The greatest of their times.
    #[must_use]
    pub fn greatest(&self) -> Option<i64> {
        self.held.iter().map(|suspect| suspect.second).max()
    }

    /// The least time up to `latest` that no later suspect contradicts.
    #[must_use]
    pub fn least_credible(&self, latest: i64) -> Option<i64> {
        let credible = |suspect: &&Suspect| suspect.second <= latest && !suspect.is_contradicted;
        self.held.iter().filter(credible).map(|suspect| suspect.second).min()
    }

    /// Notes a forward suspect of time `second`: those that are greater by more
    /// than `lateness` are contradicted.
    pub fn contradict(&mut self, second: i64, lateness: i64) {
        for suspect in &mut self.held {
            suspect.is_contradicted |= suspect.second > second + lateness;
        }
    }

    /// Holds one more suspect.
    pub fn hold(&mut self, suspect: Suspect) {
        self.held.push(suspect);
    }

    /// Takes all, in order of time; those of one second in order of arrival.
    #[must_use]
    pub fn take(&mut self) -> Vec<Suspect> {
        let mut suspects = std::mem::take(&mut self.held);
        suspects.sort_by_key(|suspect| suspect.second);
        suspects
    }

    /// Takes the one with the least time; of several the one that came first.
    #[must_use]
    pub fn take_least(&mut self) -> Option<Suspect> {
        let least = (0..self.held.len()).min_by_key(|&index| self.held[index].second)?;
        Some(self.held.remove(least))
    }

    /// Takes the one that came first.
    #[must_use]
    pub fn take_first(&mut self) -> Option<Suspect> {
        (!self.held.is_empty()).then(|| self.held.remove(0))
    }
}
