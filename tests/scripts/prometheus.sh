#!/usr/bin/env bash
# httpmon-prometheus: what is counted, and that the file is whole whatever comes.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq python3
# shellcheck source=tests/lib.sh
. tests/lib.sh
tells() { # FILE LINE...
    local line
    for line in "${@:2}"; do
        grep -qxF -- "$line" "$1" || fail "no line $line in: $(grep -v '^#' "$1")"
    done
}

summary='{"type":"summary","source":"stdin","start":"2019-02-07T21:11:00Z","end":"2019-02-07T21:11:10Z","duration_seconds":10,"partial":false,"requests":89,"requests_per_second":8.9,"late":2,"future":1,"bytes":109824,"status":{"1xx":0,"2xx":75,"3xx":0,"4xx":10,"5xx":4,"other":0},"status_codes":{"200":75,"404":10,"500":4},"methods":{"GET":67,"POST":22},"sections":[{"section":"/api","requests":89,"server_errors":4,"bytes":109824}],"sections_other":{"distinct":0,"requests":0,"server_errors":0,"bytes":0,"capped":false},"hosts":[],"hosts_other":{"distinct":5,"requests":89,"server_errors":4,"bytes":109824,"capped":false},"alerting":false,"malformed":3,"skipped":1}'
bare='{"type":"summary","source":"bare.csv","start":"2019-02-07T21:11:00Z","end":"2019-02-07T21:11:10Z","duration_seconds":10,"partial":false,"requests":5,"requests_per_second":0.5,"late":0,"future":0,"bytes":null,"status":null,"status_codes":null,"methods":null,"sections":null,"sections_other":null,"hosts":null,"hosts_other":null,"alerting":true,"malformed":0,"skipped":0}'
alert='{"type":"alert","source":"stdin","time":"2019-02-07T21:12:36Z","name":"high_traffic","window_seconds":120,"requests":1206,"requests_per_second":10.05,"threshold":10.0,"message":"High traffic generated an alert - hits = 1206, triggered at 2019-02-07T21:12:36Z"}'
recovery='{"type":"recovery","source":"stdin","time":"2019-02-07T21:14:03Z","name":"high_traffic","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":1198,"requests_per_second":9.983333333333333,"threshold":10.0,"peak_requests":1619,"peak_time":"2019-02-07T21:12:59Z","message":"Recovered from high traffic - hits = 1198, recovered at 2019-02-07T21:14:03Z after 87 s"}'

printf '%s\n' "$summary" "$bare" "${summary/alerting\":false/alerting\":true}" "$alert" > "$dir/events"
httpmon-prometheus "$dir/a.prom" < "$dir/events" > "$dir/out" 2> "$dir/err"
[ ! -s "$dir/err" ] || fail "not quiet: $(cat "$dir/err")"
cmp "$dir/events" "$dir/out" || fail 'the stream was changed'
ok 'every line is passed on unchanged'
tells "$dir/a.prom" 'httpmon_requests_total{source="stdin"} 178' 'httpmon_late_requests_total{source="stdin"} 4' \
    'httpmon_future_requests_total{source="stdin"} 2' 'httpmon_response_bytes_total{source="stdin"} 219648' \
    'httpmon_responses_total{source="stdin",class="2xx"} 150' 'httpmon_responses_total{source="stdin",class="5xx"} 8' \
    'httpmon_malformed_lines_total{source="stdin"} 6' 'httpmon_skipped_lines_total{source="stdin"} 2' \
    'httpmon_requests_total{source="bare.csv"} 5' 'httpmon_alerts_total{source="stdin",name="high_traffic"} 1'
ok 'counters add up by source'
tells "$dir/a.prom" 'httpmon_window_requests{source="stdin"} 89' 'httpmon_window_requests_per_second{source="stdin"} 8.9' \
    'httpmon_window_duration_seconds{source="stdin"} 10' 'httpmon_window_end_timestamp_seconds{source="stdin"} 1549573870' \
    'httpmon_alerting{source="stdin"} 1' 'httpmon_alerting{source="bare.csv"} 1' 'httpmon_alert_active{source="stdin",name="high_traffic"} 1'
ok 'gauges are those of the last summary, and an alert is active until its recovery'
! grep -q 'bare.csv.*class\|bytes_total{source="bare.csv"' "$dir/a.prom" || fail 'a series for a column that is not there'
ok 'null makes no series'
[ "$(grep -c '^# TYPE' "$dir/a.prom")" = "$(grep '^# TYPE' "$dir/a.prom" | sort -u | wc -l)" ] || fail 'a type twice'
! grep -vE '^(# (HELP|TYPE) httpmon_[a-z_]+ .+|httpmon_[a-z_]+(\{[^ ]+\})? [0-9.]+)$' "$dir/a.prom" || fail 'a line out of format'
[ "$(stat -c %a "$dir/a.prom")" = 644 ] || fail 'the collector could not read it'
[ "$(ls -A "$dir")" = "$(printf 'a.prom\nerr\nevents\nout')" ] || fail "left behind: $(ls -A "$dir")"
ok 'the file is readable for all and nothing else is left behind'

printf '%s\n' "$alert" "$recovery" "$alert" "$summary" | httpmon-prometheus "$dir/a.prom" > /dev/null
tells "$dir/a.prom" 'httpmon_alerts_total{source="stdin",name="high_traffic"} 2' 'httpmon_requests_total{source="stdin"} 89' \
    'httpmon_recoveries_total{source="stdin",name="high_traffic"} 1' 'httpmon_alerting{source="stdin"} 0'
ok 'counters start at 0 after a restart, and an alert that was forgotten is over'
grep -qx 'httpmon_alert_active{source="stdin",name="high_traffic"} 0' "$dir/a.prom" || fail 'active for ever'
rm "$dir/a.prom"
httpmon-prometheus "$dir/a.prom" < /dev/null
[ "$(grep -v '^#' "$dir/a.prom" | sed 's/ 1[0-9]\{9\}$/ NOW/')" = 'httpmon_heartbeat_timestamp_seconds NOW
httpmon_broken_lines_total 0' ] || fail "$(cat "$dir/a.prom")"
ok 'an empty stream makes a file without sources'

# Alerts by name, and what is active over a restart.
errors=${alert/high_traffic/high_errors}
printf '%s\n' "$alert" "$errors" | httpmon-prometheus "$dir/n.prom" > /dev/null
printf '%s\n' "$recovery" | httpmon-prometheus "$dir/n.prom" > /dev/null
tells "$dir/n.prom" 'httpmon_alert_active{source="stdin",name="high_traffic"} 0' 'httpmon_alert_active{source="stdin",name="high_errors"} 1' \
    'httpmon_alerting{source="stdin"} 1'
httpmon-prometheus "$dir/n.prom" < /dev/null
tells "$dir/n.prom" 'httpmon_alert_active{source="stdin",name="high_errors"} 1' 'httpmon_alerting{source="stdin"} 1'
printf '%s\n' "${summary/alerting\":false/alerting\":true,\"alerts\":[\"slow_requests\"]}" | httpmon-prometheus "$dir/n.prom" > /dev/null
tells "$dir/n.prom" 'httpmon_alert_active{source="stdin",name="high_errors"} 0' 'httpmon_alert_active{source="stdin",name="slow_requests"} 1' \
    'httpmon_alerting{source="stdin"} 1'
printf '%s\n' "$summary" | httpmon-prometheus "$dir/n.prom" > /dev/null
tells "$dir/n.prom" 'httpmon_alert_active{source="stdin",name="slow_requests"} 0' 'httpmon_alerting{source="stdin"} 0'
ok 'alerts are told apart by name, what is active stays so over a restart, and a summary corrects it'
latency='"latency":{"requests":201,"sum":24.5,"p50":0.042,"p90":0.31,"p99":1.24,"max":3.871,"slow":4},"late":0'
printf '%s\n' "${summary/\"late\":2/$latency}" "${summary/\"late\":2/$latency}" | httpmon-prometheus "$dir/n.prom" > /dev/null
tells "$dir/n.prom" 'httpmon_latency_seconds_count{source="stdin"} 402' 'httpmon_latency_seconds_sum{source="stdin"} 49.0' \
    'httpmon_slow_requests_total{source="stdin"} 8' 'httpmon_window_latency_seconds{source="stdin",quantile="0.99"} 1.24'
empty='"latency":{"requests":0,"sum":0,"p50":null,"p90":null,"p99":null,"max":null,"slow":0},"late":0'
printf '%s\n' "${summary/\"late\":2/$latency}" "${summary/\"late\":2/$empty}" | httpmon-prometheus "$dir/n.prom" > /dev/null
! grep -q quantile "$dir/n.prom" || fail 'the quantile of no request'
ok 'latency is added up, and its quantiles are those of the last summary'
printf '==> a <==\n%s%s\n' "${summary:0:50}" "$alert" | httpmon-prometheus "$dir/n.prom" > /dev/null 2> "$dir/err"
tells "$dir/n.prom" 'httpmon_alerts_total{source="stdin",name="high_traffic"} 1' 'httpmon_broken_lines_total 1'
[ "$(wc -l < "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
ok 'an alert after a torn event is counted'
rm "$dir/n.prom"

{
    printf 'no event\n\xff\x00{\n\n[]\nnull\n5\n{"type":"summary","requests":NaN}\n'
    printf '{"type":"forecast","source":"x"}\n{"no":"type"}\n'
    jq -nc '{type: "summary", source: "a\"} 1\n# TYPE x\\", requests: 7, bytes: -1, late: "x", future: true, status: [], end: 5}'
    printf '{"type":"summary","source":"b\\u0000\\ud800","requests":1}\n{"type":"summary","source":"b\\u0001\\ud801","requests":1,"requests":2}\n'
    jq -nc '{type: "summary", source: null, requests: 1, status: {"\"\n": 1}, end: "later"}, {type: "alert", source: {a: 1}}'
    printf '%s' "$(printf '%s' "$summary" | cut -c 1-90)"
} > "$dir/events"
httpmon-prometheus "$dir/a.prom" < "$dir/events" > "$dir/out" 2> "$dir/err"
cmp "$dir/events" "$dir/out" || fail 'broken lines were changed'
[ "$(grep -c '^httpmon-prometheus: not an event: ' "$dir/err")" = 8 ] && [ "$(wc -l < "$dir/err")" = 8 ] || fail "$(cat "$dir/err")"
tells "$dir/a.prom" 'httpmon_broken_lines_total 8' 'httpmon_requests_total{source="a\"} 1�# TYPE x\\"} 7' \
    'httpmon_requests_total{source="b��"} 3' 'httpmon_responses_total{source="",class="\"�"} 1' \
    'httpmon_alerts_total{source="{\"a\": 1}",name=""} 1'
! grep -vE '^(# (HELP|TYPE) httpmon_[a-z_]+ .+|httpmon_[a-z_]+(\{.+\})? [0-9.]+)$' "$dir/a.prom" || fail 'a line out of format'
ok 'hostile names and broken lines are counted and reported, and never break the format'

mkfifo "$dir/pipe"
httpmon-prometheus "$dir/b.prom" < "$dir/pipe" > "$dir/out" 2> "$dir/err" &
pid=$!
exec 9> "$dir/pipe"
until_true 'a file at the start' grep -qs broken "$dir/b.prom"
printf '%s\n' "$summary" >&9
until_true 'a summary in the file' grep -qsx 'httpmon_requests_total{source="stdin"} 89' "$dir/b.prom"
cmp <(printf '%s\n' "$summary") "$dir/out" || fail 'not passed on at once'
ok 'an event is in the file and passed on while the stream is open'
beats() { sed -n 's/^httpmon_heartbeat_timestamp_seconds //p' "$dir/b.prom"; }
first=$(beats)
has_beaten() { [ "$(beats)" -gt "$first" ]; }
until_true 'a heartbeat while nothing comes' has_beaten
ok 'the heartbeat goes on while nothing comes'
rm "$dir/b.prom"
mkdir "$dir/b.prom"
printf '%s\n' "$summary" >&9
until_true 'a report' grep -q 'b.prom: ' "$dir/err"
rmdir "$dir/b.prom"
printf '%s\n%s' "$summary" "${summary:0:9}" >&9
until_true 'the file is there again' grep -qsx 'httpmon_requests_total{source="stdin"} 267' "$dir/b.prom"
[ "$(wc -l < "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
ok 'a file that cannot be written is reported once and tried again'
printf '%s\n' "${summary:9}" >&9
kill "$pid"
status=0
wait "$pid" || status=$?
exec 9>&-
[ "$status" = 143 ] || fail "status $status after SIGTERM"
ok 'SIGTERM ends it'

head -c 30000000 /dev/zero | tr '\0' x | cat - "$dir/events" > "$dir/long"
httpmon-prometheus "$dir/a.prom" < "$dir/long" > "$dir/out" 2> "$dir/err"
cmp "$dir/long" "$dir/out" || fail 'a long line'
ok 'a line of 30 MB is passed on in linear time'
for _ in $(seq 20000); do printf '%s\n' "$summary"; done > "$dir/many"
{ httpmon-prometheus "$dir/a.prom" < "$dir/many" || printf 'status %s\n' $? >&2; } 2> "$dir/err" | head -n 1 > /dev/null
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
ok 'a reader that goes away is not an error'
status=0
httpmon-prometheus "$dir/a.prom" < "$dir/many" > /dev/full 2> "$dir/err" || status=$?
[ "$status" = 2 ] && grep -q 'No space left' "$dir/err" || fail "a full disk: status $status, $(cat "$dir/err")"
ok 'a full disk is an error'
httpmon-prometheus "$dir/a.prom" < "$dir/many" > /dev/null
tells "$dir/a.prom" 'httpmon_requests_total{source="stdin"} 1780000'
ok 'a long stream is counted to its end'

for arguments in '' "$dir/a.txt" '--colour' "$dir/a.prom b.prom" "$dir/none/a.prom"; do
    status=0
    # shellcheck disable=SC2086
    httpmon-prometheus $arguments < "$dir/events" > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -s "$dir/out" ] || fail "status $status for: $arguments"
done
httpmon-prometheus --help > "$dir/out"
[ "$(head -n 1 "$dir/out")" = 'usage: httpmon-prometheus FILE.prom < EVENTS' ] && [ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help'
ok 'wrong usage is one line and status 2, --help is help'
