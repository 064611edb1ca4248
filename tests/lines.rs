//! Lines and records: line ends, byte order marks and NUL bytes, quotes,
//! skipped and malformed lines, diagnostics and `--rejects`. Compares the fast
//! way with the general way.

mod common;

use common::{Ran, Random, Step, TODAY, filter, record, run};
use httpmon::monitor::Outcome;
use httpmon::read::blanks::{BlankSplitter, Start};
use httpmon::read::columns::{Columns, Width};
use httpmon::read::plain::PlainReader;
use httpmon::read::record::Splitter;
use httpmon::read::request::read_request;
use httpmon::read::timestamp::{TimeReader, Zone};
use serde_json::Value;

/// The requests, malformed and skipped lines of a log.
fn counts(input: impl AsRef<[u8]>) -> (u64, u64, u64) {
    let ran = filter(&[], input);
    let mut sums = (0, 0, 0);
    for event in &ran.events {
        let event: Value = serde_json::from_str(event).expect("JSON");
        let count = |field: &str| event[field].as_u64().expect("a count");
        sums.0 += count("requests");
        sums.1 += count("malformed");
        sums.2 += count("skipped");
    }
    sums
}

/// A plain record with `filler` before it and `end` as its line end.
fn line(filler: &str, end: &str) -> Vec<u8> {
    [filler.as_bytes(), record(1000).trim_end().as_bytes(), end.as_bytes()].concat()
}

#[test]
fn a_line_ends_with_lf_or_crlf_and_the_last_one_also_with_cr_or_nothing() {
    for end in ["\n", "\r\n"] {
        assert_eq!(counts(line("", end).repeat(3)), (3, 0, 0), "{end:?}");
    }
    for end in ["\r", ""] {
        assert_eq!(counts([line("", "\n"), line("", end)].concat()), (2, 0, 0), "{end:?}");
    }
    assert_eq!(counts([line("", "\n"), b"\r".to_vec()].concat()), (1, 0, 1));
}

#[test]
fn any_other_cr_is_a_byte_like_any_other() {
    let log = b"h,-,-,1000,GET /a\rb/c HTTP/1.1,200,1\n\rh,-,-,1000,GET / HTTP/1.1,200,1\r\r\n";
    let ran = filter(&[], log);
    assert!(ran.events[0].contains("\"section\":\"/a\u{FFFD}b\""), "{}", ran.events[0]);
    assert!(ran.diagnostics.contains("line 2: bytes: not a number: \"1\\r\""), "{}", ran.diagnostics);
}

#[test]
fn nuls_and_byte_order_marks_at_the_start_of_a_line_are_dropped() {
    for filler in ["\0", "\0\0\0\0\0\0\0\0\0\0", "\u{FEFF}", "\0\u{FEFF}\0", "\u{FEFF}\u{FEFF}"] {
        let log = line(filler, "\n");
        assert_eq!(counts(&log), (1, 0, 0), "{filler:?}");
        let bytes: Vec<Step> = log.iter().map(|&byte| Step::Bytes(vec![byte])).collect();
        assert_eq!(run(&[], &bytes, TODAY).events.len(), 1, "{filler:?} byte by byte");
    }
    assert_eq!(counts([line("", "\n"), b"\0\0\0\n\0\0".to_vec()].concat()), (1, 0, 2));
}

#[test]
fn a_nul_inside_a_line_is_a_byte_like_any_other() {
    assert_eq!(
        counts(b"h,-,-,1000,GET /\0 HTTP/1.1,200,1\nh,-,-,10\x0000,GET / HTTP/1.1,200,1\n"),
        (1, 1, 0)
    );
}

/// A record whose line is `length` bytes long.
fn long_record(length: usize, end: &str) -> Vec<u8> {
    let (head, tail) = ("h,-,-,1000,GET /", " HTTP/1.1,200,1");
    let path = "x".repeat(length - head.len() - tail.len());
    format!("{head}{path}{tail}{end}").into_bytes()
}

#[test]
fn a_line_of_262144_bytes_is_read_and_a_longer_one_is_malformed() {
    for end in ["\n", "\r\n", "\r", ""] {
        for (filler, length, expected) in [
            ("", 262_144, (2, 0, 0)),
            ("", 262_145, (1, 1, 0)),
            ("", 300_000, (1, 1, 0)),
            ("\0\u{FEFF}", 262_144, (2, 0, 0)),
        ] {
            let log = [line("", "\n"), filler.as_bytes().to_vec(), long_record(length, end)].concat();
            assert_eq!(counts(&log), expected, "{length} {end:?}");
            for size in [1000, 262_144, 262_145, 262_146] {
                let pieces: Vec<Step> = log.chunks(size).map(|piece| Step::Bytes(piece.to_vec())).collect();
                let ran = run(&[], &pieces, TODAY);
                assert_eq!(ran.events, filter(&[], &log).events, "{length} {end:?} in pieces of {size}");
            }
        }
    }
}

#[test]
fn a_byte_order_mark_may_come_in_pieces_before_a_line_of_any_length() {
    for line in [long_record(262_144, "\n"), [vec![0; 200_000], line("", "\n")].concat(), line("", "\n")] {
        for cut in [1, 2] {
            let marked = [b"\xEF\xBB\xBF".to_vec(), line.clone()].concat();
            let (head, tail) = marked.split_at(cut);
            let (middle, tail) = tail.split_at(1);
            for pieces in [vec![head, middle, tail], vec![head, &marked[cut..]]] {
                let steps: Vec<Step> = pieces.iter().map(|piece| Step::Bytes(piece.to_vec())).collect();
                let ran = run(&[], &steps, TODAY);
                assert_eq!((ran.events.len(), ran.diagnostics.as_str()), (1, ""), "{} {cut}", line.len());
            }
        }
    }
}

#[test]
fn half_a_byte_order_mark_is_not_dropped() {
    let log = [b"\xEF\xBB".to_vec(), vec![b'x'; 300_000], b"\n".to_vec(), line("", "\n")].concat();
    for size in [1, 2, 3, 262_144] {
        let pieces: Vec<Step> = log.chunks(size).map(|piece| Step::Bytes(piece.to_vec())).collect();
        assert_eq!(run(&[], &pieces, TODAY).events, filter(&[], &log).events, "{size}");
    }
}

#[test]
fn reading_resumes_at_the_end_of_a_long_line() {
    let log = [vec![b'x'; 10_000_000], b"\n".to_vec(), line("", "\n")].concat();
    assert_eq!(counts(log), (1, 1, 0));
}

#[test]
fn an_overlong_line_is_malformed_even_if_it_is_blank() {
    let blank = [vec![b' '; 262_145], b"\n".to_vec(), line("", "\n")].concat();
    assert_eq!(counts(blank), (1, 1, 0));
}

#[test]
fn blank_lines_headers_and_names_of_files_are_skipped_wherever_they_stand() {
    let header = "\"remotehost\",\"rfc931\",\"authuser\",\"date\",\"request\",\"status\",\"bytes\"\n";
    let log = format!("{header}\n \t \n{}{header}\r\n{header}==> stdin <==\n{}", record(1000), record(1000));
    assert_eq!(counts(log), (2, 0, 7));
}

#[test]
fn a_quote_left_open_costs_one_line() {
    let log = format!("\"h,-,-,1000,GET / HTTP/1.1,200,1\n{}", record(1000));
    assert_eq!(counts(log), (1, 1, 0));
}

#[test]
fn a_backslash_escapes_a_quote_only_if_the_line_is_unreadable_otherwise() {
    let escaped = r#""h","-","-",1000,"GET /\"a,b\"/c HTTP/1.1",200,1"#;
    let ran = filter(&[], format!("{}{escaped}\n", record(1000)));
    assert!(ran.events[0].contains(r#""section":"/\"a,b\"""#), "{}", ran.events[0]);
    // A good record is not read again with the escape character.
    let good = r#""h","-","-",1000,"GET /a\",200,1"#;
    let ran = filter(&[], format!("{good}\n"));
    assert!(ran.events[0].contains(r#""section":"/a\\""#), "{}", ran.events[0]);
}

#[test]
fn quotes_are_read_as_the_csv_crate_reads_them() {
    let ran = filter(&[], "\"h\"x,-,-,1000,\"GET /\"\"a\"\"/b HTTP/1.1\",\"200\",1\n");
    assert!(ran.events[0].contains(r#""host":"hx""#) && ran.events[0].contains(r#""section":"/\"a\"""#));
    let ran = filter(&[], "h\"x\",-,-,1000,GET /a\"b HTTP/1.1,200,1\n");
    assert!(ran.events[0].contains(r#""host":"h\"x\"""#) && ran.events[0].contains(r#""section":"/a\"b""#));
}

#[test]
fn splitting_agrees_with_the_csv_crate_on_every_line() {
    let random = &mut Random::new(1);
    let mut unclosed = 0;
    for _ in 0..20_000 {
        // Some lines have more fields than a splitter has memory for at first.
        let most = if random.one_in(10) { 600 } else { 30 };
        let length = random.below(most);
        let line: Vec<u8> = (0..=length).map(|_| *random.pick(b"ab,,\"\"\\;\t \r\xFF1")).collect();
        for (escape, mut splitter) in [(None, Splitter::new(b',')), (Some(b'\\'), Splitter::escaping(b','))] {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .terminator(csv::Terminator::Any(b'\n'))
                .escape(escape)
                .from_reader([&line[..], b"\nrest\n"].concat().leak() as &[u8]);
            let mut expected = csv::ByteRecord::new();
            reader.read_byte_record(&mut expected).expect("bytes");
            let spills = expected.iter().any(|field| field.contains(&b'\n'));
            let found = splitter.split(&line);
            assert_eq!(found.is_err(), spills, "{:?}", line.escape_ascii().to_string());
            if let Ok(found) = found {
                let trimmed = expected.iter().map(httpmon::read::record::trim);
                assert!(found.fields().eq(trimmed), "{:?}", line.escape_ascii().to_string());
            } else {
                unclosed += 1;
            }
        }
    }
    assert!(unclosed > 500);
}

/// A quoted request line, with more quotes anywhere.
fn quoting_line(random: &mut Random) -> Vec<u8> {
    let line = random.pick(&[
        "GET /a/b HTTP/1.1",
        "POST /a HTTP/1.1",
        "GET /a?b/c",
        "GET  /x /y HTTP/1.0 ",
        "GET",
        "* /",
    ]);
    let mut text = b"\"".to_vec();
    for &byte in line.as_bytes() {
        if random.one_in(12) {
            let quotes: &[u8] = random.pick::<&[u8]>(&[b"\"\"", b"\\\"", b"\"", b"\" ", b"\"\"\"\"", b" \""]);
            text.extend_from_slice(quotes);
        }
        text.push(byte);
    }
    let end: &[u8] = random.pick::<&[u8]>(&[b"\"", b"\"", b"\"", b"\"x", b"\" ", b"\"\"\"", b"", b"\"\""]);
    text.extend_from_slice(end);
    text
}

#[test]
fn the_plain_way_agrees_with_the_general_way_on_every_line() {
    let random = &mut Random::new(2);
    let lists = [
        "host,-,user,time,request,status,bytes",
        "host,-,user,time,request,status,bytes,latency",
        "latency_ms,time,method,path",
        "path,time,status",
        "bytes,host,time",
    ];
    let pieces: [&[u8]; 29] = [
        b"0.123",
        b"\"12.5\"",
        b"31ms",
        b"1549573860",
        b"1549573860",
        b"1549573860",
        b"\"1549573860\"",
        b"154957386a",
        b"15495738600",
        b"200",
        b"200",
        b"\"200\"",
        b"20",
        b"2000",
        b"-",
        b"",
        b"  ",
        b" 5 ",
        b"GET /a/b HTTP/1.1",
        b"\"GET /a?b HTTP/1.1\"",
        b"/x/y",
        b"GET",
        b"\"a\"\"b\"",
        b"\"a\"b",
        b"a\"b",
        b"\"a,b\"",
        b"\"  \" /  x",
        b"\" GET /a/\"b HTTP/1.1\"",
        b"999999999999999999",
    ];
    let mut splitters = (Splitter::new(b','), Splitter::new(b';'));
    let mut read = 0;
    for round in 0..200_000 {
        let list = *random.pick(&lists);
        let columns = Columns::from_list(list).expect("a list of columns");
        let delimiter = *random.pick(b",;");
        let width = if random.one_in(4) {
            random.within(1, 9)
        } else {
            list.split(',').count().try_into().expect("small")
        };
        let odd = random.one_in(2);
        let fields: Vec<Vec<u8>> =
            (0..width)
                .map(|_| {
                    if odd && random.one_in(3) { quoting_line(random) } else { random.pick(&pieces).to_vec() }
                })
                .collect();
        let line = fields.join(&delimiter);
        if line.is_empty() {
            continue;
        }
        let mut times = TimeReader::new(Zone::utc());
        let mut reader = PlainReader::new(&columns, delimiter);
        let end = if random.one_in(4) { &b"\r\n"[..] } else { b"\n" };
        // Neither the text after a line nor an earlier reading changes the
        // result.
        let next = random.pick(&pieces);
        let text = [&line, end, next].concat();
        let Some((second, request, rest)) = reader.read(&text, &mut times) else { continue };
        assert_eq!(rest, *next, "round {round}: {:?}", text.escape_ascii().to_string());
        assert_eq!(reader.read(&text, &mut times), Some((second, request, rest)), "round {round}, again");
        assert_eq!(
            reader.read(&text[..text.len() - next.len() - 1], &mut times),
            None,
            "round {round}: no newline"
        );
        let found = (second, request);
        let splitter = if delimiter == b',' { &mut splitters.0 } else { &mut splitters.1 };
        let record = splitter.split(&line).expect("no open quote");
        let expected = read_request(&record, &columns, &mut times);
        assert_eq!(Ok(found), expected, "round {round}: {:?}", line.escape_ascii().to_string());
        read += 1;
    }
    assert!(read > 10_000, "{read}");
}

#[test]
fn the_plain_way_agrees_with_the_general_way_on_lines_between_blanks() {
    let random = &mut Random::new(3);
    let hosts: [&str; 9] = ["10.0.0.1", "10.0.0.1", "::1", "-", "", "\"h", "[h", "h]", "v:80 h"];
    let idents: [&str; 7] = ["-", "-", "-", "-", "x", "\"-\"", "- -"];
    let users: [&str; 10] = ["-", "-", "mary", "u v", "", "u\tv", "u]", "[u", "[u] \"", "\"u\""];
    let times: [&str; 8] = [
        "[07/Feb/2019:21:11:00 +0000]",
        "[07/Feb/2019:21:11:00 +0000]",
        "[07/Feb/2019:21:11:01 +0000]",
        "[07/Feb/2019:21:11:00]",
        "1549573860",
        "[a [b]",
        "[07/Feb/2019:21:11:00 +0000",
        "[07/Feb/2019:21:11:00 +0000]x",
    ];
    let requests: [&str; 9] = [
        "\"GET /a/b HTTP/1.1\"",
        "\"GET /a/b HTTP/1.1\"",
        "\"POST /a?b HTTP/1.0\"",
        "\" GET  /a \"",
        "\"\"",
        "\"-\"",
        "\"GET /\\\"a\\\" HTTP/1.1\"",
        "\"\\x16\\x03\"",
        "\"GET /\\\\\"",
    ];
    let numbers: [&str; 9] = ["200", "200", "404", "5", "-", "", "123456789012", "\"200\"", "2oo"];
    let agents: [&str; 9] =
        ["\"-\"", "\"Mozilla/5.0 (X11)\"", "\"a\\\"b\"", "\"a", "[a", "a\t\"b", "x", "\"a\"b", ""];
    let mut splitter = BlankSplitter::default();
    let columns = Columns::default();
    let mut read = 0;
    for round in 0..200_000 {
        let is_usual = random.one_in(2);
        let mut pick = |choices: &[&str]| {
            let first = if is_usual && !random.one_in(6) { &choices[..2] } else { choices };
            (*random.pick(first)).to_owned()
        };
        let mut fields = vec![pick(&hosts), pick(&idents), pick(&users), pick(&times), pick(&requests)];
        fields.extend([pick(&numbers), pick(&numbers)]);
        for _ in 0..random.below(4) {
            fields.push((*random.pick(&agents)).to_owned());
        }
        let line = fields.join(" ");
        let end = if random.one_in(4) { "\r\n" } else { "\n" };
        let next =
            *random.pick(&["- - [", "\"", "x - - [07/Feb/2019:21:11:00 +0000] \"GET / HTTP/1.1\" 200 5\n"]);
        let text = [&line, end, next].concat();
        let mut times = TimeReader::new(Zone::utc());
        let mut reader = PlainReader::new(&columns, b' ');
        let mut starts = vec![Start::Usual, Start::Before(3), Start::Fields];
        if random.one_in(2) {
            reader = reader.with_virtual_hosts();
            starts.truncate(1);
        }
        let Some((second, request, rest)) = reader.read(text.as_bytes(), &mut times) else { continue };
        assert_eq!(rest, next.as_bytes(), "round {round}: {line}");
        let again = reader.read(text.as_bytes(), &mut times);
        assert_eq!(again, Some((second, request, rest)), "round {round}, again: {line}");
        for start in starts {
            let record = splitter.split(line.as_bytes(), start).expect("no open quote");
            let expected = read_request(&record, &columns, &mut times);
            assert_eq!(Ok((second, request)), expected, "round {round}: {start:?}: {line}");
        }
        read += 1;
    }
    assert!(read > 20_000, "{read}");
}

#[test]
fn the_plain_way_agrees_with_the_general_way_on_any_columns_between_blanks() {
    let random = &mut Random::new(4);
    let lists = [
        "date,time,host,method,path,status,bytes,latency_ms",
        "host,date,time,request,status",
        "time,host,request,status,bytes",
        "-,time,host,bytes,status,latency,request,user",
        "host,-,user,time,request,status,bytes,-,-,latency",
        "host,-,-,-,request,status,time",
        "time,date,host,path",
        "date,host,time,path",
    ];
    let dates: [&str; 7] =
        ["2026-11-30", "2026-11-30", "", "\"2026-11-30\"", "-", "2026-11-30T10:00:00", "x"];
    let times: [&str; 11] = [
        "10:00:00",
        "10:00:00",
        "2026-11-30T10:00:00.123Z",
        "1549573860",
        "1549573860.123",
        "[07/Feb/2019:21:11:00 +0000]",
        "\"2026-11-30 10:00:00\"",
        "\"10:00:00\"",
        "[a] b",
        "10:00",
        "+01:00",
    ];
    let texts: [&str; 14] = [
        "10:00:00",
        "\"a [b\"",
        "-",
        "x",
        "10.0.0.1",
        "\"a b\"",
        "",
        "[x]",
        "\"a [x] \"",
        "x]",
        "\"a\\\"b\"",
        "\"a\"b",
        "\"",
        "\"\\x\"",
    ];
    let requests: [&str; 7] = [
        "\"GET /a/b HTTP/1.1\"",
        "GET",
        "/x?y",
        "\"POST /a\"",
        "\" GET /a \"",
        "\"GET /\\x16\"",
        "\"GET /a\\x16b/c HTTP/1.1\"",
    ];
    let numbers: [&str; 8] = ["200", "404", "5", "-", "\"200\"", "0.125", "17", "2oo"];
    let mut splitter = BlankSplitter::default();
    let mut read = [0; 8];
    for round in 0..200_000 {
        let index = usize::try_from(random.below(8)).expect("one of them");
        let list = lists[index];
        let mut columns = Columns::from_list(list).expect("columns");
        let is_odd = random.one_in(2);
        let mut fields: Vec<&str> = Vec::new();
        for role in list.split(',') {
            let (usual, all) = match role {
                "date" => (&dates[..2], &dates[..]),
                "time" if columns.date.is_some() => (&times[..2], &times[..]),
                "time" => (&times[2..7], &times[..]),
                "request" | "method" | "path" => (&requests[..4], &requests[..]),
                "status" | "bytes" | "latency" | "latency_ms" => (&numbers[..3], &numbers[..]),
                _ => (&texts[2..5], &texts[..]),
            };
            let choices = if is_odd && random.one_in(4) { all } else { usual };
            fields.push(*random.pick(choices));
        }
        for _ in 0..random.below(3) {
            fields.push(*random.pick(&texts));
        }
        if random.one_in(3) {
            columns.width = Width::Exactly(fields.len());
        }
        let (blank, end) =
            (if random.one_in(9) { "\t" } else { " " }, if random.one_in(4) { "\r\n" } else { "\n" });
        let line = fields.join(blank);
        let text = [&line, end, "\""].concat();
        let mut times = TimeReader::new(Zone::utc());
        let mut reader = PlainReader::new(&columns, b' ');
        let Some((second, request, rest)) = reader.read(text.as_bytes(), &mut times) else { continue };
        assert_eq!(rest, b"\"", "round {round}: {line}");
        let again = reader.read(text.as_bytes(), &mut times);
        assert_eq!(again, Some((second, request, rest)), "round {round}, again: {line}");
        let before = columns.date.is_none().then_some(Start::Before(columns.time));
        for start in before.into_iter().chain([Start::Fields]) {
            let record = splitter.split(line.as_bytes(), start).expect("no open quote");
            let expected = read_request(&record, &columns, &mut times);
            assert_eq!(Ok((second, request)), expected, "round {round}: {start:?}: {line} with {list}");
        }
        read[index] += 1;
    }
    assert!(read[..6].iter().all(|&read| read > 3000) && read[6..] == [0, 0], "{read:?}");
}

fn diagnostics(ran: &Ran) -> Vec<&str> {
    ran.diagnostics.lines().collect()
}

#[test]
fn a_malformed_line_is_reported_with_its_number_its_field_and_the_offending_text() {
    let log = format!(
        "{}h,-,-,1000,GET / HTTP/1.1,2oo,5\nh,-,-,x\x1b[31m\"y,GET / HTTP/1.1,200,5\n1,2\n\"\nh,-,-,1000,x,200,-5\n\
         h,-,-,1000,x,1000,5\n",
        record(1000)
    );
    assert_eq!(
        diagnostics(&filter(&[], log)),
        [
            "httpmon: line 2: status: not a number: \"2oo\"",
            "httpmon: line 3: time: not a time: \"x\\x1b[31m\\\"y\"",
            "httpmon: line 4: 2 fields, at least 7 are needed",
            "httpmon: line 5: unclosed quote",
            "httpmon: line 6: bytes: not a number: \"-5\"",
            "httpmon: line 7: status: not from 0 to 999: \"1000\"",
            "httpmon: 6 of 7 lines were malformed",
        ]
    );
}

#[test]
fn offending_text_is_shortened() {
    let log = format!("{}h,-,-,{},x,200,5\n", record(1000), "y".repeat(1000));
    let ran = filter(&[], log);
    assert_eq!(diagnostics(&ran)[0], format!("httpmon: line 2: time: not a time: \"{}...\"", "y".repeat(60)));
}

#[test]
fn only_the_first_ten_malformed_lines_are_shown_at_once() {
    let log = format!("{}{}", record(1000), "nonsense\n".repeat(1000));
    let ran = filter(&[], &log);
    assert_eq!(diagnostics(&ran).len(), 11);
    assert_eq!(diagnostics(&ran)[10], "httpmon: 1000 of 1001 lines were malformed");
    assert_eq!(filter(&["-q"], &log).diagnostics, "");
}

#[test]
fn there_are_no_diagnostics_when_all_is_well() {
    assert_eq!(filter(&[], record(1000).repeat(1000)).diagnostics, "");
}

#[test]
fn a_bracket_in_a_user_name_does_not_change_the_time() {
    // If user and time were read as one field, the request would be the time
    // and the referer the byte count.
    let usual = "10.0.0.1 - - [07/Feb/2019:21:11:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\"\n";
    for start in ["192.0.2.66 - [u", "v:80 192.0.2.66 - [u", "192.0.2.66 - [u v", "[192.0.2.66 - u"] {
        let forged = format!(
            "{start} [07/Feb/2019:21:11:00 +0000] \"4102444800\" 404 5 \"5\" \"curl\" \"200\" \"7\"\n"
        );
        for columns in [&[][..], &["--columns", "host,-,user,time,request,status,bytes"]] {
            if start.starts_with('v') && !columns.is_empty() {
                continue;
            }
            let ran = filter(columns, [usual, usual, &forged, &forged].concat());
            let expected = "\"status_codes\":{\"200\":2,\"404\":2}";
            let is_so = ran.events[0].contains("\"future\":0") && ran.events[0].contains(expected);
            assert!(is_so, "{start} {columns:?}: {:?}", ran.events);
        }
    }
}

#[test]
fn nuls_where_a_time_should_be_are_no_time() {
    // A hole of NUL bytes in the middle of a line.
    for time in ["2019-02-07T21:11:00Z", "07/Feb/2019:21:11:00 +0000", "1549573860123"] {
        let good = format!("h,-,-,{time},GET / HTTP/1.1,200,5\n");
        for more in [1, 2, 10] {
            let hole = format!("h,-,-,{}GET / HTTP/1.1,200,5\n", "\0".repeat(time.len() + more));
            let ran = filter(&[], [&good, &good, &hole, &hole, &good].map(String::as_str).concat());
            assert!(ran.events.iter().any(|event| event.contains("\"requests\":3,")), "{:?}", ran.events);
            assert!(ran.diagnostics.contains("2 of 5 lines were malformed"), "{time}: {}", ran.diagnostics);
        }
    }
}

#[test]
fn rejects_are_the_malformed_lines_byte_for_byte() {
    let long = "z".repeat(300_000);
    let log = format!("{}\0\u{FEFF}bad\0\r\n\n\"open\n{long}\r\n{}last\r", record(1000), record(1001));
    let ran = filter(&["--rejects", "x"], log);
    let expected = format!("bad\0\r\n\"open\n{}\nlast\r", "z".repeat(262_144));
    assert_eq!(ran.rejects, expected.as_bytes());
    assert_eq!(filter(&["--rejects", "x"], format!("{}last", record(1000))).rejects, b"last\n");
}

#[test]
fn rejects_are_kept_up_to_their_size_and_counted_after_it() {
    // The lines have 4, 6 and 3 bytes with their ends.
    let log = format!("{}bad\nworse\n\"o\nlast", record(1000));
    for (size, kept, left_out) in
        [("13", "bad\nworse\n\"o\n", 1), ("12", "bad\nworse\n", 2), ("9", "bad\n", 3), ("3", "", 4)]
    {
        let arguments = ["--rejects", "x", "--rejects-max", size];
        let ran = filter(&arguments, &log);
        assert_eq!(ran.rejects, kept.as_bytes(), "{size}");
        let first = 6 - left_out;
        let full = format!(
            "httpmon: line {first}: --rejects-max: this malformed line and those after it are not kept"
        );
        let last = format!("httpmon: --rejects-max: {left_out} malformed lines were not kept");
        let lines = diagnostics(&ran);
        assert_eq!(lines.iter().filter(|line| **line == full).count(), 1, "{lines:?}");
        assert_eq!(lines.last(), Some(&last.as_str()), "{lines:?}");
        assert!(ran.events[0].contains("\"malformed\":4"), "{size}: they are counted");
        assert_eq!(filter(&[&arguments[..], &["-q"]].concat(), &log).diagnostics, "");
    }
    let ran = filter(&["--rejects", "x", "--rejects-max", "1K"], &log);
    assert_eq!(ran.rejects, b"bad\nworse\n\"o\nlast\n");
    assert!(!ran.diagnostics.contains("rejects-max"), "{}", ran.diagnostics);
}

#[test]
fn a_log_without_a_readable_line_is_unreadable() {
    let ran = filter(&[], "\x7fELF\x02\x01\n\x00garbage\n");
    assert_eq!(ran.outcome, Outcome::Unreadable);
    let problem = "line 1: 1 field, at least 7 are needed";
    let advice = "name the columns, like --columns host,-,user,time,request,status,bytes";
    let lines = diagnostics(&ran);
    assert_eq!(lines[0], format!("httpmon: {problem}; {advice}"));
    // Advice is given once.
    assert_eq!(lines[3], format!("httpmon: no line could be read as a record; the first problem: {problem}"));
    let quiet = filter(&["-q"], "\x7fELF\x02\x01\n").diagnostics;
    assert_eq!(
        quiet,
        format!("httpmon: no line could be read as a record; the first problem: {problem}; {advice}\n")
    );
    assert_eq!(filter(&["-q"], "garbage\n").diagnostics.lines().count(), 1);
    for empty in ["", "\n\n", "host,time\n"] {
        let ran = filter(&[], empty);
        assert_eq!(
            (ran.outcome, ran.events.len(), ran.diagnostics.len()),
            (Outcome::Readable, 0, 0),
            "{empty:?}"
        );
    }
}

#[test]
fn many_late_requests_are_reported_with_the_lateness_that_would_have_kept_them() {
    let log: String = (0..50).map(|i| record(1000 + i * 30) + &record(1000 + i * 30 - 17)).collect();
    let ran = filter(&[], &log);
    assert_eq!(
        ran.diagnostics,
        "httpmon: 50 of 100 requests came late (50.0 %); --lateness 17s is enough for them\n"
    );
    assert_eq!(filter(&["--lateness", "17s"], &log).diagnostics, "");
    assert_ne!(filter(&["--lateness", "16s"], &log).diagnostics, "");
}

#[test]
fn the_lateness_that_would_have_kept_a_suspect_is_that_of_its_arrival() {
    let ran = filter(&[], [1000, 870, 1030].map(record).concat());
    assert!(ran.diagnostics.ends_with("; --lateness 130s is enough for them\n"), "{}", ran.diagnostics);
    let ran = filter(&["-l", "130s"], [1000, 870, 1030].map(record).concat());
    assert_eq!(ran.diagnostics, "");
    let ran = filter(&[], [10_000, 6_420, 10_030].map(record).concat());
    assert!(ran.diagnostics.ends_with("; --lateness 3580s is enough for them\n"), "{}", ran.diagnostics);
    let ran = filter(&[], [10_000, 6_399, 10_030].map(record).concat());
    let advice = "the longest --lateness, 1h, is too short: sort the log by time first";
    assert!(ran.diagnostics.contains(advice), "{}", ran.diagnostics);
}

#[test]
fn one_late_request_in_a_hundred_is_not_reported() {
    let log = |on_time| record(1000).repeat(on_time) + &record(1020) + &record(1003);
    assert_eq!(filter(&[], log(98)).diagnostics, "");
    assert_ne!(filter(&[], log(97)).diagnostics, "");
}

#[test]
fn requests_made_late_by_silence_are_reported_with_the_idle_timeout_that_would_have_kept_them() {
    let steps = |idle| {
        vec![
            Step::Bytes(record(1000).into_bytes()),
            Step::Idle(idle),
            Step::Bytes([record(1001), record(1002)].concat().into_bytes()),
        ]
    };
    let ran = run(&[], &steps(30), 1000);
    assert_eq!(
        ran.diagnostics,
        "httpmon: records came late after silence, so the server buffers its log: the idle timeout is now 24s \
         (set it with --idle-timeout 24s)\n\
         httpmon: 2 of 3 requests came late (66.7 %); 2 came after silence, --idle-timeout 24s is enough \
         for them\n"
    );
    assert_eq!(run(&["--idle-timeout", "24s"], &steps(30), 1000).diagnostics, "");
    assert_ne!(run(&["--idle-timeout", "23s"], &steps(30), 1000).diagnostics, "");
}
