#!/usr/bin/env bash
# Rotation by the real logrotate: of the events file under a running httpmon, and of access
# logs that the cron example then looks through.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq logrotate zcat=gzip
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

# The cron example, with the paths of this test: its lines are NAME=VALUE and one entry.
log=$dir/logs/access.csv
printf '%s {\n rotate 3\n missingok\n}\n' "$log" > "$dir/access.conf"
sed -n '/^[0-9]/s/^\([^ ]* *\)\{5\}root *//p' scripts/cron/httpmon > "$dir/entry"
[ "$(wc -l < "$dir/entry")" = 1 ] && ! grep -q % "$dir/entry" || fail 'not one entry without %'
cron() { # runs the entry as cron would: sh, little in the environment
    env -i PATH="$PATH" LOG="$log.1$1" OPTIONS='--columns time,status --window 10' sh "$dir/entry" > "$dir/mail" 2>&1
}
for second in $(seq 0 60); do printf '%s,200\n' $((1549573860 + second)); done > "$log"
rotate "$dir/access.conf"
cron '' || fail "$(cat "$dir/mail")"
[ ! -s "$dir/mail" ] || fail "mail for a calm day: $(cat "$dir/mail")"
ok 'the cron example says nothing of a day without an alert'
for second in $(seq 0 20) $(seq 150 | sed 's/.*/21/') $(seq 22 60); do printf '%s,200\n' $((1549573860 + second)); done > "$log"
sed -i 1d "$dir/access.conf"
printf '%s {\n compress\n' "$log" | cat - "$dir/access.conf" > "$dir/compressed.conf"
rotate "$dir/compressed.conf"
cron .gz || fail "$(cat "$dir/mail")"
cat > "$dir/expected" <<MAIL
$log.1.gz: High traffic generated an alert - hits = 159, triggered at 2019-02-07T21:11:21Z
$log.1.gz: Recovered from high traffic - hits = 10, recovered at 2019-02-07T21:11:31Z after 10 s
MAIL
diff "$dir/expected" "$dir/mail" >&2 || fail 'not that mail'
ok 'it mails the alert and the recovery, from a compressed log too'
printf 'no log\nnor this\n' > "$log.1"
cron '' || :
grep -q '^httpmon: ' "$dir/mail" || fail 'silent about a log that cannot be read'
rm "$log".1*
cron '' || :
grep -q 'No such file' "$dir/mail" || fail 'silent about a log that is not there'
ok 'it mails that a log could not be read, or is not there'
