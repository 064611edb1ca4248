#!/usr/bin/env bash
# httpmon-store: what is kept of each event, and what the views say about it.
set -euo pipefail
scripts/need jq sqlite3 python3 setpriv=util-linux
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

# The second edition: four alerts at a time, and latency.
fresh
second() { # START END ALERTS: a summary with the names of the active alerts, as JSON
    summary a "$1" "$2" 100 false "$([ "$3" = '[]' ] && echo false || echo true)" | jq -c --argjson alerts "$3" '.alerts = $alerts
        | .latency = {requests: 80, sum: 16.5, p50: 0.1, p90: 0.31, p99: 1.24, max: 3.871, slow: 4}'
}
named() { # NAME, an event on stdin
    jq -c --arg name "$1" '.name = $name | if $name == "high_errors" then .server_errors = 7 | .server_errors_percent = 7.0
        | if .type == "recovery" then .peak_server_errors = 30 | .peak_requests = 120 else . end
        elif $name == "low_traffic" and .type == "recovery" then .lowest_requests = 12 | .lowest_time = .since | del(.peak_requests, .peak_time)
        else . end'
}
{
    alert a 5 # high_traffic
    alert a 6 | named high_errors | jq -c '.interval = {requests: 36, hosts: [{host: "192.0.2.1"}]}'
    second 0 10 '["high_traffic","high_errors"]'
    recovery a 5 12
    second 10 20 '["high_errors"]'
    alert a 25 # the same name again: of high_errors it says nothing
    second 20 30 '["high_traffic","high_errors"]'
    second 30 40 '["high_errors"]' # and of high_traffic there is no recovery: cut off here
    recovery a 6 47 | named high_errors | jq -c '.reason = "restarted"'
    second 40 50 '[]'
    alert a 60 | named low_traffic
    recovery a 60 75 | named low_traffic
    alert a 80 | named slow_requests
    second 80 90 '["slow_requests"]'
} | quietly
same 'alerts of several names at once are told apart, each with its own end' \
    'select name, since - 1704067200, seconds, active, peak_requests_per_second, lowest_requests_per_second, peak_percent, reason from alert_periods order by since' \
"high_traffic|5|7|0|20.0|||
high_errors|6|41|0|1.0||25.0|restarted
high_traffic|25|5|0||||
low_traffic|60|15|0||0.1||
slow_requests|80|10|1||||"
same 'time spent alerting is summed by source and name' 'select name, alerts, seconds from time_alerting order by 1' \
"high_errors|1|41
high_traffic|2|12
low_traffic|1|15
slow_requests|1|10"
same 'what httpmon-explain adds is kept' "select json_extract(interval, '\$.hosts[0].host') from alert_periods where interval is not null" 192.0.2.1
same 'latency is there by source and window' \
    'select start_at - 1704067200, requests, mean, p50, p90, p99, max, slow from latency order by 1 limit 1' '0|80|0.20625|0.1|0.31|1.24|3.871|4'

# The filter's own events, and the same ones in another form of JSON.
log() { # SOURCE
    awk 'BEGIN { for (t = 1700000000; t < 1700020000; t += 7) printf "192.0.2.%d,-,-,%d,GET /s%d/x HTTP/1.1,%d,%d\n", t % 5, t, t % 13, t % 11 ? 200 : 500 + t % 2, t % 997 }' |
        httpmon -q --delimiter , --source "$1" -i 7m -t 0.2 -w 30
}
tables() { # FILE: all that is kept, without ids
    sqlite3 "$1" 'select source, start_at, end_at, partial, requests, late, future, bytes, status_1xx, status_2xx, status_3xx,
            status_4xx, status_5xx, status_other, alerting, malformed, skipped, counts, status_500, alerts, latency_requests,
            latency_sum, latency_p50, latency_max, latency_slow, sections, hosts, status_codes, methods
            from summaries join lists on summary = id order by start_at, partial;
        select * from hours; select * from hour_names; select count(*) from alerts'
}
fresh
{ log stdin; log größe; } > "$dir/plain"
second 100 110 '[]' > "$dir/latency"
jq -c -s '.[0] as $second | .[1:][] | select(.type == "summary") | .source = "latency" | to_entries
    | map(if .key == "latency" then empty elif .key == "bytes" then ., {key: "latency", value: $second.latency} else . end) | from_entries' \
    "$dir/latency" <(log x) >> "$dir/plain"
quietly < "$dir/plain"
tables "$db" > "$dir/expected"
[ "$(wc -l < "$dir/expected")" -gt 300 ] || fail 'hardly anything is kept'
rm -f "$dir/other.db"
sed 's/^{"type"/{ "type"/' "$dir/plain" | httpmon-store "$dir/other.db"
tables "$dir/other.db" | diff "$dir/expected" - >&2 || fail 'the fast way and the general one keep something else'
sed 's/^{"type"/{ "type"/' "$dir/plain" | quietly
tables "$db" | diff "$dir/expected" - >&2 || fail 'events in another form are not the same events'
python3 - "$dir/plain" <<'PYTHON' || fail 'the fast way is not taken'
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.SourceFileLoader("store", "scripts/httpmon-store")
store = importlib.util.module_from_spec(importlib.util.spec_from_loader("store", loader))
loader.exec_module(store)
with open(sys.argv[1], "rb") as file:
    lines = [line.rstrip() for line in file if b'"summary"' in line]
# What is no JSON is left to the general way: a list's number, one of the window's, one of a code.
line = next(line for line in lines if b'"500":' in line)
broken = [line.replace(*change) for change in [
    (b'"server_errors":', b'"server_errors":0'), (b'"late":', b'"late":0'), (b'"500":', b'"500":0'), (b'"bytes":', b'"bytes":null'), (b':false', b':fals')]]
sys.exit(not all(store.read_plain_summary(line, "") for line in lines) or any(store.read_plain_summary(line, "") for line in broken))
PYTHON
ok 'the fast way of reading is taken for what the filter writes, and keeps what the general way keeps'

hours_are_right() { # WHAT: the sums by hour are those of the summaries
    sqlite3 "$db" "select source, start_at / 3600 * 3600, sum(requests), sum(status_5xx), sum(status_500), sum(latency_sum), max(latency_p99) from counted group by 1, 2;
        select 'peak', at, max(rate) from (select start_at / 3600 * 3600 as at, sum(requests) * 1.0 / (end_at - start_at) as rate from counted group by start_at, end_at) group by 2;
        select 'section', start_at / 3600 * 3600, source, section, sum(n.requests), sum(n.server_errors), sum(n.bytes) from counted join sections n on summary = id group by 2, 3, 4;
        select 'host', start_at / 3600 * 3600, source, host, sum(n.requests), sum(n.server_errors), sum(n.bytes) from counted join hosts n on summary = id group by 2, 3, 4" |
        LC_ALL=C sort > "$dir/expected"
    sqlite3 "$db" 'select source, at, requests, status_5xx, status_500, latency_sum, latency_p99 from hours; select '"'peak'"', * from hour_peaks; select * from hour_names' |
        LC_ALL=C sort > "$dir/got"
    [ -s "$dir/got" ] || fail "$1: no sums by hour"
    diff "$dir/expected" "$dir/got" >&2 || fail "$1: the sums by hour are others"
    ok "$1"
}
hours_are_right 'the sums by hour are those of the summaries'
fresh
log a > "$dir/whole"
head -n 20 "$dir/whole" | jq -c 'select(.type == "summary") | .partial = true | .requests -= 1' | quietly
quietly < "$dir/whole"
head -n 9 "$dir/whole" | jq -c 'select(.type == "summary") | .partial = true | .requests -= 2' | quietly
jq -c 'select(.type == "summary") | .status = null | .bytes = null | .sections[]? |= (.server_errors = null | .bytes = null) | .requests += 1' "$dir/whole" | awk 'NR <= 9' | quietly
hours_are_right 'and also after parts of a window, before and after the whole of it, and nulls'
sqlite3 "$db" "delete from summaries where start_at < $(sqlite3 "$db" 'select min(start_at) + 9000 from summaries')"
quietly < /dev/null
hours_are_right 'and after summaries were deleted'
same 'with a summary its lists are deleted' 'select (select count(*) from lists) - (select count(*) from summaries)' 0

fresh
for machine in web1 web2; do httpmon-store --source "$machine" "$db" < "$dir/whole"; done
same 'two machines with the same path are told apart with --source' \
    'select source, sum(requests) from counted group by 1' "$(for machine in web1 web2; do printf '%s:a|%s\n' "$machine" "$(requests_in "$dir/whole")"; done)"

fresh
{ summary a 0 10 5 false false | head -c 100; summary a 10 20 7 false false; summary a 20 30 9 false false; } |
    httpmon-store "$db" 2> "$dir/err" || fail "a torn line: status $?"
same 'a torn event costs only itself: the next on its line is kept' 'select requests from summaries order by start_at' "7
9"
diff -u - "$dir/err" >&2 <<'LINES' || fail 'a torn event is not reported as it should be'
httpmon-store: line 1: torn; the event after it is stored
httpmon-store: 1 of 3 lines were not events
LINES

fresh
sqlite3 "$db" < tests/scripts/store-1.sql
printf '%s\n' '{"type":"alert","source":"a","time":"2024-01-01T00:00:05Z","name":"high_traffic"}' | quietly
same 'a file of the first version is brought up to date: all is there once' \
    'select source, start_at, requests, status_500, alerts, sections, hosts, status_codes, methods from summaries join lists on summary = id; select count(*) from alerts' \
'a|1704067200|100|3|high_traffic|[["/b",60,4,400],["/größe",40,0,300]]|[["192.0.2.1",100,4,700]]|{"200":90,"404":6,"500":3,"503":1}|{"GET":99,"POST":1}
a|1704067210|1|||[]|[]|{}|{}
2'
same 'and its views say the same' "select seconds, active from alert_periods; select sum(requests) from windows; select section, requests from sections" '7|0
101
/b|60
/größe|40'
hours_are_right 'and it has its sums by hour'

# Who has no right to write beside the file.
if [ "$(id -u)" -eq 0 ]; then
    fresh
    quietly < "$dir/whole"
    chmod 755 "$dir"
    as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    [ "$(as_nobody sqlite3 "file:$db?mode=ro" 'select sum(requests) from summaries')" = "$(requests_in "$dir/whole")" ] ||
        fail 'a reader without rights cannot read a file whose writer has ended'
    ok 'who may only read can read the file when its writer has ended'
fi

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
httpmon-store: line 1: not an event
httpmon-store: line 3: not an event
httpmon-store: line 4: start: not a time
httpmon-store: line 5: not an event
httpmon-store: line 6: not an event
httpmon-store: line 7: name: not a string
httpmon-store: line 8: requests: not a count
httpmon-store: 7 of 9 lines were not events
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
# Nothing tells when the file itself is complete but the file.
copied() { cp "$db" "$dir/copy.db" && [ "$(sqlite3 "$dir/copy.db" 'select count(*) from summaries' 2> /dev/null)" = 3 ]; }
until_true 'a copy of the file has all that is committed' copied
ok 'and a copy of the file alone has all of it, when nothing is waiting'

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
for wrong in '' "--source" "--db $dir/x" "$dir/a.db $dir/b.db" "$dir" "$dir/nowhere/x.db" "$dir/text"; do
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
