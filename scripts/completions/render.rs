//! Renders the completions of bash, zsh and fish from the table of options:
//! `cargo run --example completions -- bash > scripts/completions/httpmon.bash`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it renders")]

use std::fmt::Write;
use std::process::ExitCode;

use httpmon::options::{Key, OPTIONS, OptionLine};

/// The values that are completed for an option.
fn values(line: &OptionLine) -> &'static [&'static str] {
    match line.key {
        Key::Delimiter => &[",", ";", "|", "tab"],
        Key::Zone => &["UTC", "local"],
        _ => &[],
    }
}

fn is_file(line: &OptionLine) -> bool {
    line.key == Key::Rejects
}

fn bash() -> String {
    let words: Vec<String> = OPTIONS
        .iter()
        .flat_map(|line| [Some(format!("--{}", line.long)), line.short.map(|short| format!("-{short}"))])
        .flatten()
        .collect();
    let spelled = |line: &OptionLine| match line.short {
        Some(short) => format!("-{short} | --{}", line.long),
        None => format!("--{}", line.long),
    };
    let mut cases = String::new();
    for line in OPTIONS.iter().filter(|line| line.value.is_some()) {
        let reply = if is_file(line) {
            "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")".to_owned()
        } else if values(line).is_empty() {
            "COMPREPLY=()".to_owned()
        } else {
            // Escaped as the shell wants them.
            let escaped = |value: &&str| format!("'{}'", value.replace(';', "\\;").replace('|', "\\|"));
            let words: Vec<String> = values(line).iter().map(escaped).collect();
            format!("mapfile -t COMPREPLY < <(printf '%s\\n' {} | grep -F -- \"$word\")", words.join(" "))
        };
        let _ = writeln!(cases, "        {}) {reply}; return ;;", spelled(line));
    }
    format!(
        "# Completions of httpmon for bash.\n\
         _httpmon() {{\n\
         \x20   local word=${{COMP_WORDS[COMP_CWORD]}}\n\
         \x20   case ${{COMP_WORDS[COMP_CWORD - 1]}} in\n\
         {cases}\
         \x20   esac\n\
         \x20   mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n\
         }}\n\
         complete -F _httpmon httpmon\n",
        words.join(" ")
    )
}

fn zsh() -> String {
    let mut lines = String::new();
    for line in &OPTIONS {
        let help = line.help.replace('[', "(").replace(']', ")").replace(':', "\\:");
        let action = match line.value {
            None => String::new(),
            Some(value) if is_file(line) => format!(":{value}:_files"),
            Some(value) if values(line).is_empty() => format!(":{value}: "),
            Some(value) => {
                let words: Vec<String> =
                    values(line).iter().map(|value| value.replace(';', "\\;").replace('|', "\\|")).collect();
                format!(":{value}:({})", words.join(" "))
            }
        };
        let long =
            if line.value.is_some() { format!("--{}=", line.long) } else { format!("--{}", line.long) };
        let names = match line.short {
            Some(short) => {
                let plus = if line.value.is_some() { "+" } else { "" };
                format!("'(-{short} --{})'{{-{short}{plus},{long}}}'", line.long)
            }
            None => format!("'{long}"),
        };
        let _ = writeln!(lines, "    {names}[{help}]{action}' \\");
    }
    format!("#compdef httpmon\n# Completions of httpmon for zsh.\n_arguments -s \\\n{lines}    && return 0\n")
}

fn fish() -> String {
    let mut lines = String::from("# Completions of httpmon for fish.\ncomplete -c httpmon -f\n");
    for line in &OPTIONS {
        let short = line.short.map_or_else(String::new, |short| format!(" -s {short}"));
        let action = match line.value {
            None => String::new(),
            Some(_) if is_file(line) => " -r -F".to_owned(),
            Some(_) if values(line).is_empty() => " -x".to_owned(),
            Some(_) => {
                let words: Vec<String> = values(line).iter().map(|value| format!("\"{value}\"")).collect();
                format!(" -x -a '{}'", words.join(" "))
            }
        };
        let _ = writeln!(lines, "complete -c httpmon{short} -l {}{action} -d '{}'", line.long, line.help);
    }
    lines
}

fn main() -> ExitCode {
    let shell = std::env::args().nth(1);
    let rendered = match shell.as_deref() {
        Some("bash") => bash(),
        Some("zsh") => zsh(),
        Some("fish") => fish(),
        _ => {
            eprintln!("usage: completions bash|zsh|fish");
            return ExitCode::from(2);
        }
    };
    print!("{rendered}");
    ExitCode::SUCCESS
}
