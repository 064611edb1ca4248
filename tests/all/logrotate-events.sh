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

logrotate --debug scripts/logrotate/httpmon > "$dir/log" 2>&1 && ! grep -i 'error' "$dir/log" >&2 || fail 'the configuration'
mkdir "$dir/logs"
events=$dir/logs/httpmon.ndjson
sed "s|/var/log/httpmon.ndjson|$events|" scripts/logrotate/httpmon > "$dir/events.conf"
rotate "$dir/events.conf"
ok 'the configuration is good, and an events file that is not there is none'

: > "$events"
chmod 640 "$events"
mkfifo "$dir/pipe"
httpmon --columns time,status --window 10 --idle-timeout 0 < "$dir/pipe" >> "$events" &
httpmon=$!
# Followers are what notification and metrics are.
tail -n 0 -F "$events" > "$dir/followed" 2> /dev/null &
exec 9> "$dir/pipe"
feed() { # FROM TO: one request a second
    for second in $(seq "$1" "$2"); do printf '%s,200\n' $((1549573860 + second)); done >&9
}
feed 0 47
until_true 'four summaries' has_lines "$events" 4
until_true 'the follower has them' has_lines "$dir/followed" 4
rotate "$dir/events.conf"
[ "$(zcat "$events.1.gz" | wc -l)" = 4 ] && [ ! -s "$events" ] || fail 'not rotated'
[ "$(stat -c %a "$events.1.gz")" = 640 ] || fail 'everybody may read the old events'
feed 48 95
until_true 'new events in the emptied file' has_lines "$events" 5
until_true 'the follower has them, too' has_lines "$dir/followed" 9
rotate "$dir/events.conf"
feed 96 105
exec 9>&-
wait "$httpmon"
! LC_ALL=C grep -qaP '\x00' "$events" || fail 'a hole in the file'
zcat "$events.2.gz" "$events.1.gz" | cat - "$events" > "$dir/all"
[ "$(jq -s 'map(.requests) | add' "$dir/all")" = 106 ] || fail "lost: $(cat "$dir/all")"
jq -es 'map(.start) | . == unique' "$dir/all" > /dev/null || fail 'out of order, or twice'
ok 'the events file is rotated under httpmon and a follower, and no event is lost or torn'

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
printf 'no log\n' > "$log.1"
cron '' || :
grep -q '^httpmon: ' "$dir/mail" || fail 'silent about a log that cannot be read'
rm "$log".1*
cron '' || :
grep -q 'No such file' "$dir/mail" || fail 'silent about a log that is not there'
ok 'it mails that a log could not be read, or is not there'
