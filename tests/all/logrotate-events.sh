#!/usr/bin/env bash
# Rotation by the real logrotate of the events file under a running httpmon.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need logrotate zcat=gzip
# shellcheck source=tests/lib.sh
. tests/lib.sh
rotate() { # logrotate wants a configuration that only its owner may write
    chmod 600 "$1"
    logrotate --force --state "$dir/state" "$1" > "$dir/log" 2>&1 && [ ! -s "$dir/log" ] || fail "$(cat "$dir/log")"
}

mkdir "$dir/logs"
events=$dir/logs/events.ndjson
# The user that it names comes with the installation.
sed "s|/var/log/httpmon/events.ndjson|$events|; /^ *su /d" scripts/logrotate/httpmon > "$dir/events.conf"
logrotate --debug "$dir/events.conf" > "$dir/log" 2>&1 && ! grep -i 'error' "$dir/log" >&2 || fail 'the configuration'
rotate "$dir/events.conf"
ok 'the configuration is good, and an events file that is not there is none'

mkfifo "$dir/pipe"
(umask 027 && httpmon --columns time,status --window 10 --idle-timeout 0 < "$dir/pipe" | httpmon-append "$events" > "$dir/appended") &
chain=$!
# Followers are what notification and metrics are.
httpmon-follow -q "$events" > "$dir/followed" 2> /dev/null &
followers=("$!")
tail -n +1 -F "$events" > "$dir/tailed" 2> /dev/null &
followers+=("$!")
exec 9> "$dir/pipe"
feed() { # FROM TO: one request a second
    for second in $(seq "$1" "$2"); do printf '%s,200\n' $((1549573860 + second)); done >&9
}
feed 0 47
until_true 'four summaries' has_lines "$dir/appended" 4
until_true 'the followers have them' has_lines "$dir/followed" 4
until_true 'the followers have them' has_lines "$dir/tailed" 4
rotate "$dir/events.conf"
[ "$(wc -l < "$events.1")" = 4 ] && [ ! -e "$events" ] || fail 'not rotated'
feed 48 95
until_true 'new events in a new file' has_lines "$dir/appended" 9
[ "$(stat -c %a "$events" "$events.1" | tr '\n' ' ')" = '640 640 ' ] || fail 'everybody may read the events'
until_true 'the followers have them, too' has_lines "$dir/followed" 9
until_true 'the followers have them, too' has_lines "$dir/tailed" 9
rotate "$dir/events.conf"
[ -s "$events.2.gz" ] && [ "$(wc -l < "$events.1")" = 5 ] || fail "not rotated: $(ls "$dir/logs")"
feed 96 105
exec 9>&-
ends_with "$chain" 0 'the chain'
zcat "$events.2.gz" | cat - "$events.1" "$events" > "$dir/all"
for second in $(seq 0 105); do printf '%s,200\n' $((1549573860 + second)); done > "$dir/access"
httpmon --columns time,status --window 10 < "$dir/access" > "$dir/expected"
same_bytes 'over two rotations' "$dir/expected" "$dir/all"
until_true 'all is followed' has_lines "$dir/followed" "$(wc -l < "$dir/expected")"
same_bytes 'what a follower has' "$dir/expected" "$dir/followed"
kill "${followers[@]}"
wait "${followers[@]}" || :
ok 'the events file is rotated under httpmon-append and its followers, and no event is lost or torn'
httpmon --columns time,status --window 10 < "$dir/access" | httpmon-append "$events" > "$dir/out"
[ ! -s "$dir/out" ] || fail "after a rotation a replay appends: $(cat "$dir/out")"
ok 'a replay after a rotation appends nothing'
