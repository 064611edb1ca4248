//! Counts of requests: summary windows, the alert window and the alerts.
//! Defines what is counted of a request, and the known methods.

pub mod alert;
pub mod client_names;
pub mod counts;
pub mod latency;
pub mod rate;
pub mod tally;
pub mod window;

/// The known methods, in the order of a summary. The last one stands for all
/// others.
pub const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"];

/// An index into [`METHODS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(u8);

impl Method {
    /// Any unknown method, or none.
    pub const OTHER: Method = Method(9);

    /// The method called `name`. Names are case-sensitive (RFC 9110, 9.1).
    #[must_use]
    pub fn named(name: &[u8]) -> Method {
        match name {
            b"GET" => Method(0),
            b"HEAD" => Method(1),
            b"POST" => Method(2),
            b"PUT" => Method(3),
            b"DELETE" => Method(4),
            b"CONNECT" => Method(5),
            b"OPTIONS" => Method(6),
            b"TRACE" => Method(7),
            b"PATCH" => Method(8),
            _ => Method::OTHER,
        }
    }

    /// The known method in `word`: its name and a space in the lowest bytes,
    /// zeros above.
    ///
    /// Comparing with one method after the other would mispredict. Instead a
    /// table is indexed by the word modulo 15, which differs for all known
    /// methods.
    #[inline(always)]
    pub(crate) fn of_word(word: u64) -> Option<Method> {
        const BY_REMAINDER: [(u64, Method); 15] = {
            let (mut table, mut index) = ([(0, Method::OTHER); 15], 0);
            while index < Method::OTHER.0 {
                let name = METHODS[index as usize].as_bytes();
                let (mut word, mut length) = (b' ' as u64, name.len());
                while length > 0 {
                    length -= 1;
                    word = word << 8 | name[length] as u64;
                }
                table[(word % 15) as usize] = (word, Method(index));
                index += 1;
            }
            table
        };
        let (known, method) = BY_REMAINDER[(word % 15) as usize];
        (known == word).then_some(method)
    }

    /// The index in [`METHODS`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A record without its time.
///
/// A missing column has the value of an empty field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The client, as logged; `-` if empty.
    pub host: &'a [u8],
    /// The method.
    pub method: Method,
    /// The section, as logged; `-` if the target has no path.
    pub section: &'a [u8],
    /// The status, 0 to 999; `None` if empty.
    pub status: Option<u16>,
    /// Bytes sent, at most 2^63-1.
    pub bytes: u64,
    /// Latency in nanoseconds, at most 2^63-1; `None` if unknown.
    pub latency: Option<u64>,
}

impl Request<'_> {
    /// Whether the server failed: status 500 to 599.
    #[must_use]
    #[inline(always)]
    pub fn is_server_error(&self) -> bool {
        matches!(self.status, Some(500..=599))
    }
}

/// The counts of one section or host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Requests.
    pub requests: u64,
    /// Requests with status 500 to 599.
    pub server_errors: u64,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: u64,
}

impl Numbers {
    #[inline(always)]
    fn count(&mut self, server_errors: u64, bytes: u64) {
        self.requests += 1;
        self.server_errors += server_errors;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn add(&mut self, more: Numbers) {
        self.requests += more.requests;
        self.server_errors += more.server_errors;
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}
