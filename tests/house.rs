//! The order of the house: imports point down the list of modules only, and
//! nothing of what the style forbids stands in the source.

use std::fs;

/// The modules from the top down, as the crate's documentation lists them.
fn modules() -> Vec<String> {
    let text = fs::read_to_string("src/lib.rs").expect("src/lib.rs");
    let picture = text.split("```").nth(1).expect("a picture");
    let names = picture.lines().filter_map(|line| line.strip_prefix("//! ")?.split_whitespace().next());
    names.filter(|name| *name != "text").map(str::to_owned).collect()
}

fn source(module: &str) -> String {
    fs::read_to_string(format!("src/{module}.rs")).expect(module)
}

/// The modules of the crate that `module` names in code.
fn imports(module: &str) -> Vec<String> {
    let text = source(module);
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut imports = Vec::new();
    for line in code {
        for marker in ["crate::", "httpmon::"] {
            for (at, _) in line.match_indices(marker) {
                let name: String = line[at + marker.len()..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                imports.push(name);
            }
        }
    }
    imports
}

#[test]
fn every_module_is_in_the_picture() {
    let pictured = modules();
    let mut files: Vec<String> = fs::read_dir("src")
        .expect("src")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("UTF-8"))
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| name != "lib")
        .collect();
    files.sort();
    let mut sorted = pictured.clone();
    sorted.sort();
    assert_eq!(sorted, files);
}

#[test]
fn imports_point_down_the_picture_only() {
    let modules = modules();
    for (place, module) in modules.iter().enumerate() {
        for import in imports(module) {
            assert!(modules[place + 1..].contains(&import), "{module} imports {import}");
        }
    }
}

#[test]
fn only_timestamp_knows_jiff() {
    for module in modules() {
        let knows = source(&module).lines().any(|line| line.starts_with("use jiff"));
        assert_eq!(knows, module == "timestamp", "{module}");
    }
}

#[test]
fn nothing_forbidden_stands_in_the_source() {
    for module in modules() {
        let text = source(&module);
        let code = text.split("#[cfg(test)]").next().expect("code");
        for forbidden in ["println!", "print!(", "{:?}", ".unwrap()", "unsafe ", "panic!(", "thread::sleep"] {
            assert!(!code.contains(forbidden), "{module}: {forbidden}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for module in modules() {
        assert!(source(&module).starts_with("//! "), "{module}");
    }
}
