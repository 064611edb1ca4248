#!/usr/bin/env bash
# httpmon-pretty: what people see of each event, in a pipe and on a terminal.
set -euo pipefail
scripts/need jq script=bsdutils
# shellcheck source=tests/lib.sh
. tests/lib.sh
same() { # WHAT FILE EXPECTED
    diff -u "$3" "$2" >&2 || fail "$1"
    ok "$1"
}

cat > "$dir/events" <<'EVENTS'
{"type":"summary","source":"stdin","start":"2019-02-07T21:11:00Z","end":"2019-02-07T21:11:10Z","duration_seconds":10,"partial":false,"requests":89,"requests_per_second":8.9,"late":0,"future":0,"bytes":109824,"status":{"1xx":0,"2xx":75,"3xx":0,"4xx":10,"5xx":4,"other":0},"status_codes":{"200":75,"404":10,"500":4},"methods":{"GET":67,"POST":22},"sections":[{"section":"/api","requests":58,"server_errors":2,"bytes":71341},{"section":"/report","requests":31,"server_errors":2,"bytes":38483}],"sections_other":{"distinct":0,"requests":0,"server_errors":0,"bytes":0,"capped":false},"hosts":[],"hosts_other":{"distinct":3,"requests":45,"server_errors":0,"bytes":55346,"capped":false},"alerting":false,"malformed":0,"skipped":0}
{"type":"alert","source":"stdin","time":"2019-02-07T21:12:36Z","name":"high_traffic","window_seconds":120,"requests":1206,"requests_per_second":10.05,"threshold":10.0,"message":"High traffic generated an alert - hits = 1206, triggered at 2019-02-07T21:12:36Z"}
{"type":"recovery","source":"stdin","time":"2019-02-07T21:14:03Z","name":"high_traffic","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":1198,"requests_per_second":9.983333333333333,"threshold":10.0,"peak_requests":1619,"peak_time":"2019-02-07T21:12:59Z","message":"Recovered from high traffic - hits = 1198, recovered at 2019-02-07T21:14:03Z after 87 s"}
{"type":"summary","source":"a.csv","start":"2019-02-07T21:14:00Z","end":"2019-02-07T23:18:20Z","duration_seconds":7460,"partial":true,"requests":0,"requests_per_second":0.0,"late":0,"future":1,"bytes":null,"status":null,"status_codes":null,"methods":null,"sections":null,"sections_other":null,"hosts":null,"hosts_other":null,"alerting":true,"malformed":3,"skipped":0,"new_field":[1]}
{"type":"forecast","source":"stdin"}
EVENTS
cat > "$dir/expected" <<'LINES'
2019-02-07 21:11:00 +10s        8.90/s      89  4xx 10   5xx 4    /api 58
2019-02-07 21:12:36 ALERT      10.05/s  high_traffic: more than 10/s over 2m, 1206 requests
2019-02-07 21:14:03 RECOVERED   9.98/s  high_traffic: after 1m27s, peak 13.49/s at 21:12:59
2019-02-07 21:14:00 +2h4m !     0.00/s       0                      1 future  3 malformed  (partial)  [a.csv]
LINES

httpmon-pretty < "$dir/events" > "$dir/out" 2> "$dir/err"
same 'each event is one aligned line; nulls, new fields and new types are taken as they come' "$dir/out" "$dir/expected"
[ ! -s "$dir/err" ] || fail "not quiet: $(cat "$dir/err")"

in_terminal() { # a terminal ends its lines with CR LF
    TERM=xterm script -qec "$1" /dev/null < /dev/null | tr -d '\r'
}
red=$'\e[1;31m' green=$'\e[32m' plain=$'\e[0m'
sed -e "2s/.*/$red&$plain/" -e "3s/.*/$green&$plain/" "$dir/expected" > "$dir/colored"
export dir
# shellcheck disable=SC2016 # expanded in the terminal's shell
in_terminal 'env -u NO_COLOR scripts/httpmon-pretty < "$dir/events"' > "$dir/out"
same 'on a terminal alerts are red and recoveries green' "$dir/out" "$dir/colored"
# shellcheck disable=SC2016
in_terminal 'NO_COLOR=1 scripts/httpmon-pretty < "$dir/events"' > "$dir/out"
same 'NO_COLOR is respected' "$dir/out" "$dir/expected"
httpmon-pretty --color always < "$dir/events" > "$dir/out"
same '--color always colors a pipe too' "$dir/out" "$dir/colored"

{ echo '{"type":"summary"'; cat "$dir/events"; echo '[1]'; echo; echo '{"type":"alert"}'; } > "$dir/broken"
httpmon-pretty < "$dir/broken" > "$dir/out" 2> "$dir/err"
same 'a broken line does not end the stream' "$dir/out" "$dir/expected"
cat > "$dir/expected_err" <<'LINES'
httpmon-pretty: line 1: not an event
httpmon-pretty: line 7: not an event
httpmon-pretty: line 9: not an event
httpmon-pretty: 3 of 8 lines were no events
LINES
same 'broken lines are reported with their numbers and counted' "$dir/err" "$dir/expected_err"

status=0
seq 100 | httpmon-pretty > "$dir/out" 2> "$dir/err" || status=$?
if [ "$status" -ne 1 ] || [ "$(wc -l < "$dir/err")" -ne 11 ]; then
    fail "no event in the input: status $status, $(wc -l < "$dir/err") lines on stderr"
fi
ok 'input without an event is status 1, and at most ten lines are reported singly'

httpmon-pretty < /dev/null > "$dir/out" 2> "$dir/err" || fail "empty stream: status $?"
if [ -s "$dir/out" ] || [ -s "$dir/err" ]; then fail 'an empty stream is not silent'; fi
ok 'an empty stream shows nothing and is no error'

sed -n 1p "$dir/events" | jq -c '.source = "x\u001b[2J\u0007\u0085\u0000\u202e" | .sections[0].section = "/\u001b]0;t\u0007\r"' |
    httpmon-pretty > "$dir/out"
if LC_ALL=C grep -q '[[:cntrl:]]' "$dir/out" || LC_ALL=C grep -q $'\xC2\x85\|\xE2\x80\xAE' "$dir/out"; then
    fail "a control character came through: $(cat -v "$dir/out")"
fi
grep -qF '[2J' "$dir/out" || fail 'the harmless part of a name is gone'
ok 'control characters in names do not reach the terminal'

mkfifo "$dir/live"
httpmon-pretty < "$dir/live" > "$dir/out" &
exec 3> "$dir/live"
for n in 1 2 3; do
    sed -n "${n}p" "$dir/events" >&3
    for _ in $(seq 600); do
        [ "$(wc -l < "$dir/out")" -eq "$n" ] && break
        sleep 0.05
    done
    [ "$(wc -l < "$dir/out")" -eq "$n" ] || fail "event $n is not shown while the stream is open"
done
exec 3>&-
wait $!
ok 'each event is shown at once while the stream stays open'

for _ in $(seq 3000); do cat "$dir/broken"; done > "$dir/many"
{ httpmon-pretty < "$dir/many" 2> "$dir/err" || echo "status $?" >> "$dir/err"; } | sed 1q > /dev/null
if grep -v ': not an event$' "$dir/err" >&2; then fail 'a closed pipe is not quiet'; fi
ok 'a reader that goes away ends it quietly'

httpmon-pretty --help | grep '^usage: httpmon-pretty' > /dev/null || fail 'no help'
for wrong in '--colour' 'events.ndjson' '--color=blue' '--color'; do
    status=0
    httpmon-pretty "$wrong" < /dev/null > "$dir/out" 2> "$dir/err" || status=$?
    if [ "$status" -ne 2 ] || [ "$(wc -l < "$dir/err")" -ne 1 ]; then fail "$wrong: status $status"; fi
done
ok '--help helps; unknown options and operands are status 2 and one line'

httpmon < tests/data/access.csv > "$dir/events" 2> /dev/null # the log has malformed lines
httpmon-pretty < "$dir/events" > "$dir/out" 2> "$dir/err"
[ ! -s "$dir/err" ] || fail "on the filter's own events: $(cat "$dir/err")"
[ "$(wc -l < "$dir/out")" -eq "$(wc -l < "$dir/events")" ] || fail "not one line for each of the filter's events"
[ "$(grep -c ' ALERT ' "$dir/out")" -eq "$(grep -c '"type":"alert"' "$dir/events")" ] || fail 'alerts are missing'
ok 'every event of the filter has its line'
