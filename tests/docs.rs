//! The help, the manual, the README and the table of options agree, and every
//! example in them is run.
//!
//! In the README, a block marked `sh` is run by `bash -euo pipefail` in a
//! directory with the logs of `tests/data`. A `text` block after it is the
//! expected output, with standard error before or after standard output. A
//! block after the comment `<!-- not run: reason -->` is not run.
//!
//! In the pages listed in `RUN`, the lines of a literal block that start with
//! `$ `, or `> ` for a continuation, are run in the same way. The lines after
//! them are the expected output.
//!
//! Live examples must end: here, `tail` doesn't follow, `ssh HOST` runs in a
//! directory of that name, and `access.log` stands for
//! `/var/log/nginx/access.log`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use httpmon::options::{self, OPTIONS, OptionLine};
use serde_json::Value;

const HTTPMON: &str = env!("CARGO_BIN_EXE_httpmon");

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages whose examples are run here. Other tests run those of the tools.
const RUN: [&str; 5] = [
    "man/httpmon.1",
    "man/httpmon-scale.7",
    "man/httpmon-performance.7",
    "man/httpmon-survived.7",
    "man/httpmon-design.7",
];

fn readme() -> String {
    read("README.md")
}

fn manual() -> String {
    read("man/httpmon.1")
}

/// The lines of the manual from a heading to the next heading of the same kind.
fn part(manual: &str, macro_name: &str, title: &str) -> Vec<String> {
    let heading = format!("{macro_name} {title}");
    let after = manual.lines().skip_while(|line| *line != heading).skip(1);
    let lines: Vec<String> = after
        .take_while(|line| !line.starts_with(macro_name) && !line.starts_with(".Sh"))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "the manual has no {heading}");
    lines
}

/// The items of a list: the text after `.It`, and the lines up to the next
/// item.
fn items(lines: &[String]) -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::new();
    for line in lines {
        if let Some(head) = line.strip_prefix(".It ") {
            items.push((head.to_owned(), String::new()));
        } else if let Some((_, text)) = items.last_mut() {
            *text += line;
            *text += " ";
        }
    }
    items
}

/// The head of an option's item in the manual, built from the table.
fn head_in_manual(line: &OptionLine) -> String {
    let value = line.value.map_or_else(String::new, |value| format!(" Ar {}", value.to_lowercase()));
    let long = format!("Fl -{}{value}", line.long);
    match line.short {
        Some(short) => format!("Fl {short}{value} , {long}"),
        None => long,
    }
}

#[test]
fn the_help_names_every_option_with_its_default_and_fits_a_screen() {
    let help = options::help();
    let described: Vec<&str> =
        help.lines().filter(|line| line.trim_start().starts_with('-')).map(str::trim).collect();
    assert_eq!(described.len(), OPTIONS.len());
    for (line, shown) in OPTIONS.iter().zip(described) {
        let short = line.short.map_or_else(String::new, |short| format!("-{short}, "));
        let value = line.value.map_or_else(String::new, |value| format!(" {value}"));
        assert!(shown.starts_with(&format!("{short}--{}{value} ", line.long)), "{shown}");
        assert!(shown.contains(line.help), "{shown}");
        if let Some(default) = line.default {
            assert!(shown.ends_with(&format!("[{default}]")), "{shown}");
        }
    }
    assert!(help.lines().count() <= 40);
    for line in help.lines() {
        assert!(line.chars().count() <= 79, "{line}");
    }
}

#[test]
fn the_manual_has_the_options_of_the_table_and_no_others() {
    let items = items(&part(&manual(), ".Sh", "OPTIONS"));
    let described: Vec<&str> = items.iter().map(|(head, _)| head.as_str()).collect();
    assert_eq!(described, OPTIONS.iter().map(head_in_manual).collect::<Vec<_>>());
    for (line, (head, text)) in OPTIONS.iter().zip(&items) {
        if let Some(default) = line.default {
            assert!(text.contains(&format!("The default is {default}. ")), "{head}: {text}");
        }
        match line.alias {
            Some(alias) => assert!(text.contains(&format!("Also spelt .Fl -{alias} . ")), "{head}: {text}"),
            None => assert!(!text.contains("Also spelt"), "{head}: {text}"),
        }
    }
}

#[test]
fn the_synopsis_of_the_manual_has_every_option_once() {
    let synopsis = part(&manual(), ".Sh", "SYNOPSIS").join("\n");
    let mut flags = String::new();
    for line in &OPTIONS {
        let value = line.value.map(str::to_lowercase);
        match (line.short, value) {
            (Some(short), None) => flags.push(short),
            (Some(short), Some(value)) => {
                assert!(synopsis.contains(&format!(".Op Fl {short} Ar {value}")), "-{short}");
            }
            (None, value) => {
                let value = value.expect("a flag has a letter");
                assert!(synopsis.contains(&format!(".Op Fl -{} Ar {value}", line.long)), "{}", line.long);
            }
        }
    }
    let shown = synopsis.lines().find_map(|line| line.strip_prefix(".Op Fl ").filter(|f| !f.contains(' ')));
    let mut shown: Vec<char> = shown.expect("options without a value").chars().collect();
    let mut flags: Vec<char> = flags.chars().collect();
    shown.sort_unstable();
    flags.sort_unstable();
    assert_eq!(shown, flags);
    let with_a_value = OPTIONS.iter().filter(|line| line.value.is_some()).count();
    assert_eq!(synopsis.matches(".Op").count(), with_a_value + 1);
}

#[test]
fn no_text_names_an_option_that_is_not_in_the_table() {
    let is_known = |name: &str| OPTIONS.iter().any(|line| line.long == name || line.alias == Some(name));
    for line in manual().lines() {
        for name in line.split("Fl -").skip(1) {
            let name = name.split(' ').next().expect("a word");
            assert!(is_known(name), "the manual: --{name}");
        }
    }
    // Options of cargo, jq, Spark and the project's scripts.
    let foreign = [
        "release",
        "unbuffered",
        "all",
        "apart",
        "brokers",
        "from",
        "partitions",
        "split",
        "bench",
        "install",
        "minutes",
        "test",
        "state",
        "seconds",
        "sql",
        "utc",
    ];
    let other_pages = RUN.iter().skip(1).map(|page| (*page, read(page).replace("\\-", "-")));
    for (name, text) in other_pages.chain([("README.md", readme()), ("CHANGELOG.md", read("CHANGELOG.md"))]) {
        for line in text.lines() {
            for option in line.split("Fl -").skip(1) {
                let option = option.split(' ').next().expect("a word");
                assert!(is_known(option), "{name}: --{option}");
            }
        }
        for word in text.split(|character: char| !(character.is_alphanumeric() || "-_".contains(character))) {
            if let Some(option) = word.strip_prefix("--").filter(|word| word.starts_with(char::is_alphabetic))
            {
                assert!(is_known(option) || foreign.contains(&option), "{name}: --{option}");
            }
        }
    }
}

/// Collects the field names in `value`, except the keys of its maps.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                // Their keys come from the log.
                if name != "status_codes" && name != "methods" {
                    fields(value, names);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

/// A log with latencies that raises all four alerts and lets them recover.
fn log_of_all_alerts() -> String {
    let mut log = "time,host,request,status,bytes,request_time\n".to_owned();
    for second in 0..600 {
        // Busy and failing, then quiet, then normal.
        let (requests, status, latency) = match second {
            100..200 => (9, 500, "3.5"),
            300..400 => (0, 200, "0.1"),
            _ => (3, 200, "0.1"),
        };
        for _ in 0..requests {
            writeln!(log, "{},192.0.2.1,GET /a HTTP/1.1,{status},5,{latency}", 1_700_000_000 + second)
                .expect("a line");
        }
    }
    log
}

/// Events of all types, from the cases and from the log above.
fn events() -> Vec<String> {
    let mut events = Vec::new();
    for case in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).expect("the cases") {
        let expected = fs::read_to_string(case.expect("a case").path().join("expected")).expect("events");
        events.extend(expected.lines().map(str::to_owned));
    }
    let place = place("events");
    fs::write(place.join("log"), log_of_all_alerts()).expect("a log");
    let limits = "-w 30s -t 6 --low-threshold 1 -e 50 --slow-threshold 50";
    let printed = bash(&place, &format!("httpmon {limits} < log"));
    assert!(printed.is_good, "{}", printed.stderr);
    for kind in ["alert", "recovery"] {
        for name in ["high_traffic", "low_traffic", "high_errors", "slow_requests"] {
            let is_one = |event: &str| {
                event.starts_with(&format!("{{\"type\":\"{kind}\""))
                    && event.contains(&format!("\"name\":\"{name}\""))
            };
            assert!(printed.stdout.lines().any(is_one), "no {kind} of {name}: {}", printed.stdout);
        }
    }
    events.extend(printed.stdout.lines().map(str::to_owned));
    events
}

/// The field names in the head of a manual item.
fn heads(line: &str) -> impl Iterator<Item = &str> {
    line.strip_prefix(".It Li ").into_iter().flat_map(|heads| heads.split(" , "))
}

#[test]
fn the_manual_describes_every_field_of_every_event_and_no_others() {
    let mut of_type: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in events() {
        let event: Value = serde_json::from_str(&event).expect("JSON");
        let name = event["type"].as_str().expect("a type").to_owned();
        fields(&event, of_type.entry(name).or_default());
    }
    let types: Vec<&str> = of_type.keys().map(String::as_str).collect();
    assert_eq!(types, ["alert", "recovery", "summary"]);
    for (name, fields) in &of_type {
        let part = part(&manual(), ".Ss", name);
        let described: BTreeSet<String> =
            part.iter().flat_map(|line| heads(line)).map(str::to_owned).collect();
        assert_eq!(described, *fields, "{name}");
    }
}

#[test]
fn the_order_of_the_fields_is_that_of_the_manual() {
    for name in ["summary", "alert", "recovery"] {
        let mut depth = 0;
        let mut described = Vec::new();
        for line in part(&manual(), ".Ss", name) {
            match line.split(' ').next() {
                Some(".Bl") => depth += 1,
                Some(".El") => depth -= 1,
                _ if depth == 1 => described.extend(heads(&line).map(str::to_owned)),
                _ => {}
            }
        }
        let start = format!("{{\"type\":\"{name}\"");
        for event in events().iter().filter(|event| event.starts_with(&start)) {
            let Keys(keys) = serde_json::from_str(event).expect("an object");
            let mut rest = described.iter();
            for key in keys {
                assert!(rest.any(|field| *field == key), "{name}: {key} stands elsewhere: {event}");
            }
        }
    }
}

/// The field names of an object, in order.
struct Keys(Vec<String>);

impl<'de> serde::Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Keys, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Keys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[test]
fn the_manual_has_the_names_of_columns_that_the_program_knows() {
    let source = read("src/read/column_names.rs");
    let manual = part(&manual(), ".Ss", "Columns").join(" ");
    let listed: BTreeSet<&str> =
        manual.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let after = source.lines().skip_while(|line| !line.starts_with("const NAMES"));
    let names: Vec<&str> = after
        .take_while(|line| !line.starts_with("const WRITES_SECONDS"))
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("//").next().expect("code").split('"').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        assert!(listed.contains(name), "{name}");
    }
}

#[test]
fn banned_words_do_not_come_back() {
    // Phrases that were once in these texts and were hard to understand.
    let banned = [
        "moves time on",
        "is no error",
        "have doesn't mislead",
        "seldom the engine",
        "was to be had",
        "for nothing, and for who",
        "can't be foretold",
        "past doesn't follow",
        "so that nobody reads",
        "gets it, whatever",
        "is as good as",
        "its maker's matter",
        "that is no matter of",
        "in no order",
        "lets pass",
        "whoever asks",
    ];
    let mut texts =
        vec![("README.md".to_owned(), readme()), ("CHANGELOG.md".to_owned(), read("CHANGELOG.md"))];
    for folder in ["man", "scripts"] {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect(folder);
        let paths = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        texts
            .extend(paths.map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("text"))));
    }
    texts.push(("--help".to_owned(), options::help()));
    for (name, text) in texts {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for phrase in banned {
            assert!(!text.contains(phrase), "{name}: {phrase}");
        }
    }
}

#[test]
fn the_readme_is_short_and_names_the_oldest_rust() {
    let readme = readme();
    assert!(readme.lines().count() <= 200, "{} lines", readme.lines().count());
    let manifest = read("Cargo.toml");
    let rust = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("an MSRV");
    assert!(readme.contains(&format!("Rust {} or later", rust.trim_matches('"'))));
}

/// A directory with the files that the examples need.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(name);
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", place.display()),
        _ => fs::create_dir_all(place.join("bin")).expect("a directory"),
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for log in fs::read_dir(data).expect("the logs") {
        let log = log.expect("a log");
        fs::copy(log.path(), place.join(log.file_name())).expect("a copy");
    }
    for host in ["web1", "web2"] {
        fs::create_dir(place.join(host)).expect("a directory");
        fs::rename(place.join(format!("{host}.csv")), place.join(host).join("access.csv")).expect("a log");
        symlink(format!("{host}/access.csv"), place.join(format!("{host}.csv"))).expect("a link");
    }
    symlink(HTTPMON, place.join("bin/httpmon")).expect("a link");
    let program = |name: &str, text: &str| {
        let path = place.join("bin").join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    };
    program(
        "tail",
        "#!/usr/bin/env bash\nset -euo pipefail\nPATH=${PATH#*:}\narguments=()\n\
         for argument; do [ \"$argument\" = -F ] || arguments+=(\"$argument\"); done\n\
         exec tail \"${arguments[@]}\"\n",
    );
    program(
        "ssh",
        "#!/usr/bin/env bash\nset -euo pipefail\n[ \"$1\" = -n ] && shift\ncd \"$1\"\nshift\nexec bash -c \"$*\"\n",
    );
    let made = bash(&place, "gzip -nc access.csv > access.csv-20260302.gz");
    assert!(made.is_good, "{}", made.stderr);
    place
}

#[test]
fn the_shipped_default_log_is_the_shipped_csv_log() {
    assert!(read("tests/data/access.log") == default_log(&read("tests/data/access.csv")));
}

/// The readable records of `csv` in nginx's default format.
fn default_log(csv: &str) -> String {
    let mut log = String::new();
    for line in csv.lines() {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
        let Some(Ok(record)) = reader.records().next() else { continue };
        let field = |index: usize| record.get(index).unwrap_or_default();
        let (Ok(second), Ok(status)) = (field(3).parse(), field(5).parse::<u16>()) else { continue };
        let time = jiff::Timestamp::from_second(second).expect("a time").strftime("%d/%b/%Y:%H:%M:%S +0000");
        let request = field(4).replace('"', "\\x22");
        writeln!(log, "{} - - [{time}] \"{request}\" {status} {} \"-\" \"-\"", field(0), field(6))
            .expect("a line");
    }
    log
}

struct Printed {
    stdout: String,
    stderr: String,
    is_good: bool,
}

fn bash(place: &Path, script: &str) -> Printed {
    let path = std::env::var("PATH").expect("a PATH");
    let script = script.replace("/var/log/nginx/access.log", "access.log");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(place)
        .env("PATH", format!("{}:{path}:{}/scripts", place.join("bin").display(), env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Printed { stdout: text(output.stdout), stderr: text(output.stderr), is_good: output.status.success() }
}

/// Runs an example. Returns the problem if the output differs.
fn try_example(place: &Path, script: &str, shown: Option<&str>) -> Option<String> {
    let printed = bash(place, script);
    let Printed { stdout, stderr, is_good } = &printed;
    let is_as_shown = shown
        .is_none_or(|shown| shown == format!("{stdout}{stderr}") || shown == format!("{stderr}{stdout}"));
    (!is_good || !is_as_shown).then(|| {
        let shown = shown.unwrap_or("(anything)\n");
        format!(
            "{script}\nshown:\n{shown}printed:\n{stdout}on standard error:\n{stderr}status 0: {is_good}\n"
        )
    })
}

/// A fenced block of the README.
struct Block {
    kind: String,
    text: String,
    is_run: bool,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    let mut is_run = true;
    for line in readme.lines() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(kind) => {
                is_inside = true;
                blocks.push(Block { kind: kind.to_owned(), text: String::new(), is_run });
                is_run = true;
            }
            None if is_inside => {
                let block = blocks.last_mut().expect("a block");
                block.text += line;
                block.text += "\n";
            }
            None => is_run = !line.starts_with("<!-- not run: ") && (is_run || line.is_empty()),
        }
    }
    blocks
}

#[test]
fn every_example_of_the_readme_does_what_it_shows() {
    let blocks = blocks(&readme());
    let mut problems = Vec::new();
    let (mut run, mut not_run) = (0, 0);
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.kind == "sh") {
        if !block.is_run {
            not_run += 1;
            continue;
        }
        run += 1;
        let next = blocks.get(index + 1).filter(|next| next.kind == "text");
        let place = place(&format!("readme-{index}"));
        problems.extend(try_example(&place, &block.text, next.map(|next| next.text.as_str())));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(run >= 9 && not_run <= 5, "{run} run, {not_run} not run");
}

#[test]
fn every_example_of_the_manual_does_what_it_shows() {
    let mut problems = Vec::new();
    let mut run = 0;
    for (number, page) in RUN.iter().enumerate() {
        for (index, (command, shown)) in examples(&read(page)).iter().enumerate() {
            run += 1;
            let place = place(&format!("manual-{number}-{index}"));
            problems.extend(try_example(&place, command, Some(shown)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(run >= 12, "{run} run");
}

#[test]
fn every_example_of_formats_does_what_it_shows() {
    let examples = examples(&read("man/httpmon-formats.7"));
    let place = place("manual-formats");
    let mut problems = Vec::new();
    for (command, shown) in &examples {
        // A log that is shown becomes a file for the next commands.
        if let Some(log) = command.strip_prefix("cat ") {
            fs::write(place.join(log.trim_end()), shown).expect("a log");
            continue;
        }
        problems.extend(try_example(&place, command, Some(shown)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(examples.len() >= 13, "{}", examples.len());
}

/// The commands of a page with their expected output.
fn examples(page: &str) -> Vec<(String, String)> {
    let (mut is_first, mut is_literal) = (false, false);
    let mut examples: Vec<(String, String)> = Vec::new();
    for line in page.lines() {
        let text = line.replace("\\(aq", "'").replace("\\&", "").replace("\\e", "\\");
        match line {
            ".Bd -literal" => is_first = true,
            ".Ed" => is_literal = false,
            _ if !is_literal && !is_first => {}
            _ => {
                // A block that doesn't start with a command is not run.
                is_literal = is_literal || text.starts_with("$ ");
                is_first = false;
                if !is_literal {
                    continue;
                }
                if let Some(command) = text.strip_prefix("$ ") {
                    examples.push((format!("{command}\n"), String::new()));
                    continue;
                }
                let (command, shown) = examples.last_mut().expect("a command");
                if let Some(more) = text.strip_prefix("> ") {
                    command.extend([more, "\n"]);
                } else {
                    shown.extend([text.as_str(), "\n"]);
                }
            }
        }
    }
    examples
}
