#!/usr/bin/env bash
# httpmon-store: what is kept of each event, and what the views say about it.
set -euo pipefail
scripts/need jq sqlite3 python3
# shellcheck source=tests/lib.sh
. tests/lib.sh
db=$dir/http.db
same() { # WHAT QUERY EXPECTED
    sqlite3 "$db" "$2" > "$dir/got"
    diff -u <(printf '%s\n' "$3") "$dir/got" >&2 || fail "$1"
    ok "$1"
}
quietly() {
    httpmon-store "$db" 2> "$dir/err" || fail "status $?: $(cat "$dir/err")"
    [ ! -s "$dir/err" ] || fail "not quiet: $(cat "$dir/err")"
}
fresh() { rm -f "$db" "$db"-*; }
# Events with only what matters here; `at` is seconds after 2024-01-01T00:00:00Z.
at() { date -u -d "@$((1704067200 + $1))" +%Y-%m-%dT%H:%M:%SZ; }
summary() { # SOURCE START END REQUESTS PARTIAL ALERTING
    printf '{"type":"summary","source":"%s","start":"%s","end":"%s","duration_seconds":%d,"partial":%s,"requests":%d,"status":{"2xx":%d,"5xx":1},"status_codes":{"200":%d,"500":1},"alerting":%s}\n' \
        "$1" "$(at "$2")" "$(at "$3")" $(($3 - $2)) "$5" "$4" $(($4 - 1)) $(($4 - 1)) "$6"
}
alert() { # SOURCE TIME
    printf '{"type":"alert","source":"%s","time":"%s","name":"high_traffic","window_seconds":120,"requests":1201,"requests_per_second":10.1,"threshold":10.0}\n' "$1" "$(at "$2")"
}
recovery() { # SOURCE SINCE TIME
    printf '{"type":"recovery","source":"%s","time":"%s","name":"high_traffic","since":"%s","duration_seconds":%d,"window_seconds":120,"requests":1199,"requests_per_second":9.9,"threshold":10.0,"peak_requests":2400,"peak_time":"%s"}\n' \
        "$1" "$(at "$3")" "$(at "$2")" $(($3 - $2)) "$(at "$2")"
}

{
    summary a 0 10 100 false false
    summary b 0 10 50 false false
    summary a 10 20 30 false false
} | quietly
same 'requests per second are there by source and window' \
    'select source, time, seconds, requests, requests_per_second from requests_per_second order by source, start_at' \
"a|2024-01-01T00:00:00Z|10|100|10.0
a|2024-01-01T00:00:10Z|10|30|3.0
b|2024-01-01T00:00:00Z|10|50|5.0"
same 'several sources are summed by window' \
    'select time, sources, requests, requests_per_second, status_2xx, status_5xx from windows order by start_at' \
"2024-01-01T00:00:00Z|2|150|15.0|148|2
2024-01-01T00:00:10Z|1|30|3.0|29|1"
same '500s are there over time' \
    'select source, time, requests, server_errors, code_500 from server_errors order by source, start_at' \
"a|2024-01-01T00:00:00Z|100|1|1
a|2024-01-01T00:00:10Z|30|1|1
b|2024-01-01T00:00:00Z|50|1|1"

fresh
{
    summary a 0 10 30 true false # stopped at second 5 ...
    summary a 0 10 20 true false # ... and started again
    summary a 10 20 40 true false
    summary a 10 20 90 false false # read again from the start
    summary a 10 20 90 false false
    summary a 0 10 20 true false
} | quietly
same 'an event that comes twice is kept once, two parts of a window both' \
    'select count(*) from summaries' 4
same 'two partial summaries of a window are added up, a whole one stands for its parts' \
    'select start_at - 1704067200, requests, server_errors from server_errors order by 1' \
"0|50|2
10|90|1"
{
    summary a 0 10 20 true false
    alert a 15
} | quietly
alert a 15 | quietly
same 'a second run recognises the events of the first' \
    'select (select count(*) from summaries), (select count(*) from alerts)' '4|1'

fresh
{
    alert a 5
    summary a 0 10 9 false true
    recovery a 5 47
    summary a 40 50 9 false false
    alert a 100
    summary a 100 110 9 false true
    summary a 110 120 9 false true # killed; the next run begins without the alert
    summary a 300 310 9 true false
    alert a 400
    alert a 500 # restarted in between
    summary a 500 510 9 false true
    recovery b 7 20 # the alert was before the store
    alert c 50
} | quietly
same 'time spent alerting: recovered, cut off by a restart, still active' \
    'select source, since - 1704067200, seconds, active, threshold, peak_requests_per_second from alert_periods order by 1, 2' \
"a|5|42|0|10.0|20.0
a|100|20|0|10.0|
a|400|0|0|10.0|
a|500|10|1|10.0|
b|7|13|0|10.0|20.0
c|50|0|1|10.0|"
same 'time spent alerting is summed by source' \
    'select * from time_alerting order by source' \
"a|high_traffic|4|72|1
b|high_traffic|1|13|0
c|high_traffic|1|0|1"

fresh
cat > "$dir/hostile" <<'EVENTS'
{"type":"summary","source":"x'); drop table summaries; --","start":"2024-01-01T00:00:00Z","end":"2024-01-01T00:00:10Z","requests":3,"bytes":18446744073709551615,"sections":[{"section":"/\u0000a\"'; delete from hosts\u001b[2J","requests":2,"server_errors":null,"bytes":null},{"section":"/\u0000a\"'; delete from hosts\u0007[2J","requests":1}],"hosts":[{"host":"\ud800","requests":3}],"alerting":false}
{"type":"summary","source":"nulls","start":"2024-01-01T00:00:00Z","end":"2024-01-01T00:00:10Z","duration_seconds":10,"partial":false,"requests":4,"requests_per_second":0.4,"late":0,"future":0,"bytes":null,"status":null,"status_codes":null,"methods":null,"sections":null,"sections_other":null,"hosts":null,"hosts_other":null,"alerting":false,"malformed":0,"skipped":0,"new_field":{"a":1}}
{"type":"forecast","source":"stdin"}
EVENTS
quietly < "$dir/hostile"
same 'names from hostile clients are data, without control characters' \
    'select source, section, sections.requests from summaries join sections on summary = id' \
"x'); drop table summaries; --|/"$'\xEF\xBF\xBD'"a\"'; delete from hosts"$'\xEF\xBF\xBD'"[2J|3"
same 'what the log has no column for is NULL, also in the views' \
    "select requests, bytes is null, status_5xx is null, (select server_errors is null and code_500 is null from server_errors where source = 'nulls') from summaries where source = 'nulls'" \
    '4|1|1|1'

fresh
{
    echo '{"type":"summary"'
    summary a 0 10 5 false false
    echo '[]'
    echo '{"type":"summary","source":"a","start":"yesterday","end":"2024-01-01T00:00:10Z","requests":3}'
    printf '\xff\xfe\n'
    printf '[%.0s' $(seq 100000)
    echo
    echo '{"type":"alert","source":"a","time":"2024-01-01T00:00:10Z","name":7}'
    echo '{"type":"summary","source":"a","start":"2024-01-01T00:00:00Z","end":"2024-01-01T00:00:10Z","requests":-3}'
    echo
    summary a 10 20 5 false false | tr -d '\n'
} > "$dir/broken"
httpmon-store "$db" < "$dir/broken" 2> "$dir/err" || fail "broken lines: status $?"
diff -u - "$dir/err" >&2 <<'LINES' || fail 'broken lines are not reported as they should be'
httpmon-store: line 1: not JSON
httpmon-store: line 3: not an event
httpmon-store: line 4: start: not a time
httpmon-store: line 5: not JSON
httpmon-store: line 6: not JSON
httpmon-store: line 7: name: not a text
httpmon-store: line 8: requests: not a count
httpmon-store: 7 of 9 lines were no events
LINES
same 'broken lines are reported with their numbers, counted and skipped' 'select sum(requests) from summaries' 10

status=0
seq 100 | httpmon-store "$db" 2> "$dir/err" || status=$?
if [ "$status" -ne 1 ] || [ "$(wc -l < "$dir/err")" -ne 11 ]; then fail "no event in the input: status $status"; fi
ok 'input without an event is status 1, and at most ten lines are reported singly'

fresh
quietly < /dev/null
same 'an empty stream makes an empty store' 'select count(*) from windows' 0

fresh
mkfifo "$dir/live"
httpmon-store "$db" < "$dir/live" &
store=$!
exec 3> "$dir/live"
for n in 1 2 3; do
    summary a $((n * 10)) $((n * 10 + 10)) 5 false false >&3
    for _ in $(seq 600); do
        [ "$(sqlite3 "$db" 'select count(*) from summaries' 2> /dev/null)" = "$n" ] && break
        sleep 0.05
    done
    [ "$(sqlite3 "$db" 'select count(*) from summaries')" = "$n" ] || fail "event $n is not committed while the stream is open"
done
ok 'each event is committed at once while the stream stays open'

printf '{"type":"summary"' >&3 # half a line must not be taken for a whole one
kill -TERM "$store"
status=0
wait "$store" 2> "$dir/err" || status=$?
exec 3>&-
[ "$status" -eq 143 ] || fail "SIGTERM: status $status"
[ "$(sqlite3 "$db" 'pragma integrity_check')" = ok ] || fail 'the file is not sound after SIGTERM'
ok 'SIGTERM ends it when nothing more comes, by that signal'

httpmon-store --help | grep '^usage: httpmon-store' > /dev/null || fail 'no help'
echo 'not a database, but a text of some length' > "$dir/text"
for wrong in '' "--db $dir/x" "$dir/a.db $dir/b.db" "$dir" "$dir/nowhere/x.db" "$dir/text"; do
    status=0
    # shellcheck disable=SC2086 # several words
    summary a 0 10 5 false false | httpmon-store $wrong > "$dir/out" 2> "$dir/err" || status=$?
    if [ "$status" -ne 2 ] || [ "$(wc -l < "$dir/err")" -ne 1 ] || [ -s "$dir/out" ]; then
        fail "\"$wrong\": status $status: $(cat "$dir/err")"
    fi
done
ok '--help helps; a wrong command line or file is status 2 and one line'

fresh
httpmon < tests/data/access.csv > "$dir/events" 2> /dev/null # the log has malformed lines
quietly < "$dir/events"
same "the store holds what the filter said" \
    'select (select sum(requests) from summaries), (select sum(status_5xx) from summaries), (select sum(requests) from sections), (select count(*) from alerts)' \
    "$(jq -rs '[([.[] | select(.type == "summary").requests] | add),
        ([.[] | select(.type == "summary").status["5xx"]] | add),
        ([.[] | select(.type == "summary").sections[].requests] | add),
        ([.[] | select(.type != "summary")] | length)] | join("|")' "$dir/events")"
