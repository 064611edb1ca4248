#!/usr/bin/env bash
# httpmon-pretty: what people see of each event, in a pipe and on a terminal.
set -euo pipefail
scripts/need jq python3 script=bsdutils
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
2019-02-07 21:11:00Z +10s      8.90/s     89  4xx 10   5xx 4   /api 58
2019-02-07 21:12:36Z ALERT high_traffic 10.05/s > 10/s in 2m, 1206 requests
2019-02-07 21:14:03Z RECOVERED high_traffic after 1m27s, peak 13.49/s
2019-02-07 21:14:00Z +2h4m !   0.00/s      0  1 future  3 malformed  [a.csv]
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

# What is new in the second edition of the events.
cat > "$dir/second" <<'EVENTS'
{"type":"summary","source":"stdin","start":"2019-02-07T21:11:00Z","end":"2019-02-07T21:11:10Z","duration_seconds":10,"partial":false,"requests":89,"requests_per_second":8.9,"late":0,"future":0,"bytes":109824,"latency":{"requests":89,"sum":24.913,"p50":0.042,"p90":0.31,"p99":1.24,"max":3.871,"slow":4},"status":{"1xx":0,"2xx":75,"3xx":0,"4xx":10,"5xx":4,"other":0},"status_codes":{"200":75},"methods":{"GET":67},"sections":[{"section":"/api","requests":58,"server_errors":2,"bytes":71341}],"sections_other":null,"hosts":[],"hosts_other":null,"alerting":true,"alerts":["high_errors"],"malformed":0,"skipped":0}
{"type":"alert","source":"stdin","time":"2019-02-07T21:12:36Z","name":"low_traffic","window_seconds":120,"requests":59,"requests_per_second":0.49166,"threshold":0.5,"message":""}
{"type":"recovery","source":"stdin","time":"2019-02-07T21:14:03Z","name":"low_traffic","reason":"recovered","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":61,"requests_per_second":0.508,"threshold":0.5,"lowest_requests":12,"lowest_time":"2019-02-07T21:12:59Z","message":""}
{"type":"alert","source":"stdin","time":"2019-02-07T21:12:36Z","name":"high_errors","window_seconds":120,"requests":714,"requests_per_second":5.95,"server_errors":36,"server_errors_percent":5.042016806722689,"threshold":5.0,"message":"","interval":{"start":"2019-02-07T21:12:30Z","end":"2019-02-07T21:12:40Z","requests":83,"status":{"1xx":0,"2xx":47,"3xx":0,"4xx":0,"5xx":36,"other":0},"sections":[{"section":"/shop","requests":44,"server_errors":5,"bytes":1},{"section":"/api","requests":39,"server_errors":31,"bytes":1}],"hosts":[{"host":"198.51.100.42","requests":59,"server_errors":30,"bytes":1}]}}
{"type":"recovery","source":"stdin","time":"2019-02-07T21:14:03Z","name":"high_errors","reason":"restarted","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":395,"requests_per_second":3.3,"server_errors":12,"server_errors_percent":3.0,"threshold":5.0,"peak_server_errors":36,"peak_requests":714,"peak_time":"2019-02-07T21:12:36Z","message":""}
{"type":"alert","source":"/var/log/nginx/access.csv","time":"2019-02-07T21:12:36Z","name":"slow_requests","window_seconds":120,"requests":1214,"requests_per_second":10.1,"slow_requests":62,"slow_requests_percent":5.107,"slow_seconds":1.0,"threshold":5.0,"message":""}
{"type":"recovery","source":"/var/log/nginx/access.csv","time":"2019-02-07T21:14:03Z","name":"slow_requests","reason":"recovered","since":"2019-02-07T21:12:36Z","duration_seconds":87,"window_seconds":120,"requests":900,"requests_per_second":7.5,"slow_requests":3,"slow_requests_percent":0.33,"slow_seconds":1.0,"threshold":5.0,"peak_slow_requests":63,"peak_requests":1214,"peak_time":"2019-02-07T21:12:37Z","message":""}
EVENTS
cat > "$dir/second_expected" <<'LINES'
2019-02-07 21:11:00Z +10s  !   8.90/s     89  4xx 10   5xx 4   /api 58
2019-02-07 21:12:36Z ALERT low_traffic 0.49/s < 0.5/s in 2m, 59 requests
2019-02-07 21:14:03Z RECOVERED low_traffic after 1m27s, lowest 0.10/s
2019-02-07 21:12:36Z ALERT high_errors 5.04% > 5% in 2m, 36 of 714 failed
    5xx 36 of 83, 31 in /api, 59 of 198.51.100.42
2019-02-07 21:14:03Z CLOSED high_errors after 1m27s: time was set back
2019-02-07 21:12:36Z ALERT slow_requests 5.11% > 5% in 2m  […inx/access.csv]
2019-02-07 21:14:03Z RECOVERED slow_requests after 1m27s  […inx/access.csv]
LINES
httpmon-pretty < "$dir/second" > "$dir/out" 2> "$dir/err"
same 'the four alerts, what their limits are, and who caused them' "$dir/out" "$dir/second_expected"
httpmon-pretty --width 0 < "$dir/second" > "$dir/out"
for part in 'p99 1.24s' 'peak 5.04% at 21:12:36' '62 of 1214 slow' '[/var/log/nginx/access.csv]' 'peak 5.19% at 21:12:37'; do
    grep -qF "$part" "$dir/out" || fail "\"$part\" is not in a line of any width"
done
ok 'with --width 0 nothing is left out'

TZ=Europe/Berlin httpmon-pretty < "$dir/second" | sed -n 1p > "$dir/out"
grep -q '^2019-02-07 22:11:00+01 ' "$dir/out" || fail "local time: $(cat "$dir/out")"
sed 's/2019-02/2019-07/g' "$dir/second" | TZ=Asia/Kolkata httpmon-pretty | sed -n 1p > "$dir/out"
grep -q '^2019-07-08 02:41:00+0530 ' "$dir/out" || fail "local time: $(cat "$dir/out")"
sed 's/2019-02/2019-07/g' "$dir/second" | TZ=Europe/Berlin httpmon-pretty | sed -n 1p > "$dir/out"
grep -q '^2019-07-07 23:11:00+02 ' "$dir/out" || fail "summer time: $(cat "$dir/out")"
TZ=Europe/Berlin httpmon-pretty --utc < "$dir/second" | diff "$dir/second_expected" - >&2 || fail '--utc: other times'
ok 'times are local, with their offset, or UTC with --utc'

long=/$(printf 'section%.0s' $(seq 30))
for width in 80 100; do
    jq -c --arg long "$long" 'if .type == "summary" then .sections[0].section = $long | .requests = 1234567 | .requests_per_second = 123456.7
        | .status["4xx"] = 99999 | .status["5xx"] = 99999 | .late = 5 | .partial = true | .source = $long else .source = $long | .interval.sections[0]?.section = $long
        | .interval.hosts[0]?.host = "2001:db8:1111:2222:3333:4444:5555:6666" end' "$dir/events" "$dir/second" |
        TZ=Asia/Kolkata httpmon-pretty --width "$width" > "$dir/out" 2> "$dir/err"
    [ "$(wc -l < "$dir/out")" -ge 11 ] || fail "lines are missing: $(cat "$dir/err")"
    longest=$(LC_ALL=C.UTF-8 awk '{ n = length($0); if (n > most) most = n } END { print most }' <(sed 's/…/x/g' "$dir/out"))
    [ "$longest" -le "$width" ] || fail "a line of $longest columns in a terminal of $width"
done
ok 'no line is longer than the terminal is wide, however long the names are'

{ printf '%s' '{"type":"summary","source":"größe","start":"2019-02-0'; cat "$dir/events"; } > "$dir/torn"
httpmon-pretty < "$dir/torn" > "$dir/out" 2> "$dir/err"
same 'a torn event costs only itself' "$dir/out" "$dir/expected"
grep -qx 'httpmon-pretty: line 1: not an event' "$dir/err" || fail "a torn event: $(cat "$dir/err")"

# How far a long read has come: on a terminal of its own, while standard output goes to a file.
mkfifo "$dir/reading"
# shellcheck disable=SC2016
TERM=xterm script -qfc 'exec scripts/httpmon-pretty < "$dir/reading" > "$dir/out"' "$dir/screen" < /dev/null > "$dir/script" 2>&1 &
reader=$!
exec 4> "$dir/reading"
said() { cat "$dir/events" >&4; grep -aq 'records read, log time 2019-02-07T2[0-9:]*Z, [0-9.]* MB/s' "$dir/screen"; }
until_true 'a long read says how far it has come' said
exec 4>&-
wait "$reader"
tr '\r' '\n' < "$dir/screen" | grep -v 'records read\|^ *$\|^Script' >&2 && fail 'something else is on the terminal'
ok 'a long read says how far it has come, and cleans up'
httpmon-pretty < "$dir/events" 2>&1 > "$dir/out" | grep . >&2 && fail 'without a terminal it is not quiet'

{ echo '{"type":"summary"'; cat "$dir/events"; echo '[1]'; echo; echo '{"type":"alert"}'; } > "$dir/broken"
httpmon-pretty < "$dir/broken" > "$dir/out" 2> "$dir/err"
same 'a broken line does not end the stream' "$dir/out" "$dir/expected"
cat > "$dir/expected_err" <<'LINES'
httpmon-pretty: line 1: not an event
httpmon-pretty: line 7: not an event
httpmon-pretty: line 9: not an event
httpmon-pretty: 3 of 8 lines were not events
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
ok 'an empty stream shows nothing and is not an error'

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
for wrong in '--colour' 'events.ndjson' '--color=blue' '--color' '--width=9' '--width=x' '--width'; do
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
