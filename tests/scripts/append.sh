#!/usr/bin/env bash
# httpmon-append: the file of events is that of an unbroken run, whatever was interrupted.
# shellcheck disable=SC2015  # "A && B || fail" is meant
set -euo pipefail
scripts/need python3 jq unshare=util-linux mount
# shellcheck source=tests/lib.sh
. tests/lib.sh
ev=$dir/ev
at() { # FIRST COUNT PER: PER requests in each of COUNT seconds
    awk -v t="$1" -v n="$2" -v per="$3" 'BEGIN { for (i = 0; i < n; i++) for (k = 0; k < per; k++) printf "192.0.2.1,-,-,%d,GET /a HTTP/1.1,200,5\n", t + i }'
}
is() { # WHAT EXPECTED-FILE
    same_bytes "$1" "$2" "$ev"
}

at 1549573200 400 12 > "$dir/log"
httpmon < "$dir/log" > "$dir/whole"
grep -q '"alert"' "$dir/whole" || fail 'no alert'
httpmon-append "$ev" < "$dir/whole" > "$dir/out"
is 'a new file' "$dir/whole"
same_bytes 'standard output' "$dir/whole" "$dir/out"
httpmon-append "$ev" < "$dir/whole" > "$dir/out"
is 'the same again' "$dir/whole"
[ ! -s "$dir/out" ] || fail 'passed on twice'
ok 'a file that holds all gets nothing, and what is appended is passed on'

HTTPMON_RUNS=${HTTPMON_RUNS:-12}
python3 tests/scripts/append.py "$dir" "$HTTPMON_RUNS" "${HTTPMON_SEED:-1}"
ok "$HTTPMON_RUNS random logs, each interrupted up to five times: the file is that of an unbroken run"
python3 tests/scripts/append_damage.py "$dir" $((3 * HTTPMON_RUNS)) "${HTTPMON_SEED:-1}"
ok "$((3 * HTTPMON_RUNS)) damaged files: what was whole stays, nothing comes twice, what is new comes"

# The replay does not begin where the file does.
{ at 1549573200 300 2; at 1549573500 400 12; at 1549573900 800 3; at 1549574700 100 20; } > "$dir/long"
httpmon < "$dir/long" > "$dir/long.ev"
rm "$ev"
head -n 7305 "$dir/long" | httpmon | httpmon-append "$ev" > /dev/null
tail -n +1801 "$dir/long" | httpmon | httpmon-append "$ev" > /dev/null
is 'a replay from the middle' "$dir/long.ev"
ok 'a replay may begin later than the file'
rm "$ev"
head -n 3005 "$dir/long" | httpmon | httpmon-append "$ev" > /dev/null
cp "$ev" "$dir/short"
sed -n 2001,3000p "$dir/long" | httpmon | httpmon-append "$ev" > /dev/null
is 'a replay that has only just begun' "$dir/short"
ok 'a replay that does not know what came before changes nothing'
rm "$ev"
tail -n 3000 "$dir/log" | httpmon | sed 1d | httpmon-append "$ev" > /dev/null
cp "$ev" "$dir/late"
httpmon < "$dir/log" | httpmon-append "$ev" > "$dir/out"
[ "$(jq -s 'map(.start // .time) | . == sort' "$ev")" = true ] || fail 'not in order'
ok 'a replay may begin earlier than the file'

# The clock was an hour ahead, and was set right.
rm "$ev"
at 1700003600 100 5 | httpmon -q > "$dir/1"
at 1700000100 300 20 | httpmon -q > "$dir/2"
httpmon-append "$ev" < "$dir/1" > /dev/null
httpmon-append "$ev" < "$dir/2" > /dev/null
cat "$dir/1" "$dir/2" > "$dir/both"
is 'two runs' "$dir/both"
[ "$(grep -c '"alert"' "$ev")" = 1 ] && [ "$(wc -l < "$ev")" = 41 ] || fail 'not the events of both'
for twice in 1 2; do
    { at 1700003600 100 5; at 1700000100 300 20; } | httpmon -q | httpmon-append "$ev" > "$dir/out"
done
[ ! -s "$dir/out" ] && [ "$(grep -c '"alert"' "$ev")" = 1 ] || fail "time that was set back, again ($twice)"
ok 'time that was set back: the events of both runs, each once'

# Torn lines.
rm "$ev"
torn=$(sed -n 6p "$dir/whole")
{ head -n 5 "$dir/whole"; printf %s "${torn::100}"; sed -n 7,26p "$dir/whole"; } > "$ev"
httpmon-append "$ev" < "$dir/whole" > /dev/null 2> "$dir/err"
is 'a torn line in the middle' "$dir/whole"
ok 'a torn line in the middle, with an event glued to it, is repaired'
size=$(stat -c %s "$dir/whole")
inode=$(stat -c %i "$ev")
for cut in 1 2 100 $((size - 1)); do
    truncate -s $((size - cut)) "$ev"
    httpmon-append "$ev" < "$dir/whole" > /dev/null
    is "a file that ends $cut bytes early" "$dir/whole"
done
[ "$(stat -c %i "$ev")" = "$inode" ] || fail 'the file was replaced'
ok 'a torn last event is completed in place, so that followers lose nothing'
printf '{"type":"summ' >> "$ev"
httpmon-append "$ev" < "$dir/whole" > /dev/null
printf '%s\n' '{"type":"alert","source":"other","time":"2019-02-07T21:00:00Z","name":"high_traffic"}' | httpmon-append "$ev" > /dev/null
head -n -1 "$ev" | cmp - "$dir/whole" && [ "$(tail -n 1 "$ev" | jq -r .source)" = other ] || fail 'torn, and another source'
ok 'a torn last line that another event follows is cut'
torn=$(sed -n 4p "$dir/whole")
{ head -n 3 "$dir/whole"; printf 'no event\n\n%s' "${torn::50}"; } > "$dir/in"
rm "$ev"
httpmon-append "$ev" < "$dir/in" > /dev/null 2> "$dir/err"
head -n 3 "$dir/whole" > "$dir/expected"
is 'a torn input' "$dir/expected"
[ "$(cat "$dir/err")" = "httpmon-append: not an event: 'no event'" ] || fail "$(cat "$dir/err")"
ok 'what is no event is reported, and a torn end of the input is none'

# Options that change do not change what was.
rm "$ev"
httpmon < "$dir/log" | httpmon-append "$ev" > /dev/null
at 1549573600 300 3 > "$dir/more"
cat "$dir/log" "$dir/more" | httpmon -i 20s | httpmon-append "$ev" > /dev/null
head -n "$(wc -l < "$dir/whole")" "$ev" | cmp - "$dir/whole" || fail 'the past was changed'
[ "$(grep -c '"duration_seconds":20' "$ev")" = 15 ] || fail "not the new summaries: $(grep -c '"duration_seconds":20' "$ev")"
ok 'with another interval only what is new comes'

# Several sources.
{ printf '==> a <==\n'; head -n 1500 "$dir/log"; printf '==> b <==\n'; at 1549570000 100 2; printf '==> a <==\n'; tail -n +1501 "$dir/log"; } > "$dir/two"
httpmon < "$dir/two" > "$dir/two.ev"
rm "$ev"
head -n 1600 "$dir/two" | httpmon | httpmon-append "$ev" > /dev/null
{ printf '==> a <==\n'; cat "$dir/log"; printf '==> b <==\n'; at 1549570000 100 2; } | httpmon | httpmon-append "$ev" > /dev/null
for source in a b; do
    grep "\"source\":\"$source\"" "$dir/two.ev" | sed 's/"skipped":[0-9]*//' > "$dir/expected"
    grep "\"source\":\"$source\"" "$ev" | sed 's/"skipped":[0-9]*//' > "$dir/got"
    same_bytes "source $source" "$dir/expected" "$dir/got"
done
ok 'each of several sources has its own events, in order, each once'

# Rotation of the file itself, as logrotate does it.
rm "$ev"
mkfifo "$dir/pipe"
: > "$dir/out"
httpmon-append "$ev" < "$dir/pipe" >> "$dir/out" &
pid=$!
exec 9> "$dir/pipe"
head -n 10 "$dir/whole" >&9
until_true 'ten events' has_lines "$dir/out" 10
mv "$ev" "$ev.1"
sed -n 11,20p "$dir/whole" >&9
until_true 'twenty events' has_lines "$dir/out" 20
{ kill -9 "$pid" && wait "$pid" || :; } 2> /dev/null
exec 9>&-
cat "$ev.1" "$ev" | cmp - <(head -n 20 "$dir/whole") || fail 'after the rotation'
httpmon-append "$ev" < "$dir/whole" > /dev/null
cat "$ev.1" "$ev" | cmp - "$dir/whole" || fail 'a replay after the rotation'
gzip "$ev.1"
mv "$ev" "$dir/second"
httpmon-append "$ev" < "$dir/whole" > /dev/null
zcat "$ev.1.gz" | cat - "$ev" | cmp - "$dir/whole" || fail 'the file was rotated and is not there yet'
ok 'a renamed file is left behind, and what it holds is held, compressed or not'
rm -f "$ev" "$ev.1.gz"

# Two at once.
mkfifo "$dir/pipe2"
: > "$dir/out"
httpmon-append "$ev" < "$dir/pipe2" >> "$dir/out" &
pid=$!
exec 9> "$dir/pipe2"
head -n 10 "$dir/whole" >&9
until_true 'ten events' has_lines "$dir/out" 10
: > "$dir/err"
httpmon-append "$ev" < "$dir/whole" > "$dir/out2" 2>> "$dir/err" 9>&- &
second=$!
until_true 'the second waits' has "$dir/err" 'waiting for another httpmon-append'
sed -n 11,20p "$dir/whole" >&9
exec 9>&-
ends_with "$pid" 0 'the first'
ends_with "$second" 0 'the second'
is 'two at once' "$dir/whole"
ok 'two of them write one after the other'

{ httpmon-append "$dir/pipe.ev" < "$dir/whole" || printf 'status %s\n' $? >&2; } 2> "$dir/err" | head -n 1 > /dev/null
[ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
ok 'a reader that goes away is not an error'
for arguments in '' '--colour' 'a b' "$dir/none/ev"; do
    status=0
    # shellcheck disable=SC2086
    httpmon-append $arguments < "$dir/whole" > "$dir/out" 2> "$dir/err" || status=$?
    [ "$status" = 2 ] && [ "$(wc -l < "$dir/err")" = 1 ] && [ ! -s "$dir/out" ] || fail "status $status for: $arguments"
done
httpmon-append --help > "$dir/out"
[ "$(head -n 1 "$dir/out")" = 'usage: httpmon-append EVENTS < events' ] && [ "$(awk 'length > 79' "$dir/out")" = '' ] || fail 'help'
ok 'wrong usage is one line and status 2, --help is help'

# A small file system that is full for a while, if one may be mounted.
mkdir "$dir/small"
if ! mount -t tmpfs -o size=32k none "$dir/small" 2> /dev/null; then
    printf 'ok (no right to mount a file system: a full one is not tested)\n'
    exit
fi
trap 'umount -l "$dir/small"; clean_up' EXIT
head -c 20000 /dev/zero > "$dir/small/ballast"
: > "$dir/err"
httpmon-append "$dir/small/ev" < "$dir/whole" > "$dir/out" 2> "$dir/err" &
pid=$!
until_true 'it waits for room' has "$dir/err" 'No space left on device: waiting'
[ "$(wc -l < "$dir/err")" = 1 ] || fail "not said once: $(cat "$dir/err")"
{ kill -9 "$pid" && wait "$pid" || :; } 2> /dev/null
httpmon-append "$dir/small/ev" < "$dir/whole" > "$dir/out" 2> "$dir/err.2" &
pid=$!
until_true 'it waits again' has "$dir/err.2" 'No space left on device: waiting'
mount -o remount,size=1m "$dir/small"
ends_with "$pid" 0 'a disk that is full for a while'
same_bytes 'a disk that was full' "$dir/whole" "$dir/small/ev"
[ "$(wc -l < "$dir/err.2")" = 1 ] || fail "$(cat "$dir/err.2")"
ok 'a full disk is said once and waited for, and killed meanwhile it loses nothing'

head -n 4000 "$dir/log" | httpmon > "$dir/half"
rm "$dir/small/ev"
httpmon-append "$dir/small/ev" < "$dir/half" > /dev/null
rm "$dir/small/ballast"
mount -o remount,nr_blocks=$(($(stat -c %s "$dir/whole") / 4096 + 2)) "$dir/small"
httpmon-append "$dir/small/ev" < "$dir/whole" > "$dir/out" 2> "$dir/err"
same_bytes 'no room for a copy' "$dir/whole" "$dir/small/ev"
ok 'where there is no room for a copy the file is cut in place'
