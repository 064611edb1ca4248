//! Suspects: records whose time is not trusted yet, held until the run of time
//! decides. Forward suspects are too far ahead, backward ones too far behind.

use crate::count::client_names::MAX_NAME;
use crate::count::{Method, Request};

/// This many suspects on one side are confirmed.
const CONFIRMING: usize = 10;

/// On which side of the event clock a suspect lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Forward: too far ahead.
    Ahead,
    /// Backward: too far behind.
    Behind,
}

/// A held request.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Its time, in epoch seconds.
    pub second: i64,
    /// How far off it was when it came, in seconds: ahead of the event clock,
    /// or behind the greatest accepted time.
    pub off_seconds: i64,
    /// Whether its time was close to the wall clock when it came.
    pub is_current: bool,
    /// Whether a forward suspect came after it that was smaller by more than
    /// the lateness.
    pub is_contradicted: bool,
    host: Box<[u8]>,
    method: Method,
    section: Box<[u8]>,
    status: Option<u16>,
    bytes: u64,
    latency: Option<u64>,
}

impl Suspect {
    /// Copies `request`; its names are cut at [`MAX_NAME`] bytes.
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

    /// The request.
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

/// The suspects on one side, in order of arrival.
#[derive(Debug, Default)]
pub struct Suspects {
    held: Vec<Suspect>,
}

impl Suspects {
    /// Whether no suspect is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether there are enough suspects to be confirmed.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.held.len() >= CONFIRMING
    }

    /// Whether all of them were close to the wall clock when they came.
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.held.iter().all(|suspect| suspect.is_current)
    }

    /// The least time of a suspect.
    #[must_use]
    pub fn least(&self) -> Option<i64> {
        self.held.iter().map(|suspect| suspect.second).min()
    }

    /// The greatest time of a suspect.
    #[must_use]
    pub fn greatest(&self) -> Option<i64> {
        self.held.iter().map(|suspect| suspect.second).max()
    }

    /// The least time of an uncontradicted suspect, if it is at most `latest`.
    #[must_use]
    pub fn least_credible(&self, latest: i64) -> Option<i64> {
        let credible = |suspect: &&Suspect| suspect.second <= latest && !suspect.is_contradicted;
        self.held.iter().filter(credible).map(|suspect| suspect.second).min()
    }

    /// Marks the suspects greater than `second` by more than `lateness` as
    /// contradicted. `second` is the time of a new forward suspect.
    pub fn contradict(&mut self, second: i64, lateness: i64) {
        for suspect in &mut self.held {
            suspect.is_contradicted |= suspect.second > second + lateness;
        }
    }

    /// Holds one more suspect.
    pub fn hold(&mut self, suspect: Suspect) {
        self.held.push(suspect);
    }

    /// Takes all suspects in order of time, then of arrival.
    #[must_use]
    pub fn take(&mut self) -> Vec<Suspect> {
        let mut suspects = std::mem::take(&mut self.held);
        suspects.sort_by_key(|suspect| suspect.second);
        suspects
    }

    /// Takes the suspect with the least time, the first to come of several.
    #[must_use]
    pub fn take_least(&mut self) -> Option<Suspect> {
        let least = (0..self.held.len()).min_by_key(|&index| self.held[index].second)?;
        Some(self.held.remove(least))
    }

    /// Takes the suspect that came first.
    #[must_use]
    pub fn take_first(&mut self) -> Option<Suspect> {
        (!self.held.is_empty()).then(|| self.held.remove(0))
    }
}
