//! The structure of the source: imports point down the list of modules in
//! `src/lib.rs`, and forbidden constructs don't occur.

use std::fs;

/// The modules in the order of the list in `src/lib.rs`. One in a folder is
/// written `folder::module`.
fn modules() -> Vec<String> {
    let text = fs::read_to_string("src/lib.rs").expect("src/lib.rs");
    let picture = text.split("```").nth(1).expect("a picture");
    let mut modules = Vec::new();
    let mut folder = String::new();
    for line in picture.lines().filter_map(|line| line.strip_prefix("//! ")) {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = line.split_whitespace().next() else { continue };
        if indent == 4 {
            modules.push(format!("{folder}::{name}"));
            continue;
        }
        name.clone_into(&mut folder);
        modules.push(name.to_owned());
    }
    modules
}

fn path(module: &str) -> String {
    let path = format!("src/{}.rs", module.replace("::", "/"));
    if fs::exists(&path).expect("src") { path } else { format!("src/{module}/mod.rs") }
}

fn source(module: &str) -> String {
    fs::read_to_string(path(module)).expect(module)
}

/// The modules of the crate that the code of `module` mentions.
fn imports(module: &str, modules: &[String]) -> Vec<String> {
    let text = source(module);
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut imports = Vec::new();
    for line in code {
        for marker in ["crate::", "httpmon::"] {
            for (at, _) in line.match_indices(marker) {
                let path = &line[at + marker.len()..];
                let longest =
                    modules.iter().filter(|name| path.starts_with(*name)).max_by_key(|name| name.len());
                imports.push(longest.unwrap_or_else(|| panic!("{module}: {line}")).clone());
            }
        }
    }
    imports
}

#[test]
fn every_module_is_in_the_picture() {
    let mut pictured: Vec<String> = modules().iter().map(|module| path(module)).collect();
    let mut files = vec![];
    for folder in ["src", "src/read", "src/time", "src/count", "src/write"] {
        let entries = fs::read_dir(folder).expect(folder).map(|entry| entry.expect("a file").path());
        files.extend(entries.filter(|path| path.is_file()).map(|path| path.display().to_string()));
    }
    files.retain(|file| file != "src/lib.rs");
    files.sort();
    pictured.sort();
    assert_eq!(pictured, files);
}

#[test]
fn imports_point_down_the_picture_only() {
    let modules = modules();
    for (index, module) in modules.iter().enumerate() {
        for import in imports(module, &modules) {
            let is_below = modules[index + 1..].contains(&import);
            let is_own_folder = module.starts_with(&format!("{import}::"));
            assert!(is_below || is_own_folder, "{module} imports {import}");
        }
    }
}

#[test]
fn only_what_reads_and_writes_times_knows_jiff() {
    for module in modules() {
        let knows = source(&module).lines().any(|line| line.starts_with("use jiff"));
        assert_eq!(
            knows,
            ["read::calendar", "read::timestamp", "write::event"].contains(&&*module),
            "{module}"
        );
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
