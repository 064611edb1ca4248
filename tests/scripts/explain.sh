#!/usr/bin/env bash
# httpmon-explain: what is added to alerts and recoveries, and what waits for what.
# shellcheck disable=SC2015,SC2016  # "A && B || fail" is meant; the command's own variables
set -euo pipefail
scripts/need jq python3
# shellcheck source=tests/lib.sh
. tests/lib.sh

for second in $(seq 0 60); do
    for n in $(seq 1 $((second < 30 ? 30 : 1))); do
        printf '192.0.2.%s,-,-,%s,GET /%s HTTP/1.1,%s,5\n' $((n % 7)) $((1549573860 + second)) \
            "$([ $((n % 3)) = 0 ] && echo api || echo pages)" $((n % 10 == 0 ? 503 : 200))
    done
done > "$dir/log"
httpmon -w 10s < "$dir/log" > "$dir/events"
grep -q '"type":"recovery"' "$dir/events" || fail 'no recovery'
httpmon-explain < "$dir/events" > "$dir/out" 2> "$dir/err"
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
jq -c 'del(.interval)' "$dir/out" | diff <(jq -c . "$dir/events") - >&2 || fail 'not the same events in the same order'
grep -v '"interval":' "$dir/out" | diff <(grep '"type":"summary"' "$dir/events") - >&2 || fail 'a summary was changed'
ok 'all events are passed on in order, and only alerts and recoveries get something'
jq -es '
    map(select(.type == "summary")) as $summaries | map(select(.type != "summary")) |
    length >= 2 and all(.[];
        . as $event | .interval as $i | $i.start <= $event.time and $event.time < $i.end and
        ($i | keys_unsorted) == ["start", "end", "requests", "status", "sections", "hosts"] and
        any($summaries[]; .start == $i.start and .requests == $i.requests and .sections == $i.sections and .hosts == $i.hosts and .status == $i.status))
' "$dir/out" > /dev/null || fail "$(grep interval "$dir/out")"
ok 'what is added is of the summary that covers the second'
httpmon-explain < "$dir/events" | httpmon-notify --retry 0 sh -c 'echo "$HTTPMON_DETAILS" >> "$0"' "$dir/details" > /dev/null
grep -qE '^[0-9.]+ % errors, [0-9]+ of [0-9]+ in /(api|pages), [0-9]+ requests of 192\.0\.2\.[0-9]$' "$dir/details" || fail "$(cat "$dir/details")"
ok 'httpmon-notify says it in a sentence'

alert='{"type":"alert","source":"a","time":"2019-02-07T21:12:36Z","name":"low_traffic"}'
other='{"type":"summary","source":"b","start":"2019-02-07T21:12:30Z","end":"2019-02-07T21:12:40Z","requests":5}'
early='{"type":"summary","source":"a","start":"2019-02-07T21:12:20Z","end":"2019-02-07T21:12:30Z","requests":5}'
covers='{"type":"summary","source":"a","start":"2019-02-07T21:12:30Z","end":"2019-02-07T21:12:40Z","requests":7,"hosts":null}'
mkfifo "$dir/pipe"
: > "$dir/out"
httpmon-explain --wait 1h < "$dir/pipe" >> "$dir/out" &
pid=$!
exec 9> "$dir/pipe"
printf '%s\n' "$alert" "$other" "$early" 'no event' '{"type":"forecast"}' >&9
until_true 'the others pass' has_lines "$dir/out" 4
printf '%s\n' "$other" "$early" 'no event' '{"type":"forecast"}' | cmp - "$dir/out" || fail "$(cat "$dir/out")"
printf '%s\n' "$covers" >&9
until_true 'the alert passes' has_lines "$dir/out" 6
{
    printf '%s\n' "$other" "$early" 'no event' '{"type":"forecast"}'
    printf '%s,"interval":{"start":"2019-02-07T21:12:30Z","end":"2019-02-07T21:12:40Z","requests":7,"status":null,"sections":null,"hosts":null}}\n' "${alert%\}}"
    printf '%s\n' "$covers"
} | diff - "$dir/out" >&2 || fail 'not so'
printf '%s\n' "$alert" >&9
exec 9>&-
ends_with "$pid" 0 'the end of the input'
[ "$(tail -n 1 "$dir/out")" = "$alert" ] || fail "$(tail -n 1 "$dir/out")"
ok 'only the summary of its own source and second releases it, or the end of the input; nothing else waits'
: > "$dir/out"
httpmon-explain --wait 1s < "$dir/pipe" >> "$dir/out" &
pid=$!
exec 9> "$dir/pipe"
printf '%s\n' "$alert" >&9
until_true 'it does not wait for ever' has "$dir/out" "$alert"
exec 9>&-
ends_with "$pid" 0 'after waiting'
ok 'a log in which nothing comes any more does not hold back its alert'
printf '{"type":"summ%s\n%s\n' "$alert" "$covers" | httpmon-explain > "$dir/out"
[ "$(head -n 1 "$dir/out" | grep -c '"interval"')" = 1 ] || fail "$(cat "$dir/out")"
ok 'an alert after a torn event is found'
printf '%s\n' "${covers/summary\",\"source\":\"a\"/alert\",\"source\":5}" '{"type":"alert","source":null,"time":"2019-02-07T21:12:36Z"}' '{"type":"summary"}' |
    httpmon-explain > "$dir/out" 2> "$dir/err"
[ "$(wc -l < "$dir/out")" = 3 ] && [ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
ok 'strange events pass'

jq -nc '{type:"summary",source:"a",start:"2019-02-07T21:12:30Z",end:"2019-02-07T21:12:40Z",requests:7,
    sections:[range(101) | {section:"/\(.)"}],hosts:[range(3) | {host:"\(.)"}]}' > "$dir/big"
{ printf '%s\n' "$alert"; cat "$dir/big"; } | httpmon-explain > "$dir/out"
[ "$(head -n 1 "$dir/out" | jq -c '.interval | [(.sections | length), .sections[99].section, (.hosts | length)]')" = '[100,"/99",3]' ] ||
    fail "a long list: $(head -n 1 "$dir/out")"
tail -n 1 "$dir/out" | cmp - "$dir/big" || fail 'a long summary is not passed on as it came'
ok 'of a long list the first hundred names go with an alert'

for arguments in '--wait' '--wait x' 'file'; do
    status=0
    # shellcheck disable=SC2086
    httpmon-explain $arguments < /dev/null > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -s "$dir/out" ] || fail "status $status for: $arguments"
done
{ httpmon-explain < "$dir/events" || printf 'status %s\n' $? >&2; } 2> "$dir/err" | head -n 1 > /dev/null
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
httpmon-explain --help > "$dir/out"
[ "$(head -c 22 "$dir/out")" = 'usage: httpmon-explain' ] && [ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help'
ok 'wrong usage is one line and status 2, a reader that goes away is not an error'
