//! Random logs with options: everything that the contract has a rule for, odd
//! and ordinary.

mod clocks;
mod forms;
pub(crate) mod habits;

use crate::common::Random;
use crate::model::{Options, Step, Threshold};
use clocks::{Item, live, old};
use forms::Form;

/// A wall clock long after the times of every old log.
const TODAY: i64 = 1_795_000_000;

/// A random log and the options to read it with.
pub(crate) struct Case {
    pub(crate) options: Options,
    /// The same options as arguments.
    pub(crate) arguments: Vec<String>,
    pub(crate) steps: Vec<Step>,
    /// The wall clock at the start.
    pub(crate) wall: i64,
}

/// Lines that are no record, or not one of this log.
const DIRT: &[&[u8]] = &[
    b"\n",
    b"  \t\n",
    b"\r\n",
    b"nonsense\n",
    b"a,b,c\n",
    b"\"open,1,2,3,4,5,6\n",
    b",,,,,,\n",
    b"h,-,-,notatime,GET / HTTP/1.1,200,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,2oo,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,200,-5\n",
    b"h,-,-,20210930,GET / HTTP/1.1,200,5\n",
    b"h - - [07/Feb/2019:21:11:00 +0000] \"GET / HTTP/1.1 200 5\n",
    b"\0\0\0\n",
    b"\xEF\xBB\xBF\n",
    b"==> <==\n",
    b"==>  <==\n",
    b"h,-,-,1000\rGET / HTTP/1.1,200,5\n",
    b"# a comment, with commas\n",
    b"#Version: 1.0\n",
    b"#Fields: x-one x-two\n",
    b"#time,status,host\n",
    b"host,ident,status,\"GET / HTTP/1.1\"\n",
];

/// Headers without a time.
const NAMES_WITHOUT_A_TIME: &[&[u8]] =
    &[b"host,user,status\n", b"status;bytes;x\n", b"#Fields: c-ip sc-status\n", b"ident user request\n"];

/// The options, parsed and as arguments.
struct Typed {
    options: Options,
    arguments: Vec<String>,
}

impl Typed {
    fn argument(&mut self, name: &str, value: &impl ToString) {
        self.arguments.extend([format!("--{name}"), value.to_string()]);
    }

    /// Adds one of the four thresholds. `recoveries` are tried on the side that
    /// is allowed.
    fn threshold(&mut self, random: &mut Random, name: &str, limits: &[&str], is_low: bool) -> Threshold {
        let limit = *random.pick(limits);
        let mut threshold = Threshold::at(limit);
        let mut text = limit.to_owned();
        if random.one_in(2) {
            let recovery = *random.pick(limits);
            let number = |text: &str| text.parse::<f64>().expect("a decimal");
            let fits =
                if is_low { number(recovery) >= number(limit) } else { number(recovery) <= number(limit) };
            if fits {
                threshold.recovery = Some(recovery.to_owned());
                text = format!("{limit}:{recovery}");
            }
        }
        self.argument(name, &text);
        threshold
    }
}

const RATES: &[&str] = &["0.05", "0.5", "0.008333333", "1", "0.1", "2.25", "0.03", "0.000000001", "0.2"];
const PERCENTS: &[&str] = &["5", "20", "50", "0.5", "99.9", "33.333333333", "10", "25"];

fn options(random: &mut Random) -> Typed {
    let mut typed = Typed { options: Options::default(), arguments: Vec::new() };
    match random.below(6) {
        0 => {
            typed.options.threshold = None;
            typed.argument("threshold", &"off");
        }
        1 => {}
        _ => {
            typed.options.threshold = Some(typed.threshold(random, "threshold", RATES, false));
            if random.one_in(4)
                && let Some(threshold) = &mut typed.options.threshold
            {
                // The other spelling comes last, so it wins.
                threshold.recovery = Some("0.000000001".to_owned());
                typed.argument("recovery-threshold", &"0.000000001");
            }
        }
    }
    if random.one_in(2) {
        typed.options.low_threshold = Some(typed.threshold(random, "low-threshold", RATES, true));
    }
    if random.one_in(2) {
        typed.options.error_threshold = Some(typed.threshold(random, "error-threshold", PERCENTS, false));
    }
    if random.one_in(2) {
        typed.options.slow_threshold = Some(typed.threshold(random, "slow-threshold", PERCENTS, false));
    }
    if random.one_in(2) {
        typed.options.slow = (*random.pick(&["0.05", "2.5", "0.000000001", "0.2", "31"])).to_owned();
        let slow = typed.options.slow.clone();
        typed.argument("slow", &slow);
    }
    if random.one_in(2) {
        typed.options.min_count = *random.pick(&[1, 2, 3, 10]);
        let min_count = typed.options.min_count;
        typed.argument("min-count", &min_count);
    }
    typed.options.interval = *random.pick(&[10, 10, 1, 7, 60, 3_600, 86_400]);
    let interval = typed.options.interval;
    typed.argument("interval", &interval);
    typed.options.window = *random.pick(&[120, 120, 1, 7, 10, 60, 600, 3_000]);
    let window = typed.options.window;
    typed.argument("window", &window);
    typed.options.lateness = *random.pick(&[5, 5, 5, 0, 1, 40, 90, 600, 3_600]);
    let lateness = typed.options.lateness;
    typed.argument("lateness", &lateness);
    typed.options.idle_timeout = *random.pick(&[10, 10, 0, 1, 40, 400]);
    let idle_timeout = typed.options.idle_timeout;
    typed.argument("idle-timeout", &idle_timeout);
    typed.options.top = usize::try_from(*random.pick(&[10, 0, 1, 2])).expect("small");
    let top = typed.options.top;
    typed.argument("top", &top);
    if random.one_in(8) {
        typed.options.source = "web \u{7}1".into();
        typed.argument("source", &"web \u{7}1");
    }
    typed
}

/// Makes a random log.
pub(crate) fn case(random: &mut Random) -> Case {
    make(random, false)
}

/// Makes a log whose lines are clear, so that it tests time, counts and alerts.
pub(crate) fn clean_case(random: &mut Random) -> Case {
    make(random, true)
}

fn make(random: &mut Random, is_clean: bool) -> Case {
    let mut typed = options(random);
    let zone = random.one_in(5).then(|| *random.pick(&["Europe/Berlin", "America/New_York", "UTC"]));
    if let Some(zone) = zone {
        typed.options.zone = Some(zone.to_owned());
        typed.argument("zone", &zone);
    }
    let time_format = (!is_clean && random.one_in(12)).then(|| *random.pick(forms::TIME_FORMATS));
    if let Some(format) = time_format {
        typed.options.time_format = Some(format.to_owned());
        typed.argument("time-format", &format);
    }
    let mut forms = [Form::random(random, zone, time_format), Form::random(random, zone, time_format)];
    if is_clean {
        forms[1] = forms[0].clone();
    }
    // Where many windows can be open, the share of names is small.
    if typed.options.lateness == 3_600 {
        forms[0].is_crowded = true;
    }
    if !is_clean && random.one_in(6) {
        let by_names = random.one_in(2);
        let list = forms[0].columns_option(random, by_names);
        typed.argument("columns", &list);
        typed.options.columns = Some(list);
    }
    if !is_clean && random.one_in(8) {
        let delimiter = forms[0].delimiter;
        typed.options.delimiter = u8::try_from(delimiter).ok();
        let text = match delimiter {
            ' ' => "space".to_owned(),
            '\t' if random.one_in(2) => "tab".to_owned(),
            other => other.to_string(),
        };
        typed.argument("delimiter", &text);
    }

    let count = *random.pick(&[0, 1, 3, 12, 40, 120, 200]);
    let (items, wall) = if random.one_in(2) {
        live(random, count, &typed.options)
    } else {
        let items = old(random, count, &typed.options);
        let first = items.first().and_then(Item::second).unwrap_or(0);
        let last = items.last().and_then(Item::second).unwrap_or(0);
        let wall = match random.below(3) {
            0 => first + random.within(-400, 400),
            1 => last + random.within(-400, 400),
            _ => TODAY,
        };
        (items, wall)
    };
    let steps = Writer::new(random, &forms, is_clean).write(random, &items);
    Case { options: typed.options, arguments: typed.arguments, steps, wall }
}

const SOURCES: [&str; 3] = ["a.csv", "b\u{1}.csv", "stdin"];

/// Writes the lines of a log.
struct Writer<'a> {
    forms: &'a [Form; 2],
    /// The index of the current form.
    form: usize,
    /// One in this many lines has dirt before it.
    dirt: i64,
    /// Whether dirt is only lines that are malformed in any layout.
    is_clean: bool,
    sources: i64,
    /// The offset of each source's clock.
    clocks: [i64; 3],
    source: usize,
    log: Vec<u8>,
    steps: Vec<Step>,
}

impl<'a> Writer<'a> {
    fn new(random: &mut Random, forms: &'a [Form; 2], is_clean: bool) -> Self {
        let sources = *random.pick(&[1, 1, 1, 2, 3]);
        let clock = |random: &mut Random| match sources {
            1 => 0,
            _ => *random.pick(&[0, 0, -3, 35, -4_000, 90_000]),
        };
        Self {
            forms,
            form: 0,
            dirt: *random.pick(&[1_000_000, 40, 6]),
            is_clean,
            sources,
            clocks: [clock(random), clock(random), clock(random)],
            source: 0,
            log: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn write(mut self, random: &mut Random, items: &[Item]) -> Vec<Step> {
        // A client comes first and chooses the delimiter.
        if !self.is_clean
            && random.one_in(8)
            && let Some(second) = items.iter().find_map(Item::second)
        {
            let other = self.forms[0].under_another_delimiter(random);
            let line = other.line(random, second);
            self.log.extend(line);
        } else if self.is_clean || !random.one_in(6) {
            self.header();
        }
        for item in items {
            match item {
                Item::Record(second) => self.record(random, *second),
                Item::Idle(seconds) => self.step(Step::Idle(*seconds)),
                Item::Wall(wall) => self.step(Step::Wall(*wall)),
            }
        }
        if random.one_in(4) {
            self.log.pop();
        }
        self.steps.push(Step::Bytes(self.log));
        if random.one_in(4) {
            self.steps.push(Step::Idle(random.below(300)));
        }
        self.steps
    }

    fn step(&mut self, step: Step) {
        if !self.log.is_empty() {
            self.steps.push(Step::Bytes(std::mem::take(&mut self.log)));
        }
        self.steps.push(step);
    }

    fn header(&mut self) {
        self.log.extend(self.forms[self.form].header());
    }

    fn record(&mut self, random: &mut Random, second: i64) {
        if random.one_in(self.dirt) {
            self.dirt(random);
        }
        if random.one_in(400) {
            let length = usize::try_from(random.within(262_100, 262_170)).expect("small");
            let line = self.forms[self.form].line(random, second);
            self.log.extend(line.iter().take(10).chain(&vec![b'x'; length]));
            self.log.push(b'\n');
        }
        if self.sources > 1 && random.one_in(8) {
            self.source = usize::try_from(random.below(self.sources)).expect("small");
            self.log.extend(format!("\n==> {} <==\n", SOURCES[self.source]).bytes());
            if self.is_clean || random.one_in(3) {
                self.header();
            }
        }
        let second = (second + self.clocks[self.source]).clamp(0, clocks::LAST);
        let line = self.forms[self.form].line(random, second);
        self.log.extend(line);
    }

    fn dirt(&mut self, random: &mut Random) {
        if self.is_clean {
            self.log.extend_from_slice(if random.one_in(3) { b"\n" } else { b"?\n" });
            return;
        }
        match random.below(8) {
            // A header: the same one, another one, or a torn one.
            0 => {
                if self.sources == 1 {
                    self.form = usize::try_from(random.below(2)).expect("small");
                }
                self.header();
            }
            1 => self.header(),
            2 => {
                let header = self.forms[usize::try_from(random.below(2)).expect("small")].header();
                let cut = usize::try_from(random.below(1 + i64::try_from(header.len()).expect("small")))
                    .expect("small");
                let (first, last) = header.split_at(cut);
                if random.one_in(2) {
                    self.log.extend([first, b"\n"].concat());
                }
                self.log.extend(last);
                if !last.ends_with(b"\n") {
                    self.log.push(b'\n');
                }
            }
            3 if random.one_in(6) => self.log.extend_from_slice(random.pick::<&[u8]>(NAMES_WITHOUT_A_TIME)),
            _ => self.log.extend_from_slice(random.pick::<&[u8]>(DIRT)),
        }
    }
}

/// The same input in other pieces.
pub(crate) fn cut(random: &mut Random, steps: &[Step]) -> Vec<Step> {
    let mut cut = Vec::new();
    for step in steps {
        let Step::Bytes(bytes) = step else {
            cut.push(step.clone());
            continue;
        };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let most = i64::try_from(rest.len()).expect("small").min(*random.pick(&[1, 5, 80, 4_000]));
            let (piece, next) = rest.split_at(usize::try_from(random.within(1, most)).expect("small"));
            cut.push(Step::Bytes(piece.to_vec()));
            rest = next;
        }
    }
    cut
}
