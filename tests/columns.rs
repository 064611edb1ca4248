//! Columns, delimiters, times and odd values, as real servers write them.

mod common;

use std::fmt::Write as _;

use common::{Random, filter};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;

/// The summaries of a log.
fn summaries(arguments: &[&str], log: &str) -> Vec<Value> {
    let ran = filter(arguments, log);
    assert_eq!(ran.diagnostics, "", "{log}");
    ran.events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

/// The only summary of a log.
fn summary(arguments: &[&str], log: &str) -> Value {
    let mut all = summaries(arguments, log);
    assert_eq!(all.len(), 1, "{log}");
    all.remove(0)
}

const SYNONYMS: [(&str, &str); 8] = [
    (
        "host",
        "remotehost remoteaddr remoteip clientip cip idorigh sourceip srcip ipaddress requestip clienthost ip \
         client host",
    ),
    ("user", "authuser remoteuser user username"),
    (
        "time",
        "timestamp datetime timelocal timeiso8601 timegenerated timemicros time date epoch ts requestdatetime \
         edgestarttimestamp startutc",
    ),
    ("request", "request requestline"),
    ("method", "method requestmethod httpmethod methodhttp verb csmethod clientrequestmethod"),
    (
        "path",
        "path url uri requesturi requesturl urlpath csuristem csuri desturl endpoint target requestpath \
         clientrequesturi",
    ),
    (
        "status",
        "status statuscode codestatus responsecode httpresponse httpstatus scstatus response code elbstatuscode \
         edgeresponsestatus downstreamstatus httpstatuscode",
    ),
    (
        "bytes",
        "bytes bodybytessent bytessent size responsesize responsebodylen scbytes sentbytes responsebytes \
         edgeresponsebytes downstreamcontentsize",
    ),
];

fn synonyms(role: &str) -> Vec<&'static str> {
    let (_, names) = SYNONYMS.iter().find(|(named, _)| *named == role).expect("a role");
    names.split(' ').collect()
}

/// Asserts that a header of `names` gives `role` the column that holds the
/// value for it.
fn assert_role(role: &str, names: &[String], values: &[&str]) {
    let log = format!("{}\n{}\n", names.join(","), values.join(","));
    let event = summary(&[], &log);
    match role {
        "host" => assert_eq!(event["hosts"][0]["host"], "h", "{log}"),
        "time" => assert_eq!(event["start"], "1970-01-01T00:16:40Z", "{log}"),
        "request" | "method" => assert_eq!(event["methods"]["PUT"], 1, "{log}"),
        "path" => assert_eq!(event["sections"][0]["section"], "/p", "{log}"),
        "status" => assert_eq!(event["status_codes"]["418"], 1, "{log}"),
        "bytes" => assert_eq!(event["bytes"], 77, "{log}"),
        "user" => assert_eq!(event["requests"], 1, "{log}"),
        _ => unreachable!(),
    }
}

fn value(role: &str) -> &'static str {
    match role {
        "host" => "h",
        "time" => "1000",
        "request" => "PUT /p/x HTTP/1.1",
        "method" => "PUT",
        "path" => "/p/x",
        "status" => "418",
        "bytes" => "77",
        _ => "x",
    }
}

#[test]
fn every_synonym_of_every_role_names_its_column_in_any_spelling() {
    for (role, _) in SYNONYMS {
        for name in synonyms(role) {
            let (head, tail) = name.split_at(name.len() / 2);
            for spelling in [
                name.to_owned(),
                name.to_uppercase(),
                format!("{head}_{tail}"),
                format!(" {head}-{tail}\t"),
                format!("{head} {tail}"),
                format!("{head}.{tail}"),
                format!("@{name}"),
                format!("x.y.{name}"),
                format!("{name} [UTC]"),
            ] {
                if role == "time" {
                    assert_role(role, &["status".into(), spelling], &["200", "1000"]);
                } else {
                    assert_role(role, &["epoch".into(), spelling], &["1000", value(role)]);
                }
            }
        }
    }
}

#[test]
fn the_earlier_synonym_wins_wherever_it_stands() {
    for (role, _) in SYNONYMS {
        let names = synonyms(role);
        for pair in names.windows(2) {
            if pair == ["time", "date"] || role == "user" {
                continue;
            }
            let other = if role == "time" { "status" } else { "epoch" };
            let good = if role == "time" { "200" } else { "1000" };
            let (wrong, right) = (if role == "time" { "5000000" } else { "1" }, value(role));
            let names = |a: &str, b: &str| vec![other.to_owned(), a.to_owned(), b.to_owned()];
            assert_role(role, &names(pair[0], pair[1]), &[good, right, wrong]);
            assert_role(role, &names(pair[1], pair[0]), &[good, wrong, right]);
        }
    }
}

#[test]
fn a_date_and_a_time_are_joined_unless_an_earlier_name_is_there() {
    let start = |header: &str, record: &str| summary(&[], &format!("{header}\n{record}\n"))["start"].clone();
    assert_eq!(start("date,time", "2019-02-07,21:11:03"), "2019-02-07T21:11:00Z");
    assert_eq!(start("time,date", " 21:11:03 +01:00 , 2019-02-07 "), "2019-02-07T20:11:00Z");
    assert_eq!(start("date,time,timestamp", "x,y,1000"), "1970-01-01T00:16:40Z");
    assert_eq!(start("date,status", "1000,200"), "1970-01-01T00:16:40Z");
    assert_eq!(start("date,time", ",1000"), "1970-01-01T00:16:40Z");
    assert_eq!(start("date,time,epoch", "2019-02-07,21:11:03,1000"), "2019-02-07T21:11:00Z");
}

#[test]
fn a_header_has_two_names_one_of_them_a_time_and_no_number_or_time() {
    let is_header = |line: &str| filter(&[], format!("{line}\n")).diagnostics.is_empty();
    let spread = format!("time,s{}tatus", " _- ".repeat(100));
    for header in [
        "time,status",
        "x,date,y,user",
        "ts;code",
        "epoch\tip",
        "Date|Bytes",
        "time,status,5.,.5,+,5-",
        &spread,
    ] {
        assert!(is_header(header), "{header:?}");
    }
    for other in [
        "time",
        "status,bytes",
        "time,x",
        "time,status,5",
        "time,status,-5.25",
        "time,status,+7",
        "time,status,2019-02-07T21:11:00Z",
    ] {
        assert!(!is_header(other), "{other:?}");
    }
}

#[test]
fn another_header_maps_the_columns_anew() {
    let event = summary(&[], "time,status\n1000,200\nstatus,time,bytes\n404,1001,7\ntime,status\n1002,500\n");
    assert_eq!(event["status_codes"].to_string(), r#"{"200":1,"404":1,"500":1}"#);
    // A field is `null` by the columns at the time the summary is written.
    assert_eq!(event["bytes"], Value::Null);
    assert_eq!(event["skipped"], 3);
}

#[test]
fn a_fields_line_is_no_record_even_if_it_reads_like_one() {
    let record = "10.0.0.1,-,-,1000,GET / HTTP/1.1,200,5\n";
    let fields = format!("#Fields: {record}");
    for log in [format!("{fields}{record}"), format!("{record}{fields}{record}{fields}")] {
        let summary = summary(&[], &log);
        let records = log.matches('\n').count() - log.matches('#').count();
        assert_eq!(summary["requests"], records, "{log}");
        assert_eq!(summary["skipped"], log.matches('#').count(), "{log}");
    }
    // Nor does it confirm the columns before a header.
    let header = "host,ident,user,time,request,status,bytes\n";
    let wide = format!("#fields: {}", record.replace('\n', ",more\n"));
    let summary_of = summary(&[], &format!("{record}{header}{wide}{record}"));
    assert_eq!((&summary_of["malformed"], &summary_of["skipped"]), (&0.into(), &2.into()));
    // Without `#Fields:` it is a record: a host may have such a name.
    assert_eq!(summary(&[], &format!("{record}#{record}"))["requests"], 2);
}

#[test]
fn with_columns_given_headers_are_only_skipped() {
    let log = "status,time\n1000,200,x\nbytes,date\n1001,404\n";
    let event = summary(&["--columns", "time,status"], log);
    assert_eq!(event["status_codes"].to_string(), r#"{"200":1,"404":1}"#);
    assert_eq!(event["skipped"], 2);
}

#[test]
fn a_record_has_as_many_fields_as_its_header_or_at_least_as_many_as_the_columns() {
    let malformed = |arguments: &[&str], log: &str| {
        let ran = filter(arguments, log);
        let event: Value = serde_json::from_str(&ran.events[0]).expect("JSON");
        event["malformed"].as_u64().expect("a count")
    };
    assert_eq!(malformed(&[], "time,status\n1000,200\n1000,200,x\n1000\n"), 2);
    assert_eq!(malformed(&["-c", "time,status"], "1000,200\n1000,200,x\n1000\n"), 1);
    assert_eq!(malformed(&[], "h,-,-,1000,GET / HTTP/1.1,200,5,a,b\nh,-,-,1000,GET / HTTP/1.1,200\n"), 1);
}

#[test]
fn the_delimiter_is_found_on_the_first_line_that_can_be_read() {
    for delimiter in [",", "\t", ";", "|"] {
        for header in ["time,status,host", ""] {
            let arguments: &[&str] = if header.is_empty() { &["-c", "time,status,host"] } else { &[] };
            let log = format!("{header}\n1000,200,h\n1001,404,h\n").replace(',', delimiter);
            let event = summary(arguments, &log);
            assert_eq!(event["requests"], 2, "{log:?}");
            assert_eq!(event["hosts"][0]["requests"], 2, "{log:?}");
            let spelled = if delimiter == "\t" { "tab" } else { delimiter };
            let given = summary(&[arguments, &["-d", spelled]].concat(), &log);
            assert_eq!(given, event);
        }
    }
    // The line is a header under two delimiters: the one with more fields wins.
    let event = summary(&[], "time,user,ip;time;status;bytes;x\nh;1000;200;5;x\n");
    assert_eq!(event["bytes"], 5);
    // Delimiters are tried on every line until one can be read.
    let ran = filter(&[], "nonsense;x\nh;-;-;1000;GET / HTTP/1.1;200;5\nh,-,-,1000,GET / HTTP/1.1,200,5\n");
    let event: Value = serde_json::from_str(&ran.events[0]).expect("JSON");
    assert_eq!((&event["requests"], &event["malformed"]), (&1.into(), &2.into()));
}

#[test]
fn what_the_columns_do_not_have_is_null() {
    let nulls = |header: &str, record: &str| -> Vec<String> {
        let event = summary(&[], &format!("{header}\n{record}\n"));
        let fields = event.as_object().expect("an object").iter();
        let mut nulls: Vec<String> =
            fields.filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
        nulls.sort();
        nulls
    };
    let all = [
        "bytes",
        "hosts",
        "hosts_other",
        "latency",
        "methods",
        "sections",
        "sections_other",
        "status",
        "status_codes",
    ];
    assert_eq!(nulls("time,user", "1000,x"), all);
    assert_eq!(
        nulls("time,path", "1000,/x"),
        ["bytes", "hosts", "hosts_other", "latency", "status", "status_codes"]
    );
    assert_eq!(
        nulls("time,method", "1000,GET"),
        ["bytes", "hosts", "hosts_other", "latency", "sections", "sections_other", "status", "status_codes"]
    );
    assert!(nulls("time,host,request,status,bytes,latency", "1000,h,GET /,200,5,1").is_empty());
    let event = summary(&[], "time,host,path\n1000,h,/x/y\n");
    assert_eq!(
        event["sections"].to_string(),
        r#"[{"bytes":null,"requests":1,"section":"/x","server_errors":null}]"#
    );
    assert_eq!(event["hosts_other"]["server_errors"], Value::Null);
    assert_eq!(event["hosts_other"]["bytes"], Value::Null);
}

#[test]
fn status_classes_go_from_100_to_599() {
    let statuses = [0, 99, 100, 101, 199, 200, 299, 300, 399, 400, 499, 500, 599, 600, 999];
    let records = statuses.map(|status| format!("1000,{status}\n")).concat();
    let event = summary(&["--columns", "time,status"], &records);
    assert_eq!(event["status"].to_string(), r#"{"1xx":3,"2xx":2,"3xx":2,"4xx":2,"5xx":2,"other":4}"#);
}

#[test]
fn a_path_may_be_a_request_line_and_a_method_column_wins() {
    let event = |header: &str, record: &str| {
        let event = summary(&[], &format!("{header}\n{record}\n"));
        (event["methods"].to_string(), event["sections"][0]["section"].as_str().map(str::to_owned))
    };
    let section = |section: &str| Some(section.to_owned());
    assert_eq!(event("time,path", "1000,PUT /a/b HTTP/1.1"), ("{\"PUT\":1}".into(), section("/a")));
    assert_eq!(event("time,path", "1000,/a/b"), ("{\"other\":1}".into(), section("/a")));
    assert_eq!(
        event("time,path,method", "1000,PUT /a/b HTTP/1.1,GET"),
        ("{\"GET\":1}".into(), section("/a"))
    );
    assert_eq!(
        event("time,path,method,request", "1000,/x,GET,PUT /a/b"),
        ("{\"PUT\":1}".into(), section("/a"))
    );
}

#[test]
fn with_a_method_a_request_that_is_no_request_line_is_a_path() {
    for (request, method, section) in [
        ("/api/x?y=/1", "GET", "/api"),
        ("http://h/a/b", "GET", "/a"),
        ("PUT /a/b HTTP/1.1", "PUT", "/a"),
        ("PUT /a/b", "PUT", "/a"),
        ("-", "GET", "-"),
        ("", "GET", "-"),
    ] {
        let event = summary(&[], &format!("time,verb,request\n1000,GET,{request}\n"));
        assert_eq!(event["methods"][method], 1, "{request:?}");
        assert_eq!(event["sections"][0]["section"], section, "{request:?}");
        let given = summary(&["-c", "time,method,request"], &format!("1000,GET,{request}\n"));
        assert_eq!((&given["methods"], &given["sections"]), (&event["methods"], &event["sections"]));
    }
}

#[test]
fn whatever_a_client_sends_is_a_request() {
    for (request, method, section) in [
        ("", "other", "-"),
        ("-", "other", "-"),
        ("\u{16}\u{3}\u{1}", "other", "-"),
        ("GET", "GET", "-"),
        ("BREW /pot HTTP/1.1", "other", "/pot"),
        ("GET http://host/pages/create HTTP/1.1", "GET", "/pages"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
        ("CONNECT host:443 HTTP/1.1", "CONNECT", "-"),
    ] {
        let event = summary(&[], &format!("h,-,-,1000,{request},400,-\n"));
        assert_eq!(event["methods"][method], 1, "{request:?}");
        assert_eq!(event["sections"][0]["section"], section, "{request:?}");
    }
}

/// Reads a time through the program, as the start of a one-second window.
fn read_time(arguments: &[&str], text: &str) -> Option<i64> {
    let log = format!("time\tuser\n{text}\tx\n");
    let ran = filter(&[arguments, &["-i", "1", "-d", "tab"]].concat(), log);
    let event: Value = serde_json::from_str(ran.events.first()?).expect("JSON");
    let start = event["start"].as_str().expect("a time");
    Some(start.parse::<Timestamp>().expect("RFC 3339").as_second())
}

#[test]
fn every_form_of_time_is_the_same_second_from_1970_to_8999() {
    const LAST: i64 = 221_845_391_999;
    let random = &mut Random::new(3);
    let offset = SignedDuration::from_mins(5 * 60 + 30);
    for round in 0..400 {
        let second = match round {
            0 => 0,
            1 => LAST,
            2 => 951_782_399,
            3 => 951_868_799,
            _ if random.one_in(2) => random.within(0, 4_000_000_000),
            _ => random.within(0, LAST),
        };
        let time = Timestamp::from_second(second).expect("in range");
        let mut forms: Vec<String> = Vec::new();
        // Eight digits may be a calendar day.
        if !(10_000_000..100_000_000).contains(&second) {
            forms.extend([second.to_string(), format!("{second}.5"), format!("{second}.999999999")]);
        }
        if (1_000_000_000..10_000_000_000).contains(&second) {
            forms.extend(
                ["000", "999", "000000", "999999", "000000000", "999999999", "123.75"]
                    .map(|f| format!("{second}{f}")),
            );
        }
        for form in [
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y-%m-%dt%H:%M:%Sz",
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M:%S.999",
            "%Y-%m-%dT%H:%M:%S UTC",
            "%Y-%m-%d %H:%M:%SUTC",
            "%Y-%m-%dT%H:%M:%S.123456789+00:00",
            "%Y-%m-%d %H:%M:%S +00",
            "%Y-%m-%d %H:%M:%S-0000",
            "%d/%b/%Y:%H:%M:%S +0000",
            "[%d/%b/%Y:%H:%M:%S +0000]",
            "[%d/%b/%Y:%H:%M:%S]",
            "%d/%b/%Y:%H:%M:%S",
            "[%d/%b/%Y:%H:%M:%SZ]",
            "%d/%b/%Y:%H:%M:%S.123 +0000",
            "%Y/%m/%d %H:%M:%S",
            "%Y/%m/%dT%H:%M:%SZ",
            "%Y-%m-%d %H:%M:%S,999",
            "%Y-%m-%dT%H:%M:%S,5Z",
            "%Y-%m-%d %H:%M:%S GMT",
            "%Y-%m-%dT%H:%M:%SGMT",
            "%b %d, %Y @ %H:%M:%S.000",
            "%b %-d, %Y @ %H:%M:%S",
            " %Y-%m-%d %H:%M:%S ",
        ] {
            forms.push(time.strftime(form).to_string());
        }
        let east = time + offset;
        for form in ["%Y-%m-%dT%H:%M:%S+05:30", "%Y-%m-%d %H:%M:%S +0530", "[%d/%b/%Y:%H:%M:%S +0530]"] {
            forms.push(east.strftime(form).to_string());
        }
        if second > 3600 * 24 {
            let west = time - offset;
            for form in ["%Y-%m-%dT%H:%M:%S-05:30", "%d/%b/%Y:%H:%M:%S -0530"] {
                forms.push(west.strftime(form).to_string());
            }
        }
        for form in forms {
            assert_eq!(read_time(&[], &form), Some(second), "{form:?}");
        }
    }
}

/// Some pairs of times differ by the same bits in the day and in the second, which
/// cancel out if the differences are combined wrongly. Others differ only in the
/// minutes of the zone, beyond the 32 bytes that are compared.
#[test]
fn a_time_in_the_cache_is_not_taken_for_another_one() {
    for form in ["%Y-%m-%d %H:%M:%S", "[%d/%b/%Y:%H:%M:%S ZONE]", "[%d/%b/%Y:%H:%M:%S.123456 ZONE]"] {
        let (mut log, mut by_epoch) = ("time,status\n".to_owned(), "time,status\n".to_owned());
        let mut add = |day: i64, ten: i64, half_hours: i64| {
            let local = 1_549_573_860 + 86_400 * (day - 7) + 10 * ten;
            let second = local - 1800 * half_hours;
            let local = Timestamp::from_second(local).expect("in range");
            let zone = format!("+00{:02}", 30 * half_hours);
            let time = local.strftime(form).to_string().replace("ZONE", &zone);
            writeln!(log, "{time},200").expect("a line");
            writeln!(by_epoch, "{second},200").expect("a line");
        };
        for (day, ten) in (1..10).flat_map(|day| (0..6).map(move |ten| (day, ten))) {
            add(day, ten, 0);
            add(day, ten, i64::from(form.contains("ZONE")));
            for bits in 1..8 {
                add(day, ten, 0);
                if (1..10).contains(&(day ^ bits)) && (0..6).contains(&(ten ^ bits)) {
                    add(day ^ bits, ten ^ bits, 0);
                }
            }
        }
        assert_eq!(filter(&["-i", "1s"], &log).events, filter(&["-i", "1s"], &by_epoch).events, "{form}");
    }
}

#[test]
fn leading_zeros_count_as_digits_of_epoch_seconds() {
    assert_eq!(read_time(&[], "0000000000001549573860"), Some(1_549_573_860));
    assert_eq!(read_time(&[], "0000000001000"), Some(1));
}

#[test]
fn eight_digits_that_are_no_day_are_epoch_seconds() {
    for second in [10_000_000, 20_191_301, 20_190_230, 19_691_231, 90_000_101, 20_190_000] {
        assert_eq!(read_time(&[], &second.to_string()), Some(second));
    }
}

#[test]
fn a_time_format_is_the_only_form() {
    let read = |format: &str, text: &str| read_time(&["--time-format", format], text);
    let expected = read_time(&[], "2019-02-07T21:11:05Z");
    assert!(expected.is_some());
    assert_eq!(read("%m/%d/%Y, %I:%M:%S%.f %p", "2/7/2019, 9:11:05.250 PM"), expected);
    assert_eq!(read("%a %b %e %H:%M:%S %Y", "Thu Feb  7 21:11:05 2019"), expected);
    assert_eq!(read("%d.%m.%Y %H:%M:%S %z", "07.02.2019 22:11:05 +0100"), expected);
    // A zone name counts as an offset.
    assert_eq!(read("%Y-%m-%d %H:%M:%S %Q", "2019-02-07 16:11:05 America/New_York"), expected);
    assert_eq!(read("%s", "1549573865"), expected);
    assert_eq!(read("%Y%m%d", "20190207"), read_time(&[], "2019-02-07T00:00:00Z"));
    for other in ["1549573865", "2019-02-07T21:11:05Z", "07/Feb/2019:21:11:05 +0000", "20190230", "20190207 "]
    {
        assert_eq!(read("%Y%m%d%H", other), None, "{other}");
    }
    let berlin = ["--time-format", "%d.%m.%Y %H:%M:%S", "-z", "Europe/Berlin"];
    assert_eq!(read_time(&berlin, "07.02.2019 22:11:05"), expected);
    // A date and a time in separate columns are joined.
    let event =
        summary(&["--time-format", "%m/%d/%Y %H:%M:%S", "-c", "host,date,time"], "h, 9/30/2021, 8:51:21\n");
    assert_eq!(event["start"], "2021-09-30T08:51:20Z");
}

#[test]
fn second_60_is_59() {
    assert_eq!(read_time(&[], "2016-12-31T23:59:60Z"), read_time(&[], "2016-12-31T23:59:59Z"));
    assert_eq!(read_time(&[], "31/Dec/2016:23:59:60 +0000"), read_time(&[], "2016-12-31T23:59:59Z"));
}

#[test]
fn anything_else_is_no_time() {
    for text in [
        "",
        "-",
        "now",
        "-5",
        "+5",
        "1e9",
        "1000.",
        ".5",
        "1000.5.5",
        "1000,5",
        "0x10",
        "221845392000",
        "12345678901234",
        "123456789012345",
        "12345678901234567",
        "123456789012345678",
        "12345678901234567890",
        "2019-02-07",
        "21:11:00",
        "2019-02-30T21:11:00Z",
        "2019-02-07T24:00:00Z",
        "2019-02-07T21:60:00Z",
        "2019-02-07T21:11:61Z",
        "2019-2-7T21:11:00Z",
        "2019-02-07_21:11:00Z",
        "2019-02-07T21:11:00.Z",
        "2019-02-07T21:11:00,Z",
        "2019-02-07T21:11.5",
        "2019/02-07 21:11:00",
        "2019-02-07 21:11:00  UTC",
        "20190207",
        "20190207.5",
        "19700101",
        "89991231",
        "Feb 7, 2019 @ 21:11:00.",
        "Feb 7, 2019 @ 21:11:00.000 Z",
        "Feb 007, 2019 @ 21:11:00.000",
        "Feb 7, 2019, 21:11:00",
        "feb 7, 2019 @ 21:11:00.000",
        "2/7/2019 21:11:00",
        "2/7/2019, 9:11:00 PM",
        "2019-02-07T21:11:00+1",
        "2019-02-07T21:11:00+01:0",
        "2019-02-07T21:11:00+24:00",
        "2019-02-07T21:11:00+01:60",
        "2019-02-07T21:11:00  Z",
        "2019-02-07T21:11:00 CET",
        "2019-02-07T21:11:00utc",
        "1969-12-31T23:59:59Z",
        "9000-01-01T00:00:00Z",
        "8999-12-31T23:59:59-01:00",
        "07/feb/2019:21:11:00 +0000",
        "07/Foo/2019:21:11:00 +0000",
        "31/Feb/2019:21:11:00 +0000",
        "07/Feb/2019 21:11:00 +0000",
        "[2019-02-07T21:11:00Z]",
        "[1000]",
        "Thu Feb  7 21:11:00 2019",
        "20190207T211100Z",
        "2019-02-07T21:11:00Z x",
    ] {
        assert_eq!(read_time(&[], text), None, "{text:?}");
    }
}

#[test]
fn a_time_without_an_offset_is_in_the_zone_given_over_every_change_of_summer_time() {
    let random = &mut Random::new(4);
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"] {
        let zone = TimeZone::get(name).expect("a zone");
        let mut seconds: Vec<i64> = (0..200).map(|_| random.within(0, 4_000_000_000)).collect();
        let changes = zone.following(Timestamp::from_second(1_500_000_000).expect("in range")).take(12);
        for change in changes {
            seconds.extend(
                (-2..=2)
                    .flat_map(|hours| [-1, 0, 1].map(|s| change.timestamp().as_second() + hours * 1800 + s)),
            );
        }
        for second in seconds {
            let zoned = Timestamp::from_second(second).expect("in range").to_zoned(zone.clone());
            // A local time that occurs twice is the earlier one.
            let earlier = zone.to_ambiguous_timestamp(zoned.datetime()).compatible().expect("in range");
            for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.5", "[%d/%b/%Y:%H:%M:%S]"] {
                let text = zoned.strftime(form).to_string();
                assert_eq!(read_time(&["-z", name], &text), Some(earlier.as_second()), "{name}: {text}");
            }
            // A time with an offset is not ambiguous.
            let text = zoned.strftime("%Y-%m-%d %H:%M:%S%:z").to_string();
            assert_eq!(read_time(&["-z", name], &text), Some(second), "{name}: {text}");
        }
    }
}

#[test]
fn a_repeated_hour_is_the_earlier_one_and_a_missing_hour_is_moved_on() {
    let berlin = |text: &str| read_time(&["--zone", "Europe/Berlin"], text);
    assert_eq!(berlin("2019-10-27 02:30:00"), berlin("2019-10-27T00:30:00Z"));
    assert_eq!(berlin("2019-03-31 02:30:00"), berlin("2019-03-31T01:30:00Z"));
    let gap: DateTime = "2019-03-31T02:30:00".parse().expect("a time");
    let moved = (gap + 1.hour()).to_zoned(TimeZone::get("Europe/Berlin").expect("a zone")).expect("in range");
    assert_eq!(berlin("2019-03-31 02:30:00"), Some(moved.timestamp().as_second()));
}

#[test]
fn an_unreadable_log_gets_advice_once() {
    const COLUMNS: &str = "name the columns, like --columns host,-,user,time,request,status,bytes";
    const NAME: &str = "name the time column: --columns time=NAME";
    const TIMES: &str = "known times are like 1549573860, 2019-02-07T21:11:00Z, 2019-02-07 21:11:00.123 or \
                         07/Feb/2019:21:11:00 +0000; for another form use --time-format, like --time-format \
                         '%m/%d/%Y, %I:%M:%S%.f %p'";
    let fourth = format!("{TIMES}; without a header or --columns the time is in the 4th column");
    for (arguments, log, problem, advice) in [
        (&[][..], "this is no CSV\n", "line 1: 1 field, at least 7 are needed", COLUMNS),
        (
            &[],
            "host;status;bytes\nh;200;5\n",
            "line 1: a header without a known time column: host, status, bytes",
            NAME,
        ),
        (
            &[],
            "when,who,what\nx,y,z\n",
            "line 1: a header without a known time column: when, who, what",
            NAME,
        ),
        (
            &[],
            "host,user,a,b,request,status,bytes\nh,-,-,x,GET /,200,5\n",
            "line 1: a header without a known time column: host, user, a, b, request, status, bytes",
            NAME,
        ),
        (&[], "h,-,-,7 Feb 2019,GET /,200,5\n", "line 1: time: not a time: \"7 Feb 2019\"", &fourth),
        (&[], "a.com\t-\t807256800\tGET\t/x\t200\t1713\t\t\n", "line 1: time: not a time: \"GET\"", &fourth),
        (
            &[],
            "2026-11-27 10:00:00 192.0.2.1 GET /a 200 12\n",
            "line 1: time: not a time: \"GET\"",
            "start with the log's header, like tail -n +1 -F FILE | httpmon, or give --columns by position",
        ),
        (&[], "2026-11-27 10:00:00,192.0.2.1,/a,200\n", "line 1: 4 fields, at least 7 are needed", COLUMNS),
        (
            &[],
            "time,path\n1,a,b\n",
            "line 2: 3 fields, the header has 2",
            "the server must quote a value that contains the delimiter",
        ),
        (&[], "h,GET,-,1549573860,/x,0.042,5\n", "line 1: status: not a number: \"0.042\"", COLUMNS),
        (&["-c", "time,status"], "h,200\n", "line 1: time: not a time: \"h\"", TIMES),
        (
            &["--time-format", "%Y%m%d", "-c", "time,status"],
            "20210931,200\n",
            "line 1: time: not a time: \"20210931\"",
            "it does not match --time-format",
        ),
        (&["-c", "time=when"], "host,time\nh,1000\n", "line 1: --columns: the header has no \"when\"", ""),
    ] {
        let ran = filter(arguments, log);
        let lines: Vec<&str> = ran.diagnostics.lines().collect();
        let first = if advice.is_empty() { problem.to_owned() } else { format!("{problem}; {advice}") };
        assert_eq!(lines[0], format!("httpmon: {first}"), "{log:?}");
        assert_eq!(
            lines[lines.len() - 1],
            format!("httpmon: no line could be read as a record; the first problem: {problem}"),
            "{log:?}"
        );
        assert!(advice.is_empty() || ran.diagnostics.matches(advice).count() == 1, "{}", ran.diagnostics);
    }
}

#[test]
fn another_kind_of_file_is_named_with_the_command_that_makes_it_readable() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (log, command) in [
        (b"\x1F\x8B\x08\0\0\0\0\0\0\x03\xCB".to_vec(), "compressed by gzip: zcat FILE | httpmon"),
        (b"\x28\xB5\x2F\xFD\x04x\n\n,".to_vec(), "compressed by zstd: zstdcat FILE | httpmon"),
        (b"\xFD7zXZ\0\0\x04".to_vec(), "compressed by xz: xzcat FILE | httpmon"),
        (b"BZh91AY&SYabc".to_vec(), "compressed by bzip2: bzcat FILE | httpmon"),
        (utf16("\u{FEFF}time,path\r\n1000,/\r\n"), "UTF-16: iconv -f UTF-16 -t UTF-8 FILE | httpmon"),
        (utf16("time,path\r\n1000,/\r\n"), "UTF-16: iconv -f UTF-16 -t UTF-8 FILE | httpmon"),
        (b"{\"ts\":1000,\"status\":200}\n".to_vec(), "JSON, see httpmon-formats(7): "),
        (b"time,path\r1000,/a\r1001,/b\r".to_vec(), "lines end in CR only: tr '\\r' '\\n' < FILE | httpmon"),
    ] {
        for arguments in [&[][..], &["-c", "time,path"], &["-q"]] {
            let ran = filter(arguments, &log);
            assert_eq!(ran.events.len(), 0, "{command}");
            let last = ran.diagnostics.lines().last().expect("a last word");
            let wanted =
                format!("httpmon: no line could be read as a record; the first problem: line 1: {command}");
            assert!(last.starts_with(&wanted), "{arguments:?}: {}", ran.diagnostics);
        }
    }
}
