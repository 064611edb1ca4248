//! The speed of each stage on its own, so that one that got slower is found:
//! `cargo bench`. How fast the whole program is, `scripts/bench` tells.
//!
//! Items are lines (of the sliding window and the clock: requests).

use std::hint::black_box;
use std::io;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use httpmon::cli::{self, Command, Options};
use httpmon::count::Request;
use httpmon::count::rate::{SlidingWindow, Sums};
use httpmon::count::window::{Arrival, Windows};
use httpmon::monitor::{Monitor, Outputs};
use httpmon::read::columns::Columns;
use httpmon::read::layout::Layout;
use httpmon::read::line::{LineCutter, Lines};
use httpmon::read::plain::PlainReader;
use httpmon::read::record::{Record, Splitter};
use httpmon::read::request::read_request;
use httpmon::read::timestamp::{TimeReader, Zone};
use httpmon::source::Moment;
use httpmon::time::clock::{EventClock, Timeliness};

const LINES: usize = 10_000;
const FIRST_SECOND: i64 = 1_700_000_000;
const PER_SECOND: usize = 40;
const PIECE: usize = 256 * 1024;

fn main() {
    divan::main();
}

/// Forms of the time.
const TIMES: [&str; 3] = ["epoch", "rfc3339", "clf"];

fn time(form: &str, second: i64) -> String {
    let since = second - FIRST_SECOND;
    let (minute, second_of_minute) = (since / 60, since % 60);
    match form {
        "rfc3339" => format!("2023-11-14T22:{minute:02}:{second_of_minute:02}Z"),
        "clf" => format!("[14/Nov/2023:22:{minute:02}:{second_of_minute:02} +0000]"),
        _ => second.to_string(),
    }
}

fn seconds() -> impl Iterator<Item = i64> {
    (FIRST_SECOND..).flat_map(|second| [second; PER_SECOND]).take(LINES)
}

/// Quotes inside the request: none, doubled, or after a backslash.
const QUOTES: [&str; 3] = ["plain", "doubled", "backslash"];

/// Lines of a log.
fn lines(quotes: &str) -> Vec<Vec<u8>> {
    const SECTIONS: [&str; 7] = ["api", "report", "login", "static", "images", "search", "cart"];
    const STATUSES: [u16; 9] = [200, 200, 200, 304, 200, 404, 200, 200, 500];
    let query = match quotes {
        "doubled" => r#"?q=""a b"""#,
        "backslash" => r#"?q=\"a b\""#,
        _ => "",
    };
    seconds()
        .zip(0_usize..)
        .map(|(second, number)| {
            let (section, status) = (SECTIONS[number % 7], STATUSES[number % 9]);
            let (host, bytes) = (number % 61, number * 7919 % 20_000);
            format!(
                "\"10.0.0.{host}\",\"-\",\"apache\",{second},\"GET /{section}/user/{number}{query} HTTP/1.1\",\
                 {status},{bytes}"
            )
            .into_bytes()
        })
        .collect()
}

fn splitters() -> Vec<Splitter> {
    (0..LINES).map(|_| Splitter::new(b',')).collect()
}

fn records<'a>(splitters: &'a mut [Splitter], lines: &'a [Vec<u8>]) -> Vec<Record<'a>> {
    splitters
        .iter_mut()
        .zip(lines)
        .map(|(splitter, line)| splitter.split(line).expect("closed quotes"))
        .collect()
}

fn requests<'a>(records: &[Record<'a>]) -> Vec<(i64, Request<'a>)> {
    let (columns, mut times) = (Columns::default(), TimeReader::new(Zone::utc()));
    records.iter().map(|record| read_request(record, &columns, &mut times).expect("a good record")).collect()
}

fn defaults() -> Options {
    match cli::parse([]) {
        Ok(Command::Run(options)) => *options,
        _ => unreachable!("no arguments are the defaults"),
    }
}

#[divan::bench]
fn line(bencher: Bencher<'_, '_>) {
    let text = lines("plain").join(&b'\n');
    bencher.counter(ItemsCount::new(LINES)).counter(BytesCount::new(text.len())).bench(|| {
        let mut cutter = LineCutter::default();
        for mut piece in black_box(&text).chunks(PIECE) {
            while let Some(line) = cutter.next(&mut piece) {
                black_box(line);
            }
        }
        black_box(cutter.last());
    });
}

/// From bytes to requests, as far as lines are plain.
#[divan::bench]
fn plain(bencher: Bencher<'_, '_>) {
    let mut text = lines("plain").join(&b'\n');
    text.push(b'\n');
    let mut reader = PlainReader::new(&Columns::default(), b',');
    let mut times = TimeReader::new(Zone::utc());
    bencher.counter(ItemsCount::new(LINES)).counter(BytesCount::new(text.len())).bench_local(|| {
        let mut text = black_box(&text[..]);
        while let Some((second, request, rest)) = reader.read(text, &mut times) {
            black_box((second, request));
            text = rest;
        }
    });
}

#[divan::bench(args = QUOTES)]
fn record(bencher: Bencher<'_, '_>, quotes: &str) {
    let lines = lines(quotes);
    let mut splitter = Splitter::new(b',');
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        for line in &lines {
            black_box(splitter.split(black_box(line)).is_ok());
        }
    });
}

/// From a line to a request: with the choice between its readings.
#[divan::bench(args = QUOTES)]
fn layout(bencher: Bencher<'_, '_>, quotes: &str) {
    let mut text = lines(quotes).join(&b'\n');
    text.push(b'\n');
    let mut layout = Layout::new(&defaults().settings.layout);
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut lines = Lines::new(black_box(&text), 0);
        while let Some(reading) = layout.next(&mut lines) {
            black_box(reading);
        }
    });
}

#[divan::bench]
fn request(bencher: Bencher<'_, '_>) {
    let (lines, mut splitters) = (lines("plain"), splitters());
    let records = records(&mut splitters, &lines);
    let (columns, mut times) = (Columns::default(), TimeReader::new(Zone::utc()));
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        for record in &records {
            black_box(read_request(black_box(record), &columns, &mut times).is_ok());
        }
    });
}

#[divan::bench(args = TIMES)]
fn timestamp(bencher: Bencher<'_, '_>, form: &str) {
    let texts: Vec<String> = seconds().map(|second| time(form, second)).collect();
    let mut times = TimeReader::new(Zone::utc());
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        for text in &texts {
            black_box(times.read(black_box(text.as_bytes())));
        }
    });
}

#[divan::bench]
fn clock(bencher: Bencher<'_, '_>) {
    let seconds: Vec<i64> = seconds().collect();
    bencher.counter(ItemsCount::new(LINES)).bench(|| {
        let mut clock = EventClock::new(FIRST_SECOND, 5, 120);
        for &second in black_box(&seconds) {
            if clock.timeliness(second, i64::MAX / 2) == Timeliness::OnTime {
                clock.accept(second);
            }
            black_box(clock.watermark());
        }
    });
}

/// Counting, and finishing each window as it ends.
#[divan::bench]
fn window(bencher: Bencher<'_, '_>) {
    let (lines, mut splitters) = (lines("plain"), splitters());
    let records = records(&mut splitters, &lines);
    let requests = requests(&records);
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut windows = Windows::new(10, 5, 1_000_000_000);
        for (second, request) in &requests {
            while windows.next_due() < *second {
                let Some(summary) = windows.finish_due(FIRST_SECOND) else { break };
                black_box(summary.window.hosts.rank(10));
                windows.recycle(summary);
            }
            windows.count(*second, *black_box(request), Arrival::OnTime);
        }
    });
}

#[divan::bench]
fn rate(bencher: Bencher<'_, '_>) {
    let seconds: Vec<i64> = seconds().collect();
    bencher.counter(ItemsCount::new(LINES)).bench(|| {
        let mut window = SlidingWindow::new(120, FIRST_SECOND - 1);
        for &second in black_box(&seconds) {
            window.count(second, Sums { requests: 1, ..Sums::default() });
            while let Some(closed) = window.close_next(None, second - 6) {
                black_box(closed);
            }
        }
    });
}

/// All stages together.
#[divan::bench(args = QUOTES)]
fn monitor(bencher: Bencher<'_, '_>, quotes: &str) {
    let text = lines(quotes).join(&b'\n');
    let settings = defaults().settings;
    bencher.counter(ItemsCount::new(LINES)).counter(BytesCount::new(text.len())).bench_local(|| {
        let outputs = Outputs {
            events: Box::new(io::sink()),
            diagnostics: Box::new(io::sink()),
            rejects: None,
            is_quiet: true,
        };
        let mut monitor = Monitor::new(settings.clone(), b"stdin", outputs);
        for piece in text.chunks(PIECE) {
            black_box(monitor.read(piece, Moment::default()).is_ok());
        }
        black_box(monitor.end(Moment::default()).is_ok());
    });
}
