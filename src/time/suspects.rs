//! Records whose clock is not to be trusted, held until others tell.
//!
//! When they are believed and what then becomes of them is the run's matter.

use crate::count::names::MAX_NAME;
use crate::count::{Method, Request};

/// So many suspects in a row are believed.
const CONFIRMING: usize = 10;

/// On which side of time suspects lie.
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
    /// How many seconds behind the stream time it was when it came.
    pub behind_seconds: i64,
    host: Box<[u8]>,
    method: Method,
    section: Box<[u8]>,
    status: Option<u16>,
    bytes: u64,
    latency: Option<u64>,
}

impl Suspect {
    /// A copy of what is counted of `request`, which came `behind_seconds`
    /// behind the stream time.
    #[must_use]
    pub fn new(second: i64, behind_seconds: i64, request: &Request<'_>) -> Suspect {
        let cut = |name: &[u8]| name[..name.len().min(MAX_NAME)].into();
        Suspect {
            second,
            behind_seconds,
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
#[derive(Debug)]
pub struct Suspects {
    side: Side,
    held: Vec<Suspect>,
}

impl Suspects {
    /// No suspects.
    #[must_use]
    pub fn none() -> Suspects {
        Suspects { side: Side::Ahead, held: Vec::new() }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// On which side they lie, or lay when there were some.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether some lie on `side`.
    #[must_use]
    pub fn are(&self, side: Side) -> bool {
        self.side == side && !self.is_empty()
    }

    /// Whether there are as many in a row as are believed.
    #[must_use]
    pub fn are_enough(&self) -> bool {
        self.held.len() >= CONFIRMING
    }

    /// The least of their times.
    #[must_use]
    pub fn least(&self) -> Option<i64> {
        self.held.iter().map(|suspect| suspect.second).min()
    }

    /// Holds one more; those of the other side must have been taken.
    pub fn hold(&mut self, side: Side, suspect: Suspect) {
        debug_assert!(self.is_empty() || self.side == side, "suspects are of one side");
        self.side = side;
        self.held.push(suspect);
    }

    /// Takes all, in order of time; those of one second in order of arrival.
    #[must_use]
    pub fn take(&mut self) -> Vec<Suspect> {
        let mut suspects = std::mem::take(&mut self.held);
        suspects.sort_by_key(|suspect| suspect.second);
        suspects
    }

    /// Takes the one with the least time; of several the first that came.
    #[must_use]
    pub fn take_least(&mut self) -> Option<Suspect> {
        let least = (0..self.held.len()).min_by_key(|&index| self.held[index].second)?;
        Some(self.held.remove(least))
    }

    /// Takes the one that came first if they spread over more than `most` seconds.
    #[must_use]
    pub fn take_first_if_wider_than(&mut self, most: i64) -> Option<Suspect> {
        let greatest = self.held.iter().map(|suspect| suspect.second).max()?;
        (greatest - self.least()? > most).then(|| self.held.remove(0))
    }
}
