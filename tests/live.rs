//! The program itself: real pipes, signals and exit statuses. Only the tests of
//! silence wait for time to pass; all others wait for an event that must come.

mod common;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use common::{HTTPMON, program, record, run_program, without_1970};

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    i64::try_from(now).expect("small")
}

/// The program, running with its input open.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(arguments: &[&str]) -> Running {
        Running::of(&mut program(arguments))
    }

    /// Starts it without ignored signals, whatever the tests were started with
    /// (nohup, background jobs of a shell).
    fn with_signals(arguments: &[&str]) -> Running {
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(HTTPMON).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::of(&mut command)
    }

    fn of(command: &mut Command) -> Running {
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Running { child, stdin, stdout }
    }

    fn write(&mut self, log: &str) {
        self.stdin.write_all(log.as_bytes()).expect("the program reads");
    }

    fn event(&mut self) -> String {
        let mut event = String::new();
        self.stdout.read_line(&mut event).expect("UTF-8");
        event
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.expect("kill runs").success());
    }

    /// Closes the input. Returns the remaining output, standard error and the
    /// status.
    fn finish(self) -> (String, String, std::process::ExitStatus) {
        drop(self.stdin);
        let (mut rest, mut stderr) = (String::new(), String::new());
        let mut stdout = self.stdout;
        stdout.read_to_string(&mut rest).expect("UTF-8");
        let mut child = self.child;
        child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
        (rest, without_1970(&stderr), child.wait().expect("it ends"))
    }
}

fn assert_type(event: &str, kind: &str) {
    assert!(event.starts_with(&format!("{{\"type\":\"{kind}\"")), "{event}");
}

#[test]
fn an_event_is_written_before_the_input_ends() {
    let mut running = Running::start(&[]);
    running.write(&record(1000));
    running.write(&record(1015));
    assert_type(&running.event(), "summary");
    running.write(&record(1025));
    assert_type(&running.event(), "summary");
    let (rest, stderr, status) = running.finish();
    assert_eq!((rest.lines().count(), stderr.as_str(), status.code()), (1, "", Some(0)));
}

#[test]
fn a_signal_loses_nothing_and_the_program_dies_of_it() {
    use std::os::unix::process::ExitStatusExt;
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let mut running = Running::with_signals(&[]);
        running.write(&record(1000));
        running.write(&record(1015));
        running.event();
        // These records may not be read yet when the signal comes.
        running.write(&record(1016).repeat(100));
        running.signal(name);
        let mut last = String::new();
        running.stdout.read_to_string(&mut last).expect("UTF-8");
        assert!(last.contains("\"requests\":101,"), "{name}: {last}");
        let status = running.child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(number), "{name}");
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP INT; exec \"$0\"", HTTPMON]);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::of(&mut shell);
    running.write(&record(1000));
    running.write(&record(1015));
    running.event();
    running.signal("HUP");
    running.signal("INT");
    running.write(&record(1025));
    assert_type(&running.event(), "summary");
    let (rest, _, status) = running.finish();
    assert_eq!((rest.lines().count(), status.code()), (1, Some(0)));
}

#[test]
fn a_second_signal_kills_at_once() {
    use std::os::unix::process::ExitStatusExt;
    // The output is not read, so the program can't finish.
    let mut running = Running::with_signals(&["-i", "1", "-n", "0"]);
    let log: String = (0..20_000).map(|i| record(1000 + i)).collect();
    let mut stdin = running.stdin;
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(log.as_bytes());
    });
    running.stdout.fill_buf().expect("something comes");
    let id = running.child.id().to_string();
    let send =
        |name: &str| Command::new("kill").arg(format!("-{name}")).arg(&id).status().expect("kill runs");
    send("TERM");
    // Until the first signal arrives, a second one can still be the first.
    let ended = loop {
        if let Some(status) = running.child.try_wait().expect("a child") {
            break status;
        }
        send("INT");
    };
    assert!(matches!(ended.signal(), Some(2 | 15)), "{ended:?}");
    drop(running.stdout);
    writer.join().expect("the writer ends");
}

#[test]
fn a_closed_pipe_is_a_silent_success() {
    let mut running = Running::start(&["-i", "1"]);
    running.write(&record(1000));
    running.write(&record(1015));
    running.event();
    drop(running.stdout);
    let mut second = 1016;
    // The program ends with the first event that it can't write.
    while running.stdin.write_all(record(second).as_bytes()).is_ok() {
        second += 1;
    }
    let mut stderr = String::new();
    running.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!((running.child.wait().expect("it ends").code(), &*without_1970(&stderr)), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut child = program(&[]).stdout(full).spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(record(1000).as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(without_1970(&stderr), "httpmon: standard output: No space left on device (os error 28)\n");
}

#[test]
fn the_rejects_file_stays_within_its_size_over_several_runs() {
    let file = std::env::temp_dir().join(format!("httpmon-rejects-{}", std::process::id()));
    let name = file.to_str().expect("UTF-8");
    let log = format!("{}{}", record(1000), "nonsense\n".repeat(1000));
    for (size, lines) in [("9", 1), ("20", 2), ("20", 2), ("1023", 113), ("1023", 113), ("1", 113)] {
        let ran = run_program(&["--rejects", name, "--rejects-max", size], log.as_bytes());
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(std::fs::read(&file).expect("a file").len(), lines * 9, "{size}");
    }
    // A device has no length.
    let ran = run_program(&["--rejects", "/dev/null", "--rejects-max", "1G"], log.as_bytes());
    assert_eq!((ran.status, ran.stderr.contains("rejects-max")), (Some(0), false));
    std::fs::remove_file(&file).expect("a file");
}

#[test]
fn a_wrong_rejects_size_shows_the_accepted_forms() {
    for (size, why) in [
        ("", "not a size in bytes like 4096, 500K, 10M or 1G"),
        ("K", "not a size in bytes like 4096, 500K, 10M or 1G"),
        ("10MB", "not a size in bytes like 4096, 500K, 10M or 1G"),
        ("1.5M", "not a size in bytes like 4096, 500K, 10M or 1G"),
        ("-1", "not a size in bytes like 4096, 500K, 10M or 1G"),
        ("0", "must be at least 1"),
        ("0G", "must be at least 1"),
        ("8589934592G", "must be at most 8589934591G"),
        ("99999999999999999999", "must be at most 8589934591G"),
    ] {
        let ran = run_program(&["--rejects", "/dev/null", &format!("--rejects-max={size}")], b"");
        assert_eq!(
            (ran.status, ran.stderr),
            (Some(2), format!("httpmon: --rejects-max: {why}: \"{size}\" (see httpmon --help)\n"))
        );
    }
    let ran = run_program(&["--rejects-max", "1M"], b"");
    let sentence = "httpmon: --rejects-max: needs --rejects FILE";
    assert_eq!((ran.status, ran.stderr), (Some(2), format!("{sentence} (see httpmon --help)\n")));
}

#[test]
fn a_wrong_value_says_the_bounds_and_what_to_type() {
    for (arguments, sentence) in [
        (
            &["-t", "10:12"][..],
            "--threshold: RECOVERY must not be above RATE; use a value like 10:8: \"10:12\"",
        ),
        (&["-t", "10", "-r", "12"], "--recovery-threshold: must not be above --threshold 10: \"12\""),
        (
            &["--low-threshold", "5:3"],
            "--low-threshold: RECOVERY must not be below RATE; use a value like 2:5: \"5:3\"",
        ),
        (&["-e", "200"], "--error-threshold: not below 100; use a value like 5, 5:2 or off: \"200\""),
        (&["-t", "0"], "--threshold: not above 0; use a value like 10, 10:8 or off: \"0\""),
        (&["--slow", "0"], "--slow: not above 0; use seconds like 1 or 0.5: \"0\""),
        (&["-i", "0"], "--interval: must be from 1s to 366d: \"0\""),
        (&["-w", "8d"], "--window: must be from 1s to 7d: \"8d\""),
        (&["-l", "2h"], "--lateness: must be from 0s to 1h: \"2h\""),
        (&["-l", "-5s"], "--lateness: must be from 0s to 1h: \"-5s\""),
        (&["-l", "5x"], "--lateness: not a duration like 120, 90s, 2m or 1h 30m: \"5x\""),
        (&["-n", "x"], "--top: must be a whole number, at least 0: \"x\""),
        (&["--min-count", "0"], "--min-count: must be at least 1: \"0\""),
        (&["-d", "x"], "--delimiter: must be one of , ; | tab space: \"x\""),
        (&["-z", "Mars"], "--zone: no such time zone; use UTC, local or a name like Europe/Berlin: \"Mars\""),
        (&["-i"], "--interval: needs a value: --interval DURATION"),
        (&["--treshold", "5"], "invalid option '--treshold'; did you mean --threshold?"),
    ] {
        let ran = run_program(arguments, b"");
        assert_eq!(
            (ran.status, ran.stderr),
            (Some(2), format!("httpmon: {sentence} (see httpmon --help)\n"))
        );
    }
}

#[test]
fn rejects_on_a_full_disk_are_an_error_and_the_events_are_written() {
    let ran = run_program(&["--rejects", "/dev/full"], format!("{}nonsense\n", record(1000)).as_bytes());
    assert_eq!(ran.status, Some(2));
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(
        ran.stderr.ends_with("httpmon: --rejects: No space left on device (os error 28)\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_read_error_is_an_error_and_what_was_read_is_written() {
    let directory = File::open("/").expect("a directory");
    let output = program(&[]).stdin(directory).output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "httpmon: standard input: Is a directory (os error 21)\n"
    );
}

#[test]
fn errors_writing_to_standard_error_are_ignored() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut child = program(&[]).stderr(full).spawn().expect("the program starts");
    let log = format!("{}nonsense\n", record(1000));
    child.stdin.take().expect("a pipe").write_all(log.as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), false));
}

#[test]
fn exit_statuses_are_as_the_manual_says() {
    assert_eq!(run_program(&[], record(1000).as_bytes()).status, Some(0));
    assert_eq!(run_program(&[], b"").status, Some(0));
    assert_eq!(run_program(&["-"], record(1000).as_bytes()).status, Some(0));
    let garbage = run_program(&["-q"], b"garbage\n");
    assert_eq!(garbage.status, Some(1));
    assert!(garbage.stderr.contains("first problem: line 1: 1 field"), "{}", garbage.stderr);
    for arguments in [
        &["access.csv"][..],
        &["--bogus"],
        &["-x"],
        &["--threshold"],
        &["--quiet=yes"],
        &["--", "-h"],
        &["-t", "0"],
        &["-t", "1000000000"],
        &["-t", "1.0000000001"],
        &["-t", "1e3"],
        &["-t", "-1"],
        &["-t", "5."],
        &["-t", ""],
        &["-r", "11"],
        &["-r", "0"],
        &["-i", "0"],
        &["-i", "-5s"],
        &["-i", "1.5s"],
        &["-i", "1.5h"],
        &["-i", "367d"],
        &["-i", "1mo"],
        &["-i", "500ms"],
        &["-i", "99999999999999999999"],
        &["-w", "0"],
        &["-w", "8d"],
        &["-l", "61m"],
        &["-l", "-1"],
        &["--idle-timeout", "-1s"],
        &["-n", "-1"],
        &["-n", "ten"],
        &["-n", "+1"],
        &["-c", "host"],
        &["-c", "time,time"],
        &["-c", "time,ident"],
        &["-c", ""],
        &["-d", ":"],
        &["-d", ""],
        &["-d", ",,"],
        &["-z", "Nowhere/Land"],
        &["-z", ""],
        &["--rejects", "/no/such/directory/file"],
    ] {
        let ran = run_program(arguments, record(1000).as_bytes());
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("httpmon: "), "{arguments:?}: {}", ran.stderr);
    }
    let operand = run_program(&["access.csv"], b"").stderr;
    assert!(operand.contains("the log is read from standard input"), "{operand}");
}

#[test]
fn a_usage_error_shows_the_argument_on_one_line_without_control_characters() {
    for arguments in
        [&["--fo\no\u{1b}[31mx"][..], &["a\nb\u{1b}"], &["-t", "\n\u{1b}"], &["--rejects", "a\nb/c\u{1b}"]]
    {
        let stderr = run_program(arguments, b"").stderr;
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(!stderr.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn every_value_that_the_manual_allows_is_accepted() {
    for arguments in [
        &["-t", "0.000000001"][..],
        &["-t", "999999999.999999999"],
        &["-t", ".5"],
        &["-t10"],
        &["--threshold=10"],
        &["-r", "10"],
        &["-i", "366d"],
        &["-i", "1"],
        &["-i", "1w 2d"],
        &["-i", "1h 30m"],
        &["--log_interval", "60"],
        &["--log_window", "1m"],
        &["-w", "7d"],
        &["-w", "1s"],
        &["-l", "0"],
        &["-l", "1h"],
        &["--idle-timeout", "0"],
        &["-n", "0"],
        &["-c", "host, -,user,date,-,time"],
        &["-d", "tab"],
        &["-d", "\t"],
        &["-d", "|"],
        &["-d", ";"],
        &["-z", "Europe/Berlin"],
        &["-z", "local"],
        &["--source", "web 1"],
        &["-q"],
        &["-", "-"],
        &["-t", "nonsense", "-t", "10"],
    ] {
        let ran = run_program(arguments, b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn the_last_of_a_repeated_option_wins() {
    let ran = run_program(&["--source", "a", "--source", "b"], record(1000).as_bytes());
    assert!(ran.stdout.contains("\"source\":\"b\""), "{}", ran.stdout);
}

#[test]
fn help_and_version_win_over_every_other_argument() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["access.csv", "-h"],
        &["--bogus", "--help"],
        &["-t", "--help"],
        &["-qh"],
        &["-h", "-x"],
        &["access.csv", "-qh"],
        &["--bogus", "-qqh"],
    ] {
        let ran = run_program(arguments, b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ran.stdout.contains("--threshold RATE"), "{arguments:?}");
    }
    let version = run_program(&["-t", "x", "-V"], b"").stdout;
    assert_eq!(version, format!("httpmon {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_terminal_gets_the_short_usage() {
    // script(1) runs a command on a terminal of its own.
    let log = std::env::temp_dir().join(format!("httpmon-terminal-{}", std::process::id()));
    let command = format!("{HTTPMON}; echo status $?");
    let status = Command::new("script")
        .args(["-qec", &command])
        .arg(&log)
        .stdin(Stdio::null())
        .output()
        .expect("script runs");
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    let _ = std::fs::remove_file(&log);
    assert!(
        said.contains("usage: tail -n +1 -F access.csv | httpmon") && said.contains("status 2"),
        "{said}"
    );
}

#[test]
fn the_same_bytes_come_out_of_a_pipe_and_of_a_file() {
    let log: String = (0..3000).map(|i| record(1000 + i / 7 - i % 3)).collect();
    let whole = run_program(&[], log.as_bytes());
    let mut running = Running::start(&[]);
    for piece in log.as_bytes().chunks(997) {
        running.stdin.write_all(piece).expect("the program reads");
    }
    let (rest, ..) = running.finish();
    assert_eq!(rest, whole.stdout);
}

#[test]
fn an_alert_recovers_when_traffic_stops_and_the_pipe_stays_open() {
    let mut running = Running::start(&["-w", "5", "-l", "1", "-t", "1", "-i", "2", "--idle-timeout", "1"]);
    let began = Instant::now();
    let start = now();
    running.write(&record(start).repeat(20));
    assert_type(&running.event(), "alert");
    let recovery = loop {
        let event = running.event();
        if !event.starts_with("{\"type\":\"summary\"") {
            break event;
        }
    };
    assert_type(&recovery, "recovery");
    let event: serde_json::Value = serde_json::from_str(&recovery).expect("JSON");
    assert_eq!(event["duration_seconds"], 5);
    // The second that recovers is closed 2 s later (lateness and 1), and
    // silence counts only after the idle timeout.
    assert!(began.elapsed().as_secs() >= 7, "{:?}", began.elapsed());
    let (_, stderr, status) = running.finish();
    assert_eq!((stderr.as_str(), status.code()), ("", Some(0)));
}

#[test]
fn silence_does_not_advance_an_old_log() {
    let mut running = Running::start(&["--idle-timeout", "1"]);
    running.write(&record(1000).repeat(1201));
    // A record six seconds later closes the first second, which raises the
    // alert.
    running.write(&record(1006));
    assert_type(&running.event(), "alert");
    let listening = Instant::now();
    while listening.elapsed().as_secs() < 3 {
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    running.write(&record(1007));
    let (rest, stderr, _) = running.finish();
    assert_eq!((rest.lines().count(), stderr.as_str()), (1, ""), "{rest}");
    assert!(rest.contains("\"requests\":1203,") && rest.contains("\"late\":0,"), "{rest}");
}
