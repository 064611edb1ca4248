//! Whatever is typed is understood or refused in a sentence that is safe on a
//! terminal; what is understood is within its bounds.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use httpmon::cli::{self, Command};
use httpmon::options::OPTIONS;
use httpmon_fuzz::{Bytes, is_safe};
use libfuzzer_sys::fuzz_target;

/// 01 n is the nth option, 02 n its letter; a line is an argument.
fn arguments(data: &[u8]) -> Vec<OsString> {
    let bytes = &mut Bytes(data);
    let mut arguments = vec![Vec::new()];
    while !bytes.is_empty() {
        let argument = arguments.last_mut().expect("there is one");
        match bytes.next() {
            1 => argument.extend(format!("--{}", bytes.pick(&OPTIONS).long).bytes()),
            2 => argument.extend(format!("-{}", bytes.pick(&OPTIONS).short.unwrap_or('-')).bytes()),
            b'\n' => arguments.push(Vec::new()),
            0 => {}
            byte => argument.push(byte),
        }
    }
    arguments.into_iter().map(OsString::from_vec).collect()
}

fuzz_target!(|data: &[u8]| {
    let arguments = arguments(data);
    match cli::parse(arguments.clone()) {
        Err(error) => {
            let sentence = error.to_string();
            assert!(!sentence.is_empty() && !sentence.contains('\n'), "{sentence:?}");
            is_safe(&sentence);
        }
        Ok(Command::Help | Command::Version) => {}
        Ok(Command::Run(options)) => {
            let settings = &options.settings;
            let run = &settings.run;
            for limit in run.limits.of.into_iter().flatten() {
                assert!(limit.threshold.as_f64() > 0.0 && limit.threshold.as_f64() < 1e9);
                assert!(limit.recovery.as_f64() > 0.0 && limit.recovery.as_f64() < 1e9);
            }
            assert!((1..=7 * 86_400).contains(&run.limits.window));
            assert!((1..=366 * 86_400).contains(&run.interval));
            assert!((0..=3600).contains(&run.lateness));
            assert!((0..=366 * 86_400).contains(&settings.run.idle_timeout));
            assert!(settings.layout.delimiter.is_none_or(|byte| b",;|\t ".contains(&byte)));
            // The last of a repeated option wins.
            if !arguments.iter().any(|argument| argument == "--") {
                let twice = [arguments.clone(), arguments].concat();
                let Ok(Command::Run(again)) = cli::parse(twice) else { panic!("not understood twice") };
                assert_eq!(format!("{again:?}"), format!("{options:?}"));
            }
        }
    }
});
