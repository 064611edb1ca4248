//! Lines that are held back until later lines decide what they are: malformed
//! lines that may show a change of delimiter. Also remembers the first time in
//! 1970.

use std::collections::VecDeque;

use crate::read::request::Malformed;

/// This many malformed lines in a row change the delimiter, if all of them are
/// records under the same other one.
const ROW: usize = 3;

/// A line that is held back.
#[derive(Debug)]
pub(crate) struct HeldLine {
    pub(crate) number: u64,
    pub(crate) text: Vec<u8>,
    pub(crate) end: &'static [u8],
}

/// A held line after the decision.
#[derive(Debug)]
pub(crate) enum Decided {
    Skipped,
    Malformed(HeldLine, Malformed),
    /// A record under the current delimiter.
    Record(HeldLine),
}

/// Malformed lines in a row that are records under other delimiters. The bits
/// say under which ones.
#[derive(Debug, Default)]
pub(crate) struct Row(VecDeque<(HeldLine, Malformed, u8)>);

impl Row {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a line. Lines at the front are malformed if they share no other
    /// delimiter with it.
    pub(crate) fn push(
        &mut self,
        line: HeldLine,
        problem: Malformed,
        others: u8,
        decided: &mut VecDeque<Decided>,
    ) {
        self.0.push_back((line, problem, others));
        while self.common() == 0 {
            let Some((line, problem, _)) = self.0.pop_front() else { return };
            decided.push_back(Decided::Malformed(line, problem));
        }
    }

    /// If the row is long enough: the bits of the delimiters under which all
    /// lines are records, and the text of the first line.
    pub(crate) fn complete(&self) -> Option<(u8, &[u8])> {
        let (first, _, _) = self.0.front().filter(|_| self.0.len() >= ROW)?;
        Some((self.common(), &first.text))
    }

    fn common(&self) -> u8 {
        self.0.iter().fold(u8::MAX, |common, (_, _, others)| common & others)
    }

    /// Decides that all lines are records.
    pub(crate) fn accept(&mut self, decided: &mut VecDeque<Decided>) {
        decided.extend(self.0.drain(..).map(|(line, _, _)| Decided::Record(line)));
    }

    /// Decides that all lines are malformed. Returns whether there were any.
    pub(crate) fn reject(&mut self, decided: &mut VecDeque<Decided>) -> bool {
        let had_any = !self.0.is_empty();
        decided.extend(self.0.drain(..).map(|(line, problem, _)| Decided::Malformed(line, problem)));
        had_any
    }
}

/// The line number of the first time in 1970, until it was reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeOf1970 {
    #[default]
    Unseen,
    Line(u64),
    Told,
}

impl TimeOf1970 {
    #[cold]
    pub(crate) fn note(&mut self, number: u64) {
        if *self == TimeOf1970::Unseen {
            *self = TimeOf1970::Line(number);
        }
    }

    /// The line number, once.
    pub(crate) fn take(&mut self) -> Option<u64> {
        let TimeOf1970::Line(number) = *self else { return None };
        *self = TimeOf1970::Told;
        Some(number)
    }
}
