//! Help, manual, README and the table of options agree, and every example
//! that they show is run.
//!
//! In the README a block marked `sh` is run by `bash -euo pipefail` with the
//! logs of `tests/data` beside it; a block marked `text` that follows it is
//! what it must print, standard error after standard output or before it. A
//! block after a comment `<!-- not run: reason -->` is not run.
//!
//! In the EXAMPLES of the manual's pages the lines of a literal block that start with `$ `,
//! or with `> ` to go on, are run in the same way; the lines after them are
//! what they must print.
//!
//! A live example must come to an end: `tail` doesn't follow here, and `ssh
//! HOST` goes to a directory of that name.

use std::collections::{BTreeMap, BTreeSet};
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

fn readme() -> String {
    read("README.md")
}

fn manual() -> String {
    read("man/httpmon.1")
}

/// The lines of the manual from a heading to the next one of its kind.
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

/// The items of a list: what stands after `.It`, and the lines up to the next.
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

/// The head of an option's item in the manual, as the table wants it.
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
    // Of cargo, jq, systemctl and the project's own scripts.
    let foreign = [
        "release",
        "unbuffered",
        "all",
        "now",
        "apart",
        "cat",
        "output",
        "master",
        "redis",
        "bench",
        "peers",
        "install",
        "minutes",
        "locked",
        "test",
    ];
    let readme = readme();
    for word in readme.split(|character: char| !(character.is_alphanumeric() || "-_".contains(character))) {
        if let Some(name) = word.strip_prefix("--").filter(|name| name.starts_with(char::is_alphabetic)) {
            assert!(is_known(name) || foreign.contains(&name), "the README: --{name}");
        }
    }
}

/// The names of all fields of `value`, but for those of its maps.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                // Their keys are what the log has.
                if name != "status_codes" && name != "methods" {
                    fields(value, names);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

#[test]
fn the_manual_describes_every_field_of_every_event_and_no_others() {
    let mut of_type: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")).expect("the cases") {
        let events = fs::read_to_string(case.expect("a case").path().join("expected")).expect("events");
        for event in events.lines() {
            let event: Value = serde_json::from_str(event).expect("JSON");
            let name = event["type"].as_str().expect("a type").to_owned();
            fields(&event, of_type.entry(name).or_default());
        }
    }
    let types: Vec<&str> = of_type.keys().map(String::as_str).collect();
    assert_eq!(types, ["alert", "recovery", "summary"]);
    for (name, fields) in &of_type {
        let heads = items(&part(&manual(), ".Ss", name));
        let described: BTreeSet<String> = heads
            .iter()
            .filter_map(|(head, _)| head.strip_prefix("Li "))
            .flat_map(|heads| heads.split(" , "))
            .map(str::to_owned)
            .collect();
        assert_eq!(described, *fields, "{name}");
    }
}

#[test]
fn the_order_of_the_fields_is_that_of_the_manual() {
    let events = read("tests/cases/the_log_of_the_readme_has_an_alert_and_a_recovery/expected");
    for name in ["summary", "alert", "recovery"] {
        let start = format!("{{\"type\":\"{name}\"");
        let event = events.lines().find(|line| line.starts_with(&start)).expect("an event");
        let mut at = 0;
        let mut depth = 0;
        for line in part(&manual(), ".Ss", name) {
            match line.split(' ').next() {
                Some(".Bl") => depth += 1,
                Some(".El") => depth -= 1,
                Some(".It") if depth == 1 => {
                    let field = line.strip_prefix(".It Li ").expect("a field");
                    let key = format!("\"{field}\":");
                    let found = event[at..].find(&key);
                    at += found.unwrap_or_else(|| panic!("{name}: {field} stands elsewhere"));
                }
                _ => {}
            }
        }
    }
}

/// A directory with what the examples need.
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
    program("ssh", "#!/usr/bin/env bash\nset -euo pipefail\ncd \"$1\"\nshift\nexec bash -c \"$*\"\n");
    let made = bash(&place, "gzip -nc access.csv > access.csv-20260302.gz");
    assert!(made.is_good, "{}", made.stderr);
    place
}

struct Printed {
    stdout: String,
    stderr: String,
    is_good: bool,
}

fn bash(place: &Path, script: &str) -> Printed {
    let path = std::env::var("PATH").expect("a PATH");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(place)
        .env("PATH", format!("{}:{path}:{}/scripts", place.join("bin").display(), env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Printed { stdout: text(output.stdout), stderr: text(output.stderr), is_good: output.status.success() }
}

/// Runs an example; the problem, if it doesn't do what is shown.
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
    assert!(run > 10 && not_run <= 20, "{run} run, {not_run} not run");
}

#[test]
fn the_readme_shows_the_help_as_it_is() {
    assert!(blocks(&readme()).iter().any(|block| block.text == options::help()));
}

/// Commands and what they print, from the EXAMPLES of a page.
fn examples(page: &str) -> Vec<(String, String)> {
    let mut is_literal = false;
    let mut examples: Vec<(String, String)> = Vec::new();
    let after = page.lines().skip_while(|line| *line != ".Sh EXAMPLES").skip(1);
    for line in after.take_while(|line| !line.starts_with(".Sh")) {
        let text = line.replace("\\(aq", "'").replace("\\&", "").replace("\\e", "\\");
        match line {
            ".Bd -literal" => is_literal = true,
            ".Ed" => is_literal = false,
            _ if !is_literal => {}
            _ => {
                if let Some(command) = text.strip_prefix("$ ") {
                    examples.push((format!("{command}\n"), String::new()));
                } else if let Some(more) = text.strip_prefix("> ") {
                    let (command, _) = examples.last_mut().expect("a command");
                    command.extend([more, "\n"]);
                } else {
                    let (_, shown) = examples.last_mut().expect("a command");
                    shown.extend([text.as_str(), "\n"]);
                }
            }
        }
    }
    examples
}

#[test]
fn every_example_of_the_manual_does_what_it_shows() {
    let mut problems = Vec::new();
    for (page, least) in [("httpmon.1", 7), ("httpmon-formats.7", 13)] {
        let examples = examples(&read(&format!("man/{page}")));
        let place = place(&format!("manual-{page}"));
        for (command, shown) in &examples {
            // A log that is shown is there for the commands after it.
            if let Some(log) = command.strip_prefix("cat ") {
                fs::write(place.join(log.trim_end()), shown).expect("a log");
                continue;
            }
            problems.extend(try_example(&place, command, Some(shown)));
        }
        assert!(examples.len() >= least, "{page}: {}", examples.len());
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_readme_names_the_oldest_rust_and_the_crates_of_the_lock_file() {
    let (readme, manifest, lock) = (readme(), read("Cargo.toml"), read("Cargo.lock"));
    let rust = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("an MSRV");
    assert!(readme.contains(&format!("Rust {} or later", rust.trim_matches('"'))));
    let locked: BTreeSet<String> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .map(|name| name.replace('-', "_"))
        .collect();
    let blocks = blocks(&readme);
    let tree = blocks.iter().find(|block| block.kind == "tree").expect("the tree");
    let named: BTreeSet<String> = tree
        .text
        .lines()
        .map(|line| line.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).trim_end_matches(" (*)"))
        .map(str::to_owned)
        .collect();
    assert!(named.is_subset(&locked), "{:?}", named.difference(&locked));
    let after = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let wanted = after.take_while(|line| !line.starts_with('['));
    for name in wanted.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())) {
        let (name, _) = name.split_once(" = ").unwrap_or((name, ""));
        assert!(named.contains(&name.replace('-', "_")), "{name} is not in the README's tree");
    }
}
