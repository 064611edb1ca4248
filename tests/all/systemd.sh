#!/usr/bin/env bash
# The systemd unit: systemd's own verdict on it, and its command run as the unit would run it.
# No system manager is started for this: it would take hold of the machine it runs on. What
# it would forbid is compared with what the command does (strace).
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need jq python3 systemd-analyze=systemd strace setpriv=util-linux pgrep=procps
# shellcheck source=tests/lib.sh
. tests/lib.sh
main='' children=''
end_all() {
    local pid
    for pid in $main $children; do kill -KILL "$pid" 2> /dev/null || :; done
}
trap 'end_all; clean_up' EXIT

unit=scripts/systemd/httpmon.service
systemd-analyze --man=no verify "$unit" > "$dir/out" 2>&1 && [ ! -s "$dir/out" ] || fail "verify: $(cat "$dir/out")"
ok 'systemd-analyze verify finds nothing'
systemd-analyze security --offline=true --threshold=25 "$unit" > "$dir/out" 2>&1 || fail "security: $(tail -n 1 "$dir/out")"
printf 'ok systemd-analyze security: %s\n' "$(sed -n 's/^.*Overall exposure level for httpmon.service: \([0-9.]* [A-Z]*\).*/\1/p' "$dir/out")"

# What systemd makes of the line: continuations joined, $$ is $.
command=$(sed -n '/^ExecStart=/,/[^\\]$/p' "$unit" | sed 's/^ExecStart=//; s/\\$//; s/[$][$]/$/g' | tr -d '\n')
[[ $command == "/bin/bash -c '"*"'" ]] || fail "not a command that this test can read: $command"
command=${command#"/bin/bash -c '"}
command=${command%"'"}

mkdir "$dir/logs"
a=$dir/logs/a.csv b=$dir/logs/b.csv
t=1549573860
printf 'status|time_iso8601|remote_addr\n200|2019-02-07T21:00:00Z|old\n' > "$a"
printf '"10.0.0.1","-","u",%s,"GET /old HTTP/1.0",200,1\n' $((t - 600)) > "$b"
chmod -R a+rX "$dir"
# The group is what the unit's DynamicUser would get besides its own; root opens the events file, not the user.
drop=(setpriv --no-new-privs)
if [ "$(id -u)" = 0 ]; then
    drop+=(--reuid=nobody --regid=nogroup --groups=adm --bounding-set=-all --inh-caps=-all)
    chown root:adm "$a" "$b"
    chmod 640 "$a" "$b"
fi
cp "$(command -v httpmon)" "$dir/httpmon"
# The environment is the one that systemd makes; a shell without HOME or SHELL would ask for them by a socket.
env -i HOME=/ SHELL=/usr/sbin/nologin USER=httpmon LOGNAME=httpmon LANG=C.UTF-8 \
    PATH="$dir:$PATH" LOGS="$dir/logs/*.csv" OPTIONS='--threshold 0.5 --window 10 --idle-timeout 0' \
    strace -D -f -qq -o "$dir/trace" "${drop[@]}" /bin/bash -c "$command" >> "$dir/events" 2> "$dir/err" &
main=$!
tail_runs() { children=$(pgrep -P "$main" -x tail); }
until_true 'tail follows the logs' tail_runs
# Both are watched when tail has asked for it, and that comes after it has looked at their ends.
until_true 'tail watches the logs' grep -qsE "inotify_add_watch\([0-9]+, \"$b\"" "$dir/trace"

for second in $(seq 0 24); do
    printf '404|%s|new\n' "2019-02-07T21:11:$(printf %02d "$second")Z" >> "$a"
    printf '"10.0.0.1","-","u",%s,"GET /new HTTP/1.0",200,1\n' $((t + second)) >> "$b"
done
summaries() { # SOURCE JQ-PROGRAM
    jq -es --arg source "$1" "map(select(.type == \"summary\" and .source == \$source)) | $2" "$dir/events" > /dev/null
}
until_true 'a summary of each log' summaries "$a" 'length >= 1'
until_true 'a summary of each log' summaries "$b" 'length >= 1'
summaries "$a" '.[0] | .requests == 10 and .status_codes == {"404": 10} and .hosts[0].host == "new" and .malformed == 0' ||
    fail "not the columns of the header: $(cat "$dir/events" "$dir/err")"
summaries "$b" '.[0] | .requests == 10 and .sections[0].section == "/new"' || fail "old lines were read: $(cat "$dir/events")"
ok 'each log is a source, its header is known, and old lines are not read again'

mv "$a" "$a.1"
printf 'remote_addr|status|time_iso8601\nrotated|200|2019-02-07T21:11:25Z\n' > "$a.new"
chown --reference="$a.1" "$a.new"
chmod --reference="$a.1" "$a.new"
mv "$a.new" "$a"
until_true 'the new file is read' grep -qE "has appeared|has been replaced" "$dir/err"
for second in $(seq 26 50); do printf 'rotated|200|%s\n' "2019-02-07T21:11:${second}Z" >> "$a"; done
until_true 'a summary after the rotation' summaries "$a" 'any(.hosts[0].host == "rotated")'
ok 'a rotated log is followed, with a header of its own'

before=$(wc -l < "$dir/events")
kill "$main"
status=0
wait "$main" || status=$?
main=
[ "$status" = 143 ] || fail "status $status after SIGTERM"
sed "1,${before}d" "$dir/events" | jq -es 'map(select(.type == "summary" and .partial)) | length == 2' > /dev/null ||
    fail "not drained: $(sed "1,${before}d" "$dir/events")"
[ "$(jq -s 'map(select(.type == "summary").requests) | add' "$dir/events")" = 76 ] || fail "not 76 requests: $(cat "$dir/events")"
ok 'SIGTERM to the main process writes what is open, and no request is lost'
end_all
children=

# From the exec of the unit's own command on; what setpriv needed is not the unit's.
sed -n '/execve("\/bin\/bash"/,$p' "$dir/trace" > "$dir/ours"
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
read -r used outside < <(python3 "$dir/allowed.py" "$unit" "$dir/ours")
[ "$used" -gt 20 ] || fail "only $used system calls were seen"
[ -z "$outside" ] || fail "system calls that the unit forbids: $outside"
! grep -E 'socket\(|PROT_WRITE\|PROT_EXEC|mprotect\(.*PROT_EXEC|unshare\(|CLONE_NEW' "$dir/ours" >&2 || fail 'forbidden by the unit'
! grep -E 'open(at)?\(.*(O_WRONLY|O_RDWR|O_CREAT)' "$dir/ours" | grep -vE '"/dev/(null|tty)"' >&2 || fail 'opens a file for writing'
printf 'ok of %s system calls none is one that the unit forbids\n' "$used"
