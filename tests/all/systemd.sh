#!/usr/bin/env bash
# The systemd units: systemd's own verdict on them, and their commands run as the units would run them.
# No system manager is started for this: it would take hold of the machine it runs on. What
# it would forbid is compared with what the command does (strace).
# shellcheck disable=SC2015,SC2016  # "A && B || fail" is meant; the units' own variables
set -euo pipefail
scripts/need jq systemd-analyze=systemd strace setpriv=util-linux setsid=util-linux /usr/bin/python3=python3
# shellcheck source=tests/lib.sh
. tests/lib.sh
groups=()
end_all() {
    local group
    for group in "${groups[@]}"; do kill -KILL -- "-$group" 2> /dev/null || :; done
}
trap 'end_all; clean_up' EXIT

verdict() { # UNIT TENTHS
    systemd-analyze --man=no verify "scripts/systemd/$1" > "$dir/out" 2>&1 && [ ! -s "$dir/out" ] || fail "verify: $(cat "$dir/out")"
    systemd-analyze security --offline=true --threshold="$2" "scripts/systemd/$1" > "$dir/out" 2>&1 || fail "security: $(tail -n 1 "$dir/out")"
    printf 'ok systemd-analyze finds nothing wrong; security of %s\n' "$(sed -n 's/^.*Overall exposure level for \(.* [A-Z]*\).*/\1/p' "$dir/out")"
}
verdict httpmon.service 10
# It must be able to reach whoever is told.
verdict httpmon-notify.service 15

command_of() { # UNIT: what systemd makes of the line: continuations joined, $$ is $
    local command
    command=$(sed -n '/^ExecStart=/,/[^\\]$/p' "scripts/systemd/$1" | sed 's/^ExecStart=//; s/\\$//; s/[$][$]/$/g' | tr -d '\n')
    [[ $command == "/bin/bash -c '"*"'" ]] || fail "not a command that this test can read: $command"
    command=${command#"/bin/bash -c '"}
    printf '%s' "${command%"'"}"
}
default() { # UNIT NAME: of its Environment
    sed -n "s/^Environment=.*\"$2=\([^\"]*\)\".*/\1/p" "scripts/systemd/$1"
}

mkdir "$dir"/{logs,bin,events,told}
cp "$(command -v httpmon)" scripts/httpmon-{append,explain,follow,notify} scripts/httpmon_events.py "$dir/bin"
a=$dir/logs/a.csv b=$dir/logs/b.csv
t=1549573860
printf 'status|time_iso8601|remote_addr\n200|2019-02-07T21:00:00Z|old\n' > "$a"
chmod -R a+rX "$dir"
# The groups are what the unit has besides its own.
drop=(setpriv --no-new-privs)
if [ "$(id -u)" = 0 ]; then
    drop+=(--reuid=nobody --regid=nogroup --groups=adm --bounding-set=-all --inh-caps=-all)
    chown root:adm "$a"
    chmod 640 "$a"
    chown nobody:nogroup "$dir/events" "$dir/told"
    chmod 750 "$dir/events"
fi
start() { # UNIT NAME=VALUE...: the environment is the one that systemd makes; a shell without HOME or SHELL would ask for them by a socket
    local unit=$1
    shift
    setsid env -i HOME=/ SHELL=/usr/sbin/nologin USER=httpmon LOGNAME=httpmon LANG=C.UTF-8 PATH="$dir/bin:/usr/bin:/bin" "$@" \
        strace -D -f -qq -o "$dir/trace.$((${#groups[@]} + 1))" "${drop[@]}" /bin/bash -c "$(command_of "$unit")" 2>> "$dir/err" &
    main=$!
    groups+=("$main")
}
stop() { # as systemd does with KillMode=mixed
    local status=0
    kill "$main"
    { wait "$main" || status=$?; } 2> /dev/null
    [ "$status" = 143 ] || fail "status $status after SIGTERM"
    kill -KILL -- "-$main" 2> /dev/null || :
}
watch() {
    start httpmon.service LOGS="$dir/logs/*.csv" LOGS_DIRECTORY="$dir/events" OPTIONS='--threshold 0.5 --window 10 --idle-timeout 0 --delimiter |'
}
events=$dir/events/events.ndjson
summaries() { # SOURCE JQ-PROGRAM
    jq -es --arg source "$1" "map(select(.type == \"summary\" and .source == \$source)) | $2" "$events" > /dev/null 2>&1
}
[ "$(default httpmon.service OPTIONS)" = '' ] && grep -q 'httpmon --delimiter , \$\$OPTIONS' scripts/systemd/httpmon.service ||
    fail "OPTIONS does not come after the unit's own"

watch
for second in $(seq 0 24); do printf '404|%s|new\n' "2019-02-07T21:11:$(printf %02d "$second")Z" >> "$a"; done
until_true 'summaries of the log' summaries "$a" 'length >= 3'
summaries "$a" '.[0].hosts[0].host == "old" and (map(select(.requests == 10))[0] | .status_codes == {"404": 10} and .hosts[0].host == "new" and .malformed == 0)' ||
    fail "not the columns of the header: $(cat "$events" "$dir/err")"
ok 'what stands in the log at the start is read, with its header; OPTIONS go before the options of the unit'
for second in $(seq 0 24); do printf '10.0.0.1|-|u|%s|GET /new HTTP/1.0|200|1\n' $((t + second)) >> "$b"; done
until_true 'a summary of the log that came later' summaries "$b" 'length >= 1'
summaries "$b" '.[0] | .requests == 10 and .sections[0].section == "/new"' || fail "$(cat "$events")"
ok 'a log that matches the pattern later is a source, too'

mv "$a" "$a.1"
printf 'remote_addr|status|time_iso8601\nrotated|200|2019-02-07T21:11:25Z\n' > "$a.new"
chown --reference="$a.1" "$a.new"
chmod --reference="$a.1" "$a.new"
mv "$a.new" "$a"
for second in $(seq 26 50); do printf 'rotated|200|%s\n' "2019-02-07T21:11:${second}Z" >> "$a"; done
until_true 'a summary after the rotation' summaries "$a" 'any(.hosts[0].host == "rotated")'
ok 'a rotated log is followed, with a header of its own'

# A restart while an alert is on; the traffic ends while it is down.
grep -q '"type":"alert"' "$events" && ! grep -q "\"type\":\"recovery\",\"source\":\"$a\"" "$events" || fail "not alerting: $(cat "$events")"
stop
for second in $(seq 51 59); do printf 'rotated|200|%s\n' "2019-02-07T21:11:${second}Z" >> "$a"; done
printf 'rotated|200|2019-02-07T21:%sZ\n' 12:15 12:40 12:59 13:20 >> "$a"
watch
until_true 'the recovery' grep -q "\"type\":\"recovery\",\"source\":\"$a\"" "$events"
until_true 'the summary of the last minute' summaries "$a" 'any(.start == "2019-02-07T21:12:50Z")'
stop
[ "$(grep -c "\"type\":\"alert\",\"source\":\"$a\"" "$events")" = 1 ] || fail "not one alert: $(grep -c '"alert"' "$events")"
{ printf '==> %s <==\n' "$a"; cat "$a.1" "$a"; } | httpmon --threshold 0.5 --window 10 --delimiter '|' |
    head -n "$(grep -c "\"source\":\"$a\"" "$events")" | sed 's/"skipped":[0-9]*//' > "$dir/expected" || :
grep "\"source\":\"$a\"" "$events" | sed 's/"skipped":[0-9]*//' > "$dir/got"
same_bytes 'after a restart' "$dir/expected" "$dir/got"
ok 'a restart in an alert: one alert, its recovery, and the events of an unbroken run'

# A part that dies ends the service, so that systemd starts it again.
for part in httpmon-follow httpmon httpmon-append; do
    watch
    find_part() { pid=$(pgrep -g "$main" -f "^([^ ]*python3 )?[^ ]*/?$part( |$)"); }
    until_true "$part runs" find_part
    until_true 'it reads' summaries "$a" 'length >= 1'
    kill -9 "$pid"
    printf 'rotated|200|2019-02-07T21:%sZ\n' "$((10 + ${#groups[@]})):45" "$((11 + ${#groups[@]})):05" "$((11 + ${#groups[@]})):25" >> "$a"
    until_true "the service ends without $part" is_gone "$main"
    status=0
    { wait "$main" || status=$?; } 2> /dev/null
    [ "$status" != 0 ] || fail "$part was killed, and the status is 0"
    kill -KILL -- "-$main" 2> /dev/null || :
done
ok 'when one part dies all end, with a status that is a failure'

start httpmon-notify.service EVENTS="$events" STATE_DIRECTORY="$dir/told" OPTIONS='--timeout 10' COMMAND="tee -a $dir/told/log"
seconds_of_now() { date -u -d "@$(($(date +%s) - $1))" +%FT%TZ; }
printf '{"type":"alert","source":"x","name":"high_traffic","time":"%s"}\n' "$(seconds_of_now 60)" >> "$events"
until_true 'the command is run' grep -qs '"source":"x"' "$dir/told/log"
stop
[ "$(grep -c . "$dir/told/log")" = 1 ] || fail "what is long past was told: $(cat "$dir/told/log")"
start httpmon-notify.service EVENTS="$events" STATE_DIRECTORY="$dir/told" OPTIONS='' COMMAND="tee -a $dir/told/log"
printf '{"type":"recovery","source":"x","name":"high_traffic","time":"%s"}\n' "$(seconds_of_now 1)" >> "$events"
until_true 'the command is run' grep -qs '"type":"recovery"' "$dir/told/log"
stop
[ "$(grep -c . "$dir/told/log")" = 2 ] || fail "told twice: $(cat "$dir/told/log")"
ok 'httpmon-notify.service tells what is new, and after a restart nothing again'

# From the exec of the units' own commands on; what setpriv needed is not theirs.
for trace in "$dir"/trace.*; do sed -n '/execve("\/bin\/bash"/,$p' "$trace"; done > "$dir/ours"
cat > "$dir/allowed.py" <<'PYTHON'
# Expands the unit's SystemCallFilter with systemd's own groups, and tells what is outside of it.
import re, subprocess, sys
unit, trace = sys.argv[1:]
groups = {}
listing = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
for line in listing.splitlines():
    if line.startswith("@"):
        group = groups.setdefault(line.split()[0], set())
    elif re.match(r"\s+[@\w]", line):
        group.add(line.split()[0])
def expand(name):
    return set().union(*map(expand, groups[name])) if name.startswith("@") else {name}
# The first assignment allows, and the group @default is always allowed then.
allowed = expand("@default")
for value in re.findall(r"^SystemCallFilter=(.*)$", open(unit).read(), re.M):
    names = set().union(*map(expand, value.lstrip("~").split()))
    allowed = allowed - names if value.startswith("~") else allowed | names
used = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", open(trace).read(), re.M))
print(len(used), *sorted(used - allowed))
PYTHON
read -r used outside < <(python3 "$dir/allowed.py" scripts/systemd/httpmon.service "$dir/ours")
[ "$used" -gt 20 ] || fail "only $used system calls were seen"
[ -z "$outside" ] || fail "system calls that the unit forbids: $outside"
! grep -E 'socket\(|PROT_WRITE\|PROT_EXEC|mprotect\(.*PROT_EXEC|unshare\(|CLONE_NEW' "$dir/ours" >&2 || fail 'forbidden by the unit'
! grep -E 'open(at)?\(.*(O_WRONLY|O_RDWR|O_CREAT)' "$dir/ours" | grep -vE "\"(/dev/(null|tty)|/tmp/[^/]*|$dir/(events|told)/[^/]*)\"" >&2 ||
    fail 'opens a file for writing'
printf 'ok of %s system calls none is one that the units forbid\n' "$used"
