#!/usr/bin/env bash
# An event of 40 MB, as --top 0 writes it when clients choose the names, goes through every tool: in bounded memory,
# in no more time than its bytes take, and to nobody as a mail.
# shellcheck disable=SC2016 # the command's own variables
set -euo pipefail
scripts/need python3 jq
# shellcheck source=tests/lib.sh
. tests/lib.sh
PATH=$PWD/target/release:$PWD/scripts:$PATH
most_mib=1024

make_events() { # HOSTS: hosts of 128 bytes that are shown as 384, in one window
    python3 - "$1" <<'PYTHON' | httpmon --top 0 -e 5 -q
import sys

for i in range(int(sys.argv[1])):
    sys.stdout.buffer.write(b'%07d%s,-,-,%d,"GET /s%d/x HTTP/1.1",%d,5\n' % (
        i, b"\xff\xfe" * 60, 1700000000 + i // 10000, i % 9000, 503 if i % 9 == 0 else 200))
PYTHON
}
make_events 20000 > "$dir/fifth"
make_events 100000 > "$dir/events"
[ "$(stat -c %s "$dir/events")" -gt 40000000 ] || fail 'no big event'
[ "$(grep -c '"type":"alert"' "$dir/events")" -eq 2 ] || fail 'not two alerts'

# CPU seconds and the peak in MiB of a command on these events; its output is in $dir/out.
measured() { # EVENTS COMMAND...
    python3 - "$dir/out" "$@" <<'PYTHON'
import resource
import subprocess
import sys

out, events, *command = sys.argv[1:]
with open(events) as stdin, open(out, "wb") as stdout:
    status = subprocess.run(command, stdin=stdin, stdout=stdout).returncode
if status:
    sys.exit(f"{command}: status {status}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss // 1024}")
PYTHON
}
takes() { # NAME COMMAND...: linear, and within memory; what it writes to is new each time
    local seconds part mib _
    rm -f "$dir"/made*
    read -r part _ <<< "$(measured "$dir/fifth" "${@:2}")"
    rm -f "$dir"/made*
    read -r seconds mib <<< "$(measured "$dir/events" "${@:2}")"
    [ -n "${mib:-}" ] || fail "$1 failed"
    [ "$mib" -le "$most_mib" ] || fail "$1: $mib MiB"
    # Five times the bytes: what is quadratic takes 25 times as long.
    awk "BEGIN { exit !($seconds < 12 * $part + 2) }" || fail "$1: $seconds s, a fifth of it $part s"
    ok "$1: $seconds s, $mib MiB"
}
takes httpmon-pretty httpmon-pretty
[ "$(wc -c < "$dir/out")" -lt 10000 ] || fail 'a line for people has many names'
takes httpmon-explain httpmon-explain
cp "$dir/out" "$dir/explained"
[ "$(grep '"type":"alert"' "$dir/explained" | wc -c)" -lt 300000 ] || fail 'an alert carries all names'
[ "$(jq -c 'del(.interval)' "$dir/explained" | cksum)" = "$(jq -c . "$dir/events" | cksum)" ] || fail 'explain: other events'
cp "$dir/explained" "$dir/swap" && mv "$dir/events" "$dir/plain" && mv "$dir/swap" "$dir/events"
takes httpmon-notify httpmon-notify --retry 0 sh -c 'printf "%s\n" "$HTTPMON_DETAILS" >> "$0"' "$dir/told"
[ "$(tail -n 2 "$dir/told" | grep -c 'errors, 12 of 11112 in /s0')" -eq 2 ] || fail "told: $(cut -c 1-300 "$dir/told")"
mv "$dir/plain" "$dir/events"
takes httpmon-prometheus httpmon-prometheus "$dir/made.prom"
takes httpmon-append httpmon-append "$dir/made"
cmp "$dir/made" "$dir/events" || fail 'append: not the events'
# Cut in the midst of the big event, and then again with nothing to do.
truncate -s 30000000 "$dir/made"
measured "$dir/events" httpmon-append "$dir/made" > "$dir/used"
cmp "$dir/made" "$dir/events" || fail 'append: a torn big event is not completed'
measured "$dir/events" httpmon-append "$dir/made" > "$dir/used"
[ ! -s "$dir/out" ] || fail 'append: passed on twice'
ok 'a torn event of 40 MB is completed'
takes httpmon-store httpmon-store "$dir/made.db"
takes httpmon-plot httpmon-plot "$dir/made.svg"
# The longest line that any tool takes is longer: torn events without end, glued together.
head -c 10000 "$dir/events" | tr -d '\n' > "$dir/torn"
for _ in {1..4000}; do cat "$dir/torn"; done > "$dir/glued"
printf '\n%s\n' "$(head -n 1 "$dir/events")" >> "$dir/glued"
for tool in pretty explain 'notify true' "prometheus $dir/made.prom" "append $dir/made"; do
    rm -f "$dir"/made*
    # shellcheck disable=SC2086 # several words
    read -r seconds mib <<< "$(measured "$dir/glued" httpmon-$tool 2> "$dir/err")"
    [ "${mib:-9999}" -le "$most_mib" ] || fail "$tool: $mib MiB for torn events"
    ok "httpmon-${tool%% *}: 40 MB of torn events in one line: $seconds s, $mib MiB"
done
end_test
